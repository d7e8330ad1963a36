"""A small memory world for the engine: servers that can be killed between and inside their effects."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa

from mailsync.database import connect
from mailsync.errors import AccountError, CollectionError, ItemError
from mailsync.run.actions import CardState, FormerProperties, MailboxState, MessageState, NameProperties
from mailsync.run.journal import ActionRow, Closing, Intent, Journal, JournalRow, Run, RunKind, RunRow
from mailsync.run.ports import PreconditionFailed, Transferred

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone. Not an `Exception`: nothing in between may catch it."""


@dataclass(kw_only=True)
class Gate:
    """Counts the points at which a process can die, and dies at one of them."""

    die_at: int | None = None
    passed: int = 0

    def __call__(self) -> None:
        self.passed += 1
        if self.passed == self.die_at:
            raise Killed


def no_gate() -> None:
    """Nobody dies here."""


class LineEditor:
    """Cards of this world are lines; FN is the name."""

    def edit(self, data: bytes, edit: NameProperties | FormerProperties) -> bytes:
        if b"BROKEN" in data:
            raise ItemError("the card has no end")
        fn = edit.fn if isinstance(edit, NameProperties) else edit.lines[0].removeprefix("FN:")
        lines = [b"FN:" + fn.encode() if line.startswith(b"FN:") else line for line in data.split(b"\r\n")]
        return b"\r\n".join(lines)

    def same_meaning(self, sent: bytes, held: bytes) -> bool:
        return sorted(sent.split()) == sorted(held.split())


