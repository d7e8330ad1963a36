"""How fast the cards of a book are renamed, beside a bare client and beside vdirsyncer: one run, ratios to compare.

    python -m tests.benchmarks.bench_books [--server radicale] [--cards 2500] [--changed 600]

The bare client sends the same PUTs over the same connections and reads back by one multiget per 100 cards; it and
mailsync take turns on the cards of one book. vdirsyncer then brings a fresh copy of that book down, and the same
change up; mailsync does both too, on another fresh copy. Last: what an unchanged book costs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from dulwich import porcelain

from mailsync.addressbook.book import Book
from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import CardRewriter
from mailsync.addressbook.plan import plan_book
from mailsync.addressbook.rewriting import edit
from mailsync.addressbook.scope import BookSettings
from mailsync.addressbook.shelf import Shelf
from mailsync.addressbook.transport import Answer, DavLogin, Session
from mailsync.database import connect
from mailsync.demo.seeding import seed_book
from mailsync.demo.servers import Radicale, Xandikos
from mailsync.demo.throwaway import give_away_tree, throwaway_folder
from mailsync.migrations import upgrade
from mailsync.registry.roster import Contact, Customer, Roster
from mailsync.run.actions import CardRename
from mailsync.run.apply import apply
from mailsync.run.journal import Journal
from mailsync.tidy.desk import utc_now

USER, PASSWORD = "user", "bench-password"
TURNS = 2
BATCH = 100


def a_card(number: int) -> bytes:
    lines = (
        *("BEGIN:VCARD", "VERSION:3.0", f"UID:card-{number}", f"FN:Person {number}", f"N:Number {number};Person;;;"),
        *(f"EMAIL;TYPE=INTERNET:p{number}@customer{number // 5}.example", f"TEL;TYPE=work:+61 2 5550 {number:05}"),
        *(f"ORG:Customer {number // 5} Pty Ltd", "ADR;TYPE=work:;;1 King Street;Sydney;NSW;2000;Australia"),
        *("NOTE:Met at the fair\\, asked for a price list", "END:VCARD", ""),
    )  # fmt: skip
    return "\r\n".join(lines).encode()


def roster_of(numbers: Sequence[int]) -> Roster:
    customers = {
        number // 5: Customer(code=f"D{number // 5 + 1:02}", company=f"Customer {number // 5}", country="AU")
        for number in numbers
    }
    contacts = [
        Contact(
            id=str(number),
            role="contact",
            name=f"Person {number}",
            company=f"Customer {number // 5}",
            country="AU",
            addresses=(f"p{number}@customer{number // 5}.example",),
            customers=(customers[number // 5].code,),
        )
        for number in numbers
    ]
    return Roster(customers=tuple(customers.values()), contacts=tuple(contacts))


@contextmanager
def served(server: str, count: int) -> Iterator[DavLogin]:
    """A fresh server with a book of `count` cards, which it has read once."""
    cards = {f"{number:05}.vcf": a_card(number) for number in range(count)}
    with throwaway_folder() as folder:
        if server == "radicale":
            with Radicale(folder, {USER: PASSWORD}) as radicale:
                yield _warm(
                    DavLogin(url=seed_book(radicale, USER, "contacts", cards), user=USER, password=PASSWORD)
                )
            return
        with Xandikos(folder) as xandikos:
            book = folder / "store" / USER / "contacts" / "addressbook"
            for name, data in cards.items():
                (book / name).write_bytes(data)
            porcelain.add(str(book), paths=[str(book / name) for name in cards])
            porcelain.commit(str(book), message=b"seed", author=b"a <a@b>", committer=b"a <a@b>")
            give_away_tree(book)
            yield _warm(DavLogin(url=xandikos.book_url, user=USER, password="-"))


def _warm(login: DavLogin) -> DavLogin:
    login = replace(login, idle_seconds=900.0, total_seconds=1800.0)
    with CardDavClient(login) as client:
        client.book(login.url).changes(None)
    return login


@dataclass(kw_only=True)
class Timed:
    seconds: float = 0.0
    cards: int = 0

    def add(self, cards: int, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        answer = work()
        self.seconds += time.perf_counter() - start
        self.cards += cards
        return answer

    @property
    def each(self) -> float:
        """Milliseconds a card."""
        return 1000 * self.seconds / self.cards


class Bench:
    """mailsync on one book, as a run uses it."""

    def __init__(self, login: DavLogin, folder: Path, changed: int) -> None:
        folder.mkdir()
        self.engine = connect(f"sqlite:///{folder}/mailsync.db")
        upgrade(self.engine)
        self.client = CardDavClient(login)
        self.book = self.client.book(login.url)
        self.shelf = Shelf(self.engine, "bench")
        self.roster = roster_of(range(changed))

    def plan(self) -> list[CardRename]:
        view = self.shelf.refresh(self.book)
        vobject = view.profile.stores_through_vobject
        settings = BookSettings(url=self.book.url, stores_through_vobject=vobject, create_missing=False)
        actions = plan_book(self.roster, view.cards, settings).actions
        return [action for action in actions if isinstance(action, CardRename)]

    def write(self, actions: Sequence[CardRename]) -> None:
        journal = Journal(self.engine, utc_now)
        outcome = apply(
            journal.start_run("bench"),
            actions,
            journal=journal,
            books={self.book.url: self.book},
            editor=CardRewriter(),
        )
        assert len(outcome.done) == len(actions), outcome.results[:3]
        rows = journal.rows(account="bench")[-len(actions) :]
        done = [(action, row.former) for action, row in zip(actions, rows, strict=True)]
        held = {href: state for (_, href), state in outcome.held.items()}
        self.shelf.wrote_all(self.book, done, held)

    def finish(self) -> None:
        """What a run does once at its end."""
        self.shelf.catch_up(self.book)


def bare(book: Book, cards: Sequence[tuple[str, str, bytes]]) -> None:
    """The floor: (href, etag, bytes) sent, and read back."""
    with ThreadPoolExecutor(book.connections) as pool:
        for start in range(0, len(cards), BATCH):
            batch = cards[start : start + BATCH]
            list(pool.map(lambda card: book.write(card[0], card[2], etag=card[1]), batch))
            assert len(book.read_many([href for href, _, _ in batch])) == len(batch)


def beside_bare(server: str, count: int, changed: int, folder: Path) -> float:
    """Prints the comparison; milliseconds that the bare client needs a card."""
    with served(server, count) as login:
        bench = Bench(login, folder / "turns", changed)
        planned = bench.plan()
        ours, floor = Timed(), Timed()
        size = changed // (2 * TURNS)
        for turn in range(TURNS):
            first, second = (planned[(2 * turn + half) * size :][:size] for half in (0, 1))
            held = bench.book.read_many([action.href for action in first])
            ready = [
                (action.href, action.etag, edit(held[action.href].data, action.edit)) for action in first
            ]
            floor.add(size, partial(bare, bench.book, ready))
            ours.add(size, partial(bench.write, second))
        ours.add(0, bench.finish)
        said = f"{server}, {count} cards, {bench.book.connections} connection(s)"
        say(
            f"{said}: bare {floor.each:.1f} ms a card, mailsync {ours.each:.1f}: {ours.each / floor.each:.2f} x"
        )
        return floor.each


def beside_vdirsyncer(server: str, count: int, changed: int, folder: Path, floor: float) -> None:
    with served(server, count) as login:
        down, up = vdirsyncer(login, folder / "theirs", changed)
    with served(server, count) as login:
        bench = Bench(login, folder / "ours", changed)
        reading, writing = Timed(), Timed()
        planned = reading.add(1, bench.plan)
        writing.add(1, lambda: bench.write(planned))
        writing.add(0, bench.finish)
        say(
            f"{server}, {count} cards, {changed} changed: vdirsyncer {down:.1f} s down + {up:.1f} s up, mailsync "
            f"{reading.seconds:.1f} + {writing.seconds:.1f} s: "
            f"{(down + up) / (reading.seconds + writing.seconds):.2f} x as fast (a bare client that reads nothing "
            f"first: {(down + up) / (changed * floor / 1000):.2f} x)"
        )
        asked = counted(lambda: bench.shelf.refresh(bench.book))
        say(f"{server}, {count} cards, nothing new: {sum(asked.values())} request(s), {asked['PUT']} writes")


def vdirsyncer(login: DavLogin, folder: Path, changed: int) -> tuple[float, float]:
    """Seconds to bring the book down, and the change of its first cards up."""
    folder.mkdir()
    home, _, name = login.url.rstrip("/").rpartition("/")
    (folder / "config").write_text(
        f"""[general]
