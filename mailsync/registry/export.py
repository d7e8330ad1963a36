"""The registry as records of texts with a row of headings, the form in which files hold it (database)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import sqlalchemy as sa

from mailsync.registry.headings import KINDS, Kind, fields_of
from mailsync.registry.model import Address, Code, Contact, Customer, Engagement, Party, Show
from mailsync.registry.statements import Values, rows_of

Records = list[list[str]]


def records(connection: sa.Connection) -> dict[Kind, Records]:
    """All three tables, headings first, in the order in which their rows were registered."""
    shows = rows_of(connection, Show)
    own_codes = {code["customer_id"]: code for code in rows_of(connection, Code)}
    rows: Mapping[Kind, Sequence[Values]] = {
        "shows": [show | {"date": show["held_on"]} for show in shows],
        "customers": _customers(rows_of(connection, Customer), own_codes, shows),
        "people": _people(connection, own_codes),
    }
    return {
        kind: [list(fields_of(kind)), *([_cell(row[name]) for name in fields_of(kind)] for row in rows[kind])]
        for kind in KINDS
    }


def _customers(customers: list[Values], own_codes: Mapping[int, Values], shows: list[Values]) -> list[Values]:
    show_names = {show["id"]: show["letter"] or show["name"] for show in shows}
    return [
        customer
        | {
            "code": own_codes[customer["id"]]["text"],
            "allocated": own_codes[customer["id"]]["allocated"],
            "show": show_names.get(customer["show_id"]),
            "merged_into": customer["merged_into_id"] and own_codes[customer["merged_into_id"]]["text"],
            # What mailsync proposed must not come back as what somebody typed.
            "abbreviation": None if customer["abbreviation_proposed"] else customer["abbreviation"],
        }
        for customer in customers
    ]


def _people(connection: sa.Connection, own_codes: Mapping[int, Values]) -> list[Values]:
    companies = {party["id"]: party["name"] for party in rows_of(connection, Party)}
    codes: defaultdict[int, list[str]] = defaultdict(list)
    for engagement in rows_of(connection, Engagement):
        if engagement["ended"] is None:
            codes[engagement["contact_id"]].append(own_codes[engagement["customer_id"]]["text"])
    addresses: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for address in rows_of(connection, Address):
        addresses[address["contact_id"]].append((address["position"], address["address"]))
    holders = Counter(address for held in addresses.values() for _, address in held)
    people = []
    for contact in rows_of(connection, Contact):
        held = [address for _, address in sorted(addresses[contact["id"]])]
        # Who shares an address and has no id would come back as somebody else: the permanent key stands in.
        shared = any(holders[address] > 1 for address in held)
        people.append(
            contact
            | {
                "id": contact["external_id"] or (contact["key"] if shared else None),
                "codes": " ".join(codes[contact["id"]]),
                "company": companies.get(contact["party_id"]),
                "email": held[0] if held else "",
                "email2": ";".join(held[1:]),
            }
        )
    return people


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case _:
            return str(value)
