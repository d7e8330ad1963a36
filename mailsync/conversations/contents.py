"""Who takes part in a message and which codes stand in its subject, for a person to read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from mailsync.conversations.evidence import View
from mailsync.conversations.people import OwnPeople
from mailsync.conversations.reading import CodeInSubject, CodeReader
from mailsync.mailbox.headers import Address, Envelope
from mailsync.registry.roster import Contact, Roster

#: `uncoded`: registered, but with no customer; counts as unknown (DOMAIN 7).
Standing = Literal["own", "contact", "forwarder", "inspector", "uncoded", "unknown"]
#: How a code is written (DOMAIN 6); `doubtful`: it may as well be plain text.
Spelling = Literal["canonical", "superseded", "malformed", "unknown", "doubtful"]

_MOST_CODES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSeen:
    """An address in the headers and who that is in the registry."""

    field: str  #: the first header field it stands in
    name: str  #: as the headers give it, else the registry
    address: str
    standing: Standing
    contacts: tuple[Contact, ...] = ()  #: the registered people with this address
    counts: bool = False  #: stands on the other side and is known: its customers are evidence

    @property
    def customers(self) -> tuple[str, ...]:
        """Codes of the customers they are engaged with."""
        return tuple(dict.fromkeys(code for contact in self.contacts for code in contact.customers))


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSeen:
    """A code in a subject."""

    written: str
    spelling: Spelling
    first: bool  #: the core subject begins with it; only such a code is evidence
    codes: tuple[str, ...]  #: the registered codes it may stand for
    customers: tuple[str, ...]  #: whose they are


def listed(envelope: Envelope) -> Iterator[tuple[str, Address]]:
    """Every address of the headers with its field, in their order."""
    for name, addresses in (
        ("From", envelope.from_), ("Reply-To", envelope.reply_to), ("To", envelope.to), ("Cc", envelope.cc),
        ("Bcc", envelope.bcc),
    ):  # fmt: skip
        for address in addresses:
            yield name, address


def people_seen(view: View, roster: Roster, own: OwnPeople) -> tuple[PersonSeen, ...]:
    """Everybody in the headers that are judged, each once."""
    counting = {person.address for person in view.side.known}
    found: dict[str, PersonSeen] = {}
    for field, one in listed(view.envelope):
        if one.address and one.address not in found:
            found[one.address] = person_seen(one, roster, own, field=field, counts=one.address in counting)
    return tuple(found.values())


def person_seen(
    address: Address, roster: Roster, own: OwnPeople, *, field: str = "", counts: bool = False
) -> PersonSeen:
    """Who an address is."""
    contacts = roster.contacts_at(address.address)
    standing: Standing = "unknown"
    if own.includes(address.address):
        standing = "own"
    elif engaged := [contact for contact in contacts if contact.customers]:
        standing = engaged[0].role
    elif contacts:
        standing = "uncoded"
    registered = next((contact.name for contact in contacts if contact.name), "")
    return PersonSeen(
        field=field,
        name=address.name or registered,
        address=address.address,
        standing=standing,
        contacts=contacts,
        counts=counts,
    )


def codes_seen(view: View, reader: CodeReader) -> tuple[CodeSeen, ...]:
    """The code the subject begins with, and the registered ones behind it."""
    first = [_code_seen(view.code, first=True)] if view.code else []
    behind = view.code.behind if view.code else 0
    later = (code for code in reader.later(view.peeled) if code.start >= behind)
    return (*first, *(_code_seen(code, first=False) for code in islice(later, _MOST_CODES)))


def _code_seen(code: CodeInSubject, *, first: bool) -> CodeSeen:
    spelling: Spelling = "malformed" if code.form == "malformed" else "canonical"
    if code.form == "unknown":
        spelling = "unknown"
    elif code.doubtful:
        spelling = "doubtful"
    elif code.superseded:
        spelling = "superseded"
    return CodeSeen(
        written=code.written,
        spelling=spelling,
        first=first,
        codes=tuple(match.code for match in code.matches),
        customers=code.customers,
    )
