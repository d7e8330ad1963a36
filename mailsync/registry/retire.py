"""Rows that the registry source delivered before and no longer delivers (FORMATS 1): retired, never erased (database).

A retired customer keeps its codes and loses its people; a retired contact loses its engagements. While rows of a
table cannot be read nobody of it is retired: a row with a mistyped code is no sign that its customer is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from mailsync.errors import RunRefused
from mailsync.registry.headings import Kind
from mailsync.registry.history import About, changed
from mailsync.registry.model import Code, Contact, Customer, Engagement
from mailsync.registry.outcome import Tally
from mailsync.registry.statements import update_all
from mailsync.registry.upsert_customers import Visit, end_engagements
from mailsync.text import N_, Sentence

#: The brake holds when more rows than both vanish at once.
_FEWEST_HELD = 5
_LARGEST_SHARE = 0.10
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of the rows of one table that the source had delivered before."""

    kind: Kind
    before: int
    vanished: int


def delivered(visit: Visit, model: type[Customer] | type[Contact]) -> frozenset[int]:
    """Ids of the rows that the last run of the source delivered; asked before this one writes."""
    return frozenset(
        visit.connection.execute(sa.select(model.id).where(model.from_source.is_(True))).scalars()
    )


def retire(
    visit: Visit,
    model: type[Customer] | type[Contact],
    before: frozenset[int],
    named: frozenset[int],
    tally: Tally,
) -> Delivery:
    """Retire the rows of `before` that are not among `named`: their engagements end, codes stay. `tally` is told."""
    gone = sorted(before - named)
    delivery = Delivery(kind=tally.kind, before=len(before), vanished=len(gone))
    if not gone:
        return delivery
    names = _names(visit, model, gone)
    if tally.refused:
        tally.withheld = Sentence.of(
            N_(
                "{count} row(s) are gone from the source, but nobody was retired while {refused} row(s) of {file} "
                "cannot be read: {names}. Correct those rows, or take them away"
            ),
            count=len(gone),
            refused=tally.refused,
            file=tally.file,
            names=names,
        )
        return delivery
    column = Engagement.customer_id if model is Customer else Engagement.contact_id
    end_engagements(visit, column, gone)
    update_all(
        visit.connection, model, {row_id: {"retired": visit.now, "from_source": False} for row_id in gone}
    )
    about: About = "customer" if model is Customer else "contact"
    visit.record(changed(about, row_id, "retired", None, visit.now) for row_id in gone)
    tally.retired += len(gone)
    tally.retirement = Sentence.of(N_("{count} row(s) were retired: {names}"), count=len(gone), names=names)
    return delivery


def _names(visit: Visit, model: type[Customer] | type[Contact], ids: list[int]) -> str:
    """What people call these rows; of many the first."""
    chosen = ids[:_MOST_NAMES]
    if model is Customer:
        statement = sa.select(Code.text, Customer.company).join(Customer, Code.customer_id == Customer.id)
        rows = visit.connection.execute(statement.where(Customer.id.in_(chosen)).order_by(Customer.id))
        names = [f"{code} {company}".strip() for code, company in rows]
    else:
        people = sa.select(Contact.name, Contact.key).where(Contact.id.in_(chosen)).order_by(Contact.id)
        names = [name or key for name, key in visit.connection.execute(people)]
    return ", ".join(names) + (" …" if len(ids) > _MOST_NAMES else "")


def hold_brake(deliveries: list[Delivery]) -> None:
    """Raise `RunRefused` when more than 5 rows and more than 10 % of a table, or of all, vanished."""
    total = Delivery(
        kind="people",
        before=sum(one.before for one in deliveries),
        vanished=sum(one.vanished for one in deliveries),
    )
    for one in (*deliveries, total):
        if one.vanished > _FEWEST_HELD and one.vanished > one.before * _LARGEST_SHARE:
            raise RunRefused(
                N_(
                    "{vanished} of the {before} rows that the registry source delivered before are gone from it "
                    "({gone}). Nothing was imported. Look at the source; if these rows are to "
                    "be retired, type: mailsync registry import --source --force"
                ),
                vanished=one.vanished,
                before=one.before,
                gone=", ".join(f"{each.kind}: {each.vanished}" for each in deliveries),
            )
