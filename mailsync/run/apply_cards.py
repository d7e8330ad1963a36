"""Writing the cards of one book: exact bytes read, intent committed, written under If-Match, read back together.

The first card goes alone, as a canary: only when the server is seen to keep it do the others follow in windows, over
as many connections as the server bears; while one window is under way, the one before is read back and the one behind
made ready. A server that makes something else of a card gets no further window in this run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from mailsync.errors import AccountError, CollectionError, ItemError
from mailsync.run.actions import CardAction, CardCreate, CardDelete, CardRename, CardReplace, CardState
from mailsync.run.execution import Execution
from mailsync.run.journal import Closing, Intent, JournalRow
from mailsync.run.ports import BookPort, PreconditionFailed
from mailsync.run.settle import changed_meanwhile, settle_cards, wanted_bytes
from mailsync.text import N_, Sentence

Item = TypeVar("Item")
Found = TypeVar("Found")


class _Each(Protocol):
    def __call__(self, work: Callable[[Item], Found], items: Sequence[Item], /) -> Iterator[Found]: ...


#: Cards between two commits, read before and read back with one question each.
WINDOW = 100


@dataclass(kw_only=True)
class _Sent:
    """What the server answered to the writes of one window, by row."""

    etags: dict[int, str | None] = field(default_factory=dict)  #: accepted
    refusals: dict[int, Sentence] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)  #: refused because the card had changed meanwhile
    broken: CollectionError | None = None


@dataclass(frozen=True, slots=True)
class _Accepted:
    etag: str | None


_Answer = _Accepted | ItemError | CollectionError | AccountError | None


@dataclass(kw_only=True)
class _Flight:
    """A window whose intents are committed, and the answers that come in."""

    rows: Sequence[JournalRow]
    answers: Iterator[_Answer]

    def landed(self) -> _Sent:
        """Wait for all answers. Raises `AccountError` once all that was under way has its answer."""
        sent = _Sent()
        failure: AccountError | None = None
        for row, answer in zip(self.rows, self.answers, strict=True):
            match answer:
                case _Accepted(etag):
                    sent.etags[row.id] = etag
                case AccountError():
                    failure = answer
                case ItemError() | CollectionError():
                    sent.refusals[row.id] = answer.sentence
                    if isinstance(answer, PreconditionFailed):
                        sent.stale.add(row.id)
                    elif isinstance(answer, CollectionError):
                        sent.broken = answer
        if failure is not None:
            raise failure
        return sent


def write_cards(execution: Execution, book: BookPort, actions: Sequence[CardAction]) -> None:
    """Carry the actions of one book out. Raises `AccountError`; its open rows are then settled by the next run."""
    with ExitStack() as stack:
        crew = None
        if book.connections > 1:
            crew = stack.enter_context(ThreadPoolExecutor(book.connections))
        _Writer(execution, book, crew).write(actions)
    execution.leave(actions)


class _Writer:
    """The writing of one book. Without a `crew` everything is done one after the other in this thread."""

    def __init__(self, execution: Execution, book: BookPort, crew: ThreadPoolExecutor | None) -> None:
        self._execution = execution
        self._book = book
        self._crew = crew
        self._proven = False  #: the server was seen to keep a card as it was sent
        self._faithful = True

    def write(self, actions: Sequence[CardAction]) -> None:
        under_way: _Flight | None = None
        started, counted = time.monotonic(), 0
        try:
            for window in self._windows(actions):
                rows = self._execution.open(_prepare(self._execution, self._book, window, self._each))
                before, under_way = under_way, None
                sent = before.landed() if before else None
                under_way = self._take_off(rows)
                if before and sent:
                    self._settle(before, sent)
                if not self._proven or self._crew is None:
                    flight, under_way = under_way, None
                    self._settle(flight, flight.landed())
                counted += len(window)
            if under_way:
                flight, under_way = under_way, None
                self._settle(flight, flight.landed())
        except CollectionError as error:
            self._execution.outcome.errors.append(error)
            if under_way:
                with suppress(CollectionError):  # the same book failed again: its rows stay open
                    self._settle(under_way, under_way.landed())
        if counted > WINDOW // 2:
            self._execution.outcome.pace(self._book.url, counted, time.monotonic() - started)

    def _windows(self, actions: Sequence[CardAction]) -> Iterator[Sequence[CardAction]]:
        """The first card, then windows; each time asked whether to go on."""
        seconds = self._execution.card_seconds
        end = None if seconds is None else time.monotonic() + seconds
        begun = 0
        while begun < len(actions) and self._faithful and self._execution.go_on():
            if begun and end is not None and time.monotonic() >= end:
                self._execution.outcome.paused = True
                return
            window = actions[begun : begun + (WINDOW if self._proven else 1)]
            begun += len(window)
            yield window

    def _each(self, work: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
        """`work` of each item, in order, as many at once as the book's server bears. A server that turned out to
        bear only one is asked one after the other from the next window on."""
        if self._crew is None or self._book.connections == 1:
            return map(work, items)
        return self._crew.map(work, items)

    def _take_off(self, rows: Sequence[JournalRow]) -> _Flight:
        """Begin to write the rows' cards."""
        ended = threading.Event()

        def send(row: JournalRow) -> _Answer:
            if ended.is_set() or self._execution.stop():
                return None
            try:
                return _Accepted(_send_one(self._execution, self._book, row))
            except ItemError as error:
                return error
            except (CollectionError, AccountError) as error:
                ended.set()
                return error

        return _Flight(rows=rows, answers=self._each(send, rows))

    def _settle(self, flight: _Flight, sent: _Sent) -> None:
        """Read a window back and close its rows. Raises `CollectionError`, `AccountError`."""
        execution, book = self._execution, self._book
        closings = [_judge(closing, sent) for closing in settle_cards(book, execution.editor, flight.rows)]
        strange = [one for one in closings if one.state == "conflict" and one.row.id in sent.etags]
        closings = [
            _put_back(execution, book, one, sent.etags) if one in strange else one for one in closings
        ]
        execution.close(closings, sent.refusals, stale=sent.stale)
        self._proven = self._proven or any(closing.state == "done" for closing in closings)
        self._faithful = self._faithful and not strange
        if sent.broken is not None:
            raise sent.broken


