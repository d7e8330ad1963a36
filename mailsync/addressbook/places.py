"""Which books were found at or behind each configured place, so that not every run asks for them again (database)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from mailsync.addressbook.carddav import BookInfo
from mailsync.database import Base

#: A book that somebody makes, deletes or shares is seen within this time, and at once by who types a command.
LOOK_AGAIN = timedelta(hours=1)


class PlaceRow(Base):
    """What was found at one place with one login."""

    __tablename__ = "book_places"
    __table_args__ = (sa.UniqueConstraint("owner", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]  #: account, or `book:NAME` of a company book
    place: Mapped[str]  #: `settings.Access.place`
    looked: Mapped[datetime]
    books: Mapped[dict[str, Any]]  #: URL → {"name": …, "writable": …}, in the server's order


class Places:
    """The places of one owner. Writes are transactions of their own."""

    def __init__(self, engine: sa.Engine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    def recent(self, place: str, now: datetime) -> list[BookInfo] | None:
        """The books found there within `LOOK_AGAIN`; None where they have to be looked for."""
        with Session(self._engine) as session:
            row = self._row(session, place)
            if row is None or not timedelta(0) <= now - row.looked < LOOK_AGAIN:
                return None
            return [BookInfo(url=url, **held) for url, held in row.books.items()]

    def note(self, place: str, books: Sequence[BookInfo], now: datetime) -> None:
        """Remember what was found."""
        with Session(self._engine) as session, session.begin():
            row = self._row(session, place)
            if row is None:
                row = PlaceRow(owner=self._owner, place=place)
                session.add(row)
            row.looked = now
            row.books = {book.url: {"name": book.name, "writable": book.writable} for book in books}

    def forget(self, place: str) -> None:
        """Look again at the next run: something there was not as remembered."""
        with Session(self._engine) as session, session.begin():
            if (row := self._row(session, place)) is not None:
                session.delete(row)

    def _row(self, session: Session, place: str) -> PlaceRow | None:
        wanted = sa.select(PlaceRow).where(PlaceRow.owner == self._owner, PlaceRow.place == place)
        return session.scalar(wanted)
