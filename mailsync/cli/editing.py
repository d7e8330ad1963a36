"""`customers edit | history | retire | reinstate`, and the same for contacts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailsync.cli.context import Context
from mailsync.cli.options import Anyway, By, DryRun, Json, cells
from mailsync.text import N_, Sentence

if TYPE_CHECKING:
    from mailsync.registry.editing import Edited

Code = Annotated[str, typer.Argument(help="The customer's code.")]
Who = Annotated[str, typer.Argument(metavar="ADDRESS|ID", help="An e-mail address, or the id.")]


def edit_customer(
    ctx: typer.Context,
    code: Code,
    company: Annotated[str | None, typer.Option("--company")] = None,
    short_name: Annotated[str | None, typer.Option("--short-name")] = None,
    country: Annotated[str | None, typer.Option("--country", help="ISO code or name.")] = None,
    abbreviation: Annotated[str | None, typer.Option("--abbreviation", help="2–4 letters or digits.")] = None,
    stage: Annotated[
        str | None,
        typer.Option("--stage", help="lead, prospect, sample, order (fixes the full code), dormant."),
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="Since when the stage holds (default: today).")
    ] = None,
    grade: Annotated[str | None, typer.Option("--grade", help="A to E.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Address of the rep.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Where the customer comes from.")] = None,
    show: Annotated[str | None, typer.Option("--show", help="Letter or name.")] = None,
    first_contact: Annotated[str | None, typer.Option("--first-contact", help="Date.")] = None,
    anyway: Anyway = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    by: By = None,
) -> int:
    """Change what is known of a customer; “-” blanks a field. The history keeps what was there before."""
    from mailsync.registry import editing

    context: Context = ctx.obj
    typed = cells(
        company=company, short_name=short_name, country=country, abbreviation=abbreviation, stage=stage,
        grade=grade, owner=owner, channel=channel, show=show, first_contact=first_contact,
    )  # fmt: skip
    needs_change(typed or on)
    edited = editing.edit_customer(
        context.engine, code, typed, on=_day(on), anyway=anyway, by=context.person(by),
        today=today(context), dry_run=dry_run,
    )  # fmt: skip
    if owner and not _is_rep(context, owner):
        context.console.print(
            context.translate(N_("Note: {owner} is no account of the configuration")).format(owner=owner)
        )
    return tell(context, edited, dry_run=dry_run, as_json=as_json)


def needs_change(given: object) -> None:
    """Raise `UsageError` where no option says what is to change."""
    from mailsync.errors import UsageError

    if not given:
        raise UsageError(N_("Say what is to change: `--help` lists the options"))


def _day(typed: str | None) -> date | None:
    from mailsync.errors import UsageError
    from mailsync.registry.cells import CellError, when

    try:
        return when(typed) if typed else None
    except CellError as error:
        raise UsageError(
            N_("{option}: {reason}. Nothing was written"), option="--on", reason=error
        ) from error


def today(context: Context) -> date:
    """The day it is where the house is."""
    return datetime.now(UTC).astimezone(ZoneInfo(context.config.timezone)).date()


def _is_rep(context: Context, owner: str) -> bool:
    typed = owner.strip().lower()
    accounts = context.accounts()
    return not accounts or typed == "-" or any(typed in account.addresses for account in accounts)


def tell(context: Context, edited: Edited, *, dry_run: bool, as_json: bool) -> int:
    """Say what an edit changed."""
    from mailsync.cli.show import json_line

    if as_json:
        changes = [
            {"field": change.field, "before": change.before, "after": change.after}
            for change in edited.changes
        ]
        notes = [note.render(context.translate) for note in edited.notes]
        json_line({"about": edited.about, "changes": changes, "notes": notes, "written": not dry_run})
        return 0
    for change in edited.changes:
        sentence = (
            Sentence.of(N_("{about}: registered"), about=edited.about)
            if change.field == "added"
            else Sentence.of(
                N_("{about}, {field}: {before} → {after}"),
                about=edited.about,
                field=context.field(change.field),
                before=change.before or "–",
                after=change.after or "–",
            )
        )
        context.console.print(sentence.render(context.translate))
    for note in edited.notes:
        context.console.print(note.render(context.translate))
    if not edited.changes:
        context.console.print(context.translate(N_("{about}: nothing to change")).format(about=edited.about))
    elif dry_run:
        context.console.print(context.translate(N_("Nothing was written")))
    return 0


def history(ctx: typer.Context, code: Code, as_json: Json = False) -> int:
    """Who changed what of a customer and its people, when, from what to what; the oldest first."""
    from mailsync.cli.show import json_line, table
    from mailsync.registry.editing import history_of

    context: Context = ctx.obj
    with context.engine.connect() as connection:
        told = history_of(connection, code)
    zone = ZoneInfo(context.config.timezone)
    if as_json:
        for about, entry in told:
            change = entry.change
            json_line(
                {
                    "about": about,
                    "field": change.field,
                    "before": change.before,
                    "after": change.after,
                    "effective": change.effective and change.effective.isoformat(),
                    "at": entry.at.isoformat(),
                    "by": entry.by,
                    "cause": entry.cause,
                }
            )
        return 0
    table(
        context,
        (N_("When"), N_("Who"), N_("About"), N_("What"), N_("Before"), N_("After"), N_("Since")),
        (
            (
                f"{entry.at.astimezone(zone):%Y-%m-%d %H:%M}",
                entry.by,
                about,
                context.field(entry.change.field),
                entry.change.before,
                entry.change.after,
                entry.change.effective,
            )
            for about, entry in told
        ),
        empty=N_("Nothing is written in the history of this customer yet"),
    )
    return 0


def retire_customer(
    ctx: typer.Context, code: Code, dry_run: DryRun = False, as_json: Json = False, by: By = None
) -> int:
    """End a customer's engagements; its codes stay for ever and still find it."""
    from mailsync.registry import editing

    context: Context = ctx.obj
    edited = editing.retire_customer(context.engine, code, by=context.person(by), dry_run=dry_run)
    return tell(context, edited, dry_run=dry_run, as_json=as_json)


def reinstate_customer(
    ctx: typer.Context, code: Code, dry_run: DryRun = False, as_json: Json = False, by: By = None
) -> int:
    """Take a customer's retirement back, with the engagements that it ended."""
    from mailsync.registry import editing

    context: Context = ctx.obj
    edited = editing.reinstate_customer(context.engine, code, by=context.person(by), dry_run=dry_run)
    return tell(context, edited, dry_run=dry_run, as_json=as_json)
