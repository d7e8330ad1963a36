"""Mail follows its customer when customers are merged, and back when the merge is taken back (DOMAIN 8)."""

from __future__ import annotations

from typing import Any

import pytest

from mailsync.filing.by_hand import hand_filed
from mailsync.filing.folders import FolderNames
from mailsync.mailbox.headers import Message
from mailsync.registry.roster import Customer, Roster
from mailsync.run.actions import FolderCreate, MessageTransfer
from tests.unit.test_filing_plan import D12, E05, message, plan, put

F03 = "Customers/F03 Gibson Imports"
GIBSON = Customer(code="D12", company="Gibson Importing", short_name="Gibson")
IMPORTS = Customer(code="F03", company="Gibson Imports")
ROCA = Customer(code="E05", company="Roca")


def names(*customers: Customer, parted: bool = False) -> FolderNames:
    pairs = frozenset({frozenset({"D12", "F03"})}) if parted else frozenset()
    return FolderNames(
        template="Customers/{code} {company}", roster=Roster(customers=customers, parted=frozenset(pairs))
    )


APART = names(GIBSON, IMPORTS, ROCA)
MERGED = names(
    Customer(code="D12", company="Gibson Importing", short_name="Gibson", superseded=("F03",)), ROCA
)
PARTED = names(GIBSON, IMPORTS, ROCA, parted=True)
FOLDERS = ("INBOX", "Customers", D12, E05, F03)


def moves(
    folders: FolderNames, *messages: Message, existing: Any = FOLDERS, **more: Any
) -> list[tuple[int, str]]:
    result = plan(list(messages), names=folders, existing=existing, **more)
    return [(one.uid, one.destination) for one in result.actions if isinstance(one, MessageTransfer)]


def test_nothing_follows_anybody_while_nobody_was_merged() -> None:
    assert moves(APART, message(1, mailbox=F03), customer="F03") == []


@pytest.mark.parametrize(
    "one, customer, follows",
    [
        (message(1, mailbox=F03), "D12", True),
        (message(1, mailbox=F03), None, True),  # nobody's mail that somebody had put there
        (message(1, mailbox=F03, flags=()), "D12", True),  # unread: it lies in the customer's folder already
        (message(1, mailbox=F03, flags=["\\Flagged"]), "D12", True),
        (message(1, mailbox=F03, days=0), "D12", True),
        (message(1, mailbox=F03, flags=["\\Deleted"]), "D12", False),
        (message(1, mailbox=F03), "E05", False),  # another customer's mail stays, and is told
        (message(1, mailbox="Old/F03"), "D12", False),
        (message(1, mailbox=D12), "D12", False),
        (message(1, mailbox=f"{F03}/2025"), "D12", True),
    ],
)
def test_the_mail_of_a_merged_customer_moves_into_the_survivors_folder(
    one: Message, customer: str | None, follows: bool
) -> None:
    assert moves(MERGED, one, customer=customer) == ([(1, D12)] if follows else [])


def test_the_move_keeps_flags_and_needs_none_and_the_folder_is_made() -> None:
    result = plan(
        [message(1, mailbox=F03, flags=())], names=MERGED, customer=None, existing=("INBOX", "Customers", F03)
    )
    folder, move = result.actions
    assert folder == FolderCreate(mailbox=D12)
    assert isinstance(move, MessageTransfer)
    assert (move.kind, move.needs_flags, move.bars_flags) == ("message-move", (), ("\\Deleted",))
    assert (move.customer, move.evidence) == ("D12", "filed")


def test_report_only_tells_and_copies_are_moved() -> None:
    result = plan([message(1, mailbox=F03)], names=MERGED, existing=FOLDERS, mode="report-only")
    assert not result.actions
    assert [finding.kind for finding in result.findings] == ["report-only"]
    copied = plan([message(1, mailbox=F03)], names=MERGED, existing=FOLDERS, mode="copy")
    assert [action.kind for action in copied.actions] == ["message-move"]


CARRIED = put("f", source=(F03, 5, 1), destination=(D12, 7, 1))


def test_what_was_carried_stays_and_is_no_persons_filing_if_it_was_ours() -> None:
    filed = put("f", destination=(F03, 5, 1))
    one = message(1, mailbox=D12, fingerprint="f")
    assert moves(MERGED, one, placements=[filed, CARRIED]) == []
    assert hand_filed([one], [filed, CARRIED], MERGED.customer_of) == {}


def test_what_a_person_had_filed_stays_a_persons_after_the_merge_carried_it() -> None:
    one = message(1, mailbox=D12, fingerprint="f")
    assert hand_filed([one], [CARRIED], MERGED.customer_of) == {one.key: "D12"}
    assert hand_filed([one], [CARRIED], PARTED.customer_of) == {one.key: "F03"}


def test_another_delivery_of_carried_mail_is_no_mail_that_a_person_took_out() -> None:
    filed = put("f", destination=(F03, 5, 1))
    there, twin = message(1, mailbox=D12, fingerprint="f"), message(9, fingerprint="f")
    assert moves(MERGED, there, twin, placements=[filed, CARRIED]) == [(9, D12)]


@pytest.mark.parametrize("customer", ["F03", None])
def test_after_the_merge_was_taken_back_what_it_carried_goes_back(customer: str | None) -> None:
    one = message(1, mailbox=D12, fingerprint="f")
    assert moves(PARTED, one, customer=customer, placements=[CARRIED]) == [(1, F03)]
    back = put("f", source=(D12, 7, 1), destination=(F03, 5, 2))
    there = message(2, mailbox=F03, fingerprint="f")
    assert moves(PARTED, there, customer=customer, placements=[CARRIED, back]) == []


def test_what_was_carried_and_is_the_others_by_its_people_stays() -> None:
    one = message(1, mailbox=D12, fingerprint="f")
    assert moves(PARTED, one, customer="D12", placements=[CARRIED]) == []


def test_what_mailsync_filed_in_the_meantime_goes_to_whose_it_is_and_a_persons_filing_stays() -> None:
    ours, theirs = message(1, mailbox=D12, fingerprint="ours"), message(2, mailbox=D12, fingerprint="theirs")
    filed = put("ours", destination=(D12, 7, 1))
    assert moves(PARTED, ours, theirs, customer="F03", placements=[filed]) == [(1, F03)]
    assert moves(APART, ours, theirs, customer="F03", placements=[filed]) == []


def test_a_carry_that_was_undone_is_none() -> None:
    one = message(1, mailbox=D12, fingerprint="f")
    undone = put("f", source=(F03, 5, 1), destination=(D12, 7, 1), undone=True)
    assert moves(PARTED, one, customer=None, placements=[undone]) == []
