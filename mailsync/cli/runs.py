"""`plan`, `confirm`, `tidy`, `undo`, `journal`, `report`: what runs do and did.

Rooms are imported where they are used: together they take a second to load, which `--help` need not wait for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from mailsync.cli.context import Context
from mailsync.errors import INTERRUPTED, UsageError, worst_exit
from mailsync.text import N_
from mailsync.tidy.settings import Options

AccountOption = Annotated[list[str] | None, typer.Option("--account", help="Only this account (repeatable).")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON lines, one object per account and run.")]
StatsOption = Annotated[
    bool, typer.Option("--stats", help="Show what the mail server was asked: round trips, commands, bytes.")
]
FullOption = Annotated[bool, typer.Option("--full", help="Read everything again; all lists are complete.")]
ForceOption = Annotated[
    str | None,
    typer.Option("--force", help="Lift a brake; --force=HASH only for that plan.", metavar="[=HASH]"),
]


def plan(
    ctx: typer.Context,
    account: AccountOption = None,
    as_json: JsonOption = False,
    full: FullOption = False,
    force: ForceOption = None,
    stats: StatsOption = False,
) -> int:
    """Show what `tidy` would do; write nothing to any server."""
    return _run_all(ctx.obj, account, as_json, Options(dry_run=True, full=full, force=force), stats=stats)


def tidy(
    ctx: typer.Context,
    account: AccountOption = None,
    as_json: JsonOption = False,
    full: FullOption = False,
    force: ForceOption = None,
    stats: StatsOption = False,
) -> int:
    """One pass now: address books, audit, filing, report."""
    from mailsync.cli.ending import asked_to_end

    context: Context = ctx.obj
    with asked_to_end(context.translate) as stop:
        return _run_all(context, account, as_json, Options(full=full, force=force), stop, stats=stats)


def _run_all(
    context: Context,
    names: list[str] | None,
    as_json: bool,
    options: Options,
    stop: Callable[[], bool] = lambda: False,
    *,
    stats: bool = False,
) -> int:
    from mailsync.cli import show
    from mailsync.tidy.running import run

    results = []
    for account in context.accounts(names):
        with show.progress(account.name, context, quiet=as_json) as progress:
            result = run(context.desk, account, options, stop=stop, progress=progress)
        results.append(result)
        if as_json:
            show.result_line(context, result)
        if result["exit_code"] == INTERRUPTED:
            break
    if not as_json:
        show.on_terminal(context, results)
        show.time_needed(context, results)
        if stats:
            show.traffic(context, results)
    if not options.dry_run:
        page = show.web_page(context, results, context.house.reports / show.page_name(results))
        if not as_json:
            context.console.print(context.translate(N_("Report: {path}")).format(path=page))
    codes = [int(result["exit_code"]) for result in results]
    return INTERRUPTED if INTERRUPTED in codes else worst_exit(codes)


def confirm(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(help="The account, or book:NAME.")],
    plan_hash: Annotated[str, typer.Argument(metavar="HASH", help="The hash that `plan` printed.")],
) -> int:
    """Confirm the first run of an account or book: the plan with this hash may be carried out."""
    context: Context = ctx.obj
    context.desk.confirmations.confirm(context.accounts([account])[0].name, plan_hash)
    context.console.print(
        context.translate(N_("Confirmed: the next `tidy` carries out the plan of {account}")).format(
            account=account
        )
    )
    return 0


def undo(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, as `journal` lists it.")],
    as_json: JsonOption = False,
) -> int:
    """Put back everything a run did: cards, and each message into its own former mailbox."""
    from mailsync.cli import show
    from mailsync.cli.ending import asked_to_end
    from mailsync.tidy import undoing

    context: Context = ctx.obj
    with (
        asked_to_end(context.translate) as stop,
        show.progress(run, context, quiet=as_json) as progress,
    ):
        result = undoing.undo(context.desk, context.accounts(), run, stop=stop, progress=progress)
    if as_json:
        show.result_line(context, result)
    else:
        show.on_terminal(context, [result])
    return int(result["exit_code"])


def restore(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(help="The account, or book:NAME.")],
    book: Annotated[str | None, typer.Option("--book", metavar="URL", help="Only this address book.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; write nothing to any server.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Give all cards their former names back, and take away those that mailsync added; for when you stop using it."""
    from mailsync.cli import show
    from mailsync.cli.ending import asked_to_end
    from mailsync.tidy import restoring

    context: Context = ctx.obj
    (wanted,) = context.accounts([account])
    with (
        asked_to_end(context.translate) as stop,
        show.progress(account, context, quiet=as_json) as progress,
    ):
        result = restoring.restore(
            context.desk, wanted, book=book, dry_run=dry_run, stop=stop, progress=progress
        )
    if as_json:
        show.result_line(context, result)
    else:
        show.on_terminal(context, [result])
    return int(result["exit_code"])


def journal(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Option("--run", help="Only this run.")] = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> int:
    """List every action mailsync took, newest run first."""
    from mailsync.cli import show

    context: Context = ctx.obj
    names = {one.name for one in context.accounts(account)} if account else None
    if run is not None:
        context.desk.journal.run(run)
    for row in context.desk.journal.lines(context.translate, run=run):
        if names is not None and row["account"] not in names:
            continue
        if as_json:
            show.json_line(row)
        else:
            context.console.print(f"{row['run']}  {row['state']:<9}  {row['sentence']}")
    return 0


def report(
    ctx: typer.Context,
    account: AccountOption = None,
    since: Annotated[str | None, typer.Option("--since", help="From this date on (2026-01-31).")] = None,
    as_json: JsonOption = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page to this file.")] = None,
) -> int:
    """The report of the last run of each account, or of all runs since a date."""
    from mailsync.cli import show

    context: Context = ctx.obj
    wanted = [one.name for one in context.accounts(account)]
    stored = context.desk.results
    if since is None:
        results = [last for name in wanted if (last := stored.last(name)) is not None]
    else:
        results = list(stored.since(_moment(since, context.config.timezone), wanted))
    if as_json:
        for result in results:
            show.result_line(context, result)
        return 0
    if html:
        show.web_page(context, results, html)
        context.console.print(context.translate(N_("Report: {path}")).format(path=html))
        return 0
    show.on_terminal(context, results)
    return 0


def _moment(text: str, timezone: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    except ValueError as error:
        raise UsageError(N_("“{text}” is no date; write it like 2026-01-31"), text=text) from error
