"""Suggestions that are never filed, candidates to register, and what needs a person (DOMAIN 7 and 9)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mailsync.conversations.candidates import candidates
from mailsync.conversations.people import is_machine, is_public_provider
from mailsync.conversations.suggestions import (
    SuggestionSettings,
    attribution_findings,
    customer_domains,
    suggestions,
)
from mailsync.mailbox.headers import Message
from mailsync.run.actions import Finding
from tests.unit.conversation_worlds import OWN, ROSTER, mail, world


def suggested(messages: Sequence[Message], **settings: bool | int) -> list[tuple[str, str | None]]:
    made = world(messages)
    found = suggestions(made.attributions, ROSTER, OWN, SuggestionSettings(**settings))
    assert all(finding.kind == "suggestion" for finding in found)
    for finding in found:
        assert made.verdict(finding.subject.strip("<>").partition("@")[0]) == (None, "none")
    return [(finding.subject, finding.customer) for finding in found]


def test_domain_of_exactly_one_customer() -> None:
    assert suggested([mail("a", "newbie > me", "hello")]) == [("<a@x>", "D12")]


def test_who_asks_for_the_answer_counts_where_an_own_address_only_relays() -> None:
    relayed = mail("a", "mate > me", "order", reply_to="newbie")
    assert suggested([relayed]) == [("<a@x>", "D12")]


@pytest.mark.parametrize(
    "says, message",
    [
        ("a public mail provider names nobody", mail("a", "gmailer > me")),
        ("a forwarder's domain is no customer's", mail("a", "new@haiyun.example > me")),
        ("a domain of two customers", mail("a", "new@holding.example > me")),
        ("only the sender counts", mail("a", "me > newbie")),
        ("own people", mail("a", "mate > me")),
    ],
)
def test_no_suggestion_by_domain(says: str, message: Message) -> None:
    assert suggested([message]) == [], says


def test_the_domains_of_customers() -> None:
    assert customer_domains(ROSTER, OWN) == {"gibson.example": "D12", "keller.example": "E05"}


def test_same_subject_with_the_same_unknown_person() -> None:
    first = mail("a", "me > bank", "D12 payment")
    assert suggested([first, mail("b", "bank > me", "Re: payment", day=60)]) == [("<b@x>", "D12")]
    assert suggested([first, mail("b", "bank > me", "Re: payment", day=61)]) == []
    assert suggested([first, mail("b", "stranger > me", "payment")]) == []
    assert suggested([first, mail("b", "bank > me", "other")]) == []
    assert suggested([mail("a", "me > bank", "D12"), mail("b", "bank > me", "")]) == []
    assert suggested([first, mail("b", "bank > me", "payment", bulk=True)]) == []
    assert suggested([first, mail("c", "me > bank", "E05 payment"), mail("b", "bank > me", "payment")]) == []


def test_suggestions_are_settings() -> None:
    messages = [mail("a", "me > bank", "D12 pay"), mail("b", "bank > me", "pay"), mail("c", "newbie > me")]
    assert suggested(messages, domain=False) == [("<b@x>", "D12")]
    assert suggested(messages, subject_thread=False) == [("<c@x>", "D12")]
    late = [mail("a", "me > bank", "D12 pay"), mail("b", "bank > me", "pay", day=9)]
    assert suggested(late, subject_thread_days=8) == []


def proposed(messages: Sequence[Message]) -> list[tuple[str, str | None, int]]:
    found: Sequence[Finding] = candidates(world(messages).attributions, ROSTER, OWN)
    assert all(finding.kind == "candidate" for finding in found)
    return [
        (finding.subject, finding.customer, int(dict(finding.sentence.fields)["count"])) for finding in found
    ]


def test_unknown_people_inside_a_customers_conversations() -> None:
    messages = [
        mail("a", "jane > me", cc="stranger"),
        mail("b", "me > jane stranger bank", after="a"),
        mail("c", "bank > me", after="b"),
        mail("d", "stranger > me", after="b"),
    ]
    assert proposed(messages) == [
        ("someone@far.example", "D12", 3),
        ("desk@bank.example", "D12", 2),
    ]


def test_unknown_people_at_a_customers_domain() -> None:
    assert proposed([mail("a", "newbie > me")]) == [("newbie@gibson.example", "D12", 1)]
    found = candidates(world([mail("a", "newbie > me")]).attributions, ROSTER, OWN)
    assert str(found[0].sentence) == (
        "Newbie <newbie@gibson.example> is at the domain of D12 and in no registry: 1 message(s)"
    )


def test_machines_own_people_and_bulk_senders_are_no_candidates() -> None:
    messages = [
        mail("a", "jane > me mate no-reply@far.example"),
        mail("b", "stranger > me", after="a", bulk=True),
        mail("c", "postmaster > me", after="a"),
    ]
    assert proposed(messages) == []


def test_engagements_to_register() -> None:
    found = candidates(world([mail("a", "wang > me", "A04 x")]).attributions, ROSTER, OWN)
    assert [(finding.subject, finding.customer) for finding in found] == [("wang@shunda.example", "A04")]
    assert "is not engaged with it" in str(found[0].sentence)
    assert proposed([mail("a", "wang > me", "D12 x")]) == []


def test_ambiguous_and_wrongly_coded_mail_is_reported() -> None:
    messages = [
        mail("a", "wang > me", "booking"),
        mail("b", "jane > me", "E05 x"),
        mail("c", "me > jane", "E05 x"),
        mail("d", "jane > me", "e05 x"),
        mail("e", "bank > me"),
    ]
    found = attribution_findings(world(messages).attributions)
    assert [(finding.kind, finding.subject) for finding in found] == [
        ("ambiguous", "<a@x>"),
        ("wrong-code", "<b@x>"),
    ]


def test_a_message_without_id_is_named_by_its_place() -> None:
    found = attribution_findings(world([mail("a", "wang > me", id=None)]).attributions)
    assert found[0].subject == "INBOX;UID=1"


@pytest.mark.parametrize("domain", ["gmail.com", "163.com", "qq.com", "yahoo.co.uk", "hotmail.fr", "web.de"])
def test_public_mail_providers(domain: str) -> None:
    assert is_public_provider(domain)
    assert not is_public_provider("gibson.example")


def test_machines() -> None:
    assert is_machine("no-reply@x.example") and is_machine("noreply+7@x.example")
    assert not is_machine("jane@x.example")
