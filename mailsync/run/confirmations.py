"""First runs: a mailbox or book is only planned for until somebody confirmed that plan (DESIGN 7; database).

Who confirms a plan by its hash confirms exactly the actions it showed: a digest of each is kept beside the hash. The
configuration, or `tidy` by hand after an undo, confirms whatever the next plan holds.

A *target* is `"mailbox"` (an account's mail) or the URL of a book. new → planned (its plan was shown) → confirmed →
done (applied once); after an undo → undone, and confirmed again by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Literal, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailsync.database import Base
from mailsync.errors import UsageError
from mailsync.run.actions import Action, action_digest
from mailsync.text import N_

ConfirmationState = Literal["new", "planned", "confirmed", "done", "undone"]


class ConfirmationRow(Base):
    """How far one target of one account is."""

    __tablename__ = "confirmations"

    account: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    plan_hash: Mapped[str | None]
    actions: Mapped[str | None] = mapped_column(
        sa.Text
    )  #: digests of what the plan showed, separated by blanks
    changed: Mapped[datetime]


_table = cast("sa.Table", ConfirmationRow.__table__)


class Confirmations:
    """The confirmations on one database."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def states(self, account: str) -> dict[str, ConfirmationState]:
        """Target → state, of targets that were seen before; every other is `new`."""
        query = sa.select(_table.c.target, _table.c.state).where(_table.c.account == account)
        with self._engine.connect() as connection:
            return {row.target: row.state for row in connection.execute(query)}

    def shown(self, account: str) -> str | None:
        """The hash of the plan last shown for what is not confirmed yet."""
        query = sa.select(_table.c.plan_hash).where(
            _table.c.account == account, _table.c.plan_hash.is_not(None)
        )
        query = query.where(_table.c.state.in_(("planned", "undone"))).order_by(_table.c.changed.desc())
        with self._engine.connect() as connection:
            return connection.scalar(query.limit(1))

    def unconfirmed(self, account: str, targets: Iterable[str]) -> list[str]:
        """Those of `targets` that may only be planned for."""
        states = self.states(account)
        return [one for one in targets if states.get(one, "new") not in ("confirmed", "done")]

    def first_runs(self, account: str, targets: Iterable[str]) -> dict[str, frozenset[str] | None]:
        """Those of `targets` that are confirmed and not applied yet: no share brake counts the actions with these
        digests there, or (None: no plan was named) any."""
        query = sa.select(_table.c.target, _table.c.actions)
        query = query.where(_table.c.account == account, _table.c.state == "confirmed")
        with self._engine.connect() as connection:
            found = {row.target: row.actions for row in connection.execute(query)}
        return {
            one: None if found[one] is None else frozenset(found[one].split())
            for one in targets
            if one in found
        }

    def show(self, account: str, plan_hash: str, actions: Mapping[str, Iterable[Action]]) -> None:
        """A plan was shown: `confirm` with this hash will confirm those targets of it that are not yet, each with its
        `actions` (by target)."""
        states = self.states(account)
        for target, shown in actions.items():
            state = states.get(target, "new")
            if state in ("new", "planned", "undone"):
                digests = " ".join(sorted(action_digest(action) for action in shown))
                self._write(account, target, "undone" if state == "undone" else "planned", plan_hash, digests)

    def confirm(self, account: str, plan_hash: str) -> list[str]:
        """Confirm the plan last shown; returns its targets. Raises `UsageError` where `plan_hash` is another's."""
        shown = sa.select(_table.c.target).where(_table.c.account == account, _table.c.plan_hash == plan_hash)
        with self._engine.connect() as connection:
            targets = list(connection.scalars(shown.where(_table.c.state.in_(("planned", "undone")))))
        if not targets:
            raise UsageError(
                N_(
                    "{hash} is not the plan of {account} that was shown last. “mailsync plan --account {account}” "
                    "prints the present plan and its hash"
                ),
                hash=plan_hash,
                account=account,
            )
        change = sa.update(_table).where(
            _table.c.account == account, _table.c.plan_hash == plan_hash, _table.c.target.in_(targets)
        )
        with self._engine.begin() as connection:
            connection.execute(change.values(state="confirmed", changed=self._clock()))
        return targets

    def confirm_ahead(self, account: str, targets: Iterable[str]) -> None:
        """The configuration confirms: first runs only, never what was undone."""
        self._advance(account, targets, {"new", "planned"}, "confirmed")

    def confirm_by_hand(self, account: str, targets: Iterable[str]) -> None:
        """Somebody typed `tidy`: what was undone is confirmed again; a first run is not."""
        self._advance(account, targets, {"undone"}, "confirmed")

    def applied(self, account: str, targets: Iterable[str]) -> None:
        """The confirmed plan was carried out: from now on runs are ordinary ones."""
        self._advance(account, targets, {"confirmed"}, "done")

    def undone(self, account: str, targets: Iterable[str]) -> None:
        """A run was undone there: only planned for, until somebody confirms."""
        self._advance(account, targets, {"new", "planned", "confirmed", "done"}, "undone")

    def _advance(
        self, account: str, targets: Iterable[str], present: Collection[str], state: ConfirmationState
    ) -> None:
        states = self.states(account)
        for target in targets:
            if states.get(target, "new") in present:
                self._write(account, target, state, None, None)

    def _write(
        self, account: str, target: str, state: ConfirmationState, plan_hash: str | None, digests: str | None
    ) -> None:
        same = (_table.c.account == account, _table.c.target == target)
        values = {"state": state, "plan_hash": plan_hash, "actions": digests, "changed": self._clock()}
        with self._engine.begin() as connection:
            if connection.execute(sa.update(_table).where(*same).values(values)).rowcount == 0:
                connection.execute(sa.insert(_table).values(account=account, target=target, **values))
