"""One plan being carried out: what its parts share, and what became of each action."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mailsync.errors import MailsyncError
from mailsync.run.actions import Action, CardAction, CardState
from mailsync.run.journal import Closing, Intent, Journal, JournalRow, Run
from mailsync.run.ports import CardEditor
from mailsync.text import Sentence

#: `left`: its turn did not come, because the run was stopped or its server failed.
ResultState = Literal["done", "conflict", "failed", "left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one action of the plan."""

    action: Action
    state: ResultState
    note: Sentence | None = None
    stale: bool = False  #: refused because its card had changed since it was planned: it may be planned anew


@dataclass(kw_only=True)
class Outcome:
    """What became of a plan. `errors` ended the work on a whole server, book or mailbox."""

    results: list[Result] = field(default_factory=list)
    errors: list[MailsyncError] = field(default_factory=list)
    stopped: bool = False
    paused: bool = False  #: cards are left because their time was over
    held: dict[tuple[str, str], CardState] = field(default_factory=dict)  #: (book, href) → as read back
    paces: dict[str, tuple[int, float]] = field(default_factory=dict)  #: book → cards written, seconds spent

    def pace(self, book: str, cards: int, seconds: float) -> None:
        """Take down how long a window of cards took."""
        before, spent = self.paces.get(book, (0, 0.0))
        self.paces[book] = before + cards, spent + seconds

    def of(self, state: ResultState) -> list[Result]:
        """The results with this state, in the order they came."""
        return [result for result in self.results if result.state == state]

    @property
    def done(self) -> list[Result]:
        return self.of("done")

    @property
    def conflicts(self) -> list[Result]:
        return self.of("conflict")

    @property
    def failed(self) -> list[Result]:
        return self.of("failed")

    @property
    def left(self) -> list[Result]:
        return self.of("left")


@dataclass(kw_only=True)
class Execution:
    """One plan being carried out, as its parts share it."""

    run: Run
    journal: Journal
    editor: CardEditor
    check: Callable[[], None]  #: raises `AccountLocked` when a newer run took over
    stop: Callable[[], bool]  #: says that the process is asked to end
    progress: Callable[[int, int], None]
    undoes: Mapping[Action, int]
    total: int
    card_seconds: float | None = None  #: after so long no further cards of a book are begun; None: no end
    clock: Callable[[], float] = time.monotonic  #: seconds
    outcome: Outcome = field(default_factory=Outcome)

    def go_on(self) -> bool:
        """Asked before each window: may it begin? Raises `AccountLocked`."""
        self.outcome.stopped = self.outcome.stopped or self.stop()
        if not self.outcome.stopped:
            self.check()
        return not self.outcome.stopped

    def open(self, intents: Sequence[Intent]) -> list[JournalRow]:
        """Commit intents."""
        return self.journal.open(self.run.id, self.run.account, intents)

    def close(
        self,
        closings: Sequence[Closing],
        failures: Mapping[int, Sentence] | None = None,
        *,
        stale: Collection[int] = (),
    ) -> None:
        """Commit outcomes. What settled as abandoned did not happen: `failures` (row → the server's words) say why.
        `stale`: rows whose card had changed since they were planned."""
        failures = failures or {}
        told = [_told(closing, failures.get(closing.row.id)) for closing in closings]
        self.journal.close(told)
        self.settle(
            Result(
                action=closing.row.action,
                state=_result_state(closing),
                note=closing.note,
                stale=closing.row.id in stale,
            )
            for closing in told
        )
        for closing in told:
            if closing.held is not None and isinstance(closing.row.action, CardAction):
                self.outcome.held[closing.row.action.book, closing.row.action.href] = closing.held

    def refuse(
        self, action: Action, note: Sentence, state: ResultState = "conflict", *, stale: bool = False
    ) -> None:
        """A precondition does not hold: nothing was touched, nothing is journalled."""
        self.settle([Result(action=action, state=state, note=note, stale=stale)])

    def leave(self, actions: Sequence[Action]) -> None:
        """The turn of those that have no result yet does not come in this run."""
        settled = {id(result.action) for result in self.outcome.results}
        self.settle([Result(action=action, state="left") for action in actions if id(action) not in settled])

    def settle(self, results: Iterable[Result]) -> None:
        """Take results down and show how far the run is."""
        self.outcome.results.extend(results)
        self.show()

    def show(self, answered: int = 0) -> None:
        """Show how far the run is; `answered`: actions of the present window that have no result yet."""
        self.progress(len(self.outcome.results) + answered, self.total)


def _told(closing: Closing, words: Sentence | None) -> Closing:
    if closing.state != "abandoned" or words is None:
        return closing
    return Closing(row=closing.row, state="failed", note=words)


def _result_state(closing: Closing) -> ResultState:
    match closing.state:
        case "done" | "conflict" | "failed":
            return closing.state
        case _:
            return "left"
