"""Carrying a plan out: intent, precondition, effect, outcome, window by window (DESIGN 4 and 5).

Every failure of one item is that item's. A book or mailbox that fails ends the work there; a server that fails ends
the work on it and leaves the rows of its last window open, for the next run to settle.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from mailsync.errors import AccountError
from mailsync.run import apply_cards, apply_mail
from mailsync.run.actions import (
    Action,
    CardAction,
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    MailAction,
)
from mailsync.run.execution import Execution, Outcome, Result
from mailsync.run.journal import Journal, Run
from mailsync.run.ports import BookPort, CardEditor, MailPort
from mailsync.text import N_, Sentence

__all__ = ["Outcome", "Result", "apply"]


def apply(
    run: Run,
    actions: Sequence[Action],
    *,
    journal: Journal,
    books: Mapping[str, BookPort],
    editor: CardEditor,
    mail: MailPort | None = None,
    check: Callable[[], None] = lambda: None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    undoes: Mapping[Action, int] | None = None,
    card_seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Carry `actions` out on the servers: cards book by book, then folders, messages, copies to take away, and new
    names for folders.

    `check` is asked before each window and raises `AccountLocked` when a newer run took the account over; `stop` says
    that the process is asked to end, and what was begun is then finished. `undoes`: action → journal row that it takes
    back. `card_seconds`: after so long no further cards of a book are begun, so that mail gets its turn.
    `clock`: seconds, by which the ways to move messages are compared. Raises nothing of a server: what ended early stands
    in the outcome's `errors`.
    """
    execution = Execution(
        run=run,
        journal=journal,
        editor=editor,
        check=check,
        stop=stop,
        progress=progress,
        undoes=undoes or {},
        total=len(actions),
        card_seconds=card_seconds,
        clock=clock,
    )
    cards: defaultdict[str, list[CardAction]] = defaultdict(list)
    messages: list[MailAction] = []
    for action in actions:
        match action:
            case CardRename() | CardCreate() | CardDelete() | CardReplace():
                cards[action.book].append(action)
            case _:
                messages.append(action)
    for url, group in cards.items():
        _write_book(execution, books.get(url), group)
    if messages:
        _write_mail(execution, mail, messages)
    return execution.outcome


def _write_book(execution: Execution, book: BookPort | None, actions: Sequence[CardAction]) -> None:
    if book is None:
        for action in actions:
            execution.refuse(action, Sentence.of(N_("The address book {book} is not open"), book=action.book))
        return
    try:
        apply_cards.write_cards(execution, book, actions)
    except AccountError as error:
        execution.outcome.errors.append(error)
        execution.leave(actions)


def _write_mail(execution: Execution, mail: MailPort | None, actions: Sequence[MailAction]) -> None:
    if mail is None:
        for action in actions:
            execution.refuse(action, Sentence.of(N_("The mail account is not open")))
        return
    try:
        apply_mail.write_mail(execution, mail, actions)
    except AccountError as error:
        execution.outcome.errors.append(error)
        execution.leave(actions)
