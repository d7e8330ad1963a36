"""Who changed what in the registry, and when, from what to what (database)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import sqlalchemy as sa

from mailsync.registry.model import HistoryEntry
from mailsync.registry.statements import Values

#: By what something changed: somebody's edit, an import by hand, the registry source, a merge or its undo.
Cause = Literal["edit", "import", "source", "merge", "unmerge"]
About = Literal["show", "customer", "contact"]

#: The field of an entry that says that the row was registered; `after` names it.
ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field of one row, as texts; None where it was, or is, blank."""

    kind: About
    row_id: int
    field: str  #: a heading of the registry files, or `ADDED`
    before: str | None
    after: str | None
    effective: date | None = None  #: the day it holds from, where somebody said one


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A change as the history tells it."""

    change: Change
    at: datetime  #: when it was recorded
    by: str
    cause: Cause


def record(
    connection: sa.Connection, changes: Iterable[Change], *, at: datetime, by: str, cause: Cause
) -> None:
    """Write down changes, in one statement."""
    rows: list[Values] = [
        {
            "at": at,
            "by": by,
            "cause": cause,
            "kind": change.kind,
            "row_id": change.row_id,
            "field": change.field,
            "before": change.before,
            "after": change.after,
            "effective": change.effective,
        }
        for change in changes
    ]
    if rows:
        connection.execute(sa.insert(HistoryEntry), rows)


def entries_about(connection: sa.Connection, kind: About, row_ids: Iterable[int]) -> list[Entry]:
    """What is known of these rows, the oldest first."""
    statement = (
        sa.select(HistoryEntry.__table__)
        .where(HistoryEntry.kind == kind, HistoryEntry.row_id.in_(list(row_ids)))
        .order_by(HistoryEntry.at, HistoryEntry.id)
    )
    return [
        Entry(
            change=Change(
                kind=row["kind"],
                row_id=row["row_id"],
                field=row["field"],
                before=row["before"],
                after=row["after"],
                effective=row["effective"],
            ),
            at=row["at"],
            by=row["by"],
            cause=row["cause"],
        )
        for row in connection.execute(statement).mappings()
    ]
