"""What the daemon remembers of an account's mail after a plan of all of it, so that the next plans need only look at what
happened since: at new, changed and vanished messages and their kin (`conversations.kin`).

Suggestions and candidates weigh all mail: they stand until the next plan of all of it, as does mail that was too fresh to
be filed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailsync.conversations.kin import Kin
from mailsync.filing.plan import Stay
from mailsync.mailbox.following import Carried
from mailsync.mailbox.headers import MailboxRole, Message, MessageKey
from mailsync.mailbox.index import Index, Refreshed
from mailsync.registry.roster import Roster
from mailsync.run.actions import Finding, Placement
from mailsync.tidy.calm import LONGEST

#: Beyond these it is no everyday happening, and all mail is planned.
MOST_TOUCHED, MOST_KIN = 200, 2000


@dataclass(frozen=True, kw_only=True)
class MailMemory:
    """An account's mail as it was planned."""

    since: datetime  #: of the plan of all mail
    roster: Roster
    roles: Mapping[str, MailboxRole]  #: by mailbox
    kin: Kin
    stays: Mapping[MessageKey, Stay]
    findings: tuple[Finding, ...]  #: about single messages
    about: Mapping[str, frozenset[MessageKey]]  #: `Finding.subject` → these messages
    overall: tuple[Finding, ...]  #: about all of them
    newest: Mapping[str, datetime]  #: customer's code → when their newest message came or went
    last_placed: Mapping[str, Placement]  #: customer's code → where mailsync filed theirs last

    def holds(self, roster: Roster, now: datetime) -> bool:
        """Whether a plan may still rest on it."""
        return roster == self.roster and now - self.since < LONGEST

    def touched(self, refreshed: Refreshed, index: Index) -> set[MessageKey] | None:
        """The messages that `refreshed` may concern, those that are gone among them; takes note of new ones. None where
        that are too many, or where mailboxes are for something else than before."""
        happened = refreshed.new | refreshed.changed | refreshed.gone
        known = {name: refreshed.roles.get(name) for name in self.roles if name in refreshed.roles}
        if len(happened) > MOST_TOUCHED or any(known[name] != self.roles[name] for name in known):
            return None
        self.kin.add(index.messages(refreshed.new))
        touched = self.kin.of(happened) | refreshed.gone
        self.kin.drop(refreshed.gone)
        return touched if len(touched) <= MOST_KIN else None

    def follow(self, carried: Sequence[Carried]) -> None:
        """Messages lie where mailsync filed them."""
        for one in carried:
            self.kin.follow(one.source, one.destination)
        self.kin.drop(one.source for one in carried if not one.stays)

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
