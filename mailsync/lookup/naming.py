"""What a person may type to name a message or an address, and what it is found to be. No server is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailsync.addressbook.shelf import find_cards
from mailsync.conversations.subject import read
from mailsync.errors import UsageError
from mailsync.mailbox.headers import Message
from mailsync.registry.roster import Roster
from mailsync.text import N_, Sentence, normalise_address, one_line
from mailsync.tidy.desk import Desk
from mailsync.tidy.settings import Account

#: `INBOX;UID=7`, as findings name a message without a Message-ID; the journal writes the UIDVALIDITY too.
_PLACE = re.compile(r"(.+?)(?:;UIDVALIDITY=[0-9]+/)?;UID=([0-9]{1,10})", re.IGNORECASE)
_FOLDER_AND_UID = re.compile(r"(.+) ([0-9]{1,10})")
_ADDRESS = re.compile(r"(?:[^<>]* )?<?([^<>@\s]+@[^<>@\s]+)>?")

_FORMS = N_(
    "Type a Message-ID, a folder and UID (INBOX 7), words of a subject, an e-mail address, or a card's href or UID"
)
_UNREAD = N_("No mail was read so far: type `mailsync plan` first")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A message that was named."""

    account: Account
    message: Message

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments of `mailsync why` that name this message alone."""
        key = self.message.key
        return "--account", self.account.name, f"{key.mailbox};UID={key.uid}"


@dataclass(frozen=True, kw_only=True)
class Named:
    """What was typed: messages, the newest first, or else addresses."""

    hits: tuple[Hit, ...] = ()
    addresses: tuple[str, ...] = ()  #: normalised; several where a card that has several was named


class Mail:
    """What the index holds of some accounts, read once."""

    def __init__(self, desk: Desk, accounts: Sequence[Account]) -> None:
        self.of = [(one, desk.index(one).messages()) for one in accounts if one.mail]

    @property
    def empty(self) -> bool:
        return not any(messages for _, messages in self.of)

    def hits(self, meant: Callable[[Message], bool]) -> tuple[Hit, ...]:
        """The messages that are meant, the newest first."""
        found = [
            Hit(account=account, message=message)
            for account, messages in self.of
            for message in messages
            if meant(message)
        ]
        return tuple(sorted(found, key=lambda hit: (hit.message.when, hit.message.key), reverse=True))


def named(desk: Desk, mail: Mail, roster: Roster, typed: str) -> Named:
    """What `typed` names. An address need not be known. Raises `UsageError` that says what to type instead."""
    text = one_line(typed)
    if not text:
        raise UsageError(_FORMS)
    if place := _PLACE.fullmatch(text):
        return _at(mail, place[1], int(place[2]))
    if hits := mail.hits(_has_id(text)):
        return Named(hits=hits)
    if address := _ADDRESS.fullmatch(text):
        return Named(addresses=(normalise_address(address[1]),))
    if cards := find_cards(desk.engine, href_or_uid=text):
        addresses = dict.fromkeys(address for card in cards for address in card.meaning.addresses)
        if not addresses:
            raise UsageError(N_("The card “{card}” has no e-mail address"), card=cards[0].meaning.fn or text)
        return Named(addresses=tuple(addresses))
    if match := roster.match(text):
        raise UsageError(
            N_("{code} is a customer's code: `mailsync customers show {code}` tells about it"),
            code=match.code,
        )
    if mail.empty:
        raise UsageError(_UNREAD)
    place = _FOLDER_AND_UID.fullmatch(text)
    if place and mail.hits(lambda message: message.key.mailbox == place[1]):
        return _at(mail, place[1], int(place[2]))
    wanted = _folded(text)
    if hits := mail.hits(lambda message: wanted in _folded(message.envelope.subject)):
        return Named(hits=hits)
    raise UsageError(
        N_("No message is known by “{text}”; `mailsync plan` reads the newest mail. {forms}"),
        text=text,
        forms=Sentence.of(_FORMS),
    )


def _at(mail: Mail, mailbox: str, uid: int) -> Named:
    hits = mail.hits(lambda message: message.key.mailbox == mailbox and message.key.uid == uid)
    if hits:
        return Named(hits=hits)
    if mail.empty:
        raise UsageError(_UNREAD)
    folders = sorted({message.key.mailbox for _, messages in mail.of for message in messages})
    if mailbox in folders:
        raise UsageError(
            N_("The folder {folder} has no message with UID {uid}; `mailsync plan` reads the newest mail"),
            folder=mailbox,
            uid=uid,
        )
    raise UsageError(
        N_("No folder {folder} was read; there are: {known}"), folder=mailbox, known=", ".join(folders)
    )


def _has_id(text: str) -> Callable[[Message], bool]:
    """Whether a message has this Message-ID, now or before a relay gave it another; angle brackets do not matter."""
    wanted = text.strip("<>")

    def meant(message: Message) -> bool:
        envelope = message.envelope
        return any(
            one is not None and one.strip("<>") == wanted
            for one in (envelope.message_id, *envelope.other_ids)
        )

    return meant


def _folded(text: str) -> str:
    return read(text).folded.casefold()
