"""Letters and numbers in the order in which they are given away (DOMAIN 2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.registry import codes
from mailsync.registry.names import company_key
from mailsync.registry.sequence import SHOW_LETTERS, next_codes, next_letters


@pytest.mark.parametrize(
    "used, following",
    [
        ([], "A"),
        (["A"], "B"),
        (["A", "C"], "D"),  # a gap is never filled
        (["H"], "J"),
        (["N"], "P"),
        (["Z"], "AA"),
        (["A", "AA", "Z"], "AB"),
        (["AH"], "AJ"),
        (["AZ"], "BA"),
        (["HZ"], "JA"),
        (["ZY"], "ZZ"),
        (["ZZ"], None),
    ],
)
def test_the_next_letters(used: list[str], following: str | None) -> None:
    assert next_letters(used) == following


def test_all_letters_are_valid_and_each_comes_once() -> None:
    assert len(set(SHOW_LETTERS)) == len(SHOW_LETTERS) == 24 + 24 * 24
    for letters in SHOW_LETTERS:
        assert codes.parse(f"{letters}1").letters == letters


@pytest.mark.parametrize(
    "letters, given, count, following",
    [
        ("D", [], 2, ["D01", "D02"]),
        ("D", ["D09"], 2, ["D10", "D11"]),
        ("D", ["D6", "E30"], 1, ["D07"]),
        ("D", ["D99"], 1, ["D100"]),
        ("AA", ["A07"], 1, ["AA01"]),
        ("", [], 2, ["001", "002"]),
        ("", ["D12", "099"], 1, ["100"]),
        ("", ["1898"], 3, ["1899", "2100", "2101"]),
        ("", ["999999"], 1, []),
    ],
)
def test_the_next_codes(letters: str, given: list[str], count: int, following: list[str]) -> None:
    found = next_codes(letters, [codes.parse(code) for code in given], count)
    assert [code.canonical for code in found] == following


@given(
    letters=st.sampled_from(["", "D", "AB"]),
    given_away=st.lists(st.integers(1, 2200).filter(lambda number: number not in codes.YEARS)),
    count=st.integers(0, 300),
)
def test_codes_are_new_valid_and_without_gap(letters: str, given_away: list[int], count: int) -> None:
    given = [
        codes.parse(f"{letters}{number:03d}" if not letters else f"{letters}{number}")
        for number in given_away
    ]
    found = next_codes(letters, given, count)
    assert len(found) == count
    keys = [codes.parse(code.canonical).key for code in found]
    assert not set(keys) & {code.key for code in given} and len(set(keys)) == count
    numbers = [code.number for code in found]
    start = max(given_away, default=0) + 1
    free = (number for number in range(start, start + 1000) if letters or number not in codes.YEARS)
    assert numbers == [number for number, _ in zip(free, numbers, strict=False)]


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("Gibson Importing Pty. Ltd", "GIBSON IMPORTING", True),
        ("Rossi S.p.A.", "rossi", True),
        ("Müller GmbH & Co. KG", "Muller", True),
        ("顺达进口有限公司", "顺达进口有限公司", True),
        ("Gibson Importing", "Gibson Imports", False),
        ("Kurz", "Kurtz", False),
    ],
)
def test_when_two_names_are_one_company(one: str, other: str, same: bool) -> None:
    assert (company_key(one) == company_key(other)) == same
