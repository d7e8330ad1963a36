"""The shelf: what we know of each card of each book, and how far we have read (database).

An unchanged book costs one request: its cards are taken from here. What mailsync changed in a card is kept beside it,
so that it can be given back. `rebuild` may empty the shelf; only that memory is lost then, the journal has it too.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from mailsync.addressbook import rewriting
from mailsync.addressbook.book import Changes, stores_through_vobject
from mailsync.addressbook.cards import ShelfCard, guess_meaning
from mailsync.database import Base
from mailsync.errors import ItemError
from mailsync.run.actions import (
    CardAction,
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    CardState,
    Finding,
    FormerProperties,
    NameProperties,
)
from mailsync.text import N_, Sentence


class ReadableBook(Protocol):
    """What the shelf asks of a book (`book.Book`)."""

    @property
    def url(self) -> str: ...

    def changes(self, token: str | None) -> Changes: ...

    def read_many(self, hrefs: Sequence[str]) -> Mapping[str, CardState]: ...


class ShelfBook(Base):
    """A book and where reading it resumes."""

    __tablename__ = "shelf_books"
    __table_args__ = (sa.UniqueConstraint("owner", "url"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]  #: account, or `book:NAME` of a company book
    url: Mapped[str]
    sync_token: Mapped[str | None]
    through_vobject: Mapped[bool] = mapped_column(default=False)


class ShelfRow(Base):
    """A card and what mailsync did to it."""

    __tablename__ = "shelf_cards"
    __table_args__ = (sa.UniqueConstraint("book_id", "href"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey(ShelfBook.id, ondelete="CASCADE"))
    href: Mapped[str]
    etag: Mapped[str]
    uid: Mapped[str]
    data: Mapped[bytes]
    former: Mapped[dict[str, Any] | None]  #: {"lines": [base64 …], "drop_categories": […]}
    created: Mapped[bool] = mapped_column(default=False)
    contact: Mapped[str | None]
    codes: Mapped[str] = mapped_column(default="")  #: with blanks between
    written: Mapped[str | None]
    drift: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """A book as it stands: all its cards, ready to be planned."""

    cards: tuple[ShelfCard, ...]  #: in the order of their hrefs
    stores_through_vobject: bool
    findings: tuple[Finding, ...] = ()
    known_before: int = 0  #: cards on the shelf before this refresh; a brake compares


class Shelf:
    """The books of one owner. Writes are transactions of their own."""

    def __init__(self, engine: sa.Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    def refresh(self, book: ReadableBook) -> BookView:
        """Read what changed in `book` since the last time, and give all its cards.

        Raises what the book raises; the shelf is then as before.
        """
        with Session(self._engine) as session:
            token = self._book(session, book.url).sync_token
            known = self._known(session, book.url)
            session.rollback()
        changes = book.changes(token)
        # Without an etag nobody can tell whether the card changed: it is read each time.
        new = [href for href, etag in changes.changed.items() if not etag or known.get(unquote(href)) != etag]
        states = book.read_many(new)
        with Session(self._engine) as session, session.begin():
            self._store(session, book.url, changes, new, states)
        return BookView(
            cards=self.cards(book.url),
            stores_through_vobject=self.stores_through_vobject(book.url),
            findings=tuple(_foreign(book.url, href) for href in changes.ignored),
            known_before=len(known),
        )

    def cards(self, url: str) -> tuple[ShelfCard, ...]:
        """All cards of the book with this URL as last seen."""
        with Session(self._engine) as session:
            return tuple(_card(row) for row in self._rows(session, url))

    def stores_through_vobject(self, url: str) -> bool:
        """Whether the book's server rewrites each card it stores."""
        with Session(self._engine) as session:
            return self._book(session, url).through_vobject

    def wrote(self, action: CardAction, *, before: bytes | None, held: CardState | None) -> None:
        """Remember an action that is done: after applying it, or from its journal row after a crash.

        `before`: the card's bytes before it (None for a new card). `held`: the card as read back; None where it is
        not there. Called twice it changes nothing more.
        """
        with Session(self._engine) as session, session.begin():
            row = self._row(session, action.book, action.href)
            if held is None or isinstance(action, CardDelete):
                session.delete(row)
            else:
                _note(row, action, before, held)

    def wrote_all(self, book: ReadableBook, done: Sequence[tuple[CardAction, bytes | None]]) -> None:
        """`wrote` for many actions of one book, with their cards' bytes before: read back together."""
        held = book.read_many([action.href for action, _ in done])
        with Session(self._engine) as session, session.begin():
            for action, before in done:
                row = self._row(session, action.book, action.href)
                if action.href in held:
                    _note(row, action, before, held[action.href])
                else:
                    session.delete(row)

    def clear(self, url: str) -> None:
        """Forget what was read of this book, but not what mailsync changed in it (`rebuild`)."""
        with Session(self._engine) as session, session.begin():
            self._book(session, url).sync_token = None
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
        """Plain href → etag of all cards of a book."""
        columns = sa.select(ShelfRow.href, ShelfRow.etag)
        found = session.execute(columns.where(ShelfRow.book_id == self._book(session, url).id))
        return {unquote(href): etag for href, etag in found}

    def _rows(self, session: Session, url: str) -> Sequence[ShelfRow]:
        of_book = ShelfRow.book_id == self._book(session, url).id
        return session.scalars(sa.select(ShelfRow).where(of_book).order_by(ShelfRow.href)).all()

    def _row(self, session: Session, url: str, href: str) -> ShelfRow:
        book = self._book(session, url)
        wanted = sa.select(ShelfRow).where(ShelfRow.book_id == book.id, ShelfRow.href == href)
        row = session.scalar(wanted)
        if row is None:
            row = ShelfRow(book_id=book.id, href=href, etag="", uid="", data=b"", drift=0)
            session.add(row)
            session.flush()
        return row

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
        book.through_vobject = stores_through_vobject(changes.token)
        if not (states or changes.removed or changes.full):
            return
        # Servers may list an href with other percent-encodings than a card was created under.
        rows = {unquote(row.href): row for row in self._rows(session, url)}
        listed = {unquote(href) for href in changes.changed}
        gone = {unquote(href) for href in changes.removed} | (rows.keys() - listed if changes.full else set())
        # Clients move a card by deleting it and adding it again: what we remember goes with its UID.
        moved = {row.uid: row for href, row in rows.items() if href in gone and row.uid}
        for href, state in states.items():
            row = rows.get(unquote(href))
            meaning = guess_meaning(state.data)
            if row is None:
                row = ShelfRow(book_id=book.id, drift=0)
                if meaning.uid in moved:
                    _hand_over(moved[meaning.uid], row)
            row.href, row.etag, row.data, row.uid = href, state.etag, state.data, meaning.uid
            if row.drift and row.written == meaning.fn:
                row.drift = 0  # somebody saved the card and kept our name: peace
            session.add(row)
        for href in gone & rows.keys():
            session.delete(rows[href])


