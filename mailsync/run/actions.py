"""What a run can do to a server, as values. Plans are lists of them; the engine knows these and no feature.

Every action can say itself as a sentence (`describe`), the same in plan, journal and report.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from mailsync.text import N_, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class NameProperties:
    """The name properties a card is to carry (DOMAIN 5). None leaves that property as it stands."""

    fn: str
    given: str | None = None  #: N gets this as the given name, its other parts empty
    nickname: str | None = None
    add_categories: tuple[str, ...] = ()
    drop_categories: tuple[str, ...] = ()  #: codes mailsync added earlier and that no longer hold


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerProperties:
    """The name properties as they stood before mailsync's first rewrite: raw content lines, folds included."""

    #: FN, N, NICKNAME lines in their order; surrogateescape of the bytes. One without a line end gets the card's.
    lines: tuple[str, ...]
    drop_categories: tuple[str, ...] = ()  #: codes mailsync added
    version: str = ""  #: of the card they were taken from; empty: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRename:
    """Give a card its display name; also a restore, where `edit` brings the former properties back."""

    kind: Literal["card-rename", "card-restore"] = "card-rename"
    book: str  #: collection URL
    href: str
    uid: str
    etag: str  #: the card as the plan saw it; the write is refused when the server holds another
    before: str  #: FN
    after: str
    codes: tuple[str, ...]
    edit: NameProperties | FormerProperties
    contact: str | None = None  #: id of the registered person; the shelf remembers whose card this is


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCreate:
    """Add a missing entry. The UID is derived from contact and customer, so a repeat finds the first."""

    kind: Literal["card-create"] = "card-create"
    book: str
    href: str
    uid: str
    after: str
    codes: tuple[str, ...]
    card: bytes  #: the whole new card
    contact: str | None = None  #: id of the registered person


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDelete:
    """Take away an entry that mailsync created (its engagement ended, or its creation is undone)."""

    kind: Literal["card-delete"] = "card-delete"
    book: str
    href: str
    uid: str
    etag: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReplace:
    """Undo of a rewrite: the card's former bytes."""

    kind: Literal["card-replace"] = "card-replace"
    book: str
    href: str
    uid: str
    etag: str
    before: str
    after: str
    card: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTransfer:
    """File one message into its customer's folder: move it, or copy it."""

    kind: Literal["message-move", "message-copy"]
    mailbox: str
    uidvalidity: int
    uid: int
    message_id: str | None
    fingerprint: str
    subject: str
    destination: str
    customer: str | None  #: None where an undo brings it back
    evidence: str
    needs_flags: tuple[str, ...] = ()  #: left alone where one of these is missing when its turn comes
    bars_flags: tuple[str, ...] = ()  #: left alone where one of these is set when its turn comes


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRemove:
    """Undo of a copy: take away our copy, only while its original is still where it was."""

    kind: Literal["message-remove"] = "message-remove"
    mailbox: str
    uidvalidity: int
    uid: int
    message_id: str | None
    fingerprint: str
    subject: str
    original: str  #: mailbox of the original
    original_uidvalidity: int
    original_uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderCreate:
    """Create a customer's folder and subscribe to it."""

    kind: Literal["folder-create"] = "folder-create"
    mailbox: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRename:
    """Give a customer's folder another name; its mail and the folders below it go along (RFC 9051 section 6.3.6)."""

    kind: Literal["folder-rename"] = "folder-rename"
    mailbox: str
    after: str
    separator: str | None  #: of the server's hierarchy
    customer: str | None = None  #: None where an undo gives it its former name back


CardAction = CardRename | CardCreate | CardDelete | CardReplace
CARD_KINDS = ("card-rename", "card-restore", "card-create", "card-delete", "card-replace")
MailAction = MessageTransfer | MessageRemove | FolderCreate | FolderRename
Action = CardAction | MailAction

