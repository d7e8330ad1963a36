"""One address book on a CardDAV server: its cards, and what changed among them (RFC 6352, 6578)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from mailsync.addressbook import davxml
from mailsync.addressbook.answers import (
    XML,
    NotThere,
    ServerFailed,
    changed_meanwhile,
    no_multistatus,
    propfind,
    refusal,
)
from mailsync.addressbook.davxml import CARD, DAV, MultiStatus
from mailsync.addressbook.transport import BUSY, LOCKED, AnswerTooLarge, Session
from mailsync.errors import CollectionError
from mailsync.run.actions import CardState
from mailsync.text import N_, one_line

BATCH = 500  #: cards of one multiget
#: So many single cards may break the server's answer; with more of them it is the server that is broken.
MOST_BROKEN = 10
#: A first state of a book that is too long for one answer comes in parts (RFC 6578 3.6).
MOST_PARTS = 1000

_RADICALE_TOKEN = "http://radicale.org/ns/sync/"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed in a book since a sync-token."""

    changed: Mapping[str, str]  #: href → etag; empty text where the server gave none
    removed: tuple[str, ...]
    token: str | None  #: for the next time; None where the server has no sync-tokens
    full: bool  #: `changed` is the whole listing: what it lacks is gone
    ignored: tuple[str, ...] = ()  #: hrefs the server listed that do not lie in the book


def stores_through_vobject(sync_token: str | None) -> bool:
    """Whether the server that gave this token is Radicale, which rewrites each card with vobject as it stores it."""
    return sync_token is not None and sync_token.startswith(_RADICALE_TOKEN)


