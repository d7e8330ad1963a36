"""Runs over address books on each real server: what they ask, what they write, and what people do meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mailsync.addressbook import profile
from mailsync.addressbook.book import Book, Changes
from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import read_meaning
from mailsync.addressbook.places import LOOK_AGAIN
from mailsync.addressbook.shelf import Shelf
from mailsync.addressbook.transport import Answer, DavLogin, Session
from mailsync.errors import UsageError
from mailsync.run.apply_cards import WINDOW
from mailsync.tidy import restoring, running, undoing
from mailsync.tidy.desk import Desk, open_desk
from mailsync.tidy.settings import Access, Account, BookAccess, CardRules, House, Options
from tests.conftest import PASSWORD, BookUser
from tests.contract.test_books import new_cyrus_book, new_xandikos_book
from tests.servers.cyrus import Cyrus

PEOPLE = 3
BULK = WINDOW + 20


def a_card(number: int, fn: str = "", *, note: str = "") -> bytes:
    lines = [
        *(
            "BEGIN:VCARD",
            "VERSION:3.0",
            f"UID:u{number}",
            f"FN:{fn or f'Person {number}'}",
            "N:Last;First;;;",
        ),
        *(f"EMAIL:p{number}@gibson.example", *([f"NOTE:{note}"] if note else []), "END:VCARD", ""),
    ]
    return "\r\n".join(lines).encode()


def coded(number: int) -> str:
    return f"D12 Person {number}/Gibson/AU"


@dataclass(kw_only=True)
class Wire:
    """What went over to the server; `before` is called before each request."""

    asked: list[tuple[str, str]] = field(default_factory=list)  #: method, path
    bodies: list[bytes] = field(default_factory=list)  #: of the same requests
    before: Callable[[str, str], None] = field(default=lambda _method, _path: None)

    def take(self) -> Counter[str]:
        """Requests by method since the last time."""
        methods = Counter(method for method, _ in self.asked)
        self.asked.clear()
        self.bodies.clear()
        return methods


@dataclass(frozen=True, kw_only=True)
class Office:
    """One book on one server, kept by mailsync."""

    book: Book  #: a person's way to it, which `wire` does not see
    desk: Desk
    account: Account
    wire: Wire

    def tidy(self, **options: Any) -> dict[str, Any]:
        return running.run(self.desk, self.account, Options(**options))

    def fns(self) -> list[str]:
        """Names by number of the card."""
        cards = self.book.read_many(sorted(self.book.listing()))
        return [read_meaning(card.data).fn for _, card in sorted(cards.items())]

    def held(self, name: str) -> bytes:
        """A card's very bytes."""
        card = self.book.read(urlsplit(self.book.url).path + name)
        assert card is not None
        return card.data

    def edit(self, name: str, data: bytes) -> None:
        """A person's client writes a card without asking."""
        href = urlsplit(self.book.url).path + name
        held = self.book.read(href)
        assert held is not None
        self.book.write(href, data, etag=held.etag)


@pytest.fixture(params=["radicale", "xandikos", "cyrus"])
def login(request: pytest.FixtureRequest) -> DavLogin:
    if request.param == "radicale":
        user: BookUser = request.getfixturevalue("book_user")
        return DavLogin(url=user.seed({}), user=user.name, password=PASSWORD)
    if request.param == "xandikos":
        return DavLogin(url=new_xandikos_book(request.getfixturevalue("xandikos")), user="user", password="-")
    cyrus: Cyrus = request.getfixturevalue("cyrus")
    return DavLogin(url=new_cyrus_book(cyrus), user=cyrus.user, password="-")


