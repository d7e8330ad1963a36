"""What the registry needs, seen together with the mail: what the index holds, no server is asked (DOMAIN 9)."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from mailsync.conversations.candidates import candidates
from mailsync.conversations.evidence import View
from mailsync.conversations.people import is_public_provider
from mailsync.lookup.mail import AccountMail, all_mail
from mailsync.registry.duplicates import Duplicate, duplicates
from mailsync.registry.merging import distinct_pairs
from mailsync.registry.model import Contact as ContactRow
from mailsync.registry.model import Engagement
from mailsync.registry.roster import Contact, Roster
from mailsync.registry.roster_load import load_roster
from mailsync.registry.upkeep import upkeep as registry_upkeep
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence
from mailsync.tidy.desk import Desk
from mailsync.tidy.mail_plan import own_people
from mailsync.tidy.settings import Account

_YEAR = timedelta(days=365)
#: A lead that writes and is written to so often in so many days is treated as a customer: once in some two weeks.
_LIVELY, _LIVELY_DAYS = 5, timedelta(days=90)
#: Who sends bounces (RFC 3464 reports come from the mail system itself).
_MAIL_SYSTEM = re.compile(r"(mailer-daemon|postmaster|mail-daemon|mdaemon)@", re.IGNORECASE)
#: A report that a mail is late is no bounce.
_LATE = re.compile(r"\b(delay|delayed|warning|still trying)\b|延迟|延误", re.IGNORECASE)


def duplicate_candidates(desk: Desk) -> tuple[Duplicate, ...]:
    """Customers that may be one, the likeliest first."""
    with desk.engine.connect() as connection:
        roster, distinct = load_roster(connection), distinct_pairs(connection)
    own = own_people(desk.house)
    return duplicates(
        roster,
        company_domain=lambda domain: not is_public_provider(domain) and not own.includes(f"x@{domain}"),
        distinct=distinct,
    )


def upkeep(
    desk: Desk, accounts: Sequence[Account], *, today: date, mail: Sequence[AccountMail] | None = None
) -> list[Finding]:
    """Everything the registry needs; findings of kind `upkeep-…` and `candidate`. `mail`: of these accounts, where it is
    at hand already."""
    with desk.engine.connect() as connection:
        roster, engaged_since = load_roster(connection), _engaged_since(connection)
    found = registry_upkeep(roster, duplicate_candidates(desk))
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC) + timedelta(days=1)
    traffic = _Traffic(recent=midnight - _LIVELY_DAYS)
    people: dict[tuple[str, str | None], Finding] = {}
    for one in mail if mail is not None else all_mail(desk, accounts, roster):
        traffic.add(one)
        for finding in candidates(one.attributions, roster, own_people(desk.house)):
            people.setdefault((finding.subject, finding.customer), finding)
    found += _bounced(roster, traffic)
    found += _silent(roster, traffic, engaged_since, midnight - _YEAR)
    found += _lively(roster, traffic)
    return [*found, *people.values()]


def _engaged_since(connection: sa.Connection) -> Mapping[str, datetime]:
    """Contact's id → when its first engagement began."""
    statement = (
        sa.select(ContactRow.key, sa.func.min(Engagement.started, type_=Engagement.__table__.c.started.type))
        .join(Engagement, Engagement.contact_id == ContactRow.id)
        .group_by(ContactRow.key)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


@dataclass(slots=True)
class _Seen:
    """An address in the mail of all accounts."""

    last: datetime | None = None  #: either way, bounces left out
    last_from: datetime | None = None
    incoming: set[str] = field(default_factory=set)  #: recent messages, each once over all accounts
    outgoing: set[str] = field(default_factory=set)
    bounced: datetime | None = None


class _Traffic:
    """Who wrote to whom, when, by address."""

    def __init__(self, *, recent: datetime) -> None:
        self._recent = recent
        self._seen: defaultdict[str, _Seen] = defaultdict(_Seen)
        self.oldest: datetime | None = None

    def of(self, contact: Contact) -> list[_Seen]:
        """What was seen of a contact's addresses."""
        return [self._seen[address] for address in contact.addresses if address in self._seen]

    def at(self, address: str) -> _Seen | None:
        """What was seen of one address."""
        return self._seen.get(address)

    def add(self, mail: AccountMail) -> None:
        """Count an account's mail."""
        for view in mail.attributions.views:
            when = view.message.internal_date
            self.oldest = min(self.oldest or when, when)
            if view.bounce:
                self._note_bounce(view, when)
                continue
            name = view.message.envelope.message_id or view.message.fingerprint
            senders = {one.address for one in view.envelope.from_}
            for person in view.side.outside:
                seen = self._seen[person.address]
                seen.last = max(seen.last or when, when)
                if person.address in senders:
                    seen.last_from = max(seen.last_from or when, when)
                if when >= self._recent and not view.envelope.bulk and not view.envelope.automatic:
                    (seen.outgoing if view.side.outgoing else seen.incoming).add(name)

    def _note_bounce(self, view: View, when: datetime) -> None:
        """Whose address a bounce is about; of a mail to several nobody can say."""
        report = view.message.envelope
        returned = report.returned
        from_system = any(_MAIL_SYSTEM.match(one.address) for one in report.from_)
        if returned is None or not from_system or _LATE.search(report.subject):
            return
        to = {one.address for one in (*returned.to, *returned.cc, *returned.bcc)}
        if len(to) == 1:
            seen = self._seen[to.pop()]
            seen.bounced = max(seen.bounced or when, when)


def _bounced(roster: Roster, traffic: _Traffic) -> Iterator[Finding]:
    for contact in roster.contacts:
        for address in contact.addresses:
            seen = traffic.at(address)
            if contact.retired or seen is None or seen.bounced is None:
                continue
            if seen.last_from is not None and seen.last_from > seen.bounced:
                continue  # the address wrote since: it lives
            others = [other for other in contact.addresses if other != address]
            quoted = shlex.quote(address)
            command = (
                f"mailsync contacts edit {quoted} --remove-email {quoted}"
                if others
                else f"mailsync contacts retire {quoted}"
            )
            yield Finding(
                kind="upkeep-bounced",
                subject=address,
                customer=next(iter(contact.customers), None),
                sentence=Sentence.of(
                    N_("Mail to {name} <{address}> came back on {date}: the address is dead or full"),
                    name=contact.name or "?", address=address, date=seen.bounced.date(),
                ),
                command=command,
            )  # fmt: skip


def _silent(
    roster: Roster, traffic: _Traffic, engaged_since: Mapping[str, datetime], before: datetime
) -> Iterator[Finding]:
    """Contacts without mail for a year; nobody is called silent whose mail the index cannot have seen."""
    if traffic.oldest is None or traffic.oldest > before:
        return
    for contact in roster.contacts:
        if contact.retired or not contact.customers or not contact.addresses:
            continue
        if engaged_since.get(contact.id, before) > before:
            continue
        last = max((seen.last for seen in traffic.of(contact) if seen.last), default=None)
        if last is not None and last > before:
            continue
        template = (
            N_("{name} <{address}> of {codes} has had no mail since {date}")
            if last
            else N_(
                "{name} <{address}> of {codes} has had no mail at all; the mail read reaches back to {date}"
            )
        )
        yield Finding(
            kind="upkeep-silent",
            subject=contact.addresses[0],
            customer=contact.customers[0],
            sentence=Sentence.of(
                template, name=contact.name or "?", address=contact.addresses[0], codes=", ".join(contact.customers),
                date=(last or traffic.oldest).date(),
            ),
            command=f"mailsync contacts retire {shlex.quote(contact.addresses[0])}",
        )  # fmt: skip


def _lively(roster: Roster, traffic: _Traffic) -> Iterator[Finding]:
    """Leads that behave like customers: without a code, or with one and still at the first stage."""
    for contact in roster.contacts:
        if contact.role == "contact" and not contact.customers and not contact.retired:
            incoming, outgoing = _counts(traffic, [contact])
            if min(incoming, outgoing) >= _LIVELY:
                yield _uncoded(contact, incoming, outgoing)
    for customer in roster.customers:
        if customer.retired or customer.stage not in (None, "lead"):
            continue
        own = [one for one in roster.people_by_customer.get(customer.code, ()) if one.role == "contact"]
        incoming, outgoing = _counts(traffic, own)
        if min(incoming, outgoing) >= _LIVELY:
            yield Finding(
                kind="upkeep-lively",
                subject=customer.code,
                customer=customer.code,
                sentence=Sentence.of(
                    N_("{code} {company} is a lead, and {incoming} mails came and {outgoing} went in 90 days"),
                    code=customer.code, company=customer.name, incoming=incoming, outgoing=outgoing,
                ),
                command=f"mailsync customers edit {customer.code} --stage prospect",
            )  # fmt: skip


def _counts(traffic: _Traffic, contacts: Sequence[Contact]) -> tuple[int, int]:
    seen = [one for contact in contacts for one in traffic.of(contact)]
    incoming = set[str]().union(*(one.incoming for one in seen))
    outgoing = set[str]().union(*(one.outgoing for one in seen))
    return len(incoming), len(outgoing)


def _uncoded(contact: Contact, incoming: int, outgoing: int) -> Finding:
    address = contact.addresses[0]
    company = contact.company or contact.name or address.rpartition("@")[2]
    words = ["mailsync", "customers", "add", "--channel", "mail", "--company", company]
    words += ["--name", contact.name] if contact.name else []
    return Finding(
        kind="upkeep-lively",
        subject=address,
        sentence=Sentence.of(
            N_("{name} <{address}> has no code, and {incoming} mails came and {outgoing} went in 90 days"),
            name=contact.name or "?", address=address, incoming=incoming, outgoing=outgoing,
        ),
        command=shlex.join([*words, "--email", address]),
    )  # fmt: skip
