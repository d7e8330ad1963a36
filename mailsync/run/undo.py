"""Undo of a run: what each of its rows needs to be as it was before, as a plan for the same engine.

What a person changed since is left and reported. Folders stay: they may hold mail that came meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailsync.errors import ItemError, UsageError
from mailsync.run.actions import (
    Action,
    CardAction,
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    CardState,
    Finding,
    FolderCreate,
    FolderRename,
    MailAction,
    MessageRemove,
    MessageTransfer,
    Place,
    Severity,
    target,
)
from mailsync.run.journal import JournalRow, Run
from mailsync.run.naming import by_present_names
from mailsync.run.ports import BookPort, CardEditor, MailPort
from mailsync.run.relocate import relocate
from mailsync.run.renames import backwards
from mailsync.run.settle import wanted_bytes
from mailsync.text import N_, Sentence


@dataclass(kw_only=True)
class UndoPlan:
    """Actions that take a run back, the last first; `undoes` and `actions` go to `apply` together."""

    actions: list[Action] = field(default_factory=list)
    undoes: dict[Action, int] = field(default_factory=dict)  #: action → the row it takes back
    findings: list[Finding] = field(default_factory=list)  #: what is left as it is, and why

    def take_back(self, action: Action, row: JournalRow) -> None:
        """Plan `action` to take `row` back."""
        self.actions.append(action)
        self.undoes[action] = row.id

    def leave(self, row: JournalRow, sentence: Sentence, *, kind: str = "undo-left") -> None:
        """Report that `row` is not taken back."""
        severity: Severity = "finding" if kind == "folder-left" else "conflict"
        subject = target(row.action)
        self.findings.append(Finding(kind=kind, severity=severity, subject=subject, sentence=sentence))


def plan_undo(
    run: Run,
    rows: Sequence[JournalRow],
    *,
    books: Mapping[str, BookPort],
    editor: CardEditor,
    mail: MailPort | None = None,
    later: Sequence[JournalRow] = (),
) -> UndoPlan:
    """Plan the undo of `run` from its journal `rows` (recovered: none open), looking at what the servers hold now.

    `later`: the account's rows that were begun after these. What one of them changed anew has to be taken back first.
    Apply it as a run of kind "undo" with the plan's `undoes`. Raises `UsageError` for a run that wrote nothing or
    was an undo itself, `CollectionError` and `AccountError` where a server cannot be read.
    """
    if run.kind == "undo":
        raise UsageError(
            N_("{run} is itself an undo. “mailsync tidy” does again what it took back"), run=run.id
        )
    plan = UndoPlan()
    rows, later = by_present_names(rows, later)
    latest = [row for row in reversed(rows) if _happened(row)]
    if all(isinstance(row.action, FolderCreate) for row in latest):  # folders stay, so nothing would be done
        raise UsageError(N_("There is nothing to undo: run {run} left nothing changed"), run=run.id)
    latest = _followed(latest, later)
    overtaken = _overtaken(latest, later)
    _plan_cards(plan, [row for row in latest if _is_card(row)], books, editor, overtaken)
    _plan_mail(plan, [row for row in latest if not _is_card(row)], mail, overtaken)
    return plan


def _happened(row: JournalRow) -> bool:
    """Whether the row changed something that stands: also a copy whose original could not be removed, and a card
    that the server damaged."""
    if row.state == "conflict":
        return row.destination_uid is not None or (row.etag is not None and row.former is not None)
    return row.state == "done"


def _overtaken(rows: Sequence[JournalRow], later: Sequence[JournalRow]) -> dict[int, str]:
    """Row → the newest later run that changed the same card, or moved the message on from where it lay."""
    newest = {
        _start(row): row.run
        for row in later
        if row.undo_of is None and _happened(row) and _moves(row) and not isinstance(row.action, FolderCreate)
    }
    ends = {row.id: (row.run, _end(row)) for row in rows}
    return {row: newest[end] for row, (run, end) in ends.items() if newest.get(end, run) != run}


def _followed(rows: Sequence[JournalRow], later: Sequence[JournalRow]) -> list[JournalRow]:
    """The rows with their messages where they lie now: a later run moved them on, and the undo of that run back."""
    back = {undo.undo_of: undo for undo in later if undo.undo_of is not None and _happened(undo)}
    now = {row.id: row for row in rows}
    there = {_end(row): row.id for row in rows if isinstance(row.action, MessageTransfer)}
    for other in later:
        undo, moved = back.get(other.id), there.get(_start(other))
        if moved is not None and undo and undo.fence and undo.destination_uid is not None:
            now[moved] = replace(now[moved], fence=undo.fence, destination_uid=undo.destination_uid)
            there[_end(now[moved])] = moved
    return list(now.values())


def _moves(row: JournalRow) -> bool:
    """False for a copy: its original is still where it was."""
    return not isinstance(row.action, MessageTransfer) or (
        row.action.kind == "message-move" and row.state == "done"
    )


def _undo_first(run: str, row: JournalRow) -> Sentence:
    first = N_("“{what}” was changed again by the run {run}: type “mailsync undo {run}” first")
    return Sentence.of(first, run=run, what=_subject(row.action))


def _subject(action: Action) -> str:
    """What an action is about, as people know it: a card's name, a message's subject, a folder."""
    match action:
        case CardRename() | CardCreate() | CardReplace():
            return action.after
        case CardDelete():
            return action.before
        case MessageTransfer() | MessageRemove():
            return action.subject
        case FolderCreate():
            return action.mailbox
        case FolderRename():
            return action.after


def _start(row: JournalRow) -> tuple[str, int, str | int]:
    """Where a row's card or message was found."""
    match row.action:
        case CardRename() | CardCreate() | CardDelete() | CardReplace():
            return row.action.book, 0, row.action.href
        case MessageTransfer() | MessageRemove():
            return row.action.mailbox, row.action.uidvalidity, row.action.uid
        case FolderCreate() | FolderRename():
            return row.action.mailbox, 0, ""


