"""Entries a book lacks: adding them, or saying that they are missing (DOMAIN 4 and 5). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from mailsync.addressbook.cards import new_card
from mailsync.addressbook.display_name import UNKNOWN, parts
from mailsync.addressbook.entries import CardEntry, Draft
from mailsync.addressbook.matching import Matches, ReadCard, Target
from mailsync.addressbook.scope import BookSettings
from mailsync.run.actions import CardCreate, Finding
from mailsync.text import N_, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is in the book besides the cards that were matched."""

    hrefs: frozenset[str]  #: of all cards
    unusable: Sequence[ReadCard]  #: cards that cannot be read, or share their UID
    opted_out: frozenset[str]  #: contact ids
    renewed: frozenset[str]  #: UIDs of targets whose card is taken away for a new one


def plan_missing(
    wanted: Sequence[Target], matches: Matches, present: Present, settings: BookSettings, draft: Draft
) -> None:
    """Add to `draft` what each target without a card needs."""
    # Somebody whose card cannot be read is there already: a second card beside it would not help.
    addresses = {address for card in present.unusable for address in card.addresses}
    uids = {card.uid for card in present.unusable if card.uid}
    first: set[str] = set()
    for target in wanted:
        is_first = target.contact.id not in first
        first.add(target.contact.id)
        _report_unknown_parts(target, draft)
        if target.uid in present.renewed:
            _create(_renewed(target), settings, draft)
            continue
        if (
            matches.kept.get(target.uid)
            or target.contact.id in present.opted_out
            or (is_first and target.contact.id in matches.withheld)
            or (is_first and addresses.intersection(target.contact.addresses))
            or new_href(target, settings) in present.hrefs
            or uids & {target.uid, target.renewed_uid, *target.former_uids}
        ):
            continue
        if not target.contact.addresses:
            _missing(target, N_("{name} has no e-mail address in the registry: no card can offer it"), draft)
        elif not settings.create_missing:
            _missing(target, N_("{name} has no card in this book (adding cards is switched off)"), draft)
        else:
            _create(target, settings, draft)


def _renewed(target: Target) -> Target:
    """The same entry on a card of its own beside the one it replaces, which may still be there."""
    return replace(target, uid=target.renewed_uid)


def new_href(target: Target, settings: BookSettings) -> str:
    """Where the card of this target is put."""
    return f"{urlsplit(settings.url).path.rstrip('/')}/{target.uid}.vcf"


def _create(target: Target, settings: BookSettings, draft: Draft) -> None:
    contact, href = target.contact, new_href(target, settings)
    codes = " ".join(target.codes)
    card = new_card(
        uid=target.uid,
        fn=target.fn,
        given=target.fn if settings.names_into_n else contact.name or None,
        nickname=codes if settings.nickname else None,
        categories=target.codes if settings.categories else (),
        addresses=contact.addresses,
        company=contact.company or (target.customer.name if contact.role == "contact" else ""),
    )
    draft.actions.append(
        CardCreate(
            book=settings.url,
            href=href,
            uid=target.uid,
            after=target.fn,
            codes=target.codes,
            card=card,
            contact=contact.id,
        )
    )
    draft.entries.append(
        CardEntry(
            book=settings.url,
            href=href,
            uid=target.uid,
            action="create",
            before="",
            after=target.fn,
            codes=target.codes,
        )
    )


def _missing(target: Target, template: str, draft: Draft) -> None:
    draft.findings.append(
        Finding(
            kind="missing-card",
            subject=target.contact.addresses[0] if target.contact.addresses else target.contact.id,
            customer=target.customer.code,
            sentence=Sentence.of(template, name=target.fn),
        )
    )


def _report_unknown_parts(target: Target, draft: Draft) -> None:
    if UNKNOWN in parts(target.contact, target.customer):
        draft.findings.append(
            Finding(
                kind="unknown-part",
                subject=target.contact.id,
                customer=target.customer.code,
                sentence=Sentence.of(
                    N_("Something of “{name}” is unknown: complete the contact in the registry"),
                    name=target.fn,
                ),
            )
        )