status_path = "{folder}/status/"
[pair bench]
a = "here"
b = "there"
collections = ["{name}"]
[storage here]
type = "filesystem"
path = "{folder}/cards/"
fileext = ".vcf"
[storage there]
type = "carddav"
url = "{home}/"
username = "{login.user}"
password = "{login.password}"
"""
    )
    program = Path(sys.executable).with_name("vdirsyncer")

    def command(*words: str) -> None:
        told = subprocess.run(
            [program, "-c", folder / "config", *words], input="y\n" * 9, text=True, capture_output=True, check=False
        )  # fmt: skip
        assert told.returncode == 0, told.stderr[-2000:]

    command("discover")
    down, up = Timed(), Timed()
    down.add(1, lambda: command("sync"))
    roster = roster_of(range(changed))
    names = {
        contact.addresses[0]: f"{contact.customers[0]} {contact.name}/x/AU" for contact in roster.contacts
    }
    for file in (folder / "cards" / name).iterdir():
        text = file.read_text()
        address = next(line for line in text.splitlines() if line.startswith("EMAIL")).partition(":")[2]
        if address in names:
            number = address[1:].partition("@")[0]
            file.write_text(text.replace(f"FN:Person {number}", f"FN:{names[address]}"))
    up.add(1, lambda: command("sync"))
    return down.seconds, up.seconds


def counted(work: Callable[[], object]) -> Counter[str]:
    """Requests by method."""
    asked, send = Counter[str](), Session._attempt

    def attempt(self: Session, method: str, target: Any, body: bytes, headers: Any) -> Answer:
        asked[method] += 1
        return send(self, method, target, body, headers)

    Session._attempt = attempt  # type: ignore[method-assign]
    try:
        work()
    finally:
        Session._attempt = send  # type: ignore[method-assign]
    return asked


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=["radicale", "xandikos"], default="radicale")
    parser.add_argument("--cards", type=int, default=2500)
    parser.add_argument("--changed", type=int, default=600)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        floor = beside_bare(asked.server, asked.cards, asked.changed, Path(folder))
        beside_vdirsyncer(asked.server, asked.cards, asked.changed, Path(folder), floor)


if __name__ == "__main__":
    main()
