"""Shows and customers from registry files into the database (FORMATS 1): found by letter and by code (database)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from mailsync.registry import codes
from mailsync.registry.abbreviation import propose
from mailsync.registry.history import Cause, Change, added, changed, record
from mailsync.registry.model import Code, Customer, Engagement, Show
from mailsync.registry.outcome import Tally
from mailsync.registry.rows import ReadRow
from mailsync.registry.statements import Values, differing, insert_all, rows_of, update_all
from mailsync.registry.tables import Table
from mailsync.text import N_, Sentence

#: Fields of a customer's row that are columns of the same name.
_PLAIN = (
    "company",
    "short_name",
    "country",
    "channel",
    "first_contact",
    "stage",
    "stage_since",
    "grade",
    "owner",
)


#: A customer of whom nothing is known.
_BLANK: Values = dict.fromkeys((*_PLAIN, "abbreviation", "full_code", "show_id", "merged_into_id", "retired"))
_BLANK |= {"company": "", "abbreviation_proposed": False, "from_source": False}
#: Columns that nobody wants to read of: mailsync's own notes, and what stands beside the stage.
_UNTOLD = frozenset({"abbreviation_proposed", "from_source", "stage_since"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One import as the tables see it."""

    connection: sa.Connection
    now: datetime
    source: bool  #: the rows come from `[registry] source`
    by: str  #: who changes what differs: a person, or the file
    cause: Cause
    told: list[Change] = field(default_factory=list)  #: what was changed so far

    def record(self, changes: Iterable[Change]) -> None:
        """Write changes into the history."""
        made = list(changes)
        self.told.extend(made)
        record(self.connection, made, at=self.now, by=self.by, cause=self.cause)


def retirement(visit: Visit, table: Table, row: ReadRow, former: Values) -> Values:
    """What a row says of its being retired. Named by the source, or by a file without that column, it is not."""
    if "retired" not in row.values:
        return {"retired": None} if visit.source or "retired" not in table.columns else {}
    match row.values["retired"]:
        case datetime() as since:
            return {"retired": since}
        case True:
            return {"retired": former["retired"] or visit.now}
        case _:
            return {"retired": None}


def end_engagements(visit: Visit, column: InstrumentedAttribute[int], ids: list[int]) -> None:
    """End the engagements that have one of these ids in `column`."""
    if ids:
        statement = sa.update(Engagement).where(column == sa.bindparam("of"), Engagement.ended.is_(None))
        visit.connection.execute(statement.values(ended=visit.now), [{"of": row_id} for row_id in ids])


def upsert_shows(visit: Visit, table: Table, rows: list[ReadRow], tally: Tally) -> None:
    """Add and change shows, found by letter, or by name where they have none."""
    held = rows_of(visit.connection, Show)
    by_letter = {show["letter"]: show for show in held if show["letter"]}
    by_name = {show["name"]: show for show in held if not show["letter"]}
    new: list[Values] = []
    changes: dict[int, Values] = {}
    for row in rows:
        letter = row.text("letter")
        wanted = _show_values(row, table, tally)
        former = by_letter.get(letter) if letter else by_name.get(row.text("name"))
        if former is None:
            blank: Values = {
                "letter": letter,
                "name": None,
                "held_on": None,
                "city": None,
                "coded": bool(letter),
            }
            new.append(blank | wanted)
        else:
            changes[former["id"]] = differing(former, wanted)
    ids = insert_all(visit.connection, Show, new)
    update_all(visit.connection, Show, changes)
    names = [show["letter"] or show["name"] or "" for show in new]
    visit.record(added("show", show_id, name) for show_id, name in zip(ids, names, strict=True))
    former_of = {show["id"]: show for show in held}
    visit.record(_changes_of_shows(former_of, changes))
    _count(tally, len(new), changes)


def _changes_of_shows(held: Mapping[int, Values], changes: Mapping[int, Values]) -> Iterator[Change]:
    for show_id, values in changes.items():
        for name, value in values.items():
            heading = "date" if name == "held_on" else name
            yield changed("show", show_id, heading, held[show_id][name], value)


def _show_values(row: ReadRow, table: Table, tally: Tally) -> Values:
    columns = {"name": "name", "date": "held_on", "city": "city", "coded": "coded"}
    values = {columns[name]: value for name, value in row.values.items() if name in columns}
    if values.get("coded") and not row.text("letter"):
        reason = Sentence.of(N_("A show whose visitors get codes needs a letter; it is kept as not coded"))
        tally.problem(row.number, table.column("coded"), reason)
        values["coded"] = False
    return values


