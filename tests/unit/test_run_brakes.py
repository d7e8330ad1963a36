"""Brakes: what holds a plan, what never does, and what to type."""

from __future__ import annotations

import pytest

from mailsync.errors import RegistryError, RunRefused
from mailsync.run.actions import CardDelete, FolderCreate, FolderRename, MessageRemove
from mailsync.run.brakes import (
    Extent,
    Force,
    Holding,
    Listing,
    check,
    check_pause,
    check_registry,
    extents,
    held,
    shrunken_mailboxes,
)


@pytest.mark.parametrize(
    "holds, changes, total, first_run, held_back",
    [
        ("cards", 24, 24, False, False),
        ("cards", 25, 100, False, False),
        ("cards", 25, 99, False, True),
        ("cards", 26, 100, False, True),
        ("cards", 26, 100, True, False),
        ("cards", 25, 0, False, True),
        ("cards", 250, 1000, False, False),
        ("messages", 49, 49, False, False),
        ("messages", 50, 100, False, True),
        ("messages", 50, 200, False, False),
        ("messages", 51, 200, False, True),
        ("messages", 5000, 200, True, False),
        ("folders", 9, 9, False, False),
        ("folders", 10, 40, False, False),
        ("folders", 11, 40, False, True),
        ("folders", 500, 500, True, False),
    ],
)
def test_the_share_of_changes(
    holds: Holding, changes: int, total: int, first_run: bool, held_back: bool
) -> None:
    extent = Extent(name="x", holds=holds, changes=changes, total=total, first_run=first_run)
    assert bool(held("abc", [extent], [])) is held_back


@pytest.mark.parametrize(
    "known, listed, held_back",
    [(0, 0, False), (3, 0, True), (50, 40, False), (50, 39, True), (100, 80, False), (100, 79, True), (20, 11, False),
     (1000, 0, True), (10, 500, False)],
)  # fmt: skip
def test_a_shrunken_book(known: int, listed: int, held_back: bool) -> None:
    listing = Listing(name="https://dav/x/", holds="cards", known=known, listed=listed)
    assert bool(held("abc", [], [listing])) is held_back


def test_a_shrunken_mailbox_is_told_and_holds_nothing() -> None:
    lost, small, fine = (
        Listing(name="INBOX", holds="messages", known=900, listed=0),
        Listing(name="Old", holds="messages", known=3, listed=0),
        Listing(name="Sent", holds="messages", known=900, listed=899),
    )
    check("abc", [], [lost, small, fine])
    assert [finding.subject for finding in shrunken_mailboxes([lost, small, fine])] == ["INBOX"]


def test_the_refusal_says_numbers_and_what_to_type() -> None:
    extent = Extent(name="https://dav/x/", holds="cards", changes=30, total=100)
    with pytest.raises(RunRefused) as refused:
        check("0123456789ab", [extent], [], max_changes=0.25)
    assert "30 of 100 cards of https://dav/x/" in str(refused.value)
    assert "25 %" in str(refused.value)
    assert "mailsync tidy --force=0123456789ab" in str(refused.value)
    assert refused.value.exit_code == 20


def test_several_brakes_are_all_told() -> None:
    extent = Extent(name="mailbox", holds="messages", changes=300, total=400)
    listing = Listing(name="https://dav/x/", holds="cards", known=90, listed=0)
    with pytest.raises(RunRefused) as refused:
        check("abc", [extent], [listing])
    assert "2 brakes" in str(refused.value)
    assert "300 of 400 messages" in str(refused.value) and "lists 0 now" in str(refused.value)


@pytest.mark.parametrize(
    "force, passes", [(Force(), True), (Force(plan_hash="abc"), True), (Force(plan_hash="x"), False)]
)
def test_force_lifts_any_plan_or_only_the_named_one(force: Force, passes: bool) -> None:
    extent = Extent(name="mailbox", holds="messages", changes=300, total=400)
    if passes:
        check("abc", [extent], [], force=force)
    else:
        with pytest.raises(RunRefused):
            check("abc", [extent], [], force=force)


def test_changes_are_counted_by_place() -> None:
    delete = CardDelete(book="b", href="/1", uid="1", etag="e", before="x")
    remove = MessageRemove(
        mailbox="X", uidvalidity=1, uid=1, message_id=None, fingerprint="f", subject="s", original="INBOX",
        original_uidvalidity=1, original_uid=1,
    )  # fmt: skip
    rename = FolderRename(mailbox="Y", after="Z", separator="/")
    found = extents(
        [delete, delete, remove, FolderCreate(mailbox="Y"), rename],
        {"b": 10, "mailbox": 20},
        mailbox="mailbox",
        folders=7,
        first_runs={"b"},
    )
    assert found == [
        Extent(name="b", holds="cards", changes=2, total=10, first_run=True),
        Extent(name="mailbox", holds="messages", changes=1, total=20),
        Extent(name="mailbox", holds="folders", changes=1, total=7),
    ]


def test_an_empty_registry_and_a_pause() -> None:
    check_registry(1, 1, "registry/")
    for customers, people in ((0, 5), (5, 0), (0, 0)):
        with pytest.raises(RegistryError, match="registry/") as refused:
            check_registry(customers, people, "registry/")
        assert refused.value.exit_code == 10
    check_pause(False, "var/PAUSE")
    with pytest.raises(RunRefused, match="var/PAUSE"):
        check_pause(True, "var/PAUSE")
