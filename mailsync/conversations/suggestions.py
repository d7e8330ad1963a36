"""What a person should look at after attribution: suggestions that are never filed, ambiguous mail, wrong codes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailsync.conversations.attribution import Attributions
from mailsync.conversations.evidence import View
from mailsync.conversations.people import OwnPeople, domain_of, is_public_provider
from mailsync.registry.roster import Roster
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionSettings:
    """Which suggestions are made (DOMAIN 7)."""

    domain: bool = True
    subject_thread: bool = True
    subject_thread_days: int = 60


def suggestions(
    attributions: Attributions, roster: Roster, own: OwnPeople, settings: SuggestionSettings
) -> tuple[Finding, ...]:
    """Findings of kind `suggestion`, for messages that belong to nobody."""
    open_views = [
        view
        for view in attributions.views
        if attributions[view.message.key].evidence == "none" and not view.bounce
    ]
    found: list[Finding] = []
    if settings.domain:
        found.extend(_by_domain(open_views, customer_domains(roster, own)))
    if settings.subject_thread:
        reach = timedelta(days=settings.subject_thread_days)
        found.extend(_by_subject(open_views, attributions, reach))
    return tuple(found)


def customer_domains(roster: Roster, own: OwnPeople) -> Mapping[str, str]:
    """Domain → the one customer whose contacts have it; public mail providers and own domains left out."""
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for contact in roster.contacts:
        if contact.role != "contact":
            continue
        for address in contact.addresses:
            if "@" in address and not own.includes(address):
                owners[domain_of(address)].update(contact.customers)
    return {
        domain: next(iter(customers))
        for domain, customers in owners.items()
        if len(customers) == 1 and not is_public_provider(domain)
    }


def _by_domain(views: list[View], domains: Mapping[str, str]) -> Iterator[Finding]:
    for view in views:
        if view.side.outgoing or not view.envelope.from_ or not view.side.outside:
            continue
        sender = view.side.outside[0].address
        if customer := domains.get(domain_of(sender)):
            yield Finding(
                kind="suggestion",
                subject=view.message.name,
                customer=customer,
                sentence=Sentence.of(
                    N_(
                        "“{subject}” from {address} may be {customer}'s: the domain is that customer's (domain)"
                    ),
                    subject=view.peeled.written.text,
                    address=sender,
                    customer=customer,
                ),
            )


def _by_subject(views: list[View], attributions: Attributions, reach: timedelta) -> Iterator[Finding]:
    seen = _topics(attributions)
    for view in views:
        when = view.message.when
        customers = {
            customer
            for topic in _topics_of(view)
            for then, customer in seen.get(topic, ())
            if abs(then - when) <= reach
        }
        if len(customers) == 1:
            customer = customers.pop()
            yield Finding(
                kind="suggestion",
                subject=view.message.name,
                customer=customer,
                sentence=Sentence.of(
                    N_("“{subject}” may be {customer}'s: same subject, same person (subject-thread)"),
                    subject=view.peeled.written.text,
                    customer=customer,
                ),
            )


def _topics(attributions: Attributions) -> Mapping[tuple[str, str], list[tuple[datetime, str]]]:
    """(topic, unknown outside person) → when that was whose."""
    seen: defaultdict[tuple[str, str], list[tuple[datetime, str]]] = defaultdict(list)
    for view in attributions.views:
        customer = attributions[view.message.key].customer
        if customer and not view.bounce:
            for topic in _topics_of(view):
                seen[topic].append((view.message.when, customer))
    return seen


def _topics_of(view: View) -> Iterator[tuple[str, str]]:
    topic = view.subject_key
    if topic and not view.envelope.bulk:
        for person in view.side.outside:
            if not person.known:
                yield topic, person.address


def attribution_findings(attributions: Attributions) -> tuple[Finding, ...]:
    """Findings `ambiguous` (not moved) and `wrong-code` (incoming mail that begins with another customer's code)."""
    found: list[Finding] = []
    for view in attributions.views:
        made = attributions[view.message.key]
        if made.evidence == "ambiguous" and made.note:
            found.append(_finding("ambiguous", view, made.note, None))
        elif made.note and made.evidence == "participant" and _wrongly_coded(view):
            found.append(_finding("wrong-code", view, made.note, made.customer))
    return tuple(found)


def _wrongly_coded(view: View) -> bool:
    """Incoming only: the subjects of sent mail are audited. Sloppy forms from outside are nobody's fault here."""
    return not view.side.outgoing and view.code is not None and view.code.form == "canonical"


def _finding(kind: str, view: View, note: Sentence, customer: str | None) -> Finding:
    told = Sentence.of(N_("“{subject}”: {reason}"), subject=view.envelope.subject, reason=note)
    return Finding(kind=kind, subject=view.message.name, sentence=told, customer=customer)
