"""Undo of a run, as a run of its own through the same engine (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailsync.addressbook.cards import CardRewriter
from mailsync.addressbook.shelf import Shelf
from mailsync.errors import UsageError
from mailsync.run.journal import Run
from mailsync.run.undo import UndoPlan, plan_undo
from mailsync.text import N_, Sentence
from mailsync.tidy import result
from mailsync.tidy.aside import Aside
from mailsync.tidy.desk import Desk, Progress, silent
from mailsync.tidy.result import Json
from mailsync.tidy.servers import Looking, opened
from mailsync.tidy.settings import Account


def undo(
    desk: Desk,
    accounts: Sequence[Account],
    run_id: str,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
) -> Json:
    """Take back all that the run `run_id` did. The mailbox and books it touched are then only planned for, until
    somebody types `tidy` or confirms. Raises `UsageError` for a run that is not there or left nothing to undo."""
    run = desk.journal.run(run_id)
    account = next((one for one in accounts if one.name == run.account), None)
    if account is None:
        raise UsageError(
            N_(
                "Run {run} was of the account {account}, which the configuration no longer has: add it again first"
            ),
            run=run_id,
            account=run.account,
        )
    shelf = Shelf(desk.engine, account.name)
    looking = Looking(shelf=shelf, places=desk.places(account), now=desk.clock())
    with desk.leases.hold(account.name) as token, opened(account, looking) as servers:
        return Undo(
            desk=desk,
            account=account,
            servers=servers,
            shelf=shelf,
            check=lambda: desk.leases.check(account.name, token),
            stop=stop,
            progress=progress,
            run=run,
        ).made()


@dataclass(kw_only=True)
class Undo(Aside):
    """One undo under way."""

    run: Run  #: that is taken back

    def made(self) -> Json:
        """Carry the undo out and tell it."""
        self.errors += self.servers.errors
        self.recover()
        plan = self._plan()
        own = self.desk.journal.start_run(self.account.name, "undo")
        outcome = self.carry_out(own, plan.actions, Sentence.of(N_("Undoing")), undoes=plan.undoes)
        told = result.empty(self.account.name, own.started, run=own.id, dry_run=False)
        told["undoes"] = self.run.id
        return self.tell(own, plan.actions, outcome, plan.findings, told)

    def _plan(self) -> UndoPlan:
        rows = self.desk.journal.rows(run=self.run.id)
        last = rows[-1].id if rows else 0
        return plan_undo(
            self.run,
            rows,
            later=self.desk.journal.rows(account=self.account.name, after=last),
            books=self.servers.books,
            editor=CardRewriter(),
            mail=self.servers.mail,
        )
