"""What the engine needs of a server, as protocols. Real clients and memory fakes pass the same contract tests.

Terms: *href*, *etag* (RFC 4918, 6352); *mailbox*, *uid*, *UIDVALIDITY*, *UIDNEXT* (RFC 9051).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from mailsync.errors import CollectionError, ItemError
from mailsync.run.actions import CardState, FormerProperties, MailboxState, MessageState, NameProperties


class PreconditionFailed(ItemError):
    """The server holds another state than the one the write was planned on (HTTP 412); nothing was written."""


class BookPort(Protocol):
    """One address book. All methods raise `CollectionError` when the book, `AccountError` when the server fails."""

    @property
    def url(self) -> str:
        """The collection's URL."""
        ...

    def read(self, href: str) -> CardState | None:
        """The card's exact bytes and etag (GET); None where there is none."""
        ...

    @property
    def connections(self) -> int:
        """How many writes the server bears at once; with 1 the book is used from one thread only."""
        ...

    def read_many(self, hrefs: Sequence[str]) -> Mapping[str, CardState]:
        """Cards in few requests (addressbook-multiget), not all of them `exact`; missing hrefs are left out."""
        ...

    def write(self, href: str, data: bytes, *, etag: str) -> str | None:
        """Replace a card (PUT, If-Match); the new etag where the server said it.
        Raises `PreconditionFailed`, or `ItemError` where the server refuses it."""
        ...

    def create(self, href: str, data: bytes) -> None:
        """Add a card (PUT, If-None-Match: *). Raises `PreconditionFailed` where the href is taken, or `ItemError`."""
        ...

    def delete(self, href: str, *, etag: str) -> None:
        """Take a card away (DELETE, If-Match). Raises `PreconditionFailed`, also where it is gone, or `ItemError`."""
        ...


class CardEditor(Protocol):
    """The byte-exact editing of cards, handed in because the engine knows no vCard."""

    def edit(self, data: bytes, edit: NameProperties | FormerProperties) -> bytes:
        """`data` with only its name properties changed. Raises `ItemError` where the card cannot be edited."""
        ...

    def same_meaning(self, sent: bytes, held: bytes) -> bool:
        """Whether a server that rewrites cards kept every property of what was sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """What a server answered to one command that moves or copies messages."""

    uids: Sequence[int]  #: of the messages it was about
    destination: str
    copies: Mapping[
        int, int
    ]  #: source UID → destination UID as the server said it (COPYUID), of other messages too
    refusal: CollectionError | None = None


class MailPort(Protocol):
    """One mail account. All methods raise `AccountError` when the connection fails (the outcome is then unknown),
    `CollectionError` when a mailbox refuses."""

    @property
    def can_move(self) -> bool:
        """MOVE (RFC 6851)."""
        ...

    @property
    def can_expunge_uids(self) -> bool:
        """UIDPLUS (RFC 4315). With neither this nor MOVE, messages are not moved at all."""
        ...

    @property
    def has_labels(self) -> bool:
        """A mailbox is a label, of which a message has several (Gmail): what has it already is not put there anew."""
        ...

    def state(self, mailbox: str) -> MailboxState | None:
        """UIDVALIDITY and UIDNEXT; None where the mailbox does not exist."""
        ...

    def validity(self, mailbox: str) -> int | None:
        """UIDVALIDITY of a mailbox that is to be looked into; None where it does not exist."""
        ...

    def states(self, mailboxes: Iterable[str]) -> Mapping[str, MailboxState | CollectionError | None]:
        """`state` of many at once; the error where a mailbox refuses."""
        ...

    def create(self, mailboxes: Sequence[str]) -> Mapping[str, CollectionError]:
        """Create (an existing mailbox is fine) and subscribe; the errors of those that are refused."""
        ...

    def rename(self, mailbox: str, after: str) -> None:
        """Rename a mailbox and those below it, with all they hold. Refuses where one of the new name exists."""
        ...

    def move_subscriptions(self, mailbox: str, after: str) -> None:
        """Have subscriptions of a renamed mailbox and of those below it follow; costs nothing a second time."""
        ...

    def messages(self, mailbox: str, uids: Sequence[int]) -> Mapping[int, MessageState]:
        """The messages with these UIDs that are still there."""
        ...

    def messages_from(self, mailbox: str, first_uid: int) -> Mapping[int, MessageState]:
        """All messages with this UID or a higher one."""
        ...

    def remaining(self, mailbox: str, uids: Sequence[int]) -> AbstractSet[int]:
        """Those of these UIDs that are still there."""
        ...

    def transfer(
        self, mailbox: str, groups: Iterable[tuple[Sequence[int], str]], *, move: bool
    ) -> Iterator[Transferred]:
        """MOVE or COPY many groups of messages, each to its mailbox, and yield the answers as they come.
        OK is no proof: a vanished UID is also answered OK. Nothing else may be asked before the last answer."""
        ...

    def remove(self, mailbox: str, uids: Sequence[int]) -> None:
        r"""Mark exactly these \Deleted and UID EXPUNGE exactly these. Refuses an empty list, needs UIDPLUS."""
        ...
