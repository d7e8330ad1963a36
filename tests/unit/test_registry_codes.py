"""Codes: every written form of the table, and what must hold for any code (DOMAIN 2)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.registry import codes
from mailsync.registry.codes import CodeError

VECTORS = Path(__file__).parents[1] / "vectors" / "registry_codes.tsv"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"

show_codes = st.builds(
    "{}{}".format, st.text(LETTERS, min_size=1, max_size=2), st.integers(1, 99999).map(str)
)
channel_codes = st.integers(1, 999999).filter(lambda number: number not in codes.YEARS).map("{:03d}".format)


def vectors() -> list[list[str]]:
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file, delimiter="\t") if not row[0].startswith("#")]


@pytest.mark.parametrize("written,form,key,reason", vectors())
def test_a_code_is_read_or_refused_as_the_table_says(written: str, form: str, key: str, reason: str) -> None:
    if form:
        assert codes.registry_form(written) == form
        assert codes.key(written) == key
    else:
        with pytest.raises(CodeError, match=reason) as caught:
            codes.registry_form(written)
        assert codes.key(written) is None
        assert f"“{written}”" in str(caught.value.reason)


def test_the_order_is_shows_then_numbers_then_channels() -> None:
    ordered = ["A1", "A02", "A10", "B01", "Z99", "AA01", "AB3", "BA1", "001", "012", "1000"]
    assert sorted(set(ordered), key=codes.parse) == ordered


@pytest.mark.parametrize(
    "written,code,tail",
    [
        ("D12 AUGI", "D12", "AUGI"),
        (" d12   augi ", "D12", "AUGI"),
        ("Ｄ１２　ＡＵＧＩ", "D12", "AUGI"),
        ("D 12 AUGI", "D12", "AUGI"),
        ("12 DE3M", "012", "DE3M"),
        ("J6 USABCD", "J6", "USABCD"),
    ],
)
def test_a_full_code_is_taken_apart(written: str, code: str, tail: str) -> None:
    assert codes.split_full(written) == (code, tail)


@pytest.mark.parametrize(
    "written", ["D12", "D12 AU", "D12 AUG", "D12 AUABCDE", "I12 AUGI", "AUGI", "", "D12AUGI"]
)
def test_what_is_no_full_code_is_refused(written: str) -> None:
    with pytest.raises(CodeError, match="is no"):
        codes.split_full(written)


@given(show_codes | channel_codes)
def test_the_registry_form_stands_for_itself(code: str) -> None:
    assert codes.registry_form(code) == code
    assert codes.registry_form(codes.registry_form(code)) == code


@given(show_codes | channel_codes)
def test_the_canonical_form_has_the_same_key(code: str) -> None:
    assert codes.key(codes.parse(code).canonical) == codes.key(code)


@given(show_codes | channel_codes, st.data())
def test_blanks_width_and_case_never_matter(code: str, data: st.DataObject) -> None:
    wide = {ord(letter): ord(letter) + 0xFEE0 for letter in code}
    at = data.draw(st.integers(0, len(code)))
    written = code[:at] + " " + code[at:].translate(wide).lower()
    assert codes.parse(written) == codes.parse(code)


@given(show_codes, st.integers(1, 4))
def test_zeros_in_front_of_a_number_never_matter(code: str, zeros: int) -> None:
    parsed = codes.parse(code)
    padded = f"{parsed.letters}{'0' * zeros}{parsed.number}"
    if len(padded) - len(parsed.letters) <= 5:
        assert codes.key(padded) == codes.key(code)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        expected = codes.parse(text).key
    except CodeError:
        expected = None
    assert codes.key(text) == expected
