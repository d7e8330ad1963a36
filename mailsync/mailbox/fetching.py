"""Reading the headers of many messages in one pipelined pass, and what bounces bring back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailsync.mailbox import wire
from mailsync.mailbox.bounces import BODY_BYTES, returned_headers
from mailsync.mailbox.connection import Command, Reply
from mailsync.mailbox.headers import FIELDS, fingerprint
from mailsync.mailbox.parse import MOST_BYTES, is_report
from mailsync.run.actions import MessageState

log = logging.getLogger(__name__)

#: Messages of one FETCH.
CHUNK = 2000
REPORT_CHUNK = 50
#: Refused commands after which a mailbox is given up, while looking for the message that its server cannot read.
MOST_REFUSALS = 40

_HEADERS = (
    f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({' '.join(FIELDS)})]<0.{MOST_BYTES}>)"
)
_BODY = f"(UID BODY.PEEK[TEXT]<0.{BODY_BYTES}>)"

#: Says many commands at once, and yields their replies.
Talk = Callable[[Iterable[Command]], Iterator[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One message as fetched: `header` are the bytes of its `FIELDS`, `returned` of the message a bounce is about."""

    uid: int
    flags: frozenset[str]
    internal_date: datetime
    size: int
    header: bytes
    returned: bytes | None = None

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.header, self.size)

    @property
    def state(self) -> MessageState:
        return MessageState(
            uid=self.uid, fingerprint=self.fingerprint, flags=self.flags, internal_date=self.internal_date
        )


def fetch(talk: Talk, mailbox: str, uids: Sequence[int]) -> Iterator[Fetched]:
    """The messages with these UIDs, as they come; of equal UIDs the first answer counts.

    One that its server cannot read is left out, the others are not. Raises `MailboxRefused` where too many are refused.
    """
    missing = set(uids)
    reports: list[int] = []
    refused: list[bytes] = []
    for reply in talk(_headers_of(mailbox, one) for one in wire.uid_sets(uids, CHUNK)):
        if reply.refusal is not None:
            refused.append(reply.command.arguments[0])
        for message in _complete(reply, missing):
            if is_report(message.header):
                reports.append(message.uid)
            else:
                yield message
    refusals_left = [MOST_REFUSALS]
    for text in refused:
        suspects = [uid for uid in wire.parse_uid_set(text) if uid in missing]
        for message in _halves(talk, mailbox, suspects, missing, refusals_left):
            if is_report(message.header):
                reports.append(message.uid)
            else:
                yield message
    yield from _with_returned(talk, mailbox, reports)


def _headers_of(mailbox: str, uid_set: str) -> Command:
    return Command.of("UID FETCH", uid_set, _HEADERS, mailbox=mailbox)


def _halves(
    talk: Talk, mailbox: str, uids: Sequence[int], missing: set[int], refusals_left: list[int]
) -> Iterator[Fetched]:
    """The two halves of a refused set, halved again until the message is found that the server refuses."""
    middle = len(uids) // 2
    halves = [half for half in (uids[:middle], uids[middle:]) if half]
    for half, reply in zip(
        halves, list(talk([_headers_of(mailbox, wire.uid_set(half)) for half in halves])), strict=True
    ):
        yield from _complete(reply, missing)
        if reply.refusal is None:
            continue
        refusals_left[0] -= 1
        if refusals_left[0] < 0:
            raise reply.refusal
        if len(half) == 1:
            log.warning("message %d: %s", half[0], reply.refusal)
        else:
            yield from _halves(talk, mailbox, half, missing, refusals_left)


def _complete(reply: Reply, missing: set[int]) -> list[Fetched]:
    """Whole answers only; flags that changed meanwhile come as a second answer for the same message."""
    found: dict[int, Fetched] = {}
    for items in wire.parse_fetch(reply.of("FETCH")):
        uid = items.uid
        if uid in found and items.body is None and items.flags is not None:
            found[uid] = replace(found[uid], flags=items.flags)
        elif (
            uid in missing
            and items.body is not None
            and items.size is not None
            and items.internal_date is not None
            and items.flags is not None
        ):
            missing.discard(uid)
            found[uid] = Fetched(
                uid=uid,
                flags=items.flags,
                internal_date=items.internal_date,
                size=items.size,
                header=items.body,
            )
    return list(found.values())


def _with_returned(talk: Talk, mailbox: str, uids: Sequence[int]) -> Iterator[Fetched]:
    """Reports, with the headers of the messages they are about. They are read a second time: held until the others
    are through, a mailbox full of bounces would fill the memory."""

    def commands() -> Iterator[Command]:
        for uid_set in wire.uid_sets(uids, REPORT_CHUNK):
            yield _headers_of(mailbox, uid_set)
            yield Command.of("UID FETCH", uid_set, _BODY, mailbox=mailbox)

    missing = set(uids)
    held: dict[int, Fetched] = {}
    bodies: dict[int, bytes] = {}
    for reply in talk(commands()):
        if reply.refusal is not None:  # a bounce is then about nobody
            log.warning("%s", reply.refusal)
        held |= {one.uid: one for one in _complete(reply, missing)}
        for items in wire.parse_fetch(reply.of("FETCH")):
            if items.uid is not None and items.body is not None and items.size is None:
                bodies[items.uid] = items.body
        for uid in held.keys() & bodies.keys():
            one = held.pop(uid)
            yield replace(one, returned=returned_headers(one.header, bodies.pop(uid)))
    yield from held.values()
