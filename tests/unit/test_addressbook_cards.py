"""A card's meaning, new cards, and what a server made of a card."""

from __future__ import annotations

import pytest
from hypothesis import given

from mailsync.addressbook.cards import (
    CardRewriter,
    guess_meaning,
    new_card,
    read_meaning,
    same_meaning,
    survives_vobject,
)
from mailsync.errors import ItemError
from mailsync.run.actions import NameProperties
from tests import strategies


def card(*lines: str, version: str = "3.0") -> bytes:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]).encode()


def test_a_card_is_read_with_all_it_means() -> None:
    meaning = read_meaning(
        card(
            "UID:urn:uuid:1",
            "FN:Roe\\, Jane",
            "N:Roe;Jane;M.;;",
            "NICKNAME:Janie,J",
            "item1.EMAIL;TYPE=INTERNET:Jane@Gibson.example",
            "EMAIL;TYPE=HOME:mailto:jane@Müller.example",
            "EMAIL:jane@gibson.example",
            "EMAIL:not an address",
            "CATEGORIES:Friends, Work\\, old",
            "CATEGORIES:D12",
        )
    )
    assert (meaning.uid, meaning.fn, meaning.family, meaning.given) == (
        "urn:uuid:1",
        "Roe, Jane",
        "Roe",
        "Jane",
    )
    assert meaning.nickname == "Janie J"
    assert meaning.categories == ("Friends", "Work, old", "D12")
    assert meaning.addresses == ("jane@gibson.example", "jane@xn--mller-kva.example")
    assert not meaning.is_group and not meaning.opted_out


def test_an_unescaped_comma_does_not_cut_a_name() -> None:
    assert read_meaning(card("FN:D12 Roe, Jane")).fn == "D12 Roe, Jane"


def test_a_list_and_a_wish_to_be_left_alone_are_seen() -> None:
    assert read_meaning(card("FN:Team", "KIND:group", version="4.0")).is_group
    assert read_meaning(card("FN:Jane", "CATEGORIES:No-Code")).opted_out


def test_a_broken_card_is_refused_but_still_named() -> None:
    broken = card("FN:Jane", "EMAIL:jane@gibson.example").replace(b"VERSION:3.0\r\n", b"")
    with pytest.raises(ItemError, match="VERSION"):
        read_meaning(broken)
    guess = guess_meaning(broken)
    assert (guess.fn, guess.addresses) == ("Jane", ("jane@gibson.example",))


@given(
    strategies.plain_names,
    strategies.plain_names,
    strategies.codes,
    strategies.addresses,
)
def test_a_new_card_says_what_it_was_made_of(fn: str, company: str, code: str, address: str) -> None:
    data = new_card(
        uid="u1", fn=fn, given=fn, nickname=code, categories=(code,), addresses=(address,), company=company
    )
    meaning = read_meaning(data)
    assert (meaning.fn, meaning.given, meaning.nickname, meaning.categories) == (fn, fn, code, (code,))
    assert len(meaning.addresses) == 1
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))


SENT = card(
    "UID:1",
    "FN:D12 Jane Roe/Gibson Importing/AU",
    "N:;D12 Jane;;;",
    "item1.TEL;type=WORK;type=pref:+61 2 1",
    "item1.X-ABLabel:Desk",
    "NOTE:a\\, b; c\\nd",
    "ORG:Gibson\\, Ltd;",
    "URL:https\\://x.example/?a=1",
    "PHOTO;ENCODING=b;TYPE=JPEG:QUJD\r\n QUJD",
    "X_CODE:1;2",
    "REV:2026-01-01T00:00:00Z",
)


def changed(*pairs: tuple[str, str]) -> bytes:
    text = SENT.decode()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


@pytest.mark.parametrize(
    "held",
    [
        SENT.replace(b"\r\n", b"\n"),
        changed(("QUJD\r\n QUJD", "QUJDQUJD")),
        changed(("REV:2026-01-01T00:00:00Z", "REV:2026-02-02T00:00:00Z\r\nPRODID:-//x")),
        changed(("type=WORK;type=pref", "TYPE=pref,WORK")),
        changed(("item1.X-ABLabel", "ITEM1.X-ABLABEL")),
        changed(("b; c", "b\\; c"), ("1;2", "1\\;2"), ("X_CODE", "X-CODE")),
        changed(("https\\:", "https\\\\:")),
        changed(("Ltd;", "Ltd")),
        changed(("FN:D12", "FN;CHARSET=utf-8:D12")),
        changed(("UID:1\r\n", ""), ("NOTE", "UID:1\r\nNOTE")),
    ],
    ids=[
        *(
            "line ends",
            "folds",
            "REV",
            "parameters",
            "letter case",
            "semicolons",
            "backslashes",
            "empty parts",
        ),
        *("charset", "order"),
    ],
)
def test_what_servers_rewrite_without_harm_is_the_same(held: bytes) -> None:
    assert same_meaning(SENT, held)
    assert CardRewriter().same_meaning(held, SENT)


@pytest.mark.parametrize(
    "held",
    [
        changed(("NOTE:a\\, b; c\\nd\r\n", "")),
        changed(("a\\, b; c\\nd", "a")),
        changed(("item1.TEL;type=WORK;type=pref:+61 2 1\r\n", "")),
        changed(("QUJD\r\n QUJD", "QUJD")),
        changed(("QUJD\r\n QUJD", "")),
        changed(("FN:D12", "FN:")),
        changed(("item1.TEL", "item2.TEL")),
        changed((";type=pref", "")),
        changed(("NOTE:", "TEL:+61 2 1\r\nNOTE:")),
        b"",
    ],
    ids=[
        *(
            "note lost",
            "note cut",
            "phone lost",
            "photo cut",
            "photo emptied",
            "name",
            "group",
            "type",
            "more",
        ),
        "nothing",
    ],
)
def test_a_lost_or_cut_property_is_found(held: bytes) -> None:
    assert not same_meaning(SENT, held)


@given(strategies.cards())
def test_a_card_means_the_same_as_itself(data: bytes) -> None:
    assert same_meaning(data, data.replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf"))


@pytest.mark.parametrize(
    ("data", "survives"),
    [
        (
            card("UID:1", "FN:Jane", "N:Roe;Jane;;;", "TEL;TYPE=WORK:1", "PHOTO;ENCODING=b;TYPE=JPEG:QUJD"),
            True,
        ),
        (new_card(uid="1", fn="D12 王伟/顺达/SH", addresses=("a@x.example",), company="A, B; C"), True),
        (card("UID:1", "FN:Jane", "PHOTO:data:image/jpeg;base64,QUJD", version="4.0"), False),
        (card("UID:1", "FN:Jane", "N:;;;;", "PHOTO:data:image/jpeg\\;base64", version="4.0"), False),
        (card("UID:1", "FN:Jane", "N:Roe;Jane;;;", "NOTE:one, two"), False),
        (card("UID:1", "FN:Jane", "N:Roe;Jane;;;", "ORG:A,B Ltd;Sales"), False),
        (card("UID:1", "FN:Jane", "N:Roe;Jane", "TEL;CELL;VOICE:1", version="2.1"), False),
    ],
    ids=["plain", "new", "4.0 photo", "emptied photo", "comma", "list in ORG", "2.1"],
)
def test_what_a_server_does_that_stores_through_vobject_is_foretold(data: bytes, survives: bool) -> None:
    assert survives_vobject(data) is survives


def test_the_editor_edits() -> None:
    edited = CardRewriter().edit(card("FN:Jane", "NOTE:x"), NameProperties(fn="D12 Jane"))
    assert edited == card("FN:D12 Jane", "NOTE:x")
