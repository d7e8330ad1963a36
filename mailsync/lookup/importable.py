"""Whom the address book of a mail program without CardDAV should hold: everybody engaged, or who changed since a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from mailsync.addressbook.importable import ENCODINGS, FORMATS, file_of
from mailsync.addressbook.matching import Target, targets
from mailsync.addressbook.scope import BookSettings, parse_scope
from mailsync.errors import UsageError
from mailsync.registry.history import touched_since
from mailsync.registry.model import Code, Contact
from mailsync.registry.roster import Contact as RosterContact
from mailsync.registry.roster import Roster
from mailsync.registry.roster_load import load_roster
from mailsync.registry.statements import rows_of
from mailsync.text import N_
from mailsync.tidy.settings import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Importable:
    """Entries to import, and people whose entries a program still has from earlier and should not."""

    entries: tuple[Target, ...]
    left: tuple[RosterContact, ...] = ()  #: engaged with nobody any more; empty where everybody was asked for
    without_address: int = 0  #: engaged people whom no mail program could offer


def importable_file(
    engine: sa.Engine,
    house: House,
    kind: str,
    *,
    scope: str = "all",
    since: datetime | None = None,
    encoding: str | None = None,
) -> tuple[bytes, Importable]:
    """The file for one kind of mail program (`addressbook.importable.FORMATS`), and what it holds.

    `encoding` None: what that program reads on the house's computers. Raises `UsageError` for a word that is none.
    """
    chosen = FORMATS.get(kind)
    if chosen is None:
        raise UsageError(
            N_("There is no format “{format}”; there are: {known}"), format=kind, known=", ".join(FORMATS)
        )
    usual = chosen.chinese_encoding if house.language == "zh_CN" else chosen.encoding
    wanted = next((one for one in ENCODINGS if one == (encoding or usual)), None)
    if wanted is None:
        raise UsageError(N_("The encoding is one of: {known}"), known=", ".join(ENCODINGS))
    found = importable(engine, house, scope=scope, since=since)
    return file_of(chosen, found.entries, encoding=wanted), found


def importable(
    engine: sa.Engine, house: House, *, scope: str = "all", since: datetime | None = None
) -> Importable:
    """The entries of DOMAIN 4 for `scope`; `since`: only those that may differ from what they were then.

    Raises `UsageError` for a scope that is none.
    """
    settings = BookSettings(
        url="", scope=parse_scope(scope), entry_per_engagement=house.cards.entry_per_engagement
    )
    with engine.connect() as connection:
        roster = load_roster(connection)
        people, codes = _touched(connection, roster, since)
    wanted = [
        target
        for target in targets(roster, settings)
        if since is None or target.contact.id in people or target.customer.code in codes
    ]
    left = [contact for contact in roster.contacts if contact.id in people and not contact.customers]
    return Importable(
        entries=tuple(target for target in wanted if target.contact.addresses),
        left=tuple(contact for contact in left if contact.addresses),
        without_address=len({target.contact.id for target in wanted if not target.contact.addresses}),
    )


def _touched(
    connection: sa.Connection, roster: Roster, since: datetime | None
) -> tuple[frozenset[str], frozenset[str]]:
    """Ids of contacts and codes of customers that something was written about since."""
    if since is None:
        return frozenset(), frozenset()
    touched = touched_since(connection, since)
    people, customers = touched.get("contact", frozenset()), touched.get("customer", frozenset())
    codes = (row["text"] for row in rows_of(connection, Code) if row["customer_id"] in customers)
    return (
        frozenset(row["key"] for row in rows_of(connection, Contact) if row["id"] in people),
        frozenset(customer.code for code in codes if (customer := roster.customer(code)) is not None),
    )
