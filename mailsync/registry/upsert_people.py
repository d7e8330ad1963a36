"""People from registry files into the database (FORMATS 1): found by id or by their main e-mail (database)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailsync.registry import codes
from mailsync.registry.history import Change, added, changed
from mailsync.registry.model import Address, Code, Contact, Customer, Engagement, Party
from mailsync.registry.outcome import Tally
from mailsync.registry.rows import ReadRow
from mailsync.registry.statements import Values, delete_all, differing, insert_all, rows_of, update_all
from mailsync.registry.tables import Table
from mailsync.registry.upsert_customers import Visit, retirement
from mailsync.text import N_, Sentence

_PARTY_KINDS = {"contact": "customer", "forwarder": "forwarder", "inspector": "inspector"}
_PLAIN = ("role", "name", "company", "region", "phone", "title")
#: Columns whose changes the history tells → the heading it tells them under.
_TOLD = {name: name for name in (*_PLAIN, "retired")} | {"external_id": "id"}
#: A person of whom nothing is known.
NOBODY: Values = {
    "external_id": None,
    "role": "contact",
    "name": "",
    "company": None,
    "region": None,
    "phone": None,
}
NOBODY |= {"title": None, "from_source": False, "retired": None}


@dataclass(slots=True, kw_only=True, eq=False)
class Person:
    """A person while the rows about it are read: as the database holds it, and as the rows want it."""

    contact_id: int | None = None
    former: Values
    former_addresses: tuple[str, ...] = ()
    engaged: frozenset[int] = frozenset()  #: customers, by id, whose engagement holds
    row: int | None = None  #: the first row about this person
    wanted: Values = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    customers: set[int] | None = None  #: None: no row says anything about codes
    only_adds: bool = False  #: a code could not be read, so none is taken away


def upsert_people(visit: Visit, table: Table, rows: list[ReadRow], tally: Tally) -> frozenset[int]:
    """Add and change contacts, their addresses and engagements; the ids of those the rows name."""
    crowd = Crowd(held_people(visit))
    customers = _Customers(visit)
    named: list[Person] = []
    # Rows with an id say for sure whom they are about, those with a name nearly so; the others look among all these.
    for row in sorted(rows, key=lambda row: (row.text("id") is None, row.text("name") is None)):
        person = crowd.find(row) or crowd.add(Person(former=NOBODY))
        if person.row is None:
            named.append(person)
        if not (row.unchanged and person.contact_id is not None):
            _take(person, row, table, tally, again=person.row is not None)
            person.wanted |= retirement(visit, table, row, person.former)
            _take_codes(person, row, table, tally, customers)
        person.row = person.row or row.number
        crowd.index(person)
        if (visit.source and not row.unchanged) or (
            person.contact_id is None and row.values.get("from_source")
        ):
            person.wanted["from_source"] = True
    write_people(visit, sorted(named, key=lambda person: person.row or 0), tally)
    return frozenset(person.contact_id for person in named if person.contact_id is not None)


class Crowd:
    """All people of database and file, found by id and by main e-mail."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._by_id: dict[str, Person] = {}
        self._by_key: dict[str, Person] = {}  #: people without an id, by the key that an export writes for it
        self._by_address: defaultdict[str, list[Person]] = defaultdict(list)
        for person in people:
            self.index(person)

    def add(self, person: Person) -> Person:
        self.index(person)
        return person

    def index(self, person: Person) -> None:
        """Make the person known under its id and addresses as they stand now."""
        if external_id := _now(person, "external_id"):
            self._by_id[external_id] = person
        elif key := person.former.get("key"):
            self._by_key[key] = person
        for address in person.addresses:
            if person not in self._by_address[address]:
                self._by_address[address].append(person)

    def find(self, row: ReadRow) -> Person | None:
        """Whom a row is about. Two people may share an address: ids keep them apart, else the main e-mail decides;
        somebody's second address counts only where the name does not speak against it."""
        external_id, name = row.text("id"), row.text("name")
        if external_id and (person := self._by_id.get(external_id)):
            return person
        given = _addresses_of(row)
        if not given:
            return None
        keyed = self._by_key.get(external_id or "")
        if keyed is not None and given[0] in keyed.addresses:  # else somebody's id only looks like that key
            return keyed
        main: list[Person] = []
        second: list[Person] = []
        for person in self._at(given[0], given):
            if given[0] not in person.addresses or (external_id and _now(person, "external_id")):
                continue  # a row before took the address away; another id is another person
            if person.addresses[0] == given[0]:
                main.append(person)
            elif name in (None, _now(person, "name")):
                second.append(person)
        same_name = [person for person in main if name == _now(person, "name")]
        return next(iter((*same_name, *main, *second, *self._renamed(row))), None)

    def _at(self, address: str, given: Sequence[str]) -> list[Person]:
        """Who has an address: those with most of the row's addresses first, then in the order in which they are
        registered, so that a second import finds the same person."""
        return sorted(
            self._by_address.get(address, ()),
            key=lambda person: (-len(set(given) & set(person.addresses)), *_age(person)),
        )

    def _renamed(self, row: ReadRow) -> Iterator[Person]:
        """Whose main address stands in the row as a further one: theirs has changed, if the name agrees."""
        external_id, name = row.text("id"), row.text("name")
        for address in row.texts("email2") if row.texts("email") else ():
            for person in self._at(address, _addresses_of(row)):
                known = _now(person, "name") or None
                another = person.row is not None or (external_id and _now(person, "external_id"))
                if (
                    not another
                    and person.addresses[:1] == (address,)
                    and (known is None or name in (None, known))
                ):
                    yield person


