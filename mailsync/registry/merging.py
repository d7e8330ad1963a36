"""Two customers turn out to be one: the merge, its undo, and what a person said are two (DOMAIN 2) (database).

The merged customer keeps its row, its code and its people; only `merged_into_id` points to the survivor. So every code
goes on finding the customer, and taking a merge back is as small as making it. What the survivor took over is kept in
`merges.taken`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.registry.entering import Codebook, visiting
from mailsync.registry.history import changed, entries_about, said
from mailsync.registry.model import Contact, Customer, DistinctPair, Engagement, Merge
from mailsync.registry.statements import Values, insert_all, rows_of, update_all
from mailsync.registry.upsert_customers import Visit
from mailsync.text import N_, Sentence

#: What a survivor that does not know it takes over from the merged customer.
_FILLED = ("short_name", "country", "channel", "show_id", "grade", "owner")
#: How far a customer has come; of two merged ones the survivor has come as far as either.
_ADVANCE = {None: 0, "dormant": 1, "lead": 2, "prospect": 3, "sample": 4, "order": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A merge, made or taken back, or what it would be."""

    code: str  #: of the customer that was merged
    company: str
    survivor: str
    survivor_company: str
    people: int  #: engaged with the merged customer
    taken: Mapping[str, tuple[str | None, str | None]]  #: field of the survivor → before, after
    kept: tuple[str, ...] = ()  #: taken back: fields that somebody changed since, and that stay

    def to_json(self) -> dict[str, object]:
        """The merge as programs read it."""
        return {
            "code": self.code,
            "company": self.company,
            "survivor": self.survivor,
            "survivor_company": self.survivor_company,
            "people": self.people,
            "taken": {name: list(pair) for name, pair in self.taken.items()},
            "kept": list(self.kept),
        }


def merge_customers(
    engine: sa.Engine, typed: Sequence[str], *, by: str, now: datetime | None = None, dry_run: bool = False
) -> list[Merged]:
    """Merge two or more customers into the one with the earliest code, in whatever order they are named.

    Raises `UsageError` where a code is nobody's, or two of them are one customer already.
    """
    with visiting(engine, by=by, now=now, dry_run=dry_run, cause="merge") as visit:
        book = Codebook(visit.connection)
        named = [book.customer(code) for code in typed]
        _refuse_same(book, typed, named)
        survivor, *losers = sorted(named, key=lambda customer: book.order(customer["id"]))
        return [_merge(visit, book, survivor, loser) for loser in losers]


def _refuse_same(book: Codebook, typed: Sequence[str], named: Sequence[Values]) -> None:
    if len(named) < 2:
        raise UsageError(N_("Name the customers that are one by their codes, two at least"))
    seen: dict[int, str] = {}
    for code, customer in zip(typed, named, strict=True):
        if customer["id"] in seen:
            raise UsageError(
                N_("{one} and {other} are one customer already: {code}. Nothing was written"),
                one=seen[customer["id"]],
                other=code,
                code=book.text(customer["id"]),
            )
        seen[customer["id"]] = code


def _merge(visit: Visit, book: Codebook, survivor: Values, loser: Values) -> Merged:
    changes = _taken_over(book, survivor, loser)
    taken = {name: (said(survivor[name]), said(value)) for name, value in changes.items()}
    entry: Values = {"loser_id": loser["id"], "survivor_id": survivor["id"], "at": visit.now, "by": visit.by}
    entry |= {
        "undone_at": None,
        "undone_by": None,
        "taken": {name: list(pair) for name, pair in taken.items()},
    }
    insert_all(visit.connection, Merge, [entry])
    update_all(
        visit.connection,
        Customer,
        {survivor["id"]: changes, loser["id"]: {"merged_into_id": survivor["id"]}},
    )
    code = book.text(survivor["id"])
    visit.record(
        [
            changed("customer", loser["id"], "merged_into", None, code),
            *(
                changed("customer", survivor["id"], name.removesuffix("_id"), *pair)
                for name, pair in taken.items()
                if name not in ("stage_since", "show_id")
            ),
        ]
    )
    people = _people(visit.connection, book.family(loser["id"]))
    survivor.update(changes)
    loser["merged_into_id"] = survivor["id"]
    return _as_merged(book, loser, survivor, people, taken)


