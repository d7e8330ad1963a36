"""The registry's scheduled source: read when it changed, left alone while it is being written (database).

What changes when the source does is its *signature*: names, sizes and times of its files, or the rows that its queries
answer. The last one read is kept in the database, with what was wrong with it, so that every process knows.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mailsync import __version__
from mailsync.errors import RegistryError, unreadable_registry
from mailsync.registry.headings import Kind, kind_named
from mailsync.registry.model import SourceReading
from mailsync.registry.queries import SqlSource
from mailsync.registry.sql_source import read_sql
from mailsync.registry.statements import lock_registry
from mailsync.registry.tables import Table, read_tables
from mailsync.text import N_

#: A file written less than this ago, in seconds, may still be written to; so long it is watched.
_SETTLING = 1.0


class SourceBusy(RegistryError):
    """The source is being written just now: it is read at the next run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What the source holds now."""

    signature: str
    tables: Mapping[Kind, Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The last reading that was imported."""

    signature: str
    told: Mapping[str, Any]


def fetch(
    source: str | SqlSource,
    known: str | None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Delivery | None:
    """What the source holds; None while it is as it was when its signature was `known`.

    Raises `SourceBusy` while somebody writes it, and `RegistryError` where it cannot be read.
    """
    if not isinstance(source, SqlSource) and _signature(_state(Path(source))) == known:
        return None
    delivery = deliver(source, sleep=sleep, clock=clock)
    return None if delivery.signature == known else delivery


def deliver(
    source: str | SqlSource,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Delivery:
    """What the source holds, changed or not. Raises as `fetch` does."""
    if isinstance(source, SqlSource):
        tables = read_sql(source)
        return Delivery(signature=_signature_of_rows(source, tables), tables=tables)
    path = Path(source)
    state = _state(path)
    if any(0 <= clock() - changed < _SETTLING for _, _, changed in state):
        sleep(_SETTLING)
        if _state(path) != state:
            raise _busy(path)
    tables = read_tables(path)
    if _state(path) != state:
        raise _busy(path)
    return Delivery(signature=_signature(state), tables=tables)


def _busy(path: Path) -> SourceBusy:
    return SourceBusy(N_("{path} is being written just now: it is read at the next run"), path=path)


_State = Sequence[tuple[str, int, float]]


def _state(path: Path) -> _State:
    """Name, size and time of each file that counts. What an open spreadsheet lays beside it does not."""
    try:
        files = [file for file in sorted(path.iterdir()) if _counts(file)] if path.is_dir() else [path]
        stats = [(file, file.stat()) for file in files if file.is_file()]
    except OSError as error:
        raise unreadable_registry(path, error) from error
    return [(str(file), stat.st_size, stat.st_mtime_ns / 1e9) for file, stat in stats]


def _counts(file: Path) -> bool:
    return file.suffix.lower() in (".csv", ".tsv") and kind_named(file.stem) is not None


def _signature(state: _State) -> str:
    return _digest([__version__, [list(one) for one in state]])


def _signature_of_rows(source: SqlSource, tables: Mapping[Kind, Table]) -> str:
    queries = {kind: [query.statement, dict(query.columns)] for kind, query in source.queries.items()}
    rows = {kind: [sorted(row.cells.items()) for row in table.rows] for kind, table in tables.items()}
    return _digest([__version__, queries, rows])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def last_reading(engine: sa.Engine, source: str) -> Reading | None:
    """The last reading of this source that was imported."""
    with engine.connect() as connection:
        row = (
            connection.execute(sa.select(SourceReading.__table__).where(SourceReading.source == source[:255]))
            .mappings()
            .first()
        )
    return Reading(signature=row["signature"], told=row["told"]) if row else None


def remember_reading(engine: sa.Engine, source: str, reading: Reading, now: datetime | None = None) -> None:
    """Note that this reading was imported."""
    values = {
        "signature": reading.signature,
        "told": dict(reading.told),
        "read": now or datetime.now(UTC),
    }
    with engine.begin() as connection:
        lock_registry(connection)  # another process may note the same reading for the first time
        known = sa.update(SourceReading).where(SourceReading.source == source[:255]).values(values)
        if connection.execute(known).rowcount == 0:
            connection.execute(sa.insert(SourceReading).values(source=source[:255], **values))
