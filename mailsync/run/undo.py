"""Undo of a run: what each of its rows needs to be as it was before, as a plan for the same engine.

What a person changed since is left and reported. Folders stay: they may hold mail that came meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    MailAction,
    MessageRemove,
    MessageTransfer,
    Severity,
    target,
)
from mailsync.run.journal import JournalRow, Run
from mailsync.run.ports import BookPort, CardEditor, MailPort
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
) -> UndoPlan:
    """Plan the undo of `run` from its journal `rows` (recovered: none open), looking at what the servers hold now.

    Apply it as a run of kind "undo" with the plan's `undoes`. Raises `UsageError` for a run that wrote nothing or
    was an undo itself, `CollectionError` and `AccountError` where a server cannot be read.
    """
    if run.kind == "undo":
        raise UsageError(
            N_("{run} is itself an undo. “mailsync tidy” does again what it took back"), run=run.id
        )
    plan = UndoPlan()
    latest = [row for row in reversed(rows) if _happened(row)]
    if all(isinstance(row.action, FolderCreate) for row in latest):  # folders stay, so nothing would be done
        raise UsageError(N_("There is nothing to undo: run {run} left nothing changed"), run=run.id)
    _plan_cards(plan, [row for row in latest if _is_card(row)], books, editor)
    _plan_mail(plan, [row for row in latest if not _is_card(row)], mail)
    return plan


def _happened(row: JournalRow) -> bool:
    """Whether the row changed something that stands: also a copy whose original could not be removed, and a card
    that the server damaged."""
    if row.state == "conflict":
        return row.destination_uid is not None or (row.etag is not None and row.former is not None)
    return row.state == "done"


def _is_card(row: JournalRow) -> bool:
    return isinstance(row.action, CardRename | CardCreate | CardDelete | CardReplace)


def _plan_cards(
    plan: UndoPlan, rows: Sequence[JournalRow], books: Mapping[str, BookPort], editor: CardEditor
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
            _plan_card(plan, row, action, held.get(action.href), editor)


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
        replace = CardReplace(
            book=action.book,
            href=action.href,
            uid=action.uid,
            etag=held.etag,
            before=action.after,
            after=action.before,
            card=row.former or b"",
        )
        plan.take_back(replace, row)


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


def _is_ours(row: JournalRow, held: CardState, editor: CardEditor) -> bool:
    """By etag, or (a server gave the same card a new one) by meaning."""
    if row.etag is not None and held.etag == row.etag:
        return True
    try:
        return editor.same_meaning(wanted_bytes(row, editor), held.data)
    except ItemError:
        return False


def _plan_mail(plan: UndoPlan, rows: Sequence[JournalRow], mail: MailPort | None) -> None:
    if mail is None:
        for row in rows:
            closed = N_("The mail account is not open, so {target} is left as it is")
            plan.leave(row, Sentence.of(closed, target=target(row.action)))
        return
    back: list[MailAction] = []
    for row in rows:
        if isinstance(row.action, FolderCreate):
            stays = N_("The folder {mailbox} stays: mail may have come into it meanwhile")
            plan.leave(row, Sentence.of(stays, mailbox=row.action.mailbox), kind="folder-left")
        elif isinstance(row.action, MessageTransfer) and row.fence and row.destination_uid is not None:
            action = _transfer_back(row, row.action, row.fence.uidvalidity, row.destination_uid)
            back.append(action)
            plan.undoes[action] = row.id
    homes = dict.fromkeys(action.destination for action in back if isinstance(action, MessageTransfer))
    plan.actions.extend(FolderCreate(mailbox=home) for home in homes if mail.state(home) is None)
    plan.actions.extend(back)


def _transfer_back(
    row: JournalRow, action: MessageTransfer, uidvalidity: int, uid: int
) -> MessageTransfer | MessageRemove:
    if action.kind == "message-move" and row.state == "done":
        return MessageTransfer(
            kind="message-move",
            mailbox=action.destination,
            uidvalidity=uidvalidity,
            uid=uid,
            message_id=action.message_id,
            fingerprint=action.fingerprint,
            subject=action.subject,
            destination=action.mailbox,
            customer=None,
            evidence="undo",
        )
    return MessageRemove(
        mailbox=action.destination,
        uidvalidity=uidvalidity,
        uid=uid,
        message_id=action.message_id,
        fingerprint=action.fingerprint,
        subject=action.subject,
        original=action.mailbox,
        original_uidvalidity=action.uidvalidity,
        original_uid=action.uid,
    )
