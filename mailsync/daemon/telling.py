"""How far a long run is, in the daemon's log: a line a minute, with an estimate of what is left."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from mailsync.text import Sentence, duration

logger = logging.getLogger(__name__)

EVERY = 60.0  #: seconds between two lines


class Telling:
    """The progress of one run of one account."""

    def __init__(self, account: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._stage = ""
        self._began = self._told = clock()
        self._done_before = 0

    def __call__(self, stage: Sentence, done: int, total: int) -> None:
        now = self._clock()
        if str(stage) != self._stage:
            self._stage, self._began, self._told, self._done_before = str(stage), now, now, done
        if now - self._told < EVERY or not total:
            return
        self._told = now
        advanced = done - self._done_before
        left = f", {duration((total - done) * (now - self._began) / advanced)} left" if advanced else ""
        logger.info("%s: %s: %d of %d%s", self._account, stage, done, total, left)
