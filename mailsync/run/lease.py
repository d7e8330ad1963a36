"""One run an account at a time: schedule, lease and run token in the database, and a file lock (DESIGN 1).

On one machine the file lock is the guard: the kernel frees it when its owner dies. Between machines the lease is: it
is taken over after `until`, at once when its owner is this host and dead. A run whose token was superseded finds the
door closed at its next check.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailsync.database import Base
from mailsync.errors import AccountLocked
from mailsync.text import N_

#: How long a lease is good without a sign of life; renewed at every check.
LENGTH = timedelta(minutes=10)


class AccountRow(Base):
    """Schedule and lease of one account."""

    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_due: Mapped[datetime | None]
    token: Mapped[int] = mapped_column(sa.BigInteger)
    until: Mapped[datetime | None]
    owner_host: Mapped[str | None]
    owner_pid: Mapped[int | None]
    owner_started: Mapped[str | None]


_accounts = cast("sa.Table", AccountRow.__table__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process: pids come again, so its start time belongs to it."""

    host: str
    pid: int
    started: str

    @classmethod
    def me(cls) -> Owner:
        """This process."""
        pid = os.getpid()
        return cls(host=socket.gethostname(), pid=pid, started=_start_time(pid) or "")

    def is_dead(self, here: str) -> bool:
        """Whether this process ran on the host `here` and runs no more. Of other hosts nobody knows."""
        return self.host == here and _start_time(self.pid) != self.started


class Leases:
    """The leases on one database. `locks`: folder for the lock files, one of this machine."""

    def __init__(
        self, engine: sa.Engine, clock: Callable[[], datetime], locks: Path, *, owner: Owner | None = None
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._locks = locks
        self._owner = owner or Owner.me()

    @contextmanager
    def hold(self, account: str) -> Iterator[int]:
        """Hold the account; yields the run token. Raises `AccountLocked`, naming who holds it."""
        self._locks.mkdir(parents=True, exist_ok=True)
        path = self._locks / f"{hashlib.sha256(account.encode()).hexdigest()[:16]}.lock"
        with path.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._locked(account) from None
            token = self._take(account)
            try:
                yield token
            finally:
                self._release(account, token)

    def check(self, account: str, token: int) -> None:
        """Renew the lease. Raises `AccountLocked` when a newer run took the account over."""
        renewal = sa.update(_accounts).where(_accounts.c.name == account, _accounts.c.token == token)
        with self._engine.begin() as connection:
            renewed = connection.execute(renewal.values(until=self._clock() + LENGTH)).rowcount
        if not renewed:
            raise AccountLocked(
                N_("Another run took {account} over while this one stood still; this one gives up"),
                account=account,
            )

    def next_due(self, account: str) -> datetime | None:
        """When the account's next run is due; None where nothing is scheduled."""
        query = sa.select(_accounts.c.next_due).where(_accounts.c.name == account)
        with self._engine.connect() as connection:
            return connection.scalar(query)

    def set_next_due(self, account: str, due: datetime | None) -> None:
        """Schedule the account's next run."""
        with self._engine.begin() as connection:
            self._ensure(connection, account)
            change = sa.update(_accounts).where(_accounts.c.name == account)
            connection.execute(change.values(next_due=due))

    def _take(self, account: str) -> int:
        now = self._clock()
        with self._engine.begin() as connection:
            self._ensure(connection, account)
            query = sa.select(_accounts).where(_accounts.c.name == account).with_for_update()
            row = connection.execute(query).one()
            held = row.until is not None and row.until > now
            # the file lock is ours, so an earlier lease of this very process has ended
            if held and _owner(row) != self._owner and not _owner(row).is_dead(self._owner.host):
                raise _locked_by(account, _owner(row))
            connection.execute(
                sa.update(_accounts)
                .where(_accounts.c.name == account)
                .values(
                    token=row.token + 1,
                    until=now + LENGTH,
                    owner_host=self._owner.host,
                    owner_pid=self._owner.pid,
                    owner_started=self._owner.started,
                )
            )
        return int(row.token) + 1

    def _release(self, account: str, token: int) -> None:
        release = sa.update(_accounts).where(_accounts.c.name == account, _accounts.c.token == token)
        with self._engine.begin() as connection:
            connection.execute(release.values(until=None))

    def _locked(self, account: str) -> AccountLocked:
        query = sa.select(_accounts).where(_accounts.c.name == account)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.owner_host is None:
            return AccountLocked(
                N_("{account} is being worked on by another run; nothing was done"), account=account
            )
        return _locked_by(account, _owner(row))

    def _ensure(self, connection: sa.Connection, account: str) -> None:
        query = sa.select(_accounts.c.name).where(_accounts.c.name == account)
        if connection.scalar(query) is None:
            connection.execute(sa.insert(_accounts).values(name=account, token=0))


def _owner(row: sa.Row[tuple[object, ...]]) -> Owner:
    return Owner(host=row.owner_host or "", pid=row.owner_pid or 0, started=row.owner_started or "")


def _locked_by(account: str, owner: Owner) -> AccountLocked:
    return AccountLocked(
        N_(
            "{account} is being worked on by process {pid} on {host}; nothing was done. Try again when it has ended"
        ),
        account=account,
        pid=owner.pid,
        host=owner.host,
    )


def _start_time(pid: int) -> str | None:
    """When the process started (Linux: ticks since boot and the boot's id); "" where only its life is known; None
    where there is no such process."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _bare_life(pid)
    return f"{fields[19]}@{boot}"


def _bare_life(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
