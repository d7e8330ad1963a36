"""The registry's tables in another program's database: read by its own queries, never written (FORMATS 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from mailsync.errors import RegistryError
from mailsync.registry.cells import cell_text
from mailsync.registry.headings import KINDS, Kind, field_named, fields_of
from mailsync.registry.queries import Query, SqlSource
from mailsync.registry.tables import Table, table_of
from mailsync.text import N_

#: More rows than this are no registry.
_MOST_ROWS = 500_000


def read_sql(source: SqlSource) -> Mapping[Kind, Table]:
    """The tables as they are now. Raises `RegistryError` where the database cannot be asked, or its answer lacks a
    column; nothing is imported then."""
    try:
        with _reading(source) as connection:
            return {
                kind: _table(connection, kind, source.queries[kind])
                for kind in KINDS
                if kind in source.queries
            }
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise RegistryError(
            N_("The registry source {source} cannot be read: {reason}. Nothing was imported"),
            source=source,
            reason=reason,
        ) from error


@contextmanager
def _reading(source: SqlSource) -> Iterator[sa.Connection]:
    """A connection that can only read, and that gives up after the time allowed."""
    engine = _engine(source)
    try:
        with engine.connect() as connection:
            match engine.dialect.name:
                case "postgresql":
                    connection.execute(sa.text("SET TRANSACTION READ ONLY"))
                    milliseconds = max(1, round(source.timeout * 1000))
                    connection.execute(sa.text(f"SET LOCAL statement_timeout = {milliseconds}"))
                case "sqlite":
                    connection.execute(sa.text("PRAGMA query_only = ON"))
            yield connection
            connection.rollback()
    finally:
        engine.dispose()


def _engine(source: SqlSource) -> sa.Engine:
    try:
        url = sa.make_url(source.url)
        if source.password is not None:
            url = url.set(password=source.password())
        file = url.database if url.get_backend_name() == "sqlite" else None
        if file is not None and not Path(file).is_file():  # opening it would make an empty one
            raise RegistryError(
                N_(
                    "The registry source {source} cannot be read: there is no such file. Nothing was imported"
                ),
                source=source,
            )
        return sa.create_engine(url)
    except (NoSuchModuleError, ArgumentError) as error:
        raise RegistryError(
            N_("“{source}” is no database: write sql:postgresql://user@host/name. Nothing was imported"),
            source=source,
        ) from error
    except ModuleNotFoundError as error:
        raise RegistryError(
            N_("The registry source {source} needs the Python package {package}: install it beside mailsync"),
            source=source,
            package=error.name,
        ) from error


def _table(connection: sa.Connection, kind: Kind, query: Query) -> Table:
    answer = connection.execute(sa.text(query.statement))
    file = f"sql ({kind})"
    headings = _headings(kind, query, list(answer.keys()), file)
    rows = answer.fetchmany(_MOST_ROWS + 1)
    if len(rows) > _MOST_ROWS:
        raise RegistryError(N_("{file} has over {count} rows, too much for a registry. Nothing was imported"),
                            file=file, count=_MOST_ROWS)  # fmt: skip
    if not rows and kind != "shows":  # a view that broke must not read "nobody"
        raise RegistryError(
            N_(
                "{file} answered no rows: that would retire everybody. Look at the query. Nothing was imported"
            ),
            file=file,
        )
    return table_of(kind, file, [headings, *([cell_text(value) for value in row] for row in rows)])


def _headings(kind: Kind, query: Query, answered: list[str], file: str) -> list[str]:
    """The answer's columns by their headings in registry files; those that nobody asked for keep their names."""
    column_of = {name.casefold(): name for name in answered}
    heading_of: dict[str, str] = {}
    for heading, column in query.columns.items():
        if field_named(kind, heading) is None:
            raise RegistryError(
                N_(
                    "[registry.sql.{kind}] has columns for “{heading}”; there are: {known}. Nothing was imported"
                ),
                kind=kind,
                heading=heading,
                known=", ".join(fields_of(kind)),
            )
        if column.casefold() not in column_of:
            raise RegistryError(
                N_(
                    "{file} has no column “{column}” for “{heading}”; the query answers: {known}. Nothing was imported"
                ),
                file=file,
                column=column,
                heading=heading,
                known=", ".join(answered),
            )
        heading_of[column_of[column.casefold()]] = heading
    if not query.columns:
        return answered
    return [heading_of.get(name, f"({name})") for name in answered]
