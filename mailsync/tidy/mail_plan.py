"""The plan of one account's mail: whose each message is, how subjects are to be judged, what is filed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from mailsync.audit.plan import AuditSettings, SubjectVerdict, audit
from mailsync.conversations.attribution import Attributions, attribute
from mailsync.conversations.candidates import candidates
from mailsync.conversations.kin import Kin
from mailsync.conversations.people import OwnPeople
from mailsync.conversations.plain_words import PLAIN_WORDS
from mailsync.conversations.suggestions import SuggestionSettings, attribution_findings, suggestions
from mailsync.filing.by_hand import hand_filed
from mailsync.filing.folders import FolderNames
from mailsync.filing.history import Stay
from mailsync.filing.plan import FilingAction, FilingSettings, plan_filing
from mailsync.filing.renaming import renamed_by_hand
from mailsync.filing.stays import tell_stays
from mailsync.mailbox.headers import MailboxRole, Message, MessageKey
from mailsync.mailbox.provider import Profile
from mailsync.registry.roster import Roster
from mailsync.run.actions import Finding, Place, Placement
from mailsync.run.renames import NamedFolders
from mailsync.tidy.calm import Quiet
from mailsync.tidy.mail_memory import MailMemory, last_placed, messages_of
from mailsync.tidy.settings import Account, House


@dataclass(frozen=True, kw_only=True)
class MailView:
    """An account's mail as it stands: `messages` are all of it, or with a `memory` those that something happened to and
    their kin."""

    messages: Sequence[Message]
    total: int  #: messages in the account
    mailboxes: frozenset[str]  #: all that the server lists
    roles: Mapping[str, MailboxRole]  #: of those that are read
    profile: Profile  #: of the server
    listed: datetime  #: when it listed its mailboxes
    placements: Sequence[Placement]  #: what mailsync itself did with `messages`
    named: NamedFolders | None = None  #: whose names mailsync gave; None where no folder is to be renamed
    memory: MailMemory | None = None  #: of the other messages
    touched: frozenset[MessageKey] = frozenset()  #: of these the memory says nothing any more; some are gone
    quiet: Quiet | None = None  #: where nothing had happened since it was read before
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MailPlan:
    """What one run would do with an account's mail, and what it found there."""

    actions: tuple[FilingAction, ...]
    folders: int  #: customers' folders
    by_hand: Mapping[str, str]  #: folders that people gave other names → code of their customer
    attributions: Attributions  #: of the messages that were looked at
    verdicts: tuple[SubjectVerdict, ...]  #: of those, the Sent ones
    findings: tuple[Finding, ...]
    singly: tuple[Finding, ...]  #: those of `findings` that are about single messages
    overall: tuple[Finding, ...]  #: those that weigh all mail
    stays: Mapping[MessageKey, Stay]  #: customers' messages that are not filed
    newest: Mapping[str, datetime] = field(
        default_factory=dict
    )  #: customer's code → when their newest message came

    def remembered(self, view: MailView, roster: Roster, now: datetime) -> MailMemory:
        """What the next plan can rest on, when all of this one is done."""
        former = view.memory
        about = messages_of(self.singly, view.messages)
        if former is not None:
            about = {
                subject: about.get(subject, frozenset())
                | (former.about.get(subject, frozenset()) - view.touched)
                for subject in {finding.subject for finding in self.singly}
            }
        return MailMemory(
            since=former.since if former else now,
            roster=roster,
            profile=view.profile,
            listed=view.listed,
            roles={**former.roles, **view.roles} if former else view.roles,
            kin=former.kin if former else Kin(view.messages),
            stays=self.stays,
            findings=self.singly,
            about=about,
            overall=self.overall,
            newest=self.newest,
            by_hand=self.by_hand,
            last_placed={**(former.last_placed if former else {}), **last_placed(view.placements)},
        )


def own_people(house: House) -> OwnPeople:
    """Colleagues: never evidence (DOMAIN 7)."""
    return OwnPeople(addresses=house.own_addresses, domains=house.own_domains)


