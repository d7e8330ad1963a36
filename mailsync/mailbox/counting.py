"""Where many mailboxes stand, in few commands: LIST-STATUS (RFC 5819) of just these, STATUS for those it leaves open."""

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
    """By mailbox: what it is counted as, by the words of STATUS; and why it refuses."""

    told: dict[str, Mapping[str, int]] = field(default_factory=dict)
    refused: dict[str, MailboxRefused] = field(default_factory=dict)


def count(
    converse: Callable[[Iterable[Command]], Iterator[Reply]],
    commands: Sequence[Command],
    capabilities: frozenset[str],
    first: Sequence[Command] = (),
) -> Counted:
    """Count mailboxes. `commands`: a STATUS for each, all with the same items; `first`: what is said before."""
    counted = Counted()
    listing = _listing(commands, capabilities)
    if listing:
        for reply in converse([*first, *listing]):
            counted.told.update(wire.parse_status(reply.of("STATUS")))
        first = ()
    # LIST says nothing of a mailbox that is not there, or refuses.
    left = [one for one in commands if one.mailbox not in counted.told]
    for reply in converse([*first, *left]):
        counted.told.update(wire.parse_status(reply.of("STATUS")))
        if reply.refusal is not None and reply.command.mailbox:
            counted.refused[reply.command.mailbox] = reply.refusal
    return counted


def _listing(commands: Sequence[Command], capabilities: frozenset[str]) -> list[Command]:
    """LIST commands that stand for most of many STATUS; names in which LIST would see a wildcard are left out."""
    if len(commands) <= FEW or not {"LIST-STATUS", "LIST-EXTENDED"} <= capabilities:
        return []
    groups: list[list[bytes]] = [[]]
    for name in (one.arguments[0] for one in commands):
        if _WILDCARD.search(name):
            continue
        if sum(map(len, groups[-1])) + len(groups[-1]) + len(name) > LONGEST_LIST:
            groups.append([])
        groups[-1].append(name)
    items = commands[0].arguments[1]
    return [
        Command.of("LIST", '""', b"(%b)" % b" ".join(names), "RETURN", b"(STATUS %b)" % items)
        for names in groups
        if names
    ]
