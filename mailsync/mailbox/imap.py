"""The mailboxes of one account over IMAP: listing, reading without a trace, and the few ways to move a message.

An `ImapSession` satisfies the engine's `MailPort`. It connects at its first use. After any doubt (time-out, broken
line, senseless answer) the connection is dropped and the call raises `AccountError`; the next call connects anew.
Reading is EXAMINE and BODY.PEEK only; what a message says never reaches a command.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

from mailsync.errors import AccountError, CollectionError
from mailsync.mailbox import reading, subscriptions, wire
from mailsync.mailbox.commands import about_each, encoded, transfers
from mailsync.mailbox.connection import DEAD, Command, Connection, MailboxRefused, Reply
from mailsync.mailbox.counting import count
from mailsync.mailbox.fetching import Fetched, fetch
from mailsync.mailbox.folders import Counters, Listing
from mailsync.mailbox.login import ImapLogin, account_error
from mailsync.mailbox.reading import Standing
from mailsync.mailbox.refusals import account_closed
from mailsync.mailbox.signin import open_connection
from mailsync.mailbox.traffic import Traffic
from mailsync.run.actions import MailboxState, MessageState
from mailsync.run.ports import Transferred
from mailsync.text import N_

__all__ = ["ImapLogin", "ImapSession"]

log = logging.getLogger(__name__)


class ImapSession:
    """One account's mail. All methods raise `AccountError` when the connection fails (the outcome is then unknown),
    `CollectionError` when a mailbox refuses. Not thread safe: one session, one thread."""

    def __init__(self, login: ImapLogin, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.login = login
        self.traffic = Traffic()
        self._clock = clock
        self._connection: Connection | None = None
        self._selected: str | None = None
        self._validity = 0  #: of the selected mailbox
        self._writing = False
        self._seen = False  #: nothing was asked of the mailbox since it was opened

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *_error: object) -> None:
        self.drop()

    def connect(self) -> Connection:
        """Connect and log in, unless that is done already. Raises `AccountError`."""
        if self._connection is None:
            self._connection = open_connection(self.login, self._clock, self.traffic)
        return self._connection

    def drop(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.hang_up()
        self._connection = self._selected = None

    def revive(self) -> None:
        """Make sure of a connection that was kept since the last use: servers end quiet ones."""
        if self._connection is not None:
            try:
                self._say("NOOP")
            except AccountError as error:
                log.debug("%s", error)
        self.connect()

    def glance(self, mailboxes: Sequence[str]) -> dict[str, Counters]:
        """Where these mailboxes stand, with one write on a connection that was kept; those that refuse are left out."""
        if self._connection is not None:
            try:
                return self._glance(mailboxes)
            except AccountError as error:
                log.debug("%s", error)
        return self._glance(mailboxes)

    def _glance(self, mailboxes: Sequence[str]) -> dict[str, Counters]:
        # Of the open mailbox STATUS tells what this connection last saw, also right behind a NOOP (Dovecot).
        first = []
        if self._selected is not None and "UNSELECT" in self.capabilities:
            first, self._selected = [Command.of("UNSELECT")], None
        self._catch_up()
        _, commands = about_each("STATUS", mailboxes, reading.status_items(self.capabilities))
        with self._over() as connection:
            counted = count(connection.converse, commands, connection.capabilities, first)
        return {name: reading.counters_of(told) for name, told in counted.told.items()}

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server can do, as it says after the login, upper case."""
        return self.connect().capabilities

    @property
    def software(self) -> str:
        """What the server says it is: name and version, or the lasting words of its greeting."""
        return self.connect().software

    @property
    def can_move(self) -> bool:
        return "MOVE" in self.capabilities

    @property
    def can_expunge_uids(self) -> bool:
        # On Gmail folders are labels, and its user's settings say whether EXPUNGE archives, bins or deletes.
        return "UIDPLUS" in self.capabilities and not self.has_labels

    @property
    def has_labels(self) -> bool:
        """Whether one message stands in several mailboxes, as labels (Gmail, X-GM-EXT-1)."""
        return "X-GM-EXT-1" in self.capabilities

    def personal_namespace(self) -> tuple[str, str | None] | None:
        """Prefix and separator of the person's own mailboxes (RFC 2342); None where the server does not say."""
        if "NAMESPACE" not in self.capabilities:
            return None
        try:
            with self._over():
                return wire.parse_namespace(self._say("NAMESPACE").of("NAMESPACE"))
        except MailboxRefused as refused:
            log.debug("NAMESPACE is offered but refused: %s", refused)
            return None

    def listing(self) -> Listing:
        """All mailboxes with their counters, in one round trip where the server knows LIST-STATUS (RFC 5819), else in two."""
        self._catch_up()
        try:
            with self._over() as connection:
                return reading.listing(connection.converse, connection.capabilities)
        except MailboxRefused as refused:
            raise account_closed(self.login, refused.answer) from refused

    def examine(self, mailbox: str) -> Standing:
        """Open a mailbox for reading only and say where it stands."""
        told = self._select(mailbox, writing=False)
        return Standing(
            uidvalidity=self._checked_validity(),
            uidnext=told.number("UIDNEXT"),
            highestmodseq=told.number("HIGHESTMODSEQ"),
            messages=told.number("EXISTS") or 0,
        )

    def validity(self, mailbox: str) -> int | None:
        """UIDVALIDITY of a mailbox, which is open afterwards; None where it does not exist. It cannot change while the
        mailbox is open."""
        if self._selected != mailbox:
            try:
                self._select(mailbox, writing=False)
            except MailboxRefused as refused:
                if refused.says_missing or not self._exists(mailbox):
                    return None
                raise
        return self._checked_validity()

    def _checked_validity(self) -> int:
        if self._validity == 0:
            raise CollectionError(
                N_("The mail server gives the folder “{mailbox}” no UIDVALIDITY: it cannot be read safely"),
                mailbox=self._selected,
            )
        return self._validity

    def present(self, mailbox: str, first: int = 1, last: int | None = None) -> dict[int, frozenset[str]]:
        """The UIDs from `first` to `last` that exist, each with its flags."""
        self._open(mailbox, anew=True)
        with self._over():
            return reading.present(self._say, mailbox, first, last)

    def flags_since(self, mailbox: str, modseq: int, last: int) -> dict[int, frozenset[str]]:
        """The flags of messages up to UID `last` that changed after `modseq` (RFC 7162, CHANGEDSINCE)."""
        self._open(mailbox)
        with self._over():
            return reading.present(self._say, mailbox, 1, last, modseq)

    def fetch(self, mailbox: str, uids: Sequence[int]) -> Iterator[Fetched]:
        """The headers of these messages, in chunks of 2,000 that are all under way at once; in no order, and without
        what is gone or unreadable. Nothing else may be asked before the last of them is taken."""
        if not uids:
            return
        self._open(mailbox)
        with self._over() as connection:
            for fetched in fetch(connection.converse, mailbox, uids):
                self.traffic.rows += 1
                yield fetched

    def state(self, mailbox: str) -> MailboxState | None:
        """UIDVALIDITY and UIDNEXT; None where the mailbox does not exist."""
        state = self.states([mailbox])[mailbox]
        if isinstance(state, CollectionError):
            raise state
        return state

    def states(self, mailboxes: Iterable[str]) -> dict[str, MailboxState | CollectionError | None]:
        """`state` of many mailboxes in few round trips; the error where one refuses."""
        names = list(mailboxes)
        if self._selected in names:
            self._catch_up()
        refused, commands = about_each("STATUS", names, "(UIDVALIDITY UIDNEXT)")
        with self._over() as connection:
            counted = count(connection.converse, commands, connection.capabilities)
        found: dict[str, MailboxState | CollectionError | None] = {**refused}
        for mailbox in (command.mailbox for command in commands):
            told, refusal = counted.told.get(mailbox, {}), counted.refused.get(mailbox)
            if mailbox in counted.missing:
                found[mailbox] = None
            elif refusal is not None:
                missing = refusal.says_missing or not self._exists(mailbox)
                found[mailbox] = None if missing else refusal
            elif {"UIDVALIDITY", "UIDNEXT"} <= told.keys():
                found[mailbox] = MailboxState(uidvalidity=told["UIDVALIDITY"], uidnext=told["UIDNEXT"])
            else:
                found[mailbox] = self._examined_state(mailbox)
        return found

    def _examined_state(self, mailbox: str) -> MailboxState:
        """For servers without UIDNEXT (NetEase): one above the last message."""
        standing = self.examine(mailbox)
        uidnext = standing.uidnext
        if uidnext is None:
            uidnext = max(self.present(mailbox), default=0) + 1 if standing.messages else 1
        return MailboxState(uidvalidity=standing.uidvalidity, uidnext=uidnext)

    def refuses_name(self, mailbox: str) -> bool:
        """Whether the server cannot have a mailbox of this name at all (RFC 5530, CANNOT); asked without making it."""
        try:
            self._say("STATUS", encoded(mailbox), "(UIDNEXT)", mailbox=mailbox)
        except MailboxRefused as refused:
            return refused.code == "CANNOT"
        return False

    def create(self, mailboxes: Sequence[str]) -> dict[str, CollectionError]:
        """Create (an existing mailbox is fine) and subscribe, so that every mail client shows them; the errors of those
        that are refused. All commands are under way at once: creating is slow on a server of many folders."""
        refused, creations = about_each("CREATE", mailboxes)
        commands = [
            command
            for creation in creations
            for command in (creation, Command.of("SUBSCRIBE", *creation.arguments, mailbox=creation.mailbox))
        ]
        doubtful: dict[str, MailboxRefused] = {}
        with self._over() as connection:
            for reply in connection.converse(commands):
                if reply.refusal is None or reply.command.mailbox in doubtful:
                    continue
                if reply.command.name == "SUBSCRIBE":
                    log.warning("%s", reply.refusal)
                elif reply.refusal.code != "ALREADYEXISTS":
                    doubtful[reply.command.mailbox] = reply.refusal
        return refused | {name: refusal for name, refusal in doubtful.items() if not self._exists(name)}

    def rename(self, mailbox: str, after: str) -> None:
        """Rename a mailbox and those below it, with all they hold (RFC 9051 section 6.3.6)."""
        # Dovecot ends the connection of whoever has a mailbox open that is renamed.
        self._select("INBOX", writing=False)
        self._say("RENAME", encoded(mailbox), encoded(after), mailbox=mailbox)

    def move_subscriptions(self, mailbox: str, after: str) -> None:
        """Have subscriptions of a renamed mailbox and of those below it follow; what a server refuses is logged."""
        named = subscriptions.subscribed_below(self._say, self.capabilities, mailbox)
        with self._over() as connection:
            subscriptions.move(connection.converse, named, after)

    def messages(self, mailbox: str, uids: Sequence[int]) -> Mapping[int, MessageState]:
        """The messages with these UIDs that are still there."""
        if uids:
            self._open(mailbox, anew=True)
        return {fetched.uid: fetched.state for fetched in self.fetch(mailbox, uids)}

    def messages_from(self, mailbox: str, first_uid: int) -> Mapping[int, MessageState]:
        """All messages with this UID or a higher one."""
        return self.messages(mailbox, list(self.present(mailbox, first_uid)))

    def remaining(self, mailbox: str, uids: Sequence[int]) -> set[int]:
        """Those of these UIDs that are still there."""
        if not uids:
            return set()
        self._open(mailbox)
        commands = [Command.of("UID FETCH", one, "(UID)", mailbox=mailbox) for one in wire.uid_sets(uids)]
        found: set[int | None] = set()
        with self._over() as connection:
            for reply in list(connection.converse(commands)):
                found |= {items.uid for items in wire.parse_fetch(reply.checked().of("FETCH"))}
        return {uid for uid in uids if uid in found}

    def transfer(
        self, mailbox: str, groups: Iterable[tuple[Sequence[int], str]], *, move: bool
    ) -> Iterator[Transferred]:
        """MOVE (RFC 6851) or COPY many groups of messages, each to its mailbox, and yield the answers as they come.

        OK is no proof: a vanished UID is answered OK as well. Nothing else may be asked before the last answer.
        """
        self._open(mailbox, writing=move)
        with self._over() as connection:
            for reply in connection.converse(transfers("UID MOVE" if move else "UID COPY", groups)):
                yield Transferred(
                    uids=wire.parse_uid_set(reply.command.arguments[0]),
                    destination=reply.command.mailbox,
                    copies=wire.copied_uids(reply.of("COPYUID")) or {},
                    refusal=reply.refusal,
                )

    def remove(self, mailbox: str, uids: Sequence[int]) -> None:
        r"""Mark exactly these \Deleted and UID EXPUNGE exactly these (RFC 4315). What others marked stays."""
        if not uids:
            raise ValueError("an empty list of messages to remove")
        if not self.can_expunge_uids:
            raise CollectionError(
                N_(
                    "{server} cannot remove single messages (no UIDPLUS): nothing was removed from “{mailbox}”"
                ),
                server=self.login.server,
                mailbox=mailbox,
            )
        self._open(mailbox, writing=True)
        chunks = list(wire.uid_sets(uids))
        # Dovecot 2.3 can answer OK to an UID EXPUNGE that stands behind the STORE in one stream and remove nothing: it
        # does not see the marks yet. So all marks are answered before the first removal is said.
        for name, arguments in (("UID STORE", ("+FLAGS.SILENT", r"(\Deleted)")), ("UID EXPUNGE", ())):
            commands = [Command.of(name, chunk, *arguments, mailbox=mailbox) for chunk in chunks]
            with self._over() as connection:
                for reply in list(connection.converse(commands)):
                    reply.checked()

    def _exists(self, mailbox: str) -> bool:
        found, _ = wire.parse_list(self._say("LIST", '""', encoded(mailbox), mailbox=mailbox).of("LIST"))
        return any(folder.name == mailbox and folder.selectable for folder in found)

    def _open(self, mailbox: str, *, writing: bool = False, anew: bool = False) -> None:
        """Have a mailbox open, with `anew` as it stands now: an open one is seen as of the last command that may tell of
        changes (NOOP, EXPUNGE …; not FETCH). COPY works from a mailbox open for reading."""
        if self._selected != mailbox or (writing and not self._writing):
            self._select(mailbox, writing=writing)
        elif anew and not self._seen:
            self._say("NOOP", mailbox=mailbox)
        self._seen = anew

    def _catch_up(self) -> None:
        """Have the server look at the open mailbox: of that one STATUS tells what this connection last saw."""
        if self._selected is not None:
            self._say("NOOP", mailbox=self._selected)

    def _select(self, mailbox: str, *, writing: bool) -> Reply:
        self._selected = None
        # Dovecot keeps no modification sequences for a mailbox until somebody asks for them (RFC 7162 section 3.1.8).
        condstore = ["(CONDSTORE)"] if "CONDSTORE" in self.capabilities else []
        told = self._say("SELECT" if writing else "EXAMINE", encoded(mailbox), *condstore, mailbox=mailbox)
        if writing and told.says("READ-ONLY"):
            raise CollectionError(
                N_("The folder “{mailbox}” may only be read by {user}: nothing was moved out of it"),
                mailbox=mailbox,
                user=self.login.user,
            )
        self._selected, self._writing, self._seen = mailbox, writing, True
        self._validity = told.number("UIDVALIDITY") or 0
        return told

    def _say(self, name: str, *arguments: str | bytes, mailbox: str = "") -> Reply:
        with self._over() as connection:
            return connection.command(name, *arguments, mailbox=mailbox)

    @contextmanager
    def _over(self) -> Iterator[Connection]:
        """Talk, and make sense of the answers, in here: whatever is in doubt afterwards ends the connection."""
        connection = self.connect()
        certain = False
        try:
            yield connection
            certain = True
        except CollectionError:
            certain = True
            raise
        except DEAD as error:
            raise account_error(self.login, error) from error
        finally:
            if not certain or connection.talking:
                self.drop()
