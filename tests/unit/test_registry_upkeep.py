"""What the registry itself shows to be wanting, each kind with a row that has it and one that has not (DOMAIN 9)."""

from __future__ import annotations

from typing import Any

import pytest

from mailsync.registry.roster import Contact, Customer, Roster
from mailsync.registry.upkeep import upkeep

WHOLE = {"country": "AU", "owner": "li@our.example", "stage": "lead"}


def customer(code: str, **more: Any) -> Customer:
    return Customer(**{"code": code, "company": f"Company {code}", **WHOLE, **more})


def person(
    code: str, number: int = 1, *, addresses: int = 1, domain: str = "x.example", **more: Any
) -> Contact:
    names = tuple(f"p{number}.{count}@{domain}" for count in range(addresses))
    return Contact(
        **{"id": f"{code}-{number}", "role": "contact", "addresses": names, "customers": (code,), **more}
    )


def kinds(customers: list[Customer], contacts: list[Contact]) -> list[tuple[str, str]]:
    findings = upkeep(Roster(customers=tuple(customers), contacts=tuple(contacts)), ())
    return [(one.kind.removeprefix("upkeep-"), one.subject) for one in findings]


@pytest.mark.parametrize(
    "customers, contacts, expected",
    [
        ([customer("D12")], [person("D12")], []),
        ([customer("D12")], [], [("no-contact", "D12")]),
        ([customer("D12")], [person("D12", role="forwarder")], [("no-contact", "D12")]),
        ([customer("D12", country=None)], [person("D12")], [("no-country", "D12")]),
        ([customer("D12", owner=None)], [person("D12")], [("no-owner", "D12")]),
        ([customer("D12", stage="order")], [person("D12")], [("no-full-code", "D12")]),
        ([customer("D12", stage="order", full_code="D12 AUGI")], [person("D12")], []),
        ([customer("D12", country=None, owner=None, retired=True)], [], []),
        ([customer("D1"), customer("D12")], [person("D1"), person("D12")], [("code-in-code", "D1")]),
        ([customer("D01"), customer("D12")], [person("D01"), person("D12")], []),
        ([customer("D1"), customer("D12", retired=True)], [person("D1")], []),
        ([customer("D12")], [person("D12", number, addresses=3) for number in range(5)], []),
        ([customer("D12")], [person("D12", number, addresses=4) for number in range(4)], [("crowd", "D12")]),
    ],
)
def test_what_is_found(
    customers: list[Customer], contacts: list[Contact], expected: list[tuple[str, str]]
) -> None:
    assert kinds(customers, contacts) == expected


@pytest.mark.parametrize("strangers, told", [(5, False), (6, True)])
def test_a_number_in_many_strangers_addresses_is_told(strangers: int, told: bool) -> None:
    customers = [customer("163"), customer("D12")]
    others = [person("D12", number, domain="163.com") for number in range(strangers)]
    found = kinds(customers, [person("163", domain="163.com"), *others])
    assert (("code-in-address", "163") in found) == told


def test_letters_in_addresses_are_no_trouble() -> None:
    others = [person("E05", number, domain="d12.example") for number in range(9)]
    assert kinds([customer("D12"), customer("E05")], [person("D12"), *others]) == []


def test_each_finding_names_the_command_that_settles_it() -> None:
    bare = Customer(code="D12", company="Gibson", stage="order")
    commands = [one.command for one in upkeep(Roster(customers=(bare,)), ())]
    assert commands == [
        "mailsync contacts add --code D12 --email ADDRESS",
        "mailsync customers edit D12 --country COUNTRY",
        "mailsync customers edit D12 --owner ADDRESS",
        "mailsync customers edit D12 --stage order",
    ]