def _as_merged(
    book: Codebook,
    loser: Values,
    survivor: Values,
    people: int,
    taken: Mapping[str, tuple[str | None, str | None]],
    kept: Sequence[str] = (),
) -> Merged:
    return Merged(
        code=book.text(loser["id"]),
        company=loser["company"],
        survivor=book.text(survivor["id"]),
        survivor_company=survivor["company"],
        people=people,
        taken=taken,
        kept=tuple(kept),
    )


def _people(connection: sa.Connection, family: Sequence[int]) -> int:
    return sum(
        row["customer_id"] in family and row["ended"] is None for row in rows_of(connection, Engagement)
    )


def _taken_over(book: Codebook, survivor: Values, loser: Values) -> Values:
    """What the survivor learns from the merged customer."""
    values: Values = {
        name: loser[name] for name in _FILLED if survivor[name] is None and loser[name] is not None
    }
    dates = [row["first_contact"] for row in (survivor, loser) if row["first_contact"]]
    if dates and min(dates) != survivor["first_contact"]:
        values["first_contact"] = min(dates)
    if _ADVANCE[loser["stage"]] > _ADVANCE[survivor["stage"]]:
        values |= {"stage": loser["stage"], "stage_since": loser["stage_since"]}
    if loser["full_code"] and not survivor["full_code"]:
        tail = loser["full_code"].rpartition(" ")[2]
        values |= {"full_code": f"{book.text(survivor['id'])} {tail}", "abbreviation": tail[2:]}
    if survivor["retired"] and not loser["retired"]:
        values["retired"] = None  # somebody still buys there
    return {name: value for name, value in values.items() if value != survivor[name]}


def unmerge_customer(
    engine: sa.Engine, typed: str, *, by: str, now: datetime | None = None, dry_run: bool = False
) -> Merged:
    """Take the last merge of the customer that was given this code back.

    Raises `UsageError` where it was not merged, or where something new hangs on the merge: an engagement begun since, a
    later merge, a first order.
    """
    with visiting(engine, by=by, now=now, dry_run=dry_run, cause="unmerge") as visit:
        book = Codebook(visit.connection)
        loser = book.own(typed)
        if loser["merged_into_id"] is None:
            raise UsageError(
                N_("{code} is not merged into another customer. Nothing was written"),
                code=book.text(loser["id"]),
            )
        survivor = book.customers[loser["merged_into_id"]]
        entry = _entry(visit.connection, loser, survivor)
        if entry is not None:
            _refuse_new(visit.connection, book, entry, survivor)
        return _unmerge(visit, book, loser, survivor, entry)


def _entry(connection: sa.Connection, loser: Values, survivor: Values) -> Values | None:
    """The merge as it was recorded; None where a registry file said it."""
    found = [
        row
        for row in rows_of(connection, Merge)
        if row["undone_at"] is None and (row["loser_id"], row["survivor_id"]) == (loser["id"], survivor["id"])
    ]
    return found[-1] if found else None


