"""One IMAP connection: opened with TLS and a login, every command through one choke point, a deadline on each.

Built on IMAPClient and imaplib, closing their traps: no verification of LOGINDISABLED, no total deadline, literals
without a limit, arguments that may carry a second command, EXPUNGE and CLOSE that take away what others marked.
"""

from __future__ import annotations

import imaplib
import io
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import cast

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError, ProtocolError

import mailsync
from mailsync.errors import AccountError, CollectionError
from mailsync.mailbox.login import ImapLogin, account_error, login_refused
from mailsync.mailbox.wire import MalformedAnswer, Raw
from mailsync.text import N_, one_line

log = logging.getLogger(__name__)

#: Bytes of one literal; headers are asked for in at most 256 KiB.
LARGEST_LITERAL = 16 * 1024 * 1024
LONGEST_LINE = 1_000_000

#: All that mailsync ever says to a mail server once it is logged in. No EXPUNGE, no CLOSE, no SEARCH, no DELETE.
COMMANDS = frozenset(
    {
        *(
            "LIST",
            "LSUB",
            "STATUS",
            "NAMESPACE",
            "NOOP",
            "EXAMINE",
            "SELECT",
            "UNSELECT",
            "CREATE",
            "SUBSCRIBE",
        ),
        *("UID FETCH", "UID COPY", "UID MOVE", "UID STORE", "UID EXPUNGE"),
    }
)

#: After these the outcome of a command is unknown and the connection is of no more use.
DEAD = (OSError, imaplib.IMAP4.abort, ProtocolError, MalformedAnswer)

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_CODE = re.compile(r"\[([A-Z-]+)[^\]]*\] ?")


class MailboxRefused(CollectionError):
    """The server answered NO or BAD; `code` is its response code (RFC 5530), "" where it gave none."""

    def __init__(self, template: str, *, code: str, **fields: object) -> None:
        super().__init__(template, **fields)
        self.code = code
        self.answer = str(fields.get("answer", ""))

    @property
    def says_missing(self) -> bool:
        """Of STATUS, SELECT, EXAMINE: there is no such mailbox. Dovecot and Cyrus say it in words, without a code."""
        return self.code == "NONEXISTENT" or (not self.code and "exist" in self.answer.lower())


class Connection(IMAPClient):  # type: ignore[misc]
    """A logged-in connection. `command` is the only way to say anything over it."""

    def __init__(self, login: ImapLogin, clock: Callable[[], float]) -> None:
        self._login = login
        self._clock = clock
        self._context = _tls_context(login)
        super().__init__(
            login.host,
            login.port,
            ssl=login.security == "tls",
            ssl_context=self._context,
            timeout=SocketTimeout(login.connect_timeout, login.read_timeout),
        )
        self._imap.debug = 0  # IMAPClient turns its log on: microseconds for every line

    def _create_IMAP4(self) -> _Line:
        return _Line(self._login, self._context, self._clock)

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
        self._cached_capabilities = None
        self._imap.untagged_responses.clear()
        self._imap.is_readonly = True  # else imaplib raises at the first EXAMINE
        if self.has_capability("ID"):
            self._introduce()

    def _authenticate(self) -> None:
        """AUTHENTICATE PLAIN where offered (it carries UTF-8 and a master's identity), else LOGIN."""
        login, line = self._login, self._imap
        words = (login.authorization, login.user, login.password)
        if any(_CONTROL.search(word.encode()) for word in words):
            raise LoginError("a control character in user name or password")
        try:
            if self.has_capability("AUTH=PLAIN") or login.authorization or not "".join(words).isascii():
                line.authenticate("PLAIN", lambda _challenge: "\0".join(words))
            else:
                kind, text = line._simple_command("LOGIN", quoted(login.user), quoted(login.password))
                if kind != "OK":
                    raise LoginError(_words(text))
                line.state = "AUTH"
        except DEAD:
            raise
        except imaplib.IMAP4.error as error:
            raise LoginError(str(error)) from None

    def _introduce(self) -> None:
        try:
            self.id_({"name": "mailsync", "version": mailsync.__version__})
        except DEAD:
            raise
        except imaplib.IMAP4.error as error:
            log.debug("%s did not take our ID: %s", self._login.server, error)

    def command(self, name: str, *arguments: str | bytes, answer: str = "", mailbox: str = "") -> list[Raw]:
        """Say one command and return its untagged answers of type `answer` ("FETCH", "LIST" …).

        `mailbox` names in words what it is about. Raises `MailboxRefused` on NO and BAD, ValueError for an argument
        that could carry a second command, one of DEAD when the connection is of no more use.
        """
        if name not in COMMANDS:
            raise ValueError(f"{name} is never sent")
        encoded = [
            argument.encode("ascii") if isinstance(argument, str) else argument for argument in arguments
        ]
        if any(_CONTROL.search(argument) for argument in encoded):
            raise ValueError(f"control character in an argument of {name}")
        self._imap.start_deadline(self._login.command_deadline)
        self._imap.untagged_responses = {
            kind: kept for kind, kept in self._imap.untagged_responses.items() if kind == "BYE"
        }
        verb, *rest = name.encode().split()
        try:
            kind, text = self._imap._simple_command(verb.decode(), *rest, *encoded)
        except DEAD:
            raise
        except imaplib.IMAP4.error as error:
            raise _refused(name, mailbox, str(error)) from None
        if kind != "OK":
            raise _refused(name, mailbox, _words(text))
        if name in ("SELECT", "EXAMINE"):
            self._imap.state = "SELECTED"
        return self.untagged(answer)

    def untagged(self, kind: str) -> list[Raw]:
        """The last command's untagged answers of a kind, taken away."""
        return cast("list[Raw]", self._imap.untagged_responses.pop(kind, []))

    def told(self, kind: str) -> int | None:
        """A number the last command was answered with: EXISTS, UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ …"""
        values = self._imap.untagged_responses.get(kind) or [None]
        last = values[-1]
        return int(last) if isinstance(last, bytes) and last.isdigit() else None

    def said(self, kind: str) -> bool:
        """Whether the last command was answered with this response code: READ-ONLY …"""
        return kind in self._imap.untagged_responses

    def hang_up(self) -> None:
        """Close the socket without a word: never CLOSE, and no LOGOUT to a server in doubt."""
        try:
            self.shutdown()
        except OSError as error:
            log.debug("closing the connection to %s: %s", self._login.server, error)


