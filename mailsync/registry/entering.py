"""What a person types about one row goes the way of registry files: the same readers, the same refusals (database)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.registry import codes
from mailsync.registry.headings import Kind
from mailsync.registry.history import Cause
from mailsync.registry.model import Code, Customer
from mailsync.registry.outcome import RowProblem, Tally
from mailsync.registry.rows import ReadRow, read_rows
from mailsync.registry.statements import Values, lock_registry, rows_of
from mailsync.registry.tables import Row, Table
from mailsync.registry.upsert_customers import Visit
from mailsync.text import N_, Sentence, joined


@contextmanager
def visiting(
    engine: sa.Engine, *, by: str, now: datetime | None, dry_run: bool, cause: Cause = "edit"
) -> Iterator[Visit]:
    """One person's change of the registry: alone in it, all or nothing, and nothing kept of a dry run."""
    with engine.connect() as connection, connection.begin():
        lock_registry(connection)
        moment = now or datetime.now(UTC)
        visit = Visit(connection=connection, now=moment, source=False, by=by, cause=cause)
        yield visit
        if dry_run:
            give_up(visit)


def give_up(visit: Visit) -> None:
    """Keep nothing of what the visit changed."""
    transaction = visit.connection.get_transaction()
    if transaction is not None:
        transaction.rollback()


def typed_table(kind: Kind, rows: Sequence[Mapping[str, str]]) -> Table:
    """Rows of cells by field, as options name them. What they do not say of being retired stays."""
    fields = dict.fromkeys(["retired", *(field for row in rows for field in row)])
    return Table(
        kind=kind,
        file="",
        columns={field: option(field) for field in fields},
        unknown=(),
        rows=tuple(Row(number=number, cells=cells) for number, cells in enumerate(rows, 1)),
    )


def option(field: str) -> str:
    """How a field is spelled on the command line."""
    return f"--{field.replace('_', '-')}"


def read_one(kind: Kind, cells: Mapping[str, str]) -> tuple[Table, ReadRow, Tally]:
    """The one row that was typed; `-` blanks a field. Raises `UsageError` with all that is wrong with it."""
    kept = {field: text.strip() for field, text in cells.items() if text.strip()}
    table = typed_table(kind, [kept])
    tally = Tally(kind=kind, file="")
    rows, _ = read_rows(table, tally, force=True)
    refuse(tally.problems)
    return table, rows[0], tally


def refuse(problems: Sequence[RowProblem]) -> None:
    """Raise `UsageError` where there are any: somebody is there to correct them."""
    if problems:
        told = [
            Sentence.of(N_("{option}: {reason}"), option=problem.column, reason=problem.reason)
            for problem in problems
        ]
        raise UsageError(N_("{problems}. Nothing was written"), problems=joined(told, "; "))


class Codebook:
    """Customers by code, merged ones under their survivors."""

    def __init__(self, connection: sa.Connection) -> None:
        self.customers = {row["id"]: row for row in rows_of(connection, Customer)}
        self.codes = {row["customer_id"]: row for row in rows_of(connection, Code)}
        self._ids = {row["key"]: row["customer_id"] for row in self.codes.values()}

    def text(self, customer_id: int) -> str:
        """A customer's own code."""
        return str(self.codes[customer_id]["text"])

    def own(self, typed: str) -> Values:
        """The customer that was given this code, merged or not. Raises `UsageError` where nobody was."""
        key = codes.short_key(typed)
        if key is None or key not in self._ids:
            raise UsageError(
                N_("No customer has the code {code}: `mailsync customers list` shows them"), code=typed
            )
        return self.customers[self._ids[key]]

    def survivor(self, customer: Values) -> Values:
        """Whom a merged customer is one with now; itself where it was not merged."""
        while customer["merged_into_id"] is not None:  # import refuses circles
            customer = self.customers[customer["merged_into_id"]]
        return customer

    def customer(self, typed: str) -> Values:
        """The customer whom a code, also a superseded one, stands for. Raises `UsageError`."""
        return self.survivor(self.own(typed))

    def family(self, customer_id: int) -> list[int]:
        """A customer and all that were merged into it."""
        return [row_id for row_id, row in self.customers.items() if self.survivor(row)["id"] == customer_id]

    def order(self, customer_id: int) -> tuple[datetime, codes.Code]:
        """The earliest code leads: by its allocation, show order and number breaking ties (DOMAIN 2)."""
        row = self.codes[customer_id]
        return row["allocated"], codes.parse(row["text"])
