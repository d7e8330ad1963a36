"""Whom a mail client offers for a typed text, from the address books as last read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mailsync.addressbook.cards import CardMeaning, guess_meaning
from mailsync.addressbook.shelf import shelved_cards
from mailsync.tidy.settings import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A row that a mail client offers for a typed text."""

    name: str  #: FN
    address: str
    owners: tuple[str, ...]  #: the accounts and company books whose address books hold it

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "address": self.address, "books_of": list(self.owners)}


def who(engine: sa.Engine, accounts: Sequence[Account], text: str) -> list[Offer]:
    """Whom clients that match anywhere in name, nickname and address offer for `text`, in Thunderbird's order: exact
    nickname first, then names that begin with the text (mail-client rule: every typed word must be contained). Only books of `accounts` count that were there the last time."""
    words = text.casefold().split()
    found: dict[tuple[str, str], set[str]] = {}
    rank: dict[tuple[str, str], tuple[int, str]] = {}
    for owner, meaning in _cards(engine, accounts):
        for address in meaning.addresses:
            searched = f"{meaning.fn}\n{meaning.nickname}\n{address}".casefold()
            if words and all(word in searched for word in words):
                row = (meaning.fn, address)
                found.setdefault(row, set()).add(owner)
                rank[row] = min(rank.get(row, (9, "")), _rank(meaning, text), key=lambda one: one[0])
    ordered = sorted(found, key=lambda row: (rank[row], row))
    return [
        Offer(name=name, address=address, owners=tuple(sorted(found[name, address])))
        for name, address in ordered
    ]


def _rank(meaning: CardMeaning, text: str) -> tuple[int, str]:
    typed = text.strip().casefold()
    nickname, name = meaning.nickname.casefold(), meaning.fn.casefold()
    if nickname == typed:
        return 0, name
    if nickname.startswith(typed) or name.startswith(typed) or f" {typed}" in name:
        return 1, name
    return 2, name


def _cards(engine: sa.Engine, accounts: Sequence[Account]) -> Iterator[tuple[str, CardMeaning]]:
    configured = {(account.name, book.access.place) for account in accounts for book in account.books}
    for owner, data in shelved_cards(engine, configured=configured):
        yield owner, guess_meaning(data)
