"""Two customers turn out to be one, and the merge can be taken back until something new hangs on it (DOMAIN 2)."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.registry.editing import edit_customer, history_of, retire_customer
from mailsync.registry.exchange import import_registry
from mailsync.registry.merging import (
    distinct_pairs,
    merge_customers,
    say_distinct,
    unmerge_customer,
)
from mailsync.registry.persons import add_contact
from mailsync.registry.roster import Customer, Roster
from mailsync.registry.roster_load import load_roster
from tests.servers.registry_files import write_registry

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
CUSTOMERS = [
    {"code": "D12", "company": "Gibson Importing", "allocated": "2025-01-01", "stage": "sample", "owner": "li@our.example",
     "full_code": "D12 AUGI", "first_contact": "2023-05-05", "grade": "B"},
    {"code": "012", "company": "Gibson Web", "allocated": "2026-01-01", "channel": "web", "short_name": "Web"},
    {"code": "D13", "company": "Roca", "allocated": "2025-02-01"},
    {"code": "E05", "company": "Gibson", "allocated": "2024-01-01", "stage": "lead", "country": "AU"},
]  # fmt: skip
PEOPLE = [
    {"codes": "E05", "name": "Ann", "email": "ann@gibson.example", "company": "Gibson"},
    {"codes": "D12", "name": "Jane", "email": "jane@gibson.example", "company": "Gibson Importing"},
    {"codes": "012 D12", "role": "forwarder", "name": "Wang", "email": "wang@sd.example", "company": "SD"},
]


@pytest.fixture
def house(database: sa.Engine, tmp_path: Any) -> sa.Engine:
    import_registry(database, write_registry(tmp_path / "in", customers=CUSTOMERS, people=PEOPLE), now=NOW)
    return database


def roster(house: sa.Engine) -> Roster:
    with house.connect() as connection:
        return load_roster(connection)


def customer(house: sa.Engine, code: str) -> Customer:
    found = roster(house).customer(code)
    assert found is not None
    return found


def merge(house: sa.Engine, *codes: str, days: int = 1, **more: Any) -> list[tuple[str, str]]:
    made = merge_customers(house, codes, by="boss", now=NOW + timedelta(days=days), **more)
    return [(one.code, one.survivor) for one in made]


def unmerge(house: sa.Engine, code: str, days: int = 5, **more: Any) -> Any:
    return unmerge_customer(house, code, by="boss", now=NOW + timedelta(days=days), **more)


@pytest.mark.parametrize("order", list(itertools.permutations(["E05", "D12", "012"])))
def test_the_earliest_code_survives_in_whatever_order_they_are_named(
    house: sa.Engine, order: tuple[str, ...]
) -> None:
    assert merge(house, *order) == [("D12", "E05"), ("012", "E05")]
    held = customer(house, "12")
    assert (held.code, held.superseded) == ("E05", ("D12", "012"))
    people = [(one.name, one.customers) for one in roster(house).contacts]
    assert people == [("Ann", ("E05",)), ("Jane", ("E05",)), ("Wang", ("E05",))]


def test_the_survivor_learns_what_it_did_not_know(house: sa.Engine) -> None:
    merge(house, "D12", "E05")
    held = customer(house, "E05")
    assert (held.company, held.country, held.owner, held.grade) == ("Gibson", "AU", "li@our.example", "B")
    assert (held.stage, str(held.first_contact), held.full_code) == ("sample", "2023-05-05", "E05 AUGI")


def test_people_of_the_merged_company_work_at_the_survivor(house: sa.Engine) -> None:
    merge(house, "D12", "E05")
    assert [one.company for one in roster(house).contacts] == ["Gibson", "Gibson", "SD"]


def test_an_unmerge_restores_everything(house: sa.Engine) -> None:
    before = roster(house)
    merge(house, "E05", "D12", "012")
    assert roster(house) != before
    unmerge(house, "012")
    unmerge(house, "D12", days=6)
    after = roster(house)
    assert (after.customers, after.contacts) == (before.customers, before.contacts)
    assert after.parted == {frozenset({"E05", "D12"}), frozenset({"E05", "012"})}
    merge(house, "E05", "D12", days=9)
    assert roster(house).parted == {frozenset({"E05", "012"})}


def test_what_was_changed_since_stays_and_is_said(house: sa.Engine) -> None:
    merge(house, "E05", "D12")
    edit_customer(house, "E05", {"grade": "A"}, by="x", today=NOW.date(), now=NOW + timedelta(days=2))
    undone = unmerge(house, "D12")
    assert undone.kept == ("grade",)
    assert (customer(house, "E05").grade, customer(house, "E05").owner) == ("A", None)


def test_dry_runs_show_and_change_nothing(house: sa.Engine) -> None:
    before = roster(house)
    assert merge(house, "E05", "D12", dry_run=True) == [("D12", "E05")]
    assert roster(house) == before
    merge(house, "E05", "D12")
    merged = roster(house)
    unmerge(house, "D12", dry_run=True)
    assert roster(house) == merged


def test_the_history_tells_of_both(house: sa.Engine) -> None:
    merge(house, "E05", "D12")
    unmerge(house, "D12")
    with house.connect() as connection:
        told = [(about, entry.cause, entry.change.before, entry.change.after, entry.by)
                for about, entry in history_of(connection, "D12") if entry.change.field == "merged_into"]  # fmt: skip
    assert told == [("D12", "merge", None, "E05", "boss"), ("D12", "unmerge", "E05", None, "boss")]


@pytest.mark.parametrize(
    "codes, words",
    [
        (["E05"], "two at least"),
        (["E05", "e5"], "E05 and e5 are one customer already: E05"),
        (["E05", "Z9"], "No customer has the code Z9"),
        (["E05", "I1"], "No customer has the code I1"),
    ],
)
def test_a_merge_is_refused_with_the_reason(house: sa.Engine, codes: list[str], words: str) -> None:
    before = roster(house)
    with pytest.raises(UsageError, match=words):
        merge(house, *codes)
    assert roster(house) == before


def test_merging_what_is_one_already_is_said_and_old_codes_stand_for_their_survivor(house: sa.Engine) -> None:
    merge(house, "E05", "D12")
    with pytest.raises(UsageError, match="D12 and E05 are one customer already: E05"):
        merge(house, "D12", "E05")
    assert merge(house, "D12", "012", days=2) == [("012", "E05")]


def test_an_unmerge_is_refused_while_a_later_merge_hangs_on_it(house: sa.Engine) -> None:
    merge(house, "E05", "D12")
    merge(house, "E05", "012", days=2)
    with pytest.raises(UsageError, match="unmerge 012"):
        unmerge(house, "D12")
    unmerge(house, "012")
    unmerge(house, "D12", days=6)
    assert customer(house, "D12").superseded == ()


def test_a_chain_of_merges_comes_apart_from_its_end(house: sa.Engine) -> None:
    merge(house, "D12", "012")
    merge(house, "E05", "D12", days=2)
    assert customer(house, "012").code == "E05"
    with pytest.raises(UsageError, match="unmerge D12"):
        unmerge(house, "012")
    unmerge(house, "D12")
    assert customer(house, "012").code == "D12"


def test_an_unmerge_is_refused_when_something_new_has_begun(house: sa.Engine) -> None:
    merge(house, "E05", "D12")
    add_contact(
        house,
        {"name": "Kim", "email": "kim@gibson.example"},
        codes=["D12"],
        by="x",
        now=NOW + timedelta(days=2),
    )
    with pytest.raises(UsageError, match="the engagement of Kim"):
        unmerge(house, "D12")


def test_an_unmerge_is_refused_after_the_first_order(house: sa.Engine) -> None:
    merge(house, "E05", "D13")
    order = {"stage": "order"}
    edit_customer(house, "E05", order, by="x", today=NOW.date(), now=NOW + timedelta(days=2))
    with pytest.raises(UsageError, match="the full code E05 AUGI"):
        unmerge(house, "D13")


@pytest.mark.parametrize("code, words", [("D13", "D13 is not merged"), ("Z9", "No customer has the code Z9")])
def test_what_is_not_merged_cannot_be_unmerged(house: sa.Engine, code: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        unmerge(house, code)


def test_a_merge_that_a_file_says_is_taken_back_too(house: sa.Engine, tmp_path: Any) -> None:
    folder = write_registry(tmp_path / "more", customers=[{"code": "D13", "merged_into": "E05"}])
    import_registry(house, folder, now=NOW)
    assert customer(house, "D13").code == "E05"
    unmerge(house, "D13")
    assert customer(house, "D13").code == "D13"


def test_a_retired_survivor_comes_back_with_a_live_customer(house: sa.Engine) -> None:
    retire_customer(house, "E05", by="x", now=NOW)
    merge(house, "E05", "D12")
    assert not customer(house, "D12").retired
    unmerge(house, "D12")
    assert customer(house, "E05").retired


def test_two_that_are_two_are_remembered(house: sa.Engine) -> None:
    for _ in range(2):
        assert say_distinct(house, "d13", "E05", by="boss") == ("D13", "E05")
    with house.connect() as connection:
        assert distinct_pairs(connection) == {frozenset({"D13", "E05"})}
    merge(house, "E05", "D12")
    with pytest.raises(UsageError, match="one customer already"):
        say_distinct(house, "E05", "D12", by="boss")
