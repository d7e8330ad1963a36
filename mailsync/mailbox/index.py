"""What we know of each message of an account, and where reading resumes (database).

The index is a memory of the server and can be rebuilt from it at any time; nothing in it is the only copy.
A mailbox whose UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ and message count are as remembered is not even opened; of the
others only new headers, changed flags and vanished UIDs are read. Each chunk is committed with the cursor behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from mailsync.errors import AccountError, CollectionError
from mailsync.mailbox import compact
from mailsync.mailbox.fetching import Fetched
from mailsync.mailbox.folders import UNREAD, Counters, Listing, Overrides, roles
from mailsync.mailbox.following import Carried, follow
from mailsync.mailbox.headers import MailboxRole, Message, MessageKey
from mailsync.mailbox.parse import parse_envelope
from mailsync.mailbox.reading import Readable, Standing
from mailsync.mailbox.refresh import Cursor, Found, MailboxRefresh, Progress
from mailsync.mailbox.rows import MESSAGES, MailboxRow, MessageRow
from mailsync.run.actions import Finding
from mailsync.text import N_

#: Messages named in one statement.
_FEW = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh found."""

    new: frozenset[MessageKey]
    gone: frozenset[MessageKey]
    changed: frozenset[MessageKey]  #: other flags than before
    roles: Mapping[str, MailboxRole]  #: of every mailbox that is listed, those not read among them
    existing: frozenset[str]  #: mailboxes that hold mail, or can
    read: tuple[str, ...]  #: mailboxes that are in the index
    problems: tuple[Finding, ...]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Index:
    """The index of one account."""

    def __init__(self, engine: sa.Engine, account: str, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._engine = engine
        self._account = account
        self._now = now

    def refresh(
        self,
        session: Readable,
        *,
        overrides: Overrides | None = None,
        full: bool = False,
        on_progress: Progress | None = None,
        listing: Listing | None = None,
    ) -> Refreshed:
        """Bring the index up to date with the server: all mailboxes but Junk, Trash, Drafts and mere views of others.

        `listing`: where it was asked for just now.

        `full` reads everything again; every message is then `new`. A mailbox that cannot be read is reported, and
        what was known of it stays. Raises `AccountError`; what was committed until then is kept.
        """
        listing = listing or session.listing()
        if not any(folder.name == "INBOX" for folder in listing.folders):
            # Taken at its word, such a listing would empty the index.
            raise AccountError(
                N_("The mail server lists no INBOX for {account}; nothing was read"), account=self._account
            )
        assigned = roles(listing.folders, overrides)
        wanted = [one for one in listing.folders if one.selectable and assigned[one.name] not in UNREAD]
        found = Found(
            problems=[Finding(kind="folder-name", subject="", sentence=one) for one in listing.problems]
        )
        self._drop_unlisted({folder.name for folder in wanted}, found)
        refresh = MailboxRefresh(
            _MailStore(self._engine, self._account, self._now()), session, found, on_progress
        )
        cursors = self._cursors()
        for folder in wanted:
            cursor, role = cursors.get(folder.name), assigned[folder.name]
            if cursor is not None and cursor.role != role:
                self._write_role(cursor, role)
            if cursor is not None and cursor.stands_at(folder) and not full:
                continue
            try:
                refresh.run(folder.name, role, cursor, full=full)
            except CollectionError as error:
                found.problems.append(
                    Finding(kind="mailbox", severity="error", subject=folder.name, sentence=error.sentence)
                )
        return Refreshed(
            new=frozenset(found.new),
            gone=frozenset(found.gone),
            changed=frozenset(found.changed),
            roles=assigned,
            existing=frozenset(one.name for one in listing.folders if one.selectable),
            read=tuple(folder.name for folder in wanted),
            problems=tuple(found.problems),
        )

    def follow(self, carried: Sequence[Carried], counters: Mapping[str, Counters]) -> None:
        """Take over what mailsync itself moved and copied. `counters`: where those mailboxes stand afterwards."""
        follow(self._engine, self._account, self._cursors(), carried, counters)

    def renamed(self, names: Mapping[str, str], counters: Mapping[str, Counters]) -> None:
        """Take over that mailboxes have other names: former name → present one. `counters`: where they stand, by present
        name; where a server numbered a mailbox anew, the next refresh reads it."""
        cursors = self._cursors()
        moved = {
            cursors[former].id: now
            for former, now in names.items()
            if former in cursors
            and now in counters
            and counters[now].uidvalidity == cursors[former].uidvalidity
        }
        with self._engine.begin() as connection:
            for mailbox_id, now in moved.items():
                change = sa.update(MailboxRow).where(MailboxRow.id == mailbox_id).values(name=now)
                connection.execute(change)

    def messages(self, among: Iterable[MessageKey] | None = None) -> list[Message]:
        """Every message of the account, or those `among` these that are known; mailbox by mailbox in the order of
        UIDs."""
        if among is None:
            return list(self._select())
        return [message for places in _by_mailbox(among) for message in self._select(places)]

    def counts(self) -> dict[str, int]:
        """Mailbox → how many of its messages are known."""
        query = (
            sa.select(MailboxRow.name, sa.func.count().label("messages"))
            .join(MessageRow, MessageRow.mailbox_id == MailboxRow.id)
            .where(MailboxRow.account == self._account)
            .group_by(MailboxRow.name)
        )
        with self._engine.connect() as connection:
            return {row.name: row.messages for row in connection.execute(query)}

    def find(self, message_id: str) -> list[Message]:
        """The messages with this Message-ID; there may be several, in several mailboxes."""
        return list(self._select(MessageRow.message_id == message_id))

    def first_seen(self) -> dict[MessageKey, datetime]:
        """When each message was read here for the first time."""
        query = (
            sa.select(MailboxRow.name, MailboxRow.uidvalidity, MessageRow.uid, MessageRow.first_seen)
            .join(MessageRow, MessageRow.mailbox_id == MailboxRow.id)
            .where(MailboxRow.account == self._account)
        )
        with self._engine.connect() as connection:
            return {
                MessageKey(name, validity, uid): seen
                for name, validity, uid, seen in connection.execute(query)
            }

    def forget(self) -> None:
        """Drop everything known of the account; the next refresh reads it anew."""
        cursors = self._cursors()
        with self._engine.begin() as connection:
            for cursor in cursors.values():
                _delete_mailbox(connection, cursor.id)

    def _select(self, *conditions: sa.ColumnElement[bool]) -> Iterator[Message]:
        query = (
            sa.select(
                *(
                    MailboxRow.name,
                    MailboxRow.uidvalidity,
                    MessageRow.uid,
                    MailboxRow.role,
                    MessageRow.envelope,
                ),
                *(MessageRow.fingerprint, MessageRow.size, MessageRow.internal_date, MessageRow.flags),
            )
            .join(MessageRow, MessageRow.mailbox_id == MailboxRow.id)
            .where(MailboxRow.account == self._account, *conditions)
            .order_by(MailboxRow.id, MessageRow.uid)
        )
        same: dict[Any, Any] = {}  # one text for the thousands of messages of a mailbox
        with self._engine.connect() as connection:
            for name, uidvalidity, uid, role, envelope, fingerprint, size, date, flags in connection.execute(
                query
            ):
                yield Message(
                    key=MessageKey(same.setdefault(name, name), uidvalidity, uid),
                    role=same.setdefault(role, role),
                    envelope=compact.unpack(envelope),
                    fingerprint=fingerprint,
                    size=size,
                    internal_date=date,
                    flags=_flags(flags),
                )

    def _cursors(self) -> dict[str, Cursor]:
        box = MailboxRow
        query = sa.select(
            box.id, box.name, box.role, box.uidvalidity, box.uidnext, box.highestmodseq, box.messages
        ).where(box.account == self._account)
        with self._engine.connect() as connection:
            return {row.name: Cursor(**row._asdict()) for row in connection.execute(query)}

    def _drop_unlisted(self, wanted: set[str], found: Found) -> None:
        for cursor in self._cursors().values():
            if cursor.name not in wanted:
                with self._engine.begin() as connection:
                    uids = connection.scalars(
                        sa.select(MessageRow.uid).where(MessageRow.mailbox_id == cursor.id)
                    )
                    found.gone |= {cursor.key(uid) for uid in uids}
                    _delete_mailbox(connection, cursor.id)

    def _write_role(self, cursor: Cursor, role: MailboxRole) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(MailboxRow).where(MailboxRow.id == cursor.id).values(role=role))


