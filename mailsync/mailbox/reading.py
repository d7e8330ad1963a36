"""What is read over an IMAP connection: the listing, and which messages exist with which flags.

Each function takes `say`: a command and its arguments → the reply.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mailsync.mailbox import wire
from mailsync.mailbox.connection import MailboxRefused, Reply
from mailsync.mailbox.fetching import Fetched
from mailsync.mailbox.folders import Counters, Folder, Listing
from mailsync.text import N_, Sentence

log = logging.getLogger(__name__)


class Say(Protocol):
    """One command and its reply; raises as `ImapSession` does."""

    def __call__(self, name: str, *arguments: str | bytes, mailbox: str = "") -> Reply: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an opened mailbox stands. `uidnext` and `highestmodseq` are None where the server does not say them."""

    uidvalidity: int
    uidnext: int | None
    highestmodseq: int | None
    messages: int


def listing(say: Say, capabilities: frozenset[str]) -> Listing:
    """All mailboxes. Those whose names cannot be said back to the server as it spells them are left out and reported."""
    items = status_items(capabilities)
    found, broken, counters = _list_status(say, capabilities, items) or _list_and_status(say, items)
    above = _above(found)
    folders = []
    for listed in found:
        folder = _checked(say, listed, items, counters, above=listed.name in above)
        if folder is None:
            broken.append(listed.shown_name)
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


def _checked(
    say: Say, folder: Folder, items: str, counters: dict[str, Mapping[str, int]], *, above: bool
) -> Folder | None:
    r"""Dovecot goes on listing a deleted mailbox that has others below it, without `\NonExistent`: one that is listed
    and has no STATUS is asked again, by itself. `above`: others lie below it. None where the server lists a broken name
    and does not know it when it hears it."""
    if not folder.selectable or folder.name in counters:
        return folder
    try:
        counters[folder.name] = _status(say, folder.name, items)
    except MailboxRefused as refused:  # said again, as a problem, when it is to be read
        log.debug("%s", refused)
        if folder.name != folder.shown_name:
            return None
        if above and refused.says_missing:
            return replace(folder, flags=folder.flags | {"\\nonexistent"})
    return folder


def _above(folders: Iterable[Folder]) -> set[str]:
    """The names above those of `folders`."""
    found: set[str] = set()
    for folder in folders:
        parts = folder.name.split(folder.separator) if folder.separator else []
        found |= {(folder.separator or "").join(parts[:count]) for count in range(1, len(parts))}
    return found


def _status(say: Say, mailbox: str, items: str) -> Mapping[str, int]:
    reply = say("STATUS", wire.encode_name(mailbox), items, mailbox=mailbox)
    return next(iter(wire.parse_status(reply.of("STATUS")).values()), {})


_Listed = tuple[list[Folder], list[str], dict[str, Mapping[str, int]]]


def _list_status(say: Say, capabilities: frozenset[str], items: str) -> _Listed | None:
    if not {"LIST-STATUS", "LIST-EXTENDED"} <= capabilities:
        return None
    special = "SPECIAL-USE " if "SPECIAL-USE" in capabilities else ""
    try:
        reply = say("LIST", '""', '"*"', "RETURN", f"(SUBSCRIBED {special}STATUS {items})")
    except MailboxRefused as refused:
        log.debug("LIST-STATUS is offered but refused: %s", refused)
        return None
    found, broken = wire.parse_list(reply.of("LIST"))
    marked = [replace(folder, subscribed="\\subscribed" in folder.flags) for folder in found]
    return marked, broken, dict(wire.parse_status(reply.of("STATUS")))


def _list_and_status(say: Say, items: str) -> _Listed:
    found, broken = wire.parse_list(say("LIST", '""', '"*"').of("LIST"))
    subscribed = {folder.name for folder in wire.parse_list(say("LSUB", '""', '"*"').of("LSUB"))[0]}
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
