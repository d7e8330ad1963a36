"""Everything known about one customer, on one sheet: registry, mail, folders, open findings. No server is asked."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mailsync.addressbook.display_name import display_name
from mailsync.errors import UsageError
from mailsync.lookup.mail import AccountMail, all_mail
from mailsync.lookup.upkeep import upkeep
from mailsync.mailbox.headers import Message
from mailsync.registry import codes
from mailsync.registry.editing import history_of
from mailsync.registry.history import Entry
from mailsync.registry.roster import Contact, Customer, Roster
from mailsync.registry.roster_load import load_roster
from mailsync.run.actions import Finding
from mailsync.text import N_
from mailsync.tidy.desk import Desk
from mailsync.tidy.settings import Account

_NEWEST = 5  #: entries of the history


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMail:
    """The newest message one way."""

    when: datetime
    subject: str
    person: str  #: name or address on the other side
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLine:
    """Where a customer's mail lies."""

    account: str
    mailbox: str
    messages: int
    own: bool  #: it is the customer's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """A person as address books show it."""

    contact: Contact
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One customer."""

    asked: str  #: the code as registered that was asked for; a superseded one finds its survivor
    customer: Customer
    people: tuple[PersonLine, ...]  #: contacts first, then forwarders, then inspectors
    messages: int
    incoming: LastMail | None
    outgoing: LastMail | None
    folders: tuple[FolderLine, ...]  #: the fullest first
    history: tuple[tuple[str, Entry], ...]  #: (whom it is about, entry), the newest first
    findings: tuple[Finding, ...]


def sheet(desk: Desk, accounts: Sequence[Account], code: str, *, today: date) -> Sheet:
    """What is known of the customer of `code`. Raises `UsageError` where nobody has it, naming codes near it."""
    with desk.engine.connect() as connection:
        roster = load_roster(connection)
        match = roster.codes.get(codes.short_key(code) or "")
        if match is None:
            raise _unknown(roster, code)
        history = history_of(connection, match.code)
    customer = match.customer
    mail = list(all_mail(desk, accounts, roster))
    theirs = [(one, message) for one in mail for message in one.messages if _is_of(one, message, customer)]
    findings = [one for one in upkeep(desk, accounts, today=today, mail=mail) if _concerns(one, customer)]
    return Sheet(
        asked=match.code,
        customer=customer,
        people=_people(roster, customer),
        messages=len({message.envelope.message_id or message.key for _, message in theirs}),
        incoming=_last(theirs, roster, outgoing=False),
        outgoing=_last(theirs, roster, outgoing=True),
        folders=_folders(theirs, customer),
        history=tuple(reversed(history[-_NEWEST:])),
        findings=tuple(findings),
    )


def _unknown(roster: Roster, code: str) -> UsageError:
    written = {match.code: match.customer for match in roster.codes.values()}
    near = difflib.get_close_matches(code.upper(), list(written), n=3, cutoff=0.5)
    if not near:
        return UsageError(
            N_("No customer has the code {code}: `mailsync customers list` shows them"), code=code
        )
    return UsageError(
        N_("No customer has the code {code}. Near it are: {near}"),
        code=code,
        near=", ".join(f"{one} {written[one].name}" for one in near),
    )


def _concerns(finding: Finding, customer: Customer) -> bool:
    return finding.customer == customer.code or customer.code in finding.subject.split()


def _people(roster: Roster, customer: Customer) -> tuple[PersonLine, ...]:
    roles = ("contact", "forwarder", "inspector")
    people = sorted(
        roster.people_by_customer.get(customer.code, ()), key=lambda contact: roles.index(contact.role)
    )
    return tuple(
        PersonLine(contact=contact, entry=display_name(customer.code, contact, customer))
        for contact in people
    )


def _is_of(mail: AccountMail, message: Message, customer: Customer) -> bool:
    return mail.attributions[message.key].customer == customer.code


def _last(
    theirs: Sequence[tuple[AccountMail, Message]], roster: Roster, *, outgoing: bool
) -> LastMail | None:
    views = {
        view.message.key: view
        for mail in {id(mail): mail for mail, _ in theirs}.values()
        for view in mail.attributions.views
    }
    chosen = [
        (message, mail)
        for mail, message in theirs
        if views[message.key].side.outgoing == outgoing and not views[message.key].bounce
    ]
    if not chosen:
        return None
    message, mail = max(chosen, key=lambda one: one[0].internal_date)
    view = views[message.key]
    names = [
        next((contact.name for contact in roster.contacts_at(person.address) if contact.name), "")
        or view.name_of(person)
        or person.address
        for person in view.side.outside
    ]
    return LastMail(
        when=message.envelope.date or message.internal_date,
        subject=message.envelope.subject,
        person=names[0] if names else "?",
        account=mail.account.name,
    )


def _folders(theirs: Sequence[tuple[AccountMail, Message]], customer: Customer) -> tuple[FolderLine, ...]:
    counted = Counter((mail.account.name, mail.mailbox_of(message)) for mail, message in theirs)
    names = {mail.account.name: mail.folders for mail, _ in theirs}
    return tuple(
        FolderLine(
            account=account,
            mailbox=mailbox,
            messages=count,
            own=names[account].customer_of(mailbox) == customer.code,
        )
        for (account, mailbox), count in counted.most_common()
    )
