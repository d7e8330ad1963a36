"""New shows and new customers: each gets the next letter or number, and nobody else the same (DOMAIN 2) (database).

The registry is locked from the look at the last number to the commit: two that allocate at once wait for each other,
and what is refused or taken back leaves no gap.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.registry import codes
from mailsync.registry.cards import Card
from mailsync.registry.editing import Edited
from mailsync.registry.entering import Codebook, give_up, read_one, refuse, typed_table, visiting
from mailsync.registry.model import Code, Show
from mailsync.registry.names import company_key
from mailsync.registry.outcome import RowProblem, Tally
from mailsync.registry.rows import ReadRow, read_rows
from mailsync.registry.sequence import next_codes, next_letters
from mailsync.registry.statements import Values, rows_of
from mailsync.registry.upsert_customers import Visit, upsert_customers, upsert_shows
from mailsync.registry.upsert_people import Person, held_people, upsert_people
from mailsync.text import N_, Sentence

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShow:
    """A show as it was registered, or would be."""

    letter: str | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomer:
    """A customer as it was registered, or would be, with the people of its cards."""

    code: str
    company: str
    country: str | None
    people: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The customer as programs read it."""
        return {
            "code": self.code,
            "company": self.company,
            "country": self.country,
            "people": list(self.people),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What became of the cards: customers in order of their codes, and what could not be taken as written."""

    customers: tuple[NewCustomer, ...]
    problems: tuple[RowProblem, ...] = ()
    notes: tuple[Sentence, ...] = ()
    written: bool = True


def add_show(
    engine: sa.Engine, cells: Cells, *, by: str, now: datetime | None = None, dry_run: bool = False
) -> NewShow:
    """Register a show under the next free letter, or under `cells["letter"]`; with `coded` = no under none.

    Raises `UsageError` where a cell cannot be read, the letter or the name is taken, or no letter is left.
    """
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        held = rows_of(visit.connection, Show)
        given = [codes.parse(row["text"]).letters for row in rows_of(visit.connection, Code)]
        taken = {letters for letters in (*given, *(show["letter"] for show in held)) if letters}
        wanted = dict(cells)
        _, read, _ = read_one("shows", wanted)
        name = read.text("name") or ""
        if read.values.get("coded") is False:
            if read.text("letter"):
                raise UsageError(N_("A show without codes has no letter: leave --letter or --uncoded out"))
        elif letter := read.text("letter"):
            if letter in taken:
                raise UsageError(N_("The letter {letter} is in use already, and no letter is ever given twice"),
                                 letter=letter)  # fmt: skip
        else:
            wanted["letter"] = _next_letter(taken)
        _refuse_known_show(held, read, name)
        table, row, tally = read_one("shows", wanted | {"coded": "yes" if "letter" in wanted else "no"})
        upsert_shows(visit, table, [row], tally)
        refuse(tally.problems)
    return NewShow(letter=row.text("letter"), name=name)


def edit_show(
    engine: sa.Engine, show: str, cells: Cells, *, by: str, now: datetime | None = None, dry_run: bool = False
) -> Edited:
    """Change a show's name, date, city or whether its visitors get codes. Raises `UsageError`."""
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        found = _show(visit, show)
        named: Cells = {"letter": found["letter"]} if found["letter"] else {"name": found["name"]}
        table, row, tally = read_one("shows", {**cells, **named})
        upsert_shows(visit, table, [row], tally)
        refuse(tally.problems)
    return Edited(about=found["letter"] or found["name"], changes=tuple(visit.told))


def _next_letter(taken: set[str]) -> str:
    letter = next_letters(taken)
    if letter is None:
        raise UsageError(N_("No letter is left after ZZ: register the show with --uncoded"))
    return letter


def _refuse_known_show(held: list[Values], read: ReadRow, name: str) -> None:
    for show in held:
        same = (show["name"] or "").casefold() == name.casefold()
        if same and (not show["letter"] or show["held_on"] == read.values.get("date")):
            raise UsageError(
                N_(
                    "The show “{name}” is registered already{letter}: give another name, or its date by --date"
                ),
                name=name,
                letter=f" ({show['letter']})" if show["letter"] else "",
            )


def _show(visit: Visit, typed: str) -> Values:
    """The show of a letter or a name. Raises `UsageError` naming those there are."""
    held = rows_of(visit.connection, Show)
    by_letter = [show for show in held if show["letter"] == codes.fold(typed)]
    by_name = [show for show in held if (show["name"] or "").casefold() == typed.strip().casefold()]
    if found := by_letter or by_name:
        return found[0]
    raise UsageError(
        N_("There is no show “{show}”. Registered are: {shows}. `mailsync shows add NAME` registers another"),
        show=typed,
        shows=", ".join(" ".join(filter(None, (show["letter"], show["name"]))) for show in held) or "–",
    )


def add_customers(
    engine: sa.Engine,
    cards: Sequence[Card],
    *,
    show: str | None = None,
    channel: str | None = None,
    anyway: bool = False,
    strict: bool = False,
    by: str,
    now: datetime | None = None,
    dry_run: bool = False,
) -> Additions:
    """Register the companies of `cards` as customers, in the order of the cards, with the people on them.

    Exactly one of `show` (letter or name) and `channel` (where they come from) says which numbers they get. A card
    that is refused takes no number; `strict`: with any problem nothing is written. `anyway`: a company or an address
    that is registered already is registered again. Several cards of one company make one customer.

    Raises `UsageError` where there is no such show, or one without codes.
    """
    if (show is None) == (channel is None):
        raise UsageError(N_("Say where the customers come from: --show LETTER, or --channel TEXT"))
    if channel is not None:
        _refuse_show_as_channel(channel)
    with visiting(engine, by=by, now=now, dry_run=False) as visit:
        found = _show(visit, show) if show is not None else None
        letters = _letters(visit, found) if found else ""
        counter = _Counter(visit, cards, letters, anyway)
        counter.read()
        origin: Cells = {"channel": "show", "show": letters} if letters else {"channel": channel or ""}
        customers = counter.write(origin)
        written = not dry_run and not (strict and counter.problems)
        if not written:
            give_up(visit)
    return Additions(
        customers=customers, problems=tuple(counter.problems), notes=tuple(counter.notes), written=written
    )


def _refuse_show_as_channel(channel: str) -> None:
    """`show` is the word by which registry files tell a show's visitors from all others (FORMATS 1)."""
    _, row, _ = read_one("customers", {"code": "1", "channel": channel})
    if row.text("channel") in (None, "show"):
        raise UsageError(N_("Visitors of a show get its codes: say --show LETTER instead of --channel"))


def _letters(visit: Visit, show: Values) -> str:
    if not show["letter"] or not show["coded"]:
        raise UsageError(
            N_(
                "The visitors of the show “{show}” get no codes: give the customer a channel number with --channel, "
                "or register the person alone with `mailsync contacts add`"
            ),
            show=show["name"] or show["letter"],
        )
    return str(show["letter"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A card that makes a customer, or adds a person to one of a card before it."""

    card: Card
    company: str
    customer: Mapping[str, str]
    same_as: int | None  #: index of the card that made the customer


class _Counter:
    """Where cards are handed in."""

    def __init__(self, visit: Visit, cards: Sequence[Card], letters: str, anyway: bool) -> None:
        self._visit = visit
        self._cards = cards
        self._letters = letters
        self._anyway = anyway
        self._book = Codebook(visit.connection)
        self._by_address: defaultdict[str, list[Person]] = defaultdict(list)
        for person in held_people(visit):
            for address in person.addresses:
                self._by_address[address].append(person)
        self._companies: dict[str, int] = {}
        for row_id, customer in self._book.customers.items():
            self._companies.setdefault(company_key(customer["company"]), row_id)
        self._taken: list[_Taken] = []
        self.problems: list[RowProblem] = []
        self.notes: list[Sentence] = []

    def read(self) -> None:
        """Look at every card: which can be taken, and what is wrong with the others."""
        made: dict[str, int] = {}
        for card in self._cards:
            cells = {field: text for field, text in card.customer.items() if text.strip()}
            company, key = cells.get("company", ""), company_key(cells.get("company", ""))
            if not company:
                self._refuse(card, "company", Sentence.of(N_("A customer needs the name of its company")))
            elif key and key in made:
                if self._anyway or not self._clashes(card):
                    self._taken.append(_Taken(card=card, company=company, customer=cells, same_as=made[key]))
            elif self._anyway or not (self._known(card, company, key) or self._clashes(card)):
                made[key] = len(self._taken)
                self._taken.append(_Taken(card=card, company=company, customer=cells, same_as=None))

    def write(self, origin: Cells) -> tuple[NewCustomer, ...]:
        """Give the codes away and write customers and people."""
        first = [taken for taken in self._taken if taken.same_as is None]
        given = [codes.parse(row["text"]) for row in self._book.codes.values()]
        numbers = next_codes(self._letters, given, len(first))
        if len(numbers) < len(first):
            raise UsageError(N_("No number is left for so many customers"))
        code_of: dict[int, str] = {}
        rows: list[tuple[Card, Cells]] = []
        for index, taken in enumerate(self._taken):
            if taken.same_as is None:
                code_of[index] = numbers[len(code_of)].canonical
                cells = {"stage": "lead", **taken.customer, **origin, "code": code_of[index]}
                rows.append((taken.card, cells))
        customers = self._upsert("customers", rows)
        people = [
            (
                taken.card,
                self._person_cells(taken, code_of[index if taken.same_as is None else taken.same_as]),
            )
            for index, taken in enumerate(self._taken)
        ]
        self._upsert("people", [(card, cells) for card, cells in people if cells])
        names: defaultdict[str, list[str]] = defaultdict(list)
        for _, cells in people:
            if cells:
                names[cells["codes"].split()[-1]].append(cells.get("name") or cells.get("email", ""))
        return tuple(
            NewCustomer(
                code=row.text("code") or "",
                company=row.text("company") or "",
                country=row.text("country"),
                people=tuple(names[row.text("code") or ""]),
            )
            for row in customers
        )

    def _upsert(self, kind: Literal["customers", "people"], rows: list[tuple[Card, Cells]]) -> list[ReadRow]:
        table = typed_table(kind, [cells for _, cells in rows])
        tally = Tally(kind=kind, file="")
        read, _ = read_rows(table, tally, force=False)
        upsert = upsert_customers if kind == "customers" else upsert_people
        upsert(self._visit, table, read, tally)
        for problem in tally.problems:
            card = rows[problem.row - 1][0]
            column = problem.column.removeprefix("--").replace("-", "_")
            self.problems.append(replace(problem, file=card.file, row=card.number, column=column))
        return read

    def _person_cells(self, taken: _Taken, code: str) -> dict[str, str]:
        """The person on a card, engaged with the customer; without an address an id made of code and name."""
        cells = {field: text for field, text in taken.card.person.items() if text.strip()}
        if not cells.get("name") and not cells.get("email"):
            return {}
        maker = taken if taken.same_as is None else self._taken[taken.same_as]
        cells.setdefault("company", maker.company)
        if not cells.get("email"):
            cells["id"] = f"{code} {cells['name']}"
        owners = self._owners(cells.get("email", ""))
        engaged = [
            self._book.text(customer_id) for person in owners for customer_id in sorted(person.engaged)
        ]
        if any(person.former["retired"] for person in owners):
            cells["retired"] = "no"  # who hands over a card is there again
        return cells | {"codes": " ".join((*engaged, code))}

    def _owners(self, typed: str) -> list[Person]:
        """Who is registered with the addresses of a cell."""
        if not typed:
            return []
        table = typed_table("people", [{"email": typed}])
        rows, _ = read_rows(table, Tally(kind="people", file=""), force=False)
        addresses = [address for row in rows for address in row.texts("email")]
        found = [person for address in addresses for person in self._by_address.get(address, [])]
        return list({id(person): person for person in found}.values())

    def _known(self, card: Card, company: str, key: str) -> bool:
        """Whether the company is registered already, which is told."""
        if key and (known := self._companies.get(key)) is not None:
            reason = Sentence.of(
                N_(
                    "{company} is registered as {code} already. Add a person to it with "
                    "`mailsync contacts add --code {code}`; if it is another company, say --anyway"
                ),
                company=company,
                code=self._book.text(known),
            )
            self._refuse(card, "company", reason)
            return True
        return False

    def _clashes(self, card: Card) -> bool:
        """Whether the person on the card is another customer's contact, which is told."""
        for person in self._owners(card.person.get("email", "")):
            if person.engaged and person.former["role"] == "contact":
                self._refuse(card, "email", self._elsewhere(person))
                return True
            if not person.engaged:
                self.notes.append(
                    Sentence.of(
                        N_("{name} was registered without a code; now it is the customer's contact"),
                        name=person.former["name"] or person.addresses[0],
                    )
                )
        return False

    def _elsewhere(self, person: Person) -> Sentence:
        address = person.addresses[0]
        return Sentence.of(
            N_(
                "{name} ({address}) is registered with {codes} already. To engage the person with another customer "
                "type `mailsync contacts edit {quoted} --add-code CODE`; if it is a new customer all the same, "
                "say --anyway"
            ),
            name=person.former["name"] or "?",
            address=address,
            codes=", ".join(self._book.text(customer_id) for customer_id in sorted(person.engaged)),
            quoted=shlex.quote(address),
        )

    def _refuse(self, card: Card, column: str, reason: Sentence) -> None:
        self.problems.append(
            RowProblem(file=card.file, row=card.number, column=column, reason=reason, refused=True)
        )