@pytest.fixture
def office(
    login: DavLogin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Office]:
    count: int = getattr(request, "param", PEOPLE)
    registry = tmp_path / "registry"
    registry.mkdir()
    people = "".join(f"p{n},D12,Person {n},Gibson,p{n}@gibson.example\n" for n in range(count))
    (registry / "customers.csv").write_text("code,company,country,channel,show\nD12,Gibson,AU,show,D\n")
    (registry / "shows.csv").write_text("letter,name,coded\nD,Domotex,yes\n")
    (registry / "people.csv").write_text(f"id,codes,name,company,email\n{people}")
    house = House(
        database=f"sqlite:///{tmp_path}/mailsync.db", state_dir=tmp_path, registry_source=str(registry)
    )
    access = Access(url=login.url, user=login.user, password=lambda: login.password)
    account = Account(name="book:all", books=(BookAccess(access=access),), confirmed=True)
    wire, mine = Wire(), Session._attempt

    with CardDavClient(login) as client:
        book = client.book(login.url)
        book.changes(None)
        for number in range(count):
            book.create(f"{urlsplit(book.url).path}{number:03}.vcf", a_card(number))
        persons = book._session

        def attempt(self: Session, method: str, target: Any, body: bytes, headers: Any) -> Answer:
            if self is not persons:
                wire.before(method, target.path)
                wire.asked.append((method, target.path))
                wire.bodies.append(body)
            return mine(self, method, target, body, headers)

        monkeypatch.setattr(Session, "_attempt", attempt)
        yield Office(book=book, desk=open_desk(house), account=account, wire=wire)


def test_an_unchanged_book_costs_one_request_and_nothing_is_written(office: Office) -> None:
    first = office.tidy(by_hand=False)
    assert (first["exit_code"], first["counts"]["done"]) == (0, PEOPLE)
    assert office.fns() == [coded(number) for number in range(PEOPLE)]
    for _ in range(2):
        office.wire.take()
        again = office.tidy(by_hand=False)
        assert (again["exit_code"], again["actions"]) == (0, [])
        assert sum(office.wire.take().values()) == 1


@pytest.mark.parametrize("office", [BULK], indirect=True)
def test_many_cards_are_written_with_no_question_for_each_and_the_token_is_asked_for_once(
    office: Office,
) -> None:
    told = office.tidy(by_hand=False)
    assert (told["exit_code"], told["counts"]["done"]) == (0, BULK)
    assert b"sync-collection" in office.wire.bodies[-1]
    assert (
        sum(b"sync-collection" in body for body in office.wire.bodies) == 2
    )  # at the beginning and at the end
    asked = office.wire.take()
    assert asked["PUT"] == BULK
    assert asked["GET"] == 0
    # Before: is it there, what is listed, all cards. Then three windows, looked at before and after; at the end the token.
    windows = 3
    assert asked["REPORT"] + asked["PROPFIND"] <= 3 + 2 * windows + 1 + 3  # Cyrus is asked what it converts
    office.tidy(by_hand=False)
    assert sum(office.wire.take().values()) == 1


def test_a_persons_edit_between_reading_and_writing_is_kept_and_the_card_is_still_renamed(
    office: Office,
) -> None:
    edited = set()

    def person(method: str, path: str) -> None:
        name = path.rpartition("/")[2]
        if method == "PUT" and name not in edited:
            edited.add(name)
            office.edit(name, a_card(int(name[:3]), note="from my phone"))

    office.wire.before = person
    told = office.tidy()
    assert (told["exit_code"], told["conflicts"]) == (0, [])
    assert len(edited) == PEOPLE
    assert office.fns() == [coded(number) for number in range(PEOPLE)]
    held = office.book.read_many(sorted(office.book.listing()))
    assert all(b"from my phone" in card.data for card in held.values())
    assert {row["state"] for row in told["actions"]} == {"done"}
    assert [row["action"] for row in told["cards"]] == ["rename"] * PEOPLE
    office.wire.before = lambda _method, _path: None
    assert office.tidy()["actions"] == []


def test_a_card_that_is_edited_each_time_is_left_after_some_rounds(office: Office) -> None:
    edits = Counter[str]()

    def person(method: str, path: str) -> None:
        name = path.rpartition("/")[2]
        if method == "PUT":
            edits[name] += 1
            office.edit(name, a_card(int(name[:3]), note=f"edit {edits[name]}"))

    office.wire.before = person
    told = office.tidy()
    assert told["exit_code"] == 3
    assert edits == {f"{number:03}.vcf": 3 for number in range(PEOPLE)}
    assert [row["kind"] for row in told["conflicts"]] == ["card-rename-conflict"] * PEOPLE
    assert office.fns() == [f"Person {number}" for number in range(PEOPLE)]


