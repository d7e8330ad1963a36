"""People typed in one at a time: added, changed, retired (DOMAIN 3) (database)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.registry.editing import Edited, reinstate_rows, retire_rows
from mailsync.registry.entering import Codebook, read_one, refuse, visiting
from mailsync.registry.model import Contact, Engagement
from mailsync.registry.outcome import Tally
from mailsync.registry.statements import Values
from mailsync.registry.upsert_customers import Visit
from mailsync.registry.upsert_people import NOBODY, Person, held_people, write_people
from mailsync.text import N_, Sentence, normalise_address

#: Fields of a person's row that an edit sets as they are.
_PLAIN = ("role", "name", "company", "region", "phone", "title")


def add_contact(
    engine: sa.Engine,
    cells: Mapping[str, str],
    *,
    codes: Sequence[str] = (),
    anyway: bool = False,
    by: str,
    now: datetime | None = None,
    dry_run: bool = False,
) -> Edited:
    """Register a person, engaged with the customers of `codes`; with none of them an uncoded contact.

    `anyway`: two people share an address. Raises `UsageError` where a cell cannot be read, there is no such customer,
    or the address is registered already.
    """
    if not cells.get("email"):
        raise UsageError(N_("A person needs an e-mail address: add --email"))
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        _, row, _ = read_one("people", cells)
        addresses = (*row.texts("email"), *row.texts("email2"))
        people = held_people(visit)
        if not anyway:
            _refuse_known(people, addresses, codes)
        if (external_id := row.text("id")) and any(
            one.former["external_id"] == external_id for one in people
        ):
            raise UsageError(N_("The id {id} is another person's: leave --id out"), id=external_id)
        customers, notes = _customers(visit, codes)
        person = Person(former=NOBODY, addresses=tuple(dict.fromkeys(addresses)))
        person.wanted = {name: row.values[name] for name in _PLAIN if name in row.values}
        person.wanted |= {"external_id": external_id} if external_id else {}
        if customers and person.wanted.get("role", "contact") == "contact":
            person.wanted.setdefault("company", customers[0]["company"])
        person.customers = {customer["id"] for customer in customers}
        _write(visit, person)
    return Edited(about=_called(person), changes=tuple(visit.told), notes=tuple(notes))


def edit_contact(
    engine: sa.Engine,
    who: str,
    cells: Mapping[str, str],
    *,
    add_codes: Sequence[str] = (),
    remove_codes: Sequence[str] = (),
    add_addresses: Sequence[str] = (),
    remove_addresses: Sequence[str] = (),
    by: str,
    now: datetime | None = None,
    dry_run: bool = False,
) -> Edited:
    """Change a person found by address or id; `-` blanks a field, `email` in `cells` makes another address the main
    one. Raises `UsageError` where nobody or several people are meant, or something cannot be read."""
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        person = _meant(held_people(visit), who)
        if add_codes and person.former["retired"]:
            raise UsageError(
                N_("{person} is retired: `mailsync contacts reinstate {who}` first. Nothing was written"),
                person=_called(person),
                who=shlex.quote(who),
            )
        _, row, _ = read_one("people", {**cells, "id": who})
        person.wanted = {name: row.values[name] for name in _PLAIN if name in row.values}
        if "name" in person.wanted:
            person.wanted["name"] = person.wanted["name"] or ""
        person.addresses = _addresses(person, row.texts("email"), add_addresses, remove_addresses)
        added, notes = _customers(visit, add_codes)
        removed = _removed(visit, person, remove_codes)
        if add_codes or remove_codes:
            person.customers = (set(person.engaged) | {one["id"] for one in added}) - removed
        _write(visit, person)
        if person.former["from_source"]:
            notes.append(
                Sentence.of(
                    N_(
                        "The registry's source delivers this row: when it changes there, the source wins. Correct it there too"
                    )
                )
            )
    return Edited(about=_called(person), changes=tuple(visit.told), notes=tuple(notes))


def retire_contact(
    engine: sa.Engine, who: str, *, by: str, now: datetime | None = None, dry_run: bool = False
) -> Edited:
    """End all engagements of a person, who stays registered. Raises `UsageError`."""
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        person = _meant(held_people(visit), who)
        if person.former["retired"]:
            raise UsageError(N_("{person} is retired already"), person=_called(person))
        retire_rows(visit, Contact, [person.contact_id or 0], Engagement.contact_id)
    return Edited(about=_called(person), changes=tuple(visit.told))


def reinstate_contact(
    engine: sa.Engine, who: str, *, by: str, now: datetime | None = None, dry_run: bool = False
) -> Edited:
    """Take a person's retirement back, with the engagements that it ended. Raises `UsageError`."""
    with visiting(engine, by=by, now=now, dry_run=dry_run) as visit:
        person = _meant(held_people(visit), who)
        if not person.former["retired"]:
            raise UsageError(N_("{person} is not retired"), person=_called(person))
        row: Values = {"id": person.contact_id, "retired": person.former["retired"]}
        reinstate_rows(visit, Contact, [row], Engagement.contact_id)
    return Edited(about=_called(person), changes=tuple(visit.told))


