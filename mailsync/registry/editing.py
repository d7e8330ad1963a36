"""The life of a customer: its stages and their dates, its first order, and what else changes of it (DOMAIN 2, 3) (database)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.registry.abbreviation import propose
from mailsync.registry.entering import Codebook, read_one, refuse, visiting
from mailsync.registry.history import About, Change, Entry, changed, entries_about
from mailsync.registry.model import Contact, Customer, Engagement
from mailsync.registry.names import company_key
from mailsync.registry.rows import ReadRow
from mailsync.registry.statements import Values, rows_of, update_all
from mailsync.registry.upsert_customers import Visit, end_engagements, upsert_customers
from mailsync.text import N_, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What an edit changed, or would change."""

    about: str  #: the code, or the person
    changes: tuple[Change, ...]
    notes: tuple[Sentence, ...] = ()


def edit_customer(
    engine: sa.Engine,
    code: str,
    cells: Mapping[str, str],
    *,
    on: date | None = None,
    anyway: bool = False,
    by: str,
    today: date,
    now: datetime | None = None,
    dry_run: bool = False,
) -> Edited:
    """Change fields of a customer as registry files spell them; `-` blanks one. `on`: since when the stage holds.

    With the stage `order` the full code is fixed, once and for ever: code, country and abbreviation (DOMAIN 2).
    Raises `UsageError` where there is no such customer, a cell cannot be read, or what the full code needs is missing.
    """
    if on is not None and on > today:
        raise UsageError(N_("{date} lies in the future: a stage begins on the day it is reached"), date=on)
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        book = Codebook(visit.connection)
        customer = book.customer(code)
        own = book.text(customer["id"])
        table, row, tally = read_one("customers", {**cells, "code": own})
        notes = [*_of_merged(book, code, customer), *_of_source(customer)]
        if "company" in row.values and not row.values["company"]:
            raise UsageError(N_("A customer needs the name of its company"))
        if not anyway:
            _refuse_known_company(book, customer, row)
        row = _staged(row, customer, on, today)
        row, fixed = _ordered(row, customer, own)
        upsert_customers(visit, table, [row], tally)
        refuse(tally.problems)
        notes += fixed or _kept_full_code(customer, row)
    return Edited(about=own, changes=tuple(visit.told), notes=tuple(notes))


def _of_merged(book: Codebook, typed: str, customer: Values) -> list[Sentence]:
    asked = book.own(typed)
    if asked["id"] == customer["id"]:
        return []
    return [
        Sentence.of(
            N_("{old} was merged into {code}"), old=book.text(asked["id"]), code=book.text(customer["id"])
        )
    ]


def _of_source(row: Values) -> list[Sentence]:
    if not row["from_source"]:
        return []
    return [
        Sentence.of(
            N_(
                "The registry's source delivers this row: when it changes there, the source wins. Correct it there too"
            )
        )
    ]


def _refuse_known_company(book: Codebook, customer: Values, row: ReadRow) -> None:
    company = row.text("company")
    key = company_key(company) if company else ""
    if not key or key == company_key(customer["company"]):
        return
    for other in book.customers.values():
        if other["id"] != customer["id"] and company_key(other["company"]) == key:
            raise UsageError(
                N_(
                    "{company} is registered as {code} already. If the two are one, type `mailsync customers merge "
                    "{own} {code}`; if it is another company, say --anyway. Nothing was written"
                ),
                company=company,
                code=book.text(other["id"]),
                own=book.text(customer["id"]),
            )


def _staged(row: ReadRow, customer: Values, on: date | None, today: date) -> ReadRow:
    """The row with the day on which its stage began."""
    moved = row.values.get("stage", customer["stage"]) != customer["stage"]
    if on is None and not moved:
        return row
    return replace(row, values={**row.values, "stage_since": on or today})


def _ordered(row: ReadRow, customer: Values, code: str) -> tuple[ReadRow, list[Sentence]]:
    """The row with the full code, where it tells of the first order."""
    if row.values.get("stage") != "order" or customer["full_code"]:
        return row, []
    known = {**customer, **row.values}
    abbreviation = row.text("abbreviation") or customer["abbreviation"] or propose(known["company"])
    if not known["country"]:
        raise UsageError(
            N_("The first order fixes the full code of {code}, which needs the country: add --country"),
            code=code,
        )
    if not abbreviation:
        raise UsageError(
            N_(
                "The first order fixes the full code of {code}, and no abbreviation can be made of “{company}”: "
                "add --abbreviation with 2 to 4 letters or digits"
            ),
            code=code,
            company=known["company"],
        )
    full_code = f"{code} {known['country']}{abbreviation}"
    told = Sentence.of(N_("The full code is fixed: {full_code}"), full_code=full_code)
    return replace(row, values={**row.values, "full_code": full_code, "abbreviation": abbreviation}), [told]


