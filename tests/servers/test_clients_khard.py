"""What `who --as khard` says is what khard says of the same book, brought down from a real server by vdirsyncer.

khard (GPL) runs as a process of its own, as vdirsyncer does.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import CardMeaning, guess_meaning
from mailsync.addressbook.clients import CLIENTS, offered
from mailsync.addressbook.display_name import display_name
from mailsync.addressbook.rewriting import edit
from mailsync.addressbook.transport import DavLogin
from mailsync.demo import world
from mailsync.demo.seeding import seed_book
from mailsync.demo.servers import Radicale
from mailsync.registry.roster import Contact, Customer
from mailsync.run.actions import NameProperties
from tests.conftest import PASSWORD

PROGRAMS = Path(sys.executable).parent
GIBSON = Customer(code="D12", company="Gibson Importing", country="AU")
USER = "u999"

VDIRSYNCER = """\
[general]
status_path = "{folder}/status/"
[pair demo]
a = "here"
b = "there"
collections = ["contacts"]
[storage here]
type = "filesystem"
path = "{folder}/books/"
fileext = ".vcf"
[storage there]
type = "carddav"
url = "{url}"
username = "{user}"
password = "{password}"
"""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One book: as mailsync reads it from its server, and khard's configuration for a copy on disk."""

    cards: list[CardMeaning]
    khard: Path

    def offers(self, text: str) -> set[tuple[str, str]]:
        """(name, address) of every line that khard prints for `text`."""
        command = [str(PROGRAMS / "khard"), "-c", str(self.khard), "email", "--parsable", text]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        lines = [line.split("\t") for line in answer.stdout.splitlines() if "\t" in line]
        return {(name, address.lower()) for address, name, *_ in lines}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, radicale: Radicale) -> Desk:
    """The demo's cards on Radicale, every third one with a code as mailsync writes it; synchronised by vdirsyncer."""
    folder = tmp_path_factory.mktemp("khard")
    numbers = itertools.count()
    cards = {
        f"{book.user}-{name}": data
        for book in world.build(datetime(2026, 11, 26, tzinfo=UTC)).books
        for name, data in sorted(book.cards.items())
    }
    coded = {name: _coded(data) if next(numbers) % 3 == 0 else data for name, data in cards.items()}
    url = seed_book(radicale, USER, "contacts", coded)
    (folder / "vdirsyncer").write_text(
        VDIRSYNCER.format(folder=folder, url=radicale.url(USER), user=USER, password=PASSWORD)
    )
    for words in (("discover", "demo"), ("sync",)):
        command = [PROGRAMS / "vdirsyncer", "-c", folder / "vdirsyncer", *words]
        subprocess.run(command, input="y\n" * 5, text=True, capture_output=True, check=True, timeout=120)
    (folder / "khard").write_text(f"[addressbooks]\n[[demo]]\npath = {folder / 'books' / 'contacts'}\n")
    with CardDavClient(DavLogin(url=url, user=USER, password=PASSWORD)) as client:
        book = client.book(url)
        held = book.read_many(list(book.listing()))
    return Desk(cards=[guess_meaning(card.data) for card in held.values()], khard=folder / "khard")


def _coded(data: bytes) -> bytes:
    meaning = guess_meaning(data)
    contact = Contact(
        id="x", role="contact", name=meaning.fn, addresses=meaning.addresses, customers=("D12",)
    )
    name = display_name("D12", contact, GIBSON)
    if meaning.version == "2.1":
        return edit(data, NameProperties(fn=name, given=name))
    return edit(data, NameProperties(fn=name, given=name, nickname="D12", add_categories=("D12",)))


@pytest.mark.parametrize("text", ["D12", "gibson", "wang", "王", "webmail", "nobody of this name"])
def test_khard_offers_whom_we_say_it_offers(desk: Desk, text: str) -> None:
    ours = {(row.name, row.address) for row in offered(CLIENTS["khard"], desk.cards, text)}
    assert ours == desk.offers(text)
    assert bool(ours) == (text != "nobody of this name")
