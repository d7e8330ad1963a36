"""`mailsync contacts …`: the people around customers."""

from __future__ import annotations

from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.cli.editing import Who, needs_change, tell
from mailsync.cli.options import Anyway, By, DryRun, Json, cells
from mailsync.registry.codes import short_key
from mailsync.registry.roster import Contact
from mailsync.text import N_

app = typer.Typer(no_args_is_help=True, help="People: customers' contacts, forwarders, inspectors.")


@app.command("list")
def list_(
    ctx: typer.Context,
    code: Annotated[str | None, typer.Argument(help="Only those engaged with this customer.")] = None,
    uncoded: Annotated[bool, typer.Option("--uncoded", help="Only those engaged with no customer.")] = False,
    as_json: Json = False,
) -> int:
    """List people with their codes."""
    from mailsync.cli.show import json_line, table
    from mailsync.errors import UsageError
    from mailsync.registry.roster_load import load_roster

    context: Context = ctx.obj
    with context.engine.connect() as connection:
        roster = load_roster(connection)
    match = roster.codes.get(short_key(code) or "") if code else None
    customer = match.customer if match else None
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
            json_line(_as_json(contact))
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


def _as_json(contact: Contact) -> dict[str, object]:
    return {
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


@app.command("show")
def show(ctx: typer.Context, who: Who, as_json: Json = False) -> int:
    """Print what is known of a person."""
    from mailsync.cli.show import json_line
    from mailsync.errors import UsageError
    from mailsync.registry.roster_load import load_roster

    context: Context = ctx.obj
    with context.engine.connect() as connection:
        roster = load_roster(connection)
    found = [contact for contact in roster.contacts if contact.id == who] or list(roster.contacts_at(who))
    if not found:
        raise UsageError(
            N_("Nobody is registered with the address or id “{who}”: `mailsync contacts list` shows them"),
            who=who,
        )
    for contact in found:
        if as_json:
            json_line(_as_json(contact))
            continue
        lines = (
            (N_("Person"), contact.name), (N_("Company"), contact.company), (N_("Role"), contact.role),
            (N_("Codes"), " ".join(contact.customers)), (N_("Region"), contact.region),
            (N_("Addresses"), ", ".join(contact.addresses)), (N_("Phone"), contact.phone),
            (N_("Title"), contact.title), (N_("Id"), contact.id),
            (N_("Retired"), context.translate(N_("yes")) if contact.retired else None),
        )  # fmt: skip
        for heading, text in lines:
            if text:
                context.console.print(f"{context.translate(heading)}: {text}")
    return 0


_Name = Annotated[str | None, typer.Option("--name")]
_Company = Annotated[str | None, typer.Option("--company")]
_Role = Annotated[str | None, typer.Option("--role", help="contact (default), forwarder, inspector.")]
_Region = Annotated[str | None, typer.Option("--region", help="Where the person is: SH, Hamburg, DE …")]
_Phone = Annotated[str | None, typer.Option("--phone")]
_Title = Annotated[str | None, typer.Option("--title", help="Job title.")]


@app.command("add")
def add(
    ctx: typer.Context,
    email: Annotated[
        list[str] | None, typer.Option("--email", help="Repeatable; the first is the main one.")
    ] = None,
    code: Annotated[
        list[str] | None, typer.Option("--code", help="Engaged with this customer; repeatable.")
    ] = None,
    name: _Name = None,
    company: _Company = None,
    role: _Role = None,
    region: _Region = None,
    phone: _Phone = None,
    title: _Title = None,
    external_id: Annotated[str | None, typer.Option("--id", help="Your own id of the person.")] = None,
    anyway: Anyway = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    by: By = None,
) -> int:
    """Register a person: a customer's contact, a forwarder or an inspector of several, or (without --code) a lead."""
    from mailsync.registry.persons import add_contact

    context: Context = ctx.obj
    typed = cells(
        id=external_id,
        name=name,
        company=company,
        role=role,
        region=region,
        email=email,
        phone=phone,
        title=title,
    )
    edited = add_contact(
        context.engine, typed, codes=code or (), anyway=anyway, by=context.person(by), dry_run=dry_run
    )
    return tell(context, edited, dry_run=dry_run, as_json=as_json)


@app.command("edit")
def edit(
    ctx: typer.Context,
    who: Who,
    name: _Name = None,
    company: _Company = None,
    role: _Role = None,
    region: _Region = None,
    phone: _Phone = None,
    title: _Title = None,
    email: Annotated[str | None, typer.Option("--email", help="The main address from now on.")] = None,
    add_email: Annotated[list[str] | None, typer.Option("--add-email", help="Repeatable.")] = None,
    remove_email: Annotated[list[str] | None, typer.Option("--remove-email", help="Repeatable.")] = None,
    add_code: Annotated[list[str] | None, typer.Option("--add-code", help="Engage; repeatable.")] = None,
    remove_code: Annotated[
        list[str] | None, typer.Option("--remove-code", help="End an engagement; repeatable.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    by: By = None,
) -> int:
    """Change what is known of a person, and whom the person serves; “-” blanks a field."""
    from mailsync.registry.persons import edit_contact

    context: Context = ctx.obj
    typed = cells(name=name, company=company, role=role, region=region, phone=phone, title=title, email=email)
    needs_change(typed or add_email or remove_email or add_code or remove_code)
    edited = edit_contact(
        context.engine, who, typed, add_codes=add_code or (), remove_codes=remove_code or (),
        add_addresses=add_email or (), remove_addresses=remove_email or (), by=context.person(by), dry_run=dry_run,
    )  # fmt: skip
    return tell(context, edited, dry_run=dry_run, as_json=as_json)


@app.command("retire")
def retire(
    ctx: typer.Context, who: Who, dry_run: DryRun = False, as_json: Json = False, by: By = None
) -> int:
    """End a person's engagements; the person stays registered."""
    from mailsync.registry.persons import retire_contact

    context: Context = ctx.obj
    edited = retire_contact(context.engine, who, by=context.person(by), dry_run=dry_run)
    return tell(context, edited, dry_run=dry_run, as_json=as_json)


@app.command("reinstate")
def reinstate(
    ctx: typer.Context, who: Who, dry_run: DryRun = False, as_json: Json = False, by: By = None
) -> int:
    """Take a person's retirement back, with the engagements that it ended."""
    from mailsync.registry.persons import reinstate_contact

    context: Context = ctx.obj
    edited = reinstate_contact(context.engine, who, by=context.person(by), dry_run=dry_run)
    return tell(context, edited, dry_run=dry_run, as_json=as_json)
