"""What a run may take for granted: nothing happened in the mail since a run that found nothing to do there.

The daemon keeps this in memory, so that the run of a quiet account is one write on a kept connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from mailsync.mailbox.folders import Counters, Folder, Listing
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


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was seen of the mailboxes before anything was read."""

    calm: Calm | None = None  #: still holds: nothing is to be read
    watched: Mapping[str, Counters] = field(default_factory=dict)  #: asked for, where no listing was
    listing: Listing | None = None  #: asked for


def look(
    calm: Calm | None,
    session: ImapSession,
    roster: Roster,
    now: datetime,
    *,
    list_every: timedelta,
    stirred: AbstractSet[str] = frozenset(),
) -> Look:
    """Ask with one write whether `calm` still holds. `stirred`: mailboxes in which something happened, as far as that
    was heard of. Raises `AccountError`."""
    if calm is None or roster != calm.roster or now - calm.since >= LONGEST:
        session.revive()
        return Look()
    if now - calm.listed >= list_every or not stirred <= set(calm.quiet.watched):
        session.revive()
        listing = session.listing()
        holds = _counters(listing, calm.quiet.left_out) == calm.quiet.mailboxes
        return Look(calm=replace(calm, listed=now) if holds else None, listing=listing)
    seen = session.glance(calm.quiet.watched)
    holds = seen == {name: calm.quiet.mailboxes[name] for name in calm.quiet.watched}
    return Look(calm=calm if holds else None, watched=seen)


def brought_up(listing: Listing, seen: Mapping[str, Counters]) -> Listing:
    """`listing` with what was seen since; mailboxes that are new are added."""
    known = {folder.name for folder in listing.folders}
    separator = next((folder.separator for folder in listing.folders if folder.separator), None)
    new = [Folder(name=name, separator=separator) for name in seen if name not in known]
    folders = [
        replace(folder, **seen[folder.name]._asdict()) if folder.name in seen else folder
        for folder in (*listing.folders, *new)
    ]
    return replace(listing, folders=tuple(folders))


def only_grew(listing: Listing, seen: Mapping[str, Counters]) -> bool:
    """Whether nothing but new mail, or other flags, explains what was seen; what left a mailbox lies elsewhere now."""
    former = {folder.name: folder.counters for folder in listing.folders}
    return all(name in former and _only_grew(former[name], now) for name, now in seen.items())


def _only_grew(former: Counters, now: Counters) -> bool:
    if None in (former.messages, former.uidnext, now.messages, now.uidnext):
        return False
    came = int(now.uidnext or 0) - int(former.uidnext or 0)
    return (
        now.uidvalidity == former.uidvalidity and int(now.messages or 0) - int(former.messages or 0) == came
    )


def _counters(listing: Listing, left_out: frozenset[str]) -> dict[str, Counters]:
    return {one.name: one.counters for one in listing.folders if one.selectable and one.name not in left_out}
