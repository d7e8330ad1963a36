"""Subscriptions of renamed mailboxes: servers leave them at the former names (RFC 9051 section 6.3.6), where mail programs
show folders that are not there, and none of those that are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator

from mailsync.mailbox import wire
from mailsync.mailbox.connection import Command, MailboxRefused, Reply
from mailsync.mailbox.reading import Say

log = logging.getLogger(__name__)


def subscribed_below(say: Say, capabilities: Collection[str], mailbox: str) -> list[tuple[str, str]]:
    """Those of `mailbox` and of the names below it that are subscribed, each with what follows `mailbox` in it."""
    extended = "LIST-EXTENDED" in capabilities or "IMAP4REV2" in capabilities
    try:
        told = say("LIST", "(SUBSCRIBED)", '""', '"*"') if extended else say("LSUB", '""', '"*"')
    except MailboxRefused as refused:
        log.warning("%s", refused)
        return []
    return [
        (folder.name, folder.name.removeprefix(mailbox))
        for folder in wire.parse_list(told.of("LIST" if extended else "LSUB"))[0]
        if folder.name == mailbox or (folder.separator and folder.name.startswith(mailbox + folder.separator))
    ]


def move(
    converse: Callable[[Iterable[Command]], Iterator[Reply]], named: Iterable[tuple[str, str]], after: str
) -> None:
    """Subscribe to the new names, then give up the former ones. What a server refuses is logged: no mail is lost."""
    commands = [
        Command.of(verb, wire.encode_name(name), mailbox=name)
        for former, rest in named
        for verb, name in (("SUBSCRIBE", after + rest), ("UNSUBSCRIBE", former))
    ]
    for reply in converse(commands):
        if reply.refusal is not None:
            log.warning("%s", reply.refusal)
