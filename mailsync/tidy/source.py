"""The roster of this moment: the registry, refreshed from its source where one is configured (DESIGN 4, step 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import sqlalchemy as sa

from mailsync.errors import MailsyncError, RegistryError, UsageError
from mailsync.registry.exchange import import_tables
from mailsync.registry.outcome import ImportReport
from mailsync.registry.queries import SqlSource
from mailsync.registry.roster import Roster
from mailsync.registry.roster_load import Tables, make_roster, read_tables
from mailsync.registry.source import Delivery, Reading, deliver, fetch, last_reading, remember_reading
from mailsync.run import brakes
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The roster, and what was wrong with the source it came from."""

    roster: Roster
    findings: tuple[Finding, ...] = ()
    errors: tuple[MailsyncError, ...] = ()


class RosterSource:
    """Reads the source at most once a change, whatever the number of accounts and processes. Safe between threads."""

    def __init__(self, engine: sa.Engine, source: str | SqlSource | None) -> None:
        self._engine = engine
        self._source = source
        self._lock = Lock()
        self._last: tuple[Tables, Roster] | None = None

    def roster(self, *, force: bool = False) -> Registered:
        """The roster now. An unreadable source leaves the registry as it was, and is said.

        Raises `RegistryError` where there is nobody in it, `RunRefused` where too many rows vanished from the source.
        """
        errors: list[MailsyncError] = []
        findings: tuple[Finding, ...] = ()
        with self._lock:
            try:
                findings = self._refresh(force)
            except RegistryError as error:
                errors.append(error)
        roster = self._load()
        if errors and not roster.customers:
            raise errors[0]
        where = str(self._source) if self._source else self._engine.url.render_as_string()
        brakes.check_registry(len(roster.customers), len(roster.contacts), where)
        return Registered(roster=roster, findings=findings, errors=tuple(errors))

    def _load(self) -> Roster:
        """The roster, made anew only where the registry changed."""
        with self._engine.connect() as connection:
            tables = read_tables(connection)
        with self._lock:
            if self._last is None or self._last[0] != tables:
                self._last = tables, make_roster(tables)
            return self._last[1]

    def read(self, *, dry_run: bool, strict: bool, force: bool) -> ImportReport:
        """Import the source now, whether it changed or not; with `force` its rows win over what people edited since.

        Raises `UsageError` where none is configured.
        """
        if self._source is None:
            raise UsageError(N_("No [registry] source is configured: name a file or folder to import"))
        with self._lock:
            return self._import(
                deliver(self._source), force=force, anew=force, strict=strict, dry_run=dry_run
            )

    def fingerprint(self) -> str:
        """Twelve hex digits that name what the source holds now. Raises `RegistryError`."""
        return deliver(self._source).signature[:12] if self._source is not None else ""

    def _refresh(self, force: bool) -> tuple[Finding, ...]:
        """Import the source where it changed; what is wrong with it."""
        if self._source is None:
            return ()
        last = last_reading(self._engine, str(self._source))
        delivery = fetch(self._source, last.signature if last else None)
        if delivery is None:
            return tuple(_remembered(last.told)) if last else ()
        report = self._import(delivery, force=force)
        return (*_findings(report), *_retirements(report))

    def _import(
        self,
        delivery: Delivery,
        *,
        force: bool,
        anew: bool = False,
        strict: bool = False,
        dry_run: bool = False,
    ) -> ImportReport:
        last = last_reading(self._engine, str(self._source))
        report = import_tables(
            self._engine,
            delivery.tables,
            origin=str(self._source),
            source=True,
            known=frozenset(last.told.get("rows", ())) if last and not anew else (),
            force=force,
            strict=strict,
            dry_run=dry_run,
        )
        if report.written:
            told = {
                "findings": [_as_json(finding) for finding in _findings(report)],
                "rows": sorted(report.clean),
            }
            reading = Reading(signature=delivery.signature, told=told)
            remember_reading(self._engine, str(self._source), reading)
        return report


def _as_json(finding: Finding) -> dict[str, Any]:
    return {"kind": finding.kind, "subject": finding.subject, "sentence": finding.sentence.to_json()}


def _remembered(told: Mapping[str, Any]) -> Iterable[Finding]:
    """What an earlier reading found, while the source is as it was then."""
    for row in told.get("findings", ()):
        yield Finding(kind=row["kind"], subject=row["subject"], sentence=Sentence.from_json(row["sentence"]))


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


def _retirements(report: ImportReport) -> Iterable[Finding]:
    """Who was retired: told once, by the run that did it."""
    for sentence in report.retirements:
        yield Finding(kind="registry-retired", subject=report.origin, sentence=sentence)
