"""Which messages may have to do with one another: a change to one can change what is decided of its kin, of no other.

Kin are messages that share a Message-ID anywhere in their headers, the conversation of a Thread-Index, a fingerprint, or
author and second, directly or through others. Every step of `copies`, `threads` and `filing` looks a message up by one of
these, so a plan of kin alone says of them what the plan of all mail would. Pure.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from mailsync.conversations.copies import moment
from mailsync.conversations.threads import conversation_index
from mailsync.mailbox.headers import Envelope, Message, MessageKey


class Kin:
    """The messages of one account in groups; each belongs to one group."""

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._root: list[int] = []  #: group → the group that it was joined to, itself where it was not
        self._group_of_trait: dict[int, int] = {}  #: by hash: a collision joins two groups, which is harmless
        self._group_of: dict[MessageKey, int] = {}
        self.add(messages)

    def add(self, messages: Iterable[Message]) -> None:
        """Take in messages, known ones too."""
        for message in messages:
            group = self._group_of.get(message.key)
            for trait in map(hash, _traits(message)):
                other = self._group_of_trait.get(trait)
                if other is None:
                    group = self._group_of_trait[trait] = self._new() if group is None else group
                elif group is None:
                    group = other
                elif other != group:
                    group = self._group_of_trait[trait] = self._join(group, other)
            self._group_of[message.key] = self._new() if group is None else group

    def follow(self, former: MessageKey, present: MessageKey) -> None:
        """A known message lies, also, somewhere else."""
        if former in self._group_of:
            self._group_of[present] = self._group_of[former]

    def drop(self, keys: Iterable[MessageKey]) -> None:
        """Forget messages that are gone; their kin stay kin."""
        for key in keys:
            self._group_of.pop(key, None)

    def of(self, keys: Iterable[MessageKey]) -> set[MessageKey]:
        """All kin of these messages, they themselves included, as far as they are known."""
        wanted = {self._find(self._group_of[key]) for key in keys if key in self._group_of}
        if not wanted:
            return set()
        return {key for key, group in self._group_of.items() if self._find(group) in wanted}

    def _new(self) -> int:
        self._root.append(len(self._root))
        return len(self._root) - 1

    def _join(self, one: int, other: int) -> int:
        one, other = self._find(one), self._find(other)
        self._root[max(one, other)] = min(one, other)
        return min(one, other)

    def _find(self, group: int) -> int:
        root = self._root
        while root[group] != group:
            root[group] = root[root[group]]
            group = root[group]
        return group


def _traits(message: Message) -> Iterator[Hashable]:
    yield f"fingerprint {message.fingerprint}"
    yield from _names(message.envelope)
    if message.envelope.returned is not None:
        yield from _names(message.envelope.returned)
    if (sent := moment(message.envelope)) is not None:
        yield sent


def _names(envelope: Envelope) -> Iterator[str]:
    if envelope.message_id:
        yield envelope.message_id
    yield from envelope.other_ids
    yield from envelope.in_reply_to
    yield from envelope.references
    if index := conversation_index(envelope):
        yield index
