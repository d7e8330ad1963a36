"""The engine killed on Dovecot and Radicale: before and after effects and commits, then resumed, then undone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailsync.addressbook.book import Book
from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import CardRewriter, read_meaning
from mailsync.addressbook.transport import DavLogin
from mailsync.demo.seeding import SeedMessage
from mailsync.demo.snapshots import read_mail, snapshot_mail
from mailsync.errors import CollectionError
from mailsync.mailbox.imap import ImapLogin, ImapSession
from mailsync.run.actions import (
    Action,
    CardRename,
    CardState,
    FolderCreate,
    MailboxState,
    MessageState,
    MessageTransfer,
    NameProperties,
)
from mailsync.run.apply import apply
from mailsync.run.ports import Transferred
from mailsync.run.recover import recover
from mailsync.run.undo import plan_undo
from tests.conftest import BookUser, MailUser
from tests.kill.worlds import Gate, KillableJournal, Killed, memory_journal, no_gate

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SUBJECTS = ("D12 order", "E05 samples", "D12 photos", "hello", "D12 报价")
FOLDERS = {"D12": "Customers/D12 王伟", "E05": "Customers/E05 Roca"}
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nFN:Jane {0}\r\nN:Roe;Jane;;;\r\nEMAIL:j{0}@x.example\r\nEND:VCARD\r\n"


@dataclass
class GatedMail:
    """A real session that can be killed around each effect, on a server made poorer."""

    session: ImapSession
    can_move: bool = True
    says_copyuid: bool = True
    gate: Callable[[], None] = no_gate
    can_expunge_uids: bool = True
    has_labels: bool = False

    def state(self, mailbox: str) -> MailboxState | None:
        return self.session.state(mailbox)

    def validity(self, mailbox: str) -> int | None:
        return self.session.validity(mailbox)

    def messages(self, mailbox: str, uids: Sequence[int]) -> Mapping[int, MessageState]:
        return self.session.messages(mailbox, uids)

    def messages_from(self, mailbox: str, first_uid: int) -> Mapping[int, MessageState]:
        return self.session.messages_from(mailbox, first_uid)

    def states(self, mailboxes: Iterable[str]) -> Mapping[str, MailboxState | CollectionError | None]:
        return self.session.states(mailboxes)

    def create(self, mailboxes: Sequence[str]) -> Mapping[str, CollectionError]:
        with self._dangerous():
            return self.session.create(mailboxes)

    def rename(self, mailbox: str, after: str) -> None:
        with self._dangerous():
            self.session.rename(mailbox, after)

    def move_subscriptions(self, mailbox: str, after: str) -> None:
        with self._dangerous():
            self.session.move_subscriptions(mailbox, after)

    def remaining(self, mailbox: str, uids: Sequence[int]) -> AbstractSet[int]:
        return self.session.remaining(mailbox, uids)

    def transfer(
        self, mailbox: str, groups: Iterable[tuple[Sequence[int], str]], *, move: bool
    ) -> Iterator[Transferred]:
        """All commands are on their way when the first answer comes: whoever dies then leaves more done than known."""

        def gated() -> Iterator[tuple[Sequence[int], str]]:
            for group in groups:
                self.gate()
                yield group

        for answer in self.session.transfer(mailbox, gated(), move=move):
            self.gate()
            yield answer if self.says_copyuid else replace(answer, copies={})

    def remove(self, mailbox: str, uids: Sequence[int]) -> None:
        with self._dangerous():
            self.session.remove(mailbox, uids)

    @contextmanager
    def _dangerous(self) -> Iterator[None]:
        self.gate()
        yield
        self.gate()


@dataclass
class GatedBook:
    """A real book that can be killed around each write."""

    book: Book
    gate: Callable[[], None] = no_gate
    writes: int = 0
    connections: int = 1

    @property
    def url(self) -> str:
        return self.book.url

    def read(self, href: str) -> CardState | None:
        return self.book.read(href)

    def read_many(self, hrefs: Sequence[str]) -> Mapping[str, CardState]:
        return self.book.read_many(hrefs)

    def write(self, href: str, data: bytes, *, etag: str) -> str | None:
        self.gate()
        self.writes += 1
        answer = self.book.write(href, data, etag=etag)
        self.gate()
        return answer

    def create(self, href: str, data: bytes) -> None:
        self.book.create(href, data)

    def delete(self, href: str, *, etag: str) -> None:
        self.book.delete(href, etag=etag)


@dataclass
class Account:
    """One account on real servers."""

    mail: GatedMail
    book: GatedBook
    journal: KillableJournal

    def arm(self, gate: Callable[[], None]) -> None:
        self.mail.gate = self.book.gate = self.journal.gate = gate

    @property
    def ports(self) -> dict[str, Any]:
        return {"books": {self.book.url: self.book}, "editor": CardRewriter(), "mail": self.mail}

    def tidy(self) -> int:
        """Recover, plan from what the servers hold, apply; how many actions there were."""
        run = self.journal.begin()
        assert not recover("li.na", journal=self.journal, **self.ports).errors
        actions = [*self.renames(), *self.filing()]
        apply(run, actions, journal=self.journal, **self.ports)
        return len(actions)

    def undo(self) -> None:
        for run in [run for run in self.journal.runs("li.na") if run.kind == "tidy"]:
            rows = self.journal.rows(run=run.id)
            if any(row.state == "done" for row in rows):
                plan = plan_undo(run, rows, **self.ports)
                apply(
                    self.journal.begin("undo"),
                    plan.actions,
                    journal=self.journal,
                    undoes=plan.undoes,
                    **self.ports,
                )

    def renames(self) -> Iterator[Action]:
        for href, etag in self.book.book.listing().items():
            held = self.book.read(href)
            assert held is not None
            name = read_meaning(held.data).fn
            if not name.startswith("D12 "):
                yield CardRename(
                    book=self.book.url,
                    href=href,
                    uid=href,
                    etag=etag,
                    before=name,
                    after=f"D12 {name}",
                    codes=("D12",),
                    edit=NameProperties(fn=f"D12 {name}", nickname="D12"),
                )

    def filing(self) -> Iterator[Action]:
        standing = self.mail.session.examine("INBOX")
        fetched = list(self.mail.session.fetch("INBOX", list(self.mail.session.present("INBOX"))))
        yield from (
            FolderCreate(mailbox=mailbox) for mailbox in FOLDERS.values() if self.mail.state(mailbox) is None
        )
        for one in fetched:
            code = re.search(rb"Message-ID: <(\w+)-", one.header)
            destination = FOLDERS.get(code[1].decode()) if code else None
            if destination is not None:
                yield MessageTransfer(
                    kind="message-move",
                    mailbox="INBOX",
                    uidvalidity=standing.uidvalidity,
                    uid=one.uid,
                    message_id=None,
                    fingerprint=one.state.fingerprint,
                    subject="",
                    destination=destination,
                    customer="D12",
                    evidence="code",
                )

    def names(self) -> list[str]:
        held = self.book.read_many(list(self.book.book.listing()))
        return sorted(read_meaning(card.data).fn for card in held.values())


def seed(user: MailUser) -> None:
    flags = (frozenset({"\\Seen"}), frozenset({"\\Seen", "\\Answered", "$Label1"}))
    user.seed(
        SeedMessage(
            mailbox="INBOX",
            raw=f"From: j@x.example\r\nSubject: {subject}\r\nMessage-ID: <{subject.split()[0]}-{number}@x>\r\n\r\nHi\r\n".encode(),
            internal_date=NOW - timedelta(days=20 - number),
            flags=flags[number % 2],
        )
        for number, subject in enumerate(SUBJECTS)
    )


@pytest.fixture
def account(mail_user: MailUser, book_user: BookUser) -> Iterator[Account]:
    seed(mail_user)
    url = book_user.seed({f"{number}.vcf": CARD.format(number).encode() for number in range(2)})
    login = ImapLogin.of_url(mail_user.url, user=mail_user.name, password=mail_user.password)
    dav = DavLogin(url=url, user=book_user.name, password=book_user.password)
    with ImapSession(login) as session, CardDavClient(dav) as client:
        yield Account(GatedMail(session), GatedBook(client.book(url)), memory_journal())


WAYS = {
    "move": {},
    "copy": {"can_move": False, "says_copyuid": False},
}
#: Points at which the process dies: around card writes, folders, transfers, removals and their commits.
CELLS = [("move", step) for step in (2, 4, 6, 12, 14, 21, 22, 24)] + [
    ("copy", step) for step in (21, 23, 24, 25, 27)
]


@pytest.mark.parametrize("way, step", CELLS)
def test_killed_resumed_and_undone(account: Account, mail_user: MailUser, way: str, step: int) -> None:
    for name, value in WAYS[way].items():
        setattr(account.mail, name, value)
    login = (mail_user.url, mail_user.name, mail_user.password)
    before = snapshot_mail(*login)
    account.arm(Gate(die_at=step))
    with pytest.raises(Killed):
        account.tidy()
    account.arm(no_gate)
    account.tidy()
    assert account.tidy() == 0
    found = read_mail(*login)
    places = Counter((one.mailbox, one.message_id) for one in found)
    assert places == Counter(
        (FOLDERS.get(subject.split()[0], "INBOX"), f"<{subject.split()[0]}-{number}@x>")
        for number, subject in enumerate(SUBJECTS)
    )
    kept = Counter((one.fingerprint, one.flags, one.internal_date) for one in found)
    assert kept == Counter((one.fingerprint, one.flags, one.internal_date) for one in before.elements())
    assert account.names() == ["D12 Jane 0", "D12 Jane 1"]
    assert account.book.writes == 2
    rows = account.journal.rows()
    assert {row.state for row in rows} <= {"done", "abandoned"}
    assert sum(isinstance(row.action, MessageTransfer) and row.state == "done" for row in rows) == 4
    account.undo()
    assert snapshot_mail(*login) == before
    assert account.names() == ["Jane 0", "Jane 1"]