def _kept_full_code(customer: Values, row: ReadRow) -> list[Sentence]:
    if not customer["full_code"] or not row.values.keys() & {"company", "country", "abbreviation"}:
        return []
    return [Sentence.of(N_("The full code was fixed before and stays: {code}"), code=customer["full_code"])]


def retire_customer(
    engine: sa.Engine, code: str, *, by: str, now: datetime | None = None, dry_run: bool = False
) -> Edited:
    """End all engagements with a customer; its codes stay for ever and still find it. Raises `UsageError`."""
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        book = Codebook(visit.connection)
        customer = book.customer(code)
        own = book.text(customer["id"])
        if customer["retired"]:
            raise UsageError(N_("{code} is retired already"), code=own)
        retire_rows(visit, Customer, book.family(customer["id"]), Engagement.customer_id)
        notes = [*_of_merged(book, code, customer), *_of_source(customer)]
    return Edited(about=own, changes=tuple(visit.told), notes=tuple(notes))


def reinstate_customer(
    engine: sa.Engine, code: str, *, by: str, now: datetime | None = None, dry_run: bool = False
) -> Edited:
    """Take a retirement back, with the engagements that it ended. Raises `UsageError`."""
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        book = Codebook(visit.connection)
        customer = book.customer(code)
        own = book.text(customer["id"])
        if not customer["retired"]:
            raise UsageError(N_("{code} is not retired"), code=own)
        rows = [book.customers[row_id] for row_id in book.family(customer["id"])]
        reinstate_rows(visit, Customer, rows, Engagement.customer_id)
    return Edited(about=own, changes=tuple(visit.told))


def retire_rows(
    visit: Visit,
    model: type[Customer] | type[Contact],
    ids: list[int],
    column: sa.orm.InstrumentedAttribute[int],
) -> None:
    """Retire customers or contacts that are not yet."""
    retired = {row["id"]: row["retired"] for row in rows_of(visit.connection, model)}
    now_retired = [row_id for row_id in ids if retired[row_id] is None]
    end_engagements(visit, column, now_retired)
    update_all(visit.connection, model, {row_id: {"retired": visit.now} for row_id in now_retired})
    about: About = "customer" if model is Customer else "contact"
    visit.record(changed(about, row_id, "retired", None, visit.now) for row_id in now_retired)


def reinstate_rows(
    visit: Visit,
    model: type[Customer] | type[Contact],
    rows: list[Values],
    column: sa.orm.InstrumentedAttribute[int],
) -> None:
    """Take retirements back; engagements that ended at that moment go on."""
    for row in rows:
        if row["retired"] is not None:
            resumed = sa.update(Engagement).where(column == row["id"], Engagement.ended == row["retired"])
            visit.connection.execute(resumed.values(ended=None))
    update_all(visit.connection, model, {row["id"]: {"retired": None} for row in rows})
    about: About = "customer" if model is Customer else "contact"
    visit.record(
        changed(about, row["id"], "retired", row["retired"], None)
        for row in rows
        if row["retired"] is not None
    )


def history_of(connection: sa.Connection, code: str) -> list[tuple[str, Entry]]:
    """What is known of a customer, of those merged into it, and of their people: (whom it is about, entry), the oldest
    first. Raises `UsageError` where nobody has the code."""
    book = Codebook(connection)
    family = book.family(book.customer(code)["id"])
    people = {row["contact_id"] for row in rows_of(connection, Engagement) if row["customer_id"] in family}
    names = {
        row["id"]: row["name"] or row["key"] for row in rows_of(connection, Contact) if row["id"] in people
    }
    told = [
        *((book.text(entry.change.row_id), entry) for entry in entries_about(connection, "customer", family)),
        *((names[entry.change.row_id], entry) for entry in entries_about(connection, "contact", names)),
    ]
    return sorted(told, key=lambda one: one[1].at)
