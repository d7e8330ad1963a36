"""An address book in memory. It passes the contract tests (`tests/contract/test_books.py`) like the real servers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from mailsync.addressbook import contentlines, rewriting
from mailsync.addressbook.book import Book, Changes
from mailsync.addressbook.profile import Profile
from mailsync.addressbook.shelf import Shelf
from mailsync.errors import CollectionError, ItemError
from mailsync.run.actions import CardAction, CardCreate, CardDelete, CardRename, CardReplace, CardState
from mailsync.run.ports import PreconditionFailed

TOKEN = "memory:"


@dataclass(slots=True)
class MemoryBook:
    """A book that behaves as a CardDAV server: etags, sync-tokens, preconditions."""

    url: str = "https://dav.example/li.na/contacts/"
    store: Callable[[bytes], bytes] = bytes  #: what the server makes of a card it is given
    missing: bool = False
    broken: set[str] = field(default_factory=set)  #: hrefs of cards that no answer can hold
    cards: dict[str, CardState] = field(default_factory=dict)
    past: list[tuple[str, bool]] = field(default_factory=list)  #: href, still there; in the order of changes
    requests: list[str] = field(default_factory=list)
    token_prefix: str = TOKEN
    connections: int = 1
    profile: Profile = field(default_factory=Profile)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def href(self, name: str) -> str:
        return urlsplit(self.url).path + name

    def put(self, name: str, data: bytes) -> str:
        """A person's client writes a card, without asking; answers its href."""
        href = self.href(name)
        self._hold(href, data)
        return href

    def remove(self, href: str) -> None:
        """A person's client deletes a card."""
        del self.cards[href]
        self.past.append((href, False))

    def listing(self) -> dict[str, str]:
        self._ask("listing")
        return {href: card.etag for href, card in self.cards.items()}

    def changes(self, token: str | None) -> Changes:
        self._ask("changes")
        now = f"{self.token_prefix}{len(self.past)}"
        since = (token or "").removeprefix(self.token_prefix)
        if not token or not since.isdecimal() or int(since) > len(self.past):
            self.profile = self.profile.knowing(now)
            return Changes(changed=self.listing(), removed=(), token=now, full=True)
        last = dict(self.past[int(since) :])
        return Changes(
            changed={href: self.cards[href].etag for href, there in last.items() if there},
            removed=tuple(href for href, there in last.items() if not there),
            token=now,
            full=False,
        )

    def read(self, href: str) -> CardState | None:
        self._ask("read")
        return self._find(href)

    def read_many(self, hrefs: Sequence[str]) -> Mapping[str, CardState]:
        if hrefs:
            self._ask("read_many")
        found = ((href, self._find(href)) for href in hrefs)
        return {
            href: CardState(href=href, etag=card.etag, data=card.data.replace(b"\r\n", b"\n"), exact=False)
            for href, card in found
            if card is not None
        }

    def read_most(self, hrefs: Sequence[str]) -> tuple[Mapping[str, CardState], Sequence[str]]:
        whole = [href for href in hrefs if href not in self.broken]
        return self.read_many(whole), [href for href in hrefs if href in self.broken]

    def write(self, href: str, data: bytes, *, etag: str) -> str | None:
        self._ask("write")
        held = self._find(href)
        if held is None or held.etag != etag:
            raise PreconditionFailed("{href} was changed", href=href)
        return self._hold(href, self._accepted(data))

    def create(self, href: str, data: bytes) -> None:
        self._ask("create")
        if self._find(href) is not None:
            raise PreconditionFailed("{href} is taken", href=href)
        self._hold(href, self._accepted(data))

    def delete(self, href: str, *, etag: str) -> None:
        self._ask("delete")
        held = self._find(href)
        if held is None or held.etag != etag:
            raise PreconditionFailed("{href} was changed", href=href)
        self.remove(held.href)

    def _ask(self, what: str) -> None:
        self.requests.append(what)
        if self.missing:
            raise CollectionError("there is no address book at {url}", url=self.url)

    def _find(self, href: str) -> CardState | None:
        card = self.cards.get(href)
        if card is not None:
            return card
        same = (card for held, card in self.cards.items() if unquote(held) == unquote(href))
        return next(same, None)

    def _accepted(self, data: bytes) -> bytes:
        try:
            contentlines.read(data)
        except ItemError as error:
            raise ItemError("the card was refused: {reason}", reason=error) from error
        return self.store(data)

    def _hold(self, href: str, data: bytes) -> str:
        etag = f'"{next(self._numbers)}"'
        self.cards[href] = CardState(href=href, etag=etag, data=data)
        self.past.append((href, True))
        return etag


AnyBook = Book | MemoryBook


def carry_out(book: AnyBook, shelf: Shelf, actions: Sequence[CardAction]) -> None:
    """Carry a plan out as the engine does, but without journal or windows, and tell the shelf."""
    done: list[tuple[CardAction, bytes | None]] = []
    for action in actions:
        held = book.read(action.href)
        match action:
            case CardCreate():
                book.create(action.href, action.card)
            case CardDelete():
                book.delete(action.href, etag=action.etag)
            case CardRename():
                assert held is not None
                book.write(action.href, rewriting.edit(held.data, action.edit), etag=action.etag)
            case CardReplace():
                book.write(action.href, action.card, etag=action.etag)
        done.append((action, held.data if held else None))
    shelf.wrote_all(book, done)
