"""Giving the former names back to whole address books, as a run of their own through the same engine (DOMAIN 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mailsync.addressbook.cards import CardRewriter
from mailsync.addressbook.entries import BookPlan
from mailsync.addressbook.shelf import Shelf
from mailsync.errors import AccountError, CollectionError, MailsyncError, UsageError
from mailsync.registry.roster import Roster
from mailsync.registry.roster_load import load_roster
from mailsync.run.apply import Result, apply
from mailsync.run.journal import Run
from mailsync.run.recover import recover
from mailsync.text import N_, Sentence
from mailsync.tidy import carrying, planning, result
from mailsync.tidy.desk import Desk, Progress, silent
from mailsync.tidy.result import Json, finished
from mailsync.tidy.servers import Looking, Servers, opened
from mailsync.tidy.settings import Account


def restore(
    desk: Desk,
    account: Account,
    *,
    book: str | None = None,
    dry_run: bool = False,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
) -> Json:
    """Give every card that mailsync renamed in the books of `account` its former names, and take its own cards away.

    What people wrote since stays. The books are then only planned for, until somebody types `tidy` or confirms.
    `book`: only the one with this URL. Raises `UsageError` where the account has no such book.
    """
    shelf = Shelf(desk.engine, account.name)
    looking = Looking(shelf=shelf, places=desk.places(account), now=desk.clock())
    with desk.leases.hold(account.name) as token, opened(account, looking) as servers:
        if book is not None and book not in servers.books:
            raise UsageError(
                N_("{account} writes no address book {book}; there are: {known}"),
                account=account.name,
                book=book,
                known=", ".join(servers.books) or "–",
            )
        wanted = [book] if book is not None else list(servers.books)
        run = desk.journal.start_run(account.name, "restore", dry_run=dry_run)
        return Restore(
            desk, account, run, servers, shelf, lambda: desk.leases.check(account.name, token), stop, progress
        ).made(wanted, dry_run=dry_run)


@dataclass
class Restore:
    """One restore under way."""

    desk: Desk
    account: Account
    run: Run
    servers: Servers
    shelf: Shelf
    check: Callable[[], None]
    stop: Callable[[], bool]
    progress: Progress
    errors: list[MailsyncError] = field(default_factory=list)

    def made(self, books: Sequence[str], *, dry_run: bool) -> Json:
        """Carry the restore out and tell it."""
        self.errors += self.servers.errors
        if not dry_run:
            self._recover()
        plans = self._plans(books)
        actions = [action for plan in plans for action in plan.actions]
        told = result.empty(self.account.name, self.run.started, run=self.run.id, dry_run=dry_run)
        results: list[Result] = []
        if actions and not dry_run:
            # before the first effect: a killed restore must not be redone by the daemon
            self.desk.confirmations.undone(self.account.name, books)
            outcome = apply(
                self.run,
                actions,
                journal=self.desk.journal,
                books=self.servers.books,
                editor=CardRewriter(),
                check=self.check,
                stop=self.stop,
                progress=lambda done, total: self.progress(Sentence.of(N_("Giving names back")), done, total),
            )
            self.errors += outcome.errors
            rows = self.desk.journal.rows(run=self.run.id, states=("done",))
            self.errors += carrying.remember_cards(self.shelf, self.servers, rows, outcome.held)
            results = outcome.results
        told["actions"] = result.action_rows(actions, results)
        told["cards"] = result.card_rows([entry for plan in plans for entry in plan.entries], results)
        told["conflicts"] = result.conflict_rows(results)
        told["conflicts"] += result.finding_rows(
            finding for plan in plans for finding in plan.findings if finding.severity == "conflict"
        )
        told["errors"] = result.error_rows(self.errors)
        told["counts"] = result.counts(told)
        finished(told, self.errors, self.desk.clock())
        self.desk.journal.finish_run(self.run.id, told["exit_code"])
        self.desk.results.store(
            self.run.id, self.account.name, self.run.started, told, passing=result.is_passing(told)
        )
        return told

    def _recover(self) -> None:
        """Settle what an interrupted run left open, so that the former names are the right ones."""
        if self.desk.journal.open_rows(self.account.name):
            recovery = recover(
                self.account.name,
                journal=self.desk.journal,
                books=self.servers.books,
                editor=CardRewriter(),
                mail=self.servers.mail,
            )
            self.errors += recovery.errors

    def _plans(self, books: Sequence[str]) -> list[BookPlan]:
        """The plans for a registry that engages nobody; its codes still say what in a name is a code."""
        with self.desk.engine.connect() as connection:
            nobody = Roster(customers=load_roster(connection).customers)
        views = {}
        for url in books:
            try:
                views[url] = self.servers.access[url], self.shelf.refresh(self.servers.books[url])
            except (AccountError, CollectionError) as error:
                self.errors.append(error)
        return planning.plan_books(self.desk.house, nobody, views)
