"""What is read over an IMAP connection: the listing, flags, headers, and the headers that bounces bring back.

Each function takes `say`: a command, its arguments and the kind of answer wanted → the answers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from mailsync.mailbox import wire
from mailsync.mailbox.bounces import BODY_BYTES, returned_headers
from mailsync.mailbox.connection import MailboxRefused
from mailsync.mailbox.folders import Folder, Listing
from mailsync.mailbox.headers import FIELDS, fingerprint
from mailsync.mailbox.parse import MOST_BYTES, is_report
from mailsync.run.actions import MessageState
from mailsync.text import N_, Sentence

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


class Say(Protocol):
    """One command and its answers of one kind; raises as `ImapSession` does. `also` takes STATUS answers beside it."""

    def __call__(
        self,
        name: str,
        *arguments: str | bytes,
        answer: str = "",
        mailbox: str = "",
        also: list[wire.Raw] | None = None,
    ) -> list[wire.Raw]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an opened mailbox stands. `uidnext` and `highestmodseq` are None where the server does not say them."""

    uidvalidity: int
    uidnext: int | None
    highestmodseq: int | None
    messages: int


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


def listing(say: Say, capabilities: frozenset[str]) -> Listing:
    """All mailboxes. Names that are no modified UTF-7 are left out and reported: they cannot be said back."""
    items = "MESSAGES UIDNEXT UIDVALIDITY" + (" HIGHESTMODSEQ" if "CONDSTORE" in capabilities else "")
    found, broken, counters = _list_status(say, capabilities, items) or _list_and_status(say, items)
    above = _above(found)
    folders = tuple(
        _with_counters(
            _checked(say, folder, items, counters, above=folder.name in above),
            counters.get(folder.name, {}),
        )
        for folder in found
    )
    problems = tuple(
        Sentence.of(
            N_(
                "The folder “{mailbox}” has a broken name (no modified UTF-7) and is left out. Rename it in webmail."
            ),
            mailbox=name,
        )
        for name in broken
    )
    return Listing(folders=folders, problems=problems)


def _checked(
    say: Say, folder: Folder, items: str, counters: dict[str, Mapping[str, int]], *, above: bool
) -> Folder:
    r"""Dovecot goes on listing a deleted mailbox that has others below it, without `\NonExistent`: one that is listed
    and has no STATUS is asked again, by itself. `above`: others lie below it."""
    if not folder.selectable or folder.name in counters:
        return folder
    try:
        counters[folder.name] = _status(say, folder.name, items)
    except MailboxRefused as refused:  # said again, as a problem, when it is to be read
        log.debug("%s", refused)
        if above and refused.says_missing:
            return replace(folder, flags=folder.flags | {"\\nonexistent"})
    return folder


def _above(folders: Iterable[Folder]) -> set[str]:
    """The names above those of `folders`."""
    found: set[str] = set()
    for folder in folders:
        parts = folder.name.split(folder.separator) if folder.separator else []
        found |= {(folder.separator or "").join(parts[:count]) for count in range(1, len(parts))}
    return found


def _status(say: Say, mailbox: str, items: str) -> Mapping[str, int]:
    answers = say("STATUS", wire.encode_name(mailbox), f"({items})", answer="STATUS", mailbox=mailbox)
    return next(iter(wire.parse_status(answers).values()), {})


_Listed = tuple[list[Folder], list[str], dict[str, Mapping[str, int]]]


def _list_status(say: Say, capabilities: frozenset[str], items: str) -> _Listed | None:
    if not {"LIST-STATUS", "LIST-EXTENDED"} <= capabilities:
        return None
    special = "SPECIAL-USE " if "SPECIAL-USE" in capabilities else ""
    statuses: list[wire.Raw] = []
    try:
        answers = say(
            *("LIST", '""', '"*"', "RETURN", f"(SUBSCRIBED {special}STATUS ({items}))"),
            answer="LIST",
            also=statuses,
        )
    except MailboxRefused as refused:
        log.debug("LIST-STATUS is offered but refused: %s", refused)
        return None
    found, broken = wire.parse_list(answers)
    marked = [replace(folder, subscribed="\\subscribed" in folder.flags) for folder in found]
    return marked, broken, dict(wire.parse_status(statuses))


def _list_and_status(say: Say, items: str) -> _Listed:
    found, broken = wire.parse_list(say("LIST", '""', '"*"', answer="LIST"))
    subscribed = {folder.name for folder in wire.parse_list(say("LSUB", '""', '"*"', answer="LSUB"))[0]}
    return [replace(folder, subscribed=folder.name in subscribed) for folder in found], broken, {}


