"""One contract for address books: the memory fake, Radicale (rewrites cards), Xandikos (stores bytes) and Cyrus
(refolds cards, and shows each in the vCard version it is asked for)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from mailsync.addressbook.book import Book
from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import CardRewriter, new_card, read_meaning, same_meaning
from mailsync.addressbook.transport import DavLogin
from mailsync.demo.servers import Xandikos
from mailsync.errors import CollectionError, ItemError
from mailsync.run.actions import NameProperties
from mailsync.run.ports import BookPort, CardEditor, PreconditionFailed
from tests.conftest import BookUser
from tests.fakes_books import MemoryBook
from tests.servers.cyrus import Cyrus

AnyBook = Book | MemoryBook
_names = itertools.count()

MKCOL = b"""<?xml version="1.0"?>
<d:mkcol xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:set><d:prop>
<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype>
</d:prop></d:set></d:mkcol>"""


def new_xandikos_book(server: Xandikos) -> str:
    """A fresh book beside the one that is there from the start."""
    return _new_book(f"{server.url()}{server.user}/contacts/", server.user)


def new_cyrus_book(server: Cyrus) -> str:
    """A fresh book beside the one that is there from the start."""
    return _new_book(server.home_url, server.user)


def _new_book(home: str, user: str) -> str:
    url = f"{home}b{next(_names)}/"
    headers = {"Content-Type": "application/xml"}
    httpx.request("MKCOL", url, content=MKCOL, headers=headers, auth=(user, "any")).raise_for_status()
    return url


@pytest.fixture(params=["memory", "radicale", "xandikos", "cyrus"])
def book(request: pytest.FixtureRequest) -> Iterator[AnyBook]:
    if request.param == "memory":
        yield MemoryBook()
        return
    if request.param == "radicale":
        user: BookUser = request.getfixturevalue("book_user")
        login = DavLogin(url=user.seed({}), user=user.name, password=user.password)
    elif request.param == "xandikos":
        url = new_xandikos_book(request.getfixturevalue("xandikos"))
        login = DavLogin(url=url, user="user", password="")
    else:
        cyrus: Cyrus = request.getfixturevalue("cyrus")
        login = DavLogin(url=new_cyrus_book(cyrus), user=cyrus.user, password="any")
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


def test_the_server_is_known_by_its_tokens(book: AnyBook, request: pytest.FixtureRequest) -> None:
    book.changes(None)
    expected = request.node.callspec.params["book"]
    assert book.profile.server == ("other" if expected == "memory" else expected)


def test_what_is_called_exact_is_the_bytes_the_server_holds(book: AnyBook) -> None:
    book.changes(None)
    sent = {
        "crlf.vcf": card("D12 王伟", uid="u1").replace(
            b"END:", b"PHOTO;ENCODING=b:" + b"QUJD" * 40 + b"\r\nEND:"
        ),
        "lf.vcf": card("one", uid="u2").replace(b"\r\n", b"\n"),
        "mixed.vcf": card("two", uid="u3").replace(b"\r\n", b"\n", 2),
    }
    for name, data in sent.items():
        book.create(href_in(book, name), data)
    hrefs = [href_in(book, name) for name in sent]
    listed = book.read_many(hrefs)
    for href in hrefs:
        held = book.read(href)
        assert held is not None and held.exact
        if listed[href].exact:
            assert listed[href].data == held.data
    assert isinstance(book, MemoryBook) or listed[hrefs[0]].exact


def test_a_card_keeps_its_version_and_what_only_that_version_can_say(book: AnyBook) -> None:
    modern = (
        b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:u4\r\nFN:Jane\r\nN:Roe;Jane;;;\r\nEMAIL;PREF=1:jane@gibson.example\r\n"
        b"KIND:individual\r\nRELATED;VALUE=text:the boss\r\nEND:VCARD\r\n"
    )
    bare = modern.replace(b"KIND:individual\r\nRELATED;VALUE=text:the boss\r\n", b"").replace(b"u4", b"u5")
    old = card("old", uid="u3")
    href, bare_href, old_href = (href_in(book, name) for name in ("four.vcf", "bare.vcf", "three.vcf"))
    for place, data in ((href, modern), (bare_href, bare), (old_href, old)):
        book.create(place, data)
    book.changes(None)
    for place, version in ((href, "4.0"), (bare_href, "4.0"), (old_href, "3.0")):
        (listed,) = book.read_many([place]).values()
        held = book.read(place)
        assert held is not None
        assert (read_meaning(listed.data).version, read_meaning(held.data).version) == (version, version)
    held = book.read(href)
    assert held is not None
    edited = CardRewriter().edit(held.data, NameProperties(fn="D12 Jane Roe/Gibson/AU"))
    book.write(href, edited, etag=held.etag)
    again = book.read(href)
    assert again is not None and same_meaning(edited, again.data)
    assert b"RELATED" in again.data and b"KIND:individual" in again.data


def test_as_many_writes_as_the_server_bears_go_over_at_once(book: AnyBook) -> None:
    hrefs = [href_in(book, f"{number}.vcf") for number in range(12)]
    for number, href in enumerate(hrefs):
        book.create(href, card(f"person {number}", uid=f"u{number}"))
    book.changes(None)
    listed = book.read_many(hrefs)

    def write(number: int) -> None:
        book.write(hrefs[number], card(f"D12 {number}", uid=f"u{number}"), etag=listed[hrefs[number]].etag)

    with ThreadPoolExecutor(book.connections) as pool:
        list(pool.map(write, range(len(hrefs))))
    after = book.read_many(hrefs)
    assert [read_meaning(after[href].data).fn for href in hrefs] == [f"D12 {n}" for n in range(len(hrefs))]
    assert not book.profile.one_writer


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
