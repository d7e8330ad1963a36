"""What the engine relies on of a book: the same of the kill tests' memory world and of Radicale."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import new_card, same_meaning
from mailsync.addressbook.transport import DavLogin
from mailsync.run.ports import BookPort, PreconditionFailed
from tests.conftest import BookUser
from tests.kill import worlds


@pytest.fixture(params=["kill-world", "radicale"])
def book(request: pytest.FixtureRequest) -> Iterator[BookPort]:
    if request.param == "kill-world":
        yield worlds.MemoryBook()
        return
    user: BookUser = request.getfixturevalue("book_user")
    login = DavLogin(url=user.seed({}), user=user.name, password=user.password)
    with CardDavClient(login) as client:
        yield client.book(login.url)


def card(name: str) -> bytes:
    return new_card(uid="u1", fn=name, addresses=["jane@gibson.example"], company="Gibson")


def href(book: BookPort) -> str:
    return f"{urlsplit(book.url).path}one.vcf"


def etag(book: BookPort) -> str:
    held = book.read(href(book))
    assert held is not None
    return held.etag


def test_a_created_card_is_there_and_its_place_is_taken(book: BookPort) -> None:
    assert book.read(href(book)) is None
    assert book.read_many([href(book)]) == {}
    book.create(href(book), card("one"))
    with pytest.raises(PreconditionFailed):
        book.create(href(book), card("two"))
    held = book.read(href(book))
    assert held is not None and same_meaning(card("one"), held.data)
    assert book.read_many([href(book)])[href(book)].etag == held.etag


def test_a_write_needs_the_present_etag_and_says_the_new_one(book: BookPort) -> None:
    book.create(href(book), card("one"))
    first = etag(book)
    said = book.write(href(book), card("two"), etag=first)
    assert said == etag(book) != first
    with pytest.raises(PreconditionFailed):
        book.write(href(book), card("three"), etag=first)
    held = book.read(href(book))
    assert held is not None and same_meaning(card("two"), held.data)


def test_a_card_is_deleted_once(book: BookPort) -> None:
    book.create(href(book), card("one"))
    first = etag(book)
    book.write(href(book), card("two"), etag=first)
    with pytest.raises(PreconditionFailed):
        book.delete(href(book), etag=first)
    last = etag(book)
    book.delete(href(book), etag=last)
    assert book.read(href(book)) is None
    with pytest.raises(PreconditionFailed):
        book.delete(href(book), etag=last)
