"""Content lines: read without loss, folded as RFC 6350 wants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.addressbook import contentlines
from mailsync.errors import ItemError
from tests import strategies


@given(st.binary(max_size=400))
def test_splitting_loses_no_byte_of_anything(data: bytes) -> None:
    bom = contentlines.BOM if data.startswith(contentlines.BOM) else b""
    assert contentlines.join(bom, contentlines.split(data)) == data


@given(strategies.cards())
def test_reading_a_card_loses_no_byte(data: bytes) -> None:
    assert contentlines.read(data).data == data


@given(st.text(max_size=300), st.sampled_from((b"\r\n", b"\n")))
def test_a_folded_line_is_short_whole_and_reads_back(text: str, eol: bytes) -> None:
    line = b"NOTE:" + contentlines.escape(text.replace("\r", "")).encode("utf-8", "replace")
    folded = contentlines.fold(line, eol)
    physical = folded.removesuffix(eol).split(eol)
    assert all(len(piece) <= contentlines.FOLD_AT for piece in physical)
    for piece in physical:
        piece.decode("utf-8")
    (back,) = contentlines.split(folded)
    assert b"NOTE:" + back.value == line


@given(st.text(max_size=40))
def test_escaping_reads_back(text: str) -> None:
    text = text.replace("\r\n", "\n")
    assert contentlines.unescape(contentlines.escape(text)) == text


@given(st.lists(st.text(alphabet="a,;\\n ", max_size=6), min_size=1))
def test_a_list_of_escaped_items_is_split_where_it_was_joined(items: list[str]) -> None:
    joined = ",".join(contentlines.escape(item) for item in items)
    assert [contentlines.unescape(part) for part in contentlines.split_unescaped(joined, ",")] == items


def card(*lines: str, version: str = "3.0") -> bytes:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]).encode()


@pytest.mark.parametrize(
    ("line", "name", "text"),
    [
        ('item1.FN;X="a:b;c":Jane', b"FN", "Jane"),
        ("fn:Jane", b"FN", "Jane"),
        ("FN:Ja\r\n ne", b"FN", "Jane"),
        ("FN:Ja\r\n\tne", b"FN", "Jane"),
        ('X-A;P="open:Jane', b"X-A", "Jane"),
        ("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=E7=8E=8B=E4=BC=9F", b"FN", "王伟"),
        ("FN;QUOTED-PRINTABLE:a=\r\nb=\r\nc", b"FN", "abc"),
        ("FN;QUOTED-PRINTABLE:a=\r\n b", b"FN", "ab"),
        ("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=GB2312:=CD=F5=CE=B0", b"FN", "王伟"),
        ("FN;CHARSET=nonsense:王伟", b"FN", "王伟"),
    ],
)
def test_a_line_is_read_as_clients_write_it(line: str, name: bytes, text: str) -> None:
    found = contentlines.read(card(line, version="2.1")).lines[2]
    assert (found.name, found.text) == (name, text)


def test_a_nested_card_is_not_the_cards_own() -> None:
    nested = contentlines.read(
        card("FN:Boss", "AGENT:", "BEGIN:VCARD", "VERSION:2.1", "FN:Agent", "END:VCARD", version="2.1")
    )
    assert [line.text for line in nested.find(b"FN")] == ["Boss"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "begin"),
        (b"<html>", "begin"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "VERSION"),
        (b"junk\r\n" + card("FN:x"), "begin"),
        (card("FN:x") + card("FN:y"), "2 vCards"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\n", "end"),
        (b"BEGIN:VCARD\r\nFN:x\r\nEND:VCARD\r\n", "VERSION"),
        (card("FN:x", version="5.0"), "VERSION"),
        (card("FN:x", "NOTE:").replace(b"NOTE:", b"NOTE:\xcd\xf5"), "UTF-8"),
    ],
)
def test_what_is_no_single_whole_card_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ItemError, match=reason):
        contentlines.read(data)
