"""What is filed where (DOMAIN 8), and which messages people filed themselves (DOMAIN 7.4). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from mailsync.filing.by_hand import Owners
from mailsync.filing.folders import FolderNames
from mailsync.filing.history import History, Stay, is_source
from mailsync.filing.merged import Followers
from mailsync.filing.renaming import Renaming, plan_renaming
from mailsync.mailbox.headers import Message, MessageKey
from mailsync.registry.roster import Customer
from mailsync.run.actions import Finding, FolderCreate, FolderRename, MessageTransfer, Place, Placement
from mailsync.run.renames import NamedFolders
from mailsync.text import N_, Sentence

Mode = Literal["move", "copy", "report-only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingSettings:
    """DOMAIN 8 as configured for one account."""

    mode: Mode = "move"
    only_read: bool = True
    min_age_days: int = 3
    leave_flagged: bool = True
    labels: bool = False  #: a folder is a label (Gmail): copying to where the message stands changes nothing


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


FilingAction = FolderCreate | MessageTransfer | FolderRename


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingPlan:
    """Folders first, then messages, the oldest first, then new names for folders."""

    actions: tuple[FilingAction, ...] = ()
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
    named: NamedFolders | None = None,
) -> FilingPlan:
    """Plan the filing of one account.

    `messages`: all that the account holds, those in customers' folders too: they say which conversations are filed
    already, and that a message we placed is still there. `threads`: message → its conversation. `existing`: every
    mailbox that exists. `placements`: the journal's. `now`: aware. `remembered`: messages that an earlier run saw
    outside INBOX and Sent → fingerprint. `named`: the folders to which mailsync gave their names; None where none is to
    be renamed.
    """
    owners = Owners(folders.customer_of)
    history = History(messages, placements, remembered or {}, owners)
    filed = _filed_since(messages, threads, owners)
    renaming = plan_renaming(folders, existing, named or NamedFolders())
    desk = _Desk(
        folders=folders, settings=settings, existing=existing, placements=placements, renaming=renaming
    )
    followers = Followers(folders, placements)
    labelled = _labelled(messages, owners) if settings.labels else frozenset()
    stays: dict[MessageKey, Stay] = {}
    findings: list[Finding] = []
    for message in sorted(messages, key=lambda message: (message.internal_date, message.key)):
        attribution = attributions.get(message.key)
        customer = _customer(folders, attribution)
        if not is_source(message) and (
            code := _joins(renaming, message)
            or followers.follows(message, customer.code if customer else None)
        ):
            desk.carry(message, code, attribution)
            continue
        if attribution is None or customer is None:
            continue
        if not is_source(message):
            findings.extend(_misfiled(message, customer, attribution, owners, history))
            continue
        stay = (
            history.stay(message)
            or _not_yet(message, settings, filed, threads, now)
            or _has_label(message, customer, settings, labelled)
        )
        if stay is None:
            desk.file(message, customer, attribution)
            _note_filed(filed, threads, message)
        else:
            stays[message.key] = stay
        if stay == "by-hand":
            findings.append(_taken_out(message, customer))
    stays.update(dict.fromkeys(desk.would_file, "report-only"))
    return FilingPlan(actions=desk.actions(), findings=(*findings, *desk.report()), stays=stays)


def _joins(renaming: Renaming, message: Message) -> str | None:
    """The customer whose folder could not be renamed because there is one of the new name: its mail moves there."""
    return None if "\\Deleted" in message.flags else renaming.joins.get(message.key.mailbox)


def _customer(folders: FolderNames, attribution: Attributed | None) -> Customer | None:
    if attribution is None or attribution.customer is None:
        return None
    return folders.roster.customer(attribution.customer)


def _labelled(messages: Iterable[Message], owners: Owners) -> frozenset[tuple[str, str | None]]:
    """Fingerprint and customer of what stands in customers' folders."""
    return frozenset((message.fingerprint, owners.of(message.key.mailbox)) for message in messages)


def _has_label(
    message: Message,
    customer: Customer,
    settings: FilingSettings,
    labelled: Collection[tuple[str, str | None]],
) -> Stay | None:
    """Gmail's Sent Mail may keep what is moved out of it: one label is enough there in mode move as well."""
    keeps = settings.mode == "copy" or message.role == "sent"
    return "copied" if keeps and (message.fingerprint, customer.code) in labelled else None


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
        renaming: Renaming,
    ) -> None:
        self._renaming = renaming
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
        self.would_file: list[MessageKey] = []  #: in mode report-only

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
        if destination not in self._existing and destination not in self._created:
            self._create((*self._folders.parents(destination), destination))

    def _create(self, mailboxes: Iterable[str]) -> None:
        for mailbox in mailboxes:
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

    def actions(self) -> tuple[FilingAction, ...]:
        renames = () if self._settings.mode == "report-only" else self._renaming.renames
        for rename in renames:
            self._create(self._folders.parents(rename.after))
        return (*(FolderCreate(mailbox=mailbox) for mailbox in self._created), *self._transfers, *renames)

    def report(self) -> list[Finding]:
        """Folders that cannot be renamed; and in mode report-only what would be done."""
        renamed = N_("The folder {before} would be renamed to {after}")
        renames = self._renaming.renames if self._settings.mode == "report-only" else ()
        return [
            *self._renaming.findings,
            *(
                Finding(
                    kind="report-only",
                    subject=rename.mailbox,
                    customer=rename.customer,
                    sentence=Sentence.of(renamed, before=rename.mailbox, after=rename.after),
                )
                for rename in renames
            ),
            *self._would_file(),
        ]

    def _would_file(self) -> list[Finding]:
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
        if name in self._existing:
            return name
        before = self._renaming.before.now(name)
        if before != name or self._folders.by_year:
            return before
        # A folder that a person made, or gave another name: mail stays together there.
        by_hand = (mailbox for mailbox, code in self._folders.by_hand.items() if code == customer.code)
        for mailbox in (self._used.get(customer.code, name), *by_hand):
            if mailbox in self._existing and self._folders.code_in(mailbox) == customer.code:
                return mailbox
        return name

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
    message: Message, customer: Customer, attribution: Attributed, owners: Owners, history: History
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