class _MailStore:
    """`refresh.Store` in the database. `now` is the moment at which the messages of this refresh are first seen."""

    def __init__(self, engine: sa.Engine, account: str, now: datetime) -> None:
        self._engine = engine
        self._account = account
        self._now = now
        self._first_seen: dict[MessageKey, datetime] = {}

    def restart(self, name: str, role: MailboxRole, uidvalidity: int, former: Cursor | None) -> Cursor:
        with self._engine.begin() as connection:
            if former is not None:
                query = sa.select(MessageRow.uid, MessageRow.first_seen).where(
                    MessageRow.mailbox_id == former.id
                )
                self._first_seen |= {former.key(uid): seen for uid, seen in connection.execute(query)}
                _delete_mailbox(connection, former.id)
            insert = sa.insert(MailboxRow).values(
                account=self._account, name=name, role=role, uidvalidity=uidvalidity, uidnext=1
            )
            (new_id,) = connection.execute(insert).inserted_primary_key or (0,)
        return Cursor(
            id=new_id,
            name=name,
            role=role,
            uidvalidity=uidvalidity,
            uidnext=1,
            highestmodseq=None,
            messages=None,
        )

    def uids(self, cursor: Cursor) -> set[int]:
        with self._engine.connect() as connection:
            return set(
                connection.scalars(sa.select(MESSAGES.c.uid).where(MESSAGES.c.mailbox_id == cursor.id))
            )

    def count(self, cursor: Cursor) -> int:
        query = sa.select(sa.func.count()).where(MESSAGES.c.mailbox_id == cursor.id)
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    def flags(self, cursor: Cursor, uids: Collection[int]) -> dict[int, frozenset[str]]:
        if not uids:
            return {}
        query = sa.select(MESSAGES.c.uid, MESSAGES.c.flags).where(MESSAGES.c.mailbox_id == cursor.id)
        if len(uids) <= _FEW:
            query = query.where(MESSAGES.c.uid.in_(uids))
        with self._engine.connect() as connection:
            return {uid: _flags(flags) for uid, flags in connection.execute(query) if uid in uids}

    def add(self, cursor: Cursor, fetched: Sequence[Fetched], *, uidnext: int | None) -> None:
        rows = [self._row(cursor, one) for one in fetched]
        with self._engine.begin() as connection:
            if rows:
                connection.execute(sa.insert(MESSAGES), rows)
            if uidnext is not None:
                connection.execute(
                    sa.update(MailboxRow).where(MailboxRow.id == cursor.id).values(uidnext=uidnext)
                )

    def _row(self, cursor: Cursor, fetched: Fetched) -> dict[str, object]:
        envelope = parse_envelope(fetched.header, fetched.returned)
        return {
            "mailbox_id": cursor.id,
            "uid": fetched.uid,
            "message_id": envelope.message_id,
            "fingerprint": fetched.fingerprint,
            "size": fetched.size,
            "internal_date": fetched.internal_date,
            "flags": " ".join(sorted(fetched.flags)),
            "envelope": compact.pack(envelope),
            "first_seen": self._first_seen.get(cursor.key(fetched.uid), self._now),
        }

    def finish(
        self,
        cursor: Cursor,
        standing: Standing,
        uidnext: int,
        gone: AbstractSet[int],
        changed: Mapping[int, frozenset[str]],
    ) -> None:
        this = sa.and_(MessageRow.mailbox_id == cursor.id, MessageRow.uid == sa.bindparam("this_uid"))
        with self._engine.begin() as connection:
            if gone:
                connection.execute(sa.delete(MESSAGES).where(this), [{"this_uid": uid} for uid in gone])
            if changed:
                connection.execute(
                    sa.update(MESSAGES).where(this).values(flags=sa.bindparam("new_flags")),
                    [{"this_uid": uid, "new_flags": " ".join(sorted(now))} for uid, now in changed.items()],
                )
            connection.execute(
                sa.update(MailboxRow)
                .where(MailboxRow.id == cursor.id)
                .values(uidnext=uidnext, highestmodseq=standing.highestmodseq, messages=standing.messages)
            )


@lru_cache(maxsize=4096)
def _flags(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _by_mailbox(keys: Iterable[MessageKey]) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions that name these messages, each short enough for one statement."""
    for (mailbox, uidvalidity), found in groupby(sorted(keys), key=itemgetter(0, 1)):
        there = sa.and_(MailboxRow.name == mailbox, MailboxRow.uidvalidity == uidvalidity)
        while uids := [key.uid for key in islice(found, _FEW)]:
            yield sa.and_(there, MessageRow.uid.in_(uids))


def _delete_mailbox(connection: sa.Connection, mailbox_id: int) -> None:
    connection.execute(sa.delete(MessageRow).where(MessageRow.mailbox_id == mailbox_id))
    connection.execute(sa.delete(MailboxRow).where(MailboxRow.id == mailbox_id))
