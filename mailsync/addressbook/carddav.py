"""CardDAV: find the address books behind a URL (RFC 6352, 6764).

Terms: *href*, the path of a card as its server writes it; *etag*, the state of a card; *sync-token*, the state of a
book.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urljoin, urlsplit

from mailsync.addressbook import davxml
from mailsync.addressbook.answers import NotThere, no_multistatus, propfind
from mailsync.addressbook.book import Book
from mailsync.addressbook.davxml import CARD, DAV, Member
from mailsync.addressbook.transport import Answer, DavLogin, Session
from mailsync.errors import CollectionError
from mailsync.text import N_, one_line

REDIRECTS = 3
WELL_KNOWN = "/.well-known/carddav"

_WRITE_PRIVILEGES = ("write", "write-content", "bind", "all")
_DISCOVERY = tuple(
    f"{namespace}{name}"
    for namespace, name in (
        (DAV, "resourcetype"),
        (DAV, "displayname"),
        (DAV, "current-user-principal"),
        (DAV, "current-user-privilege-set"),
        (CARD, "addressbook-home-set"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookInfo:
    """An address book as discovery found it."""

    url: str
    name: str
    writable: bool


class CardDavClient:
    """One login on one DAV server.

    All methods raise `AccountError` where the login or the server fails, `CollectionError` where a book does.
    """

    def __init__(
        self,
        login: DavLogin,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = Session(login, clock=clock, sleep=sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def book(self, url: str) -> Book:
        """The book with this collection URL; nothing is asked of the server."""
        return Book(self._session, url)

    def discover(self, url: str | None = None) -> list[BookInfo]:
        """The books behind a collection, a principal or a server's root (default: the login's URL)."""
        start = str(self._session.base.join(url or str(self._session.base)))
        found = self._look(start)
        if found is None and urlsplit(start).path in ("", "/"):
            found = self._look(urljoin(start, WELL_KNOWN))
        if found is None:
            raise NotThere(N_("no address book was found at {url}: check the URL"), url=start)
        place, member = found
        if member.has(f"{DAV}resourcetype", f"{CARD}addressbook"):
            return [_book_info(urljoin(place, member.href), member)]
        books = [book for home in self._homes(place, member) for book in self._books_in(home)]
        if not books:
            raise NotThere(
                N_("{user} has no address book at {url}: create one there first"),
                user=self._session.user,
                url=start,
            )
        return books

    def _homes(self, place: str, member: Member) -> list[str]:
        """The address book homes of the principal that is, or is named by, `member`."""
        homes = member.hrefs(f"{CARD}addressbook-home-set")
        if not homes and (principals := member.hrefs(f"{DAV}current-user-principal")):
            found = self._look(urljoin(place, principals[0]))
            if found is not None:
                place, principal = found
                homes = principal.hrefs(f"{CARD}addressbook-home-set")
        return [urljoin(place, home) for home in homes] or [place]

    def _books_in(self, home: str) -> list[BookInfo]:
        answer = self._propfind(home, depth=1)
        return [
            _book_info(urljoin(answer.url, member.href), member)
            for member in davxml.parse(answer.body, answer.url).members
            if member.has(f"{DAV}resourcetype", f"{CARD}addressbook")
        ]

    def _look(self, url: str) -> tuple[str, Member] | None:
        """The resource at `url` and where it really lies; None where no DAV answers."""
        try:
            answer = self._propfind(url, depth=0)
            members = davxml.parse(answer.body, answer.url).members
        except NotThere:
            return None
        return (answer.url, members[0]) if members and members[0].status == 200 else None

    def _propfind(self, url: str, *, depth: int) -> Answer:
        """PROPFIND, following a few redirects by hand (RFC 6764 5: only discovery may)."""
        for _ in range(REDIRECTS + 1):
            answer = propfind(self._session, url, _DISCOVERY, depth)
            if answer.status == 207:
                return answer
            if answer.status not in (301, 302, 303, 307, 308):
                raise no_multistatus(answer)
            url = urljoin(answer.url, answer.headers.get("location", ""))
            if not self._session.ours(url):
                raise CollectionError(
                    N_("{url} points to another server, {target}: if that is right, configure it instead"),
                    url=answer.url,
                    target=url,
                )
        raise CollectionError(N_("{url} redirects in circles"), url=url)


def _book_info(url: str, member: Member) -> BookInfo:
    privileges = f"{DAV}current-user-privilege-set"
    writable = privileges not in member.properties or any(
        member.has(privileges, f"{DAV}{name}") for name in _WRITE_PRIVILEGES
    )
    url = url if url.endswith("/") else f"{url}/"
    name = (
        one_line(member.text(f"{DAV}displayname") or "")
        or unquote(urlsplit(url).path.rstrip("/")).rpartition("/")[2]
    )
    return BookInfo(url=url, name=name, writable=writable)