def test_a_client_that_writes_the_old_name_back_is_repaired_and_then_reported(office: Office) -> None:
    office.tidy()
    for _ in range(3):
        office.edit("000.vcf", a_card(0, "Person 0"))
        told = office.tidy(by_hand=False)
        assert [row["state"] for row in told["actions"]] == ["done"]
    office.edit("000.vcf", a_card(0, "Person 0"))
    told = office.tidy(by_hand=False)
    assert told["actions"] == []
    assert [row["kind"] for row in told["conflicts"]] == ["card-conflict"]
    assert "3 times" in told["conflicts"][0]["sentence"]
    assert office.fns()[0] == "Person 0"


class Killed(BaseException):
    """As if the process ended here: no handler of the run catches it."""


@pytest.mark.parametrize("office", [WINDOW + 60], indirect=True)
@pytest.mark.parametrize("at", [2, WINDOW + 30])
def test_a_run_that_dies_among_parallel_writes_is_gone_on_with(office: Office, at: int) -> None:
    written = Counter[str]()

    def die(method: str, path: str) -> None:
        if method == "PUT":
            written[path] += 1
            if written.total() >= at:
                raise Killed

    office.wire.before = die
    with pytest.raises(Killed):
        office.tidy()
    office.wire.before = lambda _method, _path: None
    count = WINDOW + 60
    told = office.tidy()
    assert told["exit_code"] == 0
    assert office.fns() == [coded(number) for number in range(count)]
    assert not office.desk.journal.open_rows(office.account.name)
    done = [row for row in office.desk.journal.rows(account=office.account.name) if row.state == "done"]
    assert Counter(row.action.href for row in done) == Counter(  # type: ignore[union-attr]
        f"{urlsplit(office.book.url).path}{number:03}.vcf" for number in range(count)
    )
    assert office.tidy()["actions"] == []


def test_a_run_whose_time_for_cards_is_over_leaves_the_rest_to_the_next(office: Office) -> None:
    counts = []
    for _ in range(PEOPLE):
        told = office.tidy(by_hand=False, card_seconds=0.0)
        assert (told["exit_code"], told["conflicts"]) == (0, [])
        counts.append((told["counts"]["done"], told["counts"]["planned"]))
    # The first card goes alone, to see what the server makes of it; then the time is over.
    assert counts == [(1, 2), (1, 1), (1, 0)]
    assert office.fns() == [coded(number) for number in range(PEOPLE)]


@pytest.mark.parametrize("login", ["radicale"], indirect=True)
@pytest.mark.parametrize("office", [BULK], indirect=True)
def test_a_first_run_in_parts_is_not_held_for_changing_the_whole_book(office: Office) -> None:
    for _ in range(2):
        told = office.tidy(by_hand=False, card_seconds=0.0)
        assert (told["exit_code"], told["counts"]["done"]) == (0, 1)
    assert office.tidy(by_hand=False)["counts"]["done"] == BULK - 2
    for number in range(BULK):
        office.edit(f"{number:03}.vcf", a_card(number, "Somebody"))
    assert office.tidy(by_hand=False)["exit_code"] == 20  # the first run is over: now a change of all is held