def _count(tally: Tally, added: int, changes: Mapping[int, Values]) -> None:
    changed = sum(bool(values) for values in changes.values())
    tally.added += added
    tally.changed += changed
    tally.unchanged += len(changes) - changed


def upsert_customers(visit: Visit, table: Table, rows: list[ReadRow], tally: Tally) -> frozenset[int]:
    """Add and change customers, found by code; the ids of those the rows name."""
    held = {customer["id"]: customer for customer in rows_of(visit.connection, Customer)}
    code_rows = rows_of(visit.connection, Code)
    ids = {code["key"]: code["customer_id"] for code in code_rows}
    written = {code["key"]: code["text"] for code in code_rows}
    shows = _shows_by_name(visit.connection)
    new: list[tuple[ReadRow, Values]] = []
    changes: dict[int, Values] = {}
    for row in rows:
        key = codes.parse(row.text("code") or "").key
        if row.unchanged and key in ids:
            changes[ids[key]] = {}
            continue
        wanted = _customer_values(row, table, tally, shows, written.get(key) or row.text("code") or "")
        former = held.get(ids.get(key, 0), _BLANK)
        wanted |= retirement(visit, table, row, former) | ({"from_source": True} if visit.source else {})
        wanted |= _stage_begun(visit, wanted, former)
        if key in ids:
            changes[former["id"]] = differing(former, wanted | _abbreviated(row, wanted, former))
        else:
            new.append((row, wanted))
            if not wanted.get("company"):
                reason = Sentence.of(N_("This customer has no company name"))
                tally.problem(row.number, table.column("company"), reason)
    ids |= _insert(visit, new)
    for customer_id, survivor in _merges(table, rows, tally, ids, held).items():
        changes.setdefault(customer_id, {})["merged_into_id"] = survivor
    update_all(visit.connection, Customer, changes)
    visit.record(_changes_of_customers(visit, held, changes))
    end_engagements(
        visit, Engagement.customer_id, [row_id for row_id in changes if changes[row_id].get("retired")]
    )
    _count(tally, len(new), {row_id: values for row_id, values in changes.items() if row_id in held})
    return frozenset(ids[codes.parse(row.text("code") or "").key] for row in rows)


def _stage_begun(visit: Visit, wanted: Values, former: Values) -> Values:
    """A known customer that comes to another stage does so today, where nobody says since when."""
    moved = former is not _BLANK and wanted.get("stage", former["stage"]) != former["stage"]
    return {"stage_since": visit.now.date()} if moved and "stage_since" not in wanted else {}


def _changes_of_customers(
    visit: Visit, held: Mapping[int, Values], changes: Mapping[int, Values]
) -> Iterator[Change]:
    if not any(values.keys() - _UNTOLD for values in changes.values()):
        return
    shows = {show["id"]: show["letter"] or show["name"] for show in rows_of(visit.connection, Show)}
    own_codes = {code["customer_id"]: code["text"] for code in rows_of(visit.connection, Code)}
    words = {"show_id": shows, "merged_into_id": own_codes}
    for customer_id, values in changes.items():
        former = held.get(customer_id, _BLANK)
        for name in values.keys() - _UNTOLD:
            texts = words.get(name)
            before, after = (texts.get(value) if texts else value for value in (former[name], values[name]))
            since = values.get("stage_since", former["stage_since"]) if name == "stage" else None
            yield changed("customer", customer_id, name.removesuffix("_id"), before, after, since)


def _insert(visit: Visit, new: list[tuple[ReadRow, Values]]) -> dict[str, int]:
    """New customers with their codes; comparison key → customer's id."""
    rows = [
        _BLANK
        | {"from_source": row.values.get("from_source", False)}
        | wanted
        | _abbreviated(row, wanted, _BLANK)
        for row, wanted in new
    ]
    ids = insert_all(visit.connection, Customer, rows)
    given: list[Values] = []
    for (row, _), customer_id in zip(new, ids, strict=True):
        text = row.text("code") or ""
        allocated = row.values.get("allocated")
        given.append(
            {
                "key": codes.parse(text).key,
                "text": text,
                "customer_id": customer_id,
                "allocated": allocated if isinstance(allocated, datetime) else visit.now,
            }
        )
    insert_all(visit.connection, Code, given)
    visit.record(added("customer", code["customer_id"], code["text"]) for code in given)
    return {code["key"]: code["customer_id"] for code in given}


def _shows_by_name(connection: sa.Connection) -> dict[str, int]:
    """Letter, and folded name, of each show → its id; letters win."""
    shows = rows_of(connection, Show)
    named = {show["name"].casefold(): show["id"] for show in shows if show["name"]}
    return named | {show["letter"]: show["id"] for show in shows if show["letter"]}