def _with_counters(folder: Folder, counters: Mapping[str, int]) -> Folder:
    return replace(
        folder,
        uidvalidity=counters.get("UIDVALIDITY"),
        uidnext=counters.get("UIDNEXT"),
        highestmodseq=counters.get("HIGHESTMODSEQ") or None,
        messages=counters.get("MESSAGES"),
    )


def present(
    say: Say, mailbox: str, first: int, last: int | None, since: int | None = None
) -> dict[int, frozenset[str]]:
    """UIDs and flags in a range; with `since` only those changed after that MODSEQ."""
    if last is not None and last < first:
        return {}
    changed = [] if since is None else [f"(CHANGEDSINCE {since})"]
    window = f"{first}:{'*' if last is None else last}"
    answers = say("UID FETCH", window, "(UID FLAGS)", *changed, answer="FETCH", mailbox=mailbox)
    # `n:*` always names the last message, even one below n (RFC 9051 section 6.4.9).
    return {
        items.uid: items.flags
        for items in wire.parse_fetch(answers)
        if items.uid is not None and items.flags is not None and items.uid >= first
    }


def fetch(say: Say, mailbox: str, chunk: str) -> list[Fetched]:
    """The messages of one UID set, ascending. One that its server cannot read is left out, the others are not."""
    fetched = _fetch_halving(say, mailbox, wire.parse_uid_set(chunk.encode()), [MOST_REFUSALS])
    reports = [one for one in fetched.values() if is_report(one.header)]
    for start in range(0, len(reports), REPORT_CHUNK):
        fetched.update(_with_returned(say, mailbox, reports[start : start + REPORT_CHUNK]))
    return [fetched[uid] for uid in sorted(fetched)]


def _fetch_halving(
    say: Say, mailbox: str, uids: Sequence[int], refusals_left: list[int]
) -> dict[int, Fetched]:
    try:
        answers = say("UID FETCH", wire.uid_set(uids), _HEADERS, answer="FETCH", mailbox=mailbox)
    except MailboxRefused as refused:
        refusals_left[0] -= 1
        if refusals_left[0] < 0:
            raise
        if len(uids) == 1:
            log.warning("message %d: %s", uids[0], refused)
            return {}
        middle = len(uids) // 2
        first = _fetch_halving(say, mailbox, uids[:middle], refusals_left)
        return first | _fetch_halving(say, mailbox, uids[middle:], refusals_left)
    return _complete(wire.parse_fetch(answers), frozenset(uids))


def _complete(answers: Iterable[wire.FetchedItems], wanted: frozenset[int]) -> dict[int, Fetched]:
    """Whole answers only; flags that changed meanwhile come as a second answer for the same message."""
    found: dict[int, Fetched] = {}
    for items in answers:
        if items.uid in found and items.body is None and items.flags is not None:
            found[items.uid] = replace(found[items.uid], flags=items.flags)
        elif (
            items.uid in wanted
            and items.body is not None
            and items.size is not None
            and items.internal_date is not None
            and items.flags is not None
        ):
            found[items.uid] = Fetched(
                uid=items.uid,
                flags=items.flags,
                internal_date=items.internal_date,
                size=items.size,
                header=items.body,
            )
    return found


def _with_returned(say: Say, mailbox: str, reports: Sequence[Fetched]) -> dict[int, Fetched]:
    try:
        answers = say(
            *("UID FETCH", wire.uid_set(one.uid for one in reports), _BODY), answer="FETCH", mailbox=mailbox
        )
    except MailboxRefused as refused:  # a bounce then is about nobody
        log.warning("%s", refused)
        return {}
    bodies = {items.uid: items.body for items in wire.parse_fetch(answers) if items.body is not None}
    return {
        one.uid: replace(one, returned=returned_headers(one.header, bodies[one.uid]))
        for one in reports
        if one.uid in bodies
    }


class Readable(Protocol):
    """What the index reads from: an `ImapSession`, or a memory fake that passes the same contract tests."""

    def listing(self) -> Listing:
        """All mailboxes with their counters."""
        ...

    def examine(self, mailbox: str) -> Standing:
        """Open a mailbox for reading."""
        ...

    def present(self, mailbox: str, first: int = 1, last: int | None = None) -> dict[int, frozenset[str]]:
        """UIDs in a range, each with its flags."""
        ...

    def flags_since(self, mailbox: str, modseq: int, last: int) -> dict[int, frozenset[str]]:
        """Flags of messages up to `last` that changed after `modseq`."""
        ...

    def fetch(self, mailbox: str, uids: Sequence[int]) -> Iterator[Fetched]:
        """Headers of these messages."""
        ...
