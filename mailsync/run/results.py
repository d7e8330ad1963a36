"""What each run found, for reports, and what was last decided of each message (database)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailsync.database import Base
from mailsync.run.actions import Place


class ResultRow(Base):
    """The result object of one run (FORMATS 3)."""

    __tablename__ = "run_results"

    run: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    started: Mapped[datetime] = mapped_column(index=True)
    passing: Mapped[bool] = mapped_column(default=False)  #: the account's next result takes its place
    result: Mapped[dict[str, Any]]


class DecisionRow(Base):
    """What was last decided of one message."""

    __tablename__ = "decisions"

    account: Mapped[str] = mapped_column(primary_key=True)
    mailbox: Mapped[str] = mapped_column(primary_key=True)
    uidvalidity: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    uid: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    customer: Mapped[str | None]
    evidence: Mapped[str]
    verdict: Mapped[str | None]
    fingerprint: Mapped[str | None]


_results = cast("sa.Table", ResultRow.__table__)
_decisions = cast("sa.Table", DecisionRow.__table__)

#: Rows in one statement.
_CHUNK = 2000
#: Messages named in one question.
_FEW = 500
_DECIDED = ("customer", "evidence", "verdict", "fingerprint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Attribution (DOMAIN 7) and, of a Sent message, verdict (DOMAIN 6)."""

    customer: str | None
    evidence: str
    verdict: str | None = None
    fingerprint: str | None = None  #: of a message outside INBOX and Sent: how it is known when it comes back


class Results:
    """The results on one database; nothing here is needed to resume a run, so `engine` need not be durable."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def store(
        self, run: str, account: str, started: datetime, result: Mapping[str, Any], *, passing: bool = False
    ) -> None:
        """Keep a run's result object; a second one for the same run replaces the first. A `passing` one is kept only
        until the account's next."""
        outdated = (_results.c.run == run) | ((_results.c.account == account) & _results.c.passing)
        values = {
            "run": run,
            "account": account,
            "started": started,
            "passing": passing,
            "result": dict(result),
        }
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_results).where(outdated))
            connection.execute(sa.insert(_results).values(values))

    def since(self, start: datetime, accounts: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
        """Result objects of runs that started at `start` or later, the oldest first."""
        query = sa.select(_results.c.run).where(_results.c.started >= start)
        query = query.order_by(_results.c.started, _results.c.run)
        if accounts is not None:
            query = query.where(_results.c.account.in_(list(accounts)))
        with self._engine.connect() as connection:
            runs = list(connection.scalars(query))
        for run in runs:
            stored = self.of_run(run)
            if stored is not None:
                yield stored

    def of_run(self, run: str) -> dict[str, Any] | None:
        """One run's result object."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(_results.c.result).where(_results.c.run == run))

    def last(self, account: str) -> dict[str, Any] | None:
        """The account's newest result object."""
        query = sa.select(_results.c.result).where(_results.c.account == account)
        query = query.order_by(_results.c.started.desc(), _results.c.run.desc())
        with self._engine.connect() as connection:
            return connection.scalar(query.limit(1))

    def decisions(
        self,
        account: str,
        *,
        among: Iterable[Place] | None = None,
        fingerprints: Iterable[str] = (),
    ) -> dict[Place, Decision]:
        """What was last decided of each message of the account; or of those `among` these places, and of those that
        lay outside INBOX and Sent with one of `fingerprints`."""
        if among is None:
            return self._decided(_decisions.c.account == account)
        found: dict[Place, Decision] = {}
        for (mailbox, uidvalidity), places in groupby(sorted(among), key=itemgetter(0, 1)):
            there = sa.and_(_decisions.c.mailbox == mailbox, _decisions.c.uidvalidity == uidvalidity)
            while uids := [place[2] for place in islice(places, _FEW)]:
                found |= self._decided(_decisions.c.account == account, there, _decisions.c.uid.in_(uids))
        texts = iter(fingerprints)
        while few := list(islice(texts, _FEW)):
            found |= self._decided(_decisions.c.account == account, _decisions.c.fingerprint.in_(few))
        return found

    def _decided(self, *conditions: sa.ColumnElement[bool]) -> dict[Place, Decision]:
        columns = (_decisions.c[name] for name in (*Place._fields, *_DECIDED))
        with self._engine.connect() as connection:
            return {
                Place(*found[:3]): Decision(**dict(zip(_DECIDED, found[3:], strict=True)))
                for found in connection.execute(sa.select(*columns).where(*conditions))
            }

    def decide(
        self,
        account: str,
        decided: Mapping[Place, Decision],
        *,
        former: Mapping[Place, Decision],
        gone: Iterable[Place] = (),
    ) -> list[Place]:
        """Keep new decisions, forget messages that are gone; returns the messages that were decided anew or
        differently. `former`: what is kept of them (`decisions`). Keys may be any (mailbox, UIDVALIDITY, UID) tuple."""
        changed = [place for place, decision in decided.items() if former.get(place) != decision]
        stale = [place for place in {*changed, *gone} if place in former]
        with self._engine.begin() as connection:
            for chunk in _chunks(stale):
                connection.execute(_forget(account), [_named(place) for place in chunk])
            for chunk in _chunks(changed):
                connection.execute(
                    sa.insert(_decisions), [_kept(account, one, decided[one]) for one in chunk]
                )
        return changed


def _chunks(places: list[Place]) -> Iterator[list[Place]]:
    return (places[start : start + _CHUNK] for start in range(0, len(places), _CHUNK))


def _forget(account: str) -> sa.Delete:
    return sa.delete(_decisions).where(
        _decisions.c.account == account,
        _decisions.c.mailbox == sa.bindparam("at_mailbox"),
        _decisions.c.uidvalidity == sa.bindparam("at_uidvalidity"),
        _decisions.c.uid == sa.bindparam("at_uid"),
    )


def _named(place: Place) -> dict[str, object]:
    mailbox, uidvalidity, uid = place
    return {"at_mailbox": mailbox, "at_uidvalidity": uidvalidity, "at_uid": uid}


def _kept(account: str, place: Place, decision: Decision) -> dict[str, object]:
    mailbox, uidvalidity, uid = place
    return {
        "account": account,
        "mailbox": mailbox,
        "uidvalidity": uidvalidity,
        "uid": uid,
        **{name: getattr(decision, name) for name in _DECIDED},
    }
