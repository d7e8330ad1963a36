"""`mailsync customers …`: who has which code, from the first card to the merge of two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailsync.cli import editing, merges, sheet, upkeep
from mailsync.cli.context import Context
from mailsync.cli.options import Anyway, By, DryRun, Json, cells
from mailsync.registry.roster import Customer, Roster
from mailsync.text import N_

if TYPE_CHECKING:
    from mailsync.registry.adding import Additions
    from mailsync.registry.cards import Card

app = typer.Typer(no_args_is_help=True, help="Customers and their codes.")
for _name, _verb in (
    ("show", sheet.show), ("edit", editing.edit_customer), ("history", editing.history),
    ("retire", editing.retire_customer), ("reinstate", editing.reinstate_customer),
    ("duplicates", upkeep.duplicates), ("merge", merges.merge), ("unmerge", merges.unmerge),
    ("distinct", merges.distinct),
):  # fmt: skip
    app.command(_name)(_verb)


@app.command("list")
def list_(
    ctx: typer.Context,
    show: Annotated[str | None, typer.Option("--show", help="Only those of this show letter.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only those of this rep (address).")] = None,
    stage: Annotated[str | None, typer.Option("--stage", help="Only those at this stage.")] = None,
    as_json: Json = False,
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


@app.command("add")
def add(
    ctx: typer.Context,
    show: Annotated[
        str | None, typer.Option("--show", help="Next number of this show (letter or name).")
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="Next channel number; TEXT says where from: LinkedIn …")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--from", help="Many at once: a file of business cards, in their order.")
    ] = None,
    company: Annotated[str | None, typer.Option("--company", help="As on the card.")] = None,
    short_name: Annotated[
        str | None, typer.Option("--short-name", help="As cards and folders say it.")
    ] = None,
    country: Annotated[str | None, typer.Option("--country", help="ISO code or name.")] = None,
    abbreviation: Annotated[str | None, typer.Option("--abbreviation", help="2–4 letters or digits.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Address of the rep.")] = None,
    stage: Annotated[str | None, typer.Option("--stage", help="lead (default), prospect, sample …")] = None,
    grade: Annotated[str | None, typer.Option("--grade", help="A to E.")] = None,
    first_contact: Annotated[str | None, typer.Option("--first-contact", help="Date.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The person on the card.")] = None,
    email: Annotated[list[str] | None, typer.Option("--email", help="Repeatable.")] = None,
    phone: Annotated[str | None, typer.Option("--phone")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Job title.")] = None,
    region: Annotated[str | None, typer.Option("--region", help="Where the person is, if elsewhere.")] = None,
    anyway: Anyway = False,
    strict: Annotated[bool, typer.Option("--strict", help="Add nobody when any card is bad.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    by: By = None,
) -> int:
    """Give the next code to a new customer, or to each card of a file."""
    from mailsync.errors import UsageError
    from mailsync.registry.adding import add_customers
    from mailsync.registry.cards import Card

    context: Context = ctx.obj
    customer = cells(
        company=company, short_name=short_name, country=country, abbreviation=abbreviation, owner=owner,
        stage=stage, grade=grade, first_contact=first_contact,
    )  # fmt: skip
    person = cells(name=name, email=email, phone=phone, title=title, region=region)
    if (file is None) == (company is None):
        raise UsageError(N_("Say who: --company NAME, or --from FILE with a file of business cards"))
    cards = [Card(file="", number=1, customer=customer, person=person)]
    if file is not None:
        given = {field: text for field, text in customer.items() if field != "company"}
        cards = _cards(context, file, given)
    additions = add_customers(
        context.engine, cards, show=show, channel=channel, anyway=anyway, strict=strict or file is None,
        by=context.person(by), dry_run=dry_run,
    )  # fmt: skip
    if file is None:
        _refuse_typed(additions)
    return _tell(context, additions, as_json)


def _cards(context: Context, file: Path, given: dict[str, str]) -> list[Card]:
    """The cards of a file; what options say fills what a card does not."""
    from dataclasses import replace

    from mailsync.lookup.cardfiles import read_card_file

    cards, notes = read_card_file(file)
    for note in notes:
        context.console.print(note.render(context.translate))
    return [replace(card, customer={**given, **card.customer}) for card in cards]


def _refuse_typed(additions: Additions) -> None:
    from dataclasses import replace

    from mailsync.registry.entering import option, refuse

    refuse([replace(problem, column=option(problem.column)) for problem in additions.problems])


def _tell(context: Context, additions: Additions, as_json: bool) -> int:
    from mailsync.cli.show import json_line

    for problem in additions.problems:
        context.console.print(problem.render(context.translate))
    for note in additions.notes:
        context.console.print(note.render(context.translate))
    for customer in additions.customers:
        if as_json:
            json_line(customer.to_json() | {"written": additions.written})
            continue
        words = f"{customer.code} {customer.company} ({customer.country or '?'})"
        people = f": {', '.join(customer.people)}" if customer.people else ""
        context.console.print(words + people)
    if not additions.written:
        context.console.print(context.translate(N_("Nothing was written")))
    return 3 if additions.problems else 0


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