def folder_names(
    house: House, account: Account, roster: Roster, separator: str | None, prefix: str, refused: str = ""
) -> FolderNames:
    """How customers' folders are called on the account's server."""
    return FolderNames(
        template=account.filing.folder,
        roster=roster,
        separator=separator,
        prefix=prefix,
        refused=refused,
        zone=ZoneInfo(house.timezone),
    )


def attribute_mail(
    house: House,
    roster: Roster,
    messages: Sequence[Message],
    folders: FolderNames,
    placements: Sequence[Placement],
    *,
    explain: Collection[MessageKey] = (),
) -> Attributions:
    """Whose each message is, what people filed themselves included. `explain`: see `attribute`."""
    by_hand = hand_filed(messages, placements, folders.customer_of)
    return attribute(messages, roster, own_people(house), hand_filed=by_hand, explain=explain)


def plan_mail(
    house: House,
    account: Account,
    roster: Roster,
    mail: MailView,
    *,
    now: datetime,
    remembered: Mapping[Place, str] | None = None,
) -> MailPlan:
    """The plan for the mail of one account. `remembered`: see `plan_filing`."""
    memory, own, settings = mail.memory, own_people(house), _filing_settings(account, mail.profile)
    folders = _folders(house, account, roster, mail)
    attributions = attribute_mail(house, roster, mail.messages, folders, mail.placements)
    filing = plan_filing(
        mail.messages,
        attributions.by_key,
        attributions.threads,
        folders=folders,
        settings=settings,
        existing=mail.mailboxes,
        placements=(*memory.last_placed.values(), *mail.placements) if memory else mail.placements,
        now=now,
        remembered=remembered,
        named=mail.named,
    )
    singly = (*filing.findings, *attribution_findings(attributions))
    stays = filing.stays
    newest = _last_mail(mail.messages, attributions)
    if memory is None:
        overall = (
            *suggestions(attributions, roster, own, SuggestionSettings()),
            *candidates(attributions, roster, own),
        )
    else:
        singly = (*memory.findings_but(mail.touched), *singly)
        stays = {**memory.stays_but(mail.touched), **stays}
        newest = {**memory.newest, **newest}
        overall = memory.overall
    return MailPlan(
        actions=filing.actions,
        folders=sum(folders.customer_of(mailbox) is not None for mailbox in mail.mailboxes),
        by_hand=folders.by_hand,
        attributions=attributions,
        verdicts=audit(
            mail.messages,
            attributions.by_key,
            roster,
            own,
            AuditSettings(plain_words=PLAIN_WORDS | house.plain_words),
        ),
        findings=(*mail.findings, *singly, *tell_stays(stays, settings), *overall),
        singly=singly,
        overall=overall,
        stays=stays,
        newest=newest,
    )


def _folders(house: House, account: Account, roster: Roster, mail: MailView) -> FolderNames:
    profile = mail.profile
    folders = folder_names(house, account, roster, profile.separator, profile.prefix, profile.refused)
    if mail.memory is not None:
        return replace(folders, by_hand=mail.memory.by_hand)
    by_hand = renamed_by_hand(folders, mail.mailboxes, mail.messages, mail.placements)
    return replace(folders, by_hand=by_hand)


def _last_mail(messages: Iterable[Message], attributions: Attributions) -> dict[str, datetime]:
    newest: dict[str, datetime] = {}
    for message in messages:
        code = attributions[message.key].customer
        if code is not None and (code not in newest or newest[code] < message.internal_date):
            newest[code] = message.internal_date
    return newest


def _filing_settings(account: Account, profile: Profile) -> FilingSettings:
    return FilingSettings(
        mode=account.filing.mode,
        only_read=account.filing.only_read,
        min_age_days=account.filing.min_age_days,
        leave_flagged=account.filing.leave_flagged,
        labels="X-GM-EXT-1" in profile.capabilities,
    )
