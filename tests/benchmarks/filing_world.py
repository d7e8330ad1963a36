"""A made-up account whose mail is to be filed: INBOX and Sent, six messages in ten with a customer's contact.

Everything is read, unflagged and older than mailsync's waiting time, and nobody writes to two customers: the bare
client of `floor_mail` and mailsync have exactly the same messages to file, into the same folders.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from mailsync.demo.big import OWNER, BigWorld
from mailsync.demo.company import lines
from mailsync.demo.letters import Letter, Person, write
from mailsync.demo.seeding import SeedMessage

Source = Literal["INBOX", "Sent"]
SOURCES: tuple[Source, ...] = ("INBOX", "Sent")

#: Of ten conversations so many are with a customer, and of three so many have the code in the subject.
KNOWN_IN_TEN = 6
CODED_IN_THREE = 1
MESSAGES_A_CONVERSATION = 5
#: So many conversations go on at the same time, so that one's messages do not lie beside each other.
AT_A_TIME = 100
CONTACTS_A_CUSTOMER = 5
BODY_LINES = 30
#: The newest message is that old, and all of them spread over that time before.
YOUNGEST = timedelta(days=10)
SPAN = timedelta(days=600)
_SELF: Person = ("Big", OWNER)
#: What servers and programs put above a message, about 1 kB; nobody asks for it, the server has to pass over it.
_TRACE = (
    *(
        (
            "Received",
            f"from relay{hop}.example (relay{hop}.example [192.0.2.{hop}])\r\n by mx{hop}.ourcompany.example (Postfix) "
            f"with ESMTPS id 4ABCDEF{hop}\r\n for <{OWNER}>; Mon, 1 Jan 2024 00:00:0{hop} +0000",
        )
        for hop in range(3)
    ),
    ("DKIM-Signature", "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example; s=a;\r\n b=" + "Q29kZQ" * 50),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Thunderbird/115.0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingWorld:
    """How large."""

    inbox: int = 10_000
    sent: int = 4_000
    customers: int = 500

    @property
    def registry(self) -> BigWorld:
        """Who the customers and their contacts are; it writes their files."""
        return BigWorld(
            messages=self.inbox, customers=self.customers, contacts=self.customers * CONTACTS_A_CUSTOMER
        )

    @property
    def total(self) -> int:
        """Messages in both mailboxes."""
        return self.inbox + self.sent

    def folder(self, customer: int) -> str:
        """The folder of customer `customer` (counted from 0), as mailsync's default template names it."""
        return f"Customers/{self.registry.code(customer)} Customer {customer} Trading"

    def folders(self) -> dict[str, str]:
        """Address of each contact → the customer's folder."""
        world = self.registry
        return {
            world.contact(number)[1]: self.folder(number % self.customers) for number in range(world.contacts)
        }

    def messages(self, now: datetime, seed: int = 1) -> Iterator[SeedMessage]:
        """All messages, mailbox by mailbox, the oldest first; the same for the same `now` and `seed`."""
        yield from self._of("INBOX", self.inbox, now, random.Random(seed))
        yield from self._of("Sent", self.sent, now, random.Random(seed + 1))

    def belonging(self) -> int:
        """How many messages belong to a customer."""
        return sum(
            _is_known(_place(number)[0]) for count in (self.inbox, self.sent) for number in range(count)
        )

    def _of(self, mailbox: Source, count: int, now: datetime, rng: random.Random) -> Iterator[SeedMessage]:
        texts = lines()
        oldest, step = now - YOUNGEST - SPAN, SPAN / max(count, 1)
        contacts = [
            rng.randrange(self.registry.contacts) for _ in range(count // MESSAGES_A_CONVERSATION + AT_A_TIME)
        ]
        for number in range(count):
            conversation, reply = _place(number)
            when = (oldest + step * number).replace(microsecond=0)
            body = "\n".join(rng.choices(texts, k=BODY_LINES))
            raw = write(self._letter(mailbox, conversation, reply, contacts[conversation], when, body))
            yield SeedMessage(mailbox=mailbox, raw=raw, internal_date=when)

    def _letter(
        self, mailbox: Source, conversation: int, reply: int, contact: int, when: datetime, body: str
    ) -> Letter:
        known = _is_known(conversation)
        other = self.registry.contact(contact) if known else _stranger(mailbox, conversation)
        subject = f"order {conversation}"
        if known and conversation % 3 < CODED_IN_THREE:
            subject = f"{self.registry.code(contact % self.customers)} {subject}"
        earlier = tuple(_message_id(mailbox, conversation, before) for before in range(reply))
        return Letter(
            sender=other if mailbox == "INBOX" else _SELF,
            to=(_SELF if mailbox == "INBOX" else other,),
            subject=f"Re: {subject}" if reply else subject,
            date=when,
            message_id=_message_id(mailbox, conversation, reply),
            in_reply_to=earlier[-1] if earlier else None,
            references=earlier,
            extra=_TRACE,
            body=body,
        )


def _place(number: int) -> tuple[int, int]:
    """Message `number` of a mailbox as (conversation, reply)."""
    block, inside = divmod(number, AT_A_TIME * MESSAGES_A_CONVERSATION)
    reply, conversation = divmod(inside, AT_A_TIME)
    return block * AT_A_TIME + conversation, reply


def _is_known(conversation: int) -> bool:
    return conversation % 10 < KNOWN_IN_TEN


def _stranger(mailbox: Source, conversation: int) -> Person:
    return f"Stranger {conversation}", f"{mailbox.lower()}{conversation}@stranger.example"


def _message_id(mailbox: Source, conversation: int, reply: int) -> str:
    return f"<{mailbox.lower()}.{conversation}.{reply}@mail.big.example>"
