"""Codes are given away once, in order and without gaps, whoever asks (DOMAIN 2)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.registry.adding import Additions, add_customers, add_show, edit_show
from mailsync.registry.cards import Card
from mailsync.registry.editing import retire_customer
from mailsync.registry.merging import merge_customers
from mailsync.registry.model import Code, Show
from mailsync.registry.persons import add_contact, retire_contact
from mailsync.registry.roster_load import load_roster
from mailsync.registry.shows import shows

ROOT = Path(__file__).parents[2]
PROCESSES, EACH = 3, 8


def show(database: sa.Engine, name: str, **cells: str) -> str | None:
    return add_show(database, {"name": name, **cells}, by="test").letter


def add(
    database: sa.Engine, *companies: str, person: Mapping[str, str] | None = None, **more: Any
) -> Additions:
    cards = [
        Card(file="cards.csv", number=number, customer={"company": company}, person=person or {})
        for number, company in enumerate(companies, 2)
    ]
    return add_customers(database, cards, **{"show": "D", "by": "test", **more})


def codes_of(database: sa.Engine) -> list[str]:
    with database.connect() as connection:
        return list(connection.execute(sa.select(Code.text).order_by(Code.id)).scalars())


@pytest.fixture
def fair(database: sa.Engine) -> sa.Engine:
    """A database with the show D."""
    assert show(database, "Canton Fair", letter="D") == "D"
    return database


def test_processes_that_allocate_at_once_share_no_code_and_leave_no_gap(fair: sa.Engine) -> None:
    url = fair.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.servers.allocating", url]
    running = [
        subprocess.Popen([*command, f"p{number}", str(EACH)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for number in range(PROCESSES)
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert codes_of(fair) == [f"D{number:02d}" for number in range(1, PROCESSES * EACH + 1)]
    with fair.connect() as connection:
        letters = set(connection.execute(sa.select(Show.letter)).scalars())
    assert letters == {"D", "E", "F", "G"}


def test_letters_follow_one_another_and_uncoded_shows_have_none(database: sa.Engine) -> None:
    assert [show(database, name) for name in ("One", "Two")] == ["A", "B"]
    assert show(database, "Local", coded="no") is None
    assert show(database, "Far", letter="H") == "H"
    assert show(database, "Next") == "J"
    with database.connect() as connection:
        lines = [(line.letter, line.name, line.coded) for line in shows(connection)]
    assert lines == [
        ("A", "One", True), ("B", "Two", True), ("H", "Far", True), ("J", "Next", True), (None, "Local", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name, cells, words",
    [
        ("X", {"letter": "D"}, "D is in use"),
        ("X", {"letter": "O"}, "reads? as digits"),
        ("X", {"letter": "ABC"}, "no show letter"),
        ("X", {"letter": "K", "coded": "no"}, "has no letter"),
        ("X", {"date": "31.2.2026"}, "no such day"),
        ("Canton Fair", {}, "registered already"),
        ("", {}, "needs a letter, or a name"),
    ],
)
def test_a_show_is_refused_with_the_reason(
    fair: sa.Engine, name: str, cells: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        show(fair, name, **cells)
    with fair.connect() as connection:
        assert [line.letter for line in shows(connection)] == ["D"]


def test_the_same_show_of_another_year_is_another(fair: sa.Engine) -> None:
    assert show(fair, "Canton Fair", date="2027-04-15") == "E"


def test_no_letter_is_left_after_the_last(database: sa.Engine) -> None:
    assert show(database, "Last", letter="ZZ") == "ZZ"
    with pytest.raises(UsageError, match="--uncoded"):
        show(database, "One more")


def test_a_show_is_edited_and_its_letter_stays(fair: sa.Engine) -> None:
    told = edit_show(fair, "D", {"city": "Guangzhou", "coded": "no"}, by="test")
    assert [(one.field, one.before, one.after) for one in told.changes] == [
        ("city", None, "Guangzhou"),
        ("coded", "yes", "no"),
    ]
    with pytest.raises(UsageError, match="--channel"):
        add(fair, "Somebody")


def test_a_refused_card_takes_no_number_and_companies_come_once(fair: sa.Engine) -> None:
    made = add(fair, "Gibson", "", "GIBSON Ltd", "Roca", person={"name": "Jane"})
    assert [(one.code, one.company) for one in made.customers] == [("D01", "Gibson"), ("D02", "Roca")]
    assert [(one.row, one.column, one.refused) for one in made.problems] == [(3, "company", True)]
    assert made.customers[0].people == ("Jane", "Jane")
    assert [one.code for one in add(fair, "Kurz").customers] == ["D03"]


def test_a_dry_run_and_a_strict_file_with_a_bad_card_give_nothing_away(fair: sa.Engine) -> None:
    assert [one.code for one in add(fair, "Gibson", dry_run=True).customers] == ["D01"]
    refused = add(fair, "Gibson", "", strict=True)
    assert not refused.written and codes_of(fair) == []


def test_codes_of_the_retired_and_the_merged_are_never_given_again(fair: sa.Engine) -> None:
    add(fair, "One", "Two", "Three")
    merge_customers(fair, ["D02", "D03"], by="test")
    retire_customer(fair, "D01", by="test")
    assert [one.code for one in add(fair, "Four").customers] == ["D04"]


def test_channel_codes_skip_the_years(fair: sa.Engine) -> None:
    add(fair, "First", show=None, channel="web")
    with fair.begin() as connection:
        connection.execute(sa.update(Code).values(key="1899", text="1899"))
    assert [one.code for one in add(fair, "Next", show=None, channel="web").customers] == ["2100"]


def test_a_company_or_an_address_registered_already_is_refused_until_anyway(fair: sa.Engine) -> None:
    jane = {"name": "Jane Roe", "email": "jane@gibson.example"}
    add(fair, "Gibson Importing Pty Ltd", person=jane)
    clash = add(fair, "GIBSON IMPORTING")
    assert "D01" in str(clash.problems[0].reason) and "--anyway" in str(clash.problems[0].reason)
    second = add(fair, "Other Name", person={"email": "JANE@gibson.example"})
    (problem,) = second.problems
    assert "Jane Roe" in str(problem.reason) and "contacts edit jane@gibson.example --add-code" in str(
        problem.reason
    )
    assert codes_of(fair) == ["D01"]
    add(fair, "Other Name", person={"email": "JANE@gibson.example"}, anyway=True)
    with fair.connect() as connection:
        (person,) = load_roster(connection).contacts
    assert person.customers == ("D01", "D02")  # the earlier engagement goes on


def test_a_second_card_of_a_company_does_not_take_another_customers_person(fair: sa.Engine) -> None:
    add(fair, "Gibson", person={"name": "Jane", "email": "jane@gibson.example"})
    cards = [
        Card(file="c", number=2, customer={"company": "Roca"}, person={"email": "ana@roca.example"}),
        Card(file="c", number=3, customer={"company": "Roca"}, person={"email": "jane@gibson.example"}),
    ]
    made = add_customers(fair, cards, show="D", by="x")
    assert [one.code for one in made.customers] == ["D02"]
    assert [(one.row, one.column, one.refused) for one in made.problems] == [(3, "email", True)]


def test_names_of_marks_alone_are_no_one_company(fair: sa.Engine) -> None:
    assert [one.code for one in add(fair, "???", "!!!").customers] == ["D01", "D02"]


def test_a_retired_person_who_hands_over_a_card_is_there_again(fair: sa.Engine) -> None:
    add_contact(fair, {"name": "Jane", "email": "jane@gibson.example"}, by="x")
    retire_contact(fair, "jane@gibson.example", by="x")
    add(fair, "Gibson", person={"email": "jane@gibson.example"})
    with fair.connect() as connection:
        (person,) = load_roster(connection).contacts
    assert (person.retired, person.customers) == (False, ("D01",))


def test_a_lead_becomes_the_contact_of_its_new_customer(fair: sa.Engine) -> None:
    add_contact(fair, {"name": "Jane Roe", "email": "jane@gibson.example"}, by="test")
    made = add(fair, "Gibson", person={"email": "jane@gibson.example"})
    assert "without a code" in str(made.notes[0])
    with fair.connect() as connection:
        (person,) = load_roster(connection).contacts
    assert (person.name, person.customers) == ("Jane Roe", ("D01",))


def test_a_card_without_address_keeps_the_person_and_the_phone(fair: sa.Engine) -> None:
    add(fair, "Gibson", person={"name": "Jane Roe", "phone": "+61 2 5550 1234"})
    with fair.connect() as connection:
        (person,) = load_roster(connection).contacts
    assert (person.id, person.phone, person.customers) == ("D01 Jane Roe", "+61 2 5550 1234", ("D01",))


@pytest.mark.parametrize(
    "more, words",
    [
        ({"show": "Z"}, "no show “Z”.*D Canton Fair.*shows add"),
        ({"show": None}, "--show LETTER, or --channel"),
        ({"channel": "web"}, "--show LETTER, or --channel"),
        ({"show": None, "channel": "展会"}, "--show LETTER instead of --channel"),
    ],
)
def test_where_customers_come_from_must_be_said(fair: sa.Engine, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        add(fair, "Gibson", **more)
