"""The index follows what mailsync itself moved and copied, so that none of it is read again (database).

A destination is taken over as the server counts it afterwards, where nothing but ours came or went there; else its next
refresh reads it. Flags that somebody changes there in the same moment are seen with the next change there: before it
acts mailsync asks for flags anyway.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from mailsync.mailbox.folders import Counters
from mailsync.mailbox.headers import MessageKey
from mailsync.mailbox.refresh import Cursor
from mailsync.mailbox.rows import MAILBOXES, MESSAGES

_WHAT_IT_IS = [column for column in MESSAGES.c if column.name not in ("mailbox_id", "uid")]


class Carried(NamedTuple):
    """A message that mailsync put into another mailbox."""

    source: MessageKey
    destination: MessageKey
    stays: bool  #: it is still at its source: a copy


def follow(
    engine: sa.Engine,
    account: str,
    cursors: Mapping[str, Cursor],
    carried: Sequence[Carried],
    counters: Mapping[str, Counters],
) -> None:
    """Take over what was `carried`. `cursors`: as the index stands; `counters`: where the mailboxes stand afterwards."""
    arrived: defaultdict[str, list[Carried]] = defaultdict(list)
    left = Counter(one.source.mailbox for one in carried if not one.stays)
    for one in carried:
        arrived[one.destination.mailbox].append(one)
    ids = {name: cursor.id for name, cursor in cursors.items()}
    taken: list[Carried] = []
    with engine.begin() as connection:
        for mailbox, ours in arrived.items():
            after = counters.get(mailbox)
            if after is not None and _only_ours(cursors.get(mailbox), after, ours, left[mailbox]):
                ids[mailbox] = _stand(connection, account, mailbox, ids.get(mailbox), after)
                taken += ours
        _copy(connection, ids, taken)
        _drop(connection, ids, [one.source for one in carried if not one.stays])
        _count(connection, [ids[name] for name in {*arrived, *left} if name in ids])


def _only_ours(cursor: Cursor | None, after: Counters, ours: Iterable[Carried], left: int) -> bool:
    """Whether nothing but our messages came into a mailbox, and nothing but those left it, since it was read."""
    uids = {one.destination.uid for one in ours}
    validities = {after.uidvalidity, *(one.destination.uidvalidity for one in ours)}
    first, messages = min(uids), 0
    if cursor is not None:
        if cursor.messages is None:
            return False
        first, messages = cursor.uidnext, cursor.messages
        validities.add(cursor.uidvalidity)
    all_came = after.uidnext == first + len(uids) and uids == set(range(first, first + len(uids)))
    return len(validities) == 1 and all_came and after.messages == messages + len(uids) - left


def _stand(
    connection: sa.Connection, account: str, mailbox: str, mailbox_id: int | None, after: Counters
) -> int:
    """Set a mailbox's cursor, or make it; its id."""
    values = {"uidnext": after.uidnext, "highestmodseq": after.highestmodseq}
    if mailbox_id is not None:
        connection.execute(sa.update(MAILBOXES).where(MAILBOXES.c.id == mailbox_id).values(values))
        return mailbox_id
    new = {"account": account, "name": mailbox, "role": "other", "uidvalidity": after.uidvalidity}
    (made,) = connection.execute(sa.insert(MAILBOXES).values(new | values)).inserted_primary_key or (0,)
    return int(made)


def _copy(connection: sa.Connection, ids: Mapping[str, int], taken: Iterable[Carried]) -> None:
    rows = [
        {
            "old": ids[one.source.mailbox],
            "old_uid": one.source.uid,
            "new": ids[one.destination.mailbox],
            "new_uid": one.destination.uid,
        }
        for one in taken
        if one.source.mailbox in ids
    ]
    if not rows:
        return
    source = sa.select(
        sa.bindparam("new", type_=sa.Integer), sa.bindparam("new_uid", type_=sa.BigInteger), *_WHAT_IT_IS
    )
    source = source.where(
        MESSAGES.c.mailbox_id == sa.bindparam("old"), MESSAGES.c.uid == sa.bindparam("old_uid")
    )
    columns = ["mailbox_id", "uid", *(column.name for column in _WHAT_IT_IS)]
    connection.execute(sa.insert(MESSAGES).from_select(columns, source), rows)


def _drop(connection: sa.Connection, ids: Mapping[str, int], gone: Iterable[MessageKey]) -> None:
    rows = [{"old": ids[key.mailbox], "old_uid": key.uid} for key in gone if key.mailbox in ids]
    if rows:
        here = sa.and_(
            MESSAGES.c.mailbox_id == sa.bindparam("old"), MESSAGES.c.uid == sa.bindparam("old_uid")
        )
        connection.execute(sa.delete(MESSAGES).where(here), rows)


def _count(connection: sa.Connection, mailbox_ids: Iterable[int]) -> None:
    """A cursor tells how many messages are known: where the server counts others, the next refresh compares them."""
    known = sa.select(sa.func.count()).where(MESSAGES.c.mailbox_id == MAILBOXES.c.id).scalar_subquery()
    rows = [{"this": mailbox_id} for mailbox_id in mailbox_ids]
    if rows:
        this = MAILBOXES.c.id == sa.bindparam("this")
        connection.execute(sa.update(MAILBOXES).where(this).values(messages=known), rows)
