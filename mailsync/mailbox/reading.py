"""What is read over an IMAP connection: the listing, and which messages exist with which flags."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mailsync.mailbox import wire
from mailsync.mailbox.connection import Command, MailboxRefused, Reply
from mailsync.mailbox.fetching import Fetched
from mailsync.mailbox.folders import Counters, Folder, Listing
from mailsync.text import N_, Sentence

log = logging.getLogger(__name__)


class Say(Protocol):
    """One command and its reply; raises as `ImapSession` does."""

    def __call__(self, name: str, *arguments: str | bytes, mailbox: str = "") -> Reply: ...


#: Many commands and, in the order they are completed, their replies (`connection.Connection.converse`).
Converse = Callable[[Iterable[Command]], Iterator[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an opened mailbox stands. `uidnext` and `highestmodseq` are None where the server does not say them."""

    uidvalidity: int
    uidnext: int | None
    highestmodseq: int | None
    messages: int


def listing(converse: Converse, capabilities: frozenset[str]) -> Listing:
    """All mailboxes, in two round trips or three. Those whose names cannot be said back to the server as it spells them
    are left out and reported. Raises `MailboxRefused` where it lists none."""
    items = status_items(capabilities)
    found, broken, counters = _list_status(converse, capabilities, items) or _list(converse)
    refused = _count_others(converse, found, items, counters)
    above = _above(found)
    folders = []
    for folder in found:
        refusal = refused.get(folder.name)
        if refusal is not None and folder.name != folder.shown_name:
            # It lists a broken name, and does not know it when it hears it.
            broken.append(folder.shown_name)
        elif refusal is not None and refusal.says_missing and folder.name in above:
            # Dovecot goes on listing a deleted mailbox that has others below it, without `\NonExistent`.
            folders.append(replace(folder, flags=folder.flags | {"\\nonexistent"}))
        else:
            folders.append(_with_counters(folder, counters.get(folder.name, {})))
    problems = tuple(
        Sentence.of(
            N_(
                "The folder “{mailbox}” has a broken name (no modified UTF-7) and is left out. Rename it in webmail."
            ),
            mailbox=name,
        )
        for name in broken
    )
    return Listing(folders=tuple(folders), problems=problems)


def status_items(capabilities: frozenset[str]) -> str:
    """What STATUS is asked for."""
    return "(MESSAGES UIDNEXT UIDVALIDITY" + (" HIGHESTMODSEQ)" if "CONDSTORE" in capabilities else ")")


def counters_of(told: Mapping[str, int]) -> Counters:
    """What STATUS answered of one mailbox."""
    return Counters(
        uidvalidity=told.get("UIDVALIDITY"),
        uidnext=told.get("UIDNEXT"),
        highestmodseq=told.get("HIGHESTMODSEQ") or None,
        messages=told.get("MESSAGES"),
    )


def _count_others(
    converse: Converse, folders: Iterable[Folder], items: str, counters: dict[str, Mapping[str, int]]
) -> dict[str, MailboxRefused]:
    """Ask for the mailboxes that have no `counters` yet, all at once; who refused."""
    refused: dict[str, MailboxRefused] = {}
    commands = [
        Command.of("STATUS", wire.encode_name(folder.name), items, mailbox=folder.name)
        for folder in folders
        if folder.selectable and folder.name not in counters
    ]
    for reply in converse(commands):
        counters.update(wire.parse_status(reply.of("STATUS")))
        if reply.refusal is not None:  # said again, as a problem, when it is to be read
            log.debug("%s", reply.refusal)
            refused[reply.command.mailbox] = reply.refusal
    return refused


def _above(folders: Iterable[Folder]) -> set[str]:
    """The names above those of `folders`."""
    found: set[str] = set()
    for folder in folders:
        parts = folder.name.split(folder.separator) if folder.separator else []
        found |= {(folder.separator or "").join(parts[:count]) for count in range(1, len(parts))}
    return found


_Listed = tuple[list[Folder], list[str], dict[str, Mapping[str, int]]]


def _list_status(converse: Converse, capabilities: frozenset[str], items: str) -> _Listed | None:
    if not {"LIST-STATUS", "LIST-EXTENDED"} <= capabilities:
        return None
    special = "SPECIAL-USE " if "SPECIAL-USE" in capabilities else ""
    command = Command.of("LIST", '""', '"*"', "RETURN", f"(SUBSCRIBED {special}STATUS {items})")
    (reply,) = converse([command])
    if reply.refusal is not None:
        log.debug("LIST-STATUS is offered but refused: %s", reply.refusal)
        return None
    found, broken = wire.parse_list(reply.of("LIST"))
    marked = [replace(folder, subscribed="\\subscribed" in folder.flags) for folder in found]
    return marked, broken, dict(wire.parse_status(reply.of("STATUS")))


def _list(converse: Converse) -> _Listed:
    replies = {
        reply.command.name: reply
        for reply in converse([Command.of(verb, '""', '"*"') for verb in ("LIST", "LSUB")])
    }
    found, broken = wire.parse_list(replies["LIST"].checked().of("LIST"))
    answers = [answer for reply in replies.values() for answer in reply.of("LSUB")]
    subscribed = {folder.name for folder in wire.parse_list(answers)[0]}
    if replies["LSUB"].refusal is not None:
        return found, broken, {}
    return [replace(folder, subscribed=folder.name in subscribed) for folder in found], broken, {}


def _with_counters(folder: Folder, told: Mapping[str, int]) -> Folder:
    return replace(folder, **counters_of(told)._asdict())


def present(
    say: Say, mailbox: str, first: int, last: int | None, since: int | None = None
) -> dict[int, frozenset[str]]:
    """UIDs and flags in a range; with `since` only those changed after that MODSEQ."""
    if last is not None and last < first:
        return {}
    changed = [] if since is None else [f"(CHANGEDSINCE {since})"]
    window = f"{first}:{'*' if last is None else last}"
    reply = say("UID FETCH", window, "(UID FLAGS)", *changed, mailbox=mailbox)
    # `n:*` always names the last message, even one below n (RFC 9051 section 6.4.9).
    return {
        items.uid: items.flags
        for items in wire.parse_fetch(reply.of("FETCH"))
        if items.uid is not None and items.flags is not None and items.uid >= first
    }


class Readable(Protocol):
    """What the index reads from: an `ImapSession`, or a memory fake that passes the same contract tests."""

    def listing(self) -> Listing:
        """All mailboxes with their counters."""
        ...

    def examine(self, mailbox: str) -> Standing:
        """Open a mailbox for reading."""
        ...

    def present(self, mailbox: str, first: int = 1, last: int | None = None) -> dict[int, frozenset[str]]:
        """UIDs in a range, each with its flags."""
        ...

    def flags_since(self, mailbox: str, modseq: int, last: int) -> dict[int, frozenset[str]]:
        """Flags of messages up to `last` that changed after `modseq`."""
        ...

    def fetch(self, mailbox: str, uids: Sequence[int]) -> Iterator[Fetched]:
        """Headers of these messages, in no order; what is gone or unreadable is left out."""
        ...
