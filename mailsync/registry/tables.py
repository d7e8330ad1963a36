"""Registry files as plain rows (FORMATS 1): a folder of CSV files or one workbook, read or refused as a whole.

A file that looks half written is refused with `RegistryError`: importing its first half would look like success.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mailsync.errors import RegistryError, unreadable_registry
from mailsync.registry.decoding import decoded, is_garbled
from mailsync.registry.headings import KEYS, KINDS, Kind, field_named, kind_named
from mailsync.text import N_, unguarded

#: No registry is larger, bytes.
LARGEST_FILE = 64 * 1024 * 1024
#: A table may have a title above its headings.
_TITLE_ROWS = 5
_END = "\x00end of file\x00"
_DELIMITER_HINT = re.compile(r"sep=.\r?\n")  # Excel writes it above the headings


#: Rows of cells.
Records = Sequence[Sequence[str]]
#: Heading → what it stands for; None where nobody knows it.
Known = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row with the cells that are not empty, by field name."""

    number: int  #: as a spreadsheet counts, the headings included
    cells: Mapping[str, str]
    garbled: frozenset[str] = frozenset()  #: fields whose cells were most likely saved in another encoding

    @property
    def digest(self) -> str:
        """What the row says, in 16 hex digits: another place in the file, or another order of columns, is no change."""
        said = "\0".join(f"{name}\0{text}" for name, text in sorted(self.cells.items()))
        return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One file or sheet."""

    kind: Kind
    file: str  #: how messages name it: `people.csv`, `registry.xlsx (people)`
    columns: Mapping[str, str]  #: field name → heading as written
    unknown: tuple[str, ...]  #: headings nobody knows; their columns are not read
    rows: tuple[Row, ...]

    def column(self, field: str) -> str:
        """The heading of `field` as this file writes it."""
        return self.columns.get(field, field)


def read_tables(path: Path) -> Mapping[Kind, Table]:
    """The tables found at `path`. Raises `RegistryError` where there are none or one of them cannot be trusted."""
    try:
        tables = _read(path)
    except OSError as error:
        raise unreadable_registry(path, error) from error
    if not any(table.rows for table in tables):
        raise RegistryError(
            N_(
                "{path} holds no registry rows: it needs customers.csv and people.csv, "
                "or a workbook with the sheets customers and people. Nothing was imported"
            ),
            path=path,
        )
    return {table.kind: table for table in tables}


def _read(path: Path) -> list[Table]:
    if path.is_dir():
        return [_csv_table(kind, file) for kind, file in _csv_files(path)]
    if path.is_file() and path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        from mailsync.registry.workbook import read_workbook  # openpyxl takes long to load

        # A workbook is one file, whole or not readable at all: a sheet of headings only says nothing of anybody.
        tables = [
            table_of(kind, f"{path.name} ({kind})", rows)
            for kind, rows in read_workbook(path, largest=LARGEST_FILE)
        ]
        return [table for table in tables if table.rows]
    if path.is_file() and (kind := kind_named(path.stem)):
        return [_csv_table(kind, path)]
    if path.is_file():
        raise RegistryError(
            N_(
                "{path} is a single file: name it shows.csv, customers.csv or people.csv, or name the folder that "
                "holds them, or a workbook"
            ),
            path=path,
        )
    raise RegistryError(
        N_("There is no registry at {path}: name a folder of CSV files or an .xlsx workbook"), path=path
    )


def _csv_files(folder: Path) -> list[tuple[Kind, Path]]:
    found: dict[Kind, Path] = {}
    for file in sorted(folder.iterdir()):
        kind = kind_named(file.stem)
        if kind is None or file.suffix.lower() not in (".csv", ".tsv") or not file.is_file():
            continue
        if kind in found:
            raise RegistryError(
                N_("{path} has two files for one table: {first} and {second}. Take one of them away"),
                path=folder,
                first=found[kind].name,
                second=file.name,
            )
        found[kind] = file
    return [(kind, found[kind]) for kind in KINDS if kind in found]


def _csv_table(kind: Kind, file: Path) -> Table:
    content = decoded(content_of(file), file.name)
    table = table_of(kind, file.name, csv_records(partial(field_named, kind), content.text, file.name))
    return _with_rows(_marked(table) if content.guessed else table)


def _marked(table: Table) -> Table:
    """The table with its garbled cells marked."""
    rows = [
        replace(row, garbled=frozenset(name for name, text in row.cells.items() if is_garbled(text)))
        for row in table.rows
    ]
    return replace(table, rows=tuple(rows))


def _with_rows(table: Table) -> Table:
    """The table. Raises `RegistryError` where it says that there is nobody."""
    if not table.rows and table.kind != "shows":
        # Excel and scripts create a file with its headings first; an import just then must not read "nobody".
        raise RegistryError(
            N_(
                "{file} has headings and no rows; it may be half written. Save it again. Nothing was imported"
            ),
            file=table.file,
        )
    return table


def content_of(file: Path) -> bytes:
    """A file's bytes. Raises `RegistryError` where it is empty or too large to be a registry, and `OSError`."""
    size = file.stat().st_size
    if size > LARGEST_FILE:
        raise RegistryError(
            N_("{file} has {size} MB, too much for a registry. Nothing was imported"),
            file=file.name,
            size=size >> 20,
        )
    if size == 0:
        raise RegistryError(
            N_("{file} is empty; it may be half written. Save it again. Nothing was imported"), file=file.name
        )
    return file.read_bytes()


