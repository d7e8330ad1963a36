"""The address books of the sample company: cards as phones and mail clients wrote them, and what becomes of each."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle

from mailsync.demo.company import REPS, SamplePerson, company
from mailsync.demo.truth import CardTruth

COMPANY_BOOK = "book:company"
FOREIGN = (
    ("Dr. Weber (dentist)", "praxis@weber.example"),
    ("妈妈", "mama@family.example"),
    ("Taxi Guangzhou", "booking@taxi.example"),
    ("D12 connector shop", "sales@connectors.example"),
)


_MEMBER = "X-ADDRESSBOOKSERVER-MEMBER"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBook:
    """A book before mailsync: file name → bytes, and the truth of each card."""

    account: str
    user: str  #: the principal
    name: str
    cards: dict[str, bytes]
    truths: tuple[CardTruth, ...]


@dataclass(slots=True)
class _Shelf:
    """A book while it is being filled."""

    account: str
    user: str
    name: str
    codes: frozenset[str]  #: of the customers in the book's scope
    cards: dict[str, bytes] = field(default_factory=dict)
    truths: list[CardTruth] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/{self.user}/{self.name}/"

    def add(self, name: str, properties: list[str], *actions: str, after: str | None = None) -> None:
        """Lay a card on the shelf. `properties`: content lines after VERSION, the first one is VERSION's value."""
        file = f"{name}.vcf"
        version, *rest = properties
        lines = ["BEGIN:VCARD", f"VERSION:{version}", f"UID:{_uid(self.path + name)}", *rest, "END:VCARD", ""]
        self.cards[file] = "\r\n".join(map(_folded, lines)).encode()
        self._expect(file, frozenset(actions), after)

    def expect_new(self, after: str) -> None:
        """Nobody's card stands for this engagement: one is created."""
        self._expect(None, frozenset({"create"}), after)

    def done(self) -> SampleBook:
        return SampleBook(
            account=self.account,
            user=self.user,
            name=self.name,
            cards=self.cards,
            truths=tuple(self.truths),
        )

    def _expect(self, card: str | None, actions: frozenset[str], after: str | None) -> None:
        self.truths.append(
            CardTruth(account=self.account, book=self.path, card=card, actions=actions, after=after)
        )


def books() -> Iterator[SampleBook]:
    """The book of each rep (the customers the rep owns), and the company's (all customers)."""
    for rep in REPS:
        codes = frozenset(customer.code for customer in company().owned_by(rep.address))
        shelf = _Shelf(rep.name, rep.name, "contacts", codes)
        _fill(shelf, every=5)
        _oddities(shelf)
        yield shelf.done()
    shelf = _Shelf(
        COMPANY_BOOK, "company", "customers", frozenset(customer.code for customer in company().customers)
    )
    _fill(shelf, every=2)
    yield shelf.done()


def _fill(shelf: _Shelf, every: int) -> None:
    """A card for most people in scope, in all the ways cards are written; each `every`-th person has none."""
    ways = cycle(_WAYS)
    for number, person in enumerate(company().people):
        codes = [code for code in person.codes if code in shelf.codes]
        if not codes:
            continue
        names = [f"{code} {person.shown}" for code in codes]
        if number % every == every - 1:
            missing = names
        else:
            way = next(ways)
            properties, action = way(person, codes[0], names[0])
            shelf.add(f"{person.id}-{way.__name__.strip('_')}", properties, action, after=names[0])
            missing = [] if action == "conflict" else names[1:]
            if action == "conflict" and len(names) > 1:
                raise ValueError(
                    f"{person.id} serves several customers: what becomes of the others is not decided"
                )
        for name in missing:
            shelf.expect_new(name)


