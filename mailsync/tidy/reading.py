"""Reading an account's mail: the server's profile, then the index brought up to date (DESIGN 4, step 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from mailsync.mailbox.folders import Overrides
from mailsync.mailbox.headers import MessageKey
from mailsync.mailbox.imap import ImapSession
from mailsync.mailbox.index import Index, Refreshed
from mailsync.mailbox.profiles import Profiles
from mailsync.run.actions import Finding, Placement
from mailsync.run.brakes import Listing, shrunken_mailboxes
from mailsync.run.journal import Journal
from mailsync.text import N_, Sentence
from mailsync.tidy.calm import Look, quiet_at
from mailsync.tidy.desk import Progress
from mailsync.tidy.mail_memory import MailMemory
from mailsync.tidy.mail_plan import MailView
from mailsync.tidy.settings import Account


def overrides(account: Account) -> Overrides:
    """Special mailboxes as configured, by role."""
    return {role: names for role, names in account.special_mailboxes if names}  # type: ignore[misc]


def read_mail(
    session: ImapSession,
    index: Index,
    account: Account,
    journal: Journal,
    *,
    profiles: Profiles,
    memory: MailMemory | None,
    full: bool,
    seen: Look,
    now: datetime,
    list_every: timedelta,
    progress: Progress,
) -> MailView:
    """The messages of `account` as they stand: all, or with a `memory` those that something happened to and their kin.
    `seen`: what was seen of the mailboxes just now; with it and a memory they are listed every `list_every` only. Raises
    `AccountError`."""
    listed, profile = now, memory.profile_at(seen, now, list_every) if memory else None
    if memory is None or profile is None:
        profile = profiles.profile(session, overrides(account), now, listing=seen.listing, anew=full)
    else:
        listed = memory.listed
    before = Counter(index.counts())

    def show(mailbox: str, done: int, total: int) -> None:
        progress(Sentence.of(N_("Reading {mailbox}"), mailbox=mailbox), done, total)

    refreshed = index.refresh(
        session, overrides=overrides(account), full=full, on_progress=show, listing=profile.listing
    )
    touched = memory.touched(refreshed, index) if memory else None
    messages = index.messages(touched)
    placements = journal.placements(
        account.name, None if touched is None else {one.fingerprint for one in messages}
    )
    after = Counter(index.counts())
    findings = (
        *refreshed.problems,
        *shrunken_mailboxes(_listings(before, after, refreshed, placements)),
        *(Finding(kind="server", subject=account.name, sentence=problem) for problem in profile.problems),
    )
    return MailView(
        messages=messages,
        mailboxes=refreshed.existing,
        profile=profile,
        listed=listed,
        roles={name: refreshed.roles[name] for name in refreshed.read},
        placements=placements,
        named=None if touched is not None else journal.named_folders(account.name),
        total=after.total(),
        memory=None if touched is None else memory,
        touched=frozenset(touched or ()),
        quiet=None if full else quiet_at(profile.listing, refreshed),
        findings=findings,
    )


def _listings(
    before: Counter[str], after: Counter[str], refreshed: Refreshed, placements: Iterable[Placement]
) -> list[Listing]:
    """How mailboxes grew and shrank; what mailsync took away itself is no loss."""
    taken = Counter(key.mailbox for key in _emptied(placements) & refreshed.gone)
    return [
        Listing(name=mailbox, holds="messages", known=known - taken[mailbox], listed=after[mailbox])
        for mailbox, known in before.items()
    ]


def _emptied(placements: Iterable[Placement]) -> set[MessageKey]:
    """Where messages lay until mailsync moved them on, or took its own copies back."""
    return {
        MessageKey(*(placement.destination if placement.undone else placement.source))
        for placement in placements
        if placement.undone or placement.kind == "message-move"
    }
