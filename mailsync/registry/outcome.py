"""What an import of registry files found and did, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mailsync.registry.headings import Kind
from mailsync.text import N_, Sentence, Translate


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """A cell, or a row, that could not be taken as written."""

    file: str  #: `people.csv`, `registry.xlsx (people)`
    row: int  #: as a spreadsheet counts, the headings included
    column: str  #: the heading as the file writes it
    reason: Sentence
    refused: bool = False  #: the whole row was left out, not only this cell

    def render(self, translate: Translate) -> str:
        """File, row, column and reason in the reader's language."""
        template = translate(N_("{file}, row {row}, column “{column}”: {reason}"))
        return template.format(
            file=self.file, row=self.row, column=self.column, reason=self.reason.render(translate)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCount:
    """How many rows of one table were …"""

    kind: Kind
    file: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    retired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """The outcome of one import. With `written` off nothing of it was kept: a dry run, or problems with strict."""

    origin: str  #: file, folder or query, as `registry import` takes it
    written: bool
    counts: tuple[TableCount, ...]
    problems: tuple[RowProblem, ...] = ()
    notes: tuple[Sentence, ...] = ()  #: with those that follow
    retirements: tuple[Sentence, ...] = ()  #: who was retired, one a table
    withheld: tuple[Sentence, ...] = ()  #: who is gone from the source and was not retired, and why
    clean: frozenset[str] = frozenset()  #: digests of the rows that nothing was wrong with

    @property
    def added(self) -> int:
        return sum(count.added for count in self.counts)

    @property
    def changed(self) -> int:
        return sum(count.changed for count in self.counts)

    @property
    def unchanged(self) -> int:
        return sum(count.unchanged for count in self.counts)

    @property
    def retired(self) -> int:
        return sum(count.retired for count in self.counts)

    @property
    def changes(self) -> int:
        """Rows that differ from what the registry held before; 0 when an import is repeated."""
        return self.added + self.changed + self.retired


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """Where the registry was written to, and how many rows of each table."""

    files: tuple[Path, ...]
    rows: dict[Kind, int]


@dataclass(slots=True, kw_only=True)
class Tally:
    """The report of one table as it grows during an import."""

    kind: Kind
    file: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    retirement: Sentence | None = None
    withheld: Sentence | None = None

    def problem(self, row: int, column: str, reason: Sentence, *, refused: bool = False) -> None:
        self.problems.append(
            RowProblem(file=self.file, row=row, column=column, reason=reason, refused=refused)
        )

    @property
    def refused(self) -> int:
        return len({problem.row for problem in self.problems if problem.refused})

    def count(self) -> TableCount:
        return TableCount(
            kind=self.kind,
            file=self.file,
            added=self.added,
            changed=self.changed,
            unchanged=self.unchanged,
            refused=self.refused,
            retired=self.retired,
        )
