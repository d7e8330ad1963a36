"""The roster: the immutable look-up of who is who that every other room reads (DOMAIN 2 and 3). Pure.

Codes are spelled in their registry form everywhere; where a customer was merged, people and engagements of the
superseded code stand under the surviving customer's code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

from mailsync.registry import codes
from mailsync.text import normalise_address

Role = Literal["contact", "forwarder", "inspector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer as the other rooms see it."""

    code: str  #: the earliest code, in its registry form
    superseded: tuple[str, ...] = ()  #: codes of customers merged into this one; they still find it
    company: str
    short_name: str | None = None
    country: str | None = None  #: ISO 3166-1 alpha-2
    abbreviation: str | None = None
    full_code: str | None = None  #: `D12 AUGI`, fixed with the first order
    channel: str | None = None  #: "show", or any text
    show: str | None = None  #: show letter
    first_contact: date | None = None
    stage: str | None = None
    stage_since: date | None = None
    grade: str | None = None
    owner: str | None = None  #: the rep's address, normalised
    retired: bool = False  #: its codes still find it; nobody is engaged with it

    @property
    def name(self) -> str:
        """The short name, else the company's name as given."""
        return self.short_name or self.company

    @property
    def tail(self) -> str | None:
        """The fixed tail of the full code (`AUGI`)."""
        return self.full_code.rpartition(" ")[2] if self.full_code else None

    @property
    def proposed_tail(self) -> str | None:
        """Country + abbreviation, as a full code would end."""
        return f"{self.country}{self.abbreviation}" if self.country and self.abbreviation else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or a department mailbox at a party."""

    id: str
    role: Role
    name: str = ""
    company: str = ""  #: the party's short name, else its name as given
    region: str | None = None  #: as written in the registry (`SH`), a country's name as its alpha-2 code
    country: str | None = None  #: the party's, ISO 3166-1 alpha-2
    addresses: tuple[str, ...] = ()  #: normalised
    phone: str | None = None
    title: str | None = None
    retired: bool = False
    customers: tuple[str, ...] = ()  #: codes of the engagements, the earliest allocated first; empty: uncoded


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMatch:
    """A registered code and whom it stands for."""

    customer: Customer
    code: str  #: the matched code in its registry form
    superseded: bool


@dataclass(frozen=True, kw_only=True)
class Roster:
    """Customers in order of their codes' allocation, contacts in order of their ids."""

    customers: tuple[Customer, ...] = ()
    contacts: tuple[Contact, ...] = ()
    show_letters: frozenset[str] = field(default_factory=frozenset)  #: letters of all coded shows
    parted: frozenset[frozenset[str]] = field(
        default_factory=frozenset
    )  #: pairs of codes that were merged, and whose merge was taken back

    def match(self, text: str) -> CodeMatch | None:
        """The registered code that `text` writes, in any form a registry file allows."""
        if written := self._as_written.get(text):
            return written
        key = codes.key(text)
        return self.codes.get(key) if key else None

    def customer(self, text: str) -> Customer | None:
        """The customer whom a code, also a superseded one, stands for."""
        match = self.match(text)
        return match.customer if match else None

    def contacts_at(self, address: str) -> tuple[Contact, ...]:
        """The contacts with this address, coded or not."""
        return self._by_address.get(normalise_address(address), ())

    @cached_property
    def codes(self) -> Mapping[str, CodeMatch]:
        """Comparison key (`registry.codes`) → registered code."""
        found: dict[str, CodeMatch] = {}
        for customer in self.customers:
            for text in customer.superseded:
                found[codes.parse(text).key] = CodeMatch(customer=customer, code=text, superseded=True)
        for customer in self.customers:
            found[codes.parse(customer.code).key] = CodeMatch(
                customer=customer, code=customer.code, superseded=False
            )
        return found

    @cached_property
    def _as_written(self) -> Mapping[str, CodeMatch]:
        """Code in its registry form → registered code."""
        return {match.code: match for match in self.codes.values()}

    @cached_property
    def people_by_customer(self) -> Mapping[str, tuple[Contact, ...]]:
        """Customer's code → the contacts engaged with it."""
        return _grouped((code, contact) for contact in self.contacts for code in contact.customers)

    @cached_property
    def _by_address(self) -> Mapping[str, tuple[Contact, ...]]:
        return _grouped((address, contact) for contact in self.contacts for address in contact.addresses)


def _grouped(pairs: Iterable[tuple[str, Contact]]) -> dict[str, tuple[Contact, ...]]:
    groups: defaultdict[str, list[Contact]] = defaultdict(list)
    for key, contact in pairs:
        groups[key].append(contact)
    return {key: tuple(contacts) for key, contacts in groups.items()}