@pytest.mark.parametrize("login", ["radicale"], indirect=True)
def test_a_new_book_is_seen_within_the_hour_and_at_once_by_who_types_a_command(
    office: Office, book_user: BookUser
) -> None:
    now = [datetime(2026, 11, 26, 12, tzinfo=UTC)]
    desk = replace(office.desk, clock=lambda: now[0])
    access = replace(office.account.books[0].access, url=book_user.principal_url)
    account = replace(office.account, books=(BookAccess(access=access),))

    def books(**options: Any) -> set[str]:
        told = running.run(desk, account, Options(by_hand=False, **options))
        return {str(card["book"]).rstrip("/").rpartition("/")[2] for card in told["cards"]}

    assert books() == {"contacts"}
    book_user.seed({"x.vcf": a_card(90)}, "second")
    now[0] += LOOK_AGAIN - timedelta(minutes=1)
    assert books() == {"contacts"}
    now[0] += timedelta(minutes=1)
    assert books() == {"contacts", "second"}
    book_user.seed({"y.vcf": a_card(91)}, "third")
    assert books() == {"contacts", "second"}
    assert books(full=True) == {"contacts", "second", "third"}
    book_user.seed({"z.vcf": a_card(92)}, "fourth")
    told = running.run(desk, account, Options(dry_run=True))
    assert any("/fourth/" in str(card["book"]) for card in told["cards"])


@pytest.mark.parametrize("office", [WINDOW], indirect=True)
def test_the_time_that_writing_takes_is_foretold_once_a_server_was_measured(office: Office) -> None:
    assert office.tidy(dry_run=True)["write_seconds"] is None
    assert office.tidy()["write_seconds"] is None
    for number in range(10):
        office.edit(f"{number:03}.vcf", a_card(number, "Somebody"))
    seconds = office.tidy(dry_run=True)["write_seconds"]
    assert seconds is not None and 0 < seconds < 60
    Shelf(office.desk.engine, office.account.name).paced(office.book.url, 0.0004)
    assert office.tidy(dry_run=True)["write_seconds"] == 0.004  # a fast server's time is not rounded away


@pytest.mark.parametrize("login", ["xandikos"], indirect=True)
@pytest.mark.parametrize("office", [BULK], indirect=True)
def test_a_server_that_locks_is_learnt_and_every_card_is_written(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile, "_TOKENS", ())  # as if nobody had ever measured this server
    told = office.tidy()
    assert (told["exit_code"], told["counts"]["done"]) == (0, BULK)
    assert office.fns() == [coded(number) for number in range(BULK)]
    assert (
        office.wire.take()["PUT"] < BULK + 2 * profile.CONNECTIONS
    )  # refused are only those already under way
    with CardDavClient(DavLogin(url=office.book.url, user="user", password="-")) as client:
        book = client.book(office.book.url)
        Shelf(office.desk.engine, office.account.name).introduce(book)
        assert (book.profile.one_writer, book.connections) == (True, 1)


def test_an_opt_out_that_a_client_writes_and_an_engagement_that_ends_give_the_name_back(
    office: Office,
) -> None:
    before = {name: office.held(name) for name in ("000.vcf", "001.vcf", "002.vcf")}
    office.tidy()
    opted = office.held("000.vcf").replace(b"END:VCARD", b"X-NO-CODE:yes\r\nEND:VCARD")
    office.edit("000.vcf", opted)
    people = Path(str(office.desk.house.registry_source)) / "people.csv"
    people.write_text(
        "".join(line for line in people.read_text().splitlines(True) if not line.startswith("p1,"))
    )
    told = office.tidy(by_hand=False)
    assert {row["kind"] for row in told["actions"]} == {"card-restore"}
    assert {row["state"] for row in told["actions"]} == {"done"}
    assert office.held("000.vcf").replace(b"X-NO-CODE:yes\r\n", b"") == before["000.vcf"]
    assert office.held("001.vcf") == before["001.vcf"]
    assert office.fns() == ["Person 0", "Person 1", coded(2)]
    assert office.tidy(by_hand=False)["actions"] == []


@pytest.mark.parametrize("login", ["radicale"], indirect=True)
@pytest.mark.parametrize("office", [30], indirect=True)
def test_a_listing_that_shrinks_while_a_run_ends_forgets_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office.held("025.vcf")
    changes, asked = Book.changes, Counter[str]()

    def half(self: Book, token: str | None) -> Changes:
        asked["changes"] += 1
        found = changes(self, token)
        if asked["changes"] != 2:
            return found
        listed = dict(sorted(changes(self, None).changed.items())[:3])
        return Changes(changed=listed, removed=(), token="http://radicale.org/ns/sync/half", full=True)

    monkeypatch.setattr(Book, "changes", half)
    assert office.tidy()["counts"]["done"] == 30
    assert asked["changes"] == 2
    monkeypatch.undo()
    people = Path(str(office.desk.house.registry_source)) / "people.csv"
    people.write_text(
        "".join(line for line in people.read_text().splitlines(True) if not line.startswith("p25,"))
    )
    told = office.tidy()  # the token of the half listing is unknown to the server: all is listed again
    assert {row["kind"] for row in told["actions"]} == {"card-restore"}
    assert office.held("025.vcf") == before


