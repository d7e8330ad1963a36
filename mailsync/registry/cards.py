"""Business cards: what a scanner's export or a rep's typing says of one person at one company. Pure.

Headings are those that card scanners, Outlook and people use, in English and Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailsync.errors import RegistryError
from mailsync.registry.countries import country_code
from mailsync.registry.headings import fold
from mailsync.registry.tables import Records, Row, Table, find_headings
from mailsync.text import N_

#: What a column of a card stands for → the headings it has in the exports people have.
_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "full name", "display name", "contact", "contact person", "姓名", "名字", "联系人"),
    "first": ("first name", "given name", "名"),
    "middle": ("middle name",),
    "last": ("last name", "family name", "surname", "姓"),
    "company": ("company", "company name", "organization", "organisation", "公司", "公司名称", "公司全称", "单位"),
    "short_name": ("short_name", "公司简称"),
    "title": ("title", "job title", "position", "职位", "职务", "头衔"),
    "mobile": ("mobile", "mobile phone", "cell", "cell phone", "手机", "手机号", "移动电话"),
    "phone": ("phone", "tel", "telephone", "business phone", "work phone", "office phone", "电话", "座机", "工作电话"),
    "email": ("email", "e-mail", "email address", "e-mail address", "mail", "邮箱", "电子邮箱", "电子邮件", "邮件"),
    "email2": ("email2", "email 2", "e-mail 2", "e-mail 2 address", "邮箱2"),
    "email3": ("email3", "email 3", "e-mail 3 address", "邮箱3"),
    "country": ("country", "country/region", "business country/region", "business country", "国家", "国家地区"),
    "address": ("address", "business address", "business street", "地址", "公司地址", "单位地址"),
    "owner": ("owner", "业务员"),
    "grade": ("grade", "等级"),
    "stage": ("stage", "阶段"),
    "first_contact": ("first_contact", "首次联系"),
}  # fmt: skip
_KNOWN = {fold(heading): name for name, headings in _HEADINGS.items() for heading in headings}
_HAN = re.compile(r"[㐀-鿿]")
_ADDRESS_PARTS = re.compile(r"[,，;；\n]+")
_OF_CUSTOMER = ("company", "short_name", "owner", "grade", "stage", "first_contact")
_NEEDED = frozenset({"name", "last", "company", "email"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card, as texts under the headings of the registry files (FORMATS 1)."""

    file: str  #: where it stands, as messages name it
    number: int  #: row, or place in the file, counted from 1 (a row of headings included)
    customer: Mapping[str, str] = field(default_factory=dict)  #: company, country, owner …
    person: Mapping[str, str] = field(default_factory=dict)  #: name, email, phone, title, region …


def heading_known(heading: str) -> str | None:
    """What a column of business cards with this heading holds; None where nobody knows it."""
    return _KNOWN.get(fold(heading))


def cards_of(file: str, records: Records) -> tuple[list[Card], list[str]]:
    """Records with a row of headings → cards in their order, and the headings nobody knows.

    Raises `RegistryError` where no column is a name, company or address.
    """
    at, _ = find_headings(heading_known, records)
    headings = records[at] if records else []
    fields = [heading_known(heading) for heading in headings]
    if not _NEEDED.intersection(field for field in fields if field):
        raise RegistryError(
            N_(
                "{file} has no column for a person, company or e-mail address. Understood are: {headings}. "
                "Nothing was imported"
            ),
            file=file,
            headings=", ".join(_understood()),
        )
    cards = [
        card_of(file, number, _joined(fields, record))
        for number, record in enumerate(records[at + 1 :], at + 2)
        if any(cell.strip() for cell in record)
    ]
    unknown = [
        heading.strip()
        for heading, known in zip(headings, fields, strict=True)
        if known is None and heading.strip()
    ]
    return cards, unknown


def _understood() -> Iterator[str]:
    """One heading in English, and one in Chinese, of each column."""
    for names in _HEADINGS.values():
        yield names[0]
        yield from [name for name in names if not name.isascii()][:1]


def _joined(fields: Sequence[str | None], record: Sequence[str]) -> dict[str, str]:
    """The cells by what they stand for; of columns that say the same, all of it."""
    found: dict[str, str] = {}
    for name, cell in zip(fields, record, strict=False):
        if name and cell.strip():
            found[name] = f"{found[name]}; {cell.strip()}" if name in found else cell.strip()
    return found


def card_of(file: str, number: int, said: Mapping[str, str]) -> Card:
    """A card from what it says, by the names of columns above."""
    country = said.get("country") or _country_in(said.get("address", ""))
    customer = {name: said[name] for name in _OF_CUSTOMER if name in said}
    person = {
        "name": said.get("name") or _whole_name(said),
        "title": said.get("title", ""),
        "phone": "; ".join(dict.fromkeys(_present(said, "mobile", "phone"))),
        "email": said.get("email", ""),
        "email2": "; ".join(_present(said, "email2", "email3")),
    }
    return Card(
        file=file,
        number=number,
        customer=customer | ({"country": country} if country else {}),
        person={name: text for name, text in person.items() if text},
    )


def _present(said: Mapping[str, str], *names: str) -> list[str]:
    return [said[name] for name in names if said.get(name)]


def _whole_name(said: Mapping[str, str]) -> str:
    """A Chinese name is written family name first and without a blank."""
    if _HAN.search(said.get("last", "") + said.get("first", "")):
        return said.get("last", "") + said.get("first", "")
    return " ".join(_present(said, "first", "middle", "last"))


def _country_in(address: str) -> str | None:
    """The country at the end, or the beginning, of a postal address."""
    parts = [part.strip() for part in _ADDRESS_PARTS.split(address) if part.strip()]
    for part in (*parts[-1:], *parts[:1]) if len(parts) > 1 else ():
        if len(part) > 2 and country_code(part):  # two letters at the end are a state of the USA as well
            return part
    return None


def people_table(file: str, cards: Iterable[Card]) -> Table:
    """Cards as rows of people without codes, as `registry import` takes them."""
    rows = []
    for card in cards:
        cells = dict(card.person)
        if company := card.customer.get("company"):
            cells["company"] = company
        if country := card.customer.get("country"):
            cells["region"] = country
        rows.append(Row(number=card.number, cells=cells))
    fields = dict.fromkeys(name for row in rows for name in row.cells)
    return Table(
        kind="people", file=file, columns={name: name for name in fields}, unknown=(), rows=tuple(rows)
    )