def _age(person: Person) -> tuple[bool, int]:
    """In what order people are, or will be, registered."""
    return (person.contact_id is None, person.contact_id or person.row or 0)


class _Customers:
    """Comparison key of a code → customer's id, and who was retired."""

    def __init__(self, visit: Visit) -> None:
        self.ids = {code["key"]: int(code["customer_id"]) for code in rows_of(visit.connection, Code)}
        self.retired = {row["id"] for row in rows_of(visit.connection, Customer) if row["retired"]}


def held_people(visit: Visit) -> list[Person]:
    """Everybody registered, as a visit finds them."""
    companies = {party["id"]: party["name"] for party in rows_of(visit.connection, Party)}
    addresses: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for address in rows_of(visit.connection, Address):
        addresses[address["contact_id"]].append((address["position"], address["address"]))
    engaged: defaultdict[int, set[int]] = defaultdict(set)
    for engagement in rows_of(visit.connection, Engagement):
        if engagement["ended"] is None:
            engaged[engagement["contact_id"]].add(engagement["customer_id"])
    people = []
    for contact in rows_of(visit.connection, Contact):
        held = tuple(address for _, address in sorted(addresses[contact["id"]]))
        people.append(
            Person(
                contact_id=contact["id"],
                former=contact | {"company": companies.get(contact["party_id"])},
                former_addresses=held,
                addresses=held,
                engaged=frozenset(engaged[contact["id"]]),
            )
        )
    return people


def _now(person: Person, name: str) -> str | None:
    value = person.wanted.get(name, person.former[name])
    return value if isinstance(value, str) else None


def _addresses_of(row: ReadRow) -> tuple[str, ...]:
    return (*row.texts("email"), *row.texts("email2"))


def _take(person: Person, row: ReadRow, table: Table, tally: Tally, *, again: bool) -> None:
    """What one row says of a person; a second row of the file adds to the first and never contradicts it."""
    said = {name: row.values[name] for name in _PLAIN if name in row.values}
    if "name" in said:
        said["name"] = said["name"] or ""
    for name, value in said.items():
        if again and name in person.wanted and person.wanted[name] != value:
            reason = Sentence.of(
                N_(
                    "The person of row {row} has the same address or id, and there it says “{first}”; that is kept"
                ),
                row=person.row,
                first=person.wanted[name] or "",
            )
            tally.problem(row.number, table.column(name), reason)
        else:
            person.wanted[name] = value
    by_id = row.text("id")
    if by_id and by_id != person.former.get("key"):
        person.wanted["external_id"] = by_id
    if again:
        person.addresses = tuple(dict.fromkeys((*person.addresses, *_addresses_of(row))))
    else:
        person.addresses = _joined_addresses(person.addresses, row, replaces=bool(by_id))