def _write(visit: Visit, person: Person) -> None:
    tally = Tally(kind="people", file="")
    write_people(visit, [person], tally)
    refuse(tally.problems)


def _called(person: Person) -> str:
    name = person.wanted.get("name", person.former["name"])
    return str(name or next(iter(person.addresses), person.former["external_id"] or "?"))


def _refuse_known(people: list[Person], addresses: Sequence[str], codes: Sequence[str]) -> None:
    for address in addresses:
        for person in people:
            if address in person.addresses:
                command = f"mailsync contacts edit {shlex.quote(address)}" + "".join(
                    f" --add-code {shlex.quote(code)}" for code in codes
                )
                raise UsageError(
                    N_(
                        "{address} is registered already, as {name}'s. To change that person type `{command}`; if two "
                        "people share the address, say --anyway. Nothing was written"
                    ),
                    address=address,
                    name=_called(person),
                    command=command,
                )


def _meant(people: list[Person], who: str) -> Person:
    """The person with this id or address."""
    address = normalise_address(who)
    found = [person for person in people if who in (person.former["external_id"], person.former["key"])]
    found = found or [person for person in people if address in person.addresses]
    if not found:
        raise UsageError(
            N_("Nobody is registered with the address or id “{who}”: `mailsync contacts list` shows them"),
            who=who,
        )
    if len(found) > 1:
        ids = ", ".join(f"{person.former['key']} ({_called(person)})" for person in found)
        raise UsageError(
            N_("Several people have the address {who}: name one by its id: {ids}"), who=who, ids=ids
        )
    return found[0]


def _customers(visit: Visit, typed: Sequence[str]) -> tuple[list[Values], list[Sentence]]:
    book = Codebook(visit.connection)
    found: list[Values] = []
    notes: list[Sentence] = []
    for code in typed:
        customer = book.customer(code)
        own = book.text(customer["id"])
        if customer["retired"]:
            raise UsageError(
                N_("{code} is retired: `mailsync customers reinstate {code}` first. Nothing was written"),
                code=own,
            )
        if book.own(code)["id"] != customer["id"]:
            old = book.text(book.own(code)["id"])
            notes.append(Sentence.of(N_("{old} was merged into {code}"), old=old, code=own))
        found.append(customer)
    return found, notes


def _removed(visit: Visit, person: Person, typed: Sequence[str]) -> set[int]:
    book = Codebook(visit.connection)
    removed: set[int] = set()
    for code in typed:
        family = set(book.family(book.customer(code)["id"])) & person.engaged
        if not family:
            raise UsageError(
                N_("{person} is not engaged with {code}. Nothing was written"),
                person=_called(person),
                code=code,
            )
        removed |= family
    return removed


def _addresses(
    person: Person, main: Sequence[str], added: Sequence[str], removed: Sequence[str]
) -> tuple[str, ...]:
    """The addresses after the edit, the main one first."""
    new = [address for cell in added for address in read_one("people", {"email": cell})[1].texts("email")]
    gone = {normalise_address(address) for address in removed}
    if strange := gone - set(person.addresses):
        raise UsageError(
            N_("{person} has no address {address}. Nothing was written"), person=_called(person),
            address=min(strange),
        )  # fmt: skip
    kept = tuple(
        address for address in dict.fromkeys((*main, *person.addresses, *new)) if address not in gone
    )
    if not kept:
        raise UsageError(N_("A person needs an e-mail address: add another one first. Nothing was written"))
    return kept
