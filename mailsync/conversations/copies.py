"""Copies of one message: in Inbox and Sent, in two accounts, or given another Message-ID by a relay. Pure.

A Message-ID is no key. Messages with one id are copies only where sender, recipients, date and subject agree too; messages
with different ids (Amazon SES and some gateways replace them, and a Sent copy may have none) only where what they answer
agrees as well.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from mailsync.mailbox.headers import Envelope

#: More messages alike in all but their ids are no copies: machines with a stopped clock write such.
MOST_RENAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One message as threads see it."""

    envelope: Envelope
    core: str  #: core subject, folded for comparison


def own_ids(envelope: Envelope) -> tuple[str, ...]:
    """The message's own ids, the present one first; an empty `<>` names nobody."""
    if not envelope.other_ids:
        own = envelope.message_id
        return (own,) if own and len(own) > 2 else ()
    ids = (envelope.message_id or "", *envelope.other_ids)
    return tuple([text for text in ids if len(text) > 2])


def moment(envelope: Envelope) -> Hashable:
    """What copies share that have different ids: author and second. None for what may have no copy of another id.

    Robots send many messages alike within one second, and reports of one mail's failure are different messages.
    """
    if envelope.date is None or not envelope.from_ or envelope.automatic or envelope.returned:
        return None
    return (envelope.from_[0].address, envelope.date)


def copies(members: Sequence[Member]) -> Mapping[int, int]:
    """Place of a copy → the first place of its message; messages without copies are left out."""
    first: dict[int, int] = {}

    def find(place: int) -> int:
        while place in first:
            before = first[place]
            first[place] = first.get(before, before)
            place = before
        return place

    for alike in chain(_alike(members, _first_id, _by_id), _renamed(members)):
        for place in alike[1:]:
            one, other = find(alike[0]), find(place)
            if one != other:
                first[max(one, other)] = min(one, other)
    return {place: find(place) for place in first}


def _renamed(members: Sequence[Member]) -> Iterator[list[int]]:
    for alike in _alike(members, _moment, _by_content):
        if len({own_ids(members[place].envelope) or place for place in alike}) <= MOST_RENAMED:
            yield alike


def _first_id(member: Member) -> Hashable:
    return next(iter(own_ids(member.envelope)), None)


def _by_id(member: Member) -> Hashable:
    envelope = member.envelope
    return (_author(envelope), envelope.to, envelope.date, member.core)


def _moment(member: Member) -> Hashable:
    return moment(member.envelope)


def _by_content(member: Member) -> Hashable:
    one = member.envelope
    answered = (one.in_reply_to, one.references, one.thread_index)
    return (one.from_, one.reply_to, one.to, one.cc, member.core, answered)


def _alike(
    members: Sequence[Member], sketch: Callable[[Member], Hashable], whole: Callable[[Member], Hashable]
) -> Iterator[list[int]]:
    """Groups of places whose members agree in `sketch`, which costs little, and in `whole`."""
    seen: dict[Hashable, int] = {}
    sketched: dict[Hashable, list[int]] = {}
    for place, member in enumerate(members):
        key = sketch(member)
        if key is not None and (other := seen.setdefault(key, place)) != place:
            sketched.setdefault(key, [other]).append(place)
    for places in sketched.values():
        groups: dict[Hashable, list[int]] = {}
        for place in places:
            groups.setdefault(whole(members[place]), []).append(place)
        yield from (group for group in groups.values() if len(group) > 1)


def _author(envelope: Envelope) -> str:
    return envelope.from_[0].address if envelope.from_ else ""
