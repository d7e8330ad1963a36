"""A card's meaning, new cards, and whether a server kept what it was sent (RFC 2426, RFC 6350). Pure.

Cards are read by their content lines: vobject cuts values at unescaped commas and fails on valid cards. It serves
to foretell what a server that stores cards through it would do to them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailsync.addressbook import contentlines, rewriting
from mailsync.addressbook.contentlines import CardText, Line, escape, fold, unescape
from mailsync.run.actions import FormerProperties, NameProperties
from mailsync.text import normalise_address, one_line

#: People who want their card left alone put it into this category, or write this line into it.
OPT_OUT = "no-code"
OPT_OUT_LINE = b"X-NO-CODE"
_NOT_MEANT = frozenset(("", "0", "no", "false"))

_IGNORED = frozenset((b"REV", b"PRODID", b"BEGIN", b"END", b""))
_NEWLINE = re.compile(r"\\+[nN]")
_GROUP_KINDS = frozenset(("group", "org-group"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMeaning:
    """What mailsync understands of a card."""

    version: str
    uid: str
    fn: str
    family: str
    given: str
    nickname: str  #: several become one, with blanks
    company: str = ""  #: ORG, the company's name without its departments
    remarks: tuple[str, ...] = ()  #: NOTE and TITLE: some clients look there too
    categories: tuple[str, ...]
    addresses: tuple[str, ...]  #: normalised, in the card's order, each once
    is_group: bool  #: a distribution list, not a person
    declined: bool = False  #: it has the line `X-NO-CODE:yes`

    @property
    def opted_out(self) -> bool:
        return self.declined or any(category.casefold() == OPT_OUT for category in self.categories)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfCard:
    """A card of a book and what mailsync remembers of it."""

    href: str
    etag: str  #: empty where the server gave none
    data: bytes
    former: FormerProperties | None = (
        None  #: from before mailsync's first rewrite, with the codes it added since
    )
    created: bool = False  #: mailsync added this card
    contact: str | None = None  #: id of the registered person it was written for
    codes: tuple[str, ...] = ()  #: codes it was last written for
    written: str | None = None  #: the FN mailsync last gave it
    written_addresses: tuple[
        str, ...
    ] = ()  #: those it had when mailsync added it, else when it was last written
    drift: int = 0  #: how often in a row the same FN had to be given again

    @property
    def remembered(self) -> bool:
        """Whether mailsync wrote this card."""
        return self.created or self.former is not None


def read_meaning(data: bytes) -> CardMeaning:
    """The meaning of the one card in `data`. Raises `ItemError` with the reason where it has none."""
    return meaning_of(contentlines.read(data))


def meaning_of(card: CardText) -> CardMeaning:
    """The meaning of a card that is read already."""
    return _meaning(card.version, card.lines)


def guess_meaning(data: bytes) -> CardMeaning:
    """What a card too broken to be read seems to say: enough to name it, and to add nobody beside it."""
    return _meaning("", tuple(contentlines.split(data)))


def _meaning(version: str, lines: Sequence[Line]) -> CardMeaning:
    found: dict[bytes, list[Line]] = defaultdict(list)
    for line in lines:
        if line.depth == 1 or (not version and line.depth == 0):
            found[line.name].append(line)
    name = rewriting.chosen(found[b"N"])
    family, given, *_ = (*(rewriting.components(name.text) if name else ()), "", "")
    nicknames = [item for line in found[b"NICKNAME"] for item in rewriting.category_items(line)]
    org = rewriting.chosen(found[b"ORG"])
    kind = _text(found[b"KIND"] or found[b"X-ADDRESSBOOKSERVER-KIND"])
    return CardMeaning(
        version=version,
        uid=_text(found[b"UID"]),
        fn=_text(found[b"FN"]),
        family=one_line(family),
        given=one_line(given),
        nickname=one_line(" ".join(nicknames)),
        company=one_line(rewriting.components(org.text)[0] if org else ""),
        remarks=tuple(unescape(line.text) for line in (*found[b"NOTE"], *found[b"TITLE"])),
        categories=tuple(item for line in found[b"CATEGORIES"] for item in rewriting.category_items(line)),
        addresses=_addresses(found[b"EMAIL"]),
        is_group=kind.casefold() in _GROUP_KINDS,
        declined=any(line.text.strip().casefold() not in _NOT_MEANT for line in found[OPT_OUT_LINE]),
    )


def _addresses(lines: Iterable[Line]) -> tuple[str, ...]:
    texts = (unescape(line.text).strip() for line in lines)
    bare = (text[7:] if text[:7].casefold() == "mailto:" else text for text in texts)
    return tuple(dict.fromkeys(normalise_address(address) for address in bare if "@" in address))


def _text(lines: Sequence[Line]) -> str:
    line = rewriting.chosen(list(lines))
    return one_line(unescape(line.text)) if line else ""


# ----- new cards


def new_card(
    *,
    uid: str,
    fn: str,
    addresses: Sequence[str],
    company: str,
    given: str | None = None,
    nickname: str | None = None,
    categories: Sequence[str] = (),
) -> bytes:
    """A vCard 3.0 with FN, N, NICKNAME, CATEGORIES, EMAIL, ORG and UID only (DOMAIN 4).

    `given` None: N carries no name at all (RFC 2426 still wants the property).
    """
    properties = [
        ("VERSION", "3.0"),
        ("UID", escape(uid)),
        ("FN", escape(one_line(fn))),
        ("N", f";{escape(one_line(given or fn))};;;"),
        *([("NICKNAME", escape(one_line(nickname)))] if nickname else []),
        *([("ORG", escape(one_line(company)))] if company else []),
        *(("EMAIL;TYPE=INTERNET", escape(one_line(address))) for address in addresses),
        *([("CATEGORIES", ",".join(escape(category) for category in categories))] if categories else []),
    ]
    lines = ["BEGIN:VCARD", *(f"{name}:{value}" for name, value in properties), "END:VCARD"]
    return b"".join(fold(line.encode("utf-8", "replace"), b"\r\n") for line in lines)


# ----- what a server made of a card


class CardRewriter:
    """The editing the engine is handed (`run.ports.CardEditor`)."""

    def edit(self, data: bytes, edit: NameProperties | FormerProperties) -> bytes:
        """`data` with only its name properties changed. Raises `ItemError` where the card cannot be edited."""
        return rewriting.edit(data, edit)

    def same_meaning(self, sent: bytes, held: bytes) -> bool:
        """Whether a server that rewrites cards kept every property of what was sent."""
        return same_meaning(sent, held)


def same_meaning(sent: bytes, held: bytes) -> bool:
    """Whether both hold the same properties, as a multiset.

    Order, folds, letter case of names and parameters, REV, PRODID and the backslashes servers add or drop do not
    count; a property lost, cut or added does.
    """
    return sent == held or _properties(sent) == _properties(held)


def _properties(data: bytes) -> Counter[tuple[str, frozenset[str], str]]:
    return Counter(
        (_name(line), _parameters(line), _value(line))
        for line in contentlines.split(data)
        if line.name not in _IGNORED
    )


def _name(line: Line) -> str:
    # `item1.TEL` stands with its group; vobject writes `X_A` as `X-A`.
    return line.head.partition(b";")[0].decode("utf-8", "replace").strip().upper().replace("_", "-")


def _parameters(line: Line) -> frozenset[str]:
    found: set[str] = set()
    for parameter in line.parameters:
        key, _, values = parameter.upper().partition("=")
        if key in ("ENCODING", "CHARSET", "QUOTED-PRINTABLE", "BASE64"):
            continue  # the value is compared decoded
        found.update(f"{key.strip()}={value.strip()}" for value in values.replace('"', "").split(","))
    return frozenset(found)


def _value(line: Line) -> str:
    text = line.text
    if line.encoded:
        return "".join(text.split())
    plain = _NEWLINE.sub("\n", text).replace("\\", "")
    return " ".join(plain.split()).rstrip(";")


def survives_vobject(data: bytes) -> bool:
    """Whether a server that stores cards through vobject (Radicale) would keep every property of `data`.

    Such a server also reads them through it: a photo given as a data URI is served emptied, while the stored card
    still has it. Writing that card would lose the photo for good.
    """
    if any(_is_emptied(line) for line in contentlines.split(data)):
        return False
    import vobject
    from vobject.base import VObjectError

    try:
        (component,) = vobject.readComponents(data.decode("utf-8"), allowQP=True)
        stored = component.serialize()
    except (VObjectError, ValueError, TypeError, AttributeError, LookupError):
        # vobject raises any of these on cards it does not understand; the server refuses or damages them.
        return False
    return same_meaning(data, stored.encode("utf-8"))


def _is_emptied(line: Line) -> bool:
    return line.value[:5].lower() == b"data:" and b"," not in line.value
