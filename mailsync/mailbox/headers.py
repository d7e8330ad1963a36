"""Raw header bytes → Envelope: the value every plan reads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

#: The header fields that are fetched and fingerprinted. A change here changes every fingerprint: the journal's open
#: actions would no longer be recognised, so it needs a rebuild of the index and an empty journal.
FIELDS = (
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Thread-Index",
    "List-Id",
    "List-Unsubscribe",
    "Precedence",
    "Auto-Submitted",
    "Content-Type",
    "X-Google-Original-Message-ID",
    "X-Microsoft-Original-Message-ID",
)

#: What a mailbox is for (RFC 6154 special-use, or its localized name). `other` is read but never filed from.
MailboxRole = Literal["inbox", "sent", "drafts", "junk", "trash", "archive", "all", "other"]


class MessageKey(NamedTuple):
    """The one identity of a message that servers keep: Message-IDs repeat and lie (DOMAIN 7)."""

    mailbox: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One mailbox of an address header (RFC 5322 section 3.4)."""

    name: str = ""
    address: str  #: normalised (text.normalise_address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The headers that attribution and audit need, decoded and capped."""

    subject: str = ""  #: decoded, one line, as written (no NFKC)
    from_: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    message_id: str | None = None  #: with angle brackets, white space removed
    other_ids: tuple[str, ...] = ()  #: ids that relays replaced (X-Google-Original-Message-ID …)
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()  #: oldest first; the first 10 and the last 40 of a longer list
    thread_index: str | None = (
        None  #: Outlook's Thread-Index in hex: 22 bytes, and 5 for each answer, at most 40
    )
    date: datetime | None = None  #: aware; None where the header is missing or senseless
    automatic: bool = False  #: Auto-Submitted says something else than "no" (RFC 3834)
    bulk: bool = False  #: List-Id, List-Unsubscribe or Precedence: bulk/list/junk
    returned: Envelope | None = None  #: of a multipart/report: the headers of the message it is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message where it lies, as the index knows it."""

    key: MessageKey
    role: MailboxRole  #: of its mailbox
    envelope: Envelope
    fingerprint: str  #: sha256 of the fetched header bytes and RFC822.SIZE, hex
    size: int  #: RFC822.SIZE, bytes
    internal_date: datetime  #: aware
    flags: frozenset[str] = frozenset()  #: system flags and keywords as the server spells them

    @property
    def name(self) -> str:
        """How findings name it: by its Message-ID, else by where it lies."""
        return self.envelope.message_id or f"{self.key.mailbox};UID={self.key.uid}"

    @property
    def when(self) -> datetime:
        """When it was written, by its Date; else when it came."""
        return self.envelope.date or self.internal_date

    @property
    def seen(self) -> bool:
        return "\\Seen" in self.flags

    @property
    def flagged(self) -> bool:
        return "\\Flagged" in self.flags


def fingerprint(header: bytes, size: int) -> str:
    """What recognises a message in another mailbox: sha256 of its `FIELDS` as fetched and its RFC822.SIZE, hex.

    A copy has the same one; so may two deliveries of one mail, hence it is no identity.
    """
    return hashlib.sha256(header + b"\0" + str(size).encode()).hexdigest()