def _end(row: JournalRow) -> tuple[str, int, str | int]:
    """Where a row left it."""
    if isinstance(row.action, MessageTransfer) and row.fence is not None and row.destination_uid is not None:
        return row.action.destination, row.fence.uidvalidity, row.destination_uid
    if isinstance(row.action, FolderRename):
        return row.action.after, 0, ""
    return _start(row)


def _is_card(row: JournalRow) -> bool:
    return isinstance(row.action, CardRename | CardCreate | CardDelete | CardReplace)


def _plan_cards(
    plan: UndoPlan,
    rows: Sequence[JournalRow],
    books: Mapping[str, BookPort],
    editor: CardEditor,
    overtaken: Mapping[int, str],
) -> None:
    by_book: defaultdict[str, list[tuple[JournalRow, CardAction]]] = defaultdict(list)
    for row in rows:
        if isinstance(row.action, CardRename | CardCreate | CardDelete | CardReplace):
            by_book[row.action.book].append((row, row.action))
    for url, group in by_book.items():
        if url not in books:
            for row, action in group:
                closed = N_("The address book {book} is not open, so {href} is left as it is")
                plan.leave(row, Sentence.of(closed, book=url, href=action.href))
            continue
        held = books[url].read_many([action.href for _, action in group])
        for row, action in group:
            card = held.get(action.href)
            if row.id in overtaken and not _stands(row, action, card, editor):
                plan.leave(row, _undo_first(overtaken[row.id], row))
            else:
                _plan_card(plan, row, action, card, editor)


def _plan_card(
    plan: UndoPlan, row: JournalRow, action: CardAction, held: CardState | None, editor: CardEditor
) -> None:
    if isinstance(action, CardDelete):
        _plan_card_again(plan, row, action, held)
    elif held is None:
        gone = N_("The card “{name}” is no longer there: nothing to undo")
        plan.leave(row, Sentence.of(gone, name=action.after))
    elif not _is_ours(row, held, editor):
        changed = N_("The card “{name}” was changed by somebody after the run and is left as it is")
        plan.leave(row, Sentence.of(changed, name=action.after))
    elif isinstance(action, CardCreate):
        back = CardDelete(
            book=action.book, href=action.href, uid=action.uid, etag=held.etag, before=action.after
        )
        plan.take_back(back, row)
    else:
        former = CardReplace(
            book=action.book,
            href=action.href,
            uid=action.uid,
            etag=held.etag,
            before=action.after,
            after=action.before,
            card=row.former or b"",
        )
        plan.take_back(former, row)


def _plan_card_again(plan: UndoPlan, row: JournalRow, action: CardDelete, held: CardState | None) -> None:
    if held is not None:
        taken = N_("At {href} there is a card again: “{name}” is not put back")
        plan.leave(row, Sentence.of(taken, href=action.href, name=action.before))
        return
    again = CardCreate(
        book=action.book,
        href=action.href,
        uid=action.uid,
        after=action.before,
        codes=(),
        card=row.former or b"",
    )
    plan.take_back(again, row)