class Book:
    """One address book (`run.ports.BookPort`), and what changed in it."""

    def __init__(self, session: Session, url: str) -> None:
        self._session = session
        self._url = str(session.base.join(url if url.endswith("/") else f"{url}/"))
        self._folder = unquote(urlsplit(self._url).path)

    @property
    def url(self) -> str:
        """The collection's URL."""
        return self._url

    # ----- reading

    def listing(self) -> dict[str, str]:
        """All cards, href → etag."""
        return dict(self._listing().changed)

    def changes(self, token: str | None) -> Changes:
        """What changed since `token` (None: everything). An expired token gives the full listing."""
        if token:
            try:
                return self._sync(token)
            except NotThere:
                pass
        try:
            return self._sync("")
        except NotThere:
            return self._listing()

    def read(self, href: str) -> CardState | None:
        """The card's exact bytes and etag (GET); None where there is none."""
        answer = self._session.request("GET", href, headers={"Accept": "text/vcard"})
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise refusal(answer, href)
        return CardState(href=href, etag=answer.headers.get("etag", ""), data=answer.body)

    def read_many(self, hrefs: Sequence[str]) -> Mapping[str, CardState]:
        """Cards in few requests (addressbook-multiget); missing hrefs are left out."""
        found: dict[str, CardState] = {}
        for start in range(0, len(hrefs), BATCH):
            found.update(self._multiget(hrefs[start : start + BATCH]))
        return found

    def read_most(self, hrefs: Sequence[str]) -> tuple[Mapping[str, CardState], Sequence[str]]:
        """As `read_many`, and beside it the hrefs of cards on which the server fails each time."""
        found: dict[str, CardState] = {}
        broken: list[str] = []
        for start in range(0, len(hrefs), BATCH):
            found.update(self._multiget_most(hrefs[start : start + BATCH], broken))
        return found, broken

    def _multiget_most(self, hrefs: Sequence[str], broken: list[str]) -> dict[str, CardState]:
        """Halve what the server fails on until the one card stands alone that makes it fail."""
        try:
            return self._multiget(hrefs)
        except ServerFailed:
            if len(hrefs) == 1:
                broken.append(hrefs[0])
                if len(broken) > MOST_BROKEN:
                    raise
                return {}
            middle = len(hrefs) // 2
            first = self._multiget_most(hrefs[:middle], broken)
            return first | self._multiget_most(hrefs[middle:], broken)

    def _multiget(self, hrefs: Sequence[str]) -> dict[str, CardState]:
        try:
            answer = self._report(davxml.multiget(hrefs))
        except AnswerTooLarge:
            if len(hrefs) == 1:
                raise
            middle = len(hrefs) // 2
            return self._multiget(hrefs[:middle]) | self._multiget(hrefs[middle:])
        # Servers may write an href with other percent-encodings than they were asked with.
        asked = {unquote(href): href for href in hrefs}
        found: dict[str, CardState] = {}
        for member in answer.members:
            href = asked.get(unquote(self._path(member.href)))
            text = member.text(f"{CARD}address-data")
            if href is not None and text is not None:
                etag = (member.text(f"{DAV}getetag") or "").strip()
                found[href] = CardState(href=href, etag=etag, data=text.encode("utf-8"))
        return found

    def _sync(self, token: str) -> Changes:
        changed: dict[str, str] = {}
        removed: dict[str, None] = {}
        ignored: list[str] = []
        current = token
        for _ in range(MOST_PARTS):
            answer = self._report(davxml.sync_collection(current))
            truncated = False
            for member in answer.members:
                href = self._path(member.href)
                if self._is_folder(href):
                    truncated = truncated or member.status == 507
                elif not self._inside(href):
                    ignored.append(member.href)
                elif member.status == 404:
                    changed.pop(href, None)
                    removed[href] = None
                elif f"{DAV}getetag" in member.properties or member.status == 200:
                    removed.pop(href, None)
                    changed[href] = (member.text(f"{DAV}getetag") or "").strip()
            if not truncated or answer.sync_token in (None, current):
                break
            current = answer.sync_token or ""
        if truncated or answer.sync_token is None:
            raise CollectionError(
                N_("{url} never finished telling its changes; nothing was taken from it"), url=self._url
            )
        return Changes(
            changed=changed,
            removed=tuple(removed),
            token=answer.sync_token,
            full=not token,
            ignored=tuple(_for_people(ignored)),
        )

    def _listing(self) -> Changes:
        answer = propfind(self._session, self._url, (f"{DAV}getetag", f"{DAV}resourcetype"), 1)
        if answer.status != 207:
            raise no_multistatus(answer)
        changed: dict[str, str] = {}
        ignored: list[str] = []
        members = davxml.parse(answer.body, answer.url).members
        if not any(member.status == 200 and self._is_folder(self._path(member.href)) for member in members):
            raise NotThere(N_("there is no address book at {url}: check the URL"), url=self._url)
        for member in members:
            href = self._path(member.href)
            if self._is_folder(href) or member.has(f"{DAV}resourcetype", f"{DAV}collection"):
                continue
            if self._inside(href):
                changed[href] = (member.text(f"{DAV}getetag") or "").strip()
            else:
                ignored.append(member.href)
        return Changes(
            changed=changed, removed=(), token=None, full=True, ignored=tuple(_for_people(ignored))
        )

    def _report(self, body: bytes) -> MultiStatus:
        answer = self._session.request(
            "REPORT", self._url, body=body, headers={"Depth": "0", "Content-Type": XML}
        )
        if answer.status != 207:
            raise no_multistatus(answer)
        return davxml.parse(answer.body, answer.url)

    def _path(self, href: str) -> str:
        """The path of an href, its percent-encoding kept; empty where it lies on another server."""
        absolute = urljoin(self._url, href)
        return urlsplit(absolute).path if self._session.ours(absolute) else ""

    def _is_folder(self, path: str) -> bool:
        return unquote(path).rstrip("/") == self._folder.rstrip("/")

    def _inside(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        plain = unquote(name)
        return unquote(folder) + "/" == self._folder and plain not in ("", ".", "..") and plain.isprintable()

    # ----- writing

    def write(self, href: str, data: bytes, *, etag: str) -> str | None:
        """Replace a card (PUT, If-Match); the new etag where the server said it.

        Raises `PreconditionFailed`, or `ItemError` where the server refuses it.
        """
        return self._put(href, data, {"If-Match": etag})

    def create(self, href: str, data: bytes) -> None:
        """Add a card (PUT, If-None-Match: *). Raises `PreconditionFailed` where the href is taken, or `ItemError`."""
        self._put(href, data, {"If-None-Match": "*"})

    def delete(self, href: str, *, etag: str) -> None:
        """Take a card away (DELETE, If-Match). Raises `PreconditionFailed`, also where it is gone, or `ItemError`."""
        answer = self._session.request("DELETE", href, headers={"If-Match": etag}, again_when=(*BUSY, LOCKED))
        if answer.status in (404, 410, 412):
            raise changed_meanwhile(href)
        if answer.status not in (200, 202, 204):
            raise refusal(answer, href)

    def _put(self, href: str, data: bytes, condition: Mapping[str, str]) -> str | None:
        answer = self._session.request(
            "PUT",
            href,
            body=data,
            headers={"Content-Type": "text/vcard; charset=utf-8", **condition},
            again_when=(*BUSY, LOCKED),
        )
        if answer.status in (404, 410) and "If-Match" in condition:
            raise changed_meanwhile(href)
        # A 412 may also mean that the card itself is not accepted; then the body names that condition.
        if answer.status == 412 and "valid-address-data" not in davxml.error_condition(answer.body):
            raise changed_meanwhile(href)
        if answer.status not in (200, 201, 204):
            raise refusal(answer, href)
        return answer.headers.get("etag")


def _for_people(hrefs: Sequence[str]) -> Iterator[str]:
    return (one_line(href) for href in hrefs)
