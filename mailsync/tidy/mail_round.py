"""The mail's part in one run: whether it must be read at all, reading it, and what is told and remembered of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from mailsync.filing.stays import count_stays
from mailsync.mailbox.folders import Counters
from mailsync.mailbox.following import Carried
from mailsync.mailbox.headers import MessageKey
from mailsync.mailbox.imap import ImapSession
from mailsync.registry.roster import Roster
from mailsync.run.actions import Finding, Place
from mailsync.run.execution import Result
from mailsync.run.journal import Run
from mailsync.run.renames import Names
from mailsync.run.results import Decision
from mailsync.tidy import carrying, remembering, result
from mailsync.tidy.calm import Calm, Look, look
from mailsync.tidy.desk import Desk, Progress
from mailsync.tidy.mail_plan import MailPlan, MailView
from mailsync.tidy.reading import read_mail
from mailsync.tidy.result import Json
from mailsync.tidy.settings import Account, Options


class MailRound:
    """`calm`: the mail is as the last run left it; else `view`, once it was read. `carried`: what this run filed."""

    def __init__(self, desk: Desk, account: Account, options: Options, run: Run) -> None:
        self.desk = desk
        self.account = account
        self.options = options
        self.run = run
        self.calm: Calm | None = None
        self.view: MailView | None = None
        self.carried: list[Carried] = []
        self.names = Names()  #: of folders, before and after this run renamed them
        self._seen = Look()
        self._after: Mapping[str, Counters] = {}  #: where mailboxes stand after filing

    def look(self, session: ImapSession, roster: Roster) -> None:
        """Ask whether the mail is as the last run left it, and need not be read. Raises `AccountError`."""
        kept, name = self.desk.kept, self.account.name
        if kept is None:
            return
        stirred = kept.stirred.pop(name, set())
        calm = None if self._anew else kept.calms.pop(name, None)
        self._seen = look(
            calm, session, roster, self.desk.clock(), list_every=kept.list_every, stirred=stirred
        )
        self.calm = self._seen.calm
        if self.calm is not None:
            kept.calms[name] = self.calm

    def read(self, session: ImapSession, roster: Roster, progress: Progress) -> None:
        """Read what changed; in a process that remembers the rest, the view holds only what that may concern. Raises
        `AccountError` or `CollectionError`."""
        kept, memory = self.desk.kept, None
        if kept is not None and not self.options.dry_run:
            # Until this run has come to its end nobody knows that what it planned was done.
            memory = kept.memories.pop(self.account.name, None)
        if memory and (self._anew or not memory.holds(roster, self.run.started)):
            memory = None
        self.view = read_mail(
            session,
            self.desk.index(self.account),
            self.account,
            self.desk.journal,
            profiles=self.desk.profiles(self.account),
            memory=memory,
            full=self.options.full,
            seen=self._seen,
            now=self.desk.clock(),
            list_every=kept.list_every if kept else timedelta(),
            progress=progress,
        )
        self._former = self._decided(self.view)
        self._outside = remembering.seen_outside(self._former, self.view.messages)

    @property
    def outside(self) -> Mapping[Place, str]:
        """Messages that an earlier run saw outside INBOX and Sent, and which may have come back → fingerprint."""
        return self._outside if self.view else {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What stands of the mail that was not read."""
        return self.calm.findings if self.calm else ()

    def follow(self, session: ImapSession) -> None:
        """Have the index know where this run put messages, without reading them again. Raises `AccountError`."""
        journal, run = self.desk.journal, self.run.id
        self.carried = carrying.carried(journal.placements(self.account.name, run=run))
        self.names = Names(carrying.new_names(journal.rows(run=run, kinds=("folder-rename",))))
        index = self.desk.index(self.account)
        if self.names:
            former = {name: now for name in index.counts() if (now := self.names.now(name)) != name}
            index.renamed(former, session.glance(sorted(former.values())))
        if self.carried:
            touched = {key.mailbox for one in self.carried for key in (one.source, one.destination)}
            self._after = session.glance(sorted(touched))
            index.follow(self.carried, self._after)

    def tell(self, plan: MailPlan | None, told: Json, *, applied: bool) -> None:
        """List what was read or decided anew; after a real run keep it, also for where messages lie now."""
        if self.calm is not None:
            told |= self.calm.told
        if self.view is None or plan is None:
            return
        told["stays"] = count_stays(plan.stays)
        messages = self.view.messages
        decided = remembering.decide_all(plan, messages)
        changed = {key for key, decision in decided.items() if self._former.get(key) != decision}
        if applied:
            there = remembering.followed(decided, messages, self.carried, self.names.now)
            keep = there | remembering.taken_out(self._outside, messages)
            gone = self._former.keys() - keep.keys()
            self.desk.results.decide(self.account.name, keep, former=self._former, gone=gone)
        keys = {MessageKey(*key) for key in (decided if self.options.full else changed)}
        told["attributions"] = result.attribution_rows(messages, plan.attributions.by_key, keys)
        told["audit"] = result.audit_rows(plan.verdicts, keys)

    def remember(self, plan: MailPlan | None, roster: Roster, results: list[Result], told: Json) -> None:
        """Keep for the next run what this one knows, where all that it planned for the mail is done."""
        kept, view, name = self.desk.kept, self.view, self.account.name
        if kept is None or view is None or plan is None or self.options.dry_run or self.names:
            return  # after folders were renamed all is looked at again
        done = {one.action for one in results if one.state == "done"}
        if self.account.filing.mode == "report-only" or not done.issuperset(plan.actions):
            return
        memory = plan.remembered(view, roster, self.run.started).following(self.carried, self._after)
        kept.memories[name] = memory
        if view.quiet is not None and not plan.actions:
            # There was nothing to do: until something happens there, the mail need not even be read.
            kept.calms[name] = Calm(
                quiet=view.quiet,
                since=memory.since,
                listed=memory.listed,
                roster=roster,
                findings=plan.findings,
                told={word: told[word] for word in ("server", "stays")},
            )

    @property
    def _anew(self) -> bool:
        return self.options.full or self.options.dry_run

    def _decided(self, view: MailView) -> dict[Place, Decision]:
        """What earlier runs decided of these messages."""
        if view.memory is None:
            return self.desk.results.decisions(self.account.name)
        return self.desk.results.decisions(
            self.account.name,
            among=[Place(*key) for key in view.touched],
            fingerprints={one.fingerprint for one in view.messages},
        )
