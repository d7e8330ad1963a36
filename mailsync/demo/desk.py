"""The desk at which the sample mail is written: clock, counters, and what was posted so far with its truth."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from mailsync.demo.company import OWN_DOMAIN, Rep, SampleCustomer, SamplePerson, company, lines
from mailsync.demo.letters import (
    Bounce,
    Letter,
    Person,
    Style,
    header_lines,
    thread_index,
    write,
    write_bounce,
)
from mailsync.demo.seeding import SeedMessage
from mailsync.demo.truth import MessageTruth

INBOX = "INBOX"
#: Two Sent mailboxes, as they are there after a change of client: one has its special use, one only a Chinese name.
SENT, OLD_SENT = "Sent", "已发送"
SENT_MAILBOXES = frozenset({SENT, OLD_SENT})
UNREAD_MAILBOXES = frozenset({"Junk", "Trash", "Drafts"})
SEEN = frozenset({"\\Seen"})
#: What is filed is at least this old (DOMAIN 8); nothing in the sample world is near the border.
FILED_AFTER = timedelta(days=3)

Threading = Literal["references", "thread-index", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message that was posted: what a reply needs, and its truth."""

    rep: Rep
    mailbox: str
    date: datetime
    flags: frozenset[str]
    subject: str
    message_id: str | None
    references: tuple[str, ...]
    conversation: int
    replies: int  #: how deep in the conversation
    raw: bytes
    customer: SampleCustomer | None
    evidence: frozenset[str]
    verdict: str | None
    stays: bool  #: never filed, whatever its age


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a message stands in its conversation, and the headers that say so."""

    conversation: int
    replies: int
    references: tuple[str, ...]
    thread_index: str | None


class Desk:
    """Everything that is posted goes through here. `now`: aware; all dates lie before it."""

    def __init__(self, now: datetime, seed: int) -> None:
        self.now = now.replace(microsecond=0)
        self.rng = random.Random(seed)
        self.posts: list[Post] = []
        self._count = itertools.count(1)
        self._conversations = itertools.count(1)
        self._lines = lines()

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(seconds=int(days * 86400))

    def post(
        self,
        rep: Rep,
        mailbox: str,
        *,
        sender: Person,
        to: Iterable[Person],
        cc: Iterable[Person] = (),
        subject: str,
        date: datetime,
        customer: str | None = None,
        evidence: str = "none",
        verdict: str | None = None,
        parent: Post | None = None,
        threading: Threading = "references",
        flags: frozenset[str] = SEEN,
        style: Style = "utf8-b",
        extra: Iterable[tuple[str, str]] = (),
        anonymous: bool = False,
        message_id: str | None = None,
        stays: bool = False,
    ) -> Post:
        """Write one message into a rep's mailbox. `evidence`: names separated by `|`, any of which decides."""
        number = next(self._count)
        place = self._place(parent, threading)
        identity = None if anonymous else message_id or self._message_id(number, sender)
        letter = Letter(
            sender=sender,
            to=tuple(to),
            cc=tuple(cc),
            subject=subject,
            date=date,
            message_id=identity,
            in_reply_to=place.references[-1] if place.references else None,
            references=place.references[-20:],
            thread_index=place.thread_index,
            extra=tuple(extra),
            body=self._body(number, sender),
            style=style,
        )
        return self._keep(
            Post(
                rep=rep,
                mailbox=mailbox,
                date=date,
                flags=flags,
                subject=subject,
                message_id=identity,
                references=place.references,
                conversation=place.conversation,
                replies=place.replies,
                raw=write(letter),
                customer=company().customer(customer) if customer else None,
                evidence=frozenset(evidence.split("|")),
                verdict=verdict,
                stays=stays,
            )
        )

    def bounce(self, about: Post, failed: str, *, date: datetime, known: bool = True) -> Post:
        """A delivery report about `about`. With `known` False that message is nobody's."""
        number = next(self._count)
        identity = f"<{number}.report@mx.{OWN_DOMAIN}>"
        returned = header_lines(about.raw)
        raw = write_bounce(
            Bounce(
                date=date,
                recipient=person_of(about.rep),
                failed=failed,
                returned=returned,
                message_id=identity,
            )
        )
        evidence = frozenset({"thread", "participant", "code"} if known else {"none"})
        return self._keep(
            replace(
                about,
                mailbox=INBOX,
                date=date,
                flags=SEEN,
                subject="Undelivered Mail Returned to Sender",
                message_id=identity,
                references=(),
                raw=raw,
                customer=about.customer if known else None,
                evidence=evidence,
                verdict=None,
            )
        )

    def seeds(self) -> dict[str, list[SeedMessage]]:
        """What to lay into the server, by account."""
        seeds: defaultdict[str, list[SeedMessage]] = defaultdict(list)
        for post in self._in_order():
            seeds[post.rep.name].append(
                SeedMessage(mailbox=post.mailbox, raw=post.raw, internal_date=post.date, flags=post.flags)
            )
        return dict(seeds)

    def truths(self) -> tuple[MessageTruth, ...]:
        """The truth of each message; UIDs rise with the date in each mailbox, from 1."""
        uids: defaultdict[tuple[str, str], itertools.count[int]] = defaultdict(lambda: itertools.count(1))
        first_filed = self._first_filed()
        return tuple(
            MessageTruth(
                account=post.rep.name,
                mailbox=post.mailbox,
                uid=next(uids[post.rep.name, post.mailbox]),
                message_id=post.message_id,
                subject=post.subject,
                fingerprint=hashlib.sha256(post.raw).hexdigest(),
                customer=post.customer.code if post.customer else None,
                evidence=post.evidence,
                verdict=post.verdict,
                folder=self._folder(post, first_filed),
                attributed=post.mailbox not in UNREAD_MAILBOXES,
            )
            for post in self._in_order()
        )

    def _in_order(self) -> list[Post]:
        return sorted(self.posts, key=lambda post: (post.rep.name, post.mailbox, post.date))

    def _folder(self, post: Post, first_filed: dict[tuple[str, int], datetime]) -> str:
        if post.customer is None or not self._may_move(post):
            return post.mailbox
        filed = first_filed.get((post.rep.name, post.conversation))
        follows = filed is not None and filed <= post.date
        return post.customer.mailbox if self._is_old(post) or follows else post.mailbox

    def _first_filed(self) -> dict[tuple[str, int], datetime]:
        """When the first message was received of each conversation that has filed messages, by account."""
        first: dict[tuple[str, int], datetime] = {}
        for post in sorted(self.posts, key=lambda post: post.date):
            if post.customer and self._may_move(post) and self._is_old(post):
                first.setdefault((post.rep.name, post.conversation), post.date)
        return first

    def _is_old(self, post: Post) -> bool:
        return self.now - post.date >= FILED_AFTER

    @staticmethod
    def _may_move(post: Post) -> bool:
        filed_from = post.mailbox == INBOX or post.mailbox in SENT_MAILBOXES
        read = "\\Seen" in post.flags and "\\Flagged" not in post.flags
        return filed_from and read and not post.stays

    def _keep(self, post: Post) -> Post:
        self.posts.append(post)
        return post

    def _place(self, parent: Post | None, threading: Threading) -> _Place:
        conversation = parent.conversation if parent else next(self._conversations)
        replies = parent.replies + 1 if parent else 0
        linked = parent if threading == "references" else None
        outlook = threading == "thread-index"
        return _Place(
            conversation=conversation,
            replies=replies,
            references=(*linked.references, *filter(None, [linked.message_id])) if linked else (),
            thread_index=thread_index(f"conversation {conversation}", replies) if outlook else None,
        )

    def _message_id(self, number: int, sender: Person) -> str:
        return f"<{number}.{self.rng.getrandbits(40):010x}@{sender[1].rpartition('@')[2]}>"

    def _body(self, number: int, sender: Person) -> str:
        chosen = self.rng.sample(self._lines, self.rng.randint(2, 5))
        return "\n".join([*chosen, "", sender[0] or sender[1], f"[{number}]"])


def person_of(one: Rep | SamplePerson, address: int = 0) -> Person:
    """Name and address as they stand in a header."""
    return (one.shown, one.address) if isinstance(one, Rep) else (one.name, one.addresses[address])
