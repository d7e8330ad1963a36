"""Small worlds of mail for the tests of attribution, audit and candidates: people by first name, messages in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mailsync.conversations.attribution import Attributions, attribute
from mailsync.conversations.people import OwnPeople
from mailsync.mailbox.headers import Address, Envelope, MailboxRole, Message, MessageKey
from mailsync.registry.roster import Contact, Customer, Roster

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OWN = OwnPeople(addresses=frozenset({"boss@private.example"}), domains=frozenset({"ourcompany.example"}))

ROSTER = Roster(
    customers=(
        Customer(
            code="D12",
            company="Gibson Importing",
            superseded=("F03",),
            country="AU",
            abbreviation="GI",
            full_code="D12 AUGI",
        ),
        Customer(code="E05", company="Keller", country="DE", abbreviation="KE", full_code="E05 DEKE"),
        Customer(code="A04", company="Papers", country="GB", abbreviation="PA"),
        Customer(code="B02", company="Visions", country="CN", abbreviation="VI"),
        Customer(code="012", company="Webware", country="IT", abbreviation="WE"),
    ),
    contacts=tuple(
        Contact(id=name, role=role, name=name.title(), addresses=(address,), customers=tuple(codes.split()))
        for name, role, address, codes in [
            ("jane", "contact", "jane@gibson.example", "D12"),
            ("jim", "contact", "jim@gibson.example", "D12"),
            ("kurt", "contact", "kurt@keller.example", "E05"),
            ("gail", "contact", "gail@gmail.com", "E05"),
            ("both", "contact", "both@holding.example", "D12 E05"),
            ("wang", "forwarder", "wang@shunda.example", "D12 E05"),
            ("zhao", "forwarder", "zhao@shunda.example", "E05 A04"),
            ("lin", "forwarder", "lin@haiyun.example", "E05"),
            ("lea", "inspector", "lea@tuv.example", "D12 A04"),
            ("lead", "contact", "lead@nowhere.example", ""),
        ]
    ),
    show_letters=frozenset("ABDEF"),
)

ADDRESSES = {
    **{contact.id: contact.addresses[0] for contact in ROSTER.contacts},
    "me": "li.na@ourcompany.example",
    "mate": "chen.jie@ourcompany.example",
    "boss": "boss@private.example",
    "bank": "desk@bank.example",
    "stranger": "someone@far.example",
    "newbie": "newbie@gibson.example",
    "daemon": "mailer-daemon@ourcompany.example",
    "postmaster": "mailer-daemon@far.example",
    "gmailer": "other@gmail.com",
}


def people(names: str) -> tuple[Address, ...]:
    """`jane bob@x.example` → addresses."""
    return tuple(Address(address=ADDRESSES.get(name, name), name=name.title()) for name in names.split())


def mail(
    name: str,
    route: str,
    subject: str = "",
    *,
    after: str = "",
    refs: str = "",
    role: MailboxRole | None = None,
    day: int = 0,
    cc: str = "",
    bcc: str = "",
    reply_to: str = "",
    id: str | None = "",
    index: str | None = None,
    bulk: bool = False,
    returned: Envelope | None = None,
) -> Message:
    """A message `name` along `from > to`. `after`: In-Reply-To; `refs`: References; both name other messages."""
    author, _, to = (part.strip() for part in route.partition(">"))
    envelope = Envelope(
        subject=subject,
        from_=people(author),
        to=people(to),
        cc=people(cc),
        bcc=people(bcc),
        reply_to=people(reply_to),
        message_id=(f"<{id or name}@x>" if id is not None else None),
        in_reply_to=tuple(f"<{other}@x>" for other in after.split()),
        references=tuple(f"<{other}@x>" for other in refs.split()),
        thread_index=index,
        date=START + timedelta(days=day),
        bulk=bulk,
        returned=returned,
    )
    role = role or ("sent" if author == "me" else "inbox")
    return Message(
        key=MessageKey(role.upper(), 1, 1),
        role=role,
        envelope=envelope,
        fingerprint=name,
        size=1000,
        internal_date=START + timedelta(days=day),
    )


@dataclass(frozen=True, kw_only=True)
class World:
    """Attributed messages, found by the name they were given."""

    messages: Mapping[str, Message]
    attributions: Attributions

    def verdict(self, name: str) -> tuple[str | None, str]:
        made = self.attributions[self.messages[name].key]
        return made.customer, made.evidence

    def note(self, name: str) -> str:
        return str(self.attributions[self.messages[name].key].note)

    def thread(self, name: str) -> str:
        return self.attributions.threads[self.messages[name].key]


def world(messages: Sequence[Message], filed: Mapping[str, str] | None = None) -> World:
    """Attribute messages; `filed`: message → code of the customer into whose folder a person moved it."""
    uids = {name: uid for uid, name in enumerate(sorted(message.fingerprint for message in messages), 1)}
    numbered = [
        replace(message, key=message.key._replace(uid=uids[message.fingerprint])) for message in messages
    ]
    by_name = {message.fingerprint: message for message in numbered}
    hand = {by_name[name].key: code for name, code in (filed or {}).items()}
    return World(messages=by_name, attributions=attribute(numbered, ROSTER, OWN, hand_filed=hand))


def steps(work: Callable[[], object]) -> int:
    """How many steps of the interpreter `work` takes: the same on every machine, however busy."""
    count = 0

    def step(frame: object, event: str, arg: object) -> object:
        nonlocal count
        count += 1
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
