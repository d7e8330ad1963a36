"""The workbook that people fill in: drop-downs, frozen headings, prompts and a page of help in both languages.

The same registry gives the same bytes: XlsxWriter dates nothing by itself, and the document is dated for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from mailsync.registry.cells import GRADES, STAGES
from mailsync.registry.guide import COLUMNS, RULES, Column
from mailsync.registry.headings import KINDS, Kind, field_named, fields_of, headings_of

#: Characters that XML cannot hold.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
#: Rows below the headings that drop-downs and formats reach to.
_DEPTH = 5000
_HELP = "Help 说明"
#: Columns that mailsync fills by itself: they are in exports, and not in the template.
_OWN = frozenset({"allocated", "retired", "from_source", "stage_since"})
_DATES = frozenset({"date", "first_contact", "stage_since"})
_WIDTHS = {
    "company": 32, "name": 24, "email": 30, "email2": 30, "owner": 28, "short_name": 22, "allocated": 26,
    "retired": 26, "codes": 18, "phone": 20, "title": 22, "full_code": 14,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the drop-downs offer that depends on the house."""

    owners: Sequence[str] = ()
    shows: Sequence[str] = ()


def write_template(path: Path, choices: Choices, *, chinese: bool) -> None:
    """An empty workbook to fill in, its headings in Chinese or English. Raises `OSError`."""
    tables = {
        kind: [[_heading(kind, field, chinese) for field in fields_of(kind) if field not in _OWN]]
        for kind in KINDS
    }
    write_sheets(path, tables, choices)


def _heading(kind: Kind, field: str, chinese: bool) -> str:
    names = headings_of(kind, field)
    return next((name for name in names if not name.isascii()), names[0]) if chinese else names[0]


def write_sheets(path: Path, tables: Mapping[Kind, Sequence[Sequence[str]]], choices: Choices) -> None:
    """Sheets of texts, the first record of each its headings, and the page of help. Raises `OSError`."""
    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"created": _LONG_AGO, "title": "mailsync registry"})
    head = book.add_format({"bold": True, "bg_color": "#DDE6EF", "bottom": 1, "valign": "top"})
    text = book.add_format({"num_format": "@"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for kind, records in tables.items():
        sheet = book.add_worksheet(kind)
        _fill(sheet, records, head)
        _prepare(sheet, kind, records[0], choices, text, day)
    _write_help(book)
    try:
        book.close()
    except FileCreateError as error:  # wraps what the file system said
        raise error.args[0] if isinstance(error.args[0], OSError) else OSError(str(error)) from error


def _fill(sheet: Worksheet, records: Sequence[Sequence[str]], head: Format) -> None:
    for number, record in enumerate(records):
        for column, cell in enumerate(record):
            if cell:
                clean = _ILLEGAL.sub(" ", cell)
                sheet.write_string(number, column, clean, head if number == 0 else None)
    sheet.freeze_panes(1, 0)
    if records[0]:
        sheet.autofilter(0, 0, max(len(records) - 1, 1), len(records[0]) - 1)


def _prepare(
    sheet: Worksheet, kind: Kind, headings: Sequence[str], choices: Choices, text: Format, day: Format
) -> None:
    """Widths, formats, drop-downs and prompts of the columns."""
    guide = {column.field: column for column in COLUMNS[kind]}
    for position, heading in enumerate(headings):
        field = field_named(kind, heading) or heading
        # As texts codes keep their zeros, and no 1E05 becomes a number.
        sheet.set_column(position, position, _WIDTHS.get(field, 14), day if field in _DATES else text)
        if column := guide.get(field):
            sheet.data_validation(1, position, _DEPTH, position, _validation(column, choices))


def _validation(column: Column, choices: Choices) -> dict[str, object]:
    """A prompt for every column, and a drop-down where the values are few; others may be typed all the same."""
    prompt = f"{column.english}\n{column.chinese}"
    rule: dict[str, object] = {"input_title": column.field, "input_message": prompt[:255]}
    offered = _offered(column.field, choices)
    if not offered:
        return rule | {"validate": "any"}
    return rule | {"validate": "list", "source": offered, "error_type": "information"}


def _offered(field: str, choices: Choices) -> list[str]:
    values: Sequence[str] = {
        "stage": STAGES,
        "grade": GRADES,
        "role": ("contact", "forwarder", "inspector"),
        "coded": ("yes", "no"),
        "owner": choices.owners,
        "show": choices.shows,
        "channel": ("show", "LinkedIn", "Alibaba", "website", "referral", "walk-in"),
    }.get(field, ())
    found: list[str] = []
    for value in values:  # Excel takes 255 characters of choices
        if len(",".join((*found, value))) <= 255 and "," not in value:
            found.append(value)
    return found


def _write_help(book: Workbook) -> None:
    sheet = book.add_worksheet(_HELP)
    head = book.add_format({"bold": True, "bg_color": "#DDE6EF"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for position, width in enumerate((12, 16, 52, 42, 26)):
        sheet.set_column(position, position, width, wrap)
    row = 0
    for english, chinese in RULES:
        sheet.merge_range(row, 0, row, 2, english, wrap)
        sheet.merge_range(row, 3, row, 4, chinese, wrap)
        sheet.set_row(row, 34)
        row += 1
    row += 1
    for position, heading in enumerate(("sheet 表", "column 列", "what to write", "怎么填", "example 例")):
        sheet.write_string(row, position, heading, head)
    for kind in KINDS:
        for column in COLUMNS[kind]:
            row += 1
            cells = (kind, column.field, column.english, column.chinese, column.example)
            for position, cell in enumerate(cells):
                sheet.write_string(row, position, cell, wrap)
