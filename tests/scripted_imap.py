"""An IMAP server that says what a test tells it to: for what no real server does on request."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import BinaryIO, Self

from mailsync.mailbox.imap import ImapLogin

#: What to answer to a command: lines before the tagged one, which is `TAG OK done` unless one begins with `TAG `. After
#: a line that begins with `+` one line of the client is waited for.
Answer = bytes | Callable[[bytes], bytes]
_CRLF = b"\r\n"


class ScriptedImap:
    """Answers each command with what `script` says for its verb (`UID FETCH` is a verb), else with OK."""

    def __init__(
        self,
        script: Mapping[str, Answer] | None = None,
        *,
        capabilities: str = "IMAP4rev1 AUTH=PLAIN",
        greeting: bytes = b"* OK ready",
    ) -> None:
        self.script = dict(script or {})
        self.capabilities = capabilities
        self.greeting = greeting
        self.user = "li.na"
        self.heard: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def login(self) -> ImapLogin:
        port = self._listener.getsockname()[1]
        return ImapLogin.of_url(f"imap://127.0.0.1:{port}", user=self.user, password="geheim-word")

    def verbs(self) -> list[str]:
        """The commands heard, without tags and arguments."""
        return [_verb(line) for line in self.heard]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            connection.sendall(self.greeting + _CRLF)
            for line in lines:
                tag, _, rest = line.rstrip().partition(b" ")
                self.heard.append(rest.decode())
                if rest.startswith(b"AUTHENTICATE") and len(rest.split()) == 2:
                    connection.sendall(b"+ \r\n")
                    self._hear_secret(lines)
                answer = self._answer(rest)
                if answer is None:
                    return
                if not re.search(rb"^TAG ", answer, re.M):
                    answer += b"TAG OK done\r\n"
                for part in re.split(rb"(?<=\n)(?=\+)|(?<=\n)(?=TAG )", answer):
                    connection.sendall(re.sub(rb"^TAG ", tag + b" ", part, flags=re.M))
                    if part.startswith(b"+"):
                        self._hear_secret(lines)

    def _hear_secret(self, lines: BinaryIO) -> None:
        self.heard.append("(secret) " + lines.readline().decode().strip())

    def _answer(self, rest: bytes) -> bytes | None:
        verb = _verb(rest.decode())
        if verb == "CAPABILITY":
            return b"* CAPABILITY " + self.capabilities.encode() + _CRLF
        scripted = self.script.get(verb, b"")
        if callable(scripted):
            scripted = scripted(rest)
        return None if scripted == b"HANG UP" else scripted


def _verb(line: str) -> str:
    words = line.split()
    return " ".join(words[:2]) if words[:1] == ["UID"] else words[0]
