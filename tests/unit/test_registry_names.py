"""Abbreviations of companies, and countries as people type them, by tables their owner can read."""

from __future__ import annotations

import csv
from pathlib import Path

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.registry.abbreviation import is_abbreviation, propose, without_legal_form
from mailsync.registry.countries import country_code, place

VECTORS = Path(__file__).parents[1] / "vectors"


def vectors(name: str) -> list[list[str]]:
    with (VECTORS / name).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file, delimiter="\t") if not row[0].startswith("#")]


@pytest.mark.parametrize("company,abbreviation", vectors("registry_abbreviations.tsv"))
def test_an_abbreviation_is_proposed_as_the_table_says(company: str, abbreviation: str) -> None:
    assert (propose(company) or "") == abbreviation


@given(st.text(max_size=60))
def test_a_proposal_always_has_the_form_of_an_abbreviation(company: str) -> None:
    proposed = propose(company)
    assert proposed is None or is_abbreviation(proposed)


@given(st.text(max_size=60))
def test_stripping_the_legal_form_leaves_something(company: str) -> None:
    assert bool(without_legal_form(company).strip()) == bool(without_legal_form(company))
    assert without_legal_form(f"Gibson {company}").startswith("Gibson")


@pytest.mark.parametrize("typed,country,region", vectors("registry_countries.tsv"))
def test_a_country_is_known_as_the_table_says(typed: str, country: str, region: str) -> None:
    assert (country_code(typed) or "") == country
    assert place(typed) == region


def test_every_country_is_known_by_its_codes_and_names() -> None:
    for country in pycountry.countries:
        for typed in (country.alpha_2, country.alpha_3, country.name, country.alpha_2.lower()):
            assert country_code(typed) == country.alpha_2, typed
        assert place(country.name) == country.alpha_2
        assert place(country.alpha_2) == country.alpha_2


@given(st.text(max_size=20))
def test_a_place_is_never_lost(region: str) -> None:
    shown = place(region)
    assert shown == region or (len(shown) == 2 and country_code(region) == shown)
