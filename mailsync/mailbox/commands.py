"""Commands about mailboxes, by the names that people know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mailsync.errors import CollectionError
from mailsync.mailbox import wire
from mailsync.mailbox.connection import Command
from mailsync.text import N_


def about_each(
    name: str, mailboxes: Iterable[str], *arguments: str
) -> tuple[dict[str, CollectionError], list[Command]]:
    """The errors of names that cannot be said, and a command for each other mailbox."""
    refused: dict[str, CollectionError] = {}
    said = []
    for mailbox in mailboxes:
        try:
            said.append(Command.of(name, encoded(mailbox), *arguments, mailbox=mailbox))
        except CollectionError as error:
            refused[mailbox] = error
    return refused, said


def transfers(verb: str, groups: Iterable[tuple[Sequence[int], str]]) -> Iterator[Command]:
    """UID COPY or UID MOVE of many groups of messages, each to its mailbox."""
    for uids, destination in groups:
        for chunk in wire.uid_sets(uids):
            yield Command.of(verb, chunk, encoded(destination), mailbox=destination)


def encoded(mailbox: str) -> bytes:
    """The name as it goes over the line. Raises `CollectionError` where none can."""
    try:
        return wire.encode_name(mailbox)
    except ValueError:
        raise CollectionError(
            N_("No mail server takes the folder name “{mailbox}”: it holds a control character"),
            mailbox=ascii(mailbox),
        ) from None
