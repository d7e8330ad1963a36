"""`mailsync shows …`: the trade shows whose letters begin the codes of their visitors."""

from __future__ import annotations

from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.text import N_

app = typer.Typer(no_args_is_help=True, help="Trade shows and their letters.")


@app.command("list")
def list_(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one object per show.")] = False,
) -> int:
    """List the shows in order of their letters."""
    from mailsync.cli.show import json_line, table
    from mailsync.registry.numbering import shows

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
