"""Reading an account's mail: the server's profile, then the index brought up to date (DESIGN 4, step 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mailsync.mailbox.folders import Overrides
from mailsync.mailbox.headers import MessageKey
from mailsync.mailbox.imap import ImapSession
from mailsync.mailbox.index import Index
from mailsync.mailbox.provider import probe
from mailsync.run.actions import Finding, Placement
from mailsync.run.brakes import Listing, shrunken_mailboxes
from mailsync.text import N_, Sentence
from mailsync.tidy.calm import quiet_at
from mailsync.tidy.desk import Progress
from mailsync.tidy.planning import MailView
from mailsync.tidy.settings import Account


def overrides(account: Account) -> Overrides:
    """Special mailboxes as configured, by role."""
    return {role: names for role, names in account.special_mailboxes if names}  # type: ignore[misc]


def read_mail(
    session: ImapSession,
    index: Index,
    account: Account,
    *,
    placements: Iterable[Placement],
    full: bool,
    progress: Progress,
) -> MailView:
    """All messages of `account` as they stand. `placements`: what mailsync took away itself is no loss. Raises
    `AccountError`."""
    profile = probe(session, overrides(account))
    ours = _emptied(placements)
    before = Counter(key.mailbox for key in index.known() if key not in ours)

    def show(mailbox: str, done: int, total: int) -> None:
        progress(Sentence.of(N_("Reading {mailbox}"), mailbox=mailbox), done, total)

    refreshed = index.refresh(
        session, overrides=overrides(account), full=full, on_progress=show, listing=profile.listing
    )
    messages = index.messages()
    after = Counter(message.key.mailbox for message in messages)
    listings = [
        Listing(name=mailbox, holds="messages", known=known, listed=after[mailbox])
        for mailbox, known in before.items()
    ]
    findings = (
        *refreshed.problems,
        *shrunken_mailboxes(listings),
        *(Finding(kind="server", subject=account.name, sentence=problem) for problem in profile.problems),
    )
    return MailView(
        messages=messages,
        mailboxes=refreshed.existing,
        separator=profile.separator,
        prefix=profile.prefix,
        refused=profile.refused,
        quiet=None if full else quiet_at(profile.listing, refreshed),
        findings=findings,
    )


def _emptied(placements: Iterable[Placement]) -> set[MessageKey]:
    """Where messages lay until mailsync moved them on, or took its own copies back."""
    return {
        MessageKey(*(placement.destination if placement.undone else placement.source))
        for placement in placements
        if placement.undone or placement.kind == "message-move"
    }
