"""`mailsync customers …`: who has which code, from the first card to the merge of two."""

from __future__ import annotations

from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.registry.roster import Customer, Roster
from mailsync.text import N_

app = typer.Typer(no_args_is_help=True, help="Customers and their codes.")


@app.command("list")
def list_(
    ctx: typer.Context,
    show: Annotated[str | None, typer.Option("--show", help="Only those of this show letter.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only those of this rep (address).")] = None,
    stage: Annotated[str | None, typer.Option("--stage", help="Only those at this stage.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one object per customer.")] = False,
) -> int:
    """List customers in order of their codes' allocation."""
    from mailsync.cli.show import json_line, table
    from mailsync.registry.roster_load import load_roster

    context: Context = ctx.obj
    with context.engine.connect() as connection:
        roster = load_roster(connection)
    wanted = (("show", show and show.upper()), ("owner", owner), ("stage", stage))
    found = [
        customer
        for customer in roster.customers
        if all(value is None or getattr(customer, name) == value for name, value in wanted)
    ]
    if as_json:
        for customer in found:
            json_line(_as_json(customer, roster))
        return 0
    table(
        context,
        (N_("Code"), N_("Company"), N_("Country"), N_("Stage"), N_("Grade"), N_("Owner"), N_("People")),
        (
            (
                customer.full_code or customer.code,
                customer.company,
                customer.country,
                customer.stage,
                customer.grade,
                customer.owner,
                len(roster.people_by_customer.get(customer.code, ())),
            )
            for customer in found
        ),
        empty=N_("No customer is registered here yet: `mailsync customers add` registers one"),
    )
    return 0


def _as_json(customer: Customer, roster: Roster) -> dict[str, object]:
    return {
        "code": customer.code,
        "full_code": customer.full_code,
        "superseded": list(customer.superseded),
        "company": customer.company,
        "short_name": customer.short_name,
        "country": customer.country,
        "abbreviation": customer.abbreviation,
        "show": customer.show,
        "channel": customer.channel,
        "stage": customer.stage,
        "stage_since": customer.stage_since and customer.stage_since.isoformat(),
        "grade": customer.grade,
        "owner": customer.owner,
        "retired": customer.retired,
        "people": len(roster.people_by_customer.get(customer.code, ())),
    }
