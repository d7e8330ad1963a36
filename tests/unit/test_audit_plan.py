"""Verdicts on sent messages with their people and conversations (DOMAIN 6), and compliance."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mailsync.audit.plan import AuditSettings, SubjectVerdict, audit, compliance, compliance_by
from mailsync.mailbox.headers import Message
from tests.unit.conversation_worlds import OWN, ROSTER, mail, world


@dataclass(frozen=True)
class Case:
    """Messages, and the verdict on each: `verdict customer suggestion`, `-` for none."""

    says: str
    messages: list[Message]
    expected: dict[str, tuple[str, str | None, str | None]]
    filed: dict[str, str] = field(default_factory=dict)


CASES = [
    Case(
        "to unknown people in a conversation of several customers",
        [
            mail("m", "me > bank", "payment"),
            mail("a", "jane > me", after="m"),
            mail("b", "kurt > me", after="m"),
        ],
        {"m": ("missing", None, None)},
    ),
    Case("internal mail", [mail("m", "me > mate", "lunch")], {"m": ("not_applicable", None, None)}),
    Case("to unknown people", [mail("m", "me > bank", "payment")], {"m": ("not_applicable", None, None)}),
    Case(
        "to unknown people, with a code nobody has",
        [mail("m", "me > bank", "D99 x")],
        {"m": ("not_applicable", None, None)},
    ),
    Case("to uncoded leads", [mail("m", "me > lead", "hello")], {"m": ("not_applicable", None, None)}),
    Case(
        "internal mail in a customer's conversation is judged",
        [mail("q", "jane > me"), mail("m", "me > mate", "check", after="q")],
        {"m": ("missing", "D12", "D12 check")},
    ),
    Case(
        "internal mail with a code is judged",
        [mail("m", "me > mate", "d12 x")],
        {"m": ("malformed", "D12", "D12 x")},
    ),
    Case("to unknown people with a code", [mail("m", "me > bank", "D12 x")], {"m": ("ok", "D12", None)}),
    Case(
        "to unknown people in a customer's conversation",
        [mail("q", "jane > me"), mail("m", "me > bank", "payment", after="q")],
        {"m": ("missing", "D12", "D12 payment")},
    ),
    Case(
        "the code of the customer the mail is about, not of the thread it was recycled from",
        [mail("q", "kurt > me"), mail("m", "me > jane", "E05 x", after="q")],
        {"m": ("wrong_customer", "D12", "D12 x")},
    ),
    Case("ok", [mail("m", "me > jane", "Re: D12 x")], {"m": ("ok", "D12", None)}),
    Case("ok to a shared forwarder", [mail("m", "me > wang", "E05 x")], {"m": ("ok", "E05", None)}),
    Case(
        "malformed to a shared forwarder",
        [mail("m", "me > wang", "e05 x")],
        {"m": ("malformed", "E05", "E05 x")},
    ),
    Case("superseded", [mail("m", "me > jane", "F03 x")], {"m": ("superseded", "D12", "D12 x")}),
    Case(
        "a shared forwarder without code", [mail("m", "me > wang", "booking")], {"m": ("missing", None, None)}
    ),
    Case(
        "a shared forwarder, unknown code",
        [mail("m", "me > wang", "D99 x")],
        {"m": ("unknown_code", None, None)},
    ),
    Case(
        "a contact of two customers, a third one's code",
        [mail("m", "me > both", "A04 x")],
        {"m": ("wrong_customer", None, None)},
    ),
    Case(
        "a contact of two customers, what looks like a third one's code",
        [mail("m", "me > both", "A4 paper")],
        {"m": ("missing", None, None)},
    ),
    Case(
        "a shared forwarder, a sloppy code of a customer it does not serve yet",
        [mail("m", "me > wang", "a-04 paper")],
        {"m": ("malformed", "A04", "A04 paper")},
    ),
    Case(
        "a leak without code", [mail("m", "me > jane kurt", "prices")], {"m": ("cross_customer", None, None)}
    ),
    Case(
        "a leak whatever the subject says",
        [mail("m", "me > jane kurt", "D12 prices")],
        {"m": ("cross_customer", "D12", "D12 prices")},
    ),
    Case(
        "a leak in Bcc",
        [mail("m", "me > jane", "D12 x", bcc="kurt")],
        {"m": ("cross_customer", "D12", "D12 x")},
    ),
    Case(
        "a forwarder of one other customer is that customer's people",
        [mail("m", "me > jane lin", "prices")],
        {"m": ("cross_customer", "D12", "D12 prices")},
    ),
    Case("shared forwarders don't count", [mail("m", "me > jane zhao", "D12 x")], {"m": ("ok", "D12", None)}),
    Case("shared inspectors don't count", [mail("m", "me > kurt lea", "E05 x")], {"m": ("ok", "E05", None)}),
    Case(
        "one contact of two customers is no leak",
        [mail("m", "me > both", "D12 x")],
        {"m": ("ok", "D12", None)},
    ),
    Case(
        "nor beside a contact of one of them",
        [mail("m", "me > both jane", "D12 x")],
        {"m": ("ok", "D12", None)},
    ),
    Case("own people don't count", [mail("m", "me > jane mate boss", "D12 x")], {"m": ("ok", "D12", None)}),
    Case(
        "filed by hand",
        [mail("m", "me > wang", "booking")],
        {"m": ("missing", "E05", "E05 booking")},
        {"m": "E05"},
    ),
    Case(
        "only what lies in a Sent mailbox",
        [mail("m", "me > jane", "x"), mail("n", "mate > jane", "x")],
        {"m": ("missing", "D12", "D12 x")},
    ),
]


def judged(messages: list[Message], filed: dict[str, str] | None = None) -> dict[str, SubjectVerdict]:
    made = world(messages, filed)
    verdicts = audit(list(made.messages.values()), made.attributions.by_key, ROSTER, OWN)
    names = {message.key: name for name, message in made.messages.items()}
    return {names[verdict.key]: verdict for verdict in verdicts}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_each_sentence_of_the_domain(case: Case) -> None:
    verdicts = judged(case.messages, case.filed)
    sent = {name: (found.verdict, found.customer, found.suggestion) for name, found in verdicts.items()}
    assert {name: sent[name] for name in case.expected} == case.expected
    assert set(sent) == {message.fingerprint for message in case.messages if message.role == "sent"}


def test_every_verdict_but_two_carries_the_subject_to_write() -> None:
    for case in CASES:
        for found in judged(case.messages, case.filed).values():
            needed = found.verdict not in ("ok", "not_applicable") and found.customer is not None
            assert (found.suggestion is not None) == needed


def test_candidates_stand_in_the_note_where_no_customer_is_decided() -> None:
    found = judged([mail("m", "me > wang", "booking")])["m"]
    assert found.candidates == ("D12", "E05")
    assert "D12, E05" in str(found.note)


def test_a_leak_names_the_customers() -> None:
    found = judged([mail("m", "me > jane kurt", "prices")])["m"]
    assert str(found.note) == "Went to people of several customers at once: D12, E05"


def test_plain_words_are_a_setting() -> None:
    made = world([mail("m", "me > jane", "D12 AUTO x")])
    settings = AuditSettings(plain_words=frozenset())
    (found,) = audit(list(made.messages.values()), made.attributions.by_key, ROSTER, OWN, settings)
    assert (found.verdict, found.suggestion) == ("malformed", "D12 AUGI x")


def test_compliance_counts_what_needs_a_code() -> None:
    verdicts = judged(
        [
            mail("a", "me > jane", "D12 x"),
            mail("b", "me > jane", "x"),
            mail("c", "me > kurt", "E05 x"),
            mail("d", "me > mate", "lunch"),
            mail("e", "me > wang", "booking"),
        ]
    ).values()
    assert (compliance(verdicts).ok, compliance(verdicts).applicable) == (2, 4)
    by_customer = {code: found.share for code, found in compliance_by(verdicts).items()}
    assert by_customer == {"D12": 0.5, "E05": 1.0, None: 0.0}
    by_mailbox = compliance_by(verdicts, lambda verdict: verdict.key.mailbox)
    assert by_mailbox["SENT"].share == 0.5
    assert compliance([]).share == 1.0
