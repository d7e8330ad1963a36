"""The line to an IMAP server: a socket whose every read stands under a deadline, and which counts what it costs.

Responses are read whole: a line, and by their length the literals that belong to it (RFC 9051 section 4.3).
"""

from __future__ import annotations

import io
import re
import select
import socket
import ssl
from collections.abc import Callable

from mailsync.mailbox.login import ImapLogin
from mailsync.mailbox.traffic import Traffic
from mailsync.mailbox.wire import MalformedAnswer, Response

#: Bytes of one literal; headers are asked for in at most 256 KiB.
LARGEST_LITERAL = 16 * 1024 * 1024
LONGEST_LINE = 1_000_000

_LITERAL = re.compile(rb"\{(\d{1,12})\+?\}\r\n\Z")
_BUFFER = 256 * 1024


class Line:
    """An open line. Raises OSError where it breaks, TimeoutError where a deadline has passed, `MalformedAnswer`."""

    def __init__(
        self, connected: socket.socket, login: ImapLogin, clock: Callable[[], float], traffic: Traffic
    ) -> None:
        self.clock = clock
        self._login = login
        self._traffic = traffic
        self._ends = 0.0
        self.start_deadline(login.read_timeout)
        self._read_from(connected)

    def secure(self, context: ssl.SSLContext) -> None:
        """Go on in TLS. What was read before it is thrown away: it may have been slipped in."""
        self._read_from(context.wrap_socket(self.socket, server_hostname=self._login.host))

    def _read_from(self, connected: socket.socket) -> None:
        self.socket = connected
        self._raw = _DeadlineReader(self, connected, self._traffic)
        self._reader = io.BufferedReader(self._raw, _BUFFER)

    def start_deadline(self, seconds: float) -> None:
        """Allow `seconds` from now, in which whatever is waited for must have come."""
        self._ends = self.clock() + seconds

    def seconds_left(self) -> float:
        """What a single read may still take."""
        return min(self._ends - self.clock(), self._login.read_timeout)

    def send(self, data: bytes) -> None:
        """Write all of `data`."""
        self.socket.settimeout(self._login.read_timeout)
        self.socket.sendall(data)
        self._traffic.sent(len(data))

    def ready(self, seconds: float) -> bool:
        """Whether there is something to read, or comes within `seconds`; also the end of the line is."""
        self._raw.patient = False
        try:
            buffered = self._reader.peek(1)
        finally:
            self._raw.patient = True
        return bool(buffered) or _readable(self.socket, seconds)

    def readline(self) -> bytes:
        """One line with its line end; b"" where the server hung up."""
        line = self._reader.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise MalformedAnswer(f"a line of more than {LONGEST_LINE} bytes")
        return line

    def read(self, size: int) -> bytes:
        """A literal of `size` bytes."""
        if size > LARGEST_LITERAL:
            raise MalformedAnswer(f"a literal of {size} bytes is more than any header has")
        return self._reader.read(size)

    def response(self) -> Response:
        """One response with its literals. Raises ConnectionError where the server hung up."""
        text = rest = self.readline()
        literals: list[bytes] = []
        while rest.endswith(b"}\r\n") and (announced := _LITERAL.search(rest)):
            literals.append(self.read(int(announced[1])))
            rest = self.readline()
            text = text[:-2] + rest
        if not rest.endswith(b"\n"):
            raise ConnectionError("the server hung up")
        return text.rstrip(b"\r\n"), literals

    def close(self) -> None:
        """Close the socket without a word."""
        self.socket.close()


class _DeadlineReader(io.RawIOBase):
    """Reads of a socket, each allowed only what is left of the command's time: a server that sends a byte a second
    never runs into the socket's own timeout."""

    def __init__(self, line: Line, connected: socket.socket, traffic: Traffic) -> None:
        super().__init__()
        self._line = line
        self._connected = connected
        self._traffic = traffic
        self.patient = True  #: waits for something to read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]
        if not self.patient and not self._has_some():
            return None
        left = self._line.seconds_left()
        if left <= 0:
            raise TimeoutError("the command took too long")
        self._connected.settimeout(left)
        size = self._connected.recv_into(buffer)
        self._traffic.heard(size)
        return size

    def _has_some(self) -> bool:
        if isinstance(self._connected, ssl.SSLSocket) and self._connected.pending():
            return True
        return _readable(self._connected, 0)


def _readable(connected: socket.socket, seconds: float) -> bool:
    poll = select.poll()  # select() takes no descriptor above 1023, and a house may have a thousand accounts
    poll.register(connected, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
