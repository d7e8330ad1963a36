"""The shows, and what was given away at each (DOMAIN 2) (database)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from mailsync.registry import codes
from mailsync.registry.model import Code, Customer, Show
from mailsync.registry.statements import rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowLine:
    """A show with what was given away at it."""

    letter: str | None
    name: str | None
    held_on: date | None
    city: str | None
    coded: bool
    customers: int
    last_code: str | None

    def to_json(self) -> dict[str, object]:
        """The show as programs read it."""
        return {
            "letter": self.letter,
            "name": self.name,
            "date": self.held_on and self.held_on.isoformat(),
            "city": self.city,
            "coded": self.coded,
            "customers": self.customers,
            "last_code": self.last_code,
        }


def shows(connection: sa.Connection) -> list[ShowLine]:
    """All shows: lettered ones in order of their letters, then the others as registered."""
    given = [codes.parse(row["text"]) for row in rows_of(connection, Code)]
    visited = [row["show_id"] for row in rows_of(connection, Customer)]
    lines = []
    for row in rows_of(connection, Show):
        own = [code for code in given if row["letter"] and code.letters == row["letter"]]
        lines.append(
            ShowLine(
                letter=row["letter"],
                name=row["name"],
                held_on=row["held_on"],
                city=row["city"],
                coded=row["coded"],
                customers=len(own) if row["letter"] else visited.count(row["id"]),
                last_code=max(own).canonical if own else None,
            )
        )
    return sorted(lines, key=lambda line: (line.letter is None, len(line.letter or ""), line.letter or ""))
