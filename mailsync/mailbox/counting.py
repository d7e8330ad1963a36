"""Where many mailboxes stand, in few commands: LIST-STATUS (RFC 5819) of just these, STATUS for those it leaves open.

A mailbox that LIST says nothing of is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailsync.mailbox import wire
from mailsync.mailbox.connection import Command, MailboxRefused, Reply

#: So many mailboxes are asked for one by one.
FEW = 20
#: Bytes of names in one LIST: lines stay under 8 KB.
LONGEST_LIST = 7500
_WILDCARD = re.compile(rb"[%*]")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found out of mailboxes, by name."""

    told: dict[str, Mapping[str, int]] = field(default_factory=dict)  #: by the words of STATUS
    missing: set[str] = field(default_factory=set)  #: not there
    refused: dict[str, MailboxRefused] = field(default_factory=dict)


def count(
    converse: Callable[[Iterable[Command]], Iterator[Reply]],
    commands: Sequence[Command],
    capabilities: frozenset[str],
    first: Sequence[Command] = (),
) -> Counted:
    """Count mailboxes. `commands`: a STATUS for each, all with the same items; `first`: what is said before."""
    counted = Counted()
    listings = _listings(commands, capabilities)
    if listings:
        listed: set[str] = set()
        silent: set[str] = set()
        for reply in converse([*first, *listings]):
            counted.told.update(wire.parse_status(reply.of("STATUS")))
            listed |= {folder.name for folder in wire.parse_list(reply.of("LIST"))[0]}
            if reply.refusal is None:
                silent |= listings.get(reply.command, frozenset())
        counted.missing.update(silent - listed - counted.told.keys())
        first = ()
    left = [one for one in commands if one.mailbox not in counted.told and one.mailbox not in counted.missing]
    for reply in converse([*first, *left]):
        counted.told.update(wire.parse_status(reply.of("STATUS")))
        if reply.refusal is not None and reply.command.mailbox:
            counted.refused[reply.command.mailbox] = reply.refusal
    return counted


def _listings(commands: Sequence[Command], capabilities: frozenset[str]) -> dict[Command, frozenset[str]]:
    """LIST commands that stand for most of many STATUS, each with the mailboxes it asks for; names in which LIST would
    see a wildcard are left out."""
    if len(commands) <= FEW or not {"LIST-STATUS", "LIST-EXTENDED"} <= capabilities:
        return {}
    groups: list[list[Command]] = [[]]
    size = 0
    for command in commands:
        name = command.arguments[0]
        if _WILDCARD.search(name):
            continue
        if size + len(name) + 1 > LONGEST_LIST:
            groups.append([])
            size = 0
        groups[-1].append(command)
        size += len(name) + 1
    items = commands[0].arguments[1]
    return {
        Command.of(
            "LIST",
            '""',
            b"(%b)" % b" ".join(one.arguments[0] for one in group),
            "RETURN",
            b"(STATUS %b)" % items,
        ): frozenset(one.mailbox for one in group)
        for group in groups
        if group
    }
