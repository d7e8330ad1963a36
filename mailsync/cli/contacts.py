"""`mailsync contacts …`: the people around customers."""

from __future__ import annotations

from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.text import N_

app = typer.Typer(no_args_is_help=True, help="People: customers' contacts, forwarders, inspectors.")


@app.command("list")
def list_(
    ctx: typer.Context,
    code: Annotated[str | None, typer.Argument(help="Only those engaged with this customer.")] = None,
    uncoded: Annotated[bool, typer.Option("--uncoded", help="Only those engaged with no customer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one object per person.")] = False,
) -> int:
    """List people with their codes."""
    from mailsync.cli.show import json_line, table
    from mailsync.errors import UsageError
    from mailsync.registry.roster_load import load_roster

    context: Context = ctx.obj
    with context.engine.connect() as connection:
        roster = load_roster(connection)
    customer = roster.customer(code) if code else None
    if code and customer is None:
        raise UsageError(
            N_("No customer has the code {code}: `mailsync customers list` shows them"), code=code
        )
    found = [
        contact
        for contact in roster.contacts
        if (customer is None or customer.code in contact.customers)
        and not (uncoded and (contact.customers or contact.retired))
    ]
    if as_json:
        for contact in found:
            json_line(
                {
                    "id": contact.id,
                    "name": contact.name,
                    "company": contact.company,
                    "role": contact.role,
                    "codes": list(contact.customers),
                    "region": contact.region,
                    "emails": list(contact.addresses),
                    "phone": contact.phone,
                    "title": contact.title,
                    "retired": contact.retired,
                }
            )
        return 0
    table(
        context,
        (N_("Codes"), N_("Person"), N_("Company"), N_("Role"), N_("Addresses")),
        (
            (
                " ".join(contact.customers),
                contact.name,
                contact.company,
                contact.role,
                ", ".join(contact.addresses),
            )
            for contact in found
        ),
        empty=N_("Nobody is registered here yet: `mailsync contacts add` registers somebody"),
    )
    return 0
