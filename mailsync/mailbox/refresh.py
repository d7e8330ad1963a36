"""How one mailbox of the index catches up with the server: which UIDs are new, which are gone, whose flags changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from mailsync.mailbox.fetching import CHUNK, Fetched
from mailsync.mailbox.folders import Folder
from mailsync.mailbox.headers import MailboxRole, MessageKey
from mailsync.mailbox.reading import Readable, Standing
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence

#: Called with the mailbox, how many of its new messages are read, and how many there are.
Progress = Callable[[str, int, int], None]
Flags = frozenset[str]

#: UIDs of a range for each message expected in it, beyond which its UIDs are listed before they are read.
MOST_EMPTY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where reading of a mailbox resumes: everything below `uidnext` is known, flags as of `highestmodseq`."""

    id: int
    name: str
    role: MailboxRole
    uidvalidity: int
    uidnext: int
    highestmodseq: int | None
    messages: int | None

    def stands_at(self, folder: Folder) -> bool:
        """Whether nothing happened since. Without MODSEQ nobody knows whether flags changed."""
        remembered = (self.uidvalidity, self.uidnext, self.highestmodseq, self.messages)
        listed = (folder.uidvalidity, folder.uidnext, folder.highestmodseq, folder.messages)
        return folder.highestmodseq is not None and remembered == listed

    def key(self, uid: int) -> MessageKey:
        """The key of a message of this mailbox."""
        return MessageKey(self.name, self.uidvalidity, uid)


@dataclass(slots=True)
class Found:
    """What a refresh has found so far."""

    new: set[MessageKey] = field(default_factory=set)
    gone: set[MessageKey] = field(default_factory=set)
    changed: set[MessageKey] = field(default_factory=set)
    problems: list[Finding] = field(default_factory=list)


class Store(Protocol):
    """What is remembered of the mailbox. Each method is one transaction."""

    def restart(self, name: str, role: MailboxRole, uidvalidity: int, former: Cursor | None) -> Cursor:
        """Forget `former` and its messages; a cursor at the first UID."""
        ...

    def uids(self, cursor: Cursor) -> set[int]:
        """The known messages."""
        ...

    def count(self, cursor: Cursor) -> int:
        """How many messages are known."""
        ...

    def flags(self, cursor: Cursor, uids: Collection[int]) -> dict[int, Flags]:
        """Those of `uids` that are known, each with its flags."""
        ...

    def add(self, cursor: Cursor, fetched: Sequence[Fetched], *, uidnext: int | None) -> None:
        """Remember messages, and move the cursor to `uidnext`."""
        ...

    def finish(
        self,
        cursor: Cursor,
        standing: Standing,
        uidnext: int,
        gone: AbstractSet[int],
        changed: Mapping[int, Flags],
    ) -> None:
        """Forget what is gone, take over changed flags, and set the cursor to where the mailbox stands."""
        ...


