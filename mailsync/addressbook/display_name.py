"""The display name `{code} {person}/{company}/{place}` of everybody around a customer (DOMAIN 4). Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from mailsync.registry.roster import CodeMatch, Contact, Customer, Roster

#: Stands where a part is unknown.
UNKNOWN = "?"

#: Mail clients tear a name apart at these, or quote it.
_TORN = re.compile(r'[,;:<>()"@\\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitName:
    """A person's entry that begins with a known code, taken apart; missing parts are empty."""

    match: CodeMatch
    person: str
    company: str
    place: str


def display_name(code: str, contact: Contact, customer: Customer | None) -> str:
    """The display name of `contact` under `code` (one short code, or several with blanks between).

    `customer` is the one the code stands for: it lends its own contacts its company and country.
    """
    return f"{code} {'/'.join(parts(contact, customer))}"


def parts(contact: Contact, customer: Customer | None) -> tuple[str, str, str]:
    """Person, company and place as they are written; `?` where one is unknown."""
    lender = customer if contact.role == "contact" else None
    person = clean(contact.name) or clean(_local_part(contact))
    company = clean(contact.company) or (clean(lender.name) if lender else "")
    return person or UNKNOWN, company or UNKNOWN, _place(contact, lender) or UNKNOWN


def clean(part: str) -> str:
    """`part` without what tears a name: `/` becomes `-`, separators and control characters become blanks."""
    spaced = _TORN.sub(" ", part.replace("/", "-"))
    return " ".join("".join(" " if _is_control(char) else char for char in spaced).split())


def _is_control(char: str) -> bool:
    # Bidirectional controls (U+202A…, U+2066…) can make a name read as another; they count as controls.
    return (
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
    )


def _local_part(contact: Contact) -> str:
    return contact.addresses[0].rpartition("@")[0] if contact.addresses else ""


def _place(contact: Contact, lender: Customer | None) -> str:
    return clean(contact.region or "") or clean(contact.country or (lender.country if lender else None) or "")


def split_display_name(text: str, roster: Roster) -> SplitName | None:
    """Take a person's entry apart at its code; None where it does not begin with a registered one.

    The longest code wins: `D12 AUGI Jane` has the full code `D12 AUGI` only where the registry fixed it.
    """
    head, _, rest = " ".join(unicodedata.normalize("NFKC", text).split()).partition(" ")
    match = roster.match(head)
    if match is None or (head.isdigit() and head != match.code):
        return None
    tail = match.customer.tail
    if tail and (rest == tail or rest.startswith(f"{tail} ")):
        rest = rest[len(tail) + 1 :]
    person, company, place = (*(part.strip() for part in rest.split("/", 2)), "", "")[:3]
    return SplitName(match=match, person=person, company=company, place=place)
