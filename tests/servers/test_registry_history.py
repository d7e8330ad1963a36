"""Imports write into the history who changed what, from what to what, and nothing where nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from mailsync.registry.exchange import import_registry
from mailsync.registry.model import HistoryEntry
from tests.servers.registry_files import write_registry

NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=3)

SHOWS = [{"letter": "D", "name": "Canton Fair"}]
CUSTOMERS = [
    {
        "code": "D12",
        "company": "Gibson Importing",
        "country": "AU",
        "stage": "lead",
        "owner": "li@our.example",
    },
    {"code": "F03", "company": "Gibson Imports"},
]
PEOPLE = [
    {"id": "1", "codes": "D12", "name": "Jane Roe", "email": "jane@gibson.example", "company": "Gibson"}
]


def told(database: sa.Engine, at: datetime) -> list[tuple[str, str, str | None, str | None, str, str]]:
    columns = HistoryEntry.__table__.c
    statement = sa.select(
        columns.kind, columns.field, columns.before, columns.after, columns.by, columns.cause
    ).where(columns.at == at)
    with database.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(statement))


def test_new_rows_and_changed_fields_are_told(database: sa.Engine, tmp_path: Path) -> None:
    folder = write_registry(tmp_path / "in", shows=SHOWS, customers=CUSTOMERS, people=PEOPLE)
    import_registry(database, folder, now=NOW, by="registry/")
    by = ("registry/", "import")
    assert told(database, NOW) == [
        ("contact", "added", None, "Jane Roe", *by),
        ("contact", "codes", None, "D12", *by),
        ("customer", "added", None, "D12", *by),
        ("customer", "added", None, "F03", *by),
        ("show", "added", None, "D", *by),
    ]
    import_registry(database, folder, now=LATER)
    assert told(database, LATER) == []
    write_registry(
        folder,
        shows=[{"letter": "D", "name": "Canton Fair 2026"}],
        customers=[
            CUSTOMERS[0] | {"country": "NZ", "stage": "order", "owner": "wang@our.example"},
            CUSTOMERS[1] | {"merged_into": "D12"},
        ],
        people=[PEOPLE[0] | {"codes": "D12 F03", "email": "roe@gibson.example", "company": "Gibson Pty"}],
    )
    import_registry(database, folder, now=LATER, by="registry/", source=True)
    by = ("registry/", "source")
    assert told(database, LATER) == [
        ("contact", "codes", "D12", "D12 F03", *by),
        ("contact", "company", "Gibson", "Gibson Pty", *by),
        ("contact", "email", "jane@gibson.example", "roe@gibson.example", *by),
        ("customer", "country", "AU", "NZ", *by),
        ("customer", "merged_into", None, "D12", *by),
        ("customer", "owner", "li@our.example", "wang@our.example", *by),
        ("customer", "stage", "lead", "order", *by),
        ("show", "name", "Canton Fair", "Canton Fair 2026", *by),
    ]


def test_a_row_that_the_source_drops_is_told_as_retired(database: sa.Engine, tmp_path: Path) -> None:
    folder = write_registry(tmp_path / "in", customers=CUSTOMERS, people=PEOPLE)
    import_registry(database, folder, now=NOW, source=True)
    write_registry(folder, customers=CUSTOMERS[1:], people=PEOPLE)
    import_registry(database, folder, now=LATER, source=True)
    assert ("customer", "retired", None, LATER.isoformat(), str(folder), "source") in told(database, LATER)


def test_a_dry_run_tells_nothing(database: sa.Engine, tmp_path: Path) -> None:
    folder = write_registry(tmp_path / "in", customers=CUSTOMERS, people=PEOPLE)
    import_registry(database, folder, now=NOW, dry_run=True)
    assert told(database, NOW) == []
