"""Kill the engine at every point before, inside and after each effect and each commit; then run again.

Three invariants (DESIGN 5): the same end state after resume, no effect twice, the journal tells the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mailsync.run.actions import (
    CardCreate,
    CardDelete,
    CardReplace,
    FolderCreate,
    FolderRename,
    MessageRemove,
    MessageTransfer,
)
from mailsync.run.journal import JournalRow
from mailsync.run.naming import by_present_names
from tests.kill.scenarios import World
from tests.kill.worlds import Gate, Killed, Mail

WAYS: Mapping[str, Mapping[str, Any]] = {
    "move": {},
    "move, no copyuid": {"says_copyuid": False},
    "move, no uidplus": {"says_copyuid": False, "can_expunge_uids": False},
    "copy + uid expunge": {"can_move": False},
    "copy + uid expunge, no copyuid": {"can_move": False, "says_copyuid": False},
    "mode copy": {"mode": "copy"},
    "mode copy, no copyuid": {"mode": "copy", "says_copyuid": False},
}
STEPS_AT_LEAST = 30
#: The shortest list that still goes through every branch of settling; the others are run by `make test-long`.
_USUAL = ("move", "move, no copyuid", "copy + uid expunge, no copyuid", "mode copy")
SWEEPS = [pytest.param(way, marks=() if way in _USUAL else pytest.mark.long, id=way) for way in WAYS]


def points(make: Callable[[], World], work: Callable[[World], object]) -> int:
    """How many points at which `work` can die."""
    world, gate = make(), Gate()
    world.arm(gate)
    work(world)
    return gate.passed


def die(world: World, work: Callable[[World], object], step: int) -> None:
    world.arm(Gate(die_at=step))
    with pytest.raises(Killed):
        work(world)
    world.arm(lambda: None)


@pytest.mark.parametrize("way", SWEEPS)
def test_a_run_killed_anywhere_ends_as_if_nothing_had_happened(way: str) -> None:
    def make() -> World:
        return World.seeded(**WAYS[way])

    whole = make()
    whole.tidy()
    steps = points(make, World.tidy)
    assert steps >= STEPS_AT_LEAST
    for step in range(1, steps + 1):
        world = make()
        die(world, World.tidy, step)
        effects_are_journalled(world)
        world.tidy()
        assert world.state() == whole.state(), f"{way}: killed at {step}"
        nothing_happened_twice(world, whole)
        journal_tells_the_truth(world)
        again = world.tidy()
        assert not again.results, f"{way}: killed at {step}, and the second run still had work"


@pytest.mark.parametrize("way", WAYS)
def test_a_run_killed_twice_recovers_too(way: str) -> None:
    whole = World.seeded(**WAYS[way])
    whole.tidy()
    for step in range(3, 60, 7):
        world = World.seeded(**WAYS[way])
        for gate in (Gate(die_at=step), Gate(die_at=4)):
            world.arm(gate)
            try:
                world.tidy()
            except Killed:
                continue
        world.arm(lambda: None)
        world.tidy()
        assert world.state() == whole.state(), f"{way}: killed at {step} and again"
        journal_tells_the_truth(world)


@pytest.mark.parametrize("way", SWEEPS)
def test_an_undo_killed_anywhere_can_be_asked_again(way: str) -> None:
    def make() -> World:
        world = World.seeded(**WAYS[way])
        world.tidy()
        return world

    before = World.seeded(**WAYS[way]).state()
    steps = points(make, World.undo_all)
    assert steps >= STEPS_AT_LEAST
    for step in range(1, steps + 1):
        world = make()
        die(world, World.undo_all, step)
        world.undo_all()
        held, cards, _ = world.state()
        assert (held, cards) == before[:2], f"{way}: undo killed at {step}"
        assert not world.journal.open_rows(world.account)
        left = {
            type(row.action)
            for row in world.journal.rows(account=world.account, states=["done"])
            if row.undo_of is None
        }
        assert left <= {FolderCreate}, f"{way}: undo killed at {step}, rows left done"


@pytest.mark.parametrize("way", ["move", "mode copy"])
def test_folders_are_renamed_once_wherever_the_run_dies(way: str) -> None:
    def make() -> World:
        return World.renamed(**WAYS[way])

    whole = make()
    whole.tidy()
    assert {"Customers/D12 Gibson & Sons", "Customers/E05 Roca 王伟"} <= whole.mail.subscribed
    assert not {"Customers/D12 Gibson Importing", "Customers/E05 Roca"} & whole.mail.mailboxes.keys()
    for step in range(1, points(make, World.tidy) + 1):
        world = make()
        die(world, World.tidy, step)
        world.tidy()
        assert world.state() == whole.state(), f"{way}: killed at {step}"
        assert world.mail.subscribed == whole.mail.subscribed, f"{way}: killed at {step}"
        nothing_happened_twice(world, whole)
        journal_tells_the_truth(world)
        assert not world.tidy().results, f"{way}: killed at {step}, and the second run still had work"


def test_the_undo_of_a_renaming_killed_anywhere_can_be_asked_again() -> None:
    def make() -> World:
        world = World.renamed()
        world.tidy()
        return world

    before, subscribed = World.renamed().state(), World.renamed().mail.subscribed
    whole = World.seeded()
    whole.mail.append("INBOX", Mail(subject="D12 more"))
    whole.mail.mailboxes["Customers/E05 Roca"] = {}
    whole.mail.append("Customers/E05 Roca", Mail(subject="hello by hand"))

    def undo_last(world: World) -> None:
        world.undo(world.runs()[0])

    for step in range(1, points(make, undo_last) + 1):
        world = make()
        die(world, undo_last, step)
        world.undo_all()
        assert world.mail.held() == whole.mail.held(), f"undo killed at {step}"
        assert world.mail.mailboxes.keys() == before[2] and world.mail.subscribed == subscribed


def effects_are_journalled(world: World) -> None:
    """Right after the kill: whatever touched a server has a row that says so."""
    rows = world.journal.rows(account=world.account)
    moved = {row.action.fingerprint for row in rows if isinstance(row.action, MessageTransfer)}
    written = {getattr(row.action, "href", None) for row in rows}
    for mailbox, mail in world.mail.held():
        assert mailbox in ("INBOX", "Sent") or mail.fingerprint in moved
    assert set(world.book.writes) <= written


def nothing_happened_twice(world: World, whole: World) -> None:
    assert world.book.writes == whole.book.writes
    assert world.mail.copies == whole.mail.copies
    assert world.mail.renamed == whole.mail.renamed
    assert all(world.mail.removed[one] <= whole.mail.copies.total() for one in world.mail.removed)


def journal_tells_the_truth(world: World) -> None:
    """No row is open; a done row is true on the server; what was done has one done row."""
    rows = world.journal.rows(account=world.account)
    assert {row.state for row in rows} <= {"done", "abandoned"}
    done = [row for row in by_present_names(rows, [])[0] if row.state == "done"]
    assert all(is_true(row, world) for row in done)
    moved = [row for row in done if isinstance(row.action, MessageTransfer)]
    assert len(moved) == sum(world.mail.copies.values())
    places = [
        (row.action.destination, row.destination_uid)
        for row in moved
        if isinstance(row.action, MessageTransfer)
    ]
    assert len(set(places)) == len(places)
    cards = [
        row for row in done if isinstance(row.action, CardCreate | CardDelete | CardReplace) or row.former
    ]
    assert len(cards) == sum(world.book.writes.values())


def is_true(row: JournalRow, world: World) -> bool:
    match row.action:
        case MessageTransfer(destination=destination, fingerprint=fingerprint):
            found = world.mail.mailboxes[destination].get(row.destination_uid or 0)
            return found is not None and found.fingerprint == fingerprint
        case FolderRename(mailbox=former, after=mailbox):
            return mailbox in world.mail.mailboxes and former not in world.mail.mailboxes
        case FolderCreate(mailbox=mailbox):
            return mailbox in world.mail.mailboxes
        case MessageRemove(mailbox=mailbox, uid=uid):
            return uid not in world.mail.mailboxes[mailbox]
        case CardDelete(href=href):
            return href not in world.book.cards
        case action:
            return world.book.etags.get(action.href) == row.etag