Severity = Literal["conflict", "finding", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know or decide. `conflict`: a wish that could not be carried out."""

    kind: str  #: stable word for programs: "candidate", "suggestion", "ambiguous", "duplicate" …
    severity: Severity = "finding"
    subject: str  #: what it is about: a code, an address, an href, a message
    sentence: Sentence
    customer: str | None = None
    command: str | None = None  #: the one command that settles it, ready to paste


def target(action: Action) -> str:
    """What the action touches, as journal and JSON name it."""
    match action:
        case CardRename() | CardCreate() | CardDelete() | CardReplace():
            return action.href
        case MessageTransfer() | MessageRemove():
            return f"{action.mailbox};UIDVALIDITY={action.uidvalidity}/;UID={action.uid}"
        case FolderCreate() | FolderRename():
            return action.mailbox


def before_after(action: Action) -> tuple[str | None, str | None]:
    """Former and new state in words: display names of a card, mailboxes of a message."""
    match action:
        case CardRename() | CardReplace():
            return action.before, action.after
        case CardCreate():
            return None, action.after
        case CardDelete():
            return action.before, None
        case MessageTransfer():
            return action.mailbox, action.destination
        case MessageRemove():
            return action.mailbox, None
        case FolderRename():
            return action.mailbox, action.after
        case FolderCreate():
            return None, action.mailbox


def describe(action: Action) -> Sentence:
    """The action as a sentence."""
    match action:
        case CardRename(kind="card-restore"):
            return Sentence.of(
                N_("Give the card “{before}” its former name “{after}” back"),
                before=action.before,
                after=action.after,
            )
        case CardRename():
            return Sentence.of(
                N_("Rename the card “{before}” to “{after}”"), before=action.before, after=action.after
            )
        case CardCreate():
            return Sentence.of(N_("Add the card “{after}”"), after=action.after)
        case CardDelete():
            return Sentence.of(N_("Take away the card “{before}” that mailsync added"), before=action.before)
        case CardReplace():
            return Sentence.of(
                N_("Put the card “{before}” back as it was: “{after}”"),
                before=action.before,
                after=action.after,
            )
        case MessageTransfer(kind="message-copy"):
            return Sentence.of(
                N_("Copy “{subject}” from {before} to {after}"),
                subject=action.subject,
                before=action.mailbox,
                after=action.destination,
            )
        case MessageTransfer():
            return Sentence.of(
                N_("Move “{subject}” from {before} to {after}"),
                subject=action.subject,
                before=action.mailbox,
                after=action.destination,
            )
        case MessageRemove():
            return Sentence.of(
                N_("Take the copy of “{subject}” out of {before}"),
                subject=action.subject,
                before=action.mailbox,
            )
        case FolderCreate():
            return Sentence.of(N_("Create the folder {after}"), after=action.mailbox)
        case FolderRename():
            return Sentence.of(
                N_("Rename the folder {before} to {after}"), before=action.mailbox, after=action.after
            )


def plan_hash(actions: Iterable[Action]) -> str:
    """Twelve hex digits that name exactly these actions, in any order; `confirm` and `--force=` take it."""
    lines = sorted(_line(action) for action in actions)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def action_digest(action: Action) -> str:
    """Sixteen hex digits that name one action by kind, target, before and after."""
    return hashlib.sha256(_line(action).encode()).hexdigest()[:16]


def _line(action: Action) -> str:
    return json.dumps([action.kind, target(action), *before_after(action)])


class Place(NamedTuple):
    """A message's place; equal to the `MessageKey` of the same three values."""

    mailbox: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A message that mailsync itself put somewhere, as the journal tells it: a person's move is any other."""

    kind: Literal["message-move", "message-copy"]
    fingerprint: str
    source: Place
    destination: Place
    customer: str | None
    undo: bool = False  #: it was the undo of an earlier placement
    undone: bool = False  #: it was taken back later


@dataclass(frozen=True, slots=True, kw_only=True)
class CardState:
    """A card as the server holds it."""

    href: str
    etag: str
    data: bytes
    exact: bool = True  #: its very bytes; else only what they mean, with other line ends perhaps


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxState:
    """Where a mailbox stands (RFC 9051 STATUS)."""

    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageState:
    """What identifies and dresses a message on the server."""

    uid: int
    fingerprint: str  #: sha256 of the fetched header bytes and RFC822.SIZE, hex
    flags: frozenset[str]
    internal_date: datetime
