"""A line to a real mail server that spoils the answer to one command: what poor servers and networks do."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

Fault = Literal["NO", "BAD", "BYE", "silence", "nonsense"]
FAULTS: tuple[Fault, ...] = ("NO", "BAD", "BYE", "silence", "nonsense")

_COMMAND = re.compile(rb"([A-Za-z]+\d+) ((?:UID )?[A-Za-z]+)", re.IGNORECASE)


@dataclass
class FaultyLine:
    """A proxy before the IMAP server at `port` on loopback. The command number `at` (from 0, over all connections) never
    reaches the server: it gets `fault` for an answer. `heard`: the verbs of all commands."""

    port: int
    fault: Fault | None = None
    at: int = -1
    heard: list[str] = field(default_factory=list)
    fired: bool = False

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            one.close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"imap://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            self._open += [client, server]
            for target, ends in ((self._up, (client, server)), (self._down, (server, client))):
                threading.Thread(target=target, args=ends, daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in client.makefile("rb"):
                command = _COMMAND.match(line)
                if command is None or not self._is_it(command[2].decode().upper()):
                    server.sendall(line)
                    continue
                self._spoil(client, command[1])
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _is_it(self, verb: str) -> bool:
        with self._lock:
            self.heard.append(verb)
            self.fired = self.fired or len(self.heard) - 1 == self.at
            return len(self.heard) - 1 == self.at

    def _spoil(self, client: socket.socket, tag: bytes) -> None:
        match self.fault:
            case "NO" | "BAD":
                client.sendall(b"%b %b something is wrong\r\n" % (tag, self.fault.encode()))
            case "BYE":
                client.sendall(b"* BYE going down\r\n")
                client.shutdown(socket.SHUT_RDWR)
            case "nonsense":
                client.sendall(b"(((]]{{{ \x00\xff %b\r\n" % tag)
            case _:
                pass  # silence: the client must not wait for ever

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