def csv_records(known: Known, text: str, file: str) -> list[list[str]]:
    """The records of a CSV text; of comma, semicolon and tab the one counts under which most headings are known.

    Raises `RegistryError` where the text ends within a quoted field or within its last row.
    """
    body = text.removeprefix("\ufeff")
    if hint := _DELIMITER_HINT.match(body):
        body = "\n" + body[hint.end() :]
    head = "\n".join(body.splitlines()[:_TITLE_ROWS])
    delimiter = max(
        ",;\t", key=lambda mark: find_headings(known, csv.reader(io.StringIO(head), delimiter=mark))[1]
    )
    try:
        # A quoted field that is still open at the end swallows the end mark.
        records = list(csv.reader(io.StringIO(f"{body.rstrip()}\n{_END}", newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise RegistryError(
            N_("{file} is no CSV text: {reason}. Save it again. Nothing was imported"),
            file=file,
            reason=error,
        ) from error
    if records.pop() != [_END]:
        raise RegistryError(
            N_("{file} ends within a quoted field; it is half written. Save it again. Nothing was imported"),
            file=file,
        )
    cut = len(records) > 1 and len(records[-1]) < len(records[0]) and not body.endswith(("\n", "\r"))
    if cut:
        raise RegistryError(
            N_("{file} ends within row {row}; it is half written. Save it again. Nothing was imported"),
            file=file,
            row=len(records),
        )
    return [[unguarded(text) for text in record] for record in records]


def find_headings(known: Known, records: Iterable[Sequence[str]]) -> tuple[int, int]:
    """Index of the row of headings among the first rows, and how many of them are known."""
    best, most = 0, 0
    for index, record in zip(range(_TITLE_ROWS), records, strict=False):
        found = sum(known(text) is not None for text in record)
        if found > most:
            best, most = index, found
    return best, most


def table_of(kind: Kind, file: str, records: Sequence[Sequence[str]]) -> Table:
    """Records with a row of headings → table. Raises `RegistryError` where a key column is missing."""
    at, _ = find_headings(partial(field_named, kind), records)
    headings = records[at] if records else ()
    fields = [field_named(kind, heading) for heading in headings]
    known = {field for field in fields if field}
    if any(record for record in records) and not known.intersection(KEYS[kind]):
        raise RegistryError(
            N_("{file} has no column “{column}”, so its rows cannot be told apart. Nothing was imported"),
            file=file,
            column=KEYS[kind][0],
        )
    if doubled := next((field for field in known if fields.count(field) > 1), None):
        raise RegistryError(
            N_("{file} has the column “{column}” twice. Take one of them away. Nothing was imported"),
            file=file,
            column=doubled,
        )
    return Table(
        kind=kind,
        file=file,
        columns={field: heading.strip() for field, heading in zip(fields, headings, strict=True) if field},
        unknown=tuple(
            heading.strip()
            for field, heading in zip(fields, headings, strict=True)
            if not field and heading.strip()
        ),
        rows=tuple(_rows(fields, records[at + 1 :], at + 2)),
    )


def _rows(fields: Sequence[str | None], records: Iterable[Sequence[str]], first: int) -> Iterator[Row]:
    for number, record in enumerate(records, first):
        cells = {
            field: text.strip()
            for field, text in zip(fields, record, strict=False)
            if field and text and text.strip()
        }
        if cells:
            yield Row(number=number, cells=cells)
