"""Undo: everything as it was, but never over what a person did since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailsync.errors import UsageError
from mailsync.filing.plan import Mode
from mailsync.registry.roster import Roster
from mailsync.run.actions import (
    CardCreate,
    CardDelete,
    CardReplace,
    FolderCreate,
    MessageRemove,
    MessageTransfer,
)
from mailsync.run.apply import Outcome, apply
from mailsync.run.journal import Run
from mailsync.run.undo import UndoPlan, plan_undo
from tests.kill.scenarios import World
from tests.kill.worlds import LineEditor


def plan(world: World, run: Run | None = None) -> UndoPlan:
    run = run or world.journal.runs(world.account)[-1]
    rows = world.journal.rows(run=run.id)
    later = world.journal.rows(account=world.account, after=rows[-1].id if rows else 0)
    return plan_undo(
        run, rows, books={world.book.url: world.book}, editor=LineEditor(), mail=world.mail, later=later
    )


def undo(world: World, run: Run | None = None) -> tuple[UndoPlan, Outcome]:
    undo_plan = plan(world, run)
    outcome = apply(
        world.journal.begin("undo", world.account),
        undo_plan.actions,
        journal=world.journal,
        books={world.book.url: world.book},
        editor=LineEditor(),
        mail=world.mail,
        undoes=undo_plan.undoes,
    )
    return undo_plan, outcome


def test_all_is_as_it_was_and_the_folders_stay() -> None:
    world = World.seeded()
    before = world.state()
    world.tidy()
    assert world.state() != before
    undo_plan, outcome = undo(world)
    assert world.state()[:2] == before[:2]
    assert not outcome.conflicts and not outcome.failed
    assert {finding.kind for finding in undo_plan.findings} == {"folder-left"}
    assert len(undo_plan.findings) == 4


def test_a_second_undo_has_nothing_to_do_and_an_undo_is_not_undone() -> None:
    world = World.seeded()
    world.tidy()
    undo(world)
    with pytest.raises(UsageError, match="itself an undo"):
        plan(world, world.journal.runs(world.account)[0])
    with pytest.raises(UsageError, match="nothing to undo"):
        plan(world)


def test_a_run_that_changed_nothing_says_so() -> None:
    world = World.seeded()
    run = world.journal.begin(account=world.account)
    with pytest.raises(UsageError, match="nothing to undo"):
        plan(world, run)


def test_tidy_after_undo_files_again() -> None:
    world = World.seeded()
    world.tidy()
    after = world.state()
    undo(world)
    world.tidy()
    assert world.state() == after


def test_what_a_person_changed_since_is_left_and_told() -> None:
    world = World.seeded()
    world.tidy()
    world.book.put("/0.vcf", b"FN:D12 Jane 0\r\nNOTE:her new number")
    del world.book.cards["/1.vcf"]
    world.book.etags["/2.vcf"] = '"renewed by the server"'
    box = world.mail.mailboxes["Customers/E05 Roca"]
    del box[1]
    undo_plan, outcome = undo(world)
    assert world.book.cards["/0.vcf"] == b"FN:D12 Jane 0\r\nNOTE:her new number"
    assert world.book.cards["/2.vcf"] == b"FN:Jane 2\r\nNOTE:x"
    assert "/new.vcf" not in world.book.cards
    left = [finding for finding in undo_plan.findings if finding.kind == "undo-left"]
    assert len(left) == 2 and all(finding.severity == "conflict" for finding in left)
    assert len(outcome.conflicts) == 1 and "left Customers/E05 Roca" in str(outcome.conflicts[0].note)


def test_a_copy_is_taken_away_only_while_its_original_is_there() -> None:
    world = World.seeded(mode="copy")
    world.tidy()
    del world.mail.mailboxes["INBOX"][1]
    undo_plan, outcome = undo(world)
    assert any(isinstance(action, MessageRemove) for action in undo_plan.actions)
    assert len(outcome.conflicts) == 1
    assert [mail.subject for mail in world.mail.mailboxes["Customers/D12 Gibson Importing"].values()] == [
        "D12 order"
    ]


def test_a_copy_whose_original_is_marked_deleted_stays() -> None:
    world = World.seeded(mode="copy")
    world.tidy()
    original = world.mail.mailboxes["INBOX"][1]
    world.mail.mailboxes["INBOX"][1] = replace(original, flags=original.flags | {"\\Deleted"})
    _, outcome = undo(world)
    assert len(outcome.conflicts) == 1 and "marked as deleted" in str(outcome.conflicts[0].note)
    assert [mail.subject for mail in world.mail.mailboxes["Customers/D12 Gibson Importing"].values()] == [
        original.subject
    ]


@pytest.mark.parametrize("flag, kept", [("\\Flagged", 1), ("to-do", 1), ("\\Deleted", 0), ("\\Recent", 0)])
def test_a_copy_that_a_person_marked_stays(flag: str, kept: int) -> None:
    world = World.seeded(mode="copy")
    world.tidy()
    box = world.mail.mailboxes["Customers/D12 Gibson Importing"]
    uid = next(uid for uid, mail in box.items() if mail.subject == world.mail.mailboxes["INBOX"][1].subject)
    box[uid] = replace(box[uid], flags=box[uid].flags | {flag})
    _, outcome = undo(world)
    assert len(outcome.conflicts) == kept and len(box) == kept


def test_marks_of_the_original_alone_keep_no_copy() -> None:
    world = World.seeded(mode="copy")
    world.tidy()
    original = world.mail.mailboxes["INBOX"][1]
    world.mail.mailboxes["INBOX"][1] = replace(original, flags=original.flags | {"\\Answered", "note"})
    _, outcome = undo(world)
    assert not outcome.conflicts and not world.mail.mailboxes["Customers/D12 Gibson Importing"]


def test_a_message_whose_former_mailbox_is_gone_gets_it_again() -> None:
    world = World.seeded()
    world.tidy()
    del world.mail.mailboxes["Sent"]
    undo_plan, _ = undo(world)
    assert (
        undo_plan.actions[0] == FolderCreate(mailbox="Sent")
        or FolderCreate(mailbox="Sent") in undo_plan.actions
    )
    assert len(world.mail.mailboxes["Sent"]) == 1


def renamed_world() -> tuple[World, list[Run]]:
    """Tidied, companies renamed, tidied again; the runs, the newest first."""
    world = World.renamed()
    world.tidy()
    return world, world.runs()


def test_a_folder_gets_its_former_name_back() -> None:
    world, (last, _) = renamed_world()
    before = World.renamed().state()
    undo_plan, outcome = undo(world, last)
    assert world.state() == before and not outcome.conflicts and not undo_plan.findings
    world.tidy()
    assert "Customers/D12 Gibson & Sons" in world.mail.mailboxes


def test_what_was_filed_before_a_folder_was_renamed_is_found_in_it() -> None:
    world, (_, first) = renamed_world()
    undo_plan, outcome = undo(world, first)
    assert not outcome.conflicts and not outcome.failed
    assert {finding.kind for finding in undo_plan.findings} == {"folder-left"}
    assert [mail.subject for mail in world.mail.mailboxes["Customers/D12 Gibson & Sons"].values()] == [
        "D12 more"
    ]
    assert [mail.subject for mail in world.mail.mailboxes["Customers/E05 Roca 王伟"].values()] == [
        "hello by hand"
    ]
    assert len(world.mail.mailboxes["INBOX"]) == 7 and len(world.mail.mailboxes["Sent"]) == 1
    assert "Customers/D12 Gibson Importing" not in world.mail.mailboxes


def test_a_folder_that_was_renamed_twice_names_the_run_to_undo_first() -> None:
    world, _ = renamed_world()
    again = {"D12": "Gibson Group"}
    world.roster = Roster(
        customers=tuple(
            replace(one, company=again.get(one.code, one.company)) for one in world.roster.customers
        )
    )
    world.tidy()
    latest, renaming, _ = world.runs()
    left = [finding for finding in plan(world, renaming).findings if finding.kind == "undo-left"]
    assert len(left) == 1 and f"mailsync undo {latest.id}" in str(left[0].sentence)
    undo(world, latest)
    undo(world, renaming)
    assert world.state() == World.renamed().state()


@pytest.mark.parametrize("taken", [True, False])
def test_a_folder_that_people_renamed_or_made_again_is_left(taken: bool) -> None:
    world, (last, _) = renamed_world()
    before, after = "Customers/D12 Gibson Importing", "Customers/D12 Gibson & Sons"
    if taken:
        world.mail.add(before)
    else:
        world.mail.rename(after, "Customers/Gibson our best")
    undo_plan, _ = undo(world, last)
    left = [finding for finding in undo_plan.findings if finding.kind == "undo-left"]
    assert any(one.subject == before for one in left)
    assert world.mail.renamed[after, before] == 0


def test_a_created_card_goes_and_a_deleted_one_comes_back() -> None:
    world = World.seeded()
    world.book.put("/old.vcf", b"FN:D12 old\r\nNOTE:ours")
    world.tidy()
    assert "/old.vcf" not in world.book.cards
    undo_plan, _ = undo(world)
    kinds = {type(action) for action in undo_plan.actions}
    assert {CardCreate, CardDelete, CardReplace} <= kinds
    assert world.book.cards["/old.vcf"] == b"FN:D12 old\r\nNOTE:ours"


def test_the_last_is_taken_back_first() -> None:
    world = World.seeded()
    world.tidy()
    undo_plan = plan(world)
    rows = [undo_plan.undoes[action] for action in undo_plan.actions]
    cards = [
        row for action, row in zip(undo_plan.actions, rows, strict=True) if not hasattr(action, "mailbox")
    ]
    mails = [row for action, row in zip(undo_plan.actions, rows, strict=True) if hasattr(action, "mailbox")]
    assert cards == sorted(cards, reverse=True)
    assert mails == sorted(mails, reverse=True)


def test_a_card_that_a_later_run_wrote_again_names_the_run_to_undo_first() -> None:
    world = World.seeded()
    world.tidy()
    first = world.journal.runs(world.account)[0]
    world.book.put("/0.vcf", b"FN:Jane anew\r\nNOTE:x")
    world.book.put("/1.vcf", b"FN:Jane by hand\r\nNOTE:x")
    world.tidy()
    second = world.journal.runs(world.account)[0]
    world.book.put("/1.vcf", b"FN:D12 Jane 1\r\nNOTE:x")  # it stands as the first run left it
    world.book.put("/2.vcf", b"FN:somebody's\r\nNOTE:x")
    undo_plan = plan(world, first)
    told = {finding.subject: str(finding.sentence) for finding in undo_plan.findings}
    assert f"mailsync undo {second.id}" in told["/0.vcf"]
    assert "somebody" in told["/2.vcf"] and "/1.vcf" not in told


@pytest.mark.parametrize("undone", [False, True])
def test_a_message_that_a_later_run_moved_on_names_the_run_to_undo_first(undone: bool) -> None:
    world = World.seeded()
    world.tidy()
    first = world.journal.runs(world.account)[0]
    (row,) = [
        row
        for row in world.journal.rows(run=first.id)
        if isinstance(row.action, MessageTransfer) and row.action.destination == "Customers/E05 Roca"
        if row.action.mailbox == "INBOX"
    ]
    assert isinstance(row.action, MessageTransfer) and row.fence and row.destination_uid
    onward = replace(
        row.action,
        mailbox=row.action.destination,
        uidvalidity=row.fence.uidvalidity,
        uid=row.destination_uid,
        destination="Customers/D12 Gibson Importing",
    )
    second = world.journal.begin(account=world.account)
    apply(
        second,
        [onward],
        journal=world.journal,
        books={world.book.url: world.book},
        editor=LineEditor(),
        mail=world.mail,
    )
    if undone:
        undo(world, second)
    told = [str(one.sentence) for one in plan(world, first).findings if one.kind == "undo-left"]
    assert [f"mailsync undo {second.id}" in one for one in told] == ([] if undone else [True])
    if undone:
        _, outcome = undo(world, first)
        assert not outcome.conflicts and not world.mail.mailboxes["Customers/E05 Roca"]


def test_nothing_is_undone_through_closed_ports() -> None:
    world = World.seeded()
    world.tidy()
    run = world.journal.runs(world.account)[-1]
    closed = plan_undo(run, world.journal.rows(run=run.id), books={}, editor=LineEditor())
    assert not closed.actions
    assert all(finding.severity == "conflict" for finding in closed.findings)


def test_a_card_in_conflict_that_is_a_persons_is_never_overwritten() -> None:
    world = World.seeded()
    world.tidy()
    run = world.journal.runs(world.account)[-1]
    rows = [replace(row, state="conflict", etag=None) for row in world.journal.rows(run=run.id) if row.former]
    with pytest.raises(UsageError):
        plan_undo(run, rows, books={world.book.url: world.book}, editor=LineEditor(), mail=world.mail)


def test_what_a_person_wrote_between_a_crash_and_the_recovery_is_never_overwritten() -> None:
    world = World.seeded()
    world.book.before_write = lambda _href: setattr(world.book, "away", True)
    world.tidy()
    world.book.before_write = lambda _href: None
    world.book.away = False
    (open_row,) = world.journal.open_rows(world.account)
    world.book.put("/0.vcf", b"FN:D12 Jane 0\r\nNOTE:her own words")
    world.tidy()
    assert [row.state for row in world.journal.rows(account=world.account) if row.id == open_row.id] == [
        "conflict"
    ]
    undo(world)
    assert world.book.cards["/0.vcf"] == b"FN:D12 Jane 0\r\nNOTE:her own words"


def renumber(world: World, mailbox: str) -> None:
    """The server loses its index of a mailbox: other UIDs under another UIDVALIDITY."""
    box = world.mail.mailboxes[mailbox]
    world.mail.mailboxes[mailbox] = dict(enumerate(reversed(list(box.values())), start=1))
    world.mail.uidvalidity[mailbox] += 1000
    world.mail.uidnext[mailbox] = len(box) + 1


@pytest.mark.parametrize("mode", ["move", "copy"])
def test_a_run_is_undone_though_the_server_numbered_its_mailboxes_anew(mode: Mode) -> None:
    world = World.seeded(mode=mode)
    world.mail.append("INBOX", world.mail.mailboxes["INBOX"][1])  # equal to another
    before = world.state()
    world.tidy()
    for mailbox in world.mail.mailboxes:
        renumber(world, mailbox)
    _, outcome = undo(world)
    assert not outcome.conflicts
    assert world.state()[0] == before[0]


def test_what_is_in_no_numbered_place_any_more_must_be_moved_by_hand() -> None:
    world = World.seeded()
    world.tidy()
    renumber(world, "Customers/D12 Gibson Importing")
    gone = world.mail.mailboxes["Customers/D12 Gibson Importing"].popitem()
    del world.mail.mailboxes["Customers/E05 Roca"]
    undo_plan, outcome = undo(world)
    left = [str(finding.sentence) for finding in undo_plan.findings if finding.kind == "undo-left"]
    assert all("by hand" in one for one in left) and len(left) >= 2
    assert any(gone[1].subject in one for one in left)
    assert not outcome.conflicts
