"""Cells of registry files: what people type, and what it means (FORMATS 1)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.registry import cells
from mailsync.registry.cells import CellError

VECTORS = Path(__file__).parents[1] / "vectors"


def dates() -> list[list[str]]:
    with (VECTORS / "registry_dates.tsv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file, delimiter="\t") if not row[0].startswith("#")]


@pytest.mark.parametrize("typed,day", dates())
def test_a_date_is_read_or_refused_as_the_table_says(typed: str, day: str) -> None:
    if day:
        assert cells.when(typed) == date.fromisoformat(day)
    else:
        with pytest.raises(CellError, match="is no date"):
            cells.when(typed)


@given(st.dates(date(1970, 1, 1), date(2099, 12, 31)))
def test_every_day_is_read_in_all_usual_forms(day: date) -> None:
    written = (
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.day}.{day.month}.{day.year}",
        f"{day.year}年{day.month}月{day.day}日",
        day.strftime("%d %b %Y"),
    )
    assert {cells.when(form) for form in written} == {day}


def test_a_moment_is_read_as_export_writes_it() -> None:
    moment = datetime(2024, 1, 5, 10, 30, tzinfo=timezone(timedelta(hours=8)))
    assert cells.moment(moment.isoformat()) == moment
    assert cells.moment("5.1.2024") == datetime(2024, 1, 5, tzinfo=UTC)
    with pytest.raises(CellError, match="year"):
        cells.moment("0001-01-01T00:00:00+14:00")
    assert cells.moment("2024-01-05T10:30:00") == datetime(2024, 1, 5, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "parser,typed,value",
    [
        (cells.yes_no, " YES ", True),
        (cells.yes_no, "是", True),
        (cells.yes_no, "No", False),
        (cells.yes_no, "否", False),
        (cells.stage, "Order", "order"),
        (cells.grade, "ｂ", "B"),
        (cells.role, "Contact", "contact"),
        (cells.role, "customer", "contact"),
        (cells.role, "货代", "forwarder"),
        (cells.role, "Freight  Forwarder", "forwarder"),
        (cells.role, "验货", "inspector"),
        (cells.role, "检测", "inspector"),
        (cells.channel, "Show", "show"),
        (cells.channel, "展会", "show"),
        (cells.channel, "Linked In", "Linked In"),
        (cells.abbreviation, "au gi", "AUGI"),
        (cells.abbreviation, "3m", "3M"),
        (cells.show_letter, "d", "D"),
        (cells.show_letter, "ＡＡ", "AA"),
        (cells.code, "d 6", "D6"),
        (cells.code, "D12 AUGI", "D12"),
        (cells.full_code, "ｄ12  augi", "D12 AUGI"),
        (cells.country, "荷兰", "NL"),
        (cells.text, " a\r\n b\x00c\t", "a b c"),
        (cells.address, "Jane Roe <JANE@X.example>", "jane@x.example"),
        (cells.address, "mailto:jane@x.example", "jane@x.example"),
        (cells.address, "ｊane@ｘ.example", "jane@x.example"),
        (cells.address, "li@例子.测试", "li@xn--fsqu00a.xn--0zwm56d"),
        (cells.address, "o'neil+a_b@mail-1.x.example", "o'neil+a_b@mail-1.x.example"),
    ],
)
def test_a_cell_is_read(parser: Callable[[str], object], typed: str, value: object) -> None:
    assert parser(typed) == value


@pytest.mark.parametrize(
    "parser,typed",
    [
        (cells.yes_no, "maybe"),
        (cells.stage, "won"),
        (cells.grade, "F"),
        (cells.grade, "AB"),
        (cells.role, "driver"),
        (cells.abbreviation, "G"),
        (cells.abbreviation, "GIBSO"),
        (cells.abbreviation, "顺达"),
        (cells.show_letter, "I"),
        (cells.show_letter, "AO"),
        (cells.show_letter, "ABC"),
        (cells.show_letter, "1"),
        (cells.code, "I12"),
        (cells.code, "I12 AUGI"),
        (cells.full_code, "D12"),
        (cells.country, "NB"),
        (cells.address, "jane"),
        (cells.address, "jane@"),
        (cells.address, "jane@x"),
        (cells.address, "@x.example"),
        (cells.address, "jane@x..example"),
        (cells.address, "ja ne@x.example"),
        (cells.address, "jane@@x.example"),
        (cells.address, f"{'j' * 65}@x.example"),
        (cells.address, f"j@{'x.' * 130}example"),
    ],
)
def test_a_cell_is_refused_by_name(parser: Callable[[str], object], typed: str) -> None:
    with pytest.raises(CellError) as caught:
        parser(typed)
    assert typed in str(caught.value)


@pytest.mark.parametrize(
    "typed,good,bad",
    [
        ("D12", ["D12"], 0),
        ("d12, E05;J6", ["D12", "E05", "J6"], 0),
        ("D12 E05", ["D12", "E05"], 0),
        ("D12、E05，F3；G4", ["D12", "E05", "F3", "G4"], 0),
        ("D12\nE05", ["D12", "E05"], 0),
        ("D12 AUGI", ["D12"], 0),
        ("D12 AUGI, E05 DEMU 012", ["D12", "E05", "012"], 0),
        ("D 12", ["D12"], 0),
        ("D 12 E 05", ["D12", "E05"], 0),
        ("12 1000", ["012", "1000"], 0),
        ("Ｄ１２；Ｅ０５", ["D12", "E05"], 0),
        ("D12, D12, d 12", ["D12"], 0),
        ("D12, I7", ["D12"], 1),
        ("D12 hello", ["D12"], 1),
        ("AUGI", [], 1),
        ("D12,,", ["D12"], 0),
    ],
)
def test_codes_of_one_cell(typed: str, good: list[str], bad: int) -> None:
    found = cells.code_list(typed)
    assert list(found.good) == good
    assert len(found.bad) == bad


@pytest.mark.parametrize(
    "typed,good,bad",
    [
        ("a@x.example", ["a@x.example"], 0),
        ("A@x.example; b@x.example,c@x.example d@x.example", [f"{letter}@x.example" for letter in "abcd"], 0),
        ("a@x.example；b@x.example\nc@x.example", [f"{letter}@x.example" for letter in "abc"], 0),
        ("Jane Roe <a@x.example>; b@x.example", ["a@x.example", "b@x.example"], 0),
        ("a@x.example; nonsense", ["a@x.example"], 1),
        ("a@x.example; A@X.EXAMPLE", ["a@x.example"], 0),
        ("n/a", [], 2),
    ],
)
def test_addresses_of_one_cell(typed: str, good: list[str], bad: int) -> None:
    found = cells.addresses(typed)
    assert list(found.good) == good
    assert len(found.bad) == bad


@given(st.text(max_size=30))
def test_no_text_breaks_a_cell(typed: str) -> None:
    cells.code_list(typed)
    cells.addresses(typed)
    for parser in (cells.when, cells.country, cells.code, cells.full_code, cells.address, cells.moment):
        with suppress(CellError):
            parser(typed)
