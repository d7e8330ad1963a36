"""Filing messages: folders first, then windows of one source mailbox, checked by UIDVALIDITY and fingerprint.

Each window is committed twice: as intents with the fence of every destination, and as outcomes. Originals are removed
only when their copies are seen, by UID EXPUNGE (RFC 4315) alone; a server that can neither MOVE (RFC 6851) nor
UID EXPUNGE keeps its messages where they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from mailsync.errors import CollectionError
from mailsync.run.actions import (
    FolderCreate,
    FolderRename,
    MailAction,
    MailboxState,
    MessageRemove,
    MessageState,
    MessageTransfer,
    Place,
    target,
)
from mailsync.run.apply_folders import rename_folders
from mailsync.run.execution import Execution, Result
from mailsync.run.journal import Closing, Intent, JournalRow
from mailsync.run.ports import MailPort
from mailsync.run.settle import (
    is_move,
    messages_at,
    settle_folders,
    settle_removals,
    settle_transfers,
    transfer,
    uid_of,
)
from mailsync.run.ways import MANY_DESTINATIONS, Ways
from mailsync.text import N_, Sentence

#: Messages, or folders, between two commits. Each window costs a few round trips, whatever its size; the first of a run
#: is small, so that a server which does not do as it says is found out early.
FIRST_WINDOW, WINDOW = 100, 5000
#: Marks that say nothing of what a person made of a copy: the session's, and a removal that did not come to its end.
_PASSING = frozenset({"\\Recent", "\\Deleted"})


A = TypeVar("A", bound=MailAction)


@dataclass(kw_only=True)
class _Sent:
    """What the server answered to the transfers of one window, by row."""

    said: dict[int, int] = field(default_factory=dict)  #: COPYUID
    tried: set[int] = field(default_factory=set)
    refusals: dict[int, Sentence] = field(default_factory=dict)


def write_mail(execution: Execution, mail: MailPort, actions: Sequence[MailAction]) -> None:
    """Carry the mail actions out. Raises `AccountError`; its open rows are then settled by the next run."""
    folders = [action for action in actions if isinstance(action, FolderCreate)]
    transfers = [action for action in actions if isinstance(action, MessageTransfer)]
    removals = [action for action in actions if isinstance(action, MessageRemove)]
    renames = [action for action in actions if isinstance(action, FolderRename)]
    for folder_window in _windows(folders):
        _create_folders(execution, mail, folder_window)
    by_source: defaultdict[str, list[MessageTransfer]] = defaultdict(list)
    for action in transfers:
        by_source[action.mailbox].append(action)
    for source in by_source.values():
        _transfer_from(execution, mail, source)
    by_mailbox: defaultdict[str, list[MessageRemove]] = defaultdict(list)
    for removal in removals:
        by_mailbox[removal.mailbox].append(removal)
    for group in by_mailbox.values():
        for removal_window in _windows(group):
            _remove_copies(execution, mail, removal_window)
    # Last: everything else speaks of folders by the names they had when it was planned.
    for rename_window in _windows(renames):
        rename_folders(execution, mail, rename_window)


def _windows(actions: Sequence[A], small: int = 1) -> list[Sequence[A]]:
    """`small`: how many windows are small before they are large."""
    first = [FIRST_WINDOW * count for count in range(small)]
    bounds = [*first, *range(FIRST_WINDOW * small, len(actions), WINDOW), len(actions)]
    return [actions[start:end] for start, end in pairwise(bounds) if start < end]


def _create_folders(execution: Execution, mail: MailPort, actions: Sequence[FolderCreate]) -> None:
    if not execution.go_on():
        execution.leave(actions)
        return
    states = mail.states([action.mailbox for action in actions])
    missing = []
    for action in actions:
        match states[action.mailbox]:
            case None:
                missing.append(action)
            case CollectionError() as error:
                execution.refuse(action, error.sentence, "failed")
            case _:
                execution.settle([Result(action=action, state="done")])
    rows = execution.open([Intent(action=action) for action in missing])
    refused = mail.create([action.mailbox for action in missing])
    others = [row for row in rows if target(row.action) in refused]
    made = [Closing(row=row, state="done") for row in rows if target(row.action) not in refused]
    closings = made + settle_folders(mail, others)
    execution.close(closings, {row.id: refused[target(row.action)].sentence for row in others})


def _transfer_from(execution: Execution, mail: MailPort, actions: Sequence[MessageTransfer]) -> None:
    """All transfers out of one mailbox, those to one destination together."""
    moves = [action for action in actions if action.kind == "message-move"]
    if moves and not (mail.can_move or mail.can_expunge_uids):
        for action in moves:
            execution.refuse(action, _cannot_move(action))
        actions = [action for action in actions if action.kind == "message-copy"]
    rank = {
        destination: at for at, destination in enumerate(dict.fromkeys(one.destination for one in actions))
    }
    ordered = sorted(actions, key=lambda action: rank[action.destination])
    ways = Ways(
        clock=execution.clock,
        by_copy_at_first=not mail.can_move or (mail.can_expunge_uids and len(rank) > MANY_DESTINATIONS),
        measured=mail.can_move
        and mail.can_expunge_uids
        # a window costs round trips: for fewer messages nothing is gained by another one
        and len(moves) == len(actions) > WINDOW
        and len(rank) > 1,
    )
    for window in _windows(ordered, small=2 if ways.measured else 0 if _proven(execution) else 1):
        if not execution.go_on():
            break
        try:
            _transfer_window(execution, mail, window, ways)
        except CollectionError as error:
            execution.outcome.errors.append(error)
            break
    execution.leave(ordered)


def _proven(execution: Execution) -> bool:
    """Whether the server has transferred messages in this run as it says."""
    return any(
        result.state == "done" and isinstance(result.action, MessageTransfer)
        for result in execution.outcome.results
    )


def _transfer_window(
    execution: Execution, mail: MailPort, window: Sequence[MessageTransfer], ways: Ways
) -> None:
    """One window. Raises `CollectionError` where the source cannot be read, `AccountError`."""
    ready = _still_right(execution, mail, window)
    rows = execution.open(
        [
            Intent(action=action, fence=fence, undo_of=execution.undoes.get(action))
            for action, fence in _fenced(execution, mail, ready)
        ]
    )
    if not rows:
        return
    destinations = len({transfer(row).destination for row in rows})
    by_copy = ways.by_copy(destinations)
    with ways.timing(destinations, by_copy=by_copy) as settling:
        sent = _send(execution, mail, rows, by_copy=by_copy)
        settling()
        # MOVE and COPY stand in one window only where a plan mixes both modes; then nothing is taken for moved unseen.
        moved = not by_copy and all(row.action.kind == "message-move" for row in rows)
        closings = settle_transfers(mail, rows, said=sent.said, by_move=moved, verified=True)
    if not by_copy and mail.can_expunge_uids:
        closings = _copy_instead(execution, mail, closings, sent, ways)
    ignored = Sentence.of(N_("The server said yes, but the message is still where it was"))
    words = {row.id: sent.refusals.get(row.id, ignored) for row in rows if row.id in sent.tried}
    execution.close(closings, words)


def _copy_instead(
    execution: Execution, mail: MailPort, closings: Sequence[Closing], sent: _Sent, ways: Ways
) -> list[Closing]:
    """Some servers offer MOVE and then refuse it: what it left in its place is copied and removed instead, and what
    follows as well."""
    refused = [
        closing.row
        for closing in closings
        if closing.state == "abandoned" and closing.row.id in sent.refusals and is_move(closing.row)
    ]
    if not refused:
        return list(closings)
    copied = _send(execution, mail, refused, by_copy=True)
    settled = settle_transfers(mail, refused, said=copied.said, verified=True)
    ways.refused = any(closing.state == "done" for closing in settled)
    again = {row.id for row in refused}
    return [closing for closing in closings if closing.row.id not in again] + settled


def _still_right(
    execution: Execution, mail: MailPort, window: Sequence[MessageTransfer]
) -> list[MessageTransfer]:
    """The messages that are what the plan saw; the others are refused."""
    ready = []
    for uidvalidity in dict.fromkeys(action.uidvalidity for action in window):
        group = [action for action in window if action.uidvalidity == uidvalidity]
        held = messages_at(mail, group[0].mailbox, uidvalidity, [action.uid for action in group])
        for action in group:
            reason = _why_not(action, held)
            if reason is None:
                ready.append(action)
            else:
                execution.refuse(action, reason)
    return ready


def _why_not(action: MessageTransfer, held: Mapping[int, MessageState] | None) -> Sentence | None:
    if held is None:
        return Sentence.of(
            N_("The folder {before} was renamed or made anew meanwhile; the next run reads it again"),
            before=action.mailbox,
        )
    message = held.get(action.uid)
    if message is None:
        return Sentence.of(N_("The message left {before} meanwhile"), before=action.mailbox)
    if message.fingerprint != action.fingerprint:
        return Sentence.of(
            N_("Another message stands in its place in {before}; the next run reads it again"),
            before=action.mailbox,
        )
    if message.flags.intersection(action.bars_flags) or not message.flags.issuperset(action.needs_flags):
        return Sentence.of(N_("Its marks (read, flagged, deleted) changed meanwhile; it stays"))
    return None


def _fenced(
    execution: Execution, mail: MailPort, actions: Sequence[MessageTransfer]
) -> Iterator[tuple[MessageTransfer, MailboxState]]:
    """Each message with the state of its destination; those without a destination are refused."""
    states = mail.states(dict.fromkeys(action.destination for action in actions))
    for action in actions:
        fence = states[action.destination]
        if isinstance(fence, MailboxState):
            yield action, fence
        else:
            missing = N_("The folder {after} is not there or refuses; the message stays in {before}")
            execution.refuse(action, Sentence.of(missing, before=action.mailbox, after=action.destination))


def _send(execution: Execution, mail: MailPort, rows: Sequence[JournalRow], *, by_copy: bool) -> _Sent:
    """Say all transfers of one source mailbox: many commands are under way at once."""
    sent = _Sent()
    for copying in (True, False):
        some = [row for row in rows if copying == (by_copy or row.action.kind == "message-copy")]
        if some:
            _send_groups(execution, mail, some, sent, move=not copying)
    return sent


def _send_groups(
    execution: Execution, mail: MailPort, rows: Sequence[JournalRow], sent: _Sent, *, move: bool
) -> None:
    by_uid = {transfer(row).uid: row.id for row in rows}
    by_destination: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_destination[transfer(row).destination].append(transfer(row).uid)

    def groups() -> Iterator[tuple[Sequence[int], str]]:
        for destination, uids in by_destination.items():
            if execution.stop():
                return
            sent.tried.update(by_uid[uid] for uid in uids)
            yield uids, destination

    answered = 0
    try:
        for answer in mail.transfer(transfer(rows[0]).mailbox, groups(), move=move):
            sent.said.update((by_uid[uid], copy) for uid, copy in answer.copies.items() if uid in by_uid)
            if answer.refusal is not None:
                sent.refusals.update((by_uid[uid], answer.refusal.sentence) for uid in answer.uids)
            answered += len(answer.uids)
            execution.show(answered)
    except CollectionError as error:  # the source refuses
        sent.tried.update(by_uid.values())
        sent.refusals.update(dict.fromkeys(by_uid.values(), error.sentence))


def _remove_copies(execution: Execution, mail: MailPort, actions: Sequence[MessageRemove]) -> None:
    """Take copies out of one mailbox whose originals are still there."""
    if not execution.go_on():
        execution.leave(actions)
        return
    try:
        rows = execution.open(
            [
                Intent(action=action, undo_of=execution.undoes.get(action))
                for action in _removable(execution, mail, actions)
            ]
        )
        words = {}
        if rows:
            try:
                mail.remove(actions[0].mailbox, [uid_of(row) for row in rows])
            except CollectionError as error:
                words = {row.id: error.sentence for row in rows}
        execution.close(settle_removals(mail, rows), words)
    except CollectionError as error:
        execution.outcome.errors.append(error)
        execution.leave(actions)


def _removable(execution: Execution, mail: MailPort, actions: Sequence[MessageRemove]) -> list[MessageRemove]:
    """Those that may go; the others are refused."""
    copies = _standing(mail, [Place(one.mailbox, one.uidvalidity, one.uid) for one in actions])
    originals = _standing(
        mail, [Place(one.original, one.original_uidvalidity, one.original_uid) for one in actions]
    )
    ready = []
    for action in actions:
        reason = _why_kept(
            mail,
            action,
            copies.get(Place(action.mailbox, action.uidvalidity, action.uid)),
            originals.get(Place(action.original, action.original_uidvalidity, action.original_uid)),
        )
        if reason is None:
            ready.append(action)
        else:
            execution.refuse(action, Sentence.of(reason, before=action.mailbox, original=action.original))
    return ready


def _why_kept(
    mail: MailPort, action: MessageRemove, copy: MessageState | None, original: MessageState | None
) -> str | None:
    """Why a copy stays: it may be the only one left, or a person made it their own."""
    if not mail.can_expunge_uids:
        return N_(
            "The server cannot safely remove single messages (no UIDPLUS, or Gmail): the copy stays in {before}"
        )
    if copy is None or copy.fingerprint != action.fingerprint:
        return N_("The copy is no longer in {before}")
    if original is None or original.fingerprint != action.fingerprint:
        return N_("The original is no longer where it was: its copy stays in {before}")
    if "\\Deleted" in original.flags:  # a client's next EXPUNGE takes it away
        return N_("The original in {original} is marked as deleted: its copy stays in {before}")
    if copy.flags - original.flags - _PASSING:
        return N_("Somebody marked the copy in {before} since, as the original is not: it stays there")
    return None


def _standing(mail: MailPort, places: Sequence[Place]) -> dict[Place, MessageState]:
    """The messages that are still in these places."""
    wanted: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for mailbox, uidvalidity, uid in places:
        wanted[mailbox, uidvalidity].append(uid)
    return {
        Place(mailbox, uidvalidity, uid): message
        for (mailbox, uidvalidity), uids in wanted.items()
        for uid, message in (messages_at(mail, mailbox, uidvalidity, uids) or {}).items()
    }


def _cannot_move(action: MessageTransfer) -> Sentence:
    return Sentence.of(
        N_(
            "The server can neither move messages (MOVE) nor remove single ones (UIDPLUS), so “{subject}” stays in "
            '{before}. Ask its administrator to switch one of them on, or set mode = "copy"'
        ),
        subject=action.subject,
        before=action.mailbox,
    )
