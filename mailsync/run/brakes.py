"""Brakes against mass damage: a plan that looks wrong is refused before anything is written (DESIGN 4). Pure.

Each refusal states the numbers and what to type when the plan is right after all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mailsync.errors import RegistryError, RunRefused
from mailsync.run.actions import (
    Action,
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    Finding,
    FolderCreate,
    FolderRename,
)
from mailsync.text import N_, Sentence

#: The share brake never holds fewer changes than these, however small the book or the mailbox.
FREE_CARDS = 25
FREE_MESSAGES = 50
FREE_FOLDERS = 10
#: A listing that lost more than a fifth, and more than this many, is not believed.
FREE_LOSSES = 10
_KEPT_SHARE = 0.8

Holding = Literal["cards", "messages", "folders"]
_FREE: Mapping[Holding, int] = {"cards": FREE_CARDS, "messages": FREE_MESSAGES, "folders": FREE_FOLDERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of one book, or of an account's mail, a plan changes."""

    name: str  #: book URL, or "mailbox"
    holds: Holding
    changes: int
    total: int  #: cards in the book, indexed messages of the account, or customers' folders
    first_run: bool = False  #: a confirmed first run, also the one that follows an undo


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How many members a book or mailbox had at the last run, and how many it lists now."""

    name: str
    holds: Holding
    known: int
    listed: int

    @property
    def shrunken(self) -> bool:
        if self.known > 0 and self.listed == 0:
            return True
        lost = self.known - self.listed
        return lost > FREE_LOSSES and self.listed < self.known * _KEPT_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """`--force` lifts the brakes for any plan, `--force=HASH` only for the plan with that hash."""

    plan_hash: str | None = None

    def covers(self, plan_hash: str) -> bool:
        return self.plan_hash in (None, plan_hash)


def extents(
    actions: Iterable[Action],
    totals: Mapping[str, int],
    *,
    mailbox: str,
    folders: int = 0,
    first_runs: Collection[str] = (),
) -> list[Extent]:
    """Count a plan's changes by place. `totals`: book URL, or `mailbox`, → members; `folders`: those of customers. New
    folders change no message."""
    counts: Counter[tuple[str, Holding]] = Counter()
    for action in actions:
        match action:
            case CardRename() | CardCreate() | CardDelete() | CardReplace():
                counts[action.book, "cards"] += 1
            case FolderRename():
                counts[mailbox, "folders"] += 1
            case FolderCreate():
                continue
            case _:
                counts[mailbox, "messages"] += 1
    return [
        Extent(
            name=name,
            holds=holds,
            changes=changes,
            total=folders if holds == "folders" else totals.get(name, 0),
            first_run=name in first_runs,
        )
        for (name, holds), changes in counts.items()
    ]


def held(
    plan_hash: str, extents: Sequence[Extent], listings: Sequence[Listing], *, max_changes: float = 0.25
) -> list[Sentence]:
    """Why the plan should not be carried out; empty where nothing holds it."""
    command = f"mailsync tidy --force={plan_hash}"
    shrunken = [_shrunken(one, command) for one in listings if one.holds == "cards" and one.shrunken]
    too_many = [_too_many(one, max_changes, command) for one in extents if _is_too_much(one, max_changes)]
    return shrunken + too_many


def check(
    plan_hash: str,
    extents: Sequence[Extent],
    listings: Sequence[Listing],
    *,
    max_changes: float = 0.25,
    force: Force | None = None,
) -> None:
    """Raise `RunRefused` with every brake that holds, unless `force` covers the plan. Not asked for an undo."""
    reasons = held(plan_hash, extents, listings, max_changes=max_changes)
    if not reasons or (force is not None and force.covers(plan_hash)):
        return
    raise (
        RunRefused(reasons[0].template, **dict(reasons[0].fields))
        if len(reasons) == 1
        else RunRefused(
            N_("{count} brakes hold; nothing was written.\n{reasons}"),
            count=len(reasons),
            reasons="\n".join(str(reason) for reason in reasons),
        )
    )


def check_registry(customers: int, people: int, source: str) -> None:
    """Raise `RegistryError` where there is nobody to sort by: a run would take every customer for gone."""
    if customers == 0 or people == 0:
        raise RegistryError(
            N_(
                "The registry ({source}) has {customers} customers and {people} people; nothing was written. "
                "Check the file, then “mailsync registry import PATH”"
            ),
            source=source,
            customers=customers,
            people=people,
        )


def check_pause(paused: bool, path: str) -> None:
    """Raise `RunRefused` while the file PAUSE lies in the state folder. `--force` does not lift it."""
    if paused:
        raise RunRefused(
            N_("mailsync is paused: the file {path} is there. Nothing was written; remove the file to go on"),
            path=path,
        )


def shrunken_mailboxes(listings: Iterable[Listing]) -> list[Finding]:
    """Mailboxes that lost their mail at once. Filing deletes nothing, so this is told and holds nothing."""
    emptied = N_("The folder {mailbox} held {known} messages at the last run and lists {listed} now")
    return [
        Finding(
            kind="shrunken-mailbox",
            subject=one.name,
            sentence=Sentence.of(emptied, mailbox=one.name, known=one.known, listed=one.listed),
        )
        for one in listings
        if one.holds == "messages" and one.shrunken and one.known - one.listed > FREE_LOSSES
    ]


def _is_too_much(extent: Extent, max_changes: float) -> bool:
    return (
        not extent.first_run
        and extent.changes >= _FREE[extent.holds]
        and extent.changes > extent.total * max_changes
    )


def _too_many(extent: Extent, max_changes: float, command: str) -> Sentence:
    cards = N_(
        "{changes} of {total} cards of {name} would change, more than {percent} %; nothing was written. "
        "Look at “mailsync plan”; if it is right, type: {command}"
    )
    messages = N_(
        "{changes} of {total} messages would be filed at once, more than {percent} %; nothing was written. "
        "Look at “mailsync plan”; if it is right, type: {command}"
    )
    folders = N_(
        "{changes} of {total} customers' folders would be renamed at once, more than {percent} %; nothing was written. "
        "Look at “mailsync plan”; if it is right, type: {command}"
    )
    return Sentence.of(
        {"cards": cards, "messages": messages, "folders": folders}[extent.holds],
        name=extent.name,
        changes=extent.changes,
        total=extent.total,
        percent=f"{max_changes * 100:g}",
        command=command,
    )


def _shrunken(listing: Listing, command: str) -> Sentence:
    return Sentence.of(
        N_(
            "The address book {name} held {known} cards at the last run and lists {listed} now; nothing was written. "
            "If that is right, type: {command}"
        ),
        name=listing.name,
        known=listing.known,
        listed=listing.listed,
        command=command,
    )
