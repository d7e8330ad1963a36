"""Waiting for mail beside the runs: what happens in an account's mailboxes calls its next run at once.

One connection an account where the server knows NOTIFY, else one for INBOX and one for each Sent mailbox. The runs at
their interval go on as a safety net: a line that died silently says nothing.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from mailsync.errors import MailsyncError
from mailsync.mailbox.watching import ImapLogin, Overrides, Watch, sent_mailboxes

logger = logging.getLogger(__name__)

#: Seconds after which a wait begins anew: servers and home routers end connections that are silent for longer.
ROUND = 9 * 60
#: Seconds before a lost line is opened again: doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 600.0


#: Called in any thread with an account's name and the mailboxes in which something happened.
Happened = Callable[[str, frozenset[str]], None]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """An account to wait at. `login` reads the password anew each time."""

    account: str
    login: Callable[[], ImapLogin]
    overrides: Overrides


@contextmanager
def watching(accounts: Sequence[Watched], happened: Happened) -> Iterator[None]:
    """Wait at all `accounts` in the background."""
    stop = Event()
    threads = [
        Thread(target=_Sentry(one, happened, stop).run, name=f"watch {one.account}", daemon=True)
        for one in accounts
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(5)


class _Sentry:
    """Waits at one account until it is told to stop."""

    def __init__(self, watched: Watched, happened: Happened, stop: Event) -> None:
        self._watched = watched
        self._happened = happened
        self._stop = stop
        self._pause = FIRST_PAUSE

    def run(self) -> None:
        """Wait, and come back after every break."""
        others: list[Thread] = []
        while not self._stop.is_set():
            try:
                with Watch(self._watched.login()) as watch:
                    if not watch.everywhere and not others:
                        others = self._others()
                    self._wait(watch)
            except MailsyncError as error:
                self._rest(error)
        for thread in others:
            thread.join(5)

    def _others(self) -> list[Thread]:
        """Threads that wait at the Sent mailboxes, on a server that tells only of one mailbox a connection."""
        threads = [
            Thread(
                target=self._run_at, args=(name,), name=f"watch {self._watched.account} {name}", daemon=True
            )
            for name in sent_mailboxes(self._watched.login(), self._watched.overrides)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _run_at(self, mailbox: str) -> None:
        while not self._stop.is_set():
            try:
                with Watch(self._watched.login(), mailbox) as watch:
                    self._wait(watch)
            except MailsyncError as error:
                self._rest(error)

    def _wait(self, watch: Watch) -> None:
        logger.debug(
            "%s: waiting at %s", self._watched.account, "all folders" if watch.everywhere else watch.mailbox
        )
        while not self._stop.is_set():
            if mailboxes := watch.wait(ROUND, self._stop.is_set):
                self._happened(self._watched.account, mailboxes)
            self._pause = FIRST_PAUSE

    def _rest(self, error: MailsyncError) -> None:
        logger.info("%s: %s", self._watched.account, error)
        self._stop.wait(self._pause * random.uniform(0.8, 1.2))
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
