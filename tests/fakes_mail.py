"""A mail account in memory, as faithful as its contract tests make it: it is written to by the engine and read by the index."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mailsync.errors import AccountError, CollectionError
from mailsync.mailbox.bounces import BODY_BYTES, returned_headers
from mailsync.mailbox.fetching import Fetched
from mailsync.mailbox.folders import Folder, Listing
from mailsync.mailbox.headers import FIELDS
from mailsync.mailbox.parse import is_report
from mailsync.mailbox.reading import Standing
from mailsync.run.actions import MailboxState, MessageState
from mailsync.run.ports import Transferred

_FIELD = re.compile(rb"^([^:\r\n]+):.*\r?\n(?:[ \t].*\r?\n)*", re.M)
_WANTED = {name.lower().encode() for name in FIELDS}


@dataclass(frozen=True, kw_only=True)
class Held:
    """A message in a mailbox."""

    raw: bytes
    flags: frozenset[str] = frozenset()
    internal_date: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    modseq: int = 1

    def fetched(self, uid: int) -> Fetched:
        head, _, body = self.raw.partition(b"\r\n\r\n")
        lines = (field[0] for field in _FIELD.finditer(head + b"\r\n") if field[1].strip().lower() in _WANTED)
        header = b"".join(lines) + b"\r\n"
        returned = returned_headers(header, body[:BODY_BYTES]) if is_report(header) else None
        return Fetched(
            uid=uid,
            flags=self.flags,
            internal_date=self.internal_date,
            size=len(self.raw),
            header=header,
            returned=returned,
        )


@dataclass(kw_only=True)
class Box:
    """A mailbox: UIDs rise and are never used twice."""

    uidvalidity: int
    flags: frozenset[str] = frozenset()
    uidnext: int = 1
    modseq: int = 1
    messages: dict[int, Held] = field(default_factory=dict)


@dataclass(kw_only=True)
class MemoryMail:
    """An IMAP account. Switches take away what poor servers do not have."""

    separator: str = "/"
    can_move: bool = True
    can_expunge_uids: bool = True
    has_labels: bool = False
    says_copyuid: bool = True
    says_modseq: bool = True
    says_uidnext: bool = True
    away: bool = False
    refuses: set[str] = field(default_factory=set)  #: mailboxes that cannot be opened
    unreadable: set[tuple[str, int]] = field(default_factory=set)  #: messages that cannot be fetched
    boxes: dict[str, Box] = field(default_factory=dict)
    subscribed: set[str] = field(default_factory=set)
    said: Counter[str] = field(default_factory=Counter)  #: how often each thing was asked
    _validities: int = 100

    def __post_init__(self) -> None:
        for name, flags in (("INBOX", ""), ("Sent", "\\sent"), ("Drafts", "\\drafts"), ("Trash", "\\trash")):
            self.add_box(name, flags)

    # What other people and servers do

    def add_box(self, mailbox: str, *flags: str) -> Box:
        self._validities += 1
        self.boxes[mailbox] = Box(
            uidvalidity=self._validities, flags=frozenset(flag for flag in flags if flag)
        )
        return self.boxes[mailbox]

    def append(
        self, mailbox: str, raw: bytes, flags: Sequence[str] = (), internal_date: datetime | None = None
    ) -> int:
        held = Held(raw=raw, flags=frozenset(flags))
        return self._append(
            self.boxes[mailbox], held if internal_date is None else replace(held, internal_date=internal_date)
        )

    def set_flags(self, mailbox: str, uid: int, flags: Sequence[str]) -> None:
        box = self.boxes[mailbox]
        box.modseq += 1
        box.messages[uid] = replace(box.messages[uid], flags=frozenset(flags), modseq=box.modseq)

    def expunge(self, mailbox: str, uid: int) -> None:
        box = self.boxes[mailbox]
        del box.messages[uid]
        box.modseq += 1

    # Reading

    def listing(self) -> Listing:
        self._answer("listing")
        return Listing(
            folders=tuple(
                Folder(
                    name=name,
                    separator=self.separator,
                    flags=box.flags,
                    subscribed=name in self.subscribed,
                    uidvalidity=box.uidvalidity,
                    uidnext=box.uidnext if self.says_uidnext else None,
                    highestmodseq=box.modseq if self.says_modseq else None,
                    messages=len(box.messages),
                )
                for name, box in self.boxes.items()
            )
        )

    def examine(self, mailbox: str) -> Standing:
        box = self._open("examine", mailbox)
        return Standing(
            uidvalidity=box.uidvalidity,
            uidnext=box.uidnext if self.says_uidnext else None,
            highestmodseq=box.modseq if self.says_modseq else None,
            messages=len(box.messages),
        )

    def present(self, mailbox: str, first: int = 1, last: int | None = None) -> dict[int, frozenset[str]]:
        box = self._open("present", mailbox)
        return {
            uid: held.flags
            for uid, held in box.messages.items()
            if first <= uid and (last is None or uid <= last)
        }

    def flags_since(self, mailbox: str, modseq: int, last: int) -> dict[int, frozenset[str]]:
        box = self._open("flags_since", mailbox)
        return {uid: held.flags for uid, held in box.messages.items() if uid <= last and held.modseq > modseq}

    def fetch(self, mailbox: str, uids: Sequence[int]) -> Iterator[Fetched]:
        box = self._open("fetch", mailbox)
        self.said["headers"] += len(uids)
        for uid in sorted(set(uids) & box.messages.keys()):
            if (mailbox, uid) not in self.unreadable:
                yield box.messages[uid].fetched(uid)

    # The engine's port

    def state(self, mailbox: str) -> MailboxState | None:
        self._answer("state")
        box = self.boxes.get(mailbox)
        return None if box is None else MailboxState(uidvalidity=box.uidvalidity, uidnext=box.uidnext)

    def validity(self, mailbox: str) -> int | None:
        state = self.state(mailbox)
        return state.uidvalidity if state else None

    def states(self, mailboxes: Iterable[str]) -> dict[str, MailboxState | CollectionError | None]:
        return {mailbox: self.state(mailbox) for mailbox in mailboxes}

    def create(self, mailboxes: Sequence[str]) -> dict[str, CollectionError]:
        self._answer("create")
        for mailbox in mailboxes:
            self.subscribed.add(mailbox)
            if mailbox not in self.boxes:
                self.add_box(mailbox)
        return {}

    def rename(self, mailbox: str, after: str) -> None:
        self._open("rename", mailbox)
        if after in self.boxes:
            raise CollectionError("there is a folder {after}", after=after)
        for name in [
            name for name in self.boxes if name == mailbox or name.startswith(f"{mailbox}{self.separator}")
        ]:
            self.boxes[after + name.removeprefix(mailbox)] = self.boxes.pop(name)

    def move_subscriptions(self, mailbox: str, after: str) -> None:
        for name in [
            name
            for name in self.subscribed
            if name == mailbox or name.startswith(f"{mailbox}{self.separator}")
        ]:
            self.subscribed.remove(name)
            self.subscribed.add(after + name.removeprefix(mailbox))

    def messages(self, mailbox: str, uids: Sequence[int]) -> Mapping[int, MessageState]:
        return {fetched.uid: fetched.state for fetched in self.fetch(mailbox, uids)}

    def messages_from(self, mailbox: str, first_uid: int) -> Mapping[int, MessageState]:
        return self.messages(mailbox, list(self.present(mailbox, first_uid)))

    def remaining(self, mailbox: str, uids: Sequence[int]) -> set[int]:
        return self._open("remaining", mailbox).messages.keys() & set(uids)

    def transfer(
        self, mailbox: str, groups: Iterable[tuple[Sequence[int], str]], *, move: bool
    ) -> Iterator[Transferred]:
        if move and not self.can_move:
            raise AssertionError("MOVE was sent to a server that has none")
        for uids, destination in groups:
            pairs: dict[int, int] = {}
            refusal = None
            try:
                pairs = self._copy(mailbox, uids, destination)
            except CollectionError as error:
                refusal = error
            for uid in pairs if move else ():
                self.expunge(mailbox, uid)
            yield Transferred(
                uids=uids,
                destination=destination,
                copies=pairs if self.says_copyuid else {},
                refusal=refusal,
            )

    def remove(self, mailbox: str, uids: Sequence[int]) -> None:
        if not uids:
            raise ValueError("an empty list of messages to remove")
        if not self.can_expunge_uids:
            raise CollectionError("no UIDPLUS for {mailbox}", mailbox=mailbox)
        box = self._open("remove", mailbox)
        for uid in box.messages.keys() & set(uids):
            self.expunge(mailbox, uid)

    def _copy(self, mailbox: str, uids: Sequence[int], destination: str) -> dict[int, int]:
        source, target = self._open("copy", mailbox), self._open("copy", destination)
        # A vanished UID is answered OK (RFC 9051 section 6.4.9).
        return {
            uid: self._append(target, source.messages[uid])
            for uid in sorted(set(uids) & source.messages.keys())
        }

    def _append(self, box: Box, held: Held) -> int:
        uid = box.uidnext
        box.uidnext += 1
        box.modseq += 1
        box.messages[uid] = replace(held, modseq=box.modseq)
        return uid

    def _open(self, what: str, mailbox: str) -> Box:
        self._answer(what)
        if mailbox in self.refuses or mailbox not in self.boxes:
            raise CollectionError("no folder {mailbox}", mailbox=mailbox)
        return self.boxes[mailbox]

    def _answer(self, what: str) -> None:
        self.said[what] += 1
        if self.away:
            raise AccountError("the server is away")
