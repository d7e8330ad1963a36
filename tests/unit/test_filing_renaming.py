"""Folders whose customer is called otherwise by now, and folders that people gave other names (DOMAIN 8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from mailsync.filing.folders import FolderNames
from mailsync.filing.renaming import MOST_REFUSALS, plan_renaming, renamed_by_hand
from mailsync.registry.roster import Customer, Roster
from mailsync.run.actions import FolderCreate, FolderRename, MessageTransfer
from mailsync.run.renames import NamedFolders
from tests.unit.test_filing_plan import E05, message, plan, put

OLD, NEW = "Customers/D12 Gibson", "Customers/D12 Gibson & Sons"
ROCA = Customer(code="E05", company="Roca")


def names(template: str = "Customers/{code} {company}", **gibson: Any) -> FolderNames:
    fields = {"code": "D12", "company": "Gibson & Sons", "country": "AU", "abbreviation": "GI", **gibson}
    return FolderNames(template=template, roster=Roster(customers=(Customer(**fields), ROCA)))


def renames(
    folders: FolderNames, existing: Iterable[str], ours: Iterable[str] | None = None
) -> list[tuple[str, str]]:
    existing = list(existing)
    named = NamedFolders(names=frozenset(existing if ours is None else ours))
    return [(one.mailbox, one.after) for one in plan_renaming(folders, existing, named).renames]


@pytest.mark.parametrize(
    "template, existing, found",
    [
        ("Customers/{code} {company}", ["Customers", OLD, E05], [(OLD, NEW)]),
        ("Customers/{code} {company}", [NEW, E05], []),
        # what people keep below it goes along by itself
        ("Customers/{code} {company}", [OLD, f"{OLD}/2025"], [(OLD, NEW)]),
        # the first order fixed the full code
        ("Customers/{full_code}", ["Customers/D12"], [("Customers/D12", "Customers/D12 AUGI")]),
        # another country, another rep
        ("{region}/{code}", ["EU/D12"], [("EU/D12", "AU/D12")]),
        ("{owner}/{code} {company}", ["li/D12 Gibson"], [("li/D12 Gibson", "wang/D12 Gibson & Sons")]),
        # a folder for each year keeps its year
        (
            "{year}/{code} {company}",
            ["2025/D12 Gibson", "2026/D12 Gibson", "2026/D12 Gibson & Sons"],
            [("2025/D12 Gibson", "2025/D12 Gibson & Sons")],
        ),
        # which year it is of nobody can tell
        ("{year} 2020/{code} {company}", ["2025 2020/D12 Gibson"], []),
        # the level that is the customer's alone, once
        ("{code} {company}/{year}", ["D12 Gibson", "D12 Gibson/2025", "D12 Gibson/2026"], [("D12 Gibson", "D12 Gibson & Sons")]),
        # where that name is taken, each year by itself
        (
            "{code} {company}/{year}",
            ["D12 Gibson", "D12 Gibson/2025", "D12 Gibson & Sons"],
            [("D12 Gibson/2025", "D12 Gibson & Sons/2025")],
        ),
        # nobody's, somebody's who left the registry, and what lies elsewhere
        ("Customers/{code} {company}", ["Customers/D99 Who", "Private/D12 Gibson", "INBOX"], []),
    ],
)  # fmt: skip
def test_what_is_renamed(template: str, existing: list[str], found: list[tuple[str, str]]) -> None:
    folders = names(template, owner="wang@x.example", full_code="D12 AUGI")
    assert renames(folders, existing) == found


def test_a_folder_that_a_person_made_or_renamed_keeps_its_name() -> None:
    assert renames(names(), [OLD], ours=[]) == []
    assert renames(names(), ["Customers/D12 Gibson old"], ours=[OLD, NEW]) == []


def test_a_merged_customers_folder_is_not_renamed() -> None:
    assert renames(names(superseded=("F03",)), ["Customers/F03 Gibson"]) == []


def test_of_two_folders_that_would_have_one_name_the_other_waits() -> None:
    found = renames(names(), ["Customers/D12 A", "Customers/D12 B"])
    assert found == [("Customers/D12 A", NEW)]


def test_a_renaming_that_the_server_refuses_is_given_up_and_told() -> None:
    refused = {(OLD, NEW): MOST_REFUSALS}
    found = plan_renaming(names(), [OLD], NamedFolders(names=frozenset({OLD}), refused=refused))
    assert not found.renames and [one.kind for one in found.findings] == ["folder-name"]
    assert found.before.now(NEW) == OLD
    refused = {(OLD, NEW): MOST_REFUSALS - 1}
    assert plan_renaming(names(), [OLD], NamedFolders(names=frozenset({OLD}), refused=refused)).renames


NAMED = NamedFolders(names=frozenset({"Customers", OLD}))


def planned(*messages: Any, existing: Iterable[str] = ("INBOX", "Customers", OLD), **more: Any) -> Any:
    folders = more.pop("names", names())
    return plan(list(messages), names=folders, existing=existing, named=NAMED, **more)


def test_mail_is_filed_under_the_present_name_and_the_renaming_comes_last() -> None:
    result = planned(message(1))
    move, rename = result.actions
    assert isinstance(move, MessageTransfer) and move.destination == OLD
    assert rename == FolderRename(mailbox=OLD, after=NEW, separator="/", customer="D12")


def test_folders_above_the_new_name_are_made() -> None:
    folders = names("Customers/{region}/{code} {company}")
    old = "Customers/EU/D12 Gibson"
    result = plan(
        [],
        names=folders,
        existing=["Customers", "Customers/EU", old],
        named=NamedFolders(names=frozenset({old})),
    )
    assert result.actions == (
        FolderCreate(mailbox="Customers/AU"),
        FolderRename(mailbox=old, after="Customers/AU/D12 Gibson & Sons", separator="/", customer="D12"),
    )


def test_a_new_year_is_made_in_the_folder_that_is_renamed() -> None:
    folders = names("{code} {company}/{year}")
    result = plan(
        [message(1)],
        names=folders,
        existing=["INBOX", "D12 Gibson", "D12 Gibson/2025"],
        named=NamedFolders(names=frozenset({"D12 Gibson", "D12 Gibson/2025"})),
    )
    folder, move, rename = result.actions
    assert folder == FolderCreate(mailbox="D12 Gibson/2026")
    assert move.destination == "D12 Gibson/2026" and rename.mailbox == "D12 Gibson"  # type: ignore[union-attr]


def test_where_both_names_are_taken_the_mail_moves() -> None:
    there = message(1, mailbox=OLD, flags=["\\Flagged"])
    deleted = message(2, mailbox=OLD, flags=["\\Deleted"])
    beside = message(3, mailbox="Customers/D12 by hand")
    result = planned(there, deleted, beside, existing=["Customers", OLD, NEW, "Customers/D12 by hand"])
    assert [(one.uid, one.destination) for one in result.actions] == [(1, NEW)]


def test_report_only_tells_it() -> None:
    result = planned(mode="report-only")
    assert not result.actions
    assert [str(one.sentence) for one in result.findings] == [f"The folder {OLD} would be renamed to {NEW}"]


def test_without_knowing_who_named_it_nothing_is_renamed() -> None:
    result = plan(
        [message(1)], names=names(), existing=["INBOX", OLD], placements=[put("f", destination=(OLD, 7, 1))]
    )
    (move,) = result.actions
    assert isinstance(move, MessageTransfer) and move.destination == OLD


FILED = put("f", destination=(OLD, 7, 1))


@pytest.mark.parametrize(
    "mailbox, uidvalidity, uid, known",
    [
        (
            "Customers/Gibson, our best",
            7,
            1,
            True,
        ),  # without a code: it has the numbers of the folder that is gone
        ("Archive/Gibson", 7, 1, True),
        ("Customers/D12 our best", 7, 1, True),
        (
            "Customers/D12 our best",
            9,
            4,
            True,
        ),  # a server that numbers anew, or mail that was moved: the code tells
        (f"{OLD}/2025", 9, 4, False),  # below it: it was deleted
        ("Old customers", 9, 4, False),  # a person put the mail elsewhere
        ("Old customers", 7, 2, False),
        ("Customers/E05 Roca", 9, 4, False),
    ],
)
def test_a_folder_that_a_person_renamed_is_known(
    mailbox: str, uidvalidity: int, uid: int, known: bool
) -> None:
    there = message(uid, mailbox=mailbox, fingerprint="f", uidvalidity=uidvalidity)
    found = renamed_by_hand(names(), ["INBOX", mailbox], [there], [FILED])
    assert found == ({mailbox: "D12"} if known else {})


def test_a_folder_that_is_still_there_was_not_renamed() -> None:
    there = message(1, mailbox="Archive/Gibson", fingerprint="f", uidvalidity=7)
    assert renamed_by_hand(names(), [OLD, "Archive/Gibson"], [there], [FILED]) == {}
    assert renamed_by_hand(names(), [], [message(1, fingerprint="f", uidvalidity=7)], [FILED]) == {}
    undone = replace(FILED, undone=True)
    assert renamed_by_hand(names(), ["Archive/Gibson"], [there], [undone]) == {}


def test_mail_is_filed_into_the_folder_that_a_person_renamed_and_nobody_took_it_out() -> None:
    mailbox = "Kunden/Gibson"
    there = message(1, mailbox=mailbox, fingerprint="f", uidvalidity=7)
    new = message(2)
    folders = replace(names(), by_hand={mailbox: "D12"})
    result = planned(there, new, existing=["INBOX", mailbox], names=folders, placements=[FILED])
    assert [(one.uid, one.destination) for one in result.actions] == [(2, mailbox)]
    assert not result.findings
    assert folders.customer_of(f"{mailbox}/2026") == "D12" and folders.customer_of("Kunden") is None
