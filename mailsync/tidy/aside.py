"""What the runs beside `tidy` have in common: they take something back, through the same engine (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mailsync.addressbook.cards import CardRewriter
from mailsync.addressbook.shelf import Shelf
from mailsync.errors import MailsyncError
from mailsync.run.actions import Action, Finding
from mailsync.run.apply import Outcome, apply
from mailsync.run.journal import Run
from mailsync.run.recover import recover
from mailsync.text import Sentence
from mailsync.tidy import carrying, result
from mailsync.tidy.desk import Desk, Progress
from mailsync.tidy.result import Json, finished
from mailsync.tidy.servers import Servers
from mailsync.tidy.settings import Account


@dataclass(kw_only=True)
class Aside:
    """Such a run under way."""

    desk: Desk
    account: Account
    servers: Servers
    shelf: Shelf
    check: Callable[[], None]  #: raises `AccountLocked` when a newer run took over
    stop: Callable[[], bool]
    progress: Progress
    errors: list[MailsyncError] = field(default_factory=list)

    def recover(self) -> None:
        """Settle first what an interrupted run left open, so that the journal says what really happened."""
        if not self.desk.journal.open_rows(self.account.name):
            return
        recovery = recover(
            self.account.name,
            journal=self.desk.journal,
            books=self.servers.books,
            editor=CardRewriter(),
            mail=self.servers.mail,
        )
        self.errors += recovery.errors

    def carry_out(
        self,
        run: Run,
        actions: Sequence[Action],
        words: Sentence,
        *,
        undoes: Mapping[Action, int] | None = None,
    ) -> Outcome:
        """Carry the actions out. What they touch is then only planned for, until somebody types `tidy` or confirms."""
        touched = {carrying.target_of(action) for action in actions}
        # before the first effect: when it is killed, the daemon must not do again what was taken back
        self.desk.confirmations.undone(self.account.name, sorted(touched))
        outcome = apply(
            run,
            actions,
            journal=self.desk.journal,
            books=self.servers.books,
            editor=CardRewriter(),
            mail=self.servers.mail,
            check=self.check,
            stop=self.stop,
            progress=lambda done, total: self.progress(words, done, total),
            undoes=undoes,
        )
        self.errors += outcome.errors
        rows = self.desk.journal.rows(run=run.id, states=("done",))
        self.errors += carrying.remember_cards(self.shelf, self.servers, rows, outcome.held)
        return outcome

    def tell(
        self,
        run: Run,
        actions: Sequence[Action],
        outcome: Outcome,
        findings: Iterable[Finding],
        told: Json,
    ) -> Json:
        """Complete `told` (`result.empty` and what is special), and keep it."""
        seen = list(findings)
        told["actions"] = result.action_rows(actions, outcome.results)
        told["conflicts"] = result.conflict_rows(outcome.results)
        told["conflicts"] += result.finding_rows(one for one in seen if one.severity == "conflict")
        told["findings"] = result.finding_rows(one for one in seen if one.severity == "finding")
        told["errors"] = result.error_rows(self.errors)
        told["counts"] = result.counts(told)
        finished(told, self.errors, self.desk.clock(), stopped=outcome.stopped)
        self.desk.journal.finish_run(run.id, told["exit_code"])
        self.desk.results.store(run.id, self.account.name, run.started, told, passing=told["dry_run"])
        return told