def _card(row: ShelfRow) -> ShelfCard:
    return ShelfCard(
        href=row.href,
        etag=row.etag,
        data=row.data,
        former=_former_value(row.former),
        created=row.created,
        contact=row.contact,
        codes=tuple(row.codes.split()),
        written=row.written,
        drift=row.drift,
    )


def _former_value(stored: dict[str, Any] | None) -> FormerProperties | None:
    if stored is None:
        return None
    return FormerProperties(
        lines=tuple(_unpacked(line) for line in stored["lines"]),
        drop_categories=tuple(stored["drop_categories"]),
    )


def _remember(row: ShelfRow, contact: str | None, codes: Sequence[str], fn: str) -> None:
    row.contact, row.codes, row.written = contact, " ".join(codes), fn


def _former(row: ShelfRow, before: bytes | None, edit: NameProperties) -> dict[str, Any] | None:
    """What a restore will need after `edit`: the names from before the first one, the categories added since."""
    former = row.former
    restored = not row.codes and guess_meaning(before or b"").fn != row.written
    if former is None or restored:
        try:
            lines = rewriting.name_lines(before or b"")
        except ItemError:
            return None  # nothing is known of the card before us: then nothing is promised either
        former = {"lines": [_packed(line) for line in lines], "drop_categories": []}
    kept = [code for code in former["drop_categories"] if code not in edit.drop_categories]
    added = [code for code in edit.add_categories if code not in kept]
    return {"lines": former["lines"], "drop_categories": [*kept, *added]}


def _note(row: ShelfRow, action: CardAction, before: bytes | None, held: CardState) -> None:
    """What the row remembers once `action` is done and the server holds `held`."""
    repeated = row.etag == held.etag
    row.etag, row.data, row.uid = held.etag, held.data, guess_meaning(held.data).uid
    match action:
        case CardCreate():
            row.created = True
            _remember(row, action.contact, action.codes, action.after)
        case CardRename(edit=NameProperties() as edit):
            if not repeated:
                row.drift = row.drift + 1 if row.written == action.after else 0
            row.former = _former(row, before, edit)
            _remember(row, action.contact, action.codes, action.after)
        case CardRename():
            row.codes, row.drift = "", 0  # the former names stay known: the restore may be undone
        case CardReplace():
            _settle_undo(row)


def _packed(line: str) -> str:
    # A card may hold bytes that are no text; not every database keeps those in JSON.
    return base64.b64encode(line.encode("utf-8", "surrogateescape")).decode("ascii")


def _unpacked(line: str) -> str:
    return base64.b64decode(line).decode("utf-8", "surrogateescape")


def _forget_names(row: ShelfRow) -> None:
    row.former, row.contact, row.codes, row.written, row.drift = None, None, "", None, 0


def _settle_undo(row: ShelfRow) -> None:
    """After an undo the memory goes, where the card is again as it was before our first rewrite."""
    row.drift = 0
    former = _former_value(row.former)
    try:
        as_before = former is not None and rewriting.edit(row.data, former) == row.data
    except ItemError:
        as_before = True
    if as_before:
        _forget_names(row)


def _hand_over(old: ShelfRow, new: ShelfRow) -> None:
    new.former, new.created, new.contact = old.former, old.created, old.contact
    new.codes, new.written, new.drift = old.codes, old.written, old.drift


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


def shelved_cards(engine: sa.Engine, *, href_or_uid: str | None = None) -> list[tuple[str, bytes]]:
    """The cards of every owner's books as last seen: (owner, bytes); all, or those with an href or UID."""
    query = sa.select(ShelfBook.owner, ShelfRow.data).join(ShelfRow, ShelfRow.book_id == ShelfBook.id)
    if href_or_uid is not None:
        query = query.where(sa.or_(ShelfRow.href == href_or_uid, ShelfRow.uid == href_or_uid))
    with Session(engine) as session:
        return [
            (owner, data) for owner, data in session.execute(query.order_by(ShelfBook.owner, ShelfRow.href))
        ]