def _customer_values(row: ReadRow, table: Table, tally: Tally, shows: Mapping[str, int], code: str) -> Values:
    values = {name: row.values[name] for name in _PLAIN if name in row.values}
    if "company" in values:
        values["company"] = values["company"] or ""
    if "show" in row.values:
        values |= _show_of(row, table, tally, shows, code)
    if "full_code" in row.values:
        values |= _full_code_of(row, table, tally, code)
    return values


def _show_of(row: ReadRow, table: Table, tally: Tally, shows: Mapping[str, int], code: str) -> Values:
    typed = row.text("show")
    if typed is None:
        return {"show_id": None}
    found = shows.get(codes.fold(typed)) or shows.get(typed.casefold())
    if found is not None:
        return {"show_id": found}
    if codes.fold(typed) != codes.parse(code).letters:  # the code says its show itself
        reason = Sentence.of(N_("There is no show “{text}” in the table of shows"), text=typed)
        tally.problem(row.number, table.column("show"), reason)
    return {}


def _full_code_of(row: ReadRow, table: Table, tally: Tally, code: str) -> Values:
    typed = row.text("full_code")
    if typed is None:
        return {"full_code": None}
    head, _, tail = typed.rpartition(" ")
    if codes.key(head) == codes.key(code):
        return {"full_code": f"{code} {tail}"}
    reason = Sentence.of(N_("The full code “{text}” does not belong to {code}"), text=typed, code=code)
    tally.problem(row.number, table.column("full_code"), reason)
    return {}


def _abbreviated(row: ReadRow, wanted: Values, former: Values) -> Values:
    """The abbreviation as written, else that of the full code, else one proposed from the company's name.

    A proposed one follows the name until somebody writes one.
    """
    if typed := row.text("abbreviation"):
        proposed = former["abbreviation_proposed"] and former["abbreviation"] == typed
        return {"abbreviation": typed, "abbreviation_proposed": proposed}
    if former["abbreviation"] and not former["abbreviation_proposed"] and "abbreviation" not in row.values:
        return {}
    if full_code := {**former, **wanted}["full_code"]:
        return {"abbreviation": full_code.rpartition(" ")[2][2:], "abbreviation_proposed": True}
    company = {**former, **wanted}["company"]
    return {"abbreviation": propose(company), "abbreviation_proposed": True}


def _merges(
    table: Table, rows: list[ReadRow], tally: Tally, ids: Mapping[str, int], held: Mapping[int, Values]
) -> dict[int, int | None]:
    """Customer's id → survivor's id, where a row changes it; cyclic merges and missing survivors are reported."""
    former = {customer_id: customer["merged_into_id"] for customer_id, customer in held.items()}
    wanted: dict[int, int | None] = {}
    row_of: dict[int, ReadRow] = {}
    for row in rows:
        if "merged_into" not in row.values or row.unchanged:
            continue
        survivor = row.text("merged_into")
        survivor_id = ids.get(codes.parse(survivor).key) if survivor else None
        if survivor and survivor_id is None:
            reason = Sentence.of(N_("There is no customer {code} to merge into"), code=survivor)
            tally.problem(row.number, table.column("merged_into"), reason)
            continue
        customer_id = ids[codes.parse(row.text("code") or "").key]
        wanted[customer_id], row_of[customer_id] = survivor_id, row
    for customer_id in _cyclic(former, wanted):
        row = row_of[customer_id]
        reason = Sentence.of(
            N_("{code} cannot be merged into {survivor}: the merges go round in a circle"),
            code=row.text("code"),
            survivor=row.text("merged_into"),
        )
        tally.problem(row.number, table.column("merged_into"), reason)
        del wanted[customer_id]
    return {row_id: survivor for row_id, survivor in wanted.items() if former.get(row_id) != survivor}


def _cyclic(former: Mapping[int, int | None], wanted: Mapping[int, int | None]) -> list[int]:
    """The wanted merges that lie on a circle, in their order; without them the former ones stand again."""
    refused: list[int] = []
    while True:
        accepted = {row_id: survivor for row_id, survivor in wanted.items() if row_id not in refused}
        graph = {**former, **accepted}
        found = [row_id for row_id in accepted if _comes_back(row_id, graph)]
        if not found:
            return sorted(refused, key=list(wanted).index)
        refused += found


def _comes_back(start: int, graph: Mapping[int, int | None]) -> bool:
    at = graph.get(start)
    for _ in graph:
        if at is None or at == start:
            break
        at = graph.get(at)
    return at == start
