"""What is filed where (DOMAIN 8), and which messages people filed themselves (DOMAIN 7.4). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from mailsync.filing.by_hand import Owners
from mailsync.filing.folders import FolderNames
from mailsync.filing.merged import Followers
from mailsync.mailbox.headers import Message, MessageKey
from mailsync.registry.roster import Customer
from mailsync.run.actions import Finding, FolderCreate, MessageTransfer, Place, Placement
from mailsync.text import N_, Sentence

Mode = Literal["move", "copy", "report-only"]
#: Why a customer's message stays where it is, for now or for good.
Stay = Literal["unread", "flagged", "young", "by-hand", "copied", "deleted", "report-only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingSettings:
    """DOMAIN 8 as configured for one account."""

    mode: Mode = "move"
    only_read: bool = True
    min_age_days: int = 3
    leave_flagged: bool = True


class Attributed(Protocol):
    """What filing needs of an attribution (DOMAIN 7)."""

    @property
    def customer(self) -> str | None:
        """The customer's code; None where nobody or nobody alone was found."""
        ...

    @property
    def evidence(self) -> str:
        """What decided."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingPlan:
    """Folders first, then messages, the oldest first."""

    actions: tuple[FolderCreate | MessageTransfer, ...] = ()
    findings: tuple[Finding, ...] = ()
    stays: Mapping[MessageKey, Stay] = field(
        default_factory=dict
    )  #: a customer's messages that are not filed


def plan_filing(
    messages: Sequence[Message],
    attributions: Mapping[MessageKey, Attributed],
    threads: Mapping[MessageKey, str],
    *,
    folders: FolderNames,
    settings: FilingSettings,
    existing: Collection[str],
    placements: Sequence[Placement],
    now: datetime,
    remembered: Mapping[Place, str] | None = None,
) -> FilingPlan:
    """Plan the filing of one account.

    `messages`: all that the account holds, those in customers' folders too: they say which conversations are filed
    already, and that a message we placed is still there. `threads`: message → its conversation. `existing`: every
    mailbox that exists. `placements`: the journal's. `now`: aware. `remembered`: messages that an earlier run saw
    outside INBOX and Sent → fingerprint.
    """
    owners = Owners(folders.customer_of)
    history = _History(messages, placements, remembered or {}, owners)
    filed = _filed_since(messages, threads, owners)
    desk = _Desk(folders=folders, settings=settings, existing=existing, placements=placements)
    followers = Followers(folders, placements)
    stays: dict[MessageKey, Stay] = {}
    findings: list[Finding] = []
    for message in sorted(messages, key=lambda message: (message.internal_date, message.key)):
        attribution = attributions.get(message.key)
        customer = _customer(folders, attribution)
        if not _is_source(message) and (
            code := followers.follows(message, customer.code if customer else None)
        ):
            desk.carry(message, code, attribution)
            continue
        if attribution is None or customer is None:
            continue
        if not _is_source(message):
            findings.extend(_misfiled(message, customer, attribution, owners, history))
            continue
        stay = history.stay(message) or _not_yet(message, settings, filed, threads, now)
        if stay is None:
            desk.file(message, customer, attribution)
            _note_filed(filed, threads, message)
        else:
            stays[message.key] = stay
        if stay == "by-hand":
            findings.append(_taken_out(message, customer))
    if settings.mode == "report-only":
        stays.update(dict.fromkeys(desk.would_file, "report-only"))
    return FilingPlan(actions=desk.actions(), findings=(*findings, *desk.report()), stays=stays)


def _customer(folders: FolderNames, attribution: Attributed | None) -> Customer | None:
    if attribution is None or attribution.customer is None:
        return None
    return folders.roster.customer(attribution.customer)


class _History:
    """What mailsync did with messages before, and what people made of it."""

    def __init__(
        self,
        messages: Iterable[Message],
        placements: Iterable[Placement],
        remembered: Mapping[Place, str],
        owners: Owners,
    ) -> None:
        self._copied: set[MessageKey] = set()
        self._renumbered: Counter[tuple[str, str]] = Counter()
        self._brought_back: set[MessageKey] = set()
        placed: Counter[tuple[str, str]] = Counter()
        ours: set[Place] = set()  #: places that an undo emptied
        present = {message.key for message in messages}
        for placement in placements:
            if placement.undo:
                self._brought_back.add(MessageKey(*placement.destination))
                ours.add(placement.source)
            elif placement.undone:
                ours.add(placement.destination)
            elif placement.kind == "message-copy":
                source = MessageKey(*placement.source)
                self._copied.add(source)
                if source not in present:
                    self._renumbered[placement.fingerprint, source.mailbox] += 1
            else:
                placed[placement.fingerprint, owners.place(placement.destination.mailbox)] += 1
                if owners.of(placement.source.mailbox) is not None:  # carried on from there after a merge
                    placed[placement.fingerprint, owners.place(placement.source.mailbox)] -= 1
        outside = [message for message in messages if not _is_source(message)]
        placed.subtract((message.fingerprint, owners.place(message.key.mailbox)) for message in outside)
        self._left_ours: Counter[str] = Counter()
        for (fingerprint, _), missing in placed.items():
            self._left_ours[fingerprint] += max(missing, 0)
        gone = Counter(
            fingerprint
            for place, fingerprint in remembered.items()
            if MessageKey(*place) not in present and place not in ours
        )
        gone.subtract(message.fingerprint for message in outside if Place(*message.key) not in remembered)
        #: messages that left a folder by a person's hand: none of these is planned again
        self._taken_out = self._left_ours | gone

    def stay(self, message: Message) -> Stay | None:
        """Why a message that lies in INBOX or Sent is not filed for what happened to it before."""
        if message.key in self._copied:
            return "copied"
        if self._renumbered[message.fingerprint, message.key.mailbox] > 0:
            # the server numbered the mailbox anew (UIDVALIDITY): the original has another key now
            self._renumbered[message.fingerprint, message.key.mailbox] -= 1
            return "copied"
        if message.key in self._brought_back:
            return None
        if self._taken_out[message.fingerprint] > 0:
            # It lay in a folder and does so no more: a person took it out, and it stays where the person put it.
            # Of equal messages only as many stay as were taken out; the others are other deliveries.
            self._taken_out[message.fingerprint] -= 1
            return "by-hand"
        return None

    def was_filed(self, message: Message) -> bool:
        """Whether a message outside INBOX and Sent is one that mailsync filed in another folder."""
        return self._left_ours[message.fingerprint] > 0


def _is_source(message: Message) -> bool:
    return message.role in ("inbox", "sent")


def _filed_since(
    messages: Iterable[Message], threads: Mapping[MessageKey, str], owners: Owners
) -> dict[str, datetime]:
    """Conversation → date of its oldest message that lies in a customer's folder."""
    filed: dict[str, datetime] = {}
    for message in messages:
        if owners.of(message.key.mailbox) is not None:
            _note_filed(filed, threads, message)
    return filed


