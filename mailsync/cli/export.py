"""`export`: the customers' people as a file for mail programs without CardDAV."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.errors import UsageError
from mailsync.text import N_

_FORMATS = "vcf (most), outlook-csv, foxmail-csv (also NetEase Mail Master, WeCom), ldif (Thunderbird's file)"


def export(
    ctx: typer.Context,
    path: Annotated[
        Path | None, typer.Argument(help="The file to write; without it standard output.")
    ] = None,
    kind: Annotated[str, typer.Option("--format", help=f"{_FORMATS}.")] = "vcf",
    scope: Annotated[
        str, typer.Option("--scope", help="all, owner:rep@ourcompany.example or codes:D12,E05.")
    ] = "all",
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="RUN", help="Only who changed since this run (an id of `journal`)."),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", help="utf-8, utf-8-sig or gb18030 (default: what the program reads)."),
    ] = None,
) -> int:
    """Write everybody engaged with a customer, named as address books show them, for a mail program to import."""
    from mailsync.lookup.importable import importable_file

    context: Context = ctx.obj
    moment = context.desk.journal.run(since).started if since else None
    data, found = importable_file(
        context.engine, context.house, kind, scope=scope, since=moment, encoding=encoding
    )
    if path is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return 0
    _write(path, data)
    _say(context, N_("{count} entries in {path}: import them into the mail program"), count=len(found.entries), path=path)  # fmt: skip
    if found.without_address:
        _say(context, N_("{count} people have no e-mail address and are left out"), count=found.without_address)  # fmt: skip
    for contact in found.left:
        _say(
            context,
            N_("! Delete there: {name} <{address}>, who serves no customer any more"),
            name=contact.name or "–",
            address=contact.addresses[0],
        )
    return 0


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UsageError(
            N_("{path} cannot be written: {reason}"), path=path, reason=error.strerror or error
        ) from error


def _say(context: Context, template: str, **fields: object) -> None:
    context.console.print(context.translate(template).format(**fields))
