"""One plan of all features for one account, from what was read (DESIGN 4, step 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from mailsync.addressbook.entries import BookPlan, CardEntry
from mailsync.addressbook.plan import plan_book
from mailsync.addressbook.scope import BookSettings, parse_scope
from mailsync.addressbook.shelf import BookView
from mailsync.audit.plan import AuditSettings, SubjectVerdict, audit
from mailsync.conversations.attribution import Attributions, attribute
from mailsync.conversations.candidates import candidates
from mailsync.conversations.people import OwnPeople
from mailsync.conversations.plain_words import PLAIN_WORDS
from mailsync.conversations.suggestions import SuggestionSettings, attribution_findings, suggestions
from mailsync.filing.by_hand import hand_filed
from mailsync.filing.folders import FolderNames
from mailsync.filing.plan import FilingPlan, FilingSettings, plan_filing
from mailsync.filing.stays import tell_stays
from mailsync.mailbox.headers import Message
from mailsync.registry.roster import Roster
from mailsync.run.actions import Action, Finding, Place, Placement, plan_hash
from mailsync.tidy.calm import Quiet
from mailsync.tidy.settings import Account, BookAccess, House

#: Of customers without recent mail, those whose people are looked for most.
_STAGES = ("order", "sample", "prospect", "lead", "dormant")


@dataclass(frozen=True, kw_only=True)
class MailView:
    """An account's mail as it stands."""

    messages: Sequence[Message]
    mailboxes: frozenset[str]  #: all that the server lists
    separator: str | None
    prefix: str
    refused: str = ""  #: characters that the server takes in no folder name
    quiet: Quiet | None = None  #: where nothing had happened since it was read before
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one run would do, and what it found."""

    actions: tuple[Action, ...] = ()
    findings: tuple[Finding, ...] = ()
    entries: tuple[CardEntry, ...] = ()
    verdicts: tuple[SubjectVerdict, ...] = ()
    attributions: Attributions | None = None
    filing: FilingPlan = field(default_factory=FilingPlan)
    mail_findings: tuple[Finding, ...] = ()  #: those of `findings` that are about the mail

    @cached_property
    def hash(self) -> str:
        """What `confirm` and `--force=` name this plan by."""
        return plan_hash(self.actions)


def own_people(house: House) -> OwnPeople:
    """Colleagues: never evidence (DOMAIN 7)."""
    return OwnPeople(addresses=house.own_addresses, domains=house.own_domains)


def folder_names(
    account: Account, roster: Roster, separator: str | None, prefix: str, refused: str = ""
) -> FolderNames:
    """How customers' folders are called on the account's server."""
    return FolderNames(
        template=account.filing.folder, roster=roster, separator=separator, prefix=prefix, refused=refused
    )


def attribute_mail(
    house: House, roster: Roster, mail: MailView, folders: FolderNames, placements: Sequence[Placement]
) -> Attributions:
    """Whose each message is, what people filed themselves included."""
    by_hand = hand_filed(mail.messages, placements, folders.customer_of)
    return attribute(mail.messages, roster, own_people(house), hand_filed=by_hand)


def make_plan(
    house: House,
    account: Account,
    roster: Roster,
    *,
    books: Mapping[str, tuple[BookAccess, BookView]],
    mail: MailView | None,
    placements: Sequence[Placement],
    now: datetime,
    remembered: Mapping[Place, str] | None = None,
) -> Plan:
    """The plan for books (by URL) and mail; what could not be read is left out by the caller. `remembered`: see
    `plan_filing`."""
    book_plans = plan_books(house, roster, books)
    actions: list[Action] = [action for plan in book_plans for action in plan.actions]
    findings = [finding for _, view in books.values() for finding in view.findings]
    findings += [finding for plan in book_plans for finding in plan.findings]
    entries = tuple(entry for plan in book_plans for entry in plan.entries)
    if mail is None:
        return Plan(
            actions=(*in_order_of_need(actions, roster, {}),), findings=tuple(findings), entries=entries
        )
    folders = folder_names(account, roster, mail.separator, mail.prefix, mail.refused)
    attributions = attribute_mail(house, roster, mail, folders, placements)
    verdicts = audit(
        mail.messages,
        attributions.by_key,
        roster,
        own_people(house),
        AuditSettings(plain_words=PLAIN_WORDS | house.plain_words),
    )
    settings = _filing_settings(account)
    filing = plan_filing(
        mail.messages,
        attributions.by_key,
        attributions.threads,
        folders=folders,
        settings=settings,
        existing=mail.mailboxes,
        placements=placements,
        now=now,
        remembered=remembered,
    )
    about_mail = (
        *mail.findings,
        *filing.findings,
        *tell_stays(filing.stays, settings),
        *attribution_findings(attributions),
        *suggestions(attributions, roster, own_people(house), SuggestionSettings()),
        *candidates(attributions, roster, own_people(house)),
    )
    return Plan(
        actions=(*in_order_of_need(actions, roster, last_mail(mail, attributions)), *filing.actions),
        findings=(*findings, *about_mail),
        mail_findings=about_mail,
        entries=entries,
        verdicts=verdicts,
        attributions=attributions,
        filing=filing,
    )


def plan_books(
    house: House, roster: Roster, books: Mapping[str, tuple[BookAccess, BookView]]
) -> list[BookPlan]:
    """The plans of all books, by URL."""
    return [
        plan_book(roster, view.cards, _book_settings(house, url, access, view))
        for url, (access, view) in books.items()
    ]


def last_mail(mail: MailView, attributions: Attributions) -> dict[str, datetime]:
    """Customer's code → when the newest message of theirs came or went."""
    newest: dict[str, datetime] = {}
    for message in mail.messages:
        attribution = attributions.by_key.get(message.key)
        code = attribution.customer if attribution else None
        if code is not None and (code not in newest or newest[code] < message.internal_date):
            newest[code] = message.internal_date
    return newest


def in_order_of_need(
    actions: Iterable[Action], roster: Roster, newest: Mapping[str, datetime]
) -> list[Action]:
    """Cards of active customers first, since a big book takes minutes to hours: those with the newest mail, then by
    stage; the others as they were."""

    def need(action: Action) -> tuple[float, int]:
        codes = getattr(action, "codes", ())
        customer = roster.customer(codes[0]) if codes else None
        if customer is None:
            return 0.0, len(_STAGES)
        moment = newest.get(customer.code)
        stage = _STAGES.index(customer.stage) if customer.stage in _STAGES else len(_STAGES)
        return -moment.timestamp() if moment else 0.0, stage

    return sorted(actions, key=need)


def _filing_settings(account: Account) -> FilingSettings:
    return FilingSettings(
        mode=account.filing.mode,
        only_read=account.filing.only_read,
        min_age_days=account.filing.min_age_days,
        leave_flagged=account.filing.leave_flagged,
    )


def _book_settings(house: House, url: str, access: BookAccess, view: BookView) -> BookSettings:
    return BookSettings(
        url=url,
        scope=parse_scope(access.scope),
        create_missing=access.create_missing,
        nickname=house.cards.nickname,
        categories=house.cards.categories,
        names_into_n=house.cards.names_into_n,
        entry_per_engagement=house.cards.entry_per_engagement,
        stores_through_vobject=view.profile.stores_through_vobject,
    )
