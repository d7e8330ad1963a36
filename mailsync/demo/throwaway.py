"""Throw-away folders, ports and server processes on loopback, never run as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mailsync.errors import MailsyncError
from mailsync.text import N_

START_SECONDS = 20.0
STOP_SECONDS = 6.0
POLL_SECONDS = 0.02
START_ATTEMPTS = 4


class DemoError(MailsyncError):
    """A throw-away server or the sample world could not be set up."""


def unprivileged() -> pwd.struct_passwd:
    """The user that servers run as and that owns their files: `nobody` when we are root, else ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


@contextlib.contextmanager
def throwaway_folder() -> Iterator[Path]:
    """A short folder under the system's temporary folder, owned by the servers' user, removed at the end.

    Short because a Unix socket's path has at most 107 bytes.
    """
    folder = Path(tempfile.mkdtemp(prefix="ms-"))
    try:
        give_away(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def give_away(path: Path) -> None:
    """Hand `path` to the servers' user (only root can, and only root must)."""
    if os.geteuid() == 0:
        owner = unprivileged()
        os.chown(path, owner.pw_uid, owner.pw_gid)


def give_away_tree(root: Path) -> None:
    """Hand a folder and everything below it to the servers' user."""
    if os.geteuid() != 0:
        return
    owner = unprivileged()
    for folder, _, names in os.walk(root):
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        for name in names:
            os.chown(Path(folder) / name, owner.pw_uid, owner.pw_gid)


def free_ports(count: int) -> list[int]:
    """Loopback TCP ports that were free a moment ago; a server that finds one taken is started again on others."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
        return ports


def greets(port: int, greeting: bytes) -> bool:
    """Whether a server listens on `port` and, where `greeting` is not empty, begins with it."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            return not greeting or connection.recv(len(greeting)) == greeting
    except OSError:
        return False


class ThrowawayServer(ABC):
    """A server process with a folder of its own. Subclasses say how it is configured, started and known ready."""

    name = "server"
    port: int

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        """Where the server writes what went wrong."""
        return self.folder / f"{self.name}.log"

    @property
    def process_group(self) -> int:
        """The process group of the running server and of all that it started."""
        if self._process is None:
            raise ValueError(f"{self.name} does not run")
        return self._process.pid

    @abstractmethod
    def _configure(self) -> None:
        """Choose ports and write the configuration."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """What is started."""

    @abstractmethod
    def _ready(self) -> bool:
        """Whether the started server answers."""

    def _drops_by_itself(self) -> bool:
        """Whether the command gives up root itself, instead of being started as the unprivileged user."""
        return False

    def start(self) -> Self:
        """Start and wait until it answers. Raises `DemoError` with the end of its log."""
        for attempt in range(START_ATTEMPTS):
            self._configure()
            self._spawn()
            if self._wait(self._ready, START_SECONDS):
                return self
            self.stop()
            if attempt == START_ATTEMPTS - 1 or "in use" not in self._log_tail():
                break
        raise DemoError(
            N_("{server} did not start within {seconds} s. The end of its log {log} says:\n{tail}"),
            server=self.name,
            seconds=int(START_SECONDS),
            log=self.log_file,
            tail=self._log_tail(),
        )

    def stop(self) -> None:
        """End the process and whatever it started, by its own process group only."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self) -> None:
        root = os.geteuid() == 0 and not self._drops_by_itself()
        owner = unprivileged()
        self.log_file.touch()
        give_away(self.log_file)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in self._command()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=owner.pw_uid if root else None,
                group=owner.pw_gid if root else None,
                extra_groups=[] if root else None,
            )

    def _wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            if ready():
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _log_tail(self) -> str:
        return self.log_file.read_text(errors="replace")[-2000:] if self.log_file.exists() else ""
