"""One plan of all features for one account, from what was read (DESIGN 4, step 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from mailsync.addressbook.entries import BookPlan, CardEntry
from mailsync.addressbook.plan import plan_book
from mailsync.addressbook.scope import BookSettings, parse_scope
from mailsync.addressbook.shelf import BookView
from mailsync.registry.roster import Roster
from mailsync.run.actions import Action, Finding, Place, plan_hash
from mailsync.tidy.mail_plan import MailPlan, MailView, plan_mail
from mailsync.tidy.settings import Account, BookAccess, House

#: Of customers without recent mail, those whose people are looked for most.
_STAGES = ("order", "sample", "prospect", "lead", "dormant")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one run would do, and what it found."""

    actions: tuple[Action, ...] = ()
    findings: tuple[Finding, ...] = ()
    entries: tuple[CardEntry, ...] = ()
    mail: MailPlan | None = None

    @cached_property
    def hash(self) -> str:
        """What `confirm` and `--force=` name this plan by."""
        return plan_hash(self.actions)


def make_plan(
    house: House,
    account: Account,
    roster: Roster,
    *,
    books: Mapping[str, tuple[BookAccess, BookView]],
    mail: MailView | None,
    now: datetime,
    remembered: Mapping[Place, str] | None = None,
) -> Plan:
    """The plan for books (by URL) and mail; what could not be read is left out by the caller. `remembered`: see
    `plan_filing`."""
    book_plans = plan_books(house, roster, books)
    actions = [action for plan in book_plans for action in plan.actions]
    findings = [finding for _, view in books.values() for finding in view.findings]
    findings += [finding for plan in book_plans for finding in plan.findings]
    mail_plan = plan_mail(house, account, roster, mail, now=now, remembered=remembered) if mail else None
    return Plan(
        actions=(
            *in_order_of_need(actions, roster, mail_plan.newest if mail_plan else {}),
            *(mail_plan.actions if mail_plan else ()),
        ),
        findings=(*findings, *(mail_plan.findings if mail_plan else ())),
        entries=tuple(entry for plan in book_plans for entry in plan.entries),
        mail=mail_plan,
    )


def plan_books(
    house: House, roster: Roster, books: Mapping[str, tuple[BookAccess, BookView]]
) -> list[BookPlan]:
    """The plans of all books, by URL."""
    return [
        plan_book(roster, view.cards, _book_settings(house, url, access, view))
        for url, (access, view) in books.items()
    ]


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
