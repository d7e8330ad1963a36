"""What one message says by itself about its customer: its people and its subject (DOMAIN 7.1 and 7.2). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from mailsync.conversations.people import Acquaintance, Person, Side
from mailsync.conversations.reading import CodeInSubject, CodeReader
from mailsync.conversations.subject import Peeled
from mailsync.mailbox.headers import Envelope, Message

Evidence = Literal["participant", "code", "thread", "filed", "none", "ambiguous"]
#: Why a registered code at the front does not count by itself.
Ignored = Literal["bulk", "inexact", "foreign", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Participants:
    """What the outside people say."""

    customer: str | None  #: decided
    candidates: frozenset[str]  #: else the customers among whom it lies; empty where nobody is known
    of_contacts: (
        bool  #: the candidates are customers' own contacts, not only shared forwarders and inspectors
    )
    conflict: bool  #: contacts of several customers who have none in common


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A message with what was read from it."""

    message: Message
    envelope: Envelope  #: what is judged: of a bounce, the headers of the message it is about
    threading: Envelope  #: what places it in a conversation
    side: Side
    peeled: Peeled
    code: CodeInSubject | None
    participants: Participants
    bounce: bool
    reporter: str | None = None  #: of a bounce: whose people sent the report (a reader's receipt)

    @property
    def unknown_alone(self) -> bool:
        """From or to people of whom nobody is registered."""
        return not self.side.internal and not self.side.known

    def name_of(self, person: Person) -> str:
        """What the headers call a person of the other side; empty where they don't."""
        envelope = self.envelope
        listed = envelope.from_ + envelope.reply_to + envelope.to + envelope.cc + envelope.bcc
        return next((one.name for one in listed if one.name and one.address == person.address), "")

    @property
    def subject_key(self) -> str:
        """The core subject without its code, folded: what two messages on one topic share."""
        start = self.peeled.start
        if self.code and self.code.matches and not self.code.doubtful:
            start = self.code.behind
        return self.peeled.written.folded[start : self.peeled.end].strip(" -–—:;,/|").casefold()


def look(messages: Sequence[Message], reader: CodeReader, acquaintance: Acquaintance) -> list[View]:
    """Read every message once."""
    reading = _Reading(reader, acquaintance)
    return [reading.view(message) for message in messages]


class _Reading:
    """Reads messages; what the messages of a conversation have in common, subject and people, is read once."""

    def __init__(self, reader: CodeReader, acquaintance: Acquaintance) -> None:
        self._reader = reader
        self._acquaintance = acquaintance
        self._subjects: dict[str, tuple[Peeled, CodeInSubject | None]] = {}
        self._said: dict[Side, Participants] = {}

    def view(self, message: Message) -> View:
        envelope = threading = message.envelope
        returned = envelope.returned
        reporter: str | None = None
        if returned is None:
            side = self._acquaintance.side(envelope, message.role)
        else:
            reporter = self._participants(self._acquaintance.side(envelope, message.role)).customer
            threading = _reply_to_returned(envelope, returned)
            envelope = returned
            side = self._acquaintance.side_of_returned(returned)
        peeled, code = self._subject(envelope.subject)
        return View(
            message=message,
            envelope=envelope,
            threading=threading,
            side=side,
            peeled=peeled,
            code=code,
            participants=self._participants(side),
            bounce=returned is not None,
            reporter=reporter,
        )

    def _subject(self, subject: str) -> tuple[Peeled, CodeInSubject | None]:
        known = self._subjects.get(subject)
        if known is None:
            peeled = self._reader.peel(subject)
            known = self._subjects[subject] = (peeled, self._reader.first(peeled))
        return known

    def _participants(self, side: Side) -> Participants:
        known = self._said.get(side)
        if known is None:
            known = self._said[side] = participants(side.known)
        return known


def _reply_to_returned(envelope: Envelope, returned: Envelope) -> Envelope:
    """A bounce stands in a conversation like a reply to the message it is about; it never claims that one's id."""
    about = (returned.message_id,) if returned.message_id else ()
    return replace(
        envelope,
        in_reply_to=about,
        references=tuple(dict.fromkeys((*returned.references, *returned.in_reply_to, *about))),
        thread_index=returned.thread_index,
    )


def participants(known: Sequence[Person]) -> Participants:
    """DOMAIN 7.1: contacts of exactly one customer, or exactly one customer common to all known people."""
    contacts = _union(person.as_contact for person in known)
    common = _common([person.customers for person in known])
    customer = _single(contacts) or _single(common)
    if customer:
        return Participants(
            customer=customer, candidates=frozenset((customer,)), of_contacts=bool(contacts), conflict=False
        )
    own_contacts = [person.as_contact for person in known if person.as_contact]
    return Participants(
        customer=None,
        candidates=contacts or common or _union(person.customers for person in known),
        of_contacts=bool(contacts),
        conflict=bool(own_contacts) and not _common(own_contacts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeEvidence:
    """What the code in the subject says."""

    customer: str | None = None  #: decided
    if_thread: str | None = (
        None  #: decides only where the conversation is this customer's, perhaps among others
    )
    foreign: bool = False  #: it names a customer who is none of the contacts': nothing may decide any more
    ignored: Ignored | None = None


NO_CODE = CodeEvidence()
_BULK = CodeEvidence(ignored="bulk")
_UNCLEAR = CodeEvidence(ignored="unclear")


def by_code(view: View) -> CodeEvidence:
    """DOMAIN 7.2, for a message that its people do not decide."""
    code = view.code
    if code is None or not code.matches:
        return NO_CODE
    exact = code.form == "canonical"
    only = code.only.code if code.only else None
    if view.side.internal:
        return _unless_unclear(only)
    if not view.side.known:
        if view.envelope.bulk:
            return _BULK
        return _unless_unclear(only) if exact else CodeEvidence(if_thread=only, ignored="inexact")
    engaged = view.participants.candidates
    if not view.participants.of_contacts:
        engaged = _union(person.customers for person in view.side.known)
    if (among := [customer for customer in code.customers if customer in engaged]) and not code.doubtful:
        return _unless_unclear(among[0] if len(among) == 1 else None)
    if view.participants.of_contacts:
        return CodeEvidence(foreign=exact and not code.doubtful, ignored="unclear" if among else "foreign")
    # A shared forwarder or inspector may begin to serve a customer before anybody registers it.
    return _unless_unclear(only)


def _unless_unclear(customer: str | None) -> CodeEvidence:
    return CodeEvidence(customer=customer) if customer else _UNCLEAR


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _common(sets: Sequence[frozenset[str]]) -> frozenset[str]:
    return reduce(frozenset.intersection, sets) if sets else frozenset()


def _single(customers: frozenset[str]) -> str | None:
    return next(iter(customers)) if len(customers) == 1 else None
