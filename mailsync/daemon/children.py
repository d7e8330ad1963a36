"""A child process that is kept alive: started again when it dies, ended with its parent."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from mailsync.errors import ConfigError

logger = logging.getLogger(__name__)

START_SECONDS = 20.0
STOP_SECONDS = 5.0
#: Seconds before a child that died is started again: twice as long each time, until it has lived for the last of them.
FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0


class Child:
    """One supervised process; a context manager. `ready` says whether it answers."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._name = name
        self._command = list(command)
        self._ready = ready
        self._first_pause = first_pause
        self._ending = Event()
        self._renewing = Event()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher = Thread(target=self._watch, name=f"{name} watcher", daemon=True)
        self.restarts = 0  #: how often it had to be started again

    def start(self) -> None:
        """Start it and wait until it answers. Raises `ConfigError` where it does not, or where another process does
        already."""
        end = time.monotonic() + STOP_SECONDS
        while self._ready():  # a child of a parent that was killed may need a moment to end
            if time.monotonic() > end:
                raise ConfigError(
                    ["another process listens there already: end it, or choose another port"], self._name
                )
            time.sleep(0.05)
        self._spawn()
        end = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._process is None or self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise ConfigError(["it does not start; the lines above say why"], self._name)
            time.sleep(0.05)
        self._watcher.start()

    @property
    def pid(self) -> int | None:
        """The running process."""
        with self._lock:
            return self._process.pid if self._process and self._process.poll() is None else None

    def renew(self) -> None:
        """End it, so that it is started again with what it reads at its start."""
        with self._lock:
            if self._process is not None:
                self._renewing.set()
                self._process.terminate()

    def stop(self) -> None:
        """End it for good."""
        self._ending.set()
        with self._lock:
            process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._watcher.is_alive():
            self._watcher.join(STOP_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self) -> None:
        with self._lock:
            if self._ending.is_set():
                return
            # A session of its own: Ctrl-C in a terminal is for the parent, which ends its children last.
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)

    def _watch(self) -> None:
        pause = self._first_pause
        while not self._ending.is_set():
            process, started = self._process, time.monotonic()
            if process is None:
                return
            code = process.wait()
            if self._ending.is_set():
                return
            if self._renewing.is_set():
                self._renewing.clear()
            else:
                if time.monotonic() - started > LAST_PAUSE:
                    pause = self._first_pause
                logger.error("The %s ended with %d; it is started again in %g s", self._name, code, pause)
                if self._ending.wait(pause):
                    return
                pause = min(2 * pause, LAST_PAUSE)
                self.restarts += 1
            self._spawn()
