"""A made-up account as the index would hand it over: plain values, nothing on a server. Everything follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from mailsync.conversations.people import OwnPeople
from mailsync.demo.company import SampleCustomer
from mailsync.demo.subjects import MISTAKES, SubjectWriter
from mailsync.mailbox.headers import Address, Envelope, Message, MessageKey
from mailsync.registry.roster import Contact, Customer, Roster

LETTERS = "ABCDEFGHJK"
ME = Address(name="Li Na", address="li.na@ourcompany.example")
MATES = [Address(name=f"Mate {n}", address=f"mate{n}@ourcompany.example") for n in range(20)]
OWN = OwnPeople(domains=frozenset({"ourcompany.example"}))
_START = datetime(2024, 1, 1, tzinfo=UTC)
_MARKS = ("Re: ", "RE: ", "答复: ", "回复：", "AW: ", "Re: 答复: ")
#: Of a hundred conversations: how many a customer's people, a shared forwarder and strangers begin.
_SHARES = (70, 10, 20)


@dataclass(frozen=True, kw_only=True)
class MailWorld:
    """Customers with five contacts each and forty forwarders that serve ten customers each."""

    customers: int = 500
    seed: int = 1

    @cached_property
    def samples(self) -> list[SampleCustomer]:
        """Four in five come from shows, the others by channels; every customer has a code of the past."""
        return [self._sample(number) for number in range(self.customers)]

    def _sample(self, number: int) -> SampleCustomer:
        place, letter = divmod(number, len(LETTERS))
        code = f"{number + 1:03d}" if number % 5 == 4 else f"{LETTERS[letter]}{place + 1:02d}"
        return SampleCustomer(
            code=code,
            superseded=(f"M{number + 1:02d}",),
            full_code=f"{code} AUC{number % 10}" if number % 3 == 0 else None,
            owner=ME.address,
            folder=code,
            domain=f"customer{number}.example",
        )

    @cached_property
    def roster(self) -> Roster:
        customers = tuple(
            Customer(
                code=one.code,
                superseded=one.superseded,
                company=f"Customer {one.code}",
                country="AU",
                abbreviation=f"C{number % 10}",
                full_code=one.full_code,
            )
            for number, one in enumerate(self.samples)
        )
        people = [
            Contact(
                id=f"c{number}.{n}",
                role="contact",
                addresses=(self._contact(number, n).address,),
                customers=(one.code,),
            )
            for number, one in enumerate(self.samples)
            for n in range(5)
        ]
        services = [
            Contact(id=f"f{n}", role="forwarder", addresses=(self._forwarder(n).address,),
                    customers=tuple(self.samples[(n * 10 + k) % self.customers].code for k in range(10)))
            for n in range(40)
        ]  # fmt: skip
        return Roster(
            customers=customers, contacts=tuple(people + services), show_letters=frozenset(LETTERS + "M")
        )

    def _contact(self, customer: int, n: int) -> Address:
        return Address(name=f"Person {n}", address=f"person{n}@customer{customer}.example")

    def _forwarder(self, n: int) -> Address:
        return Address(name=f"Forwarder {n}", address=f"desk{n}@forwarder.example")

    def mail(self, count: int) -> list[Message]:
        """`count` messages in INBOX and Sent, in conversations of 1–30, the newest last."""
        rng = random.Random(self.seed)
        writer = SubjectWriter(rng)
        made: list[Message] = []
        while len(made) < count:
            made.extend(self._conversation(rng, writer, len(made)))
        return made[:count]

    def _conversation(self, rng: random.Random, writer: SubjectWriter, first: int) -> Iterator[Message]:
        number = rng.randrange(self.customers)
        kind = rng.choices(("customer", "forwarder", "stranger"), _SHARES)[0]
        if kind == "customer":
            other = self._contact(number, rng.randrange(5))
        elif kind == "forwarder":
            n = rng.randrange(40)
            number, other = (n * 10 + rng.randrange(10)) % self.customers, self._forwarder(n)
        else:
            other = Address(name="Stranger", address=f"s{rng.randrange(9_000)}@stranger{first % 700}.example")
        subject = f"{writer.topic()} {first}"
        if kind != "stranger" and rng.random() < 0.7:
            subject = writer.write(self.samples[number], "ok", subject)
        index = f"01da{first:040x}" if rng.random() < 0.2 else None
        ids: list[str] = []
        for place in range(min(1 + int(rng.expovariate(0.25)), 30)):
            theirs = bool(place % 2) != (first % 2 == 0)
            ids.append(f"<{first}.{place}.{rng.getrandbits(48):x}@mail.example>")
            yield _message(
                first + place,
                envelope=Envelope(
                    subject=f"{_MARKS[first % len(_MARKS)]}{subject}" if place else subject,
                    from_=(other if theirs else ME,),
                    to=(ME if theirs else other,),
                    cc=(MATES[first % len(MATES)],) if first % 3 == 0 else (),
                    message_id=ids[-1],
                    in_reply_to=tuple(ids[-2:-1]),
                    references=tuple(ids[:-1]),
                    thread_index=index and index + "11" * 5 * place,
                    date=_START + timedelta(minutes=7 * (first + place)),
                    bulk=kind == "stranger" and first % 3 == 0,
                ),
                sent=not theirs,
            )

    def sent(self, count: int, *, mistakes: bool) -> list[Message]:
        """Sent messages to customers' people: compliant plain ASCII subjects, or in turn every mistake of DOMAIN 6."""
        rng = random.Random(self.seed)
        writer = SubjectWriter(rng)
        verdicts = ("ok", *MISTAKES)
        made = []
        for place in range(count):
            number = place % self.customers
            one = self.samples[number]
            subject = f"{one.code} order {place} of {rng.randrange(10**6)}"
            if mistakes:
                verdict = verdicts[place // self.customers % len(verdicts)]
                marks = "".join(rng.choices(_MARKS, k=rng.randrange(3)))
                subject = f"{marks}{writer.write(one, verdict, f'{writer.topic()} {place}')}"
            envelope = Envelope(
                subject=subject,
                from_=(ME,),
                to=(self._contact(number, rng.randrange(5)),),
                cc=(MATES[place % len(MATES)],) if place % 3 == 0 else (),
                message_id=f"<{place}@sent.example>",
                date=_START + timedelta(minutes=place),
            )
            made.append(_message(place, envelope=envelope, sent=True))
        return made


def _message(place: int, *, envelope: Envelope, sent: bool) -> Message:
    return Message(
        key=MessageKey("Sent" if sent else "INBOX", 1, place + 1),
        role="sent" if sent else "inbox",
        envelope=envelope,
        fingerprint=f"{place:064x}",
        size=3_000 + place % 1_000,
        internal_date=_START + timedelta(minutes=7 * place),
        flags=frozenset({"\\Seen"}),
    )
