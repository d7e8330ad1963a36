"""A whole small account for the kill tests: cards to rename and add, mail to file, and the run that does both."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from mailsync.errors import UsageError
from mailsync.filing.folders import FolderNames
from mailsync.filing.plan import FilingSettings, Mode, plan_filing
from mailsync.mailbox.headers import Envelope, MailboxRole, Message, MessageKey
from mailsync.registry.roster import Customer, Roster
from mailsync.run.actions import Action, CardCreate, CardDelete, CardRename, NameProperties
from mailsync.run.apply import Outcome, apply
from mailsync.run.journal import Run
from mailsync.run.recover import recover
from mailsync.run.undo import plan_undo
from tests.kill.worlds import NOW, KillableJournal, LineEditor, Mail, MemoryBook, MemoryMail, shared_journal

ROSTER = Roster(
    customers=(
        Customer(code="D12", company="Gibson Importing"),
        Customer(code="E05", company="Roca"),
        Customer(code="012", company="王伟 贸易"),
    )
)
_accounts = itertools.count()
SUBJECTS = ("D12 order", "D12 order", "E05 samples", "hello", "D12 photos", "012 报价")


@dataclass(frozen=True, kw_only=True)
class Decided:
    """An attribution of this world: the subject's first word."""

    customer: str | None
    evidence: str = "code"


@dataclass(kw_only=True)
class World:
    """One account's servers and journal."""

    mode: Mode = "move"
    mail: MemoryMail = field(default_factory=MemoryMail)
    book: MemoryBook = field(default_factory=MemoryBook)
    journal: KillableJournal = field(default_factory=shared_journal)
    roster: Roster = ROSTER
    account: str = field(default_factory=lambda: f"account-{next(_accounts)}")

    @classmethod
    def seeded(cls, *, mode: Mode = "move", **mail: Any) -> World:
        world = cls(mode=mode, mail=MemoryMail(**mail))
        for day, subject in enumerate(SUBJECTS):
            date = NOW - timedelta(days=30 - (0 if subject == "D12 order" else day))
            world.mail.append("INBOX", Mail(subject=subject, internal_date=date))
        world.mail.append("INBOX", Mail(subject="D12 unread", flags=frozenset()))
        world.mail.append("Sent", Mail(subject="E05 answer", flags=frozenset({"\\Seen", "$Label1"})))
        for number in range(3):
            world.book.put(f"/{number}.vcf", b"FN:Jane %d\r\nNOTE:x" % number)
        world.book.put("/right.vcf", b"FN:D12 right")
        world.book.writes.clear()
        return world

    @classmethod
    def renamed(cls, **more: Any) -> World:
        """One that was tidied, and whose companies are called otherwise since; there is new mail as well."""
        world = cls.seeded(**more)
        world.tidy()
        world.rename_companies()
        world.mail.append("INBOX", Mail(subject="D12 more"))
        world.mail.append("Customers/E05 Roca", Mail(subject="hello by hand"))
        return world

    def rename_companies(self) -> None:
        """D12 and E05 have other names from now on."""
        names = {"D12": "Gibson & Sons", "E05": "Roca 王伟"}
        self.roster = Roster(
            customers=tuple(
                replace(one, company=names.get(one.code, one.company)) for one in self.roster.customers
            )
        )

    def arm(self, gate: Callable[[], None]) -> None:
        """Every effect and every commit passes `gate`."""
        self.mail.gate = self.book.gate = self.journal.gate = gate

    def state(self) -> tuple[Counter[tuple[str, Mail]], dict[str, bytes], set[str]]:
        """What people see."""
        return self.mail.held(), dict(self.book.cards), set(self.mail.mailboxes)

    def tidy(self) -> Outcome:
        """Recover, plan from what the servers hold, apply."""
        run = self.journal.begin(account=self.account)
        ports: Any = {"books": {self.book.url: self.book}, "editor": LineEditor(), "mail": self.mail}
        recovery = recover(self.account, journal=self.journal, **ports)
        assert not recovery.errors
        outcome = apply(run, [*self._card_actions(), *self._mail_actions()], journal=self.journal, **ports)
        self.journal.finish_run(run.id, 0)
        return outcome

    def runs(self) -> list[Run]:
        """The runs that can be undone, the newest first."""
        return [run for run in self.journal.runs(self.account) if run.kind == "tidy"]

    def undo_all(self) -> None:
        """Undo every run that left something, the newest first."""
        for run in self.runs():
            with contextlib.suppress(UsageError):
                self.undo(run)

    def undo(self, run: Run) -> None:
        """Undo one run."""
        ports: Any = {"books": {self.book.url: self.book}, "editor": LineEditor(), "mail": self.mail}
        recover(self.account, journal=self.journal, **ports)
        rows = self.journal.rows(run=run.id)
        later = self.journal.rows(account=self.account, after=rows[-1].id) if rows else []
        plan = plan_undo(run, rows, later=later, **ports)
        undo = self.journal.begin("undo", self.account)
        apply(undo, plan.actions, journal=self.journal, undoes=plan.undoes, **ports)

    def _card_actions(self) -> list[Action]:
        actions: list[Action] = []
        for href, card in sorted(self.book.cards.items()):
            name = card.split(b"\r\n")[0].removeprefix(b"FN:").decode()
            if name == "D12 old":
                actions.append(
                    CardDelete(
                        book=self.book.url, href=href, uid=href, etag=self.book.etags[href], before=name
                    )
                )
            elif not name.startswith("D12"):
                actions.append(
                    CardRename(
                        book=self.book.url,
                        href=href,
                        uid=href,
                        etag=self.book.etags[href],
                        before=name,
                        after=f"D12 {name}",
                        codes=("D12",),
                        edit=NameProperties(fn=f"D12 {name}"),
                    )
                )
        if "/new.vcf" not in self.book.cards:
            card = b"FN:D12 new\r\nUID:new"
            actions.append(
                CardCreate(
                    book=self.book.url, href="/new.vcf", uid="new", after="D12 new", codes=("D12",), card=card
                )
            )
        return actions

    def _mail_actions(self) -> list[Action]:
        messages = self.messages()
        plan = plan_filing(
            messages,
            {message.key: _decided(message) for message in messages},
            {},
            folders=FolderNames(template="Customers/{code} {company}", roster=self.roster),
            settings=FilingSettings(mode=self.mode),
            existing=list(self.mail.mailboxes),
            placements=self.journal.placements(self.account),
            named=self.journal.named_folders(self.account),
            now=NOW,
        )
        return list(plan.actions)

    def messages(self) -> list[Message]:
        """Every message, as the index would know it."""
        roles: dict[str, MailboxRole] = {"INBOX": "inbox", "Sent": "sent"}
        return [
            Message(
                key=MessageKey(name, self.mail.uidvalidity[name], uid),
                role=roles.get(name, "other"),
                envelope=Envelope(subject=mail.subject),
                fingerprint=mail.fingerprint,
                size=1,
                internal_date=mail.internal_date,
                flags=mail.flags,
            )
            for name, box in self.mail.mailboxes.items()
            for uid, mail in box.items()
        ]


def _decided(message: Message) -> Decided:
    match = ROSTER.match(message.envelope.subject.split()[0])
    return Decided(customer=match.code if match else None)
