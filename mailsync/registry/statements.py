"""Bulk statements: a whole table's changes in a few round trips (database)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

Values = dict[str, Any]


#: Any number that nothing else in the database locks on.
_REGISTRY_LOCK = 7_300_113


def lock_registry(connection: sa.Connection) -> None:
    """Until the transaction ends nobody else imports; on SQLite every transaction excludes the others anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_REGISTRY_LOCK)))


def insert_all(connection: sa.Connection, model: type[DeclarativeBase], rows: Sequence[Values]) -> list[int]:
    """Insert rows of equal keys; their new ids in the same order."""
    if not rows:
        return []
    table = sa.inspect(model).local_table
    statement = sa.insert(model).returning(table.c.id, sort_by_parameter_order=True)
    return [int(found) for found in connection.execute(statement, rows).scalars()]


def update_all(
    connection: sa.Connection, model: type[DeclarativeBase], changes: Mapping[int, Mapping[str, Any]]
) -> None:
    """Set the changed columns of rows, by id; one statement for all rows that change the same columns."""
    groups: defaultdict[frozenset[str], list[Values]] = defaultdict(list)
    for row_id, values in changes.items():
        if values:
            groups[frozenset(values)].append(
                {"row_id": row_id} | {f"new_{name}": values[name] for name in values}
            )
    table = sa.inspect(model).local_table
    for names, parameters in groups.items():
        settings: Values = {name: sa.bindparam(f"new_{name}") for name in sorted(names)}
        connection.execute(
            sa.update(model).where(table.c.id == sa.bindparam("row_id")).values(settings), parameters
        )


def delete_all(connection: sa.Connection, model: type[DeclarativeBase], ids: Iterable[int]) -> None:
    """Delete rows by id."""
    parameters = [{"row_id": row_id} for row_id in ids]
    if parameters:
        table = sa.inspect(model).local_table
        connection.execute(sa.delete(model).where(table.c.id == sa.bindparam("row_id")), parameters)


def rows_of(connection: sa.Connection, model: type[DeclarativeBase]) -> list[Values]:
    """All rows of a table, as dictionaries, in order of their ids."""
    table = sa.inspect(model).local_table
    result = connection.execute(sa.select(table).order_by(table.c.id))
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]


def differing(former: Mapping[str, Any], wanted: Mapping[str, Any]) -> Values:
    """The wanted values that are not there yet."""
    return {name: value for name, value in wanted.items() if former[name] != value}