def _refuse_new(connection: sa.Connection, book: Codebook, entry: Values, survivor: Values) -> None:
    """Raise `UsageError` naming what hangs on the merge."""
    for later in rows_of(connection, Merge):
        involved = {later["loser_id"], later["survivor_id"]} & {entry["survivor_id"]}
        if later["undone_at"] is None and later["id"] > entry["id"] and involved:
            raise UsageError(
                N_(
                    "{loser} was merged into {survivor} later: take that back first with "
                    "`mailsync customers unmerge {loser}`. Nothing was written"
                ),
                loser=book.text(later["loser_id"]),
                survivor=book.text(later["survivor_id"]),
            )
    later_codes = [
        told
        for told in entries_about(connection, "customer", [survivor["id"]])
        if told.change.field == "full_code" and told.at > entry["at"]
    ]
    if later_codes:
        raise _hangs(book, entry, Sentence.of(N_("the full code {code}"), code=survivor["full_code"]))
    names = {row["id"]: row["name"] or row["key"] for row in rows_of(connection, Contact)}
    family = book.family(book.survivor(survivor)["id"])
    for row in rows_of(connection, Engagement):
        if row["customer_id"] in family and row["started"] > entry["at"] and row["ended"] is None:
            raise _hangs(
                book, entry, Sentence.of(N_("the engagement of {name}"), name=names[row["contact_id"]])
            )


def _hangs(book: Codebook, entry: Values, what: Sentence) -> UsageError:
    return UsageError(
        N_(
            "Since {loser} was merged into {survivor}, {what} has begun, and nobody can say whose it would be: the "
            "merge cannot be taken back. Nothing was written"
        ),
        loser=book.text(entry["loser_id"]),
        survivor=book.text(entry["survivor_id"]),
        what=what,
    )


def _unmerge(visit: Visit, book: Codebook, loser: Values, survivor: Values, entry: Values | None) -> Merged:
    pairs: Mapping[str, Any] = entry["taken"] if entry else {}
    back = {name: pair[0] for name, pair in pairs.items() if said(survivor[name]) == pair[1]}
    values = {name: _typed(name, text) for name, text in back.items()}
    update_all(visit.connection, Customer, {survivor["id"]: values, loser["id"]: {"merged_into_id": None}})
    if entry:
        update_all(visit.connection, Merge, {entry["id"]: {"undone_at": visit.now, "undone_by": visit.by}})
    visit.record(
        [
            changed("customer", loser["id"], "merged_into", book.text(survivor["id"]), None),
            *(
                changed("customer", survivor["id"], name.removesuffix("_id"), pairs[name][1], pairs[name][0])
                for name in back
                if name not in ("stage_since", "show_id")
            ),
        ]
    )
    taken = {name: (said(survivor[name]), text) for name, text in back.items()}
    loser["merged_into_id"] = None
    people = _people(visit.connection, book.family(loser["id"]))
    return _as_merged(book, loser, survivor, people, taken, [name for name in pairs if name not in back])


def _typed(name: str, text: str | None) -> object:
    """A field's value from its text in `merges.taken`."""
    if text is None:
        return None
    if name in ("first_contact", "stage_since"):
        return date.fromisoformat(text)
    if name == "show_id":
        return int(text)
    return datetime.fromisoformat(text) if name == "retired" else text


def say_distinct(
    engine: sa.Engine, one: str, other: str, *, by: str, now: datetime | None = None
) -> tuple[str, str]:
    """Note that two customers that look like one are two; their codes. Raises `UsageError` where they are one."""
    with visiting(engine, by=by, now=now, dry_run=False) as visit:
        book = Codebook(visit.connection)
        named = [book.customer(one), book.customer(other)]
        _refuse_same(book, [one, other], named)
        ids = sorted(customer["id"] for customer in named)
        pair: Values = {"one_id": ids[0], "other_id": ids[1]}
        known = {(row["one_id"], row["other_id"]) for row in rows_of(visit.connection, DistinctPair)}
        if (ids[0], ids[1]) not in known:
            insert_all(visit.connection, DistinctPair, [pair | {"at": visit.now, "by": visit.by}])
        return book.text(named[0]["id"]), book.text(named[1]["id"])


def distinct_pairs(connection: sa.Connection) -> frozenset[frozenset[str]]:
    """Pairs of codes of which a person said that they are two customers."""
    book = Codebook(connection)
    return frozenset(
        frozenset((book.text(row["one_id"]), book.text(row["other_id"])))
        for row in rows_of(connection, DistinctPair)
    )
