"""Giving the former names back to whole address books, as a run of their own through the same engine (DOMAIN 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailsync.addressbook.entries import BookPlan
from mailsync.addressbook.shelf import Shelf
from mailsync.errors import AccountError, CollectionError, UsageError
from mailsync.registry.roster import Roster
from mailsync.registry.roster_load import load_roster
from mailsync.run.apply import Outcome
from mailsync.run.journal import Run
from mailsync.text import N_, Sentence
from mailsync.tidy import planning, result
from mailsync.tidy.aside import Aside
from mailsync.tidy.desk import Desk, Progress, silent
from mailsync.tidy.result import Json
from mailsync.tidy.servers import Looking, opened
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
        return Restore(
            desk=desk,
            account=account,
            servers=servers,
            shelf=shelf,
            check=lambda: desk.leases.check(account.name, token),
            stop=stop,
            progress=progress,
            run=desk.journal.start_run(account.name, "restore", dry_run=dry_run),
        ).made(wanted)


@dataclass(kw_only=True)
class Restore(Aside):
    """One restore under way."""

    run: Run

    def made(self, books: Sequence[str]) -> Json:
        """Carry the restore out and tell it."""
        self.errors += self.servers.errors
        if not self.run.dry_run:
            self.recover()
        plans = self._plans(books)
        actions = [action for plan in plans for action in plan.actions]
        outcome = Outcome()
        if actions and not self.run.dry_run:
            outcome = self.carry_out(self.run, actions, Sentence.of(N_("Giving names back")))
        told = result.empty(self.account.name, self.run.started, run=self.run.id, dry_run=self.run.dry_run)
        told["cards"] = result.card_rows([entry for plan in plans for entry in plan.entries], outcome.results)
        # Who is a candidate for the registry is not asked here.
        conflicts = [one for plan in plans for one in plan.findings if one.severity == "conflict"]
        return self.tell(self.run, actions, outcome, conflicts, told)

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