def _prepare(execution: Execution, book: BookPort, window: Sequence[CardAction], each: _Each) -> list[Intent]:
    """The intents of those actions whose precondition holds; the others are refused."""
    hrefs = [action.href for action in window if not isinstance(action, CardCreate)]
    held = dict(book.read_many(hrefs)) if hrefs else {}
    inexact = [href for href, state in held.items() if not state.exact]
    exactly = dict(zip(inexact, each(lambda href: _read(book, href), inexact), strict=True))
    intents = []
    for action in window:
        undo_of = execution.undoes.get(action)
        if isinstance(action, CardCreate):
            intents.append(Intent(action=action, undo_of=undo_of))
            continue
        state = exactly.get(action.href, held.get(action.href))
        if state is None:
            execution.refuse(action, Sentence.of(N_("The card is gone from the server")), stale=True)
        elif isinstance(state, ItemError):
            execution.refuse(action, state.sentence, "failed")
        elif state.etag != action.etag:
            execution.refuse(action, changed_meanwhile(), stale=True)
        elif (problem := _problem(execution, action, state)) is not None:
            execution.refuse(action, problem, "failed")
        else:
            intents.append(Intent(action=action, former=state.data, undo_of=undo_of))
    return intents


def _read(book: BookPort, href: str) -> CardState | ItemError | None:
    try:
        return book.read(href)
    except ItemError as error:
        return error


def _problem(execution: Execution, action: CardAction, state: CardState) -> Sentence | None:
    """Why the card cannot be edited."""
    if isinstance(action, CardRename):
        try:
            execution.editor.edit(state.data, action.edit)
        except ItemError as error:
            return error.sentence
    return None


def _send_one(execution: Execution, book: BookPort, row: JournalRow) -> str | None:
    match row.action:
        case CardDelete(href=href, etag=etag):
            book.delete(href, etag=etag)
            return None
        case CardCreate(href=href, card=card):
            book.create(href, card)
            return None
        case CardRename(href=href, etag=etag) | CardReplace(href=href, etag=etag):
            wanted = wanted_bytes(row, execution.editor)
            return etag if wanted == row.former else book.write(href, wanted, etag=etag)
        case _:
            raise TypeError(row.action.kind)


def _judge(closing: Closing, sent: _Sent) -> Closing:
    """The outcome as seen on the server, with the server's own words where it refused."""
    row = closing.row
    words = sent.refusals.get(row.id)
    if closing.state == "conflict" and words is not None:
        return Closing(row=row, state="conflict", note=words)
    if closing.state == "abandoned" and row.id in sent.etags:
        ignored = N_("The server accepted the card, but still holds the former one")
        return Closing(row=row, state="failed", note=Sentence.of(ignored))
    return closing


def _put_back(
    execution: Execution, book: BookPort, closing: Closing, etags: Mapping[int, str | None]
) -> Closing:
    """The server holds something else than was written. Where that is surely our own write, undo it at once."""
    row, etag = closing.row, closing.etag
    if not isinstance(row.action, CardRename | CardReplace) or row.former is None:
        return closing
    if etag is None or etags[row.id] != etag:
        return Closing(row=row, state="conflict", note=closing.note)
    try:
        book.write(row.action.href, row.former, etag=etag)
    except ItemError as error:
        return Closing(row=row, state="conflict", note=_damaged(row, error.sentence), etag=etag)
    held = book.read_many([row.action.href]).get(row.action.href)
    if held is not None and execution.editor.same_meaning(row.former, held.data):
        restored = N_(
            "The server changed more than the name when it stored the card; it was put back as it was"
        )
        return Closing(row=row, state="conflict", note=Sentence.of(restored))
    lost = Sentence.of(N_("the server changes it again when it is put back"))
    return Closing(row=row, state="conflict", note=_damaged(row, lost), etag=held.etag if held else None)


def _damaged(row: JournalRow, reason: Sentence) -> Sentence:
    return Sentence.of(
        N_("The server damaged the card when it stored it ({reason}). Its former text is kept in run {run}"),
        reason=reason,
        run=row.run,
    )
