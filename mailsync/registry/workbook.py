"""Workbooks as plain text records, and back. Formula-like texts stay texts both ways (OWASP, CSV injection).

`.xlsx` is read by openpyxl, every other kind (`.xls`, `.xlsb`, `.ods`) by python-calamine, and `.xlsx` is written by
XlsxWriter, which gives the same bytes for the same registry.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from mailsync.errors import RegistryError
from mailsync.registry.cells import cell_text
from mailsync.registry.headings import KINDS, Kind, kind_named
from mailsync.text import N_

Records = list[list[str]]

#: A workbook that unpacks to more than this many times the largest file is an attack or an accident.
_LARGEST_RATIO = 8
_MOST_COLUMNS = 200
#: What openpyxl raises on a damaged workbook, besides its own error.
_DAMAGE = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError, EOFError)
#: Compound files: the old .xls, and every workbook with a password ([MS-CFB] 2.2).
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml|table)", re.IGNORECASE)


def read_workbook(path: Path, *, largest: int) -> list[tuple[Kind, Records]]:
    """The sheets named shows, customers and people as records of texts; `largest` is the most bytes a file may have.

    Raises `RegistryError` where the file is no workbook, is damaged or locked by a password, or has a table twice, and
    `OSError` where it cannot be read.
    """
    found: dict[Kind, tuple[str, Records]] = {}
    for title, records in read_sheets(path, largest=largest):
        kind = kind_named(title)
        if kind is None:
            continue
        if kind in found:
            raise RegistryError(
                N_("{path} has two sheets for one table: {first} and {second}. Take one of them away"),
                path=path.name,
                first=found[kind][0],
                second=title,
            )
        found[kind] = title, records
    return [(kind, found[kind][1]) for kind in KINDS if kind in found]


def read_sheets(path: Path, *, largest: int) -> list[tuple[str, Records]]:
    """All sheets as (title, records of texts). Raises as `read_workbook` does."""
    _refuse_oversize(path, largest)
    with path.open("rb") as file:
        start = file.read(512)
    if _MARKUP.match(start):
        raise RegistryError(
            N_(
                "{file} is a web page that calls itself a workbook, as some programs export them: open it in Excel and "
                "save it as .xlsx. Nothing was imported"
            ),
            file=path.name,
        )
    try:
        if _is_xlsx(path):
            return _by_openpyxl(path)
        return _by_calamine(path)
    except PasswordError as error:
        raise RegistryError(
            N_("{file} is locked by a password: save it without one. Nothing was imported"), file=path.name
        ) from error
    except (*_DAMAGE, CalamineError) as error:
        if start.startswith(_COMPOUND) and path.suffix.lower() in (".xlsx", ".xlsm"):
            raise RegistryError(
                N_("{file} is locked by a password: save it without one. Nothing was imported"),
                file=path.name,
            ) from error
        raise RegistryError(
            N_(
                "{file} is no readable workbook; it may be half written: save it again as .xlsx. "
                "Nothing was imported"
            ),
            file=path.name,
        ) from error


def sheet_titles(path: Path, *, largest: int) -> list[str]:
    """Names of the sheets, as far as they can be had without reading them. Raises as `read_workbook` does."""
    if not _is_xlsx(path):
        return [title for title, _ in read_sheets(path, largest=largest)]
    try:
        book = load_workbook(path, read_only=True)
    except _DAMAGE:
        return [title for title, _ in read_sheets(path, largest=largest)]  # which says what is wrong
    try:
        return list(book.sheetnames)
    finally:
        book.close()


def _is_xlsx(path: Path) -> bool:
    """By what is in it, not by its name."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return not {"mimetype", "xl/workbook.bin"} & set(archive.namelist())


def _by_openpyxl(path: Path) -> list[tuple[str, Records]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of every extension of Excel that it does not know
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            found = []
            for sheet in book.worksheets:
                # Programs that add rows do not always correct the size stated: rows beyond it would be lost.
                if isinstance(sheet, ReadOnlyWorksheet):
                    sheet.reset_dimensions()
                found.append((sheet.title, list(_records(sheet.iter_rows(values_only=True)))))
            return found
        finally:
            book.close()


def _by_calamine(path: Path) -> list[tuple[str, Records]]:
    with CalamineWorkbook.from_path(path) as book:
        return [
            (title, list(_records(book.get_sheet_by_name(title).to_python(skip_empty_area=False))))
            for title in book.sheet_names
        ]


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


def _records(rows: Iterable[Sequence[object]]) -> Iterator[list[str]]:
    for row in rows:
        yield [cell_text(value) for value in row[:_MOST_COLUMNS]]


def write_workbook(path: Path, tables: Mapping[Kind, Sequence[Sequence[str]]]) -> None:
    """One sheet a table, with headings, drop-downs and a page of help; every cell is a text. Raises `OSError`."""
    from mailsync.registry.template import Choices, write_sheets

    write_sheets(path, tables, Choices())
