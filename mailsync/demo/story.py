"""The demo: the whole main job on throw-away real servers, told step by step.

Every step is a command that a user would type. After each step that writes or must not write, the servers are read
through their protocols, and compared with the sample world's own truth.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from mailsync.daemon.books_server import SERVICE_USER
from mailsync.demo import world
from mailsync.demo.books import BuiltInBooks
from mailsync.demo.company import REPS, company
from mailsync.demo.servers import Dovecot
from mailsync.demo.snapshots import FoundMessage, read_mail, snapshot_books
from mailsync.demo.teller import Teller, ended_by_signals
from mailsync.demo.throwaway import give_away_tree, throwaway_folder
from mailsync.demo.truth import Agreement
from mailsync.demo.world import World
from mailsync.text import N_, translator

#: A run ends with 3 where something is left for people to decide, as the demo's conflicts are.
RUN_ENDS = (0, 3)
#: A plan may end with 20 as well: it is not confirmed yet.
PLAN_ENDS = (0, 3, 20)
#: The share of messages that must agree; of cards it is all of them.
MESSAGES_AGREE = 0.99

Mail = Mapping[str, Sequence[FoundMessage]]
Cards = Mapping[str, bytes]


def tell(*, once: bool, language: str, out: TextIO) -> int:
    """Tell the whole story; with `once` it ends by itself. Answers the exit code: 0 where everything agreed.

    `out` must be a real file, since the commands write to it. Raises `DemoError` where a server does not start or a
    command fails.
    """
    with ended_by_signals(), contextlib.ExitStack() as stack:
        folder = stack.enter_context(throwaway_folder())
        dovecot, books = world.servers(folder)
        give_away_tree(folder)
        stack.enter_context(dovecot)
        stack.enter_context(books)
        sample = world.build(datetime.now(UTC))
        sample.seed(dovecot, books)
        config = sample.write_files(folder, dovecot, books, language=language)
        teller = Teller(config=config, language=language, out=out)
        story = Story(world=sample, dovecot=dovecot, books=books, teller=teller)
        story.main_job()
        if not once:
            story.stay_up()
        return story.end()


@dataclass(frozen=True, kw_only=True)
class Story:
    """One telling: the world in its servers, and who tells."""

    world: World
    dovecot: Dovecot
    books: BuiltInBooks
    teller: Teller

    def main_job(self) -> None:
        """Check, plan, confirm, tidy, report, tidy again, undo, redo."""
        self.teller.say(
            N_("A sample trading company: {reps} reps, {messages} messages, {cards} cards, {customers} customers."),
            reps=len(REPS), messages=len(self.world.truth.messages),
            cards=sum(len(book.cards) for book in self.world.books), customers=len(company().customers),
        )  # fmt: skip
        mail, cards = self.mail(), self.cards()
        self.teller.step(N_("What can the servers do?"), "check", ends=RUN_ENDS)
        self.teller.step(N_("What would be done? Nothing is written yet."), "plan", ends=PLAN_ENDS)
        planned = self.teller.results(N_("The same for programs."), "plan", "--full", ends=PLAN_ENDS)
        self._expect_same(N_("After planning"), mail, cards)
        self._compare(planned)
        for result in planned:
            self.teller.step(N_("Yes, do that."), "confirm", str(result["account"]), str(result["plan_hash"]))
        self._write(N_("Tidy up."), "tidy")
        tidy_mail, tidy_cards = self.mail(), self.cards()
        self._look_into_folders(tidy_mail, mail)
        self.teller.step(N_("The report."), "report")
        self.teller.step(N_("Whom does a mail client offer who types D12 into a To: box?"), "who", "D12")
        self.teller.step(N_("Everything known about D12, on one screen."), "customers", "show", "D12")
        self.teller.step(N_("What does the registry need?"), "registry", "upkeep")
        if self._write(N_("Once more: there is nothing left to do."), "tidy"):
            self.teller.fail(N_("the second run wrote something"))
        self._expect_same(N_("After the second run"), tidy_mail, tidy_cards)
        for run in self._runs():
            self._write(N_("Undo a run."), "undo", run)
        self._expect_same(N_("After undoing everything"), mail, cards)
        self._write(N_("And do it again."), "tidy")
        self._expect_same(N_("After doing it again"), tidy_mail, tidy_cards)

    def stay_up(self) -> None:
        """Say how to connect a mail client, and run the daemon until Ctrl-C."""
        self.teller.say(N_("Connect a mail client (Thunderbird, a phone …), and look at what it shows:"))
        self.teller.line(f"  IMAP     127.0.0.1:{self.dovecot.port}, TLS: localhost:{self.dovecot.tls_port}")
        for rep in REPS:
            book = self.books.url(rep.name, "contacts")
            self.teller.line(
                f"  {rep.address:<30} user {rep.name:<9} password {world.PASSWORDS[rep.name]:<14} {book}"
            )
        self.teller.say(N_("Each rep also sees the company's book, which only mailsync writes:"))
        self.teller.line(f"  {self.books.server.book_url}")
        if pages := sorted(self.teller.config.parent.glob("state/reports/*.html")):
            self.teller.say(N_("Report: {path}"), path=pages[-1].as_uri())
        self.teller.say(N_("The daemon runs until Ctrl-C; then everything is removed."))
        self.books.stop()  # the daemon starts it, as it does at a company
        self.teller.run_until_interrupted("run")

    def end(self) -> int:
        """The last word: whether everything agreed."""
        if not self.teller.failures:
            self.teller.say(N_("Everything agrees with the demo's own truth."))
            return 0
        self.teller.say(N_("{count} check(s) of the demo failed:"), count=len(self.teller.failures))
        for failure in self.teller.failures:
            self.teller.line(f"  - {failure}")
        return 1

    def mail(self) -> Mail:
        """Every message of every rep, as the server holds it."""
        return {rep.name: read_mail(self.dovecot.url(), rep.name, world.PASSWORDS[rep.name]) for rep in REPS}

    def cards(self) -> Cards:
        """Every card of every book by its href, as the server holds it."""
        held: dict[str, bytes] = {}
        for book in self.world.books:
            user = book.user if book.user in world.PASSWORDS else SERVICE_USER
            held |= snapshot_books(self.books.url(book.user, book.name), user, self.books.password(user))
        return held

    def _write(self, why: str, *words: str) -> int:
        """Run a command that writes; say how much it did for each account, and answer the sum."""
        total = 0
        for result in self.teller.results(why, *words, ends=RUN_ENDS):
            done = Counter(str(action["kind"]) for action in result["actions"] if action["state"] == "done")
            total += done.total()
            said = ", ".join(f"{number} × {kind}" for kind, number in sorted(done.items())) or "–"
            self.teller.line(f"  {result['account']:<14} {said}")
        return total

    def _compare(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Say how far the plan agrees with the truth."""
        agreement = self.world.truth.compare(results)
        self.teller.say(
            N_("Agreement with the demo's truth: {cards_right} of {cards} cards, {messages_right} of {messages} messages."),
            cards_right=agreement.cards_right, cards=agreement.cards_total,
            messages_right=agreement.messages_right, messages=agreement.messages_total,
        )  # fmt: skip
        self.teller.spell_out(agreement.wrong)
        self.teller.spell_out(agreement.evidence_differs)
        if not _good_enough(agreement):
            self.teller.fail(N_("the plan agrees too little with the truth"))
        if agreement.wrong_customer:
            self.teller.fail(
                N_("{count} message(s) would go to a wrong customer"), count=agreement.wrong_customer
            )

    def _look_into_folders(self, tidied: Mail, before: Mail) -> None:
        """After a tidy each message lies where the truth says, and none is lost or doubled."""
        misplaced = self.world.truth.misplaced(tidied)
        total = len(self.world.truth.messages)
        self.teller.say(
            N_("{right} of {total} messages lie in the right folder."),
            right=total - len(misplaced),
            total=total,
        )
        self.teller.spell_out(misplaced)
        if len(misplaced) > total * (1 - MESSAGES_AGREE):
            self.teller.fail(N_("{count} message(s) lie in a wrong folder"), count=len(misplaced))
        if _contents(tidied) != _contents(before):
            self.teller.fail(N_("a message was lost, doubled or changed"))

    def _expect_same(self, when: str, mail: Mail, cards: Cards) -> None:
        """The servers hold exactly these messages, flags, dates and cards."""
        now_mail, now_cards = self.mail(), self.cards()
        moved = sum((Counter(mail[rep]) - Counter(now_mail[rep])).total() for rep in mail)
        moved += sum((Counter(now_mail[rep]) - Counter(mail[rep])).total() for rep in mail)
        changed = [
            href for href in sorted(cards.keys() | now_cards.keys()) if cards.get(href) != now_cards.get(href)
        ]
        said = translator(self.teller.language)(when)
        if not moved and not changed:
            self.teller.say(N_("{when}: every message and every card is as it should be."), when=said)
            return
        self.teller.fail(
            N_("{when}: {messages} message(s) and {cards} card(s) differ, such as {example}"),
            when=said, messages=moved, cards=len(changed), example=", ".join(changed[:3]) or "-",
        )  # fmt: skip

    def _runs(self) -> list[str]:
        """The runs that the journal knows, newest first."""
        rows = self.teller.results(N_("What was done so far, for programs."), "journal")
        return list(dict.fromkeys(str(row["run"]) for row in rows))


def _good_enough(agreement: Agreement) -> bool:
    cards = agreement.cards_right == agreement.cards_total
    return cards and agreement.messages_right >= MESSAGES_AGREE * agreement.messages_total


def _contents(mail: Mail) -> dict[str, list[tuple[str, tuple[str, ...], str]]]:
    """What must survive any move: the messages' bytes, flags and dates, wherever they lie."""
    return {
        account: sorted((one.fingerprint, tuple(sorted(one.flags)), one.internal_date) for one in messages)
        for account, messages in mail.items()
    }
