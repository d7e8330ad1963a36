"""After an interrupted run: look at the servers and close every open row as what really happened (DESIGN 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mailsync.errors import AccountError, CollectionError, MailsyncError
from mailsync.run.actions import (
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    FolderCreate,
    FolderRename,
    MessageRemove,
    MessageTransfer,
)
from mailsync.run.journal import Closing, Journal, JournalRow
from mailsync.run.ports import BookPort, CardEditor, MailPort
from mailsync.run.settle import (
    settle_cards,
    settle_folders,
    settle_removals,
    settle_renames,
    settle_transfers,
)
from mailsync.text import N_

#: The target of mail actions, beside the URLs of books (also in `run.confirmations`).
MAILBOX = "mailbox"


@dataclass(kw_only=True)
class Recovery:
    """What was settled, and what could not be: nothing may be planned for a `blocked` target in this run."""

    closings: list[Closing] = field(default_factory=list)
    errors: list[MailsyncError] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)  #: `MAILBOX` and URLs of books whose rows are still open


def recover(
    account: str,
    *,
    journal: Journal,
    books: Mapping[str, BookPort],
    editor: CardEditor,
    mail: MailPort | None = None,
) -> Recovery:
    """Settle the open rows of `account`. Rows of a server that fails stay open; the error stands in the answer."""
    recovery = Recovery()
    for place, rows in _by_target(journal.open_rows(account)).items():
        try:
            if place == MAILBOX:
                closings = _settle_mail(mail, rows)
            else:
                settled = settle_cards(_book(books, place, len(rows)), editor, rows)
                closings = [_not_ours(closing) for closing in settled]
        except (AccountError, CollectionError) as error:
            recovery.errors.append(error)
            recovery.blocked.add(place)
        else:
            journal.close(closings)
            recovery.closings.extend(closings)
    return recovery


def action_target(row: JournalRow) -> str:
    """Whether a row is about the mailbox (`MAILBOX`) or about a book (its URL)."""
    match row.action:
        case CardRename() | CardCreate() | CardDelete() | CardReplace():
            return row.action.book
        case _:
            return MAILBOX


def _not_ours(closing: Closing) -> Closing:
    """A card that is neither the former nor the wanted one is a person's: undo must never take it for ours."""
    return replace(closing, etag=None) if closing.state == "conflict" else closing


def _by_target(rows: list[JournalRow]) -> dict[str, list[JournalRow]]:
    groups: defaultdict[str, list[JournalRow]] = defaultdict(list)
    for row in rows:
        groups[action_target(row)].append(row)
    return dict(groups)


def _book(books: Mapping[str, BookPort], url: str, count: int) -> BookPort:
    if url not in books:
        raise CollectionError(
            N_(
                "{count} card(s) of {book} were interrupted while they were written, and the book is not open now; "
                "what became of them is found out as soon as it is in the configuration and its server answers"
            ),
            count=count,
            book=url,
        )
    return books[url]


def _settle_mail(mail: MailPort | None, rows: list[JournalRow]) -> list[Closing]:
    if mail is None:
        raise CollectionError(
            N_("{count} message(s) were interrupted on their way, and the mail account is not open now"),
            count=len(rows),
        )
    kinds: tuple[tuple[type, Callable[[MailPort, list[JournalRow]], list[Closing]]], ...] = (
        (FolderCreate, settle_folders),
        (MessageTransfer, settle_transfers),
        (MessageRemove, settle_removals),
        (FolderRename, settle_renames),
    )
    return [
        closing
        for kind, settle in kinds
        for closing in settle(mail, [row for row in rows if isinstance(row.action, kind)])
    ]
