"""The roster of this moment: the registry, refreshed from its source where one is configured (DESIGN 4, step 3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import sqlalchemy as sa

from mailsync.errors import MailsyncError, RegistryError
from mailsync.registry.exchange import import_registry
from mailsync.registry.outcome import ImportReport
from mailsync.registry.roster import Roster
from mailsync.registry.roster_load import load_roster
from mailsync.run import brakes
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence

_Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The roster, and what was wrong with the source it came from."""

    roster: Roster
    findings: tuple[Finding, ...] = ()
    errors: tuple[MailsyncError, ...] = ()


class RosterSource:
    """Reads the source's files at most once a change, whatever the number of accounts. Safe between threads."""

    def __init__(self, engine: sa.Engine, source: str | None) -> None:
        self._engine = engine
        self._source = source
        self._lock = Lock()
        self._read: _Signature | None = None
        self._findings: tuple[Finding, ...] = ()

    def roster(self, *, force: bool = False) -> Registered:
        """The roster now. Unreadable files leave the registry as it was, and are said.

        Raises `RegistryError` where there is nobody in it, `RunRefused` where too many rows vanished from the source.
        """
        with self._lock:
            errors = self._refresh(force)
        with self._engine.connect() as connection:
            roster = load_roster(connection)
        if errors and not roster.customers:
            raise errors[0]
        brakes.check_registry(
            len(roster.customers), len(roster.contacts), self._source or self._engine.url.render_as_string()
        )
        return Registered(roster=roster, findings=self._findings, errors=tuple(errors))

    def _refresh(self, force: bool) -> list[MailsyncError]:
        if self._source is None:
            return []
        path = Path(self._source)
        signature = _signature(path)
        if signature == self._read:
            return []
        try:
            report = import_registry(self._engine, path, source=True, force=force)
        except RegistryError as error:
            return [error]
        self._read = signature
        self._findings = tuple(_findings(report))
        return []


def _signature(path: Path) -> _Signature:
    """Names, sizes and times of the source's files: what changes when somebody saves one of them."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    stats = ((file, file.stat()) for file in files if file.is_file())
    return tuple((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats)


def _findings(report: ImportReport) -> Iterable[Finding]:
    for problem in report.problems:
        yield Finding(
            kind="registry-row",
            subject=f"{problem.file}:{problem.row}",
            sentence=Sentence.of(
                N_("{file}, row {row}, column “{column}”: {reason}"),
                file=problem.file,
                row=problem.row,
                column=problem.column,
                reason=problem.reason,
            ),
        )
    for sentence in report.withheld:
        yield Finding(kind="registry-row", subject=report.origin, sentence=sentence)
    for sentence in report.retirements:
        yield Finding(kind="registry-retired", subject=report.origin, sentence=sentence)
