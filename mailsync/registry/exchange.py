"""Registry files → registry, and back (FORMATS 1): `mailsync registry import` and `export` (database)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from mailsync.errors import RegistryError
from mailsync.registry.export import records
from mailsync.registry.headings import KINDS, Kind
from mailsync.registry.model import Contact, Customer
from mailsync.registry.outcome import ExportReport, ImportReport, RowProblem, Tally
from mailsync.registry.retire import Delivery, delivered, hold_brake, retire
from mailsync.registry.rows import ReadRow, read_rows
from mailsync.registry.statements import lock_registry
from mailsync.registry.tables import Table, read_tables
from mailsync.registry.upsert_customers import Visit, upsert_customers, upsert_shows
from mailsync.registry.upsert_people import upsert_people
from mailsync.text import N_, Sentence, guarded

_Upsert = Callable[[Visit, Table, list[ReadRow], Tally], frozenset[int]]
_UPSERTS: Mapping[Kind, tuple[type[Customer] | type[Contact], _Upsert]] = {
    "customers": (Customer, upsert_customers),
    "people": (Contact, upsert_people),
}


def import_registry(
    engine: sa.Engine,
    path: Path,
    *,
    dry_run: bool = False,
    strict: bool = False,
    force: bool = False,
    source: bool = False,
    by: str | None = None,
    now: datetime | None = None,
) -> ImportReport:
    """`import_tables` of the files at `path`. Raises `RegistryError` where they cannot be read or look half written."""
    return import_tables(
        engine,
        read_tables(path),
        origin=str(path),
        dry_run=dry_run,
        strict=strict,
        force=force,
        source=source,
        by=by,
        now=now,
    )


def import_tables(
    engine: sa.Engine,
    tables: Mapping[Kind, Table],
    *,
    origin: str,
    dry_run: bool = False,
    strict: bool = False,
    force: bool = False,
    source: bool = False,
    known: Collection[str] = (),
    by: str | None = None,
    now: datetime | None = None,
) -> ImportReport:
    """Bring shows, customers and people into the registry; all or, where it fails, nothing.

    `origin` is where the tables come from, as `registry import` takes it; `by` who changed what differs (default:
    the origin). `known`: digests of rows that the source delivered before just so (`ImportReport.clean`): they change
    nothing that people edited since. `strict`: with any problem nothing is imported. `force`: `-` blanks a field, and the brake is lifted. `source`: rows
    that an earlier run of the registry source delivered, and this one does not, are retired and named in the notes;
    from a table with refused rows nobody is, as any of them may be what is missing. `now` dates new codes
    and engagements (default: the present).

    Raises `RunRefused` where too many rows of the source vanished at once.
    """
    tallies = {kind: Tally(kind=kind, file=table.file) for kind, table in tables.items()}
    rows, ignored = _read_all(tables, tallies, force=force, known=known)
    notes = _notes(tables, source)
    if ignored:
        notes.append(
            Sentence.of(N_("{count} cells hold “-”: that blanks a field only with --force"), count=ignored)
        )
    with engine.connect() as connection, connection.begin() as transaction:
        visit = Visit(
            connection=connection,
            now=now or datetime.now(UTC),
            source=source,
            by=by or origin,
            cause="source" if source else "import",
        )
        _write(visit, tables, rows, tallies, force)
        problems = tuple(
            problem for tally in tallies.values() for problem in sorted(tally.problems, key=_row)
        )
        written = not dry_run and not (strict and problems)
        if not written:
            transaction.rollback()
    report = _report(origin, tallies, notes)
    return replace(report, problems=problems, written=written, clean=_clean(tables, problems))


def _read_all(
    tables: Mapping[Kind, Table], tallies: Mapping[Kind, Tally], *, force: bool, known: Collection[str]
) -> tuple[dict[Kind, list[ReadRow]], int]:
    """The rows that can be imported, and how many `-` cells were left alone."""
    rows: dict[Kind, list[ReadRow]] = {}
    ignored = 0
    for kind, table in tables.items():
        read, dashes = read_rows(table, tallies[kind], force=force)
        ignored += dashes
        digests = {row.number: row.digest for row in table.rows}
        rows[kind] = [replace(row, unchanged=digests[row.number] in known) for row in read]
    return rows, ignored


def _clean(tables: Mapping[Kind, Table], problems: Sequence[RowProblem]) -> frozenset[str]:
    """Digests of the rows that nothing was wrong with."""
    wrong = {(problem.file, problem.row) for problem in problems}
    return frozenset(
        row.digest for table in tables.values() for row in table.rows if (table.file, row.number) not in wrong
    )


def _report(origin: str, tallies: Mapping[Kind, Tally], notes: Sequence[Sentence]) -> ImportReport:
    retirements = tuple(tally.retirement for tally in tallies.values() if tally.retirement)
    withheld = tuple(tally.withheld for tally in tallies.values() if tally.withheld)
    return ImportReport(
        origin=origin,
        written=False,
        counts=tuple(tally.count() for tally in tallies.values()),
        notes=(*notes, *retirements, *withheld),
        retirements=retirements,
        withheld=withheld,
    )


def _row(problem: RowProblem) -> int:
    return problem.row


def _write(
    visit: Visit,
    tables: Mapping[Kind, Table],
    rows: Mapping[Kind, list[ReadRow]],
    tallies: Mapping[Kind, Tally],
    force: bool,
) -> None:
    lock_registry(visit.connection)
    deliveries: list[Delivery] = []
    if shows := tables.get("shows"):
        upsert_shows(visit, shows, rows["shows"], tallies["shows"])
    # Customers retire before people are read: nobody is engaged with a customer that has just gone.
    for kind in _UPSERTS:
        if table := tables.get(kind):
            model, upsert = _UPSERTS[kind]
            before = delivered(visit, model)
            named = upsert(visit, table, rows[kind], tallies[kind])
            if visit.source:
                deliveries.append(retire(visit, model, before, named, tallies[kind]))
    if not force:
        hold_brake(deliveries)


def _notes(tables: Mapping[Kind, Table], source: bool) -> list[Sentence]:
    notes = [
        Sentence.of(
            N_("{file}: these columns are unknown and were not read: {columns}"),
            file=table.file,
            columns=", ".join(table.unknown),
        )
        for table in tables.values()
        if table.unknown
    ]
    if source:
        notes += [
            Sentence.of(
                N_("The source has no table {table}; what it delivered before stays as it is"), table=kind
            )
            for kind in KINDS
            if kind not in tables and kind != "shows"
        ]
    return notes


def export_registry(engine: sa.Engine, path: Path) -> ExportReport:
    """Write the registry as a workbook (`path` ends in .xlsx) or as CSV files into the folder `path`; empty tables
    are left out. Importing the result changes nothing.

    Raises `RegistryError` where nothing is registered, or where the files cannot be written.
    """
    with engine.connect() as connection:
        tables = {kind: rows for kind, rows in records(connection).items() if len(rows) > 1}
    if not tables:
        raise RegistryError(N_("The registry is empty: there is nothing to export. Import one first"))
    try:
        files = _write_files(path, tables)
    except OSError as error:
        raise RegistryError(
            N_("{path} cannot be written: {reason}"), path=path, reason=error.strerror or error
        ) from error
    return ExportReport(files=files, rows={kind: len(rows) - 1 for kind, rows in tables.items()})


def _write_files(path: Path, tables: Mapping[Kind, Sequence[Sequence[str]]]) -> tuple[Path, ...]:
    if path.suffix.lower() == ".xlsx":
        from mailsync.registry.workbook import write_workbook  # openpyxl takes long to load

        write_workbook(path, tables)
        return (path,)
    path.mkdir(parents=True, exist_ok=True)
    files = {kind: path / f"{kind}.csv" for kind in tables}
    for kind, file in files.items():
        # With the byte order mark Excel reads UTF-8.
        with file.open("w", encoding="utf-8-sig", newline="") as stream:
            csv.writer(stream).writerows([guarded(text) for text in record] for record in tables[kind])
    return tuple(files.values())
