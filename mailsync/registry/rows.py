"""Plain rows → values of each field, with every cell that cannot be read reported by row and column. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mailsync.registry import cells, codes
from mailsync.registry.cells import CellError, Several
from mailsync.registry.headings import Kind
from mailsync.registry.outcome import Tally
from mailsync.registry.tables import Row, Table
from mailsync.text import N_, Sentence

_PARSERS: Mapping[Kind, Mapping[str, Callable[[str], object]]] = {
    "shows": {"letter": cells.show_letter, "date": cells.when, "coded": cells.yes_no},
    "customers": {
        "code": cells.code,
        "country": cells.country,
        "abbreviation": cells.abbreviation,
        "full_code": cells.full_code,
        "channel": cells.channel,
        "first_contact": cells.when,
        "stage": cells.stage,
        "stage_since": cells.when,
        "grade": cells.grade,
        "owner": cells.address,
        "merged_into": cells.code,
        "allocated": cells.moment,
        "retired": cells.retired,
        "from_source": cells.yes_no,
    },
    "people": {
        "codes": cells.code_list,
        "role": cells.role,
        "email": cells.addresses,
        "email2": cells.addresses,
        "retired": cells.retired,
        "from_source": cells.yes_no,
    },
}
#: Fields that name the row: a cell there that cannot be read refuses the row, and `-` does not blank it.
_NAMING: Mapping[Kind, frozenset[str]] = {
    "shows": frozenset({"letter"}),
    "customers": frozenset({"code"}),
    "people": frozenset({"id"}),
}
#: Fields that always hold something.
_NEVER_BLANK = frozenset({"coded", "role", "allocated", "from_source"})
_BLANKS = frozenset("-–—－")
#: What Excel and its like keep of a formula that could not be worked out.
_FAILED_FORMULAS = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}
)
_GARBLED = N_(
    "“{text}” looks garbled: the file is neither UTF-8 nor Chinese text. Save it as “CSV UTF-8”; this row is left out"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """A row that can be imported. `values` lacks empty and unreadable cells; None means: blank the field."""

    number: int
    values: Mapping[str, object]
    spoiled: frozenset[str] = frozenset()  #: fields of which a part could not be read
    unchanged: bool = False  #: the source said the same at its last reading: what people edited since stands

    def text(self, field: str) -> str | None:
        value = self.values.get(field)
        return value if isinstance(value, str) else None

    def texts(self, field: str) -> tuple[str, ...]:
        value = self.values.get(field)
        return value.good if isinstance(value, Several) else ()


def read_rows(table: Table, tally: Tally, *, force: bool) -> tuple[list[ReadRow], int]:
    """The importable rows of a table, and how many `-` cells were left alone because `force` is off."""
    kept: list[ReadRow] = []
    ignored = 0
    seen: dict[str, int] = {}
    for row in table.rows:
        dashes = {name for name, typed in row.cells.items() if cells.text(typed) in _BLANKS}
        blanked = dashes - _NAMING[table.kind] - _NEVER_BLANK if force else set()
        ignored += len(dashes) - len(blanked)
        read = _read(table, tally, row, dashes)
        values = {**read.values, **dict.fromkeys(blanked)}
        read = ReadRow(number=row.number, values=values, spoiled=read.spoiled)
        if not row.garbled and _stands(table, tally, read, row, seen):
            kept.append(read)
    return kept, ignored


def _read(table: Table, tally: Tally, row: Row, dashes: set[str]) -> ReadRow:
    values: dict[str, object] = {}
    spoiled: set[str] = set()
    for name, typed in row.cells.items():
        if name in dashes:
            continue
        if name in row.garbled:
            spoiled.add(name)
            tally.problem(row.number, table.column(name), Sentence.of(_GARBLED, text=typed), refused=True)
            continue
        if typed in _FAILED_FORMULAS:
            spoiled.add(name)
            reason = Sentence.of(N_("the cell holds {text}: its formula failed in the workbook"), text=typed)
            tally.problem(row.number, table.column(name), reason, refused=name in _NAMING[table.kind])
            continue
        parser = _PARSERS[table.kind].get(name, cells.text)
        try:
            value = parser(typed)
        except CellError as error:
            spoiled.add(name)
            naming = name in _NAMING[table.kind]
            tally.problem(row.number, table.column(name), error.reason, refused=naming)
            continue
        if isinstance(value, Several):
            for reason in value.bad:
                spoiled.add(name)
                tally.problem(row.number, table.column(name), reason)
        if value != "":
            values[name] = value
    return ReadRow(number=row.number, values=values, spoiled=frozenset(spoiled))


def _stands(table: Table, tally: Tally, read: ReadRow, row: Row, seen: dict[str, int]) -> bool:
    """Whether the row names what it is about, and nothing before it in the file did."""
    if read.spoiled & _NAMING[table.kind]:
        return False
    match table.kind:
        case "shows":
            key = _name_of_show(table, tally, read)
        case "customers":
            key = _name_of_customer(table, tally, read)
        case "people":
            return _person_named(table, tally, read)
    if key is None:
        return False
    if key in seen:
        column = table.column("letter" if table.kind == "shows" else "code")
        reason = Sentence.of(
            N_("“{key}” stands in row {row} already; this row is left out"), key=key, row=seen[key]
        )
        tally.problem(row.number, column, reason, refused=True)
        return False
    seen[key] = row.number
    return True


def _name_of_show(table: Table, tally: Tally, read: ReadRow) -> str | None:
    name = read.text("letter") or read.text("name")
    if name is None:
        reason = Sentence.of(N_("A show needs a letter, or a name where its visitors get no codes"))
        tally.problem(read.number, table.column("letter"), reason, refused=True)
    return name


def _name_of_customer(table: Table, tally: Tally, read: ReadRow) -> str | None:
    code = read.text("code")
    if code is None:
        reason = Sentence.of(N_("A customer without a code is not imported: use “mailsync customers add”"))
        tally.problem(read.number, table.column("code"), reason, refused=True)
        return None
    return codes.parse(code).key


def _person_named(table: Table, tally: Tally, read: ReadRow) -> bool:
    if read.text("id") or read.texts("email") or read.texts("email2"):
        return True
    reason = Sentence.of(N_("A person needs an e-mail address or an id; this row is left out"))
    tally.problem(read.number, table.column("email"), reason, refused=True)
    return False
