"""Opening a connection: TLS, login and ID, by IMAPClient and imaplib, whose traps are closed here: no verification of
LOGINDISABLED, no total deadline, literals without a limit."""

from __future__ import annotations

import base64
import imaplib
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

import mailsync
from mailsync.errors import AccountError
from mailsync.mailbox.connection import DEAD, Connection
from mailsync.mailbox.line import Line
from mailsync.mailbox.login import ImapLogin, account_error, login_refused
from mailsync.mailbox.traffic import Traffic
from mailsync.mailbox.wire import MalformedAnswer
from mailsync.text import N_, one_line

log = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def open_connection(
    login: ImapLogin, clock: Callable[[], float] = time.monotonic, traffic: Traffic | None = None
) -> Connection:
    """A logged-in connection. Raises `AccountError` in words that a mail administrator acts on; never with a password."""
    traffic = traffic if traffic is not None else Traffic()
    traffic.connections += 1
    client: _Client | None = None
    try:
        client = _Client(login, clock, traffic)
        client.log_in()
        return Connection(client.line, login, _capabilities(client), traffic)
    except LoginError as error:
        _hang_up(client)
        raise login_refused(login, str(error)) from None
    except (AccountError, OSError, MalformedAnswer, imaplib.IMAP4.error, UnicodeError) as error:
        _hang_up(client)
        raise account_error(login, error) from None


class _Client(IMAPClient):  # type: ignore[misc]
    """IMAPClient up to the login; what is said afterwards goes over the same line, without it."""

    def __init__(self, login: ImapLogin, clock: Callable[[], float], traffic: Traffic) -> None:
        self._login = login
        self._clock = clock
        self._traffic = traffic
        self._context = _tls_context(login)
        super().__init__(
            login.host,
            login.port,
            ssl=login.security == "tls",
            ssl_context=self._context,
            timeout=SocketTimeout(login.connect_timeout, login.read_timeout),
        )
        self._imap.debug = 0  # IMAPClient turns its log on: microseconds for every line

    @property
    def line(self) -> Line:
        """What the connection goes on with."""
        line: Line = self._imap.line
        return line

    def _create_IMAP4(self) -> _Imaplib:
        return _Imaplib(self._login, self._context, self._clock, self._traffic)

    def log_in(self) -> None:
        """STARTTLS where required, then AUTHENTICATE PLAIN or LOGIN, then ID (NetEase refuses every mailbox without).

        Raises LoginError, AccountError, or one of DEAD.
        """
        login = self._login
        if login.security == "starttls":
            if not self.has_capability("STARTTLS"):
                raise AccountError(
                    N_("{server} offers no encryption (STARTTLS). The password was not sent. Use imaps://"),
                    server=login.server,
                )
            self._imap.start_tls()
            self._starttls_done = True  # IMAPClient then forgets what was offered in clear
        if self.has_capability("LOGINDISABLED"):
            raise AccountError(
                N_("{server} refuses logins without encryption. The password was not sent. Use imaps://"),
                server=login.server,
            )
        self._authenticate()
        if self.has_capability("ID"):
            self._introduce()

    def _authenticate(self) -> None:
        """AUTHENTICATE PLAIN where offered (it carries UTF-8 and a master's identity), else LOGIN."""
        login, imap = self._login, self._imap
        words = (login.authorization, login.user, login.password)
        if any(_CONTROL.search(word) for word in words):
            raise LoginError("a control character in user name or password")
        plain, at_once = self.has_capability("AUTH=PLAIN"), self.has_capability("SASL-IR")
        # What was offered before the login says nothing of what is offered after it.
        self._cached_capabilities = None
        imap.untagged_responses.clear()
        try:
            if plain or login.authorization or not "".join(words).isascii():
                self._authenticate_plain(at_once=at_once)
            else:
                self._logged_in(*imap._simple_command("LOGIN", quoted(login.user), quoted(login.password)))
        except DEAD:
            raise
        except imaplib.IMAP4.error as error:
            raise LoginError(str(error)) from None

    def _authenticate_plain(self, *, at_once: bool) -> None:
        """`at_once`: the words stand in the command itself (SASL-IR, RFC 4959), which saves a round trip."""
        words = self._login.plain
        if at_once:
            self._logged_in(*self._imap._simple_command("AUTHENTICATE", "PLAIN", words))
        else:
            self._imap.authenticate("PLAIN", lambda _challenge: base64.b64decode(words))

    def _logged_in(self, kind: str, text: list[bytes]) -> None:
        if kind != "OK":
            raise LoginError(b" ".join(text).decode("utf-8", "replace"))
        self._imap.state = "AUTH"

    def _introduce(self) -> None:
        try:
            self.id_({"name": "mailsync", "version": mailsync.__version__})
        except DEAD:
            raise
        except imaplib.IMAP4.error as error:
            log.debug("%s did not take our ID: %s", self._login.server, error)


class _Imaplib(imaplib.IMAP4):
    """imaplib over a `Line`."""

    def __init__(
        self,
        login: ImapLogin,
        context: ssl.SSLContext | None,
        clock: Callable[[], float],
        traffic: Traffic,
    ) -> None:
        self._login = login
        self._context = context
        self._clock = clock
        self._traffic = traffic
        super().__init__(login.host, login.port, login.connect_timeout)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        with ExitStack() as stack:
            connected = socket.create_connection((host, port), timeout)
            stack.callback(connected.close)
            if self._login.security == "tls" and self._context is not None:
                connected = self._context.wrap_socket(connected, server_hostname=host)
            stack.pop_all()
        self.line = Line(connected, self._login, self._clock, self._traffic)
        self.sock = connected

    def _get_capabilities(self) -> None:
        """Those of the greeting, where it tells them."""
        match self.untagged_responses.get("CAPABILITY"):
            case [*_, bytes(words)]:
                self.capabilities = tuple(words.decode("ascii", "replace").upper().split())
            case _:
                super()._get_capabilities()  # type: ignore[misc]

    def start_tls(self) -> None:
        """STARTTLS (RFC 9051 section 6.2.1)."""
        kind, text = self._simple_command("STARTTLS")
        if kind != "OK" or self._context is None:
            raise self.abort(f"STARTTLS was refused: {text}")
        self.line.secure(self._context)
        self.sock = self.line.socket
        self._tls_established = True

    def _command(self, name: str, *arguments: object) -> bytes:
        self._traffic.commands += 1
        self.line.start_deadline(self._login.command_deadline)
        return super()._command(name, *arguments)  # type: ignore[misc,no-any-return]

    def send(self, data: bytes) -> None:  # type: ignore[override]
        self.line.send(data)

    def read(self, size: int) -> bytes:
        return self.line.read(size)

    def readline(self) -> bytes:
        return self.line.readline()

    def shutdown(self) -> None:
        self.line.close()


def quoted(text: str) -> bytes:
    """An ASCII string as an IMAP quoted string. Raises UnicodeEncodeError."""
    return b'"' + text.encode("ascii").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _capabilities(client: _Client) -> frozenset[str]:
    return frozenset(word.decode("ascii", "replace").upper() for word in client.capabilities())


def _tls_context(login: ImapLogin) -> ssl.SSLContext | None:
    if login.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=login.ca_file)
    except OSError as error:  # ssl.SSLError among them: a file without a certificate
        raise AccountError(
            N_("The certificate file {file} for {server} cannot be read: {reason}. Check ca_file."),
            file=login.ca_file,
            server=login.server,
            reason=one_line(str(error)),
        ) from None


def _hang_up(client: _Client | None) -> None:
    if client is not None:
        client.line.close()
