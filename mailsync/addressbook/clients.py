"""What each mail client offers for a text typed into a To: box, in its order and within its limit. Pure.

The rules are those read in the clients' sources, or measured on running clients; each names where from. Popularity, which
Thunderbird and phones learn from what is sent, is left out: it is known on that machine alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mailsync.addressbook.cards import CardMeaning

#: Characters after which Thunderbird takes a word to begin; `/` is none (measured).
_BORDERS = " :.\"'(-_<&"
_QUOTED = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the list that drops down."""

    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """How one client searches and shows."""

    key: str
    title: str
    finds: Callable[[CardMeaning, str], bool]
    order: Callable[[CardMeaning, str, Row], tuple[object, ...]]
    shows: Callable[[CardMeaning], str] = lambda card: card.fn
    fewest_letters: int = 1
    limit: int | None = None
    cut_before: Callable[[CardMeaning], tuple[object, ...]] | None = None  #: order in which the limit cuts
    once_an_address: bool = False  #: of several entries with one address the first
    source: str  #: where the rule was read or measured


def offered(client: Client, cards: Sequence[CardMeaning], text: str) -> list[Row]:
    """What `client` offers for `text` from these cards."""
    typed = " ".join(text.split())
    if len(typed) < client.fewest_letters:
        return []
    found = [card for card in cards if _can_be_offered(card) and client.finds(card, typed.casefold())]
    if client.cut_before is not None:
        found.sort(key=client.cut_before)
    rows: dict[Row, CardMeaning] = {}
    for card in found:
        for row in _rows(client, card):
            rows.setdefault(row, card)  # an entry that stands in several books is one line
    listed = list(rows)
    if client.cut_before is not None:
        listed = listed[: client.limit]
    listed.sort(key=lambda row: client.order(rows[row], typed.casefold(), row))
    if client.once_an_address:
        first: dict[str, Row] = {}
        for row in listed:
            first.setdefault(row.address, row)
        listed = list(first.values())
    return listed[: client.limit]


def _can_be_offered(card: CardMeaning) -> bool:
    """Lists, and entries without an address, are offered by no client that was tried."""
    return bool(card.addresses) and not card.is_group


def _rows(client: Client, card: CardMeaning) -> Iterator[Row]:
    for address in card.addresses:
        yield Row(name=client.shows(card), address=address)


def not_shown(client: Client, cards: Sequence[CardMeaning], text: str) -> list[Row]:
    """Entries whose name begins with `text` as a word, and that `client` does not show for it."""
    typed = " ".join(text.split()).casefold()
    shown = {row.address for row in offered(client, cards, text)}
    return [
        Row(name=card.fn, address=card.addresses[0] if card.addresses else "")
        for card in cards
        if f"{card.fn.casefold()} ".startswith(f"{typed} ") and not shown.intersection(card.addresses)
    ]


def _contains(*fields: Callable[[CardMeaning], Iterable[str]]) -> Callable[[CardMeaning, str], bool]:
    """The typed text stands somewhere in one of these fields."""

    def finds(card: CardMeaning, typed: str) -> bool:
        return any(typed in text.casefold() for field in fields for text in field(card))

    return finds


def _every_word(*fields: Callable[[CardMeaning], Iterable[str]]) -> Callable[[CardMeaning, str], bool]:
    """Every typed word stands somewhere in one of these fields; words in quotes stay together."""
    contains = _contains(*fields)

    def finds(card: CardMeaning, typed: str) -> bool:
        words = [quoted or word for quoted, word in _QUOTED.findall(typed)]
        return bool(words) and all(contains(card, word) for word in words)

    return finds


def _name(card: CardMeaning) -> Iterable[str]:
    return (card.fn,)


def _parts(card: CardMeaning) -> Iterable[str]:
    return card.given, card.family


def _nickname(card: CardMeaning) -> Iterable[str]:
    return (card.nickname,)


def _addresses(card: CardMeaning) -> Iterable[str]:
    return card.addresses


def _first_two(card: CardMeaning) -> Iterable[str]:
    return card.addresses[:2]


def _companies(card: CardMeaning) -> Iterable[str]:
    return (card.company, *card.categories)


def _remarks(card: CardMeaning) -> Iterable[str]:
    return card.remarks


def _rebuilt(card: CardMeaning) -> str:
    """Phones, and khard as it is set up, build the name from N, and take FN only where N says nothing."""
    return " ".join(filter(None, (card.given, card.family))) or card.fn


def _rebuilt_field(card: CardMeaning) -> Iterable[str]:
    return (_rebuilt(card),)


def _by_name(card: CardMeaning, _: str, row: Row) -> tuple[object, ...]:
    return (row.name.casefold(), card.addresses.index(row.address))


def _by_score(card: CardMeaning, typed: str, row: Row) -> tuple[object, ...]:
    nickname, label = card.nickname.casefold(), f"{row.name} <{row.address}>".casefold()
    if nickname == typed:
        score = 101
    elif nickname.startswith(typed) or _begins_a_word(label, typed):
        score = 100
    else:
        score = 0
    return (-score, *_by_name(card, typed, row))


def _begins_a_word(label: str, typed: str) -> bool:
    at = label.find(typed)
    while at >= 0:
        if at == 0 or label[at - 1] in _BORDERS:
            return True
        at = label.find(typed, at + 1)
    return False


def _word_begins(card: CardMeaning, typed: str) -> bool:
    words = _rebuilt(card).casefold().split()
    return all(any(word.startswith(part) for word in words) for part in typed.split())


#: By the word that `who --as` takes.
CLIENTS = {
    client.key: client
    for client in (
        Client(
            key="thunderbird", title="Thunderbird", finds=_every_word(_name, _parts, _nickname, _first_two),
            order=_by_score, limit=20, source="measured on Thunderbird 153 ESR; autocompletequery.format in mailnews.js",
        ),
        Client(
            key="roundcube", title="Roundcube", finds=_contains(_name, _parts, _addresses), order=_by_name, limit=15,
            cut_before=lambda card: (card.family.casefold(), card.given.casefold()),
            source="contactlist_fields and autocomplete_max in config/defaults.inc.php 1.6",
        ),
        Client(
            key="sogo", title="SOGo", finds=_contains(_name, _parts, _addresses, _companies), order=_by_name,
            fewest_letters=2, once_an_address=True, source="SOGoContactGCSFolder.m, SOGoSearchMinimumWordLength",
        ),
        Client(
            key="nextcloud", title="Nextcloud Mail", finds=_contains(_name, _addresses), order=_by_name, limit=20,
            source="ContactsIntegration.php",
        ),
        Client(
            key="evolution", title="Evolution", finds=_contains(_name, _nickname, _addresses), order=_by_name,
            fewest_letters=3, source="measured on evolution-data-server 3.46; completion-minimum-query-length",
        ),
        Client(
            key="android", title="Android (DAVx5)", finds=_contains(_rebuilt_field, _nickname, _addresses),
            order=_by_name, shows=_rebuilt, once_an_address=True,
            source="RecipientLoader.java, StructuredNameBuilder.kt",
        ),
        Client(
            key="ios", title="iOS, macOS", finds=_word_begins, order=_by_name, shows=_rebuilt,
            source="as users report it: N is shown, FN is not, words are found by their beginning",
        ),
        Client(
            key="khard", title="khard", finds=_contains(_name, _parts, _nickname, _addresses, _companies, _remarks),
            order=_by_name, shows=_rebuilt, source="measured on khard 0.18, tested against 0.22",
        ),
    )
}  # fmt: skip
