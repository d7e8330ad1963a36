"""What the daemon remembers of an account's mail after a plan of all of it, so that the next plans need only look at what
happened since: at new, changed and vanished messages and their kin (`conversations.kin`).

Suggestions and candidates weigh all mail: they stand until the next plan of all of it, as does mail that was too fresh to
be filed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailsync.conversations.kin import Kin
from mailsync.filing.history import Stay
from mailsync.mailbox.folders import Counters
from mailsync.mailbox.following import Carried
from mailsync.mailbox.headers import MailboxRole, Message, MessageKey
from mailsync.mailbox.index import Index, Refreshed
from mailsync.mailbox.provider import Profile
from mailsync.registry.roster import Roster
from mailsync.run.actions import Finding, Placement
from mailsync.tidy.calm import LONGEST, Look, brought_up, only_grew

#: Beyond these it is no everyday happening, and all mail is planned.
MOST_TOUCHED, MOST_KIN = 200, 2000


@dataclass(frozen=True, kw_only=True)
class MailMemory:
    """An account's mail as it was planned."""

    since: datetime  #: of the plan of all mail
    roster: Roster
    profile: Profile  #: of the server; mailboxes as last seen
    listed: datetime  #: when all of them were
    roles: Mapping[str, MailboxRole]  #: by mailbox
    kin: Kin
    stays: Mapping[MessageKey, Stay]
    findings: tuple[Finding, ...]  #: about single messages
    about: Mapping[str, frozenset[MessageKey]]  #: `Finding.subject` → these messages
    overall: tuple[Finding, ...]  #: about all of them
    newest: Mapping[str, datetime]  #: customer's code → when their newest message came or went
    by_hand: Mapping[str, str]  #: folders that people gave other names → code of their customer
    last_placed: Mapping[str, Placement]  #: customer's code → where mailsync filed theirs last

    def holds(self, roster: Roster, now: datetime) -> bool:
        """Whether a plan may still rest on it."""
        return roster == self.roster and now - self.since < LONGEST

    def profile_at(self, look: Look, now: datetime, list_every: timedelta) -> Profile | None:
        """The server's profile, where a look at some mailboxes tells where all of them stand; else they must be
        listed."""
        if not look.watched or now - self.listed >= list_every:
            return None
        if not only_grew(self.profile.listing, look.watched):
            return None
        return replace(self.profile, listing=brought_up(self.profile.listing, look.watched))

    def touched(self, refreshed: Refreshed, index: Index) -> set[MessageKey] | None:
        """The messages that `refreshed` may concern, those that are gone among them; takes note of new ones. None where
        that are too many, or where mailboxes are for something else than before, or gone: a person may have renamed a customer's folder."""
        happened = refreshed.new | refreshed.changed | refreshed.gone
        known = {name: refreshed.roles.get(name) for name in self.roles if name in refreshed.roles}
        if len(happened) > MOST_TOUCHED or known != self.roles:
            return None
        self.kin.add(index.messages(refreshed.new))
        touched = self.kin.of(happened) | refreshed.gone
        self.kin.drop(refreshed.gone)
        return touched if len(touched) <= MOST_KIN else None

    def following(self, carried: Sequence[Carried], counters: Mapping[str, Counters]) -> MailMemory:
        """The memory after messages were filed, by which mailboxes came to stand as `counters` say."""
        for one in carried:
            self.kin.follow(one.source, one.destination)
        self.kin.drop(one.source for one in carried if not one.stays)
        listing = brought_up(self.profile.listing, counters)
        return replace(self, profile=replace(self.profile, listing=listing))

    def stays_but(self, touched: Collection[MessageKey]) -> dict[MessageKey, Stay]:
        """Why messages stay, those `touched` left out."""
        return {key: stay for key, stay in self.stays.items() if key not in touched}

    def findings_but(self, touched: Collection[MessageKey]) -> tuple[Finding, ...]:
        """The findings about single messages, those `touched` left out."""
        return tuple(
            finding
            for finding in self.findings
            if self.about.get(finding.subject, frozenset()).isdisjoint(touched)
        )


def messages_of(findings: Iterable[Finding], messages: Iterable[Message]) -> dict[str, frozenset[MessageKey]]:
    """Which of `messages` the findings are about, by `Finding.subject`."""
    subjects = {finding.subject for finding in findings}
    found: defaultdict[str, set[MessageKey]] = defaultdict(set)
    for message in messages:
        if message.name in subjects:
            found[message.name].add(message.key)
    return {name: frozenset(keys) for name, keys in found.items()}


def last_placed(placements: Iterable[Placement]) -> dict[str, Placement]:
    """Customer's code → where mailsync filed mail of theirs last. `placements`: in the order they happened."""
    return {one.customer: one for one in placements if one.customer is not None and not one.undone}