def _oddities(shelf: _Shelf) -> None:
    """People mailsync must not touch, doubles, and one person's two addresses."""
    for number, (name, address) in enumerate(FOREIGN):
        shelf.add(f"x{number}", ["3.0", f"FN:{name}", f"N:{name};;;;", f"EMAIL:{address}"], "unmatched")
    lead = company().person("p81")
    shelf.add("x-lead", _lines(lead, lead.name), "unmatched")
    shelf.add(
        "x-group",
        [
            "3.0",
            "FN:Suppliers",
            "N:Suppliers;;;;",
            "X-ADDRESSBOOKSERVER-KIND:group",
            f"{_MEMBER}:urn:uuid:0d1c",
        ],
        "unmatched",
        "none",
    )
    present = {truth.card for truth in shelf.truths if truth.card and truth.actions != {"conflict"}}
    doubles = [person for person in company().people if any(_is_card_of(card, person) for card in present)]
    first, second, third = doubles[:3]
    for person in (first, second):
        # Sorted behind the card that is there: that one is kept.
        shelf.add(f"z-{person.id}-again", _lines(person, person.name.upper() or "office"), "duplicate")
    shelf.add(
        "z-two-people",
        ["3.0", "FN:Office", "N:Office;;;;", f"EMAIL:{second.addresses[0]}", f"EMAIL:{third.addresses[0]}"],
        "conflict",
    )
    at_home = company().person("p11")
    if at_home.codes[0] in shelf.codes:
        shelf.add(
            "p11-home",
            ["3.0", "FN:Jane (home)", "N:Roe;Jane;;;", f"EMAIL;TYPE=HOME:{at_home.addresses[1]}"],
            "rename",
            after=f"D12 {at_home.shown}",
        )


def _is_card_of(card: str, person: SamplePerson) -> bool:
    return card.startswith(f"{person.id}-")


def _lines(person: SamplePerson, shown: str, version: str = "3.0") -> list[str]:
    first, _, last = person.name.replace(",", "\\,").rpartition(" ")
    return [
        version,
        f"FN:{_escaped(shown or person.addresses[0])}",
        f"N:{last};{first};;;",
        f"ORG:{_escaped(person.company or person.addresses[0].rpartition('@')[2])}",
        *(f"EMAIL;TYPE=INTERNET:{address}" for address in person.addresses[:1]),
        "TEL;TYPE=CELL:+1 555 0100",
        "NOTE:Met at the fair\\, wants samples\\; call before noon",
    ]


def _plain(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    return _lines(person, person.name), "rename"


def _version_4(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    return _lines(person, person.name, "4.0"), "rename"


def _grouped(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    lines = [line for line in _lines(person, person.name) if not line.startswith("EMAIL")]
    grouped = [
        f"item1.EMAIL;TYPE=INTERNET,WORK:{person.addresses[0].upper()}",
        "item1.X-ABLABEL:_$!<Work>!$_",
    ]
    return lines + grouped, "rename"


def _photo_3(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    return [*_lines(person, person.name), f"PHOTO;ENCODING=b;TYPE=PNG:{photo(person.id)}"], "rename"


def _nickname(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    return [*_lines(person, person.name), "NICKNAME:Janie"], "rename"


def _right(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    lines = [line for line in _lines(person, name) if not line.startswith("N:")]
    return [*lines, f"N:;{name};;;", f"NICKNAME:{code}", f"CATEGORIES:{code}"], "none"


def _right_name_only(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    return _lines(person, name), "rename"


def _categories(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    return [*_lines(person, f"{person.name} ({code})"), "CATEGORIES:Friends,VIP"], "rename"


def _photo_4_link(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    return [*_lines(person, person.name, "4.0"), "PHOTO:https://pictures.example/one.png"], "rename"


def _photo_4_inside(person: SamplePerson, code: str, name: str) -> tuple[list[str], str]:
    """Radicale serves and stores such a photo cut off (facts of vobject): mailsync must not store it again."""
    if len(person.codes) > 1:
        return _plain(person, code, name)
    return [
        *_lines(person, person.name, "4.0"),
        f"PHOTO:data:image/png;base64,{photo(person.id)}",
    ], "conflict"


_Way = Callable[[SamplePerson, str, str], tuple[list[str], str]]
_WAYS: tuple[_Way, ...] = (
    _plain, _version_4, _grouped, _photo_3, _nickname, _right, _photo_4_inside, _right_name_only, _categories,
    _photo_4_link,
)  # fmt: skip


def photo(seed: str, size: int = 24) -> str:
    """A small PNG of one colour and a border, in base64."""
    red, green, blue = hashlib.sha256(seed.encode()).digest()[:3]
    row = b"\0" + bytes((red, green, blue)) * size
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * size, 0)),
        (b"IEND", b""),
    )
    body = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def _uid(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")


def _folded(line: str) -> str:
    """A content line in pieces of at most 75 bytes, never within a character (RFC 6350 section 3.2)."""
    pieces, piece = [], ""
    for sign in line:
        if len((piece + sign).encode()) > 74:
            pieces.append(piece)
            piece = ""
        piece += sign
    return "\r\n ".join([*pieces, piece])
