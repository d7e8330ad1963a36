"""What the registry itself shows to be wanting: gaps, duplicates, codes that collide in mail clients (DOMAIN 9). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mailsync.registry.duplicates import Duplicate
from mailsync.registry.roster import Customer, Roster
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence, joined

#: Rows that a client shows of one typed text: Roundcube's `autocomplete_max` (config/defaults.inc.php), Thunderbird's
#: list (measured: the 21st cannot be reached), Nextcloud Mail's contacts search.
_ROUNDCUBE, _THUNDERBIRD = 15, 20
#: So many strangers' addresses with the code in them push its own people off a short list.
_STRANGERS = 6
_MOST_NAMED = 8


def upkeep(roster: Roster, candidates: Sequence[Duplicate]) -> list[Finding]:
    """Findings of the registry alone, kinds `upkeep-…`; retired customers are left in peace."""
    customers = [customer for customer in roster.customers if not customer.retired]
    return [
        *duplicate_findings(candidates),
        *_gaps(roster, customers),
        *_codes_in_codes(customers),
        *_codes_in_addresses(roster, customers),
        *_crowds(roster, customers),
    ]


def duplicate_findings(candidates: Iterable[Duplicate]) -> Iterator[Finding]:
    """Each pair with its evidence."""
    for one in candidates:
        yield Finding(
            kind="upkeep-duplicate",
            subject=" ".join(one.codes),
            customer=one.codes[0],
            sentence=Sentence.of(
                N_("{code} {company} and {other_code} {other_company} may be one: {evidence}. If they are two, type "
                   "`{distinct}`"),
                code=one.codes[0], company=one.companies[0], other_code=one.codes[1],
                other_company=one.companies[1], evidence=joined(one.evidence, "; "), distinct=one.distinct_command,
            ),
            command=one.command,
        )  # fmt: skip


def _gaps(roster: Roster, customers: Iterable[Customer]) -> Iterator[Finding]:
    for customer in customers:
        code = customer.code
        people = roster.people_by_customer.get(code, ())
        if not any(contact.role == "contact" for contact in people):
            yield _finding(
                "upkeep-no-contact", customer, N_("{code} {company} has no contact of its own"),
                f"mailsync contacts add --code {code} --email ADDRESS",
            )  # fmt: skip
        if not customer.country:
            yield _finding(
                "upkeep-no-country", customer, N_("{code} {company} has no country"),
                f"mailsync customers edit {code} --country COUNTRY",
            )  # fmt: skip
        if not customer.owner:
            yield _finding(
                "upkeep-no-owner", customer, N_("{code} {company} has no owner"),
                f"mailsync customers edit {code} --owner ADDRESS",
            )  # fmt: skip
        if customer.stage == "order" and not customer.full_code:
            yield _finding(
                "upkeep-no-full-code", customer, N_("{code} {company} has ordered and has no full code yet"),
                f"mailsync customers edit {code} --stage order",
            )  # fmt: skip


def _finding(kind: str, customer: Customer, template: str, command: str | None, **fields: object) -> Finding:
    sentence = Sentence.of(template, code=customer.code, company=customer.name, **fields)
    return Finding(
        kind=kind, subject=customer.code, customer=customer.code, sentence=sentence, command=command
    )


def _codes_in_codes(customers: Sequence[Customer]) -> Iterator[Finding]:
    """Clients look for what is typed anywhere in a name: D10 offers D100's people too."""
    codes = [customer.code for customer in customers]
    for customer in customers:
        longer = [code for code in codes if code != customer.code and customer.code in code]
        if longer:
            named = ", ".join(longer[:_MOST_NAMED]) + (" …" if len(longer) > _MOST_NAMED else "")
            yield _finding(
                "upkeep-code-in-code", customer,
                N_("Typing {code} offers the people of {others} as well: mail programs look for it anywhere in a name. "
                   "Thunderbird ranks {code}'s people first by their nickname; elsewhere look twice before sending"),
                None, others=named,
            )  # fmt: skip


def _codes_in_addresses(roster: Roster, customers: Sequence[Customer]) -> Iterator[Finding]:
    """A number stands in many addresses (@163.com, 138…@qq.com)."""
    for customer in customers:
        if not customer.code.isdigit():
            continue
        strangers = [
            address
            for contact in roster.contacts
            if customer.code not in contact.customers
            for address in contact.addresses
            if customer.code in address
        ]
        if len(strangers) >= _STRANGERS:
            yield _finding(
                "upkeep-code-in-address", customer,
                N_("Typing {code} offers {count} addresses of others that have {code} in them, such as {address}: type "
                   "the code and the beginning of a name"),
                None, count=len(strangers), address=strangers[0],
            )  # fmt: skip


def _crowds(roster: Roster, customers: Sequence[Customer]) -> Iterator[Finding]:
    """More rows under a code than clients show."""
    for customer in customers:
        rows = sum(len(contact.addresses) for contact in roster.people_by_customer.get(customer.code, ()))
        if rows <= _ROUNDCUBE:
            continue
        clients = (
            "Roundcube (15)" if rows <= _THUNDERBIRD else "Roundcube (15), Thunderbird, Nextcloud Mail (20)"
        )
        yield _finding(
            "upkeep-crowd", customer,
            N_("{count} addresses stand under {code}, more than {clients} show: type the code and a name, or end "
               "engagements that are over"),
            f"mailsync contacts list {customer.code}", count=rows, clients=clients,
        )  # fmt: skip
