"""Which evidence decided about a message, and what hangs on an address or a card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from mailsync.addressbook.cards import guess_meaning
from mailsync.addressbook.shelf import shelved_cards
from mailsync.conversations.attribution import Attributions
from mailsync.lookup.mail import account_mail
from mailsync.mailbox.headers import Message
from mailsync.registry.roster import Contact, Roster
from mailsync.registry.roster_load import load_roster
from mailsync.text import N_, Sentence, normalise_address
from mailsync.tidy.desk import Desk
from mailsync.tidy.settings import Account


def why(desk: Desk, accounts: Sequence[Account], what: str) -> Iterator[Sentence]:
    """Everything known about a message (by Message-ID), an address, or a card (href or UID), as sentences."""
    with desk.engine.connect() as connection:
        roster = load_roster(connection)
    wanted = what.strip()
    address = normalise_address(wanted)
    if "@" in address and not wanted.startswith("<"):
        yield from _why_address(roster, address)
    yield from _why_card(desk.engine, wanted)
    for account in accounts:
        if account.mail:
            yield from _why_messages(desk, account, roster, wanted, address)


def _why_address(roster: Roster, address: str) -> Iterator[Sentence]:
    for contact in roster.contacts_at(address):
        yield _person(contact)
        for code in contact.customers:
            customer = roster.customer(code)
            if customer:
                yield Sentence.of(
                    N_("  engaged with {code} {company} ({country})"),
                    code=code,
                    company=customer.name,
                    country=customer.country or "?",
                )


def _person(contact: Contact) -> Sentence:
    return Sentence.of(
        N_("{name} of {company} is registered as {role}, with {addresses}"),
        name=contact.name or "?",
        company=contact.company or "?",
        role=contact.role,
        addresses=", ".join(contact.addresses),
    )


def _why_card(engine: sa.Engine, wanted: str) -> Iterator[Sentence]:
    for owner, data in shelved_cards(engine, href_or_uid=wanted):
        meaning = guess_meaning(data)
        yield Sentence.of(
            N_("Card “{name}” in the address book of {owner}, with {addresses}"),
            name=meaning.fn or "?",
            owner=owner,
            addresses=", ".join(meaning.addresses) or "–",
        )


def _why_messages(
    desk: Desk, account: Account, roster: Roster, wanted: str, address: str
) -> Iterator[Sentence]:
    index = desk.index(account)
    messages = index.messages()
    asked = [message for message in messages if _is_meant(message, wanted)]
    theirs = [message for message in messages if not asked and _takes_part(message, address)]
    if not asked and not theirs:
        return
    attributions = account_mail(desk, account, roster, messages).attributions
    for message in asked:
        yield from _explain(account, message, attributions)
    yield from _summary(account, theirs, attributions)


def _is_meant(message: Message, wanted: str) -> bool:
    bare = wanted.strip("<>")
    ids = (message.envelope.message_id, *message.envelope.other_ids)
    return bool(bare) and any(one is not None and one.strip("<>") == bare for one in ids)


def _takes_part(message: Message, address: str) -> bool:
    envelope = message.envelope
    people = (*envelope.from_, *envelope.reply_to, *envelope.to, *envelope.cc, *envelope.bcc)
    return any(one.address == address for one in people)


def _explain(account: Account, message: Message, attributions: Attributions) -> Iterator[Sentence]:
    attribution = attributions[message.key]
    yield Sentence.of(
        N_("{account}, folder {mailbox}: “{subject}” belongs to {customer}, decided by {evidence}"),
        account=account.name,
        mailbox=message.key.mailbox,
        subject=message.envelope.subject,
        customer=attribution.customer or "–",
        evidence=attribution.evidence,
    )
    yield from attributions.trail(message.key)
    if attribution.note:
        yield attribution.note
    thread = attributions.threads.get(message.key)
    together = sum(1 for name in attributions.threads.values() if name == thread)
    yield Sentence.of(N_("Its conversation has {count} message(s) in this account"), count=together)


def _summary(account: Account, messages: Iterable[Message], attributions: Attributions) -> Iterator[Sentence]:
    counted: dict[tuple[str, str], int] = {}
    for message in messages:
        attribution = attributions[message.key]
        key = (attribution.customer or "–", attribution.evidence)
        counted[key] = counted.get(key, 0) + 1
    for (customer, evidence), count in sorted(counted.items()):
        yield Sentence.of(
            N_("{account}: {count} message(s) with this address belong to {customer}, decided by {evidence}"),
            account=account.name,
            count=count,
            customer=customer,
            evidence=evidence,
        )
