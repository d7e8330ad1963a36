"""From a plan to its outcome: confirmation, brakes, effects, and what is remembered of them (DESIGN 4, steps 6–9)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mailsync.addressbook.shelf import Shelf
from mailsync.errors import AccountError, CollectionError, MailsyncError, NotConfirmed, RunRefused
from mailsync.mailbox.following import Carried
from mailsync.mailbox.headers import MessageKey
from mailsync.run.actions import (
    Action,
    CardAction,
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    CardState,
    FolderRename,
    Placement,
    action_digest,
)
from mailsync.run.brakes import Extent, Force, Listing, check, extents
from mailsync.run.confirmations import Confirmations
from mailsync.run.execution import Result
from mailsync.run.journal import JournalRow
from mailsync.run.recover import MAILBOX
from mailsync.text import N_
from mailsync.tidy.planning import Plan
from mailsync.tidy.servers import Servers
from mailsync.tidy.settings import Account, Options


@dataclass(kw_only=True)
class Permission:
    """Which targets a plan may touch: `MAILBOX` and the URLs of books."""

    allowed: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    refusals: list[MailsyncError] = field(default_factory=list)


def permit(
    confirmations: Confirmations,
    account: Account,
    plan: Plan,
    options: Options,
    totals: dict[str, int],
    listings: Sequence[Listing],
) -> Permission:
    """Ask confirmations and brakes. `totals`: what was read, by target → how many cards or messages it holds."""
    targets = list(totals)
    if account.confirmed:
        confirmations.confirm_ahead(account.name, targets)
    if options.by_hand and not options.dry_run:
        confirmations.confirm_by_hand(account.name, targets)
    permission = Permission(unconfirmed=confirmations.unconfirmed(account.name, targets))
    if permission.unconfirmed:
        shown = by_target(plan.actions)
        confirmations.show(account.name, plan.hash, {one: shown[one] for one in permission.unconfirmed})
    counted = _counted(confirmations, account, plan, totals, permission.unconfirmed)
    force = Force(plan_hash=None if options.force == "*" else options.force) if options.force else None
    try:
        check(plan.hash, counted, listings, max_changes=account.max_changes, force=force)
    except RunRefused as refusal:
        permission.refusals.append(refusal)
        return permission
    if permission.unconfirmed and not options.dry_run:
        permission.refusals.append(_not_confirmed(account, plan, permission.unconfirmed))
    if not options.dry_run:
        permission.allowed = [one for one in targets if one not in permission.unconfirmed]
    return permission


def _counted(
    confirmations: Confirmations,
    account: Account,
    plan: Plan,
    totals: dict[str, int],
    unconfirmed: Iterable[str],
) -> list[Extent]:
    """What the share brake weighs: nothing of a plan that is only shown, and nothing that a person confirmed. A plan
    that is another one by now is weighed, and held where it is large."""
    confirmed = confirmations.first_runs(account.name, list(totals))
    exempt = {one for one, digests in confirmed.items() if digests is None} | set(unconfirmed)
    weighed = [
        action
        for action in plan.actions
        if action_digest(action) not in (confirmed.get(target_of(action)) or frozenset())
    ]
    folders = plan.mail.folders if plan.mail else 0
    return extents(weighed, totals, mailbox=MAILBOX, folders=folders, first_runs=exempt)


def _not_confirmed(account: Account, plan: Plan, targets: Sequence[str]) -> NotConfirmed:
    return NotConfirmed(
        N_(
            "Not confirmed yet: {targets}. Nothing was written there. Read the plan; if it is right, type: "
            "mailsync confirm {account} {hash}"
        ),
        targets=", ".join(targets),
        account=account.name,
        hash=plan.hash,
    )


def target_of(action: Action) -> str:
    """`MAILBOX`, or the URL of the book that an action touches."""
    match action:
        case CardRename() | CardCreate() | CardDelete() | CardReplace():
            return action.book
        case _:
            return MAILBOX


def by_target(actions: Iterable[Action]) -> defaultdict[str, list[Action]]:
    """Actions by what they touch."""
    groups: defaultdict[str, list[Action]] = defaultdict(list)
    for action in actions:
        groups[target_of(action)].append(action)
    return groups


def remember_cards(
    shelf: Shelf,
    servers: Servers,
    rows: Iterable[JournalRow],
    held: Mapping[tuple[str, str], CardState] | None = None,
) -> list[MailsyncError]:
    """Put what was written to cards on the shelf, as the servers hold it now, and read on from there: asked once for
    its new sync-token, a server need not make it when the first client asks. `held`: (book, href) → the card as it
    was read back. A book that cannot be read back is read at the next run."""
    seen = held or {}
    by_book: defaultdict[str, list[JournalRow]] = defaultdict(list)
    for row in rows:
        if target_of(row.action) in servers.books:
            by_book[target_of(row.action)].append(row)
    errors: list[MailsyncError] = []
    for url, written in by_book.items():
        done = [
            (row.action, row.former)
            for row in written
            if isinstance(row.action, CardRename | CardCreate | CardDelete | CardReplace)
        ]
        try:
            by_href = {href: state for (book, href), state in seen.items() if book == url}
            shelf.wrote_all(servers.books[url], done, by_href)
            shelf.catch_up(servers.books[url])
        except (AccountError, CollectionError) as error:
            errors.append(error)
    return errors


def carried(placements: Iterable[Placement]) -> list[Carried]:
    """Where messages lay before they were filed, and where they lie."""
    return [
        Carried(MessageKey(*one.source), MessageKey(*one.destination), stays=one.kind == "message-copy")
        for one in placements
    ]


def new_names(rows: Iterable[JournalRow]) -> list[FolderRename]:
    """The folders that were renamed, in their order."""
    return [row.action for row in rows if isinstance(row.action, FolderRename) and row.state == "done"]


def write_seconds(plan: Plan, results: Sequence[Result], paces: Mapping[str, float | None]) -> float | None:
    """Seconds that the writing of the cards which are still planned takes at the pace of their books (seconds a card),
    as far as it was ever measured; None where nothing is known."""
    settled = {result.action for result in results if result.state != "left"}
    waiting = Counter(
        action.book for action in plan.actions if isinstance(action, CardAction) and action not in settled
    )
    known = [count * pace for url, count in waiting.items() if (pace := paces[url]) is not None]
    return round(sum(known), 3) if known else None  # a fast server takes milliseconds a card