def _joined_addresses(held: tuple[str, ...], row: ReadRow, *, replaces: bool) -> tuple[str, ...]:
    """Addresses after the first row about a person. With an id, the e-mail cells are the addresses, and an empty cell
    leaves its part alone; a row found by e-mail can only add, and say that the main one is another now."""
    main, more = row.texts("email"), row.texts("email2")
    if not replaces or row.spoiled & {"email", "email2"}:
        first = main if held[:1] and held[0] in more else ()
        return tuple(dict.fromkeys((*first, *held, *main, *more)))
    blanked = "email" in row.values and not main  # by `-`
    if "email2" not in row.values:
        more = held[1:] if blanked or (main and main[0] not in held) else held
    return tuple(dict.fromkeys((*(() if blanked else main or held[:1]), *more)))


def _take_codes(person: Person, row: ReadRow, table: Table, tally: Tally, customers: _Customers) -> None:
    if person.wanted.get("retired", person.former["retired"]):
        person.customers, person.only_adds = set(), False  # the retired are engaged with nobody
        return
    if "codes" not in row.values:
        person.only_adds |= "codes" in row.spoiled
        return
    person.customers = person.customers or set()
    person.only_adds |= "codes" in row.spoiled
    for code in row.texts("codes"):
        customer_id = customers.ids.get(codes.parse(code).key)
        if customer_id is not None and customer_id not in customers.retired:
            person.customers.add(customer_id)
            continue
        person.only_adds = True
        template = (
            N_("There is no customer with the code {code}")
            if customer_id is None
            else N_("The customer {code} is retired: the registry's source no longer delivers it")
        )
        tally.problem(row.number, table.column("codes"), Sentence.of(template, code=code))


def write_people(visit: Visit, people: list[Person], tally: Tally) -> None:
    """Bring the database to what these people are wanted to be, and write it into the history."""
    new = [person for person in people if person.contact_id is None]
    held = [person for person in people if person.contact_id is not None]
    changes_told = [change for person in held for change in changes_of(person)]
    _with_parties(visit, people)
    changes = {person.contact_id or 0: differing(person.former, person.wanted) for person in held}
    update_all(visit.connection, Contact, changes)
    contacts = rows_of(visit.connection, Contact) if new else []
    taken = {contact["key"] for contact in contacts}
    ids = {contact["external_id"] for contact in contacts} | {_now(person, "external_id") for person in new}
    blank = {name: value for name, value in NOBODY.items() if name != "company"} | {"party_id": None}
    rows = [blank | person.wanted | {"key": _permanent_key(person, taken, ids)} for person in new]
    for person, contact_id in zip(new, insert_all(visit.connection, Contact, rows), strict=True):
        person.contact_id = contact_id
    moved = _write_addresses(visit, people) | _write_engagements(visit, people)
    visit.record(added("contact", person.contact_id or 0, _name_of(person)) for person in new)
    visit.record([*changes_told, *_changes_of_codes(visit, people)])
    differ = sum(bool(changes[person.contact_id or 0]) or person.contact_id in moved for person in held)
    tally.added += len(new)
    tally.changed += differ
    tally.unchanged += len(held) - differ


def changes_of(person: Person) -> Iterator[Change]:
    """What differs of a person held, engagements left out."""
    contact_id = person.contact_id or 0
    for name, heading in _TOLD.items():
        if name in person.wanted and person.wanted[name] != person.former[name]:
            yield changed("contact", contact_id, heading, person.former[name], person.wanted[name])
    if person.addresses != person.former_addresses:
        before, after = "; ".join(person.former_addresses), "; ".join(person.addresses)
        yield changed("contact", contact_id, "email", before, after)


def _changes_of_codes(visit: Visit, people: Iterable[Person]) -> Iterator[Change]:
    moved = [(person, after) for person in people if (after := _engaged_after(person)) != person.engaged]
    if not moved:
        return
    texts = {code["customer_id"]: code["text"] for code in rows_of(visit.connection, Code)}
    for person, after in moved:
        before_codes, after_codes = (
            " ".join(texts[customer_id] for customer_id in sorted(ids)) for ids in (person.engaged, after)
        )
        yield changed("contact", person.contact_id or 0, "codes", before_codes, after_codes)


