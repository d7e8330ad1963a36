"""A large made-up account, to measure speed: many customers, many contacts, one long INBOX. No truth, no oddities."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mailsync.demo.company import OWN_DOMAIN, lines
from mailsync.demo.letters import Letter, Person, write
from mailsync.demo.seeding import SeedMessage

LETTERS = "ABCDEFGHJK"
OWNER = f"big@{OWN_DOMAIN}"
REPLIES_PER_CONVERSATION = 5
_COUNTRIES = ("AU", "DE", "US", "FR", "GB", "CL", "AE", "JP")


@dataclass(frozen=True, slots=True, kw_only=True)
class BigWorld:
    """How large. Contacts are spread evenly over the customers."""

    messages: int = 10_000
    customers: int = 500
    contacts: int = 2_500

    def code(self, number: int) -> str:
        """The code of customer `number`, counted from 0."""
        place, letter = divmod(number, len(LETTERS))
        return f"{LETTERS[letter]}{place + 1:02d}"

    def contact(self, number: int) -> Person:
        """Contact `number`, of customer `number % customers`."""
        return f"Person {number}", f"person{number}@customer{number % self.customers}.example"

    def write_registry(self, folder: Path) -> None:
        """Write the registry's files (FORMATS 1)."""
        folder.mkdir(parents=True, exist_ok=True)
        _write(
            folder / "shows.csv", [("letter", "name"), *((letter, f"Show {letter}") for letter in LETTERS)]
        )
        _write(
            folder / "customers.csv",
            [("code", "company", "country", "show", "first_contact", "owner")]
            + [
                (
                    self.code(n),
                    f"Customer {n} Trading",
                    _COUNTRIES[n % 8],
                    self.code(n)[0],
                    "2024-04-20",
                    OWNER,
                )
                for n in range(self.customers)
            ],
        )
        _write(
            folder / "people.csv",
            [("id", "codes", "role", "name", "email")]
            + [
                (f"c{n}", self.code(n % self.customers), "contact", *self.contact(n))
                for n in range(self.contacts)
            ],
        )

    def inbox(self, now: datetime, seed: int = 1) -> Iterator[SeedMessage]:
        """The messages: three in four from contacts, the others from strangers, in conversations of five."""
        rng = random.Random(seed)
        texts = lines()
        for number in range(self.messages):
            conversation, reply = divmod(number, REPLIES_PER_CONVERSATION)
            known = conversation % 4 != 3
            contact = rng.randrange(self.contacts)
            sender = self.contact(contact) if known else (f"Stranger {number}", f"s{number}@stranger.example")
            subject = f"order {conversation}"
            if conversation % 3 == 0:
                subject = f"{self.code(contact % self.customers)} {subject}"
            when = now - timedelta(minutes=60 * 24 * 10 + 90 * (self.messages - number))
            earlier = tuple(f"<{conversation}.{n}@big.example>" for n in range(reply))
            letter = Letter(
                sender=sender,
                to=(("Big", OWNER),),
                subject=f"Re: {subject}" if reply else subject,
                date=when,
                message_id=f"<{conversation}.{reply}@big.example>",
                in_reply_to=earlier[-1] if earlier else None,
                references=earlier,
                body="\n".join(rng.choices(texts, k=30)),
            )
            yield SeedMessage(mailbox="INBOX", raw=write(letter), internal_date=when.replace(microsecond=0))


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(rows)
