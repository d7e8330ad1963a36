"""The shelf: what we know of each card of each book, and how far we have read (database).

An unchanged book costs one request: its cards are taken from here. What mailsync changed in a card is kept beside it,
so that it can be given back. `rebuild` may empty the shelf; only that memory is lost then, the journal has it too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.orm import Session

from mailsync.addressbook.book import Changes
from mailsync.addressbook.cards import CardMeaning, ShelfCard, guess_meaning
from mailsync.addressbook.profile import UNKNOWN, Profile
from mailsync.addressbook.rows import ShelfBook, ShelfRow, card_of, hand_over, note_action, note_edit
from mailsync.run.actions import CardAction, CardCreate, CardDelete, CardState, Finding
from mailsync.text import N_, Sentence

#: Of one query; SQLite bears no more than 999 in older builds.
MOST_VARIABLES = 900


class ReadableBook(Protocol):
    """What the shelf asks of a book (`book.Book`)."""

    profile: Profile

    @property
    def url(self) -> str: ...

    def changes(self, token: str | None) -> Changes: ...

    def read_many(self, hrefs: Sequence[str]) -> Mapping[str, CardState]: ...

    def read_most(self, hrefs: Sequence[str]) -> tuple[Mapping[str, CardState], Sequence[str]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """A book as it stands: all its cards, ready to be planned."""

    cards: tuple[ShelfCard, ...]  #: in the order of their hrefs
    profile: Profile = UNKNOWN
    findings: tuple[Finding, ...] = ()
    known_before: int = 0  #: cards the book had when it was last accepted; a brake compares


class Shelf:
    """The books of one owner. Writes are transactions of their own."""

    def __init__(self, engine: sa.Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    def refresh(self, book: ReadableBook) -> BookView:
        """Read what changed in `book` since the last time, and give all its cards.

        A card that is not listed any more is kept aside until `accept`: a listing may have shrunk by mistake, and a
        card that comes back must lose nothing. Raises what the book raises; the shelf is then as before.
        """
        findings, accepted = self.catch_up(book)
        return BookView(
            cards=self.cards(book.url),
            profile=book.profile,
            findings=findings,
            known_before=accepted,
        )

    def catch_up(self, book: ReadableBook) -> tuple[tuple[Finding, ...], int]:
        """As `refresh`, without giving the cards: what was wrong with some, and how many there were when the book was
        last accepted."""
        self.introduce(book)
        with Session(self._engine) as session:
            row = self._book(session, book.url)
            token, accepted = row.sync_token, row.accepted
            known = self._known(session, book.url)
            session.rollback()
        changes = book.changes(token)
        # Without an etag nobody can tell whether the card changed: it is read each time.
        new = [href for href, etag in changes.changed.items() if not etag or known.get(unquote(href)) != etag]
        states, broken = book.read_most(new)
        with Session(self._engine) as session, session.begin():
            self._book(session, book.url).profile = book.profile.to_json()
            self._store(session, book.url, changes, new, states)
        return (*(_foreign(book.url, href) for href in changes.ignored), *map(_broken, broken)), accepted

    def introduce(self, book: ReadableBook) -> None:
        """Tell `book` what is known of its server."""
        with Session(self._engine) as session:
            book.profile = Profile.from_json(self._book(session, book.url).profile)

    def paced(self, url: str, seconds: float) -> None:
        """Remember how long a card took to write: later estimates go by it."""
        with Session(self._engine) as session, session.begin():
            book = self._book(session, url)
            profile = Profile.from_json(book.profile)
            book.profile = replace(profile, write_seconds=seconds).to_json()

    def accept(self, url: str) -> None:
        """Take the book as it was last read for right: a run was permitted to write there. What is not listed any
        more is forgotten."""
        with Session(self._engine) as session, session.begin():
            book = self._book(session, url)
            session.execute(sa.delete(ShelfRow).where(ShelfRow.book_id == book.id, ShelfRow.gone))
            count = sa.select(sa.func.count()).where(ShelfRow.book_id == book.id)
            book.accepted = session.scalar(count) or 0

    def found(self, access: str, *, there: Collection[str], writable: Collection[str]) -> list[str]:
        """Note the URLs of the books that lie at or behind the configured place `access`; those that lay there before
        and do not now."""
        with Session(self._engine) as session, session.begin():
            for url in writable:
                self._book(session, url).access = access
            session.flush()
            behind = sa.select(ShelfBook).where(ShelfBook.owner == self._owner, ShelfBook.access == access)
            books = session.scalars(behind.order_by(ShelfBook.url)).all()
            for book in books:
                book.missing = book.url not in there
            return [book.url for book in books if book.missing]

    def let_go(self) -> None:
        """Take it for right that books are missing: they are not told of again, unless they come back."""
        gone = sa.update(ShelfBook).where(ShelfBook.owner == self._owner, ShelfBook.missing)
        with self._engine.begin() as connection:
            connection.execute(gone.values(access=None, missing=False))

    def cards(self, url: str) -> tuple[ShelfCard, ...]:
        """All cards of the book with this URL as last seen."""
        with Session(self._engine) as session:
            return tuple(card_of(row) for row in self._rows(session, url))

    def wrote(self, action: CardAction, *, before: bytes | None, held: CardState | None) -> None:
        """Remember an action that is done: after applying it, or from its journal row after a crash.

        `before`: the card's bytes before it (None for a new card). `held`: the card as read back; None where it is
        not there. Called twice it changes nothing more.
        """
        with Session(self._engine) as session, session.begin():
            row = self._rows_at(session, self._book(session, action.book), [action.href])[action.href]
            if held is None or isinstance(action, CardDelete):
                session.delete(row)
            else:
                note_action(row, action, before, held)

    def wrote_all(
        self,
        book: ReadableBook,
        done: Sequence[tuple[CardAction, bytes | None]],
        seen: Mapping[str, CardState] | None = None,
    ) -> None:
        """`wrote` for many actions of one book, with their cards' bytes before. `seen`: href → the card as it was read
        back already; the others are read together."""
        seen = seen or {}
        unseen = [action.href for action, _ in done if action.href not in seen]
        held = {**seen, **(book.read_many(unseen) if unseen else {})}
        with Session(self._engine) as session, session.begin():
            # What an undo adds or takes away is no loss that the brake should wonder about.
            shelved = self._book(session, book.url)
            shelved.accepted += sum(isinstance(action, CardCreate) for action, _ in done)
            shelved.accepted -= sum(isinstance(action, CardDelete) for action, _ in done)
            rows = self._rows_at(session, shelved, [action.href for action, _ in done])
            for action, before in done:
                if action.href in held:
                    note_action(rows[action.href], action, before, held[action.href])
                else:
                    session.delete(rows[action.href])

    def clear(self, url: str) -> None:
        """Forget what was read of this book, but not what mailsync changed in it (`rebuild`)."""
        with Session(self._engine) as session, session.begin():
            book = self._book(session, url)
            book.sync_token, book.profile = None, None
            for row in self._rows(session, url):
                row.etag = ""

    # ----- rows

    def _book(self, session: Session, url: str) -> ShelfBook:
        wanted = sa.select(ShelfBook).where(ShelfBook.owner == self._owner, ShelfBook.url == url)
        book = session.scalar(wanted)
        if book is None:
            book = ShelfBook(owner=self._owner, url=url)
            session.add(book)
            session.flush()
        return book

    def _known(self, session: Session, url: str) -> dict[str, str]:
        """Plain href → etag of all cards of a book that were listed the last time."""
        columns = sa.select(ShelfRow.href, ShelfRow.etag)
        found = session.execute(
            columns.where(ShelfRow.book_id == self._book(session, url).id, ~ShelfRow.gone)
        )
        return {unquote(href): etag for href, etag in found}

    def _rows(self, session: Session, url: str, *, gone: bool = False) -> Sequence[ShelfRow]:
        """The rows of a book, `gone`: also those of cards that are not listed any more."""
        query = sa.select(ShelfRow).where(ShelfRow.book_id == self._book(session, url).id)
        query = query if gone else query.where(~ShelfRow.gone)
        return session.scalars(query.order_by(ShelfRow.href)).all()

    def _rows_at(self, session: Session, book: ShelfBook, hrefs: Sequence[str]) -> dict[str, ShelfRow]:
        """The rows of these hrefs, made where missing."""
        found: dict[str, ShelfRow] = {}
        for start in range(0, len(hrefs), MOST_VARIABLES):
            some = ShelfRow.href.in_(hrefs[start : start + MOST_VARIABLES])
            rows = session.scalars(sa.select(ShelfRow).where(ShelfRow.book_id == book.id, some))
            found.update((row.href, row) for row in rows)
        new = [
            ShelfRow(book_id=book.id, href=href, etag="", uid="", data=b"", drift=0)
            for href in dict.fromkeys(hrefs)
            if href not in found
        ]
        session.add_all(new)
        session.flush()
        return found | {row.href: row for row in new}

    def _store(
        self,
        session: Session,
        url: str,
        changes: Changes,
        asked: Sequence[str],
        states: Mapping[str, CardState],
    ) -> None:
        book = self._book(session, url)
        # A card that was listed but not given is asked for again: reading resumes where it did this time.
        unread = any(href not in states for href in asked)
        book.sync_token = book.sync_token if unread else changes.token
        if not (states or changes.removed or changes.full):
            return
        # Servers may list an href with other percent-encodings than a card was created under.
        rows = {unquote(row.href): row for row in self._rows(session, url, gone=True)}
        listed = {unquote(href) for href in changes.changed}
        for href in {unquote(href) for href in changes.removed} | (
            rows.keys() - listed if changes.full else set()
        ):
            if href in rows:
                rows[href].gone = True
        # Clients move a card by deleting it and adding it again: what we remember goes with its UID.
        moved = {row.uid: row for row in rows.values() if row.gone and row.uid}
        for href, state in states.items():
            row = rows.get(unquote(href))
            if row is None:
                row = ShelfRow(book_id=book.id, drift=0)
                if moved and (old := moved.get(guess_meaning(state.data).uid)) is not None:
                    hand_over(old, row)
                session.add(row)
            note_edit(row, state)


def _foreign(url: str, href: str) -> Finding:
    return Finding(
        kind="foreign-href",
        subject=href,
        sentence=Sentence.of(
            N_("The server listed {href} in the book {url}, where it does not lie: it was ignored"),
            href=href,
            url=url,
        ),
    )


def _broken(href: str) -> Finding:
    return Finding(
        kind="card-conflict",
        severity="conflict",
        subject=href,
        sentence=Sentence.of(
            N_("The server fails on the card {href} each time it is asked for: repair or delete it there"),
            href=href,
        ),
    )


def shelved_cards(
    engine: sa.Engine, *, configured: Collection[tuple[str, str]] | None = None
) -> list[tuple[str, bytes]]:
    """The cards of every owner's books as last seen: (owner, bytes).

    `configured`: only of books that are there and lie at or behind one of these (owner, place).
    """
    query = sa.select(ShelfBook.owner, ShelfBook.access, ShelfRow.data)
    query = query.join(ShelfRow, ShelfRow.book_id == ShelfBook.id).where(~ShelfRow.gone)
    if configured is not None:
        query = query.where(~ShelfBook.missing)
    with Session(engine) as session:
        return [
            (owner, data)
            for owner, access, data in session.execute(query.order_by(ShelfBook.owner, ShelfRow.href))
            if configured is None or (owner, access) in configured
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSeen:
    """A card as last seen, and whose book it lies in."""

    owner: str  #: account, or `book:NAME` of a company book
    href: str
    meaning: CardMeaning
    written: bool  #: mailsync wrote it, or wrote in it


def find_cards(engine: sa.Engine, *, address: str = "", href_or_uid: str = "") -> list[CardSeen]:
    """The cards with an address (normalised), or with an href or UID, in every owner's books."""
    query = sa.select(ShelfBook.owner, ShelfRow.href, ShelfRow.data, ShelfRow.written)
    query = query.join(ShelfRow, ShelfRow.book_id == ShelfBook.id).where(~ShelfRow.gone)
    if href_or_uid:
        query = query.where(sa.or_(ShelfRow.href == href_or_uid, ShelfRow.uid == href_or_uid))
    with Session(engine) as session:
        found = [
            CardSeen(owner=owner, href=href, meaning=guess_meaning(data), written=written is not None)
            for owner, href, data, written in session.execute(query.order_by(ShelfBook.owner, ShelfRow.href))
        ]
    return [card for card in found if not address or address in card.meaning.addresses]
