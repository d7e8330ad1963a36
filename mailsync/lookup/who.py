"""Whom a mail client offers for a typed text, from the address books as last read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mailsync.addressbook.cards import CardMeaning, guess_meaning
from mailsync.addressbook.clients import CLIENTS, Row, not_shown, offered
from mailsync.addressbook.shelf import shelved_cards
from mailsync.errors import UsageError
from mailsync.text import N_
from mailsync.tidy.settings import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A row that a mail client offers for a typed text."""

    name: str  #: as the client shows it
    address: str
    owners: tuple[str, ...]  #: the accounts and company books whose address books hold it

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "address": self.address, "books_of": list(self.owners)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What drops down, in the client's order, and who should be there and is not."""

    client: str  #: its name
    offers: tuple[Offer, ...]
    hidden: tuple[Offer, ...]  #: entries that begin with the text and that the client does not show


def who(engine: sa.Engine, accounts: Sequence[Account], text: str, *, client: str = "thunderbird") -> Offers:
    """Whom `client` offers for `text` (`addressbook.clients`). Only books of `accounts` count that were there the last
    time; a client that has several of them shows an entry of all of them once.

    Raises `UsageError` where nothing is known of the client.
    """
    known = CLIENTS.get(client.casefold())
    if known is None:
        raise UsageError(
            N_("Nothing is known of the mail program “{client}”; there are: {known}"),
            client=client,
            known=", ".join(CLIENTS),
        )
    owners: defaultdict[Row, set[str]] = defaultdict(set)
    cards: list[CardMeaning] = []
    configured = {(account.name, book.access.place) for account in accounts for book in account.books}
    for owner, data in shelved_cards(engine, configured=configured):
        meaning = guess_meaning(data)
        cards.append(meaning)
        for address in meaning.addresses:
            for name in {meaning.fn, known.shows(meaning)}:
                owners[Row(name=name, address=address)].add(owner)
    return Offers(
        client=known.title,
        offers=tuple(_offer(row, owners) for row in offered(known, cards, text)),
        hidden=tuple(_offer(row, owners) for row in dict.fromkeys(not_shown(known, cards, text))),
    )


def _offer(row: Row, owners: Mapping[Row, set[str]]) -> Offer:
    return Offer(name=row.name, address=row.address, owners=tuple(sorted(owners.get(row, ()))))