class _Line(imaplib.IMAP4):
    """imaplib over a socket whose every read stands under a deadline, and that takes no literal of any size."""

    def __init__(self, login: ImapLogin, context: ssl.SSLContext | None, clock: Callable[[], float]) -> None:
        self._login = login
        self._context = context
        self._clock = clock
        self._ends: float = clock() + login.command_deadline
        super().__init__(login.host, login.port, login.connect_timeout)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        self.start_deadline(self._login.read_timeout)
        with ExitStack() as stack:
            connected = socket.create_connection((host, port), timeout)
            stack.callback(connected.close)
            if self._login.security == "tls" and self._context is not None:
                connected = self._context.wrap_socket(connected, server_hostname=host)
            stack.pop_all()
        self._read_from(connected)

    def start_tls(self) -> None:
        """STARTTLS (RFC 9051 section 6.2.1). What was read before it is thrown away: it may have been slipped in."""
        kind, text = self._simple_command("STARTTLS")
        if kind != "OK" or self._context is None:
            raise self.abort(f"STARTTLS was refused: {text}")
        self._read_from(self._context.wrap_socket(self.sock, server_hostname=self.host))
        self._tls_established = True

    def _read_from(self, connected: socket.socket) -> None:
        self.sock = connected
        self._reader = io.BufferedReader(_DeadlineReader(self, connected), 65536)

    def start_deadline(self, seconds: float) -> None:
        self._ends = self._clock() + seconds

    def seconds_left(self) -> float:
        return min(self._ends - self._clock(), self._login.read_timeout)

    def read(self, size: int) -> bytes:
        if size > LARGEST_LITERAL:
            raise self.abort(f"a literal of {size} bytes is more than any header has")
        return self._reader.read(size)

    def readline(self) -> bytes:
        line = self._reader.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise self.abort(f"a line of more than {LONGEST_LINE} bytes")
        return line

    def shutdown(self) -> None:
        self.sock.close()


class _DeadlineReader(io.RawIOBase):
    """Reads of a socket, each allowed only what is left of the command's time: a server that sends a byte a second
    never runs into the socket's own timeout."""

    def __init__(self, line: _Line, connected: socket.socket) -> None:
        super().__init__()
        self._line = line
        self._connected = connected

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        left = self._line.seconds_left()
        if left <= 0:
            raise TimeoutError("the command took too long")
        self._connected.settimeout(left)
        return self._connected.recv_into(buffer)


def open_connection(login: ImapLogin, clock: Callable[[], float] = time.monotonic) -> Connection:
    """A logged-in connection. Raises `AccountError` in words that a mail administrator acts on; never with a password."""
    connection: Connection | None = None
    try:
        connection = Connection(login, clock)
        connection.log_in()
    except LoginError as error:
        _hang_up(connection)
        raise login_refused(login, str(error)) from None
    except (AccountError, OSError, imaplib.IMAP4.error, UnicodeError) as error:
        _hang_up(connection)
        raise account_error(login, error) from None
    return connection


def quoted(text: str) -> bytes:
    """An ASCII string as an IMAP quoted string. Raises UnicodeEncodeError."""
    return b'"' + text.encode("ascii").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


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


def _hang_up(connection: Connection | None) -> None:
    if connection is not None:
        connection.hang_up()


def _refused(name: str, mailbox: str, answer: str) -> MailboxRefused:
    code = _CODE.search(answer)
    return MailboxRefused(
        N_("The mail server refused {command} on the folder “{mailbox}”: {answer}"),
        code=code[1] if code else "",
        command=name,
        mailbox=mailbox,
        answer=one_line(answer)[:300],
    )


def _words(text: Sequence[object]) -> str:
    return " ".join(part.decode("utf-8", "replace") for part in text if isinstance(part, bytes))
