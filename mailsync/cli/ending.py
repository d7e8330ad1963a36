"""SIGINT and SIGTERM while a command writes to servers: what is under way comes to its end first (DESIGN 5)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from mailsync.text import N_, Translate


@contextmanager
def asked_to_end(translate: Translate) -> Iterator[Callable[[], bool]]:
    """Yields what says whether the process was asked to end. The second signal ends it at once with
    `KeyboardInterrupt`: the next run then settles what was open. Only in the main thread of the process."""
    asked = False
    words = translate(
        N_("Ending after what is under way. Once more ends at once; the next run then settles the rest")
    )

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        # Not through the buffers of sys.stderr: the signal may have come while they were being written.
        os.write(2, f"\n{words}\n".encode())

    former = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
