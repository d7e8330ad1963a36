"""Which name properties a card is to carry, and which it carried before (DOMAIN 5). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mailsync.addressbook import contentlines, rewriting
from mailsync.addressbook.cards import CardMeaning
from mailsync.addressbook.matching import ReadCard, Target
from mailsync.addressbook.scope import BookSettings
from mailsync.registry.roster import Roster
from mailsync.run.actions import FormerProperties, NameProperties
from mailsync.text import one_line

#: What a card that mailsync added holds, and what servers put beside it.
_OF_ADDED_CARDS = frozenset(
    (
        *rewriting.NAME_PROPERTIES,
        *(b"BEGIN", b"VERSION", b"UID", b"ORG", b"EMAIL", b"CATEGORIES", b"PRODID", b"REV", b"END", b""),
    )
)


def wanted_names(card: ReadCard, target: Target, settings: BookSettings, roster: Roster) -> NameProperties:
    """The name properties of a readable card for its target. 2.1 cards get FN and N only."""
    full = card.meaning.version != "2.1"
    present = {category.casefold() for category in card.meaning.categories}
    added = card.card.former.drop_categories if card.card.former else ()
    if card.card.created:
        added = tuple(dict.fromkeys((*added, *card.card.codes)))
    categories = settings.categories and full
    return NameProperties(
        fn=target.fn,
        given=target.fn if settings.names_into_n else None,
        nickname=_nickname(card, target, roster) if settings.nickname and full else None,
        add_categories=tuple(code for code in target.codes if categories and code.casefold() not in present),
        drop_categories=tuple(
            code for code in added if code not in target.codes and code.casefold() in present
        ),
    )


def is_right(card: ReadCard, wanted: NameProperties) -> bool:
    """Whether the card already is as wanted, so that it stays byte for byte as it is."""
    return card.text is not None and rewriting.is_right(card.text, wanted)


def is_outdated(card: ReadCard, target: Target) -> bool:
    """Whether a card that mailsync added, and nobody touched since, offers other addresses than the registry has."""
    held, known = card.card, target.contact.addresses
    if not (held.created and known and card.text and card.addresses == held.written_addresses):
        return False
    properties = {line.name for line in card.text.lines}
    return set(card.addresses) != set(known) and card.fn == held.written and properties <= _OF_ADDED_CARDS


def _nickname(card: ReadCard, target: Target, roster: Roster) -> str:
    """The bare code, and the person's own nickname behind it."""
    own = _without_codes(card.meaning.nickname, (*target.codes, *card.card.codes), roster)
    return " ".join((*target.codes, own)).strip()


def _without_codes(nickname: str, codes: tuple[str, ...], roster: Roster) -> str:
    """The nickname without `codes` anywhere and without other registered codes in front."""
    words = [word for word in nickname.split() if word not in codes]
    while words and (match := roster.match(words[0])) is not None and match.code == words[0]:
        del words[0]
    return " ".join(words)


def bears_our_names(card: ReadCard) -> bool:
    """Whether the card still carries what mailsync wrote, so that there is something to take back."""
    former, written = card.card.former, card.card.written
    if card.card.created or former is None:
        return card.card.created
    return (
        card.fn == written
        or (written is not None and says_name(card.meaning, written))
        or any(code in card.meaning.categories for code in former.drop_categories)
        or any(code in card.meaning.nickname.split() for code in card.card.codes)
    )


def says_name(meaning: CardMeaning, written: str) -> bool:
    """Whether N holds the display name `written` and nothing else."""
    return not meaning.family and meaning.given == one_line(written)


def is_our_n(meaning: CardMeaning, written: str, codes: Iterable[str]) -> bool:
    """Whether N is what we wrote, or what a client made of it: then one of our codes stands in it."""
    words = f"{meaning.family} {meaning.given}".split()
    return says_name(meaning, written) or any(code in words for code in codes)


def uncoded_names(card: ReadCard, roster: Roster) -> FormerProperties:
    """What a card that mailsync added carries where its person wants no code: the display name without it."""
    name = one_line(card.card.written or "")
    for code in card.card.codes:
        name = name.removeprefix(f"{code} ")
    escaped = contentlines.escape(name)
    former = FormerProperties(lines=(f"FN:{escaped}", f"N:;{escaped};;;"), drop_categories=card.card.codes)
    return former_names(card, former, roster)


def former_names(card: ReadCard, former: FormerProperties, roster: Roster) -> FormerProperties:
    """What a restore gives back: the former names, but what a person wrote since stays."""
    lines = {
        name: [line for raw in former.lines for line in _lines(raw) if line.name == name]
        for name in rewriting.NAME_PROPERTIES
    }
    written, codes = card.card.written, (*card.card.codes, *former.drop_categories)
    if written is not None:
        held = contentlines.read(card.card.data)
        # Somebody gave the card another name after us: that name is theirs. So with N, of which we may have kept out.
        if card.meaning.fn != one_line(written):
            lines[b"FN"] = list(map(_without_end, held.find(b"FN")))
        if not is_our_n(card.meaning, written, codes):
            lines[b"N"] = list(map(_without_end, held.find(b"N")))
    before = " ".join(item for line in lines[b"NICKNAME"] for item in rewriting.category_items(line))
    now = _without_codes(card.meaning.nickname, card.card.codes, roster)
    if now and now != _without_codes(before, card.card.codes, roster) and card.meaning.version != "2.1":
        raw = contentlines.fold(b"NICKNAME:" + contentlines.escape(now).encode(), b"\r\n")
        lines[b"NICKNAME"] = [_without_end(contentlines.Line(raw, b"NICKNAME", b"", 1))]
    return FormerProperties(
        lines=tuple(
            line.raw.decode("utf-8", "surrogateescape")
            for name in rewriting.NAME_PROPERTIES
            for line in lines[name]
        ),
        drop_categories=former.drop_categories,
        version=former.version,
    )


def _without_end(line: contentlines.Line) -> contentlines.Line:
    """The same for a card whose line ends are not known here: a listing shows all as LF."""
    return replace(line, raw=line.raw.rstrip(b"\r\n"))


def _lines(raw: str) -> list[contentlines.Line]:
    return list(contentlines.split(raw.encode("utf-8", "surrogateescape")))
