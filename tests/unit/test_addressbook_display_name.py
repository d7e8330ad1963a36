"""The display name: table of examples, and what holds for every name."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.addressbook.display_name import display_name, split_display_name
from mailsync.registry.roster import Contact, Customer, Role, Roster
from tests import strategies

VECTORS = Path(__file__).parents[1] / "vectors" / "display_names.tsv"
ESCAPES = {"\\t": "\t", "\\r": "\r", "\\n": "\n", "\\\\": "\\", "\\u202e": "\u202e"}
ROLES: dict[str, Role] = {"contact": "contact", "forwarder": "forwarder", "inspector": "inspector"}


def rows() -> list[list[str]]:
    with VECTORS.open(encoding="utf-8", newline="") as source:
        return [row for row in csv.reader(source, "excel-tab", quoting=csv.QUOTE_NONE) if row[0][0] != "#"]


def unescaped(text: str) -> str:
    return re.sub(r"\\(?:u202e|.)", lambda match: ESCAPES[match[0]], text)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[-1])
def test_the_display_name_of_each_example(row: list[str]) -> None:
    role, code, name, company, region, country, addresses, *customer, expected = row
    contact = Contact(
        id="1",
        role=ROLES[role],
        name=unescaped(name),
        company=unescaped(company),
        region=region or None,
        country=country or None,
        addresses=tuple(addresses.split()),
    )
    lender = Customer(
        code=code, company=customer[0], short_name=customer[1] or None, country=customer[2] or None
    )
    assert display_name(code, contact, lender) == expected


@given(
    name=strategies.names,
    company=strategies.names,
    region=st.one_of(st.none(), strategies.names),
    addresses=st.lists(strategies.addresses, max_size=2),
)
def test_every_display_name_has_three_parts_that_no_client_tears(
    name: str, company: str, region: str | None, addresses: list[str]
) -> None:
    contact = Contact(
        id="1", role="forwarder", name=name, company=company, region=region, addresses=tuple(addresses)
    )
    shown = display_name("D12", contact, None)
    assert shown.startswith("D12 ")
    parts = shown[4:].split("/")
    assert len(parts) == 3
    assert all(part and part == part.strip() and "  " not in part for part in parts)
    assert not set(',;:<>()"@\\').intersection(shown)
    assert shown.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", shown)


GIBSON = Customer(code="D12", company="Gibson Importing", full_code="D12 AUGI", superseded=("F03",))
LONG = Customer(code="D120", company="Long")
CHANNEL = Customer(code="012", company="Web")
ROSTER = Roster(customers=(GIBSON, LONG, CHANNEL))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D12 Jane Roe/Gibson Importing/AU", ("D12", "Jane Roe", "Gibson Importing", "AU")),
        ("D12 AUGI Jane Roe/Gibson/AU", ("D12", "Jane Roe", "Gibson", "AU")),
        ("D12 AUGI", ("D12", "", "", "")),
        ("D12 JANE Roe/Gibson/AU", ("D12", "JANE Roe", "Gibson", "AU")),
        ("D12 AUGIE Roe", ("D12", "AUGIE Roe", "", "")),
        ("D120 Bob", ("D120", "Bob", "", "")),
        ("d12  Jane", ("D12", "Jane", "", "")),
        ("Ｄ１２ Jane / Gibson / AU", ("D12", "Jane", "Gibson", "AU")),
        ("F03 Jane", ("F03", "Jane", "", "")),
        ("012 Eve", ("012", "Eve", "", "")),
        ("12 Eve", None),
        ("D99 Jane", None),
        ("Jane D12", None),
        ("", None),
    ],
)
def test_an_entry_is_split_at_its_registered_code_only(
    text: str, expected: tuple[str, str, str, str] | None
) -> None:
    found = split_display_name(text, ROSTER)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.match.code, found.person, found.company, found.place) == expected
