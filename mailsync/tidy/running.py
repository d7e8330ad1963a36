"""One run of one account: lock, recover, read, plan, brakes, apply, remember, report (DESIGN 4)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from mailsync.addressbook.cards import CardRewriter
from mailsync.addressbook.shelf import BookView, Shelf
from mailsync.database import unusable
from mailsync.errors import AccountError, CollectionError, MailsyncError, StorageError
from mailsync.registry.roster import Roster
from mailsync.run import apply as applying
from mailsync.run import brakes
from mailsync.run.actions import CARD_KINDS, Action, Finding
from mailsync.run.brakes import Listing
from mailsync.run.journal import Run
from mailsync.run.recover import MAILBOX, Recovery, recover
from mailsync.text import N_, Sentence
from mailsync.tidy import carrying, planning, result
from mailsync.tidy.again import ROUNDS, planned_again, stale_cards
from mailsync.tidy.desk import Desk, Progress, silent
from mailsync.tidy.interrupted import tell_interrupted
from mailsync.tidy.mail_round import MailRound
from mailsync.tidy.planning import Plan
from mailsync.tidy.result import Json, finished
from mailsync.tidy.servers import Looking, Servers, opened
from mailsync.tidy.settings import Account, BookAccess, Options
from mailsync.tidy.vanished import vanished_books

logger = logging.getLogger(__name__)

#: How a book was configured, and its cards.
Shelved = tuple[BookAccess, BookView]


def run(
    desk: Desk,
    account: Account,
    options: Options,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
) -> Json:
    """Tidy `account` once; the result object of FORMATS 3. What ends the account stands in its `errors`."""
    started = desk.clock()
    try:
        brakes.check_pause(desk.house.pause_file.exists(), str(desk.house.pause_file))
        with desk.leases.hold(account.name) as token:
            journal_run = desk.journal.start_run(account.name, dry_run=options.dry_run)
            visit = Visit(
                desk,
                account,
                options,
                journal_run,
                stop,
                progress,
                lambda: desk.leases.check(account.name, token),
            )
            told = visit.made()
            desk.journal.finish_run(journal_run.id, told["exit_code"])
            desk.results.store(journal_run.id, account.name, started, told, passing=result.is_passing(told))
            return told
    except MailsyncError as error:
        return _refused(desk, account, options, started, error)
    except sa.exc.DBAPIError as error:
        return _refused(desk, account, options, started, unusable(error))
    except Exception as error:  # a defect in one account's run must not keep the others from theirs
        logger.exception("The run of %s ended unexpectedly", account.name)
        wrong = MailsyncError(
            N_(
                "The run of {account} ended unexpectedly ({reason}); what was begun is settled at the next run"
            ),
            account=account.name,
            reason=f"{type(error).__name__}: {error}",
        )
        return _refused(desk, account, options, started, wrong)


def _refused(desk: Desk, account: Account, options: Options, started: datetime, error: MailsyncError) -> Json:
    """The object of a run that ended before it could say anything else."""
    told = result.empty(account.name, started, dry_run=options.dry_run)
    told["errors"] = result.error_rows([error])
    told["counts"] = result.counts(told)
    finished(told, [error], desk.clock())
    if not isinstance(error, StorageError):
        told["run"] = desk.journal.start_run(account.name, dry_run=options.dry_run).id
        desk.journal.finish_run(told["run"], told["exit_code"])
        desk.results.store(told["run"], account.name, started, told, passing=result.is_passing(told))
    return told


@dataclass
class Visit:
    """One run under way."""

    desk: Desk
    account: Account
    options: Options
    run: Run
    stop: Callable[[], bool]
    progress: Progress
    check: Callable[[], None]
    errors: list[MailsyncError] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    paces: dict[str, float] = field(default_factory=dict)  #: book → seconds a card took to write in this run
    remembered: set[int] = field(default_factory=set)  #: journal rows that the shelf was told of
    stopped: bool = False  #: somebody who typed the command ended it; the daemon's own end is no event

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.desk.engine, self.account.name)
        self.places = self.desk.places(self.account)
        self.mail = MailRound(self.desk, self.account, self.options, self.run)
        self.editor = CardRewriter()

    def made(self) -> Json:
        """Carry the run out and tell it."""
        told = result.empty(
            self.account.name, self.run.started, run=self.run.id, dry_run=self.options.dry_run
        )
        try:
            # a hash names a plan for the servers, which is not made yet; and a dry run lifts nothing for good
            lifted = self.options.force == "*" and not self.options.dry_run
            registered = self.desk.source.roster(force=lifted)
            self.errors += registered.errors
            self.findings += registered.findings
            looking = Looking(
                shelf=self.shelf,
                places=self.places,
                now=self.desk.clock(),
                anew=self.options.looks_anew,
                sessions=self.desk.kept.sessions if self.desk.kept else None,
            )
            with opened(self.account, looking) as servers:
                try:
                    self._visit(servers, registered.roster, told)
                finally:
                    told["traffic"] = servers.mail.traffic.take() if servers.mail else None
        except MailsyncError as error:
            self.errors.append(error)
        told["findings"] += result.finding_rows(one for one in self.findings if one.severity == "finding")
        told["conflicts"] += result.finding_rows(one for one in self.findings if one.severity != "finding")
        told["errors"] += result.error_rows(self.errors)
        told["counts"] = result.counts(told)
        return finished(told, self.errors, self.desk.clock(), stopped=self.stopped)

    def _visit(self, servers: Servers, roster: Roster, told: Json) -> None:
        self.errors += servers.errors
        self.findings += servers.findings
        forced = self.options.force is not None and not self.options.dry_run
        self.findings += vanished_books(self.shelf, servers, self.account.name, accepted=forced)
        self._look_whether_calm(servers, roster)
        self._recover(servers)
        self.errors += tell_interrupted(self.desk, self.run, self.shelf, servers)
        self._carry_out(roster, servers, self._read(servers, roster), told)

    def _look_whether_calm(self, servers: Servers, roster: Roster) -> None:
        if servers.mail is None:
            return
        try:
            self.mail.look(servers.mail, roster)
        except AccountError as error:
            self.errors.append(error)
            servers.mail = None

    # ----- step 2: what an interrupted run left

    def _recover(self, servers: Servers) -> None:
        journal = self.desk.journal
        open_rows = journal.open_rows(self.account.name)
        if not open_rows:
            return
        if self.options.dry_run:  # settling may take an original away, and a dry run writes nothing
            self.findings.append(
                Finding(
                    kind="interrupted",
                    subject=open_rows[0].run,
                    sentence=Sentence.of(
                        N_(
                            "A run was interrupted with {count} action(s) under way; the next `tidy` settles them"
                        ),
                        count=len(open_rows),
                    ),
                )
            )
            return
        recovery: Recovery = recover(
            self.account.name, journal=journal, books=servers.books, editor=self.editor, mail=servers.mail
        )
        self.errors += recovery.errors
        self.blocked |= recovery.blocked

    # ----- step 4: what changed

    def _read(self, servers: Servers, roster: Roster) -> dict[str, Shelved]:
        books = {}
        for number, (url, book) in enumerate(servers.books.items()):
            self.progress(Sentence.of(N_("Reading address books")), number, len(servers.books))
            if url in self.blocked:
                continue
            try:
                if self.options.full:
                    self.shelf.clear(url)
                books[url] = servers.access[url], self.shelf.refresh(book)
            except (AccountError, CollectionError) as error:
                self.errors.append(error)
                self.places.forget(servers.access[url].access.place)
        if servers.mail and MAILBOX not in self.blocked and self.mail.calm is None:
            try:
                self.mail.read(servers.mail, roster, self.progress)
            except (AccountError, CollectionError) as error:
                self.errors.append(error)
        return books

    # ----- steps 5 to 9: plan, permission, effects

    def _carry_out(self, roster: Roster, servers: Servers, books: Mapping[str, Shelved], told: Json) -> None:
        self.progress(Sentence.of(N_("Planning")), 0, 1)
        mail = self.mail.view
        plan = planning.make_plan(
            self.desk.house,
            self.account,
            roster,
            books=books,
            mail=mail,
            now=self.desk.clock(),
            remembered=self.mail.outside,
        )
        self.findings += (*plan.findings, *self.mail.findings)
        totals = {url: len(view.cards) for url, (_, view) in books.items()}
        if mail is not None:
            totals[MAILBOX] = mail.total
        listings = [
            Listing(name=url, holds="cards", known=view.known_before, listed=len(view.cards))
            for url, (_, view) in books.items()
        ]
        permission = carrying.permit(
            self.desk.confirmations, self.account, plan, self.options, totals, listings
        )
        told["plan_hash"], told["unconfirmed"] = plan.hash, permission.unconfirmed
        if mail is not None:
            told["server"] = {
                "separator": mail.profile.separator,
                "prefix": mail.profile.prefix,
                "refused": mail.profile.refused,
            }
        self.errors += permission.refusals
        self._accept([url for url in books if url in permission.allowed])
        results = self._apply(servers, plan.actions, permission.allowed)
        plan, results = self._apply_again(servers, roster, plan, results, permission.allowed)
        paces = {url: self.paces.get(url, view.profile.write_seconds) for url, (_, view) in books.items()}
        told["write_seconds"] = carrying.write_seconds(plan, results, paces)
        told["actions"] = result.action_rows(plan.actions, results)
        told["cards"] = result.card_rows(plan.entries, results)
        told["conflicts"] = result.conflict_rows(results)
        self._follow(servers)
        self.mail.tell(plan.mail, told, applied=MAILBOX in permission.allowed)
        self.mail.remember(plan.mail, roster, results, told)

    def _follow(self, servers: Servers) -> None:
        if servers.mail is not None and self.mail.view is not None:
            try:
                self.mail.follow(servers.mail)
            except AccountError as error:  # what was filed is read where it lies at the next run
                self.errors.append(error)

    def _accept(self, urls: Sequence[str]) -> None:
        """Brakes were asked of the books as they were read, so they are as they should be. What is read after that,
        nobody has asked them of yet."""
        for url in urls:
            self.shelf.accept(url)
        if urls and self.options.force:
            self.shelf.let_go()

    def _apply_again(
        self,
        servers: Servers,
        roster: Roster,
        plan: Plan,
        results: list[applying.Result],
        allowed: Sequence[str],
    ) -> tuple[Plan, list[applying.Result]]:
        """Cards that had changed when their turn came are read and planned anew, and written if they still need it."""
        for _ in range(ROUNDS - 1):
            stale = stale_cards(results)
            if not stale or self.stop():
                break
            try:
                views = {url: (servers.access[url], self.shelf.refresh(servers.books[url])) for url in stale}
            except (AccountError, CollectionError) as error:
                self.errors.append(error)
                break
            fresh = planning.plan_books(self.desk.house, roster, views)
            known = len(plan.findings)
            plan, results, actions = planned_again(plan, results, fresh, stale)
            self.findings += plan.findings[known:]
            if actions:
                results += self._apply(servers, actions, allowed)
        return plan, results

    def _apply(
        self, servers: Servers, planned: Sequence[Action], allowed: Sequence[str]
    ) -> list[applying.Result]:
        actions = [action for action in planned if carrying.target_of(action) in allowed]
        if not allowed:
            return []
        outcome = applying.apply(
            self.run,
            actions,
            journal=self.desk.journal,
            books=servers.books,
            editor=self.editor,
            mail=servers.mail,
            check=self.check,
            stop=self.stop,
            progress=lambda done, total: self.progress(Sentence.of(N_("Writing")), done, total),
            card_seconds=self.options.card_seconds,
        )
        for url, (cards, seconds) in outcome.paces.items():
            self.paces[url] = seconds / cards
            self.shelf.paced(url, self.paces[url])
        self.errors += outcome.errors
        self.stopped = self.stopped or (outcome.stopped and self.options.by_hand)
        rows = self.desk.journal.rows(run=self.run.id, states=("done",), kinds=CARD_KINDS)
        new = [row for row in rows if row.id not in self.remembered]
        self.errors += carrying.remember_cards(self.shelf, servers, new, outcome.held)
        self.remembered.update(row.id for row in new)
        if not outcome.errors and not outcome.stopped and not outcome.paused:
            self.desk.confirmations.applied(self.account.name, allowed)
        return outcome.results
