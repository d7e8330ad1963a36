"""`mailsync registry import | export | template | upkeep`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailsync.cli import upkeep
from mailsync.cli.context import Context
from mailsync.cli.options import By, DryRun
from mailsync.errors import UsageError
from mailsync.text import N_, Sentence

if TYPE_CHECKING:
    from mailsync.registry.outcome import ImportReport

app = typer.Typer(no_args_is_help=True, help="Read the registry files in, or write them out.")
app.command("upkeep")(upkeep.upkeep)


@app.command("import")
def import_(
    ctx: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(help="Folder of CSV files, a workbook, a vCard file, or an export of business cards."),
    ] = None,
    source: Annotated[
        bool,
        typer.Option("--source", help="The configured [registry] source, now, whether it changed or not."),
    ] = False,
    dry_run: DryRun = False,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing when any row is bad.")] = False,
    force: Annotated[
        str | None, typer.Option("--force", help="“-” cells blank their field; lifts the brake.")
    ] = None,
    by: By = None,
) -> int:
    """Import shows, customers and people; bad rows are listed, good ones imported."""
    context: Context = ctx.obj
    if (path is None) != source:
        raise UsageError(N_("Name a file or folder to import, or say --source for the configured one"))
    configured = context.config.registry.source
    of_source = source or (
        configured is not None and path is not None and path.resolve() == Path(configured).resolve()
    )
    fingerprint = _fingerprint(context, path)
    if force not in (None, "*", fingerprint):
        raise UsageError(
            N_("--force={given} is not for these files: they are {hash} now (`--dry-run` says it)"),
            given=force,
            hash=fingerprint,
        )
    lifted = force is not None
    notes: list[Sentence] = []
    if of_source:
        report = context.desk.source.read(dry_run=dry_run, strict=strict, force=lifted)
    else:
        report, notes = _import_files(
            context, path or Path(), dry_run=dry_run, strict=strict, force=lifted, by=context.person(by)
        )
    return _tell(context, report, notes, fingerprint)


def _fingerprint(context: Context, path: Path | None) -> str:
    """What names the files, or an SQL source's rows, as they are now; `--force=` takes it."""
    registry = context.config.registry
    if path is None and registry.sql_url:
        return context.desk.source.fingerprint()
    place = path or (Path(registry.source) if registry.source else None)
    return files_hash(place) if place is not None and place.exists() else ""


def _import_files(
    context: Context, path: Path, *, dry_run: bool, strict: bool, force: bool, by: str
) -> tuple[ImportReport, list[Sentence]]:
    from mailsync.lookup.cardfiles import foreign_tables
    from mailsync.registry.exchange import import_tables
    from mailsync.registry.tables import read_tables

    foreign = foreign_tables(path, context.engine)
    tables, notes = foreign or (read_tables(path), [])
    if foreign:
        notes = [
            *notes,
            Sentence.of(N_("{file} is no registry file: its people were taken as contacts"), file=path.name),
        ]
    report = import_tables(
        context.engine, tables, origin=str(path), dry_run=dry_run, strict=strict, force=force,
        by=f"{by}, {path.name}",
    )  # fmt: skip
    return report, notes


def _tell(context: Context, report: ImportReport, notes: list[Sentence], fingerprint: str) -> int:
    for problem in report.problems:
        context.console.print(problem.render(context.translate))
    for note in (*notes, *report.notes):
        context.console.print(note.render(context.translate))
    summary = context.translate(
        N_(
            "{added} added, {changed} changed, {retired} retired, {unchanged} unchanged, {problems} problem(s)"
        )
    )
    context.console.print(
        summary.format(
            added=report.added,
            changed=report.changed,
            retired=report.retired,
            unchanged=report.unchanged,
            problems=len(report.problems),
        )
    )
    if not report.written and fingerprint:
        words = context.translate(N_("Nothing was written. These files have the hash {hash}"))
        context.console.print(words.format(hash=fingerprint))
    elif not report.written:
        context.console.print(context.translate(N_("Nothing was written")))
    return 3 if report.problems else 0


def files_hash(path: Path) -> str:
    """Twelve hex digits that name these files as they are now; `--force=` takes it."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


@app.command("export")
def export(
    ctx: typer.Context,
    path: Annotated[
        Path, typer.Argument(help="Folder to write CSV files to, a .xlsx file, or a .vcf file (people only).")
    ],
) -> int:
    """Write the same files that import reads."""
    from mailsync.registry.exchange import export_registry

    context: Context = ctx.obj
    if path.suffix.lower() in (".vcf", ".vcard"):
        _export_vcards(context, path)
    else:
        export_registry(context.engine, path)
    context.console.print(context.translate(N_("Registry written to {path}")).format(path=path))
    return 0


def _export_vcards(context: Context, path: Path) -> None:
    from mailsync.errors import RegistryError
    from mailsync.lookup.cardfiles import registry_vcards

    data = registry_vcards(context.engine)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise RegistryError(
            N_("{path} cannot be written: {reason}"), path=path, reason=error.strerror or error
        ) from error


@app.command("template")
def template(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="The .xlsx file to write.")],
    force: Annotated[str | None, typer.Option("--force", help="Write over a file that is there.")] = None,
) -> int:
    """Write a workbook to fill in: drop-downs, frozen headings, and a page of help in English and Chinese."""
    from mailsync.errors import RegistryError
    from mailsync.registry.shows import shows
    from mailsync.registry.template import Choices, write_template

    context: Context = ctx.obj
    if path.suffix.lower() != ".xlsx":
        raise UsageError(N_("A template is an Excel workbook: end its name in .xlsx"))
    if path.exists() and force is None:
        raise UsageError(N_("{path} is there already: say --force to write over it"), path=path)
    with context.engine.connect() as connection:
        letters = [show.letter for show in shows(connection) if show.letter]
    owners = [account.addresses[0] for account in context.accounts() if account.addresses]
    try:
        write_template(
            path, Choices(owners=owners, shows=letters), chinese=context.config.language == "zh_CN"
        )
    except OSError as error:
        raise RegistryError(
            N_("{path} cannot be written: {reason}"), path=path, reason=error.strerror or error
        ) from error
    context.console.print(
        context.translate(
            N_("{path} is ready to be filled in; `mailsync registry import {path}` reads it")
        ).format(path=path)
    )
    return 0
