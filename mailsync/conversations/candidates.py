"""People to register: unknown ones inside a customer's conversations or at its domain, and new engagements. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mailsync.conversations.attribution import Attributions
from mailsync.conversations.evidence import View
from mailsync.conversations.people import OwnPeople, Person, domain_of, is_machine, is_public_provider
from mailsync.conversations.suggestions import customer_domains
from mailsync.registry.roster import Roster
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence, one_line


@dataclass(slots=True, kw_only=True)
class _Sighting:
    """How often a person was seen in a customer's mail, and under which name."""

    name: str = ""
    messages: set[tuple[str, int, int]] = field(default_factory=set)
    at_domain: bool = False


def candidates(attributions: Attributions, roster: Roster, own: OwnPeople) -> tuple[Finding, ...]:
    """Findings of kind `candidate`: the most often seen first, by customer."""
    domains = customer_domains(roster, own)
    unknown: dict[tuple[str, str], _Sighting] = {}
    engagements: dict[tuple[str, str], _Sighting] = {}
    for view in attributions.views:
        if view.bounce or view.envelope.bulk:
            continue
        customer = attributions[view.message.key].customer
        for person in view.side.outside:
            at_domain = domains.get(domain_of(person.address))
            if not person.known and not is_machine(person.address):
                for code in sorted({customer, at_domain} - {None}, key=str):
                    _note(unknown, person, str(code), view, at_domain=code == at_domain)
            elif person.known and not person.as_contact and customer and customer not in person.customers:
                _note(engagements, person, customer, view, at_domain=False)
    return (
        *_say(unknown, _unknown_sentence, _adding),
        *_say(engagements, _engagement_sentence, _engaging),
    )


def _note(
    seen: dict[tuple[str, str], _Sighting], person: Person, customer: str, view: View, *, at_domain: bool
) -> None:
    sighting = seen.setdefault((customer, person.address), _Sighting())
    sighting.name = max(sighting.name, view.name_of(person))
    sighting.messages.add(view.message.key)
    sighting.at_domain = sighting.at_domain or at_domain


def _say(
    seen: dict[tuple[str, str], _Sighting],
    sentence_of: Callable[[str, str, _Sighting], Sentence],
    command_of: Callable[[str, str, _Sighting], str],
) -> Iterator[Finding]:
    ordered = sorted(seen.items(), key=lambda item: (item[0][0], -len(item[1].messages), item[0][1]))
    for (customer, address), sighting in ordered:
        yield Finding(
            kind="candidate",
            subject=address,
            customer=customer,
            sentence=sentence_of(customer, address, sighting),
            command=command_of(customer, address, sighting),
        )


def _unknown_sentence(customer: str, address: str, sighting: _Sighting) -> Sentence:
    template = (
        N_("{name} <{address}> is at the domain of {customer} and in no registry: {count} message(s)")
        if sighting.at_domain
        else N_(
            "{name} <{address}> takes part in conversations of {customer} and is in no registry: {count} message(s)"
        )
    )
    return Sentence.of(
        template,
        name=sighting.name or address.partition("@")[0],
        address=address,
        customer=customer,
        count=len(sighting.messages),
    )


def _adding(customer: str, address: str, sighting: _Sighting) -> str:
    """The command that registers the person. Names come from mail: they are quoted for the shell."""
    words = ["mailsync", "contacts", "add", "--code", customer]
    name = one_line(sighting.name)
    if name and not name.startswith("-"):
        words += ["--name", name]
    domain = domain_of(address)
    if not sighting.at_domain and not is_public_provider(domain):
        # Another company takes part: most likely a service of some kind, and for sure not the customer itself.
        words += ["--role", "forwarder", "--company", domain.partition(".")[0].capitalize()]
    return shlex.join([*words, "--email", address])


def _engaging(customer: str, address: str, _: _Sighting) -> str:
    return f"mailsync contacts edit {shlex.quote(address)} --add-code {customer}"


def _engagement_sentence(customer: str, address: str, sighting: _Sighting) -> Sentence:
    return Sentence.of(
        N_(
            "{name} <{address}> wrote or received {count} message(s) about {customer} but is not engaged with it"
        ),
        name=sighting.name or address.partition("@")[0],
        address=address,
        customer=customer,
        count=len(sighting.messages),
    )
