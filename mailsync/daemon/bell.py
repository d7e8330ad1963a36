"""A bell that signals may ring: a pipe, because locks taken inside a handler can deadlock."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Self


class Bell:
    """Rung from anywhere (handlers, threads), waited for by one."""

    def __init__(self) -> None:
        self._hear, self.rope = os.pipe()
        os.set_blocking(self.rope, False)

    def ring(self) -> None:
        try:
            os.write(self.rope, b"!")
        except BlockingIOError:
            return  # the pipe is full of rings nobody heard yet

    def wait(self, timeout: timedelta) -> bool:
        """Whether it was rung within `timeout`, or before."""
        heard, _, _ = select.select([self._hear], [], [], timeout.total_seconds())
        return bool(heard)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.rope)
        os.close(self._hear)


@contextmanager
def rung_by_signals(bell: Bell) -> Iterator[None]:
    """SIGTERM and SIGINT ring `bell`; only in the main thread of the process.

    The bell hangs at the wakeup descriptor: a Python handler alone would wait until the main thread wakes up,
    which it does not while another thread got the signal.
    """
    former_rope = signal.set_wakeup_fd(bell.rope, warn_on_full_buffer=False)
    former = {number: signal.signal(number, _on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(former_rope)


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    """The wakeup descriptor has rung already; this only keeps the signal from ending the process."""