def _note_filed(filed: dict[str, datetime], threads: Mapping[MessageKey, str], message: Message) -> None:
    thread = threads.get(message.key)
    if thread is not None:
        filed[thread] = min(filed.get(thread, message.internal_date), message.internal_date)


def _not_yet(
    message: Message,
    settings: FilingSettings,
    filed: Mapping[str, datetime],
    threads: Mapping[MessageKey, str],
    now: datetime,
) -> Stay | None:
    """Why a message waits: unread or flagged never moves; three days, or (INBOX) a conversation filed already."""
    if "\\Deleted" in message.flags:
        return "deleted"
    if settings.only_read and not message.seen:
        return "unread"
    if settings.leave_flagged and message.flagged:
        return "flagged"
    if now - message.internal_date >= timedelta(days=settings.min_age_days):
        return None
    since = filed.get(threads.get(message.key, ""))
    if message.role == "inbox" and since is not None and since <= message.internal_date:
        return None
    return "young"


class _Desk:
    """Collects what is filed, and the folders that this needs."""

    def __init__(
        self,
        *,
        folders: FolderNames,
        settings: FilingSettings,
        existing: Collection[str],
        placements: Iterable[Placement],
    ) -> None:
        self._folders = folders
        self._settings = settings
        self._existing = frozenset(existing)
        self._used: dict[str, str] = {}
        for placement in placements:
            if placement.customer is not None and not placement.undone:
                self._used[placement.customer] = placement.destination.mailbox
        self._names: dict[tuple[str, int], str] = {}
        self._created: dict[str, None] = {}
        self._transfers: list[MessageTransfer] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self.would_file: list[MessageKey] = []

    def file(self, message: Message, customer: Customer, attribution: Attributed) -> None:
        destination = self._known_destination(customer, message.internal_date)
        if self._settings.mode == "report-only":
            self.would_file.append(message.key)
            self._counts[customer.code, destination] += 1
            return
        self._need(destination)
        self._transfers.append(self._transfer(message, customer, attribution.evidence, destination))

    def _need(self, destination: str) -> None:
        """The folder is made, parents first, where it is not there."""
        if destination in self._existing:
            return
        for mailbox in (*self._folders.parents(destination), destination):
            if mailbox not in self._existing and mailbox.upper() != "INBOX":
                self._created[mailbox] = None

    def carry(self, message: Message, code: str, attribution: Attributed | None) -> None:
        """A message follows its customer into another folder, whatever its flags, which it keeps."""
        customer = self._folders.roster.customer(code)
        if customer is None:
            return
        destination = self._known_destination(customer, message.internal_date)
        if destination == message.key.mailbox:
            return
        if self._settings.mode == "report-only":
            self._counts[customer.code, destination] += 1
            return
        self._need(destination)
        evidence = attribution.evidence if attribution and attribution.customer else "filed"
        transfer = self._transfer(message, customer, evidence, destination)
        self._transfers.append(
            replace(transfer, kind="message-move", needs_flags=(), bars_flags=("\\Deleted",))
        )

    def actions(self) -> tuple[FolderCreate | MessageTransfer, ...]:
        return (*(FolderCreate(mailbox=mailbox) for mailbox in self._created), *self._transfers)

    def report(self) -> list[Finding]:
        """In mode report-only: how many messages would go where."""
        would = N_("{count} message(s) of {customer} would be filed in {mailbox}")
        return [
            Finding(
                kind="report-only",
                subject=mailbox,
                customer=code,
                sentence=Sentence.of(would, count=count, customer=code, mailbox=mailbox),
            )
            for (code, mailbox), count in self._counts.items()
        ]

    def _known_destination(self, customer: Customer, when: datetime) -> str:
        key = (customer.code, self._folders.year(when))
        if key not in self._names:
            self._names[key] = self._destination(customer, when)
        return self._names[key]

    def _destination(self, customer: Customer, when: datetime) -> str:
        name = self._folders.folder(customer, when)
        used = self._used.get(customer.code)
        if name in self._existing or used is None or used not in self._existing or self._folders.by_year:
            return name
        # The company was renamed since: its mail stays together until the folder is renamed too.
        return used if self._folders.code_in(used) == customer.code else name

    def _transfer(
        self, message: Message, customer: Customer, evidence: str, destination: str
    ) -> MessageTransfer:
        settings = self._settings
        return MessageTransfer(
            kind="message-copy" if settings.mode == "copy" else "message-move",
            mailbox=message.key.mailbox,
            uidvalidity=message.key.uidvalidity,
            uid=message.key.uid,
            message_id=message.envelope.message_id,
            fingerprint=message.fingerprint,
            subject=message.envelope.subject,
            destination=destination,
            customer=customer.code,
            evidence=evidence,
            needs_flags=("\\Seen",) if settings.only_read else (),
            bars_flags=("\\Deleted", "\\Flagged") if settings.leave_flagged else ("\\Deleted",),
        )


def _misfiled(
    message: Message, customer: Customer, attribution: Attributed, owners: Owners, history: _History
) -> Iterable[Finding]:
    """A message in another customer's folder, or one of ours in a folder of nobody: it stays, and is told."""
    owner = owners.of(message.key.mailbox)
    if owner is None and history.was_filed(message):
        yield _taken_out(message, customer)
    if owner is None or owner == customer.code:
        return
    yield Finding(
        kind="misfiled",
        subject=message.name,
        customer=customer.code,
        sentence=Sentence.of(
            N_("“{subject}” lies in {mailbox}, but it is {customer}'s ({evidence}); it stays there"),
            subject=message.envelope.subject,
            mailbox=message.key.mailbox,
            customer=customer.code,
            evidence=attribution.evidence,
        ),
    )


def _taken_out(message: Message, customer: Customer) -> Finding:
    return Finding(
        kind="misfiled",
        subject=message.name,
        customer=customer.code,
        sentence=Sentence.of(
            N_(
                "“{subject}” is {customer}'s, but somebody took it out of the customer's folder; it stays in {mailbox}"
            ),
            subject=message.envelope.subject,
            customer=customer.code,
            mailbox=message.key.mailbox,
        ),
    )
