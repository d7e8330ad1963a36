"""By which of two ways messages leave a mailbox: MOVE (RFC 6851) to each destination, or COPY to each and one UID
EXPUNGE (RFC 4315) for the window. Which is faster is the server's affair, so it is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: Where nothing was measured: one MOVE per destination costs a large mailbox dear (Dovecot rewrites its index each time),
#: and beyond this many destinations COPY and one UID EXPUNGE are several times cheaper.
MANY_DESTINATIONS = 20


@dataclass(kw_only=True)
class Ways:
    """The two ways out of one mailbox, and how long they took there. `measured`: both are tried, a small window each."""

    clock: Callable[[], float]  #: seconds
    by_copy_at_first: bool
    measured: bool
    refused: bool = False  #: the server offers MOVE and then refuses it
    _move: float | None = field(default=None, init=False)  #: seconds for one destination
    _copy: float | None = field(default=None, init=False)  #: seconds for one destination
    _removal: float = field(default=0.0, init=False)  #: seconds for one window

    def by_copy(self, destinations: int) -> bool:
        """Whether a window to so many destinations goes by COPY."""
        if self.refused:
            return True
        if not self.measured or (self._move is None and self._copy is None):
            return self.by_copy_at_first
        if self._move is None or self._copy is None:
            return self._copy is None
        return destinations * self._copy + self._removal < destinations * self._move

    @contextmanager
    def timing(self, destinations: int, *, by_copy: bool) -> Iterator[Callable[[], None]]:
        """Take the time of a window; what is yielded is called when all is said and the outcomes are to be settled."""
        started = said = self.clock()

        def settling() -> None:
            nonlocal said
            said = self.clock()

        yield settling
        ended = self.clock()
        if by_copy:
            self._copy, self._removal = (said - started) / destinations, ended - said
        else:
            self._move = (ended - started) / destinations
