"""Why a message is whose it is, and what hangs on an address. No server is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mailsync.addressbook.shelf import CardSeen, find_cards
from mailsync.conversations.attribution import Attribution
from mailsync.conversations.contents import CodeSeen, PersonSeen, codes_seen, listed, people_seen, person_seen
from mailsync.conversations.explaining import Weighed
from mailsync.conversations.reading import CodeReader
from mailsync.conversations.suggestions import attribution_findings
from mailsync.errors import UsageError
from mailsync.lookup.mail import AccountMail, account_mail
from mailsync.lookup.naming import Hit, Mail, named
from mailsync.lookup.upkeep import upkeep
from mailsync.mailbox.headers import Address, Message, MessageKey
from mailsync.registry.roster import Roster
from mailsync.registry.roster_load import load_roster
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence
from mailsync.tidy.desk import Desk
from mailsync.tidy.mail_plan import own_people
from mailsync.tidy.settings import Account

#: What is found is told in values of other rooms, too.
__all__ = ["AddressWhy", "Choice", "CodeSeen", "Letter", "MessageWhy", "PersonSeen", "Why", "why"]


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message, where it lies now, and whose it is."""

    account: str
    message: Message
    mailbox: str
    attribution: Attribution
    tells: bool = False  #: of a message of a conversation: it is why the other one is whose it is


@dataclass(frozen=True, kw_only=True)
class MessageWhy:
    """Why a message is whose it is."""

    letter: Letter
    weighed: tuple[Weighed, ...]  #: strongest first
    conversation: tuple[Letter, ...]  #: itself included, by date
    people: tuple[PersonSeen, ...]
    codes: tuple[CodeSeen, ...]


@dataclass(frozen=True, kw_only=True)
class AddressWhy:
    """What hangs on an address."""

    person: PersonSeen
    cards: tuple[CardSeen, ...]
    letters: tuple[Letter, ...]  #: it takes part in, the newest first
    findings: tuple[Finding, ...]
    mail_read: bool  #: whether there is any mail in the index

    @property
    def counts(self) -> Mapping[tuple[str | None, str], int]:
        """(customer, evidence) → how many of its messages; the most first."""
        made = (letter.attribution for letter in self.letters)
        return dict(Counter((one.customer, one.evidence) for one in made).most_common())


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Several are meant; one is to be chosen."""

    hits: tuple[Hit, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Why:
    """The answer, and what it takes to say it."""

    found: MessageWhy | AddressWhy | Choice
    roster: Roster


def why(desk: Desk, accounts: Sequence[Account], typed: str, *, today: date) -> Why:
    """What is known of the message or the address that `typed` names (`naming`), in the mail of `accounts`.

    Raises `UsageError` where nothing is known by it, saying what to type.
    """
    with desk.engine.connect() as connection:
        roster = load_roster(connection)
    mail = Mail(desk, accounts)
    meant = named(desk, mail, roster, typed)
    if len(meant.hits) + len(meant.addresses) > 1:
        return Why(found=Choice(hits=meant.hits, addresses=meant.addresses), roster=roster)
    if meant.hits:
        return Why(found=_why_message(desk, mail, roster, meant.hits[0]), roster=roster)
    found = _why_address(desk, accounts, mail, roster, meant.addresses[0], today=today)
    if not (found.person.contacts or found.person.standing == "own" or found.cards or found.letters):
        raise UsageError(
            N_(
                "Nothing is known of {what}: no message, no card, nobody in the registry. `mailsync plan` reads the "
                "newest mail and cards"
            ),
            what=typed,
        )
    return Why(found=found, roster=roster)


def _why_message(desk: Desk, mail: Mail, roster: Roster, hit: Hit) -> MessageWhy:
    key = hit.message.key
    messages = next(messages for account, messages in mail.of if account is hit.account)
    its = account_mail(desk, hit.account, roster, messages, explain=(key,))
    explanation = its.attributions.explanations[key]
    view = next(view for view in its.attributions.views if view.message.key == key)
    by_key = {message.key: message for message in messages}
    telling = {one for row in explanation.weighed if row.decides for one in row.by}
    return MessageWhy(
        letter=_letter(its, hit.message),
        weighed=explanation.weighed,
        conversation=tuple(_letter(its, by_key[one], telling) for one in explanation.thread),
        people=people_seen(view, roster, own_people(desk.house)),
        codes=codes_seen(view, CodeReader(roster)),
    )


def _letter(
    mail: AccountMail, message: Message, telling: frozenset[MessageKey] | set[MessageKey] = frozenset()
) -> Letter:
    return Letter(
        account=mail.account.name,
        message=message,
        mailbox=mail.mailbox_of(message),
        attribution=mail.attributions[message.key],
        tells=message.key in telling,
    )


def _why_address(
    desk: Desk, accounts: Sequence[Account], mail: Mail, roster: Roster, address: str, *, today: date
) -> AddressWhy:
    attributed = [account_mail(desk, account, roster, messages) for account, messages in mail.of]
    theirs = [
        (one, [message for message in one.messages if _takes_part(message, address)]) for one in attributed
    ]
    letters = [_letter(one, message) for one, messages in theirs for message in messages]
    owners = {account.name for account in accounts}
    cards = tuple(card for card in find_cards(desk.engine, address=address) if card.owner in owners)
    name = next((name for one in letters if (name := _name_in(one.message, address))), "")
    person = person_seen(Address(name=name, address=address), roster, own_people(desk.house))
    about = {
        address,
        *(card.href for card in cards),
        *(one for who in person.contacts for one in who.addresses),
    }
    findings = [*upkeep(desk, accounts, today=today, mail=attributed), *_last_findings(desk, accounts)]
    return AddressWhy(
        person=person,
        cards=cards,
        letters=tuple(sorted(letters, key=lambda one: (one.message.when, one.message.key), reverse=True)),
        findings=(
            *(finding for finding in findings if finding.subject in about),
            *(finding for one, messages in theirs for finding in _of_messages(one, messages)),
        ),
        mail_read=not mail.empty,
    )


def _takes_part(message: Message, address: str) -> bool:
    """In the headers of the message, or of the one that a bounce is about."""
    envelopes = (message.envelope, message.envelope.returned)
    return any(one.address == address for envelope in envelopes if envelope for _, one in listed(envelope))


def _name_in(message: Message, address: str) -> str:
    return next((one.name for _, one in listed(message.envelope) if one.name and one.address == address), "")


def _of_messages(mail: AccountMail, messages: Sequence[Message]) -> Iterator[Finding]:
    names = {message.name for message in messages}
    return (finding for finding in attribution_findings(mail.attributions) if finding.subject in names)


def _last_findings(desk: Desk, accounts: Sequence[Account]) -> Iterator[Finding]:
    """What the accounts' last runs could not do or found wrong; what `upkeep` finds anew is left out."""
    for account in accounts:
        last = desk.results.last(account.name) or {}
        for row in (*last.get("conflicts", ()), *last.get("findings", ())):
            if row["kind"] != "candidate":
                yield Finding(
                    kind=row["kind"],
                    severity=row["severity"],
                    subject=row["subject"],
                    sentence=Sentence.from_json(row["sentence_parts"]),
                    customer=row.get("customer"),
                    command=row.get("command"),
                )
