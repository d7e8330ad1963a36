"""One contract for address books: the memory fake, Radicale (rewrites cards) and Xandikos (stores bytes)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from mailsync.addressbook.book import Book
from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import CardRewriter, new_card, read_meaning, same_meaning
from mailsync.addressbook.transport import DavLogin
from mailsync.demo.servers import Xandikos
from mailsync.errors import CollectionError, ItemError
from mailsync.run.ports import BookPort, CardEditor, PreconditionFailed
from tests.conftest import BookUser
from tests.fakes_books import MemoryBook

AnyBook = Book | MemoryBook
_names = itertools.count()

MKCOL = b"""<?xml version="1.0"?>
<d:mkcol xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:set><d:prop>
<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype>
</d:prop></d:set></d:mkcol>"""


def new_xandikos_book(server: Xandikos) -> str:
    """A fresh book beside the one that is there from the start."""
    url = f"{server.url()}{server.user}/contacts/b{next(_names)}/"
    httpx.request("MKCOL", url, content=MKCOL, headers={"Content-Type": "application/xml"}).raise_for_status()
    return url


@pytest.fixture(params=["memory", "radicale", "xandikos"])
def book(request: pytest.FixtureRequest) -> Iterator[AnyBook]:
    if request.param == "memory":
        yield MemoryBook()
        return
    if request.param == "radicale":
        user: BookUser = request.getfixturevalue("book_user")
        login = DavLogin(url=user.seed({}), user=user.name, password=user.password)
    else:
        url = new_xandikos_book(request.getfixturevalue("xandikos"))
        login = DavLogin(url=url, user="user", password="")
    with CardDavClient(login) as client:
        yield client.book(login.url)


def card(name: str, uid: str = "u1") -> bytes:
    return new_card(uid=uid, fn=name, addresses=["jane@gibson.example"], company="Gibson, Importing")


def href_in(book: AnyBook, name: str) -> str:
    return f"{urlsplit(book.url).path}{name}"


def etag_of(book: AnyBook, href: str) -> str:
    held = book.read(href)
    assert held is not None and held.etag
    return held.etag


def test_a_book_and_its_editor_are_what_the_engine_asks_for(book: AnyBook) -> None:
    port: BookPort = book
    editor: CardEditor = CardRewriter()
    assert port.url.endswith("/")
    assert editor.same_meaning(card("x"), card("x"))


def test_a_new_card_is_there(book: AnyBook) -> None:
    href = href_in(book, "one.vcf")
    book.create(href, card("D12 王伟/顺达货代/SH"))
    held = book.read(href)
    assert held is not None and held.href == href
    assert same_meaning(card("D12 王伟/顺达货代/SH"), held.data)
    assert read_meaning(held.data).fn == "D12 王伟/顺达货代/SH"
    assert book.listing() == {href: held.etag}


def test_a_taken_href_is_not_overwritten(book: AnyBook) -> None:
    href = href_in(book, "one.vcf")
    book.create(href, card("first"))
    with pytest.raises(PreconditionFailed):
        book.create(href, card("second"))
    held = book.read(href)
    assert held is not None and read_meaning(held.data).fn == "first"


def test_a_write_needs_the_etag_of_the_card_as_it_is(book: AnyBook) -> None:
    href = href_in(book, "one.vcf")
    book.create(href, card("first"))
    first = etag_of(book, href)
    said = book.write(href, card("second"), etag=first)
    assert said in (None, etag_of(book, href))
    with pytest.raises(PreconditionFailed):
        book.write(href, card("third"), etag=first)
    held = book.read(href)
    assert held is not None and read_meaning(held.data).fn == "second"


def test_a_write_to_a_card_that_is_gone_does_not_bring_it_back(book: AnyBook) -> None:
    href = href_in(book, "one.vcf")
    book.create(href, card("first"))
    etag = etag_of(book, href)
    book.delete(href, etag=etag)
    with pytest.raises(PreconditionFailed):
        book.write(href, card("second"), etag=etag)
    assert book.read(href) is None


def test_a_delete_needs_the_etag_too(book: AnyBook) -> None:
    href = href_in(book, "one.vcf")
    book.create(href, card("first"))
    first = etag_of(book, href)
    book.write(href, card("second"), etag=first)
    with pytest.raises(PreconditionFailed):
        book.delete(href, etag=first)
    book.delete(href, etag=etag_of(book, href))
    assert book.read(href) is None
    with pytest.raises(PreconditionFailed):
        book.delete(href, etag=first)


def test_a_refused_card_is_no_failed_precondition(book: AnyBook) -> None:
    href = href_in(book, "one.vcf")
    with pytest.raises(ItemError) as refusal:
        book.create(href, b"this is no card")
    assert not isinstance(refusal.value, PreconditionFailed)
    assert book.read(href) is None


def test_many_cards_are_read_together_and_missing_ones_left_out(book: AnyBook) -> None:
    hrefs = [href_in(book, f"{number}.vcf") for number in range(3)]
    for number, href in enumerate(hrefs):
        book.create(href, card(f"person {number}", uid=f"u{number}"))
    found = book.read_many([*hrefs, href_in(book, "none.vcf")])
    assert sorted(found) == hrefs
    assert [read_meaning(found[href].data).fn for href in hrefs] == ["person 0", "person 1", "person 2"]
    assert {href: state.etag for href, state in found.items()} == book.listing()
    assert book.read_many([]) == {}


def test_changes_tell_everything_first_and_then_only_what_is_new(book: AnyBook) -> None:
    one, two = href_in(book, "one.vcf"), href_in(book, "two.vcf")
    book.create(one, card("one", uid="u1"))
    start = book.changes(None)
    assert start.full and dict(start.changed) == book.listing()
    nothing = book.changes(start.token)
    assert (dict(nothing.changed), nothing.removed, nothing.full) == ({}, (), False)
    book.create(two, card("two", uid="u2"))
    book.write(one, card("one b", uid="u1"), etag=etag_of(book, one))
    both = book.changes(nothing.token)
    assert dict(both.changed) == book.listing() and not both.removed
    book.delete(two, etag=etag_of(book, two))
    last = book.changes(both.token)
    assert (dict(last.changed), last.removed) == ({}, (two,))


def test_an_expired_token_gives_the_whole_listing(book: AnyBook) -> None:
    book.create(href_in(book, "one.vcf"), card("one"))
    found = book.changes("http://radicale.org/ns/sync/expired")
    assert found.full and dict(found.changed) == book.listing()


def test_names_with_signs_keep_their_encoding(book: AnyBook) -> None:
    href = href_in(book, "jane%40gibson%20x.vcf")
    book.create(href, card("one"))
    (listed,) = book.listing()
    held = book.read_many([listed])[listed]
    book.write(listed, card("two"), etag=held.etag)
    again = book.read(href)
    assert again is not None and read_meaning(again.data).fn == "two"


def test_a_book_that_is_not_there_says_so(book: AnyBook) -> None:
    if isinstance(book, MemoryBook):
        gone: AnyBook = MemoryBook(missing=True)
    else:
        gone = Book(book._session, f"{book.url}none/")
    for ask in (gone.listing, lambda: gone.changes(None), lambda: gone.changes("x")):
        with pytest.raises(CollectionError):
            ask()
