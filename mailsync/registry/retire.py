"""Rows that the registry source delivered before and no longer delivers (FORMATS 1): retired, never erased (database).

A retired customer keeps its codes and loses its people; a retired contact loses its engagements.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from mailsync.errors import RunRefused
from mailsync.registry.headings import Kind
from mailsync.registry.model import Contact, Customer, Engagement
from mailsync.registry.outcome import Tally
from mailsync.registry.statements import update_all
from mailsync.registry.upsert_customers import Visit
from mailsync.text import N_

#: The brake holds when more rows than both vanish at once.
_FEWEST_HELD = 5
_LARGEST_SHARE = 0.10


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
    """Retire the rows of `before` that are not among `named`: their engagements end, codes stay."""
    gone = sorted(before - named)
    column = Engagement.customer_id if model is Customer else Engagement.contact_id
    if gone:
        statement = sa.update(Engagement).where(column == sa.bindparam("of"), Engagement.ended.is_(None))
        visit.connection.execute(statement.values(ended=visit.now), [{"of": row_id} for row_id in gone])
    update_all(
        visit.connection, model, {row_id: {"retired": visit.now, "from_source": False} for row_id in gone}
    )
    tally.retired += len(gone)
    return Delivery(kind=tally.kind, before=len(before), vanished=len(gone))


def hold_brake(deliveries: list[Delivery], path: Path) -> None:
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
                    "be retired, type: mailsync registry import {path} --force"
                ),
                path=path,
                vanished=one.vanished,
                before=one.before,
                gone=", ".join(f"{each.kind}: {each.vanished}" for each in deliveries),
            )
