"""What mail clients offer for a typed text, as they were measured or their sources read."""

from __future__ import annotations

from typing import Any

import pytest

from mailsync.addressbook.cards import CardMeaning, guess_meaning
from mailsync.addressbook.clients import CLIENTS, not_shown, offered


def card(fn: str, address: str = "", **more: Any) -> CardMeaning:
    addresses = tuple((address or f"{fn.split()[-1].lower()}@x.example").split())
    fields = {
        "version": "3.0", "uid": fn, "fn": fn, "family": "", "given": "", "nickname": "", "categories": (),
        "addresses": addresses, "is_group": False,
    }  # fmt: skip
    return CardMeaning(**{**fields, **more})


def names(client: str, cards: list[CardMeaning], text: str) -> list[str]:
    return [row.name for row in offered(CLIENTS[client], cards, text)]


#: The book of the measurement on a running Thunderbird, and the order in which it listed it for D12.
MEASURED = [
    "D12 Adam", "D12 AUGI Karl", "D12 Jane", "d12 Lower", "D12 王伟", "D12 阿丽", "D120 Bob", "D121 Cy", "Hal (D12)/NL",
    "Ivy", "AD12 Fay", "Gus/D12/NL", "Jon",
]  # fmt: skip
BOOK = [
    card(name, {"Ivy": "d12.ivy@x.example", "Jon": "jon@d12.example"}.get(name, f"p{number}@x.example"))
    for number, name in enumerate(MEASURED)
]


def test_thunderbird_lists_as_it_was_measured() -> None:
    shuffled = BOOK[::2] + BOOK[1::2]
    assert names("thunderbird", shuffled, "D12") == MEASURED
    assert names("thunderbird", shuffled, "d12") == MEASURED


@pytest.mark.parametrize(
    "text, found",
    [
        ("D12 J", ["D12 Jane", "Jon"]),
        ("D12 AUGI", ["D12 AUGI Karl"]),
        ("D12 王", ["D12 王伟"]),
        ("D-12", []),
        ("Ｄ12", []),
        ("", []),
    ],
)
def test_thunderbird_wants_every_word(text: str, found: list[str]) -> None:
    assert names("thunderbird", BOOK, text) == found


def test_a_nickname_puts_the_bare_code_first() -> None:
    cards = [card("D120 Bob", nickname="D120"), card("Hidden Name", nickname="D12"), card("D12 Zoe")]
    assert names("thunderbird", cards, "D12")[0] == "Hidden Name"


def test_thunderbird_shows_twenty_and_roundcube_fifteen_of_many() -> None:
    cards = [card(f"D12 Person {number:02d}", given=f"D12 Person {number:02d}") for number in range(30)]
    assert names("thunderbird", cards, "D12") == [one.fn for one in cards[:20]]
    assert names("roundcube", cards[::-1], "D12") == [one.fn for one in cards[:15]]
    assert len(not_shown(CLIENTS["roundcube"], cards, "D12")) == 15
    assert not_shown(CLIENTS["khard"], cards, "D12") == []


JANE = card(
    "D12 Jane Roe/Gibson/AU", "jane@gibson.example jr@gibson.example third@else.example", given="Jane", family="Roe",
    nickname="D12", categories=("D12",), company="Gibson Importing",
)  # fmt: skip


@pytest.mark.parametrize(
    "client, text, found",
    [
        ("thunderbird", "gibson importing", False),  # ORG is not searched
        ("khard", "gibson importing", True),
        ("sogo", "gibson importing", True),
        ("thunderbird", "third@", False),  # the third address is not searched
        ("roundcube", "third@", True),
        ("evolution", "D1", False),  # nothing before the third letter
        ("evolution", "D12", True),
        ("sogo", "D", False),
        ("android", "roe/g", False),  # the name is built from N
        ("android", "jane r", True),
        ("android", "D12", True),  # by the nickname
        ("ios", "D12", False),
        ("ios", "ja ro", True),
        ("ios", "oe", False),
        ("nextcloud", "roe/g", True),
    ],
)
def test_each_client_searches_in_its_own_fields(client: str, text: str, found: bool) -> None:
    assert bool(names(client, [JANE], text)) == found


def test_phones_show_the_name_built_from_n_and_hide_whom_the_code_does_not_find() -> None:
    assert names("android", [JANE], "jane") == ["Jane Roe"] * 3
    assert [row.name for row in not_shown(CLIENTS["ios"], [JANE], "D12")] == ["D12 Jane Roe/Gibson/AU"]
    coded = card("D12 Jane/Gibson/AU", given="D12 Jane/Gibson/AU")
    assert not_shown(CLIENTS["ios"], [coded], "D12") == []


def test_an_address_comes_once_where_the_client_looks_at_addresses_alone() -> None:
    two = [card("D12 Wang", "wang@sd.example"), card("E05 Wang", "wang@sd.example")]
    assert len(names("thunderbird", two, "wang")) == 2
    assert names("sogo", two, "wang") == ["D12 Wang"]


@pytest.mark.parametrize("client", list(CLIENTS))
def test_an_entry_in_several_books_is_one_line_and_takes_no_other_ones_place(client: str) -> None:
    cards = [card(f"D12 Person {number:02d}", given=f"D12 Person {number:02d}") for number in range(15)]
    assert len(names(client, [one for one in cards for _ in range(3)], "D12")) == 15


def test_lists_and_entries_without_address_are_offered_nowhere() -> None:
    cards = [card("D12 List", is_group=True), card("D12 Nobody", addresses=())]
    assert [client for client in CLIENTS if names(client, cards, "D12")] == []


def test_the_company_of_a_card_is_read_without_its_departments() -> None:
    data = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nORG:Gibson\\, Ltd;Sales\r\nEND:VCARD\r\n"
    assert guess_meaning(data).company == "Gibson, Ltd"
    assert guess_meaning(b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nEND:VCARD\r\n").company == ""
