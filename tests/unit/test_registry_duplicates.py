"""Which customers may be one, and which only look a little alike (DOMAIN 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.registry.duplicates import Duplicate, duplicates, phones
from mailsync.registry.roster import Contact, Customer, Roster

PUBLIC = frozenset({"gmail.com", "163.com"})


def customer(code: str, company: str, country: str | None = "AU", **more: Any) -> Customer:
    return Customer(code=code, company=company, country=country, **more)


def contact(code: str, *addresses: str, **more: Any) -> Contact:
    fields = {"id": f"{code} {addresses}", "role": "contact", "addresses": addresses, "customers": (code,)}
    return Contact(**{**fields, **more})


def found(
    customers: Iterable[Customer], contacts: Iterable[Contact] = (), distinct: Iterable[frozenset[str]] = ()
) -> tuple[Duplicate, ...]:
    return duplicates(
        Roster(customers=tuple(customers), contacts=tuple(contacts)),
        company_domain=lambda domain: domain not in PUBLIC,
        distinct=frozenset(distinct),
    )


@pytest.mark.parametrize(
    "one, other",
    [
        ("Gibson Importing Pty Ltd", "GIBSON IMPORTING"),
        ("Gibson Importing", "Gibson Imports Ltd"),
        ("Gibson", "Gibson Trading Pty"),
        ("Müller Haushaltswaren GmbH", "Mueller Haushaltswaren"),
        ("Rossi Casa S.p.A.", "ROSSI CASA SRL"),
        ("Hansaplast Handels GmbH", "Hansaplst Handel GmbH"),
        ("Кондор", "Kondor OOO"),
        ("顺达货代", "Shunda Huodai"),
        ("顺达进口有限公司", "顺达进口"),
        ("Société Générale de Textile", "Societe Generale Textile"),
        ("The Home Company", "Home & Co."),
    ],
)
def test_names_that_may_be_one_company(one: str, other: str) -> None:
    (candidate,) = found([customer("D1", one), customer("E2", other)])
    assert candidate.codes == ("D1", "E2")
    assert one in str(candidate.evidence[0]) and other in str(candidate.evidence[0])


@pytest.mark.parametrize(
    "one, other",
    [
        ("Gibson Importing", "Gibson Exporting"),
        ("Shanghai Import Ltd", "Shantou Import Ltd"),
        ("Kurz GmbH", "Kunz GmbH"),
        ("Hansa", "Hanso"),
        ("Roca Trading", "Rosa Trading"),
        ("Trading Company International", "Import Group"),
        ("顺达货代", "顺达进口"),
        ("Delta Textiles", "Delta Machines"),
        ("A1 Tools", "A2 Tools"),
        ("Northern Lights Trading", "Southern Lights Trading"),
        ("Mediterranean Foods", "Mediterranean Woods"),
    ],
)
def test_names_that_only_look_alike(one: str, other: str) -> None:
    assert found([customer("D1", one), customer("E2", other)]) == ()


def test_a_typo_counts_less_where_the_countries_differ() -> None:
    one, other = "Hansaplast Handels GmbH", "Hansaplst Handel GmbH"
    assert found([customer("D1", one, "DE"), customer("E2", other, "DE")])
    assert found([customer("D1", one, "DE"), customer("E2", other, None)])
    assert not found([customer("D1", one, "DE"), customer("E2", other, "BR")])


D1, E2, F3 = customer("D1", "Gibson"), customer("E2", "Roca"), customer("F3", "Kurz", "DE")


@pytest.mark.parametrize(
    "contacts, words",
    [
        (
            [contact("D1", "a@x.example"), contact("E2", "b@y.example", "a@x.example")],
            "the address a@x.example",
        ),
        ([contact("D1", "a@x.example"), contact("E2", "b@x.example")], "people at x.example"),
        ([contact("D1", "a@gmail.com"), contact("E2", "b@gmail.com")], None),
        ([contact("D1", "a@x.example"), contact("E2", "b@x.example", role="forwarder")], None),
        ([contact("D1", "a@x.example"), contact("E2", "b@x.example", retired=True)], None),
        ([contact("D1", phone="02 5550 1234"), contact("E2", phone="fax; +61 2-5550-1234")], "+61255501234"),
        (
            [contact("D1", phone="02 5550 1234"), contact("F3", phone="02 5550 1234")],
            None,
        ),  # of two countries
        ([contact("D1", phone="12"), contact("E2", phone="12")], None),
    ],
)
def test_what_their_people_share(contacts: list[Contact], words: str | None) -> None:
    candidates = found([D1, E2, F3], contacts)
    assert [str(one.evidence[0]) for one in candidates if words and words in str(one.evidence[0])] == [
        str(one.evidence[0]) for one in candidates
    ]
    assert bool(candidates) == bool(words)


def test_a_domain_of_many_customers_is_a_platforms() -> None:
    customers = [customer(f"{letter}1", f"Name {letter}") for letter in "ABCDE"]
    people = [contact(one.code, f"{one.code}@platform.example") for one in customers]
    assert not found(customers, people) and len(found(customers[:4], people[:4])) == 6


def test_all_evidence_stands_together_the_strongest_first_and_pair() -> None:
    people = [contact("D1", "a@x.example"), contact("E2", "a@x.example"), contact("F3", "c@x.example")]
    best, *others = found([customer("D1", "Gibson"), customer("E2", "Gibson Ltd"), F3], people)
    assert best.codes == ("D1", "E2")
    assert [str(one).partition(" ")[0] for one in best.evidence] == ["both", "the", "both"]
    assert {one.codes for one in others} == {("D1", "F3"), ("E2", "F3")}
    assert best.command == "mailsync customers merge D1 E2"


def test_retired_and_distinct_ones_are_left_in_peace() -> None:
    two = [customer("D1", "Gibson"), customer("E2", "Gibson")]
    assert found(two) and not found(two, distinct=[frozenset({"E2", "D1"})])
    assert not found([two[0], customer("E2", "Gibson", retired=True)])


@pytest.mark.parametrize(
    "text, country, numbers",
    [
        ("+61 2 5550 1234", None, ("+61255501234",)),
        ("0061 2 5550 1234", "AU", ()),  # not dialled so in Australia
        ("13800138000", "CN", ("+8613800138000",)),
        ("+49 (0)30 5550102 / +49 170 5550103", None, ("+49305550102", "+491705550103")),
        ("ask Jane", "AU", ()),
        (None, "AU", ()),
    ],
)
def test_phones(text: str | None, country: str | None, numbers: tuple[str, ...]) -> None:
    assert phones(text, country) == numbers


NAMES = st.sampled_from(["Gibson", "Gibson Ltd", "Gibsn Importing", "Roca", "顺达", "Shunda", "Trading", ""])


@given(
    names=st.lists(NAMES, max_size=7),
    shared=st.lists(st.integers(0, 6), max_size=7),
    said=st.sets(
        st.frozensets(st.sampled_from("ABCDEFG").map(lambda letter: f"{letter}1"), min_size=2, max_size=2)
    ),
)
def test_no_pair_comes_twice_backwards_or_after_it_was_answered(
    names: list[str], shared: list[int], said: set[frozenset[str]]
) -> None:
    customers = [customer(f"{letter}1", name) for letter, name in zip("ABCDEFG", names, strict=False)]
    people = [
        contact(customers[at].code, f"a{number % 3}@x{number % 2}.example")
        for number, at in enumerate(shared)
        if at < len(customers)
    ]
    pairs = [one.codes for one in found(customers, people, said)]
    assert len(set(map(frozenset, pairs))) == len(pairs)
    assert all(one < other for one, other in pairs) and not said & set(map(frozenset, pairs))