def _stands(row: JournalRow, action: CardAction, held: CardState | None, editor: CardEditor) -> bool:
    """Whether the card is as the row left it, whatever was done with it in between."""
    if isinstance(action, CardDelete):
        return held is None
    return held is not None and _is_ours(row, held, editor)


def _is_ours(row: JournalRow, held: CardState, editor: CardEditor) -> bool:
    """By etag, or (a server gave the same card a new one) by meaning."""
    if row.etag is not None and held.etag == row.etag:
        return True
    try:
        return editor.same_meaning(wanted_bytes(row, editor), held.data)
    except ItemError:
        return False


def _plan_mail(
    plan: UndoPlan, rows: Sequence[JournalRow], mail: MailPort | None, overtaken: Mapping[int, str]
) -> None:
    if mail is None:
        for row in rows:
            closed = N_("The mail account is not open, so {target} is left as it is")
            plan.leave(row, Sentence.of(closed, target=target(row.action)))
        return
    back: list[MailAction] = []
    copies, originals = _present_places(mail, rows)
    for row in rows:
        if isinstance(row.action, FolderCreate):
            stays = N_("The folder {mailbox} stays: mail may have come into it meanwhile")
            plan.leave(row, Sentence.of(stays, mailbox=row.action.mailbox), kind="folder-left")
        elif row.id in overtaken:
            plan.leave(row, _undo_first(overtaken[row.id], row))
        elif isinstance(row.action, FolderRename):
            _plan_name(plan, row, row.action, mail)
        elif isinstance(row.action, MessageTransfer) and row.id in copies:
            action = _transfer_back(row, row.action, copies[row.id], originals.get(row.id))
            back.append(action)
            plan.undoes[action] = row.id
        elif isinstance(row.action, MessageTransfer):
            lost = N_(
                "“{subject}” is not found in {mailbox}, which is gone or was made anew since: find it and move it back "
                "to {before} by hand"
            )
            plan.leave(
                row,
                Sentence.of(
                    lost,
                    subject=row.action.subject,
                    mailbox=row.action.destination,
                    before=row.action.mailbox,
                ),
            )
    homes = dict.fromkeys(action.destination for action in back if isinstance(action, MessageTransfer))
    states = mail.states(homes)
    plan.actions.extend(FolderCreate(mailbox=home) for home in homes if states[home] is None)
    plan.actions.extend(back)


def _plan_name(plan: UndoPlan, row: JournalRow, action: FolderRename, mail: MailPort) -> None:
    """A folder gets its former name back, unless somebody renamed it since or that name is taken."""
    states = mail.states([action.mailbox, action.after])
    if states[action.after] is None:
        gone = N_("The folder {after} was renamed or deleted by somebody after the run: nothing to undo")
        plan.leave(row, Sentence.of(gone, after=action.after))
    elif states[action.mailbox] is not None:
        taken = N_("There is a folder {before} again, so {after} keeps its name")
        plan.leave(row, Sentence.of(taken, before=action.mailbox, after=action.after))
    else:
        plan.take_back(backwards(action), row)


def _present_places(mail: MailPort, rows: Sequence[JournalRow]) -> tuple[dict[int, Place], dict[int, Place]]:
    """Where what the rows filed lies now, and the originals of copies; a server may have numbered both anew."""
    filed, originals = {}, {}
    for row in rows:
        action = row.action
        if isinstance(action, MessageTransfer) and row.fence and row.destination_uid is not None:
            place = Place(action.destination, row.fence.uidvalidity, row.destination_uid)
            filed[row.id] = place, action.fingerprint
            if not _moves(row):
                origin = Place(action.mailbox, action.uidvalidity, action.uid)
                originals[row.id] = origin, action.fingerprint
    return relocate(mail, filed), relocate(mail, originals)


def _transfer_back(
    row: JournalRow, action: MessageTransfer, place: Place, original: Place | None
) -> MessageTransfer | MessageRemove:
    original = original or Place(action.mailbox, action.uidvalidity, action.uid)
    if action.kind == "message-move" and row.state == "done":
        return MessageTransfer(
            kind="message-move",
            mailbox=action.destination,
            uidvalidity=place.uidvalidity,
            uid=place.uid,
            message_id=action.message_id,
            fingerprint=action.fingerprint,
            subject=action.subject,
            destination=action.mailbox,
            customer=None,
            evidence="undo",
        )
    return MessageRemove(
        mailbox=action.destination,
        uidvalidity=place.uidvalidity,
        uid=place.uid,
        message_id=action.message_id,
        fingerprint=action.fingerprint,
        subject=action.subject,
        original=action.mailbox,
        original_uidvalidity=original.uidvalidity,
        original_uid=original.uid,
    )
