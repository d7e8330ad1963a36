"""The database: engine, declarative base, aware timestamps (SQLite by default, PostgreSQL by URL)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from mailsync.errors import ConfigError, StorageError
from mailsync.text import N_

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def unusable(error: sa.exc.DBAPIError) -> StorageError:
    """What a database's own error (locked, full, damaged, gone) means to a person."""
    return StorageError(
        N_(
            "The database does not answer as it should: {reason}. Nothing more was done; the next run goes on from here"
        ),
        reason=str(error.orig).strip(),
    )


class UTCDateTime(sa.TypeDecorator[datetime]):
    """An aware datetime, kept in UTC. SQLite would hand back naive ones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was handed to the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Declarative base of all tables; each room's "(database)" module declares its own."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: sa.JSON}  # noqa: RUF012


def connect(url: str, *, durable: bool = True) -> sa.Engine:
    """An engine on `url`. `durable` fsyncs every commit (journal); without it a power cut may cost the last commits
    (index: read again from the server)."""
    try:
        engine = sa.create_engine(url)
    except ModuleNotFoundError as error:
        raise ConfigError(
            [f"database: {error.name} is missing; install mailsync[postgres]"],
            sa.make_url(url).render_as_string(),
        ) from error
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, durable)
    return engine


def sqlite_path(url: str) -> Path | None:
    """The file behind a SQLite URL; None for other databases and in-memory ones."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)


def _prepare_sqlite(engine: sa.Engine, durable: bool) -> None:
    synchronous = "FULL" if durable else "NORMAL"

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN itself, see below
        cursor = connection.cursor()
        for pragma in (
            "busy_timeout=10000",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        # IMMEDIATE: a transaction that reads, then writes, never fails half way for a lock.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
