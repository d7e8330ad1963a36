"""Who changed what in the registry, and when, from what to what (database)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, cast

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


def said(value: object) -> str | None:
    """A field's value as the history writes it."""
    match value:
        case None | "":
            return None
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def changed(
    kind: About, row_id: int, field: str, before: object, after: object, effective: date | None = None
) -> Change:
    """A change of one field, whatever its type."""
    return Change(
        kind=kind, row_id=row_id, field=field, before=said(before), after=said(after), effective=effective
    )


def added(kind: About, row_id: int, name: str) -> Change:
    """The row was registered."""
    return Change(kind=kind, row_id=row_id, field=ADDED, before=None, after=name)


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


def touched_since(connection: sa.Connection, moment: datetime) -> Mapping[About, frozenset[int]]:
    """Ids of the rows that something was written about at or after `moment`."""
    found: defaultdict[About, set[int]] = defaultdict(set)
    written = sa.select(HistoryEntry.kind, HistoryEntry.row_id).where(HistoryEntry.at >= moment).distinct()
    for kind, row_id in connection.execute(written):
        found[cast("About", kind)].add(row_id)
    return {kind: frozenset(ids) for kind, ids in found.items()}


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
