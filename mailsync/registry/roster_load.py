"""The registry's tables → the roster that every other room reads (database)."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Session

from mailsync.registry import codes
from mailsync.registry.countries import place
from mailsync.registry.model import Address, Code, Contact, Customer, Engagement, Merge, Party, Show
from mailsync.registry.roster import Contact as RosterContact
from mailsync.registry.roster import Customer as RosterCustomer
from mailsync.registry.roster import Role, Roster
from mailsync.registry.statements import Values, rows_of

#: The tables that a roster is made of: model → its rows.
Tables = Mapping[type[DeclarativeBase], list[Values]]

_MODELS = (Code, Customer, Show, Merge, Party, Address, Engagement, Contact)


def load_roster(database: sa.Connection | Session) -> Roster:
    """The roster as the registry stands."""
    return make_roster(read_tables(database.connection() if isinstance(database, Session) else database))


def read_tables(connection: sa.Connection) -> Tables:
    """What `make_roster` makes a roster of; equal where the registry is as before."""
    return {model: rows_of(connection, model) for model in _MODELS}


def make_roster(tables: Tables) -> Roster:
    """The roster of a registry's tables.

    Customers stand in order of their codes' allocation, show order and number breaking ties. Merged customers are no
    customers of their own: their codes and people are the survivor's. Customers without people are kept, so are
    people without engagements.
    """
    own_codes = {row["customer_id"]: row for row in tables[Code]}
    ordered = sorted(tables[Customer], key=lambda row: _allocation(own_codes[row["id"]]))
    survivors = _survivors(ordered)
    shows = tables[Show]
    customers = _customers(ordered, own_codes, survivors, shows)
    return Roster(
        customers=tuple(customers.values()),
        contacts=tuple(_contacts(tables, customers, survivors, _merged_names(ordered, survivors))),
        show_letters=frozenset(show["letter"] for show in shows if show["letter"] and show["coded"]),
        parted=frozenset(_parted(tables[Merge], own_codes, survivors)),
    )


def _parted(
    merges: Iterable[Values], own_codes: Mapping[int, Values], survivors: Mapping[int, int]
) -> Iterable[frozenset[str]]:
    """Codes of customers that were one for a time."""
    for merge in merges:
        pair = {survivors[merge["loser_id"]], survivors[merge["survivor_id"]]}
        if merge["undone_at"] is not None and len(pair) == 2:
            yield frozenset(own_codes[customer_id]["text"] for customer_id in pair)


def own_codes(connection: sa.Connection) -> Mapping[str, tuple[str, ...]]:
    """Contact's id → the codes it was engaged under, those of merged customers as they are."""
    codes_by_id = {row["customer_id"]: row["text"] for row in rows_of(connection, Code)}
    keys = {row["id"]: row["key"] for row in rows_of(connection, Contact)}
    engaged: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows_of(connection, Engagement):
        if row["ended"] is None:
            engaged[keys[row["contact_id"]]].append(codes_by_id[row["customer_id"]])
    return {key: tuple(found) for key, found in engaged.items()}


def _allocation(code: Values) -> tuple[datetime, codes.Code]:
    return code["allocated"], codes.parse(code["text"])


def _survivors(customers: Iterable[Values]) -> dict[int, int]:
    """Each customer's id → the id of the customer it was merged into at last, itself where it was not."""
    merged = {row["id"]: row["merged_into_id"] for row in customers}
    survivors = {}
    for row_id in merged:
        last = row_id
        while merged[last] is not None:  # import refuses circles
            last = merged[last]
        survivors[row_id] = last
    return survivors


def _customers(
    ordered: list[Values], own_codes: Mapping[int, Values], survivors: Mapping[int, int], shows: list[Values]
) -> dict[int, RosterCustomer]:
    """Surviving customers by id, in the order of allocation."""
    superseded: defaultdict[int, list[str]] = defaultdict(list)
    for row in ordered:
        if survivors[row["id"]] != row["id"]:
            superseded[survivors[row["id"]]].append(own_codes[row["id"]]["text"])
    show_names = {show["id"]: show["letter"] or show["name"] for show in shows}
    return {
        row["id"]: RosterCustomer(
            code=own_codes[row["id"]]["text"],
            superseded=tuple(superseded[row["id"]]),
            company=row["company"],
            short_name=row["short_name"],
            country=row["country"],
            abbreviation=row["abbreviation"],
            full_code=row["full_code"],
            channel=row["channel"],
            show=show_names.get(row["show_id"]) or codes.parse(own_codes[row["id"]]["text"]).letters or None,
            first_contact=row["first_contact"],
            stage=row["stage"],
            stage_since=row["stage_since"],
            grade=row["grade"],
            owner=row["owner"],
            retired=row["retired"] is not None,
        )
        for row in ordered
        if survivors[row["id"]] == row["id"]
    }


def _merged_names(ordered: Iterable[Values], survivors: Mapping[int, int]) -> Mapping[int, list[str]]:
    """Survivor's id → companies of those merged into it: their people are the survivor's now, by its name."""
    names: defaultdict[int, list[str]] = defaultdict(list)
    for row in ordered:
        if survivors[row["id"]] != row["id"]:
            names[survivors[row["id"]]] += [row["company"], row["short_name"] or ""]
    return names


def _contacts(
    tables: Tables,
    customers: Mapping[int, RosterCustomer],
    survivors: Mapping[int, int],
    merged_names: Mapping[int, list[str]],
) -> Iterable[RosterContact]:
    parties = {row["id"]: row for row in tables[Party]}
    addresses: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for row in tables[Address]:
        addresses[row["contact_id"]].append((row["position"], row["address"]))
    engaged: defaultdict[int, set[int]] = defaultdict(set)
    for row in tables[Engagement]:
        if row["ended"] is None:
            engaged[row["contact_id"]].add(survivors[row["customer_id"]])
    order = {row_id: position for position, row_id in enumerate(customers)}
    for row in tables[Contact]:
        ids = sorted(engaged[row["id"]], key=order.__getitem__)
        served = [customers[row_id] for row_id in ids]
        known_as = {customers[row_id].code: merged_names.get(row_id, []) for row_id in ids}
        party = parties.get(row["party_id"], {})
        yield RosterContact(
            id=row["key"],
            role=cast("Role", row["role"]),
            name=row["name"],
            company=_company(row["role"], party, served, known_as),
            region=place(row["region"]) if row["region"] else None,
            country=party.get("country"),
            addresses=tuple(address for _, address in sorted(addresses[row["id"]])),
            phone=row["phone"],
            title=row["title"],
            retired=row["retired"] is not None,
            customers=tuple(customer.code for customer in served),
        )


def _company(
    role: str, party: Values, served: list[RosterCustomer], known_as: Mapping[str, list[str]]
) -> str:
    """The party's short name, else its name as given (DOMAIN 4). A customer's own people have the customer's."""
    written = party.get("short_name") or party.get("name") or ""
    if role != "contact":
        return written
    own = next(
        (
            customer
            for customer in served
            if any(_same_name(written, name) for name in (customer.company, *known_as[customer.code]))
        ),
        None,
    )
    if own is None and not written and served:
        own = served[0]
    return own.name if own else written


def _same_name(one: str, other: str) -> bool:
    return bool(_letters(one)) and _letters(one) == _letters(other)


def _letters(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