def test_one_command_gives_a_whole_book_its_former_names_back(office: Office) -> None:
    missing = urlsplit(office.book.url).path + "002.vcf"
    office.book.delete(missing, etag=office.book.listing()[missing])
    before = {name: office.held(name) for name in ("000.vcf", "001.vcf")}
    assert office.tidy()["counts"]["by_action"] == {"card-create:done": 1, "card-rename:done": 2}
    office.wire.take()
    shown = restoring.restore(office.desk, office.account, dry_run=True)
    assert shown["counts"]["by_action"] == {"card-delete:planned": 1, "card-restore:planned": 2}
    assert not office.wire.take() & Counter({"PUT": 1, "DELETE": 1})
    told = restoring.restore(office.desk, office.account)
    assert (told["exit_code"], told["counts"]["done"]) == (0, 3)
    assert len(office.book.listing()) == 2
    assert {name: office.held(name) for name in before} == before
    assert (
        office.tidy(by_hand=False)["exit_code"] == 20
    )  # who gave the names back does not want them again at once
    assert office.fns() == ["Person 0", "Person 1"]
    assert office.tidy()["counts"]["done"] == 3
    undone = undoing.undo(office.desk, [office.account], told["run"])
    assert undone["exit_code"] == 3  # what came after it must be undone first


@pytest.mark.parametrize(
    ("one_each", "names"),
    [
        (True, {"D12 Person 0/Gibson/AU", "E05 Person 0/Gibson/DE"}),
        (False, {"D12 E05 Person 0/Gibson/AU"}),
    ],
    ids=["an entry for each code", "all codes in front"],
)
def test_a_person_of_two_customers_and_a_second_card_with_one_address(
    office: Office, one_each: bool, names: set[str]
) -> None:
    registry = Path(str(office.desk.house.registry_source))
    with (registry / "customers.csv").open("a") as file:
        file.write("E05,Europa,DE,web,\n")
    people = (registry / "people.csv").read_text().replace("p0,D12,", "p0,D12 E05,")
    (registry / "people.csv").write_text(people)
    twin = a_card(1, "Person 1 again").replace(b"UID:u1", b"UID:other")
    office.book.create(f"{urlsplit(office.book.url).path}900.vcf", twin)
    held = office.held("900.vcf")
    house = replace(office.desk.house, cards=CardRules(entry_per_engagement=one_each))
    told = running.run(replace(office.desk, house=house), office.account, Options())
    assert (told["exit_code"], {row["state"] for row in told["actions"]}) == (0, {"done"})
    assert {fn for fn in office.fns() if "Person 0" in fn} == names
    assert [row["kind"] for row in told["findings"]] == ["duplicate"]
    assert office.held("900.vcf") == held
    again = running.run(replace(office.desk, house=house), office.account, Options())
    assert again["actions"] == []


def test_a_book_that_is_not_there_is_not_given_back(office: Office) -> None:
    with pytest.raises(UsageError, match="writes no address book"):
        restoring.restore(office.desk, office.account, book="https://dav.example/other/")


def test_a_book_that_is_deleted_is_noticed_at_the_next_run_and_looked_for_again(office: Office) -> None:
    office.tidy(by_hand=False)
    office.book._session.request("DELETE", office.book.url)
    for _ in range(2):
        told = office.tidy(by_hand=False)
        assert told["exit_code"] in (3, 10)
        assert told["actions"] == []
    assert office.wire.take()["PUT"] == PEOPLE  # those of the first run