def _engaged_after(person: Person) -> frozenset[int]:
    if person.customers is None:
        return person.engaged
    return frozenset(person.customers | (person.engaged if person.only_adds else frozenset()))


def _name_of(person: Person) -> str:
    return _now(person, "name") or next(iter(person.addresses), _now(person, "external_id") or "")


def _permanent_key(person: Person, taken: set[str], ids: set[str | None]) -> str:
    """A name that stays the contact's for ever, the same when files are imported into an empty registry again, and
    nobody else's id."""
    own = _now(person, "external_id")
    base = own or person.addresses[0]
    key, count = base, 1
    while key in taken or (key in ids and key != own):
        count += 1
        key = f"{base}#{count}"
    taken.add(key)
    return key


def _with_parties(visit: Visit, people: list[Person]) -> None:
    """Replace `company` in what is wanted by the party of that name and kind, added where it is new."""
    ids = {(party["kind"], party["name"]): party["id"] for party in rows_of(visit.connection, Party)}
    needed = dict.fromkeys(key for person in people if (key := _party_key(person)))
    missing = [key for key in needed if key not in ids]
    rows: list[Values] = [
        {"kind": kind, "name": name, "short_name": None, "country": None} for kind, name in missing
    ]
    ids |= dict(zip(missing, insert_all(visit.connection, Party, rows), strict=True))
    for person in people:
        key = _party_key(person)
        person.wanted.pop("company", None)
        person.wanted["party_id"] = ids[key] if key else None


def _party_key(person: Person) -> tuple[str, str] | None:
    company = _now(person, "company")
    return (_PARTY_KINDS[_now(person, "role") or "contact"], company) if company else None


def _write_addresses(visit: Visit, people: list[Person]) -> set[int | None]:
    """Bring the addresses up to date; the ids of contacts whose addresses changed."""
    changed = {person.contact_id: person for person in people if person.addresses != person.former_addresses}
    held: Mapping[tuple[int, str], Values] = {
        (row["contact_id"], row["address"]): row
        for row in rows_of(visit.connection, Address)
        if row["contact_id"] in changed
    }
    wanted = {
        (person.contact_id or 0, address): position
        for person in changed.values()
        for position, address in enumerate(person.addresses)
    }
    delete_all(visit.connection, Address, (row["id"] for key, row in held.items() if key not in wanted))
    update_all(
        visit.connection,
        Address,
        {row["id"]: differing(row, {"position": wanted[key]}) for key, row in held.items() if key in wanted},
    )
    new: list[Values] = [
        {"contact_id": contact_id, "address": address, "position": position}
        for (contact_id, address), position in wanted.items()
        if (contact_id, address) not in held
    ]
    insert_all(visit.connection, Address, new)
    return set(changed)


def _write_engagements(visit: Visit, people: list[Person]) -> set[int | None]:
    """Begin, resume and end engagements as the codes say; the ids of contacts whose engagements changed."""
    begun: list[Values] = []
    changes: dict[int, Values] = {}
    moved: set[int | None] = set()
    held = {(row["contact_id"], row["customer_id"]): row for row in rows_of(visit.connection, Engagement)}
    for person in people:
        if person.customers is None:
            continue
        begins = sorted(person.customers - person.engaged)
        ends = set() if person.only_adds else person.engaged - person.customers
        for customer_id in begins:
            if former := held.get((person.contact_id, customer_id)):
                changes[former["id"]] = {"ended": None}
            else:
                key = {"contact_id": person.contact_id, "customer_id": customer_id}
                begun.append(key | {"started": visit.now, "ended": None})
        for customer_id in ends:
            changes[held[person.contact_id, customer_id]["id"]] = {"ended": visit.now}
        if begins or ends:
            moved.add(person.contact_id)
    insert_all(visit.connection, Engagement, begun)
    update_all(visit.connection, Engagement, changes)
    return moved
