"""Where a mailbox is, how to log in to it, and why that failed, in words that a mail administrator acts on."""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from mailsync.errors import AccountError
from mailsync.text import N_, one_line

Security = Literal["tls", "starttls", "none"]
Mechanism = Literal["PLAIN", "OAUTHBEARER", "XOAUTH2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapLogin:
    """Where a mailbox is and how to log in to it. Times in seconds."""

    host: str
    port: int
    security: Security
    user: str  #: `user*master` where one master login serves all
    password: str = field(repr=False)
    authorization: str = ""  #: SASL authorization identity: whose mail, where `user` is a master (RFC 4616)
    #: In place of a password: gives an OAuth2 access token, at each sign-in anew (they live for an hour).
    token: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: Path | None = None
    connect_timeout: float = 15
    read_timeout: float = 60
    command_deadline: float = 600

    @classmethod
    def of_url(
        cls,
        url: str,
        *,
        user: str,
        password: str,
        authorization: str = "",
        token: Callable[[], str] | None = None,
        ca_file: Path | None = None,
        insecure: bool = False,
    ) -> ImapLogin:
        """From `imaps://host[:port]`, or `imap://host[:port]`: there STARTTLS is required, except on loopback or where
        `insecure` allows the login in clear. Raises ValueError where it is no such URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("imap", "imaps") or not parts.hostname:
            raise ValueError(f"{url} is no IMAP address: write imaps://host or imap://host:port")
        security: Security = "tls" if parts.scheme == "imaps" else "starttls"
        if security == "starttls" and (insecure or _is_loopback(parts.hostname)):
            security = "none"
        return cls(
            host=parts.hostname,
            port=parts.port or (993 if security == "tls" else 143),
            security=security,
            user=user,
            password=password,
            authorization=authorization,
            token=token,
            ca_file=ca_file,
        )

    def ready(self) -> ImapLogin:
        """This login with what it signs in by now as `password`. Raises `AccountError` where no token is to be had."""
        return self if self.token is None else replace(self, password=self.token())

    def said(self, mechanism: Mechanism) -> bytes:
        """What the client says in a SASL mechanism: RFC 4616; RFC 7628 section 3.1; Google's and Microsoft's XOAUTH2."""
        whose = self.authorization or self.user
        match mechanism:
            case "PLAIN":
                words = f"{self.authorization}\0{self.user}\0{self.password}"
            case "OAUTHBEARER":
                escaped = whose.replace("=", "=3D").replace(",", "=2C")
                server = f"host={self.host}\1port={self.port}"
                words = f"n,a={escaped},\1{server}\1auth=Bearer {self.password}\1\1"
            case "XOAUTH2":
                words = f"user={whose}\1auth=Bearer {self.password}\1\1"
        return words.encode("utf-8", "surrogatepass")

    @property
    def server(self) -> str:
        return f"{self.host}:{self.port}"


def account_error(login: ImapLogin, error: Exception) -> AccountError:
    """Why the connection could not be made or broke, as a sentence that says what to do."""
    if isinstance(error, AccountError):
        return error
    template = _reason(login, error)
    return AccountError(
        template, server=login.server, host=login.host, user=login.user, reason=harmless(login, error)
    )


def _reason(login: ImapLogin, error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError(verify_code=18 | 19 | 20 | 21):
            return N_(
                "{server} shows a certificate that no known authority signed, so nothing was sent to it."
                " Give its certificate or your company's authority as ca_file ({reason})."
            )
        case ssl.SSLCertVerificationError(verify_code=62 | 63 | 64):
            return N_(
                "{server} shows a certificate for another name than {host}, so nothing was sent to it."
                " Use the name in the certificate as host ({reason})."
            )
        case ssl.SSLCertVerificationError(verify_code=10):
            return N_(
                "The certificate of {server} has expired, so nothing was sent to it."
                " Its administrator must renew it ({reason})."
            )
        case ssl.SSLError():
            return N_(
                "{server} does not speak TLS as asked for. imaps:// is usually port 993,"
                " imap:// with STARTTLS port 143 ({reason})."
            )
        case socket.gaierror():
            return N_("There is no server named {host}. Check the address in imap.url ({reason}).")
        case ConnectionRefusedError():
            return N_(
                "Nothing answers at {server}. Check host and port, and whether IMAP is switched on ({reason})."
            )
        case TimeoutError():
            return N_("{server} did not answer in time. It is tried again at the next run ({reason}).")
        case UnicodeError():
            return N_("The user name or host of {server} cannot be sent: {reason}. Check imap.url and user.")
        case _:
            return N_(
                "The connection to {server} for {user} broke. It is tried again at the next run ({reason})."
            )


def harmless(login: ImapLogin, error: Exception | str) -> str:
    """A server's words without the password or token: some echo it."""
    text = one_line(str(error))
    if login.password:
        said = [base64.b64encode(login.said(mechanism)).decode() for mechanism in get_args(Mechanism)]
        for secret in (login.password, one_line(login.password), *said):
            text = text.replace(secret, "***")
    return text[:300]


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
