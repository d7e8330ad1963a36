"""Opening a connection: TLS, login and ID, by IMAPClient and imaplib, whose traps are closed here: no verification of
LOGINDISABLED, no total deadline, literals without a limit."""

from __future__ import annotations

import base64
import imaplib
import json
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError

import mailsync
from mailsync.errors import AccountError
from mailsync.mailbox.connection import DEAD, Connection
from mailsync.mailbox.line import Line
from mailsync.mailbox.login import ImapLogin, Mechanism, account_error
from mailsync.mailbox.refusals import is_busy, login_refused
from mailsync.mailbox.traffic import Traffic
from mailsync.mailbox.wire import MalformedAnswer
from mailsync.text import N_, one_line

log = logging.getLogger(__name__)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

#: What is said to one challenge too many. A token is refused by one: the server waits for this before it says NO
#: (RFC 7628 section 3.2.3; XOAUTH2 wants an empty line).
_ENDS: dict[Mechanism, bytes] = {"PLAIN": b"*", "OAUTHBEARER": base64.b64encode(b"\1"), "XOAUTH2": b""}


def open_connection(
    login: ImapLogin, clock: Callable[[], float] = time.monotonic, traffic: Traffic | None = None
) -> Connection:
    """A logged-in connection. Raises `AccountError` in words that a mail administrator acts on; never with a password."""
    traffic = traffic if traffic is not None else Traffic()
    login = login.ready()
    traffic.connections += 1
    client: _Client | None = None
    try:
        client = _Client(login, clock, traffic)
        client.log_in()
        return Connection(client.line, login, _capabilities(client), traffic, client.software)
    except LoginError as error:
        _hang_up(client)
        raise login_refused(login, str(error)) from None
    except (AccountError, OSError, MalformedAnswer, imaplib.IMAP4.error, UnicodeError) as error:
        _hang_up(client)
        # Where there are too many connections, BYE comes in place of a greeting.
        if isinstance(error, imaplib.IMAP4.error) and is_busy(_words(error)):
            raise login_refused(login, _words(error)) from None
        raise account_error(login, error) from None


class _Client(IMAPClient):  # type: ignore[misc]
    """IMAPClient up to the login; what is said afterwards goes over the same line, without it."""

    def __init__(self, login: ImapLogin, clock: Callable[[], float], traffic: Traffic) -> None:
        self._login = login
        self._clock = clock
        self._traffic = traffic
        self._context = _tls_context(login)
        self.software = ""
        super().__init__(
            login.host,
            login.port,
            ssl=login.security == "tls",
            ssl_context=self._context,
            timeout=SocketTimeout(login.connect_timeout, login.read_timeout),
        )
        self._imap.debug = 0  # IMAPClient turns its log on: microseconds for every line
        self.software = _greeted(self._imap.welcome)

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
        """By a SASL mechanism where one is fit, else by LOGIN."""
        login, imap = self._login, self._imap
        if any(_CONTROL.search(word) for word in (login.authorization, login.user, login.password)):
            raise LoginError("a control character in user name or password")
        mechanism, at_once = self._mechanism(), self.has_capability("SASL-IR")
        # What was offered before the login says nothing of what is offered after it.
        self._cached_capabilities = None
        imap.untagged_responses.clear()
        try:
            if mechanism is None:
                self._logged_in(*imap._simple_command("LOGIN", quoted(login.user), quoted(login.password)))
            else:
                self._authenticate_by(mechanism, at_once=at_once)
        except DEAD:
            raise
        except imaplib.IMAP4.error as error:
            raise LoginError(str(error)) from None

    def _mechanism(self) -> Mechanism | None:
        """PLAIN where offered, or needed: it carries UTF-8 and a master's identity. Tokens have mechanisms of their own."""
        login = self._login
        if login.token is None:
            sayable = f"{login.user}{login.password}".isascii() and not login.authorization
            return "PLAIN" if self.has_capability("AUTH=PLAIN") or not sayable else None
        mechanisms: tuple[Mechanism, ...] = ("OAUTHBEARER", "XOAUTH2")
        for mechanism in mechanisms:
            if self.has_capability(f"AUTH={mechanism}"):
                return mechanism
        raise AccountError(
            N_(
                "{server} lets nobody in by a token (no OAUTHBEARER, no XOAUTH2). Give a password instead of token_command"
            ),
            server=login.server,
        )

    def _authenticate_by(self, mechanism: Mechanism, *, at_once: bool) -> None:
        """`at_once`: the words stand in the command itself (SASL-IR, RFC 4959), which saves a round trip."""
        said = _Said(mechanism, self._login.said(mechanism))
        arguments = [said.answer(b"")] if at_once else []
        self._imap.literal = said.answer  # imaplib calls it for each challenge
        kind, text = self._imap._simple_command("AUTHENTICATE", mechanism, *arguments)
        self._logged_in(kind, [*text, *said.told])

    def _logged_in(self, kind: str, text: list[bytes]) -> None:
        if kind != "OK":
            raise LoginError(b" ".join(filter(None, text)).decode("utf-8", "replace"))
        self._imap.state = "AUTH"

    def _introduce(self) -> None:
        try:
            told = self.id_({"name": "mailsync", "version": mailsync.__version__})
        except DEAD:
            raise
        except imaplib.IMAP4.error as error:
            log.debug("%s did not take our ID: %s", self._login.server, error)
        else:
            self.software = _introduced(told) or self.software


class _Said:
    """What is answered to the challenges of a SASL mechanism: its words, then that there is no more to say."""

    def __init__(self, mechanism: Mechanism, words: bytes) -> None:
        self._words = [words]
        self._end = _ENDS[mechanism]
        self.told: list[bytes] = []  #: why a token was refused

    def answer(self, challenge: bytes) -> bytes:
        """In base64."""
        if self._words:
            return base64.b64encode(self._words.pop())
        self.told.append(_status(challenge))
        return self._end


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


def _greeted(welcome: bytes) -> str:
    """The greeting without what changes from one connection to the next: codes, times, addresses, session names."""
    _, _, text = one_line(welcome.decode("utf-8", "replace")).removeprefix("* ").partition(" ")
    words = re.sub(r"^\[[^]]*\] ?", "", text).split()
    return " ".join(word for word in words if not any(map(str.isdigit, word)))[:100]


def _introduced(told: object) -> str:
    """Name and version in the answer to ID (RFC 2971), a list of keys and values."""
    items = told[0] if isinstance(told, Sequence) and told else None
    if not isinstance(items, tuple):
        return ""
    words = [one_line(item.decode("utf-8", "replace")) if isinstance(item, bytes) else "" for item in items]
    said = dict(zip((key.lower() for key in words[::2]), words[1::2], strict=False))
    return " ".join(filter(None, (said.get(key) for key in ("name", "version"))))[:100]


def _words(error: imaplib.IMAP4.error) -> str:
    """What a server said in an error of imaplib, which puts it as bytes."""
    said = error.args[0] if error.args else b""
    return said.decode("utf-8", "replace").removeprefix("* BYE ") if isinstance(said, bytes) else str(error)


def _status(challenge: bytes) -> bytes:
    """The status in the JSON with which a token is refused (RFC 7628 section 3.2.2), in brackets; b"" where there is none."""
    try:
        told = json.loads(base64.b64decode(challenge))
    except ValueError:  # neither base64 nor JSON
        return b""
    return f"({told['status']})".encode() if isinstance(told, dict) and "status" in told else b""


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
