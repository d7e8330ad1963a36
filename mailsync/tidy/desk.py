"""What all runs of one process share: house, database, roster source, clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from mailsync.addressbook.places import Places
from mailsync.database import connect
from mailsync.mailbox.imap import ImapSession
from mailsync.mailbox.index import Index
from mailsync.mailbox.profiles import Profiles
from mailsync.migrations import upgrade
from mailsync.run.confirmations import Confirmations
from mailsync.run.journal import Journal
from mailsync.run.lease import Leases
from mailsync.run.results import Results
from mailsync.text import Sentence
from mailsync.tidy.calm import Calm
from mailsync.tidy.mail_memory import MailMemory
from mailsync.tidy.settings import Account, House
from mailsync.tidy.source import RosterSource

#: stage, done, total: what a terminal shows meanwhile.
Progress = Callable[[Sentence, int, int], None]


def utc_now() -> datetime:
    return datetime.now(UTC)


def silent(_stage: Sentence, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept from run to run, by account; `list_every`: how often all mailboxes are looked at."""

    list_every: timedelta
    sessions: dict[str, ImapSession] = field(default_factory=dict)
    calms: dict[str, Calm] = field(default_factory=dict)
    memories: dict[str, MailMemory] = field(default_factory=dict)
    stirred: dict[str, set[str]] = field(
        default_factory=dict
    )  #: mailboxes in which something was heard to happen

    def stir(self, account: str, mailboxes: Iterable[str]) -> None:
        """Something happened in these mailboxes. In any thread."""
        self.stirred.setdefault(account, set()).update(mailboxes)

    def close(self) -> None:
        """Close the connections."""
        for session in self.sessions.values():
            session.drop()


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What all runs of one process share."""

    house: House
    engine: sa.Engine  #: durable
    source: RosterSource
    clock: Callable[[], datetime] = utc_now
    kept: Kept | None = None  #: in a process that runs again and again

    @property
    def journal(self) -> Journal:
        return Journal(self.engine, self.clock)

    @property
    def confirmations(self) -> Confirmations:
        return Confirmations(self.engine, self.clock)

    @property
    def results(self) -> Results:
        return Results(self.engine)

    @property
    def leases(self) -> Leases:
        return Leases(self.engine, self.clock, self.house.state_dir / "locks")

    def places(self, account: Account) -> Places:
        return Places(self.engine, account.name)

    def profiles(self, account: Account) -> Profiles:
        return Profiles(self.engine, account.name)

    def index(self, account: Account) -> Index:
        # its rows can be read again from the server, so a commit need not reach the disk at once
        return Index(connect(self.house.database, durable=False), account.name)


def open_desk(house: House) -> Desk:
    """The desk of this process, its database brought to the newest schema. Raises `StorageError`."""
    engine = connect(house.database)
    upgrade(engine)
    house.state_dir.mkdir(parents=True, exist_ok=True)
    return Desk(house=house, engine=engine, source=RosterSource(engine, house.registry_source))
