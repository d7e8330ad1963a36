"""Rewriting names: nothing else changes, twice is once, and a restore gives the former bytes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.addressbook import contentlines, rewriting
from mailsync.addressbook.cards import read_meaning
from mailsync.errors import ItemError
from mailsync.run.actions import FormerProperties, NameProperties
from tests import strategies

TOUCHED = {b"FN", b"N", b"NICKNAME", b"CATEGORIES"}
NAMES = NameProperties(
    fn="D12 Jane Roe/Gibson Importing/AU",
    given="D12 Jane Roe/Gibson Importing/AU",
    nickname="D12 Janie",
    add_categories=("D12",),
)


def card(*lines: str, version: str = "3.0", eol: str = "\r\n") -> bytes:
    return eol.join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]).encode()


def untouched(data: bytes) -> list[bytes]:
    return [line.raw for line in contentlines.split(data) if line.depth != 1 or line.name not in TOUCHED]


wanted = st.builds(
    lambda fn, given, nickname, codes: NameProperties(
        fn=fn or "?",
        given=fn or "?" if given else None,
        nickname=nickname or None,
        add_categories=tuple(codes),
    ),
    strategies.plain_names,
    st.booleans(),
    strategies.plain_names,
    st.lists(strategies.codes, max_size=2, unique=True),
)


@given(strategies.cards(), wanted)
def test_a_rewrite_leaves_every_other_line_as_it_was(data: bytes, names: NameProperties) -> None:
    assert untouched(rewriting.edit(data, names)) == untouched(data)


@given(strategies.cards(), wanted)
def test_a_rewrite_done_twice_is_a_rewrite_done_once(data: bytes, names: NameProperties) -> None:
    once = rewriting.edit(data, names)
    assert rewriting.edit(once, names) == once


@given(strategies.cards(), wanted)
def test_a_rewritten_card_says_what_was_wanted(data: bytes, names: NameProperties) -> None:
    meaning = read_meaning(rewriting.edit(data, names))
    assert meaning.fn == names.fn
    assert names.given is None or (meaning.family, meaning.given) == ("", names.given)
    assert {code.casefold() for code in names.add_categories} <= {
        category.casefold() for category in meaning.categories
    }


@given(strategies.cards(), wanted)
def test_a_restore_gives_the_former_bytes_back(data: bytes, names: NameProperties) -> None:
    present = {category.casefold() for category in read_meaning(data).categories}
    codes = (code for code in names.add_categories if code.casefold() not in present)
    former = rewriting.taken_from(data, tuple(codes))
    rewritten = rewriting.edit(data, names)
    assert rewriting.edit(rewritten, former) == data
    assert rewriting.edit(data, former) == data


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            card("FN:Jane Roe", "N:Roe;Jane;;;"),
            card(
                "FN:D12 Jane Roe/Gibson Importing/AU",
                "N:;D12 Jane Roe/Gibson Importing/AU;;;",
                "NICKNAME:D12 Janie",
                "CATEGORIES:D12",
            ),
        ),
        (
            card(
                "item1.FN;X-A=b:Jane", "N:Roe;Jane", "NICKNAME:Janie,D12", "CATEGORIES:Friends", version="4.0"
            ),
            card(
                "item1.FN;X-A=b:D12 Jane Roe/Gibson Importing/AU",
                "N:;D12 Jane Roe/Gibson Importing/AU;;;",
                "NICKNAME:D12 Janie",
                "CATEGORIES:Friends,D12",
                version="4.0",
            ),
        ),
        (
            card("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=E7=8E=\r\n=8B", "NICKNAME:J", version="2.1"),
            card(
                "FN:D12 Jane Roe/Gibson Importing/AU",
                "N:;D12 Jane Roe/Gibson Importing/AU;;;",
                "NICKNAME:J",
                version="2.1",
            ),
        ),
        (
            card("FN;PREF=2:Jane", "FN;PREF=1:Jane R.", "N:;x;;;", "CATEGORIES:d12", version="4.0"),
            card(
                "FN;PREF=2:Jane",
                "FN;PREF=1:D12 Jane Roe/Gibson Importing/AU",
                "N:;D12 Jane Roe/Gibson Importing/AU;;;",
                "NICKNAME:D12 Janie",
                "CATEGORIES:d12",
                version="4.0",
            ),
        ),
    ],
    ids=["plain", "groups and lists", "2.1", "preferred"],
)
def test_a_card_is_rewritten(before: bytes, after: bytes) -> None:
    assert rewriting.edit(before, NAMES) == after


def test_chinese_names_in_an_old_card_name_their_charset() -> None:
    names = NameProperties(fn="D12 王伟/顺达货代/SH", given="D12 王伟/顺达货代/SH")
    rewritten = rewriting.edit(card("FN:Wang", "N:Wang;Wei", version="2.1"), names)
    assert "FN;CHARSET=UTF-8:D12 王伟/顺达货代/SH\r\n".encode() in rewritten
    assert "N;CHARSET=UTF-8:;D12 王伟/顺达货代/SH;;;\r\n".encode() in rewritten


def test_a_code_takes_the_place_of_the_one_it_follows() -> None:
    before = card("FN:F03 Jane", "CATEGORIES:Friends,F03,Work")
    names = NameProperties(fn="D12 Jane", add_categories=("D12",), drop_categories=("F03",))
    assert rewriting.edit(before, names) == card("FN:D12 Jane", "CATEGORIES:Friends,Work,D12")


def test_a_category_goes_with_its_line_where_it_was_alone() -> None:
    names = FormerProperties(lines=("FN:Jane\r\n",), drop_categories=("D12",))
    assert rewriting.edit(card("FN:D12 Jane", "CATEGORIES:D12"), names) == card("FN:Jane")


def test_a_former_name_without_a_line_end_gets_the_cards_and_one_with_it_keeps_it() -> None:
    fitted = FormerProperties(lines=("FN:Ja\n ne",))
    assert rewriting.edit(card("FN:D12 Jane"), fitted) == card("FN:Ja\r\n ne")
    assert rewriting.edit(card("FN:D12 Jane", eol="\n"), fitted) == card("FN:Ja\n ne", eol="\n")
    exact = FormerProperties(lines=("FN:Jane\n",))
    assert rewriting.edit(card("FN:D12 Jane"), exact) == card("FN:Jane").replace(b"Jane\r\n", b"Jane\n")


def test_a_former_name_of_an_old_card_is_decoded_where_the_card_became_a_newer_one() -> None:
    former = FormerProperties(
        lines=("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=E7=8E=8B\r\n", "N;QUOTED-PRINTABLE:=41;B\r\n")
    )
    assert rewriting.edit(card("FN:D12 x", "N:;D12 x;;;"), former) == card("FN:王", "N:A;B")


def test_a_long_name_is_folded_between_characters() -> None:
    names = NameProperties(fn="D12 " + "顺达货代" * 20)
    rewritten = rewriting.edit(card("FN:x"), names)
    assert all(len(line) <= 75 for line in rewritten.split(b"\r\n"))
    assert read_meaning(rewritten).fn == names.fn


def test_two_cards_in_one_entry_are_not_edited() -> None:
    with pytest.raises(ItemError, match="2 vCards"):
        rewriting.edit(card("FN:a") + card("FN:b"), NAMES)
