"""vCard files (RFC 2426, RFC 6350, vCard 2.1) → what they say of people, and the registry's people as vCards. Pure
but for the reading of files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from mailsync.addressbook import contentlines
from mailsync.addressbook.cards import guess_meaning, new_card
from mailsync.addressbook.contentlines import Line, escape, fold, split_unescaped, unescape
from mailsync.addressbook.display_name import display_name, split_display_name
from mailsync.errors import RegistryError, unreadable_registry
from mailsync.registry.roster import Contact, Role, Roster
from mailsync.text import N_, one_line

#: No vCard file is larger, bytes: photos of some thousand people.
_LARGEST_FILE = 256 * 1024 * 1024
_BEGIN = re.compile(rb"(?im)^(?=[ \t]*BEGIN[ \t]*:[ \t]*VCARD)")
_ROLES = frozenset(get_args(Role))


@dataclass(frozen=True, slots=True, kw_only=True)
class VCardPerson:
    """What one card of a file says, by the names of business cards (`registry.cards`)."""

    number: int  #: place in the file, counted from 1
    said: Mapping[str, str]
    role: str | None = None


def read_vcards(path: Path) -> list[VCardPerson]:
    """Everybody in a vCard file. Raises `RegistryError` where it cannot be read or holds no card."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise RegistryError(
                N_("{file} has {size} MB, too much for a registry. Nothing was imported"),
                file=path.name,
                size=path.stat().st_size >> 20,
            )
        data = path.read_bytes()
    except OSError as error:
        raise unreadable_registry(path, error) from error
    people = list(people_in(data))
    if not people:
        raise RegistryError(N_("{file} holds no vCard. Nothing was imported"), file=path.name)
    return people


def people_in(data: bytes) -> Iterator[VCardPerson]:
    """Everybody in the bytes of a vCard file; distribution lists are nobody."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    cards = [part for part in _BEGIN.split(data) if part[:40].lstrip().upper().startswith(b"BEGIN")]
    for number, card in enumerate(cards, 1):
        meaning = guess_meaning(card)
        if meaning.is_group:
            continue
        lines: defaultdict[bytes, list[Line]] = defaultdict(list)
        for line in contentlines.split(card):
            lines[line.name].append(line)
        role = _first(lines[b"ROLE"]).casefold()
        said = {
            "name": meaning.fn or " ".join(filter(None, (meaning.given, meaning.family))),
            "company": one_line(" ".join(_components(lines[b"ORG"])[:1])),
            "title": _first(lines[b"TITLE"]),
            "phone": "; ".join(dict.fromkeys(_telephone(line) for line in lines[b"TEL"])),
            "email": "; ".join(meaning.addresses),
            "country": one_line(" ".join(_components(lines[b"ADR"])[6:7])),
        }
        yield VCardPerson(
            number=number,
            said={name: text for name, text in said.items() if text.strip("; ")},
            role=role if role in _ROLES else None,
        )


def _first(lines: list[Line]) -> str:
    return one_line(unescape(lines[0].text)) if lines else ""


def _components(lines: list[Line]) -> list[str]:
    return [unescape(part) for part in split_unescaped(lines[0].text, ";")] if lines else []


def _telephone(line: Line) -> str:
    return one_line(unescape(line.text)).removeprefix("tel:")


def people_rows(
    people: Iterable[VCardPerson], roster: Roster, own_codes: Mapping[str, Sequence[str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Cards as rows of people for `registry import`: (place in the file, cells). `own_codes`: contact's id → the codes
    that it has in registry files.

    A name that begins with a known code is taken apart. A card adds codes and takes none away: it is one entry of
    several, and says nothing of the others. What reads as the registry would write it changes nothing.
    """
    for person in people:
        said = dict(person.said)
        country = said.pop("country", "")
        name = split_display_name(said.get("name", ""), roster)
        known = _known(said.get("email", ""), roster)
        cells = {field: text for field, text in said.items() if text}
        if person.role:
            cells["role"] = person.role
        if country:
            cells["region"] = country
        if name is not None:
            customer = name.match.customer
            if known is None or customer.code not in known.customers:
                held = own_codes.get(known.id, ()) if known else ()
                cells["codes"] = " ".join((*held, customer.code))
            cells |= {"name": name.person, "company": said.get("company") or name.company}
            if name.place and name.place not in ("?", customer.country):
                cells["region"] = name.place
            if known and said.get("name") == display_name(customer.code, known, customer):
                cells = {
                    field: cells[field] for field in ("codes", "email", "phone", "title") if field in cells
                }
        yield person.number, {field: text for field, text in cells.items() if text and text != "?"}


def _known(addresses: str, roster: Roster) -> Contact | None:
    for address in addresses.split("; "):
        if found := roster.contacts_at(address):
            return found[0]
    return None


def vcards(roster: Roster) -> bytes:
    """Everybody engaged with a customer, an entry for each engagement, as address books show them (DOMAIN 4)."""
    return b"".join(
        _entry(contact, code, roster)
        for contact in roster.contacts
        for code in contact.customers
        if contact.addresses
    )


def _entry(contact: Contact, code: str, roster: Roster) -> bytes:
    card = new_card(
        uid=f"{contact.id}-{code}",
        fn=display_name(code, contact, roster.customer(code)),
        addresses=contact.addresses,
        company=contact.company,
        nickname=code,
        categories=(code,),
    )
    more = [
        *(f"TEL:{escape(one_line(phone))}" for phone in (contact.phone or "").split("; ") if phone),
        *([f"TITLE:{escape(one_line(contact.title))}"] if contact.title else []),
        *([f"ROLE:{contact.role}"] if contact.role != "contact" else []),
    ]
    lines = b"".join(fold(line.encode("utf-8", "replace"), b"\r\n") for line in more)
    return card.replace(b"END:VCARD\r\n", lines + b"END:VCARD\r\n")
