"""`mailsync registry import | export`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.errors import UsageError
from mailsync.text import N_

app = typer.Typer(no_args_is_help=True, help="Read the registry files in, or write them out.")


@app.command("import")
def import_(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="Folder of CSV files, or one .xlsx workbook.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, change nothing.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing when any row is bad.")] = False,
    force: Annotated[
        str | None, typer.Option("--force", help="“-” cells blank their field; lifts the brake.")
    ] = None,
) -> int:
    """Import shows, customers and people; bad rows are listed, good ones imported."""
    from mailsync.registry.exchange import import_registry

    context: Context = ctx.obj
    fingerprint = files_hash(path) if path.exists() else ""
    if force not in (None, "*", fingerprint):
        raise UsageError(
            N_("--force={given} is not for these files: they are {hash} now (`--dry-run` says it)"),
            given=force,
            hash=fingerprint,
        )
    source = context.config.registry.source
    report = import_registry(
        context.engine,
        path,
        dry_run=dry_run,
        strict=strict,
        force=force is not None,
        source=source is not None and path.resolve() == Path(source).resolve(),
    )
    for problem in report.problems:
        context.console.print(problem.render(context.translate))
    for note in report.notes:
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
    if not report.written:
        words = context.translate(N_("Nothing was written. These files have the hash {hash}"))
        context.console.print(words.format(hash=fingerprint))
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
    path: Annotated[Path, typer.Argument(help="Folder to write CSV files to, or a .xlsx file.")],
) -> int:
    """Write the same files that import reads."""
    from mailsync.registry.exchange import export_registry

    context: Context = ctx.obj
    export_registry(context.engine, path)
    context.console.print(context.translate(N_("Registry written to {path}")).format(path=path))
    return 0
