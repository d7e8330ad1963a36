"""The address book on Radicale, which rewrites each card it stores, and on Xandikos, which keeps bytes."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from mailsync.addressbook.book import Book
from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import read_meaning, same_meaning
from mailsync.addressbook.entries import BookPlan
from mailsync.addressbook.plan import plan_book
from mailsync.addressbook.rows import ShelfBook, ShelfRow
from mailsync.addressbook.scope import BookSettings
from mailsync.addressbook.shelf import Shelf
from mailsync.addressbook.transport import DavLogin
from mailsync.database import connect
from mailsync.demo.servers import Radicale, Xandikos
from mailsync.errors import AccountError, CollectionError
from mailsync.registry.roster import Contact, Customer, Roster
from tests.conftest import BookUser
from tests.contract.test_books import new_cyrus_book, new_xandikos_book
from tests.fakes_books import carry_out
from tests.servers.cyrus import Cyrus

TABLES = [ShelfBook.metadata.tables[table.__tablename__] for table in (ShelfBook, ShelfRow)]
GIBSON = Customer(code="D12", company="Gibson Importing", country="AU")
EUROPA = Customer(code="E05", company="Europa Handel", country="DE")


def person(number: int, name: str, *codes: str, address: str = "") -> Contact:
    return Contact(
        id=str(number),
        role="contact",
        name=name,
        company="Gibson Importing Co., Ltd",
        country="AU",
        addresses=(address or f"p{number}@gibson.example",),
        customers=codes,
    )


PEOPLE = (
    person(1, "Jane Roe", "D12"),
    person(2, "王伟", "D12", "E05"),
    person(3, "PAT O'NEIL", "D12"),
    person(4, "Zoë  Müller", "E05"),
    person(5, "Photo Four", "D12"),
    person(6, "Comma, Note", "D12"),
    person(7, "Nobody There", "D12"),
)
ROSTER = Roster(customers=(GIBSON, EUROPA), contacts=PEOPLE)
NOBODY = Roster(customers=(GIBSON, EUROPA))


def card(uid: str, fn: str, *lines: str, version: str = "3.0") -> bytes:
    text = [
        "BEGIN:VCARD",
        f"VERSION:{version}",
        f"UID:{uid}",
        f"FN:{fn}",
        "N:Last;First;;;",
        *lines,
        "END:VCARD",
    ]
    return ("\r\n".join(text) + "\r\n").encode()


#: Cards as clients wrote them, each with something that must not be lost.
CARDS = {
    "jane.vcf": card(
        "jane",
        "Jane",
        "EMAIL;TYPE=INTERNET:P1@gibson.example",
        "item1.TEL;TYPE=pref:+61 2 1",
        "item1.X-ABLabel:Desk",
        "NICKNAME:Janie",
        "CATEGORIES:Friends",
    ),
    "wang.vcf": card(
        "wang", "小王", "EMAIL:p2@gibson.example", "NOTE:老客户\\, 很好\\n第二行", version="4.0"
    ),
    "pat.vcf": card(
        "pat",
        "pat",
        "EMAIL:p3@gibson.example",
        "PHOTO;ENCODING=b;TYPE=JPEG:" + "\r\n ".join(["QUJDREVG" * 9] * 20),
        "X-UNKNOWN;X-P=q:keep me",
    ),
    "right.vcf": card("right", "E05 Zoë Müller/Gibson Importing Co. Ltd/AU", "EMAIL:p4@gibson.example")
    .replace(b"N:Last;First;;;", "N:;E05 Zoë Müller/Gibson Importing Co. Ltd/AU;;;".encode())
    .replace(b"END:", b"NICKNAME:E05\r\nCATEGORIES:E05\r\nEND:"),
    "stranger.vcf": card("stranger", "A Stranger", "EMAIL:who@else.example"),
}
#: What Radicale damages already when it serves it; the photo still lies in its store, and a write would lose it.
FRAGILE = {
    "photo.vcf": card(
        "photo", "Photo", "EMAIL:p5@gibson.example", "PHOTO:data:image/jpeg;base64,QUJD", version="4.0"
    ),
    "comma.vcf": card("comma", "Comma", "EMAIL:p6@gibson.example", "NOTE:one, two"),
}


@pytest.fixture
def shelf() -> Shelf:
    engine: sa.Engine = connect("sqlite://")
    ShelfBook.metadata.create_all(engine, tables=TABLES)
    return Shelf(engine, "li.na")


@pytest.fixture
def on_radicale(book_user: BookUser) -> Iterator[Book]:
    login = DavLogin(
        url=book_user.seed({**CARDS, **FRAGILE}), user=book_user.name, password=book_user.password
    )
    with CardDavClient(login) as client:
        yield client.book(login.url)


@pytest.fixture
def on_xandikos(xandikos: Xandikos) -> Iterator[Book]:
    login = DavLogin(url=new_xandikos_book(xandikos), user="user", password="")
    with CardDavClient(login) as client:
        book = client.book(login.url)
        for name, data in (CARDS | FRAGILE).items():
            book.create(urlsplit(login.url).path + name, data)
        yield book


def planned(book: Book, shelf: Shelf, roster: Roster = ROSTER) -> BookPlan:
    view = shelf.refresh(book)
    settings = BookSettings(url=book.url, stores_through_vobject=view.profile.stores_through_vobject)
    return plan_book(roster, view.cards, settings)


def by_name(plan: BookPlan) -> dict[str, str]:
    return {entry.href.rpartition("/")[2]: entry.action for entry in plan.entries if entry.action != "create"}


def contents(book: Book) -> dict[str, bytes]:
    return {href: held.data for href in book.listing() if (held := book.read(href)) is not None}


def name_of(href: str) -> str:
    return href.rpartition("/")[2]


def test_on_a_server_that_rewrites_cards_the_second_run_plans_nothing(
    on_radicale: Book, shelf: Shelf
) -> None:
    plan = planned(on_radicale, shelf)
    assert by_name(plan) == {
        "comma.vcf": "rename",
        "jane.vcf": "rename",
        "pat.vcf": "rename",
        "photo.vcf": "conflict",
        "right.vcf": "none",
        "stranger.vcf": "unmatched",
        "wang.vcf": "rename",
    }
    before = contents(on_radicale)
    carry_out(on_radicale, shelf, plan.actions)
    again = planned(on_radicale, shelf)
    assert not again.actions
    after = {name_of(href): data for href, data in contents(on_radicale).items()}
    for href, data in before.items():
        if name_of(href) in ("photo.vcf", "right.vcf", "stranger.vcf"):
            assert after[name_of(href)] == data
    jane = read_meaning(after["jane.vcf"])
    assert (jane.fn, jane.nickname) == ("D12 Jane Roe/Gibson Importing Co. Ltd/AU", "D12 Janie")
    assert jane.categories == ("Friends", "D12")
    # Two were missing, and one has a further engagement.
    assert len(after) == len(before) + 2


def test_even_with_a_lost_shelf_the_second_run_plans_nothing(on_radicale: Book, shelf: Shelf) -> None:
    carry_out(on_radicale, shelf, planned(on_radicale, shelf).actions)
    engine = connect("sqlite://")
    ShelfBook.metadata.create_all(engine, tables=TABLES)
    assert not planned(on_radicale, Shelf(engine, "li.na")).actions


def test_when_everybody_leaves_each_property_is_back_on_a_server_that_rewrites(
    on_radicale: Book, shelf: Shelf
) -> None:
    before = contents(on_radicale)
    carry_out(on_radicale, shelf, planned(on_radicale, shelf).actions)
    carry_out(on_radicale, shelf, planned(on_radicale, shelf, NOBODY).actions)
    after = contents(on_radicale)
    assert after.keys() == before.keys()
    assert [href for href, data in before.items() if not same_meaning(data, after[href])] == []
    assert not planned(on_radicale, shelf, NOBODY).actions


def test_when_everybody_leaves_each_byte_is_back_on_a_server_that_stores_bytes(
    on_xandikos: Book, shelf: Shelf
) -> None:
    before = contents(on_xandikos)
    plan = planned(on_xandikos, shelf)
    assert by_name(plan)["photo.vcf"] == by_name(plan)["comma.vcf"] == "rename"
    carry_out(on_xandikos, shelf, plan.actions)
    assert not planned(on_xandikos, shelf).actions
    carry_out(on_xandikos, shelf, planned(on_xandikos, shelf, NOBODY).actions)
    assert contents(on_xandikos) == before


def test_a_persons_edit_in_between_is_not_overwritten_and_planned_anew(
    on_xandikos: Book, shelf: Shelf
) -> None:
    plan = planned(on_xandikos, shelf)
    (action,) = (action for action in plan.actions if name_of(action.href) == "jane.vcf")
    held = on_xandikos.read(action.href)
    assert held is not None
    edited = held.data.replace(b"+61 2 1", b"+61 2 999")
    on_xandikos.write(action.href, edited, etag=held.etag)
    (again,) = (one for one in planned(on_xandikos, shelf).actions if name_of(one.href) == "jane.vcf")
    carry_out(on_xandikos, shelf, [again])
    after = on_xandikos.read(action.href)
    assert after is not None and b"+61 2 999" in after.data and b"FN:D12 Jane" in after.data


def test_books_are_found_from_the_root_the_principal_and_the_book(
    radicale: Radicale, book_user: BookUser
) -> None:
    one, two = book_user.seed({}, "contacts"), book_user.seed({}, "private")
    login = DavLogin(url=radicale.url(), user=book_user.name, password=book_user.password)
    with CardDavClient(login) as client:
        for url in (None, book_user.principal_url, book_user.principal_url.rstrip("/")):
            assert sorted(info.url for info in client.discover(url)) == [one, two]
        (info,) = client.discover(one.rstrip("/"))
    assert (info.url, info.name, info.writable) == (one, "contacts", True)


def test_books_are_found_on_xandikos(xandikos: Xandikos) -> None:
    with CardDavClient(DavLogin(url=xandikos.url(), user="user", password="")) as client:
        assert xandikos.book_url in [info.url for info in client.discover()]
        assert [info.url for info in client.discover(xandikos.book_url)] == [xandikos.book_url]


def test_books_are_found_on_cyrus_from_its_root(cyrus: Cyrus) -> None:
    url = new_cyrus_book(cyrus)
    with CardDavClient(DavLogin(url=cyrus.url(), user=cyrus.user, password="any")) as client:
        found = client.discover()
        assert url in [info.url for info in found] and all(info.writable for info in found)
        assert [info.url for info in client.discover(url)] == [url]


def test_nothing_found_is_said_in_words(radicale: Radicale, book_user: BookUser) -> None:
    login = DavLogin(url=radicale.url(), user=book_user.name, password=book_user.password)
    with CardDavClient(login) as client, pytest.raises(CollectionError, match="no address book"):
        client.discover()
    wrong = DavLogin(url=radicale.url(), user=book_user.name, password="wrong")
    with CardDavClient(wrong) as client, pytest.raises(AccountError, match="check user and password"):
        client.discover()
