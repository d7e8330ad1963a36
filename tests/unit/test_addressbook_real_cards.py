"""Cards as other programs really wrote them, and 2,000 broken ones made of those: nothing is lost, nothing else raised.

The collection of real cards lies beside the project and is not part of it; without it the demo's cards serve.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from mailsync.addressbook import contentlines, rewriting
from mailsync.addressbook.cards import guess_meaning, read_meaning, same_meaning, survives_vobject
from mailsync.demo import world
from mailsync.errors import ItemError
from mailsync.run.actions import NameProperties

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "vcards"
TOUCHED = {b"FN", b"N", b"NICKNAME", b"CATEGORIES"}
TOUCHED_IN_21 = {b"FN", b"N"}
NAMES = NameProperties(
    fn="D12 王伟/Gibson Importing/AU",
    given="D12 王伟/Gibson Importing/AU",
    nickname="D12 Janie",
    add_categories=("D12",),
)
_CARD = re.compile(rb"BEGIN:VCARD.*?END:VCARD[ \t]*(?:\r\n|\n|\r|$)", re.DOTALL | re.IGNORECASE)


@cache
def real_cards() -> tuple[bytes, ...]:
    """Each card of the collection by itself, as its file has it."""
    files = sorted(CORPUS.rglob("*.vcf"))
    return tuple(card for file in files for card in _CARD.findall(file.read_bytes()))


@cache
def demo_cards() -> tuple[bytes, ...]:
    books = world.build(datetime(2026, 11, 26, tzinfo=UTC)).books
    return tuple(card for book in books for card in book.cards.values())


def check(data: bytes) -> bool:
    """All that must hold for one card; whether it could be edited."""
    assert contentlines.join(_bom(data), contentlines.split(data)) == data
    guess_meaning(data)
    try:
        card = contentlines.read(data)
    except ItemError:
        return False
    touched = TOUCHED_IN_21 if card.version == "2.1" else TOUCHED
    present = {category.casefold() for category in read_meaning(data).categories}
    former = rewriting.taken_from(data, () if "d12" in present else ("D12",))
    rewritten = rewriting.edit(data, NAMES)
    assert _others(rewritten, touched) == _others(data, touched)
    assert rewriting.edit(rewritten, NAMES) == rewritten
    assert rewriting.edit(rewritten, former) == data
    assert read_meaning(rewritten).fn == NAMES.fn
    assert same_meaning(data, data)
    return True


def _bom(data: bytes) -> bytes:
    return contentlines.BOM if data.startswith(contentlines.BOM) else b""


def _others(data: bytes, touched: set[bytes]) -> list[bytes]:
    return [line.raw for line in contentlines.split(data) if line.depth != 1 or line.name not in touched]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the collection of real cards is not here")
def test_real_cards_change_in_their_name_lines_alone_and_get_them_back() -> None:
    versions = Counter[str]()
    for data in real_cards():
        versions[contentlines.read(data).version if check(data) else "unreadable"] += 1
    assert sum(versions.values()) > 1200
    assert min(versions[version] for version in contentlines.VERSIONS) > 50
    assert versions["unreadable"] < 100


#: Cards that a rewrite or its restore once damaged, or that raised what they should not.
ODD = (
    b"BEGIN:VCARD\rX\r\nVERSION:3.0\nFN:Jane\nN:Roe;Jane;;;\nCATEGORIES;ENCODING=b:RDEy\r\n\nEND:VCARD\n",
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Jane\r\nCATEGORIES:Friends,VIP\r\n \r\nEND:VCARD\r\n",
    b"BEGIN:VCARD\nVERSION:3.0\nFN:Jane\nCATEGORIES:Friends\r\n\t\nEND:VCARD\n",
    b"BEGIN:VCARD\nVERSION:3.0\nFN:Jane\nN:Roe;Jane;\r;;\nEND:VCARD\n",
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN;ENCODING=QUOTED-PRINTABLE:=4Aane\r\nN;CHARSET=gb2312:a;b\r\nEND:VCARD\r\n",
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN;CHARSET=U\xffTF-8:Jane\r\nN;CHARSET=\x00:a;b\r\nEND:VCARD\r\n",
    b"BEGIN:VCARD\nVERSION:2.1\nFN:Jane\nLABEL;CHARSET=Window=s-1251;QUOTED-PRINTABLE:=CA\nEND:VCARD\n",
    b"BEGIN:VCARD\rVERSION:3.0\rFN:Jane\rN:Roe;Jane;;;\rEND:VCARD\r",
)


@pytest.mark.parametrize("data", ODD)
def test_odd_cards_are_edited_and_get_their_bytes_back(data: bytes) -> None:
    assert check(data)
    survives_vobject(data)


def test_the_demos_cards_change_in_their_name_lines_alone_and_get_them_back() -> None:
    assert sum(check(data) for data in demo_cards()) > 100


def broken(count: int) -> Iterator[bytes]:
    """Cards with one to four injuries each: cut, doubled, moved, overwritten, folded or badly encoded."""
    chance = random.Random(count)
    sound = (*demo_cards(), *real_cards())
    for _ in range(count):
        data = bytearray(chance.choice(sound))
        for _ in range(chance.randint(1, 4)):
            _injure(data, chance)
        yield bytes(data)


def _injure(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) + 1)
    end = min(len(data), start + chance.randint(0, 60))
    signs = (
        *(b"\r", b"\n", b"\r\n ", b"\n\t", b":", b";", b'"', b"\\", b",", b"=", b"=\r\n", b"\x00", b"\xff"),
        *(b"\xef\xbb\xbf", b"\xe7\x8e", b"BEGIN:VCARD\r\n", b"END:VCARD\r\n", b"N:", b"\r\nFN;ENCODING=QUOTED-PRINTABLE:=E7=8"),
        *(b"\r\nCATEGORIES;ENCODING=b:RDEy\r\n", b"\r\nNICKNAME:\\\r\n", b"\r\nVERSION:2.1\r\n", b"\xe2\x80\xa8", b"x" * 3000),
    )  # fmt: skip
    match chance.randrange(6):
        case 0:
            del data[start:]
        case 1:
            del data[start:end]
        case 2:
            data[end:end] = data[start:end]
        case 3:
            data[start:start] = bytes(chance.choices(range(256), k=chance.randint(1, 8)))
        case _:
            data[start:start] = chance.choice(signs)


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_broken_cards_raise_nothing_but_their_own_error_and_lose_no_byte(count: int) -> None:
    edited = 0
    for data in broken(count):
        try:
            edited += check(data)
            survives_vobject(data)
        except Exception as error:  # noqa: BLE001 - which card it was must be told
            pytest.fail(f"{type(error).__name__}: {error}\n{data!r}")
    assert count / 20 < edited < count
