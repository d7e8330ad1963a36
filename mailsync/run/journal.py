"""The journal: what each run meant to do, did, and what was there before (DESIGN 5).

`open` rows are committed before a server is touched, their outcome after it; one commit each for a whole window of
actions. Only intents stand here: what a precondition refused beforehand is part of the run's result instead.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailsync.database import Base
from mailsync.errors import UsageError
from mailsync.run import stored
from mailsync.run.actions import (
    Action,
    CardState,
    MailboxState,
    Placement,
    before_after,
    describe,
    target,
)
from mailsync.run.renames import NamedFolders, named_folders, placements
from mailsync.text import N_, Sentence, Translate

State = Literal["open", "done", "conflict", "failed", "abandoned", "undone"]
RunKind = Literal["tidy", "undo", "restore"]


class RunRow(Base):
    """One run of one account."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    account: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    started: Mapped[datetime] = mapped_column(index=True)
    finished: Mapped[datetime | None]
    dry_run: Mapped[bool]
    exit_code: Mapped[int | None]


class ActionRow(Base):
    """One intended action and its outcome."""

    __tablename__ = "actions"

    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[str] = mapped_column(sa.ForeignKey("runs.id"), index=True)
    account: Mapped[str]
    kind: Mapped[str]
    target: Mapped[str]
    action: Mapped[dict[str, Any]]
    before: Mapped[str | None]
    after: Mapped[str | None]
    former: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    state: Mapped[str]
    opened: Mapped[datetime]
    closed: Mapped[datetime | None]
    note: Mapped[dict[str, Any] | None]
    fence_uidvalidity: Mapped[int | None] = mapped_column(sa.BigInteger)
    fence_uidnext: Mapped[int | None] = mapped_column(sa.BigInteger)
    destination_uid: Mapped[int | None] = mapped_column(sa.BigInteger)
    etag: Mapped[str | None]
    undo_of: Mapped[int | None] = mapped_column(sa.ForeignKey("actions.id"))

    __table_args__ = (sa.Index("ix_actions_account_state", "account", "state"),)


_UNSAFE = re.compile(r"[^\w.-]")

