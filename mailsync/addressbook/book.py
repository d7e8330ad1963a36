"""One address book on a CardDAV server: its cards, and what changed among them (RFC 6352, 6578)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from mailsync.addressbook.davxml import CARD, DAV, Member, MultiStatus
from mailsync.addressbook.profile import UNKNOWN, Profile
from mailsync.addressbook.transport import BUSY, LOCKED, AnswerTooLarge, Session
from mailsync.errors import CollectionError, ItemError
from mailsync.run.actions import CardState
from mailsync.text import N_, one_line

BATCH = 500  #: cards of one multiget
#: So many single cards may break the server's answer; with more of them it is the server that is broken.
MOST_BROKEN = 10
#: A first state of a book that is too long for one answer comes in parts (RFC 6578 3.6).
MOST_PARTS = 1000

#: The vCard version that servers which show a card in any version show only when asked.
_MODERN = "4.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed in a book since a sync-token."""

    changed: Mapping[str, str]  #: href → etag; empty text where the server gave none
    removed: tuple[str, ...]
    token: str | None  #: for the next time; None where the server has no sync-tokens
    full: bool  #: `changed` is the whole listing: what it lacks is gone
    ignored: tuple[str, ...] = ()  #: hrefs the server listed that do not lie in the book


class Book:
    """One address book (`run.ports.BookPort`), and what changed in it. It may be written from several threads."""

    def __init__(self, session: Session, url: str) -> None:
        self._session = session
        self._url = str(session.base.join(url if url.endswith("/") else f"{url}/"))
        self._folder = unquote(urlsplit(self._url).path)
        self._profile = UNKNOWN
        self._modern: frozenset[str] | None = None  #: plain hrefs of cards stored as 4.0; None: to be asked
        self._sizes: dict[
            tuple[str, str], int
        ] = {}  #: (href, etag) → bytes stored, on a server that converts

    @property
    def url(self) -> str:
        """The collection's URL."""
        return self._url

    @property
    def profile(self) -> Profile:
        """The server's habits, as far as they are known by now."""
        if self._session.was_locked and not self._profile.one_writer:
            self._profile = replace(self._profile, one_writer=True)
        return self._profile

    @profile.setter
    def profile(self, known: Profile) -> None:
        self._profile = known

    @property
    def connections(self) -> int:
        """How many writes the server bears at once."""
        return self.profile.connections

    # ----- reading

    def listing(self) -> dict[str, str]:
        """All cards, href → etag."""
        return dict(self._listing().changed)

    def changes(self, token: str | None) -> Changes:
        """What changed since `token` (None: everything). An expired token gives the full listing."""
        self._modern = None
        if token and self._profile.tells_cheaply and self._token() == token:
            return Changes(changed={}, removed=(), token=token, full=False)
        for since in (token, ""):
            if since is None or self._profile.no_tokens:
                continue
            try:
                return self._sync(since)
            except NotThere:
                pass
        found = self._listing()
        self._profile = replace(self._profile, no_tokens=True)
        return found

    def read(self, href: str) -> CardState | None:
        """The card's exact bytes and etag (GET); None where there is none."""
        modern = unquote(href) in self._stored_as_modern()
        accept = f"text/vcard; version={_MODERN}" if modern else "text/vcard"
        answer = self._session.request("GET", href, headers={"Accept": accept})
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise refusal(answer, href)
        etag = _etag(answer.headers.get("etag"))
        if self._sizes.get((href, etag), len(answer.body)) != len(answer.body):
            raise ItemError(
                N_("the server shows {href} only converted to another vCard version: it is left as it is"),
                href=href,
            )
        return CardState(href=href, etag=etag, data=answer.body)

    def read_many(self, hrefs: Sequence[str]) -> Mapping[str, CardState]:
        """Cards in few requests (addressbook-multiget); missing hrefs are left out."""
        found: dict[str, CardState] = {}
        for start in range(0, len(hrefs), BATCH):
            found.update(self._multiget(hrefs[start : start + BATCH]))
        return found

    def _token(self) -> str | None:
        """The book's sync-token as it stands now (RFC 6578 4); None where the server says none."""
        answer = propfind(self._session, self._url, (f"{DAV}sync-token",), 0)
        if answer.status != 207:
            raise no_multistatus(answer)
        members = davxml.parse(answer.body, answer.url).members
        return members[0].text(f"{DAV}sync-token") if members else None

    def _stored_as_modern(self) -> frozenset[str]:
        """The plain hrefs of cards stored as vCard 4.0, on a server that would show them as 3.0 unless asked.

        Edited and sent back in that form they would lose what 3.0 has no word for.
        """
        if self._profile.converts is None:
            self._profile = replace(self._profile, converts=self._offers_modern())
        if not self._profile.converts:
            return frozenset()
        if self._modern is None:
            try:
                answer = self._report(davxml.having_version(_MODERN), depth=1)
            except NotThere:  # it cannot tell; `read` then goes by the cards' sizes
                self._modern = frozenset()
            else:
                self._modern = frozenset(unquote(self._path(member.href)) for member in answer.members)
        return self._modern

    def _offers_modern(self) -> bool:
        """Whether the server shows cards as 4.0 beside 3.0 (RFC 6352 6.2.2, supported-address-data)."""
        if self._profile.server in ("radicale", "xandikos"):
            return False
        name = f"{CARD}supported-address-data"
        answer = propfind(self._session, self._url, (name,), 0)
        if answer.status >= 500:
            raise no_multistatus(answer)
        if answer.status != 207:  # a server that does not even know the question converts nothing
            return False
        offered = (
            member.properties[name]
            for member in davxml.parse(answer.body, answer.url).members
            if name in member.properties
        )
        return any(kind.get("version") == _MODERN for one in offered for kind in one.iter())

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
        modern = self._stored_as_modern()
        found: dict[str, CardState] = {}
        for version in (None, _MODERN):
            if some := [href for href in hrefs if (unquote(href) in modern) == (version is not None)]:
                found |= self._multiget_as(some, version)
        return found

    def _multiget_as(self, hrefs: Sequence[str], version: str | None) -> dict[str, CardState]:
        try:
            answer = self._report(davxml.multiget(hrefs, version=version))
        except AnswerTooLarge:
            if len(hrefs) == 1:
                raise
            middle = len(hrefs) // 2
            return self._multiget_as(hrefs[:middle], version) | self._multiget_as(hrefs[middle:], version)
        # Servers may write an href with other percent-encodings than they were asked with.
        asked = {unquote(href): href for href in hrefs}
        found: dict[str, CardState] = {}
        for member in answer.members:
            href = asked.get(unquote(self._path(member.href)))
            text = member.text(f"{CARD}address-data")
            if href is not None and text is not None:
                found[href] = self._card(href, member, text)
        return found

    def _card(self, href: str, member: Member, text: str) -> CardState:
        """XML tells a card with LF line ends, whatever it has: its size says whether they are all CR LF."""
        data = text.encode("utf-8")
        lined = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        size = (member.text(f"{DAV}getcontentlength") or "").strip()
        etag = _etag(member.text(f"{DAV}getetag"))
        if self._profile.converts and size.isdecimal():
            self._sizes[href, etag] = int(size)
        exact = self._profile.ends_lines_itself or size == str(len(lined))
        return CardState(href=href, etag=etag, data=lined if exact else data, exact=exact)

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
                    changed[href] = _etag(member.text(f"{DAV}getetag"))
            if not truncated or answer.sync_token in (None, current):
                break
            current = answer.sync_token or ""
        if truncated or answer.sync_token is None:
            raise CollectionError(
                N_("{url} never finished telling its changes; nothing was taken from it"), url=self._url
            )
        self._profile = self._profile.knowing(answer.sync_token)
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
                changed[href] = _etag(member.text(f"{DAV}getetag"))
            else:
                ignored.append(member.href)
        return Changes(
            changed=changed, removed=(), token=None, full=True, ignored=tuple(_for_people(ignored))
        )

    def _report(self, body: bytes, *, depth: int = 0) -> MultiStatus:
        answer = self._session.request(
            "REPORT", self._url, body=body, headers={"Depth": str(depth), "Content-Type": XML}
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
        return _etag(answer.headers.get("etag")) or None


def _etag(written: str | None) -> str:
    """An ETag as If-Match wants it (RFC 9110 8.8.3): some servers list it without quotes, and a proxy that compresses
    answers marks the same one as weak. Empty where there is none."""
    bare = (written or "").strip().removeprefix("W/").strip('"')
    return f'"{bare}"' if bare else ""


def _for_people(hrefs: Sequence[str]) -> Iterator[str]:
    return (one_line(href) for href in hrefs)