class MailboxRefresh:
    """The refresh of the mailboxes of one account, one at a time."""

    def __init__(self, store: Store, session: Readable, found: Found, on_progress: Progress | None) -> None:
        self.store = store
        self.session = session
        self.found = found
        self.on_progress = on_progress

    def run(self, name: str, role: MailboxRole, cursor: Cursor | None, *, full: bool) -> None:
        """Catch up. Raises `CollectionError` where the mailbox cannot be read, `AccountError` where the server fails;
        what was read until then is kept."""
        standing = self.session.examine(name)
        former: set[MessageKey] = set()
        if cursor is None or full or cursor.uidvalidity != standing.uidvalidity:
            # UIDs of another UIDVALIDITY mean nothing any more (RFC 9051 section 2.3.1.1).
            former = set() if cursor is None else {cursor.key(uid) for uid in self.store.uids(cursor)}
            cursor = self.store.restart(name, role, standing.uidvalidity, cursor)
        known = self.store.count(cursor)
        flags, listed = self._flags_now(cursor, standing, known)
        gone: AbstractSet[int] = frozenset() if listed is None else self.store.uids(cursor) - listed
        last = None if standing.uidnext is None else standing.uidnext - 1
        read = self._read(cursor, self._candidates(cursor, standing, last, known))
        uidnext = (max((cursor.uidnext - 1, *read)) if last is None else last) + 1
        if known - len(gone) + len(read) != standing.messages:
            gone = self._compare(cursor, uidnext)
        before = self.store.flags(cursor, flags)
        changed = {uid: flags[uid] for uid, its in before.items() if uid not in gone and flags[uid] != its}
        self.store.finish(cursor, standing, uidnext, gone, changed)
        self.found.gone |= former - {cursor.key(uid) for uid in read}
        self.found.gone |= {cursor.key(uid) for uid in gone}
        self.found.changed |= {cursor.key(uid) for uid in changed}

    def _flags_now(
        self, cursor: Cursor, standing: Standing, known: int
    ) -> tuple[dict[int, Flags], AbstractSet[int] | None]:
        """Flags of known messages, where they may have changed; and which exist, where that was listed by the way."""
        if not known:
            return {}, None
        if not standing.messages:
            return {}, frozenset()
        if cursor.highestmodseq is None or standing.highestmodseq is None:
            flags = self.session.present(cursor.name, 1, cursor.uidnext - 1)
            return flags, flags.keys()
        if cursor.highestmodseq == standing.highestmodseq:
            return {}, None
        return self.session.flags_since(cursor.name, cursor.highestmodseq, cursor.uidnext - 1), None

    def _candidates(self, cursor: Cursor, standing: Standing, last: int | None, known: int) -> Sequence[int]:
        """UIDs that may be new: a plain range, unless most of it would be empty."""
        if not standing.messages or (last is not None and last < cursor.uidnext):
            return ()
        if last is not None and last - cursor.uidnext < max(CHUNK, MOST_EMPTY * (standing.messages - known)):
            return range(cursor.uidnext, last + 1)
        return sorted(self.session.present(cursor.name, cursor.uidnext, last))

    def _compare(self, cursor: Cursor, uidnext: int) -> AbstractSet[int]:
        """The counts differ: list the UIDs that exist, read what was missed, return what is gone."""
        listed = self.session.present(cursor.name, 1, uidnext - 1).keys()
        known = self.store.uids(cursor)
        missed = sorted(listed - known)
        self._report_unread(cursor, set(missed) - self._read(cursor, missed, resume=False))
        return known - listed

    def _read(self, cursor: Cursor, uids: Sequence[int], *, resume: bool = True) -> set[int]:
        """Fetch and remember, a chunk a commit; the UIDs that were read. With `resume` the cursor follows, so that a
        kill costs one chunk; what was passed over is then missed by its count."""
        read: set[int] = set()
        fetched = self.session.fetch(cursor.name, uids)
        while chunk := list(islice(fetched, CHUNK)):
            read |= {one.uid for one in chunk}
            self.store.add(cursor, chunk, uidnext=max(read) + 1 if resume else None)
            self.found.new |= {cursor.key(one.uid) for one in chunk}
            if self.on_progress is not None:
                self.on_progress(cursor.name, len(read), len(uids))
        return read

    def _report_unread(self, cursor: Cursor, uids: set[int]) -> None:
        """A message that went away meanwhile is no problem; one that is there and not read is."""
        if not uids:
            return
        still = self.session.present(cursor.name, min(uids), max(uids)).keys() & uids
        for uid in sorted(still):
            sentence = Sentence.of(
                N_(
                    "The mail server cannot read message {uid} of the folder “{mailbox}”; it is left where it is"
                ),
                uid=uid,
                mailbox=cursor.name,
            )
            self.found.problems.append(
                Finding(kind="unreadable-message", subject=f"{cursor.name}/;UID={uid}", sentence=sentence)
            )
