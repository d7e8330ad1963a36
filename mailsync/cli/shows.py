"""`mailsync shows …`: the trade shows whose letters begin the codes of their visitors."""

from __future__ import annotations

from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.cli.editing import needs_change, tell
from mailsync.cli.options import By, DryRun, Json, cells
from mailsync.text import N_

app = typer.Typer(no_args_is_help=True, help="Trade shows and their letters.")


@app.command("list")
def list_(
    ctx: typer.Context,
    as_json: Json = False,
) -> int:
    """List the shows in order of their letters."""
    from mailsync.cli.show import json_line, table
    from mailsync.registry.shows import shows

    context: Context = ctx.obj
    with context.engine.connect() as connection:
        found = shows(connection)
    if as_json:
        for show in found:
            json_line(show.to_json())
        return 0
    table(
        context,
        (N_("Letter"), N_("Show"), N_("Date"), N_("City"), N_("Customers"), N_("Last code")),
        ((show.letter, show.name, show.held_on, show.city, show.customers, show.last_code) for show in found),
        empty=N_("No show is registered yet: `mailsync shows add NAME` registers one"),
    )
    return 0


@app.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="As people call it: “Canton Fair spring 2027”.")],
    date: Annotated[str | None, typer.Option("--date")] = None,
    city: Annotated[str | None, typer.Option("--city")] = None,
    letter: Annotated[str | None, typer.Option("--letter", help="Another letter than the next.")] = None,
    uncoded: Annotated[bool, typer.Option("--uncoded", help="Its visitors get no codes.")] = False,
    dry_run: DryRun = False,
    by: By = None,
) -> int:
    """Register a show under the next letter (never I or O; after Z come AA, AB …)."""
    from mailsync.registry.adding import add_show

    context: Context = ctx.obj
    typed = cells(name=name, date=date, city=city, letter=letter, coded="no" if uncoded else None)
    show = add_show(context.engine, typed, by=context.person(by), dry_run=dry_run)
    words = (
        N_("{name} has the letter {letter}: its customers are {letter}01, {letter}02 …")
        if show.letter
        else N_("{name} is registered; its visitors get no codes")
    )
    context.console.print(context.translate(words).format(name=show.name, letter=show.letter))
    if dry_run:
        context.console.print(context.translate(N_("Nothing was written")))
    return 0


@app.command("edit")
def edit(
    ctx: typer.Context,
    show: Annotated[str, typer.Argument(help="Letter, or name of a show without one.")],
    name: Annotated[str | None, typer.Option("--name")] = None,
    date: Annotated[str | None, typer.Option("--date")] = None,
    city: Annotated[str | None, typer.Option("--city")] = None,
    coded: Annotated[
        str | None, typer.Option("--coded", help="yes or no: whether visitors get codes.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    by: By = None,
) -> int:
    """Change a show's name, date, city, or whether its visitors get codes; the letter stays for ever."""
    from mailsync.registry.adding import edit_show

    context: Context = ctx.obj
    typed = cells(name=name, date=date, city=city, coded=coded)
    needs_change(typed)
    edited = edit_show(context.engine, show, typed, by=context.person(by), dry_run=dry_run)
    return tell(context, edited, dry_run=dry_run, as_json=as_json)
