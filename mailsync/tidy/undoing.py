"""Undo of a run, as a run of its own through the same engine (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailsync.addressbook.cards import CardRewriter
from mailsync.addressbook.shelf import Shelf
from mailsync.errors import MailsyncError, UsageError
from mailsync.run.apply import apply
from mailsync.run.journal import Run
from mailsync.run.recover import recover
from mailsync.run.undo import UndoPlan, plan_undo
from mailsync.text import N_, Sentence
from mailsync.tidy import carrying, result
from mailsync.tidy.desk import Desk, Progress, silent
from mailsync.tidy.result import Json, finished
from mailsync.tidy.servers import Looking, Servers, opened
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
    looking = Looking(shelf=Shelf(desk.engine, account.name), places=desk.places(account), now=desk.clock())
    with desk.leases.hold(account.name) as token, opened(account, looking) as servers:
        back = Undo(
            desk, account, run, servers, lambda: desk.leases.check(account.name, token), stop, progress
        )
        return back.made()


@dataclass
class Undo:
    """One undo under way."""

    desk: Desk
    account: Account
    run: Run
    servers: Servers
    check: Callable[[], None]
    stop: Callable[[], bool]
    progress: Progress

    def made(self) -> Json:
        """Carry the undo out and tell it."""
        errors = list(self.servers.errors)
        errors += self._recover()
        plan = self._plan()
        own = self.desk.journal.start_run(self.account.name, "undo")
        touched = {carrying.target_of(action) for action in plan.actions}
        # before the first effect: a killed undo must not be redone by the daemon
        self.desk.confirmations.undone(self.account.name, sorted(touched))
        outcome = apply(
            own,
            plan.actions,
            journal=self.desk.journal,
            books=self.servers.books,
            editor=CardRewriter(),
            mail=self.servers.mail,
            check=self.check,
            stop=self.stop,
            progress=lambda done, total: self.progress(Sentence.of(N_("Undoing")), done, total),
            undoes=plan.undoes,
        )
        errors += outcome.errors
        shelf = Shelf(self.desk.engine, self.account.name)
        rows = self.desk.journal.rows(run=own.id, states=("done",))
        errors += carrying.remember_cards(shelf, self.servers, rows, outcome.held)
        told = result.empty(self.account.name, own.started, run=own.id, dry_run=False)
        told["undoes"] = self.run.id
        told["actions"] = result.action_rows(plan.actions, outcome.results)
        told["conflicts"] = result.conflict_rows(outcome.results)
        told["conflicts"] += result.finding_rows(one for one in plan.findings if one.severity == "conflict")
        told["findings"] = result.finding_rows(one for one in plan.findings if one.severity == "finding")
        told["errors"] = result.error_rows(errors)
        told["counts"] = result.counts(told)
        finished(told, errors, self.desk.clock(), stopped=outcome.stopped)
        self.desk.journal.finish_run(own.id, told["exit_code"])
        self.desk.results.store(own.id, self.account.name, own.started, told)
        return told

    def _recover(self) -> list[MailsyncError]:
        """Settle what is open first, so that the run's rows say what really happened."""
        if not self.desk.journal.open_rows(self.account.name):
            return []
        recovery = recover(
            self.account.name,
            journal=self.desk.journal,
            books=self.servers.books,
            editor=CardRewriter(),
            mail=self.servers.mail,
        )
        return recovery.errors

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