_runs = cast("sa.Table", RunRow.__table__)
_actions = cast("sa.Table", ActionRow.__table__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the journal knows it."""

    id: str
    account: str
    kind: str
    started: datetime
    finished: datetime | None
    dry_run: bool
    exit_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An action about to be carried out, with what is needed to settle or undo it later."""

    action: Action
    former: bytes | None = None  #: the card's exact bytes before
    fence: MailboxState | None = (
        None  #: the destination before: copies of ours have this UIDNEXT or a higher UID
    )
    undo_of: int | None = None  #: row that it takes back


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One row of the journal."""

    id: int
    run: str
    account: str
    action: Action
    state: State
    opened: datetime
    closed: datetime | None = None
    note: Sentence | None = None
    former: bytes | None = None
    fence: MailboxState | None = None
    destination_uid: int | None = None
    etag: str | None = None  #: of the card after our write
    undo_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The outcome of an open row."""

    row: JournalRow
    state: State
    note: Sentence | None = None
    destination_uid: int | None = None
    etag: str | None = None
    held: CardState | None = None  #: the card as it was read back; not kept in the journal


class Journal:
    """The journal on one database. `engine` must be durable (`database.connect(url, durable=True)`)."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def start_run(self, account: str, kind: RunKind = "tidy", *, dry_run: bool = False) -> Run:
        """Begin a run; its id is short, sorts by time and is unique."""
        now = self._clock()
        head = f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{_UNSAFE.sub('-', account)[:80]}"
        with self._engine.begin() as connection:
            taken = set(connection.scalars(sa.select(_runs.c.id).where(_runs.c.id.startswith(head))))
            run_id = _free_id(head, taken)
            values = {"id": run_id, "account": account, "kind": kind, "started": now, "dry_run": dry_run}
            connection.execute(sa.insert(_runs).values(values))
        return Run(
            id=run_id, account=account, kind=kind, started=now, finished=None, dry_run=dry_run, exit_code=None
        )

    def finish_run(self, run: str, exit_code: int) -> None:
        """End a run."""
        change = sa.update(_runs).where(_runs.c.id == run)
        with self._engine.begin() as connection:
            connection.execute(change.values(finished=self._clock(), exit_code=exit_code))

    def run(self, run_id: str) -> Run:
        """The run with this id. Raises `UsageError` where there is none."""
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(_runs).where(_runs.c.id == run_id)).mappings().first()
        if found is None:
            raise UsageError(
                N_("There is no run {run}. “mailsync journal” lists the runs; nothing was changed"),
                run=run_id,
            )
        return Run(**found)

    def unfinished(self, account: str) -> list[Run]:
        """Runs that began and never came to their end, the newest first."""
        query = sa.select(_runs).where(_runs.c.account == account, _runs.c.finished.is_(None))
        with self._engine.connect() as connection:
            return [
                Run(**row) for row in connection.execute(query.order_by(_runs.c.started.desc())).mappings()
            ]

    def runs(self, account: str | None = None, *, since: datetime | None = None) -> list[Run]:
        """Runs, the newest first."""
        query = sa.select(_runs).order_by(_runs.c.started.desc(), _runs.c.id.desc())
        if account is not None:
            query = query.where(_runs.c.account == account)
        if since is not None:
            query = query.where(_runs.c.started >= since)
        with self._engine.connect() as connection:
            return [Run(**row) for row in connection.execute(query).mappings()]

    def open(self, run: str, account: str, intents: Sequence[Intent]) -> list[JournalRow]:
        """Write intents, in one commit; it is on disk when this returns."""
        if not intents:
            return []
        now = self._clock()
        values = [_columns(run, account, intent, now) for intent in intents]
        insert = sa.insert(_actions).returning(_actions.c.id, sort_by_parameter_order=True)
        with self._engine.begin() as connection:
            ids = connection.scalars(insert, values).all()
        return [
            JournalRow(
                id=row_id,
                run=run,
                account=account,
                action=intent.action,
                state="open",
                opened=now,
                former=intent.former,
                fence=intent.fence,
                undo_of=intent.undo_of,
            )
            for row_id, intent in zip(ids, intents, strict=True)
        ]

    def close(self, closings: Sequence[Closing]) -> None:
        """Write outcomes, in one commit. The row that a done undo took back becomes `undone` in the same commit."""
        if not closings:
            return
        now = self._clock()
        change = sa.update(_actions).where(_actions.c.id == sa.bindparam("row")).values(_CLOSED)
        undone = [
            closing.row.undo_of for closing in closings if closing.state == "done" and closing.row.undo_of
        ]
        with self._engine.begin() as connection:
            connection.execute(change, [_outcome(closing, now) for closing in closings])
            if undone:
                taken_back = (
                    sa.update(_actions).where(_actions.c.id == sa.bindparam("row")).values(state="undone")
                )
                connection.execute(taken_back, [{"row": row} for row in undone])

    def open_rows(self, account: str) -> list[JournalRow]:
        """What an interrupted run left undecided, in the order it was begun."""
        return self._select(_actions.c.account == account, _actions.c.state == "open")

    def rows(
        self,
        *,
        run: str | None = None,
        account: str | None = None,
        states: Iterable[State] | None = None,
        kinds: Iterable[str] | None = None,
        after: int | None = None,
    ) -> list[JournalRow]:
        """Rows in the order they were begun, former bytes included; `after`: only those begun after this row."""
        conditions = [_actions.c.run == run] if run is not None else []
        conditions += [_actions.c.account == account] if account is not None else []
        conditions += [_actions.c.state.in_(list(states))] if states is not None else []
        conditions += [_actions.c.kind.in_(list(kinds))] if kinds is not None else []
        conditions += [_actions.c.id > after] if after is not None else []
        return self._select(*conditions)

    def placements(
        self, account: str, fingerprints: Collection[str] | None = None, run: str | None = None
    ) -> list[Placement]:
        """Every message that mailsync itself moved or copied (with one of `fingerprints`, in `run`), in the order it
        happened; mailboxes by their present names, as far as mailsync renamed them."""
        moved = sa.and_(
            _actions.c.kind.in_(("message-move", "message-copy")),
            _actions.c.destination_uid.is_not(None),
            _actions.c.fence_uidvalidity.is_not(None),
            _actions.c.state.in_(("done", "undone", "conflict")),
        )
        if run is not None:
            moved = moved & (_actions.c.run == run)
        if fingerprints is not None:
            moved = moved & _actions.c.action["fingerprint"].as_string().in_(fingerprints)
        renamed = sa.and_(_actions.c.kind == "folder-rename", _actions.c.state.in_(("done", "undone")))
        columns = (_actions.c[name] for name in stored.PLACEMENT)
        query = sa.select(*columns).where(_actions.c.account == account, moved | renamed)
        with self._engine.connect() as connection:
            return placements(connection.execute(query.order_by(_actions.c.id)).all())

    def named_folders(self, account: str) -> NamedFolders:
        """The folders to which mailsync gave the names that they have."""
        action = _actions.c.action
        words = (action[name].as_string() for name in ("mailbox", "after", "separator"))
        made = sa.and_(_actions.c.kind == "folder-create", _actions.c.state == "done")
        states = ("done", "undone", "failed")
        renamed = sa.and_(_actions.c.kind == "folder-rename", _actions.c.state.in_(states))
        query = sa.select(_actions.c.state, *words).where(_actions.c.account == account, made | renamed)
        with self._engine.connect() as connection:
            return named_folders(connection.execute(query.order_by(_actions.c.id)))

    def lines(
        self, translate: Translate, *, run: str | None = None, account: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """The journal as FORMATS 3 writes it, one object an action, the newest run first."""
        columns = [column for column in _actions.c if column.name != "former"]
        query = sa.select(*columns).join(_runs, _runs.c.id == _actions.c.run)
        query = query.order_by(_runs.c.started.desc(), _runs.c.id.desc(), _actions.c.id)
        if run is not None:
            query = query.where(_actions.c.run == run)
        if account is not None:
            query = query.where(_actions.c.account == account)
        with self._engine.connect() as connection:
            listed = connection.execute(query).mappings().all()
        for found in listed:
            yield _line(_row({**found, "former": None}), translate)

    def _select(self, *conditions: sa.ColumnElement[bool]) -> list[JournalRow]:
        query = sa.select(_actions).where(*conditions).order_by(_actions.c.id)
        with self._engine.connect() as connection:
            return [_row(dict(found)) for found in connection.execute(query).mappings()]


def action_json(action: Action, state: str, translate: Translate) -> dict[str, Any]:
    """An action as FORMATS 3 writes it in a run's result: `{kind, target, before, after, state, sentence}`."""
    before, after = before_after(action)
    return {
        "kind": action.kind,
        "target": target(action),
        "before": before,
        "after": after,
        "state": state,
        "sentence": describe(action).render(translate),
    }


_CLOSED = {
    "state": sa.bindparam("new_state"),
    "closed": sa.bindparam("closed_at"),
    "note": sa.bindparam("words", type_=sa.JSON(none_as_null=True)),
    "destination_uid": sa.bindparam("uid"),
    "etag": sa.bindparam("new_etag"),
}


def _free_id(head: str, taken: set[str]) -> str:
    """Two hex digits more; runs begun in one second still sort in their order."""
    suffixes = [int(run_id[-2:], 16) for run_id in taken if len(run_id) == len(head) + 3]
    suffix = max(suffixes) + 1 if suffixes else secrets.randbelow(128)
    return f"{head}-{suffix:02x}" if suffix < 256 else f"{head}-{secrets.token_hex(8)}"


def _columns(run: str, account: str, intent: Intent, now: datetime) -> dict[str, Any]:
    before, after = before_after(intent.action)
    return {
        "run": run,
        "account": account,
        "kind": intent.action.kind,
        "target": stored.readable(target(intent.action)),
        "action": stored.to_json(intent.action),
        "before": stored.readable(before),
        "after": stored.readable(after),
        "former": intent.former,
        "state": "open",
        "opened": now,
        "fence_uidvalidity": intent.fence.uidvalidity if intent.fence else None,
        "fence_uidnext": intent.fence.uidnext if intent.fence else None,
        "undo_of": intent.undo_of,
    }


def _outcome(closing: Closing, now: datetime) -> dict[str, Any]:
    return {
        "row": closing.row.id,
        "new_state": closing.state,
        "closed_at": now,
        "words": closing.note.to_json() if closing.note else None,
        "uid": closing.destination_uid,
        "new_etag": closing.etag,
    }


def _row(found: Mapping[str, Any]) -> JournalRow:
    fence = None
    if found["fence_uidnext"] is not None:
        fence = MailboxState(uidvalidity=found["fence_uidvalidity"], uidnext=found["fence_uidnext"])
    return JournalRow(
        id=found["id"],
        run=found["run"],
        account=found["account"],
        action=stored.from_json(found["action"]),
        state=found["state"],
        opened=found["opened"],
        closed=found["closed"],
        note=Sentence.from_json(found["note"]) if found["note"] else None,
        former=found["former"],
        fence=fence,
        destination_uid=found["destination_uid"],
        etag=found["etag"],
        undo_of=found["undo_of"],
    )


def _line(row: JournalRow, translate: Translate) -> dict[str, Any]:
    return {
        "run": row.run,
        "account": row.account,
        **action_json(row.action, row.state, translate),
        "opened": row.opened.isoformat(),
        "closed": row.closed.isoformat() if row.closed else None,
        "note": row.note.render(translate) if row.note else None,
    }