@dataclass(kw_only=True)
class MemoryBook:
    """A CardDAV server's book: etags, If-Match, and what real servers do wrong."""

    url: str = "https://dav.example/book/"
    cards: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    gate: Callable[[], None] = no_gate
    store: Callable[[bytes], bytes] = field(default=lambda data: data)  #: what the server makes of a card
    says_etag: bool = True
    refuses: set[str] = field(default_factory=set)
    away: bool = False
    writes: Counter[str] = field(default_factory=Counter)
    before_write: Callable[[str], None] = field(default=lambda _href: None)
    connections: int = 1
    _serial: int = 0

    def put(self, href: str, data: bytes) -> str:
        """Somebody stores a card, without condition."""
        self._serial += 1
        self.cards[href], self.etags[href] = data, f'"{self._serial}"'
        return self.etags[href]

    def read(self, href: str) -> CardState | None:
        self._answer()
        if href not in self.cards:
            return None
        return CardState(href=href, etag=self.etags[href], data=self.cards[href])

    def read_many(self, hrefs: Sequence[str]) -> Mapping[str, CardState]:
        return {href: state for href in hrefs if (state := self.read(href)) is not None}

    def write(self, href: str, data: bytes, *, etag: str) -> str | None:
        self.before_write(href)
        self._check(href, etag)
        return self._effect(href, data)

    def create(self, href: str, data: bytes) -> None:
        self._answer()
        if href in self.cards:
            raise PreconditionFailed("{href} is taken", href=href)
        self._effect(href, data)

    def delete(self, href: str, *, etag: str) -> None:
        self._check(href, etag)
        self.gate()
        self.writes[href] += 1
        del self.cards[href], self.etags[href]
        self.gate()

    def _effect(self, href: str, data: bytes) -> str | None:
        if href in self.refuses:
            raise ItemError("507: the disk is full")
        self.gate()
        self.writes[href] += 1
        etag = self.put(href, self.store(data))
        self.gate()
        return etag if self.says_etag else None

    def _check(self, href: str, etag: str) -> None:
        self._answer()
        if self.etags.get(href) != etag:
            raise PreconditionFailed("{href} changed", href=href)

    def _answer(self) -> None:
        if self.away:
            raise AccountError("the server is away")


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A message in this world."""

    subject: str
    flags: frozenset[str] = frozenset({"\\Seen"})
    internal_date: datetime = NOW - timedelta(days=9)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.subject.encode()).hexdigest()


@dataclass(kw_only=True)
class MemoryMail:
    """An IMAP account. Its MOVE goes message by message, as the worst servers do it."""

    can_move: bool = True
    can_expunge_uids: bool = True
    has_labels: bool = False
    says_copyuid: bool = True
    mailboxes: dict[str, dict[int, Mail]] = field(default_factory=lambda: {"INBOX": {}, "Sent": {}})
    uidvalidity: dict[str, int] = field(default_factory=lambda: {"INBOX": 1, "Sent": 2})
    uidnext: dict[str, int] = field(default_factory=dict)
    gate: Callable[[], None] = no_gate
    refuses: set[str] = field(default_factory=set)
    away: bool = False
    copies: Counter[tuple[str, str]] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    renamed: Counter[tuple[str, str]] = field(default_factory=Counter)
    subscribed: set[str] = field(default_factory=set)

    def append(self, mailbox: str, mail: Mail) -> int:
        uid = self.uidnext.get(mailbox, 1)
        self.mailboxes[mailbox][uid] = mail
        self.uidnext[mailbox] = uid + 1
        return uid

    def state(self, mailbox: str) -> MailboxState | None:
        self._answer(mailbox)
        if mailbox not in self.mailboxes:
            return None
        return MailboxState(uidvalidity=self.uidvalidity[mailbox], uidnext=self.uidnext.get(mailbox, 1))

    def validity(self, mailbox: str) -> int | None:
        state = self.state(mailbox)
        return state.uidvalidity if state else None

    def states(self, mailboxes: Iterable[str]) -> dict[str, MailboxState | CollectionError | None]:
        found: dict[str, MailboxState | CollectionError | None] = {}
        for mailbox in mailboxes:
            try:
                found[mailbox] = self.state(mailbox)
            except CollectionError as error:
                found[mailbox] = error
        return found

    def create(self, mailboxes: Sequence[str]) -> dict[str, CollectionError]:
        refused: dict[str, CollectionError] = {}
        for mailbox in mailboxes:
            try:
                self._answer(mailbox)
            except CollectionError as error:
                refused[mailbox] = error
                continue
            self.gate()
            self.add(mailbox)
            self.gate()
            self.subscribed.add(mailbox)
        return refused

    def add(self, mailbox: str) -> None:
        """There is such a mailbox from now on."""
        if mailbox not in self.mailboxes:
            self.mailboxes[mailbox] = {}
            self.uidvalidity[mailbox] = 10 + len(self.uidvalidity)

    def rename(self, mailbox: str, after: str) -> None:
        self._answer(mailbox)
        if mailbox not in self.mailboxes or after in self.mailboxes:
            raise CollectionError("{mailbox} cannot be renamed", mailbox=mailbox)
        self.gate()
        for name in [name for name in self.mailboxes if f"{name}/".startswith(f"{mailbox}/")]:
            now = after + name.removeprefix(mailbox)
            for table in (self.mailboxes, self.uidvalidity, self.uidnext):
                if name in table:
                    table[now] = table.pop(name)  # type: ignore[attr-defined, index]
        self.renamed[mailbox, after] += 1
        self.gate()

    def move_subscriptions(self, mailbox: str, after: str) -> None:
        for name in [name for name in self.subscribed if f"{name}/".startswith(f"{mailbox}/")]:
            self.gate()
            self.subscribed.add(after + name.removeprefix(mailbox))
            self.gate()
            self.subscribed.remove(name)

    def messages(self, mailbox: str, uids: Sequence[int]) -> Mapping[int, MessageState]:
        self._answer(mailbox)
        held = self.mailboxes.get(mailbox, {})
        return {uid: _message_state(uid, held[uid]) for uid in uids if uid in held}

    def messages_from(self, mailbox: str, first_uid: int) -> Mapping[int, MessageState]:
        return self.messages(mailbox, [uid for uid in self.mailboxes[mailbox] if uid >= first_uid])

    def remaining(self, mailbox: str, uids: Sequence[int]) -> set[int]:
        self._answer(mailbox)
        return self.mailboxes[mailbox].keys() & set(uids)

    def transfer(
        self, mailbox: str, groups: Iterable[tuple[Sequence[int], str]], *, move: bool
    ) -> Iterator[Transferred]:
        for uids, destination in groups:
            copies: Mapping[int, int] = {}
            refusal = None
            try:
                copies = self.carry(mailbox, uids, destination, remove=move)
            except CollectionError as error:
                refusal = error
            yield Transferred(
                uids=uids,
                destination=destination,
                copies=copies if self.says_copyuid else {},
                refusal=refusal,
            )

    def remove(self, mailbox: str, uids: Sequence[int]) -> None:
        if not self.can_expunge_uids or not uids:
            raise AssertionError("a plain EXPUNGE would have been sent")
        self._answer(mailbox)
        for uid in uids:
            self.gate()
            mail = self.mailboxes[mailbox].get(uid)
            if mail is not None:
                self.mailboxes[mailbox][uid] = replace(mail, flags=mail.flags | {"\\Deleted"})
        for uid in uids:
            self.gate()
            mail = self.mailboxes[mailbox].pop(uid, None)
            if mail is not None:
                self.removed[mail.subject] += 1
        self.gate()

    def held(self) -> Counter[tuple[str, Mail]]:
        """Every message where it lies, without its UID."""
        return Counter((name, mail) for name, box in self.mailboxes.items() for mail in box.values())

    def carry(
        self, mailbox: str, uids: Sequence[int], destination: str, *, remove: bool
    ) -> Mapping[int, int]:
        """One MOVE or COPY; source UID → destination UID."""
        self._answer(mailbox)
        self._answer(destination)
        if remove and not self.can_move:
            raise AssertionError("MOVE was sent to a server that has none")
        said = {}
        for uid in uids:
            self.gate()
            mail = self.mailboxes[mailbox].get(uid)
            if mail is None:
                continue
            said[uid] = self.append(destination, mail)
            self.copies[destination, mail.subject] += 1
            if remove:
                del self.mailboxes[mailbox][uid]
        self.gate()
        return said

    def _answer(self, mailbox: str) -> None:
        if self.away:
            raise AccountError("the server is away")
        if mailbox in self.refuses:
            raise CollectionError("{mailbox} refuses", mailbox=mailbox)


def _message_state(uid: int, mail: Mail) -> MessageState:
    return MessageState(
        uid=uid, fingerprint=mail.fingerprint, flags=mail.flags, internal_date=mail.internal_date
    )


class KillableJournal(Journal):
    """Dies before or after each commit; inside one, a transaction is there or it is not."""

    def __init__(self, engine: sa.Engine, gate: Callable[[], None] = no_gate) -> None:
        super().__init__(engine, lambda: NOW)
        self.engine = engine
        self.gate = gate

    def open(self, run: str, account: str, intents: Sequence[Intent]) -> list[JournalRow]:
        self.gate()
        rows = super().open(run, account, intents)
        self.gate()
        return rows

    def close(self, closings: Sequence[Closing]) -> None:
        self.gate()
        super().close(closings)
        self.gate()

    def begin(self, kind: RunKind = "tidy", account: str = "li.na") -> Run:
        return self.start_run(account, kind)


def memory_journal() -> KillableJournal:
    """A journal in a database of its own."""
    engine = connect("sqlite://")
    for table in (RunRow.__table__, ActionRow.__table__):
        assert isinstance(table, sa.Table)
        table.create(engine)
    return KillableJournal(engine)


@lru_cache
def _shared_engine() -> sa.Engine:
    return memory_journal().engine


def shared_journal() -> KillableJournal:
    """A journal in one database for all: hundreds of worlds compile their statements once. Each has its account."""
    return KillableJournal(_shared_engine())
