"""Settling open rows: ask the server what became of an intent, and close it with the truth.

The same code runs after success, after an error in the middle, and after a crash (DESIGN 5). An OK is no proof: only
what is seen counts, and COPYUID (RFC 4315) counts as seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mailsync.errors import CollectionError, ItemError
from mailsync.run.actions import (
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    CardState,
    FolderCreate,
    FolderRename,
    MailboxState,
    MessageRemove,
    MessageState,
    MessageTransfer,
)
from mailsync.run.journal import Closing, JournalRow
from mailsync.run.ports import BookPort, CardEditor, MailPort
from mailsync.text import N_, Sentence


def settle_cards(book: BookPort, editor: CardEditor, rows: Sequence[JournalRow]) -> list[Closing]:
    """Outcomes of card rows of one book, read back together.

    `done`: the server holds what was wanted. `abandoned`: it holds the former card. `conflict`: anything else, which
    a person wrote meanwhile or the server made of ours.
    """
    hrefs = [card_href(row) for row in rows]
    held = book.read_many(hrefs) if hrefs else {}
    return [_settle_card(row, held.get(href), editor) for row, href in zip(rows, hrefs, strict=True)]


def card_href(row: JournalRow) -> str:
    """The href of a card row."""
    if not isinstance(row.action, CardRename | CardCreate | CardDelete | CardReplace):
        raise TypeError(row.action.kind)
    return row.action.href


def wanted_bytes(row: JournalRow, editor: CardEditor) -> bytes:
    """The card that a row means the server to hold. Raises `ItemError` where it cannot be edited."""
    match row.action:
        case CardRename():
            return editor.edit(row.former or b"", row.action.edit)
        case CardCreate() | CardReplace():
            return row.action.card
        case _:
            raise TypeError(row.action.kind)


def _settle_card(row: JournalRow, held: CardState | None, editor: CardEditor) -> Closing:
    match row.action, held:
        case CardDelete(), None:
            return Closing(row=row, state="done")
        case CardCreate(), None:
            return Closing(row=row, state="abandoned")
        case _, None:
            return Closing(
                row=row, state="conflict", note=Sentence.of(N_("The card is gone from the server"))
            )
        case CardDelete(etag=etag), CardState():
            if held.etag == etag:
                return Closing(row=row, state="abandoned")
            return Closing(row=row, state="conflict", note=changed_meanwhile())
    return _settle_written(row, held, editor)


def _settle_written(row: JournalRow, held: CardState | None, editor: CardEditor) -> Closing:
    if held is None:
        raise TypeError("a card that is gone has been settled before")
    try:
        wanted = wanted_bytes(row, editor)
    except ItemError as error:
        return Closing(row=row, state="conflict", note=error.sentence)
    if editor.same_meaning(wanted, held.data):
        return Closing(row=row, state="done", etag=held.etag, held=held)
    if isinstance(row.action, CardRename | CardReplace) and held.etag == row.action.etag:
        return Closing(row=row, state="abandoned")
    return Closing(row=row, state="conflict", note=changed_meanwhile(), etag=held.etag)


def changed_meanwhile() -> Sentence:
    """Why a card was left alone."""
    return Sentence.of(
        N_("The card changed on the server meanwhile and was left as it is; the next run reads it again")
    )


def settle_transfers(
    mail: MailPort,
    rows: Sequence[JournalRow],
    *,
    said: Mapping[int, int] | None = None,
    by_move: bool = False,
    verified: bool = False,
) -> list[Closing]:
    """Outcomes of message rows; in mode move, removes the originals whose copies are seen.

    `said`: row → destination UID as the server answered (COPYUID). `by_move`: those answers came from MOVE, so their
    originals are gone with them. `verified`: the fingerprints of the sources were read just now. `abandoned` means that
    nothing happened to the message.
    """
    said = said or {}
    # What was copied was there: whether it still is shows when it is to be removed.
    present = {row.id for row in rows if row.id in said and verified and not by_move}
    doubtful = [row for row in rows if row.id not in present and not (by_move and row.id in said)]
    present |= _still_there(mail, doubtful) if verified else _present_sources(mail, doubtful)
    seen = {**said, **_find_copies(mail, rows, said, present)}
    closings, removable = [], []
    for row in rows:
        if is_move(row) and row.id in seen and row.id in present:
            removable.append(row)
        else:
            closings.append(_settle_transfer(row, seen.get(row.id), row.id in present))
    return closings + _remove_originals(mail, removable, seen)


def _settle_transfer(row: JournalRow, copy: int | None, present: bool) -> Closing:
    if copy is not None:
        return Closing(row=row, state="done", destination_uid=copy)
    if present:
        return Closing(row=row, state="abandoned")
    gone = N_("The message is neither where it was nor where it was to go: somebody moved or deleted it")
    return Closing(row=row, state="conflict", note=Sentence.of(gone))


def _remove_originals(mail: MailPort, rows: Sequence[JournalRow], seen: Mapping[int, int]) -> list[Closing]:
    """The copies are seen: remove their originals, look again."""
    if mail.can_expunge_uids:
        for mailbox, group in _by_mailbox(rows).items():
            mail.remove(mailbox, [transfer(row).uid for row in group])
    left = _still_there(mail, rows)
    return [_settle_removed(row, seen[row.id], row.id in left) for row in rows]


def _settle_removed(row: JournalRow, copy: int, left: bool) -> Closing:
    if not left:
        return Closing(row=row, state="done", destination_uid=copy)
    action = transfer(row)
    note = Sentence.of(
        N_(
            "It was copied to {after}, but the server did not remove it from {before}: it stands in both folders"
        ),
        before=action.mailbox,
        after=action.destination,
    )
    return Closing(row=row, state="conflict", note=note, destination_uid=copy)


def settle_folders(mail: MailPort, rows: Sequence[JournalRow]) -> list[Closing]:
    """Outcomes of folder rows: those that exist are subscribed again, which costs nothing."""
    states = mail.states([_folder(row) for row in rows])
    existing = {mailbox for mailbox, state in states.items() if isinstance(state, MailboxState)}
    mail.create([_folder(row) for row in rows if _folder(row) in existing])
    return [Closing(row=row, state="done" if _folder(row) in existing else "abandoned") for row in rows]


def _folder(row: JournalRow) -> str:
    if not isinstance(row.action, FolderCreate):
        raise TypeError(row.action.kind)
    return row.action.mailbox


def settle_renames(mail: MailPort, rows: Sequence[JournalRow]) -> list[Closing]:
    """Outcomes of folders renamed; their subscriptions follow them. The fence is the state of the folder before.

    `abandoned`: it still has its former name. A folder of that name with another UIDVALIDITY was made since.
    """
    wanted = [(row, renaming(row)) for row in rows]
    states = mail.states(dict.fromkeys(name for _, one in wanted for name in (one.mailbox, one.after)))
    return [_settle_rename(mail, row, states[one.mailbox], states[one.after]) for row, one in wanted]


def _settle_rename(
    mail: MailPort,
    row: JournalRow,
    former: MailboxState | CollectionError | None,
    now: MailboxState | CollectionError | None,
) -> Closing:
    action = renaming(row)
    if isinstance(former, MailboxState) and row.fence and former.uidvalidity == row.fence.uidvalidity:
        return Closing(row=row, state="abandoned")
    if isinstance(now, MailboxState):
        mail.move_subscriptions(action.mailbox, action.after)
        return Closing(row=row, state="done")
    gone = N_("The folder is neither called {before} nor {after}: somebody renamed or deleted it")
    return Closing(
        row=row, state="conflict", note=Sentence.of(gone, before=action.mailbox, after=action.after)
    )


def renaming(row: JournalRow) -> FolderRename:
    """The renaming of a row."""
    if not isinstance(row.action, FolderRename):
        raise TypeError(row.action.kind)
    return row.action


def settle_removals(mail: MailPort, rows: Sequence[JournalRow]) -> list[Closing]:
    """Outcomes of copies taken away by an undo."""
    present = _present_sources(mail, rows)
    return [Closing(row=row, state="abandoned" if row.id in present else "done") for row in rows]


def messages_at(
    mail: MailPort, mailbox: str, uidvalidity: int, uids: Sequence[int]
) -> Mapping[int, MessageState] | None:
    """The messages that are still there under these UIDs; None where the UIDs mean nothing any more."""
    if mail.validity(mailbox) != uidvalidity:
        return None
    return mail.messages(mailbox, uids)


def transfer(row: JournalRow) -> MessageTransfer:
    """The transfer of a row."""
    if not isinstance(row.action, MessageTransfer):
        raise TypeError(row.action.kind)
    return row.action


def uid_of(row: JournalRow) -> int:
    """The UID of a row about a message."""
    return _source(row).uid


def _present_sources(mail: MailPort, rows: Iterable[JournalRow]) -> set[int]:
    """Rows whose message is still in its former place, by UIDVALIDITY, UID and fingerprint."""
    present: set[int] = set()
    for mailbox, group in _by_mailbox(rows).items():
        for uidvalidity in {_source(row).uidvalidity for row in group}:
            wanted = [row for row in group if _source(row).uidvalidity == uidvalidity]
            held = messages_at(mail, mailbox, uidvalidity, [_source(row).uid for row in wanted]) or {}
            for row in wanted:
                found = held.get(_source(row).uid)
                if found is not None and found.fingerprint == _source(row).fingerprint:
                    present.add(row.id)
    return present


def _still_there(mail: MailPort, rows: Iterable[JournalRow]) -> set[int]:
    """Rows whose message, of known fingerprint, is still in its former place: by UIDVALIDITY and UID alone."""
    present: set[int] = set()
    for mailbox, group in _by_mailbox(rows).items():
        validity = mail.validity(mailbox)
        group = [row for row in group if _source(row).uidvalidity == validity]
        left = mail.remaining(mailbox, [_source(row).uid for row in group])
        present |= {row.id for row in group if _source(row).uid in left}
    return present


def _find_copies(
    mail: MailPort, rows: Sequence[JournalRow], said: Mapping[int, int], present: set[int]
) -> dict[int, int]:
    """Row → UID of its copy above the fence, by fingerprint; every copy is claimed once."""
    claimed: defaultdict[str, set[int]] = defaultdict(set)
    by_destination: defaultdict[str, list[JournalRow]] = defaultdict(list)
    for row in rows:
        if row.id in said:
            claimed[transfer(row).destination].add(said[row.id])
        else:
            by_destination[transfer(row).destination].append(row)
    found: dict[int, int] = {}
    for destination, group in by_destination.items():
        found.update(_claim_copies(mail, destination, group, claimed[destination], present))
    return found


def _claim_copies(
    mail: MailPort, destination: str, rows: Sequence[JournalRow], claimed: set[int], present: set[int]
) -> dict[int, int]:
    validity = mail.validity(destination)
    if validity is None:
        return {}
    fences = {row.id: 1 if mail.has_labels else _first_uid(row, validity) for row in rows}
    held = mail.messages_from(destination, min(fences.values()))
    found: dict[int, int] = {}
    # Of equal messages, those that left their place are served first: their copies must exist.
    for row in sorted(rows, key=lambda row: (row.id in present, row.id)):
        fits = (
            uid
            for uid, message in sorted(held.items())
            if uid >= fences[row.id]
            and uid not in claimed
            and message.fingerprint == transfer(row).fingerprint
        )
        copy = next(fits, None)
        if copy is not None:
            claimed.add(copy)
            found[row.id] = copy
    return found


def _first_uid(row: JournalRow, validity: int) -> int:
    """From where a copy is sought. A mailbox created anew meanwhile numbers from 1: the fence says nothing there."""
    return row.fence.uidnext if row.fence and row.fence.uidvalidity == validity else 1


def _source(row: JournalRow) -> MessageTransfer | MessageRemove:
    if not isinstance(row.action, MessageTransfer | MessageRemove):
        raise TypeError(row.action.kind)
    return row.action


def is_move(row: JournalRow) -> bool:
    """Whether the row moves a message, and so removes its original."""
    return row.action.kind == "message-move"


def _by_mailbox(rows: Iterable[JournalRow]) -> dict[str, list[JournalRow]]:
    groups: defaultdict[str, list[JournalRow]] = defaultdict(list)
    for row in rows:
        groups[_source(row).mailbox].append(row)
    return dict(groups)
