"""What `who --as khard` says is what khard says of the same book (GPL: run as a process of its own)."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailsync.addressbook.cards import CardMeaning, guess_meaning
from mailsync.addressbook.clients import CLIENTS, offered
from mailsync.addressbook.display_name import display_name
from mailsync.addressbook.rewriting import edit
from mailsync.demo import world
from mailsync.registry.roster import Contact, Customer
from mailsync.run.actions import NameProperties

KHARD = Path(sys.executable).with_name("khard")
GIBSON = Customer(code="D12", company="Gibson Importing", country="AU")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's cards as a folder of files; every third one carries a code as mailsync writes it."""
    folder = tmp_path_factory.mktemp("khard")
    (folder / "book").mkdir()
    (folder / "khard.conf").write_text(f"[addressbooks]\n[[demo]]\npath = {folder / 'book'}\n")
    cards = {
        f"{book.user}-{name}": data
        for book in world.build(datetime(2026, 11, 26, tzinfo=UTC)).books
        for name, data in book.cards.items()
    }
    for number, (name, data) in enumerate(sorted(cards.items())):
        (folder / "book" / name).write_bytes(_coded(data) if number % 3 == 0 else data)
    return folder


def _coded(data: bytes) -> bytes:
    meaning = guess_meaning(data)
    contact = Contact(
        id="x", role="contact", name=meaning.fn, addresses=meaning.addresses, customers=("D12",)
    )
    name = display_name("D12", contact, GIBSON)
    if meaning.version == "2.1":
        return edit(data, NameProperties(fn=name, given=name))
    return edit(data, NameProperties(fn=name, given=name, nickname="D12", add_categories=("D12",)))


def khard(book: Path, text: str) -> set[tuple[str, str]]:
    """(name, address) of every line that khard prints for `text`."""
    command = [str(KHARD), "-c", str(book / "khard.conf"), "email", "--parsable", text]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    lines = [line.split("\t") for line in answer.stdout.splitlines() if "\t" in line]
    return {(name, address.lower()) for address, name, *_ in lines}


@pytest.mark.parametrize("text", ["D12", "gibson", "wang", "王", "webmail", "nobody of this name"])
def test_khard_offers_whom_we_say_it_offers(book: Path, text: str) -> None:
    cards: list[CardMeaning] = [
        guess_meaning(file.read_bytes()) for file in sorted((book / "book").iterdir())
    ]
    ours = {(row.name, row.address) for row in offered(CLIENTS["khard"], cards, text)}
    assert ours == khard(book, text)
    assert bool(ours) == (text != "nobody of this name")
