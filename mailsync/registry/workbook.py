"""Excel workbooks as plain text records, and back (openpyxl). Formula-like texts stay texts both ways (OWASP)."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from mailsync.errors import RegistryError
from mailsync.registry.headings import KINDS, Kind, kind_named
from mailsync.text import N_

#: A workbook that unpacks to more than this many times the largest file is an attack or an accident.
_LARGEST_RATIO = 8
_MOST_COLUMNS = 200
#: Characters that XML cannot hold.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: What openpyxl raises on a damaged workbook, besides its own error.
_DAMAGE = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError, EOFError)


def read_workbook(path: Path, *, largest: int) -> list[tuple[Kind, list[list[str]]]]:
    """The sheets named shows, customers and people as records of texts; `largest` is the most bytes a file may have.

    Raises `RegistryError` where the file is no workbook or is damaged, `OSError` where it cannot be read.
    """
    _refuse_oversize(path, largest)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # openpyxl warns of every extension of Excel that it does not know
            book = load_workbook(path, read_only=True, data_only=True)
            try:
                sheets = {kind: sheet for sheet in book.worksheets if (kind := kind_named(sheet.title))}
                for sheet in sheets.values():
                    # Programs that add rows do not always correct the size stated: rows beyond it would be lost.
                    if isinstance(sheet, ReadOnlyWorksheet):
                        sheet.reset_dimensions()
                return [
                    (kind, list(_records(sheets[kind].iter_rows(values_only=True))))
                    for kind in KINDS
                    if kind in sheets
                ]
            finally:
                book.close()
    except _DAMAGE as error:
        raise RegistryError(
            N_(
                "{file} is no readable Excel workbook; it may be half written, or an old .xls: "
                "save it again as .xlsx. Nothing was imported"
            ),
            file=path.name,
        ) from error


def _refuse_oversize(path: Path, largest: int) -> None:
    size = path.stat().st_size
    if size and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(entry.file_size for entry in archive.infolist()) // _LARGEST_RATIO)
    if size > largest:
        raise RegistryError(
            N_("{file} has {size} MB, too much for a registry. Nothing was imported"),
            file=path.name,
            size=size >> 20,
        )


def _records(rows: Iterator[Sequence[object]]) -> Iterator[list[str]]:
    for row in rows:
        yield [_text(value) for value in row[:_MOST_COLUMNS]]


def _text(value: object) -> str:
    """A cell as a person would type it: whole numbers without `.0`, dates as 2024-01-05."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def write_workbook(path: Path, tables: Mapping[Kind, Sequence[Sequence[str]]]) -> None:
    """One sheet a table; every cell is a text, also one that begins with `=`. Raises `OSError`."""
    book = Workbook(write_only=True)
    for kind, records in tables.items():
        sheet = book.create_sheet(kind)
        for record in records:
            cells = []
            for text in record:
                cell = WriteOnlyCell(sheet, value=_ILLEGAL.sub(" ", text))
                cell.data_type = "s"
                cells.append(cell)
            sheet.append(cells)
    book.save(path)
