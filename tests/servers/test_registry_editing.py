"""The life of customers and people, edit by edit (DOMAIN 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.registry.adding import add_customers, add_show
from mailsync.registry.cards import Card
from mailsync.registry.editing import (
    Edited,
    edit_customer,
    history_of,
    reinstate_customer,
    retire_customer,
)
from mailsync.registry.merging import merge_customers
from mailsync.registry.model import Customer
from mailsync.registry.persons import add_contact, edit_contact, reinstate_contact, retire_contact
from mailsync.registry.roster import Contact, Roster
from mailsync.registry.roster import Customer as RosterCustomer
from mailsync.registry.roster_load import load_roster

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture
def house(database: sa.Engine) -> sa.Engine:
    """D01 Gibson (AU) with Jane, D02 顺达进口 (CN), D03 Roca without country."""
    add_show(database, {"name": "Fair", "letter": "D"}, by="test", now=NOW)
    jane = {"name": "Jane Roe", "email": "jane@gibson.example", "phone": "1"}
    cards = [
        Card(file="c", number=2, customer={"company": "Gibson Importing", "country": "AU"}, person=jane),
        Card(file="c", number=3, customer={"company": "顺达进口", "country": "CN"}),
        Card(file="c", number=4, customer={"company": "Roca"}),
    ]
    add_customers(database, cards, show="D", by="test", now=NOW)
    return database


def edit(house: sa.Engine, code: str, *, on: date | None = None, day: int = 1, **cells: str) -> Edited:
    return edit_customer(house, code, cells, on=on, by="boss", today=TODAY, now=NOW + timedelta(days=day))


def roster(house: sa.Engine) -> Roster:
    with house.connect() as connection:
        return load_roster(connection)


def customer(house: sa.Engine, code: str = "D01") -> RosterCustomer:
    found = roster(house).customer(code)
    assert found is not None
    return found


def jane(house: sa.Engine) -> Contact:
    return roster(house).contacts_at("jane@gibson.example")[0]


def said(edited: Edited) -> list[tuple[str, str | None, str | None]]:
    return [(change.field, change.before, change.after) for change in edited.changes]


def test_a_customer_walks_from_lead_to_dormant_with_dates(house: sa.Engine) -> None:
    edit(house, "D01", stage="prospect", on=date(2026, 3, 1), day=1)
    edit(house, "D01", stage="sample", on=date(2026, 4, 1), day=2)
    first = edit(house, "D01", stage="order", day=3)
    assert [str(note) for note in first.notes] == ["The full code is fixed: D01 AUGI"]
    assert (customer(house).full_code, customer(house).stage_since) == ("D01 AUGI", TODAY)
    edit(house, "D01", stage="dormant", on=date(2026, 5, 5), day=4)
    assert (customer(house).stage, customer(house).full_code) == ("dormant", "D01 AUGI")
    with house.connect() as connection:
        stages = [
            (entry.change.after, entry.change.effective, entry.by)
            for _, entry in history_of(connection, "D01")
            if entry.change.field == "stage"
        ]
    assert stages == [
        ("prospect", date(2026, 3, 1), "boss"),
        ("sample", date(2026, 4, 1), "boss"),
        ("order", TODAY, "boss"),
        ("dormant", date(2026, 5, 5), "boss"),
    ]


def test_the_first_order_can_bring_country_and_abbreviation_along(house: sa.Engine) -> None:
    edit(house, "D03", stage="order", country="Spain", abbreviation="rca")
    assert customer(house, "D03").full_code == "D03 ESRCA"


@pytest.mark.parametrize(
    "code, cells, words",
    [
        ("D03", {"stage": "order"}, "--country"),
        ("D02", {"stage": "order"}, "顺达进口.*--abbreviation"),
        ("D01", {"stage": "won"}, "--stage: “won” is no stage"),
        ("D01", {"country": "Atlantis"}, "--country: “Atlantis” is no country"),
        ("D01", {"owner": "Li Na"}, "--owner: “Li Na” is no e-mail"),
        ("D01", {"grade": "F", "owner": "x"}, "--grade: .*; --owner: "),
        ("D01", {"company": "ROCA"}, "registered as D03.*merge D01 D03"),
        ("D01", {"show": "Z"}, "no show “Z”"),
        ("D77", {"grade": "A"}, "No customer has the code D77"),
        ("D01", {"company": "-"}, "needs the name of its company"),
    ],
)
def test_an_edit_is_refused_whole_with_the_reason(
    house: sa.Engine, code: str, cells: dict[str, str], words: str
) -> None:
    before = roster(house)
    with pytest.raises(UsageError, match=words):
        edit(house, code, **cells)
    assert roster(house) == before


def test_a_stage_does_not_begin_in_the_future(house: sa.Engine) -> None:
    with pytest.raises(UsageError, match="future"):
        edit(house, "D01", stage="sample", on=TODAY + timedelta(days=1))


def test_the_full_code_stays_whatever_changes_later(house: sa.Engine) -> None:
    edit(house, "D01", stage="order")
    told = edit(house, "D01", company="Gibson Trading", country="NZ", abbreviation="GT")
    assert "stays: D01 AUGI" in str(told.notes[0])
    held = customer(house)
    assert (held.company, held.country, held.full_code) == ("Gibson Trading", "NZ", "D01 AUGI")
    for stage in ("dormant", "order"):
        edit(house, "D01", stage=stage)
    assert customer(house).full_code == "D01 AUGI"


def test_changes_are_told_from_and_to_and_nothing_where_nothing_changed(house: sa.Engine) -> None:
    told = edit(house, "D01", owner="Li.Na@our.example", grade="b")
    assert sorted(said(told)) == [("grade", None, "B"), ("owner", None, "li.na@our.example")]
    assert said(edit(house, "D01", owner="li.na@our.example")) == []
    assert said(edit(house, "D01", owner="-")) == [("owner", "li.na@our.example", None)]


def test_a_dry_run_changes_nothing(house: sa.Engine) -> None:
    before = roster(house)
    told = edit_customer(house, "D01", {"stage": "order"}, by="boss", today=TODAY, dry_run=True)
    assert "D01 AUGI" in str(told.notes[0]) and roster(house) == before


@pytest.mark.parametrize("typed", ["d1", "Ｄ０１", "D 01", "D01 AUGI", "d01 auxx"])
def test_a_code_may_be_typed_as_people_write_it(house: sa.Engine, typed: str) -> None:
    assert edit(house, typed, grade="A").about == "D01"


def test_an_old_code_edits_the_customer_it_finds(house: sa.Engine) -> None:
    merge_customers(house, ["D01", "D03"], by="test")
    told = edit(house, "D03", grade="A")
    assert told.about == "D01" and "D03 was merged into D01" in str(told.notes[0])


def test_what_a_source_delivers_is_edited_with_a_warning(house: sa.Engine) -> None:
    with house.begin() as connection:
        connection.execute(sa.update(Customer).values(from_source=True))
    assert "source" in str(edit(house, "D01", grade="A").notes[0])


def test_formulas_stay_texts(house: sa.Engine) -> None:
    formula = "=cmd|'/C calc'!A1"
    edit(house, "D01", company=formula)
    assert customer(house).company == formula


def test_a_retired_customer_keeps_its_code_and_gets_its_people_back(house: sa.Engine) -> None:
    add_contact(house, {"email": "former@gibson.example"}, codes=["D01"], by="test", now=NOW)
    edit_contact(house, "former@gibson.example", {}, remove_codes=["D01"], by="test", now=NOW)
    retire_customer(house, "D01", by="boss", now=NOW + timedelta(days=1))
    assert customer(house).retired and jane(house).customers == ()
    with pytest.raises(UsageError, match="retired already"):
        retire_customer(house, "D01", by="boss")
    with pytest.raises(UsageError, match="reinstate D01"):
        add_contact(house, {"email": "x@gibson.example"}, codes=["D01"], by="boss")
    reinstate_customer(house, "D01", by="boss")
    assert not customer(house).retired and jane(house).customers == ("D01",)
    assert roster(house).contacts_at("former@gibson.example")[0].customers == ()
    with pytest.raises(UsageError, match="not retired"):
        reinstate_customer(house, "D01", by="boss")


def test_an_edit_does_not_bring_a_retired_customer_back(house: sa.Engine) -> None:
    retire_customer(house, "D01", by="boss")
    edit(house, "D01", grade="A")
    assert customer(house).retired


def test_a_forwarder_serves_several_and_leaves_one(house: sa.Engine) -> None:
    wang = {"name": "王伟", "company": "顺达货代", "role": "货代", "region": "SH", "email": "wang@sd.example"}
    add_contact(house, wang, codes=["D01", "D02"], by="test")
    told = edit_contact(
        house, "WANG@sd.example", {"title": "Manager"}, add_codes=["d3"], remove_codes=["D01"], by="x"
    )
    assert sorted(said(told)) == [("codes", "D01 D02", "D02 D03"), ("title", None, "Manager")]
    found = roster(house).contacts_at("wang@sd.example")[0]
    assert (found.role, found.company, found.region, found.customers) == (
        "forwarder",
        "顺达货代",
        "SH",
        ("D02", "D03"),
    )


def test_addresses_come_and_go_and_the_main_one_changes(house: sa.Engine) -> None:
    edit_contact(house, "jane@gibson.example", {}, add_addresses=["JR@gibson.example"], by="x")
    edit_contact(house, "jr@gibson.example", {"email": "jr@gibson.example"}, by="x")
    assert jane(house).addresses == ("jr@gibson.example", "jane@gibson.example")
    edit_contact(house, "jr@gibson.example", {}, remove_addresses=["jane@gibson.example"], by="x")
    assert roster(house).contacts_at("jr@gibson.example")[0].addresses == ("jr@gibson.example",)


_Act = Callable[[sa.Engine], Any]


@pytest.mark.parametrize(
    "act, words",
    [
        (lambda db: add_contact(db, {"name": "X"}, by="x"), "needs an e-mail address"),
        (lambda db: add_contact(db, {"email": "no address"}, by="x"), "--email: “no” is no e-mail"),
        (
            lambda db: add_contact(db, {"email": "x@y.example"}, codes=["Z9"], by="x"),
            "No customer has the code Z9",
        ),
        (
            lambda db: add_contact(db, {"email": "jane@gibson.example"}, codes=["D02"], by="x"),
            "Jane Roe.*contacts edit jane@gibson.example --add-code D02",
        ),
        (lambda db: edit_contact(db, "nobody@x.example", {"name": "X"}, by="x"), "Nobody is registered"),
        (
            lambda db: edit_contact(db, "jane@gibson.example", {"role": "boss"}, by="x"),
            "--role: “boss” is no role",
        ),
        (
            lambda db: edit_contact(db, "jane@gibson.example", {}, remove_codes=["D02"], by="x"),
            "not engaged with D02",
        ),
        (
            lambda db: edit_contact(db, "jane@gibson.example", {}, remove_addresses=["a@b.example"], by="x"),
            "no address a@b.example",
        ),
        (
            lambda db: edit_contact(
                db, "jane@gibson.example", {}, remove_addresses=["jane@gibson.example"], by="x"
            ),
            "add another one first",
        ),
        (lambda db: reinstate_contact(db, "jane@gibson.example", by="x"), "not retired"),
    ],
)
def test_people_are_refused_with_the_reason(house: sa.Engine, act: _Act, words: str) -> None:
    before = roster(house)
    with pytest.raises(UsageError, match=words):
        act(house)
    assert roster(house) == before


def test_two_people_of_one_address_are_told_apart_by_id(house: sa.Engine) -> None:
    for key, name in (("7", "Joe"), ("8", "Jim")):
        add_contact(house, {"email": "office@x.example", "name": name, "id": key}, by="x", anyway=True)
    with pytest.raises(UsageError, match=r"one by its id: 7 \(Joe\), 8 \(Jim\)"):
        edit_contact(house, "office@x.example", {"title": "Buyer"}, by="x")
    edit_contact(house, "7", {"title": "Buyer"}, by="x")
    assert [one.title for one in roster(house).contacts_at("office@x.example")] == ["Buyer", None]


def test_a_person_retires_and_comes_back(house: sa.Engine) -> None:
    retire_contact(house, "jane@gibson.example", by="x", now=NOW + timedelta(days=1))
    assert jane(house).retired and jane(house).customers == ()
    with pytest.raises(UsageError, match=r"contacts reinstate jane@gibson\.example"):
        edit_contact(house, "jane@gibson.example", {}, add_codes=["D02"], by="x")
    reinstate_contact(house, "jane@gibson.example", by="x")
    assert jane(house).customers == ("D01",)
