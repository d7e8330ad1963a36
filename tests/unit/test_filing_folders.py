"""Folder names: what they become on a server, and whose folder a mailbox is."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.demo.snapshots import decode_mailbox
from mailsync.filing.folders import MAX_BYTES, MAX_CHARACTERS, FolderNames, encoded_length
from mailsync.filing.regions import region_of
from mailsync.registry.roster import Customer, Roster

NOW = datetime(2026, 11, 25, tzinfo=UTC)
VECTORS = Path(__file__).parents[1] / "vectors" / "filing_folders.tsv"
ROWS = [
    line.split("\t") for line in VECTORS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
]


def customer(code: str = "D12", company: str = "Gibson Importing", **more: str) -> Customer:
    return Customer(code=code, company=company, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("template, separator, prefix, code, company, mailbox", ROWS)
def test_a_customers_folder(
    template: str, separator: str, prefix: str, code: str, company: str, mailbox: str
) -> None:
    company = company.encode().decode("unicode_escape") if "\\" in company else company
    one = customer(
        code,
        company,
        country="AU",
        abbreviation="GI",
        owner="li.na@x.example",
        full_code="D12 AUGI" if code == "D12" else "",
    )
    names = FolderNames(
        template=template,
        roster=Roster(customers=(one,)),
        separator=None if separator == "NIL" else separator,
        prefix=prefix,
    )
    assert names.folder(one, NOW) == mailbox
    assert names.customer_of(mailbox) == code


ROSTER = Roster(
    customers=(
        customer("D12", "Gibson Importing", superseded=("F03",)),  # type: ignore[arg-type]
        customer("D120", "Dawn"),
        customer("012", "Roca"),
    )
)


@pytest.mark.parametrize(
    "mailbox, code",
    [
        ("Customers/D12 Gibson Importing", "D12"),
        ("Customers/D12", "D12"),
        ("Customers/D12 what people call them", "D12"),
        ("Customers/D12 Gibson Importing/Samples/2026", "D12"),
        ("Customers/F03 Old Name", "D12"),
        ("Customers/d12 gibson", "D12"),
        ("Customers/D120 Dawn", "D120"),
        ("Customers/012 Roca", "012"),
        ("Customers/12 Roses", None),
        ("Customers/D12Gibson", None),
        ("Customers/D99 Nobody", None),
        ("Customers/2019 samples", None),
        ("Customers", None),
        ("D12 Gibson Importing", None),
        ("Archive/Customers/D12 Gibson", None),
        ("Suppliers/D12 Gibson", None),
        ("INBOX", None),
        ("", None),
    ],
)
def test_whose_folder_a_mailbox_is(mailbox: str, code: str | None) -> None:
    names = FolderNames(template="Customers/{code} {company}", roster=ROSTER)
    assert names.customer_of(mailbox) == code


def test_the_code_of_a_folder_tells_superseded_ones_apart() -> None:
    names = FolderNames(template="Customers/{code} {company}", roster=ROSTER)
    assert names.code_in("Customers/F03 Old Name") == "F03"


def test_other_namespaces_are_nobodys() -> None:
    names = FolderNames(template="Customers/{code}", roster=ROSTER, separator=".", prefix="INBOX.")
    assert names.customer_of("Customers.D12") is None
    assert names.customer_of("INBOX.Customers.D12") == "D12"
    assert names.parents("INBOX.Customers.D12") == ["INBOX.Customers"]


COMPANIES = st.text(st.characters(exclude_categories=()), max_size=300) | st.text(
    alphabet='/.\\*%"~ \r\n\x00D12中é\U0001f600&', max_size=80
)


@given(
    company=COMPANIES,
    separator=st.sampled_from(["/", ".", None]),
    template=st.sampled_from(["Customers/{code} {company}", "{company} {code}", "{company}/{code} x"]),
)
def test_no_value_makes_hierarchy_or_is_refused(company: str, separator: str | None, template: str) -> None:
    one = customer(company=company)
    names = FolderNames(template=template, roster=Roster(customers=(one,)), separator=separator)
    mailbox = names.folder(one, NOW)
    levels = mailbox.split(separator) if separator else [mailbox]
    assert len(levels) == (template.count("/") + 1 if separator else 1)
    for level in levels:
        assert level and level == level.strip(". ")
        assert len(level) <= MAX_CHARACTERS and encoded_length(level) <= MAX_BYTES
        assert not set(level) & set('/\\*%"')
        assert not {unicodedata.category(char) for char in level} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert unicodedata.is_normalized("NFC", level)
        assert "D12" in mailbox
    assert names.folder(one, NOW) == mailbox


@given(company=COMPANIES, other=COMPANIES)
def test_two_customers_never_share_a_folder(company: str, other: str) -> None:
    one, two = customer("D12", company), customer("D120", other)
    names = FolderNames(template="Customers/{code} {company}", roster=Roster(customers=(one, two)))
    assert names.folder(one, NOW) != names.folder(two, NOW)
    assert names.customer_of(names.folder(one, NOW)) == "D12"
    assert names.customer_of(names.folder(two, NOW)) == "D120"


@given(text=st.text(max_size=40))
def test_the_encoded_length_is_that_of_modified_utf7(text: str) -> None:
    plain = "".join(char for char in text if not unicodedata.category(char).startswith("C"))
    encoded = "".join(_encode_runs(plain))
    assert decode_mailbox(encoded) == plain
    assert encoded_length(plain) == len(encoded)


def _encode_runs(text: str) -> list[str]:
    from mailsync.demo.seeding import encode_mailbox

    return [encode_mailbox(text)]


def test_regions() -> None:
    assert [region_of(country) for country in ("DE", "US", "CN", "NZ", "ZA", None, "XX")] == [
        "EU", "AM", "AS", "AU", "AF", None, None,
    ]  # fmt: skip


def test_a_character_that_the_server_refuses_is_replaced_and_its_folders_are_known() -> None:
    names = FolderNames(template="Customers v1.0/{code} {company}", roster=ROSTER, refused=".")
    james = customer("D12", "St. James")
    assert names.folder(james, NOW) == "Customers v1-0/D12 St- James"
    assert names.customer_of("Customers v1-0/D12 St- James") == "D12"
    dotted = FolderNames(template="Customers/{code} {company}", roster=ROSTER, refused=".")
    assert dotted.customer_of("Customers/D12 St. James") == "D12"


def test_refused_braces_are_not_those_of_the_template() -> None:
    names = FolderNames(
        template="Customers!/{code} {company}",
        roster=Roster(customers=(one := customer(company="Gibson {AU}!"),)),
        refused="!{}",
    )
    assert names.folder(one, NOW) == "Customers-/D12 Gibson -AU--"
    assert names.customer_of("Customers-/D12 Gibson -AU--") == "D12"


def test_a_messages_year_is_the_companys() -> None:
    template, midnight = "Customers/{year}/{code}", datetime(2026, 12, 31, 20, tzinfo=UTC)
    utc = FolderNames(template=template, roster=ROSTER)
    shanghai = FolderNames(template=template, roster=ROSTER, zone=ZoneInfo("Asia/Shanghai"))
    assert utc.folder(customer(), midnight) == "Customers/2026/D12"
    assert shanghai.folder(customer(), midnight) == "Customers/2027/D12"


def test_a_field_without_value_leaves_a_level() -> None:
    names = FolderNames(template="Customers/{region}/{owner} {code} {abbr}", roster=ROSTER)
    assert names.folder(customer(), NOW) == "Customers/-/D12"
    assert names.customer_of("Customers/-/D12") == "D12"


@pytest.mark.parametrize(
    "template, mailbox, code",
    [
        ("{company} {code} {year}", "Gibson Importing D12 2026", "D12"),
        ("{year} {company} {code}", "2026 Roca Trading 012", "012"),
        ("{company} {code}", "D120 Dawn Trading D12", "D12"),
        ("{company} {code}", "王D12", None),
        ("No{code} {company}", "NoD12 Gibson", "D12"),
        ("{company} {full_code}", "Gibson D12 AUGI", "D12"),
        ("{owner} {code} {abbr}", "D12", "D12"),
        ("{owner}-{code}", "D12", None),
    ],
)
def test_the_code_is_found_among_other_fields(template: str, mailbox: str, code: str | None) -> None:
    assert FolderNames(template=template, roster=ROSTER).customer_of(mailbox) == code
