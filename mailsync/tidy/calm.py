"""What a run may take for granted: nothing happened in the mail since a run that found nothing to do there.

The daemon keeps this in memory, so that the run of a quiet account is one write on a kept connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mailsync.mailbox.folders import Counters, Listing
from mailsync.mailbox.imap import ImapSession
from mailsync.mailbox.index import Refreshed
from mailsync.registry.roster import Roster
from mailsync.run.actions import Finding

#: After so long all is planned again: mail that was too fresh to be filed comes of age.
LONGEST = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """Where the mailboxes stand in which nothing happened."""

    mailboxes: Mapping[str, Counters]  #: those that are read
    left_out: frozenset[str]  #: those that are not
    watched: tuple[str, ...]  #: INBOX and Sent ones


@dataclass(frozen=True, kw_only=True)
class Calm:
    """An account's mail in which there was nothing to do, and what was said of it."""

    quiet: Quiet
    since: datetime
    listed: datetime  #: when all mailboxes were looked at
    roster: Roster
    findings: tuple[Finding, ...]
    told: Mapping[str, Any]  #: what a run's result says of the mail


def quiet_at(listing: Listing, refreshed: Refreshed) -> Quiet | None:
    """Where `listing` stands, if nothing had happened; None where a server does not say whether flags changed."""
    if refreshed.new or refreshed.gone or refreshed.changed:
        return None
    left_out = frozenset(refreshed.roles) - frozenset(refreshed.read)
    mailboxes = _counters(listing, left_out)
    if any(one.highestmodseq is None for one in mailboxes.values()):
        return None
    watched = tuple(name for name in mailboxes if refreshed.roles[name] in ("inbox", "sent"))
    return Quiet(mailboxes=mailboxes, left_out=left_out, watched=watched)


def still_calm(
    calm: Calm | None, session: ImapSession, roster: Roster, now: datetime, list_every: timedelta
) -> Calm | None:
    """`calm` where it still holds, asked with one write; None where the mail is to be read. Raises `AccountError`."""
    if calm is None or roster != calm.roster or now - calm.since >= LONGEST:
        session.revive()
        return None
    if now - calm.listed >= list_every:
        session.revive()
        seen = _counters(session.listing(), calm.quiet.left_out)
        return replace(calm, listed=now) if seen == calm.quiet.mailboxes else None
    looked = session.glance(calm.quiet.watched)
    return calm if looked == {name: calm.quiet.mailboxes[name] for name in calm.quiet.watched} else None


def _counters(listing: Listing, left_out: frozenset[str]) -> dict[str, Counters]:
    return {one.name: one.counters for one in listing.folders if one.selectable and one.name not in left_out}
