"""The truth agrees with what is right, and with nothing else."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from mailsync.demo import world
from mailsync.demo.snapshots import FoundMessage
from mailsync.demo.truth import Truth


@pytest.fixture(scope="module")
def truth() -> Truth:
    return world.build(datetime(2026, 5, 4, 9, 30, tzinfo=UTC)).truth


def right_answers(truth: Truth) -> list[dict[str, Any]]:
    """The objects that a run without any mistake would print (FORMATS 3)."""
    results: dict[str, dict[str, Any]] = {}
    for message in truth.messages:
        result = results.setdefault(message.account, _empty(message.account))
        if message.attributed:
            row = {"mailbox": message.mailbox, "uid": message.uid, "customer": message.customer}
            result["attributions"].append(row | {"evidence": min(message.evidence)})
            if message.verdict:
                result["audit"].append(row | {"verdict": message.verdict})
    for card in truth.cards:
        result = results.setdefault(card.account, _empty(card.account))
        result["cards"].append(
            {
                "book": f"http://127.0.0.1:5232{card.book}",
                "href": f"{card.book}{card.card or 'new.vcf'}",
                "action": min(card.actions),
                "after": card.after,
            }
        )
    return list(results.values())


def _empty(account: str) -> dict[str, Any]:
    return {"account": account, "attributions": [], "audit": [], "cards": []}


def testright_answers_agree_wholly(truth: Truth) -> None:
    agreement = truth.compare(right_answers(truth))
    assert not agreement.wrong and not agreement.evidence_differs and not agreement.wrong_customer
    assert agreement.cards_right == agreement.cards_total == len(truth.cards)
    assert agreement.messages_right == agreement.messages_total == len(truth.messages) - 9


@pytest.mark.parametrize(
    ("name", "field", "value", "place"),
    [
        ("attributions", "customer", "E99", "messages"),
        ("audit", "verdict", "wrong", "messages"),
        ("cards", "after", "D12 Somebody", "cards"),
        ("cards", "action", "unmatched", "cards"),
    ],
)
def test_one_wrong_answer_is_seen(truth: Truth, name: str, field: str, value: str, place: str) -> None:
    answers = copy.deepcopy(right_answers(truth))
    row = next(row for row in answers[0][name] if name != "cards" or row["action"] in ("rename", "create"))
    row[field] = value
    agreement = truth.compare(answers)
    assert len(agreement.wrong) >= 1
    assert agreement.wrong_customer == (field == "customer")
    right, total = getattr(agreement, f"{place}_right"), getattr(agreement, f"{place}_total")
    assert right == total - len(agreement.wrong)


def test_silence_and_needless_cards_are_seen(truth: Truth) -> None:
    answers = copy.deepcopy(right_answers(truth))
    silent = answers[0]["attributions"].pop(0)
    answers[0]["cards"].append(
        {
            "book": "http://x/li.na/contacts/",
            "href": "/li.na/contacts/n.vcf",
            "action": "create",
            "after": "D12 X/Y/Z",
        }
    )
    agreement = truth.compare(answers)
    assert {one.said for one in agreement.wrong} == {"not reported", "create D12 X/Y/Z"}
    assert silent["mailbox"] in agreement.wrong[0].what


def test_another_reason_is_told_apart_from_a_wrong_answer(truth: Truth) -> None:
    answers = copy.deepcopy(right_answers(truth))
    answers[0]["attributions"][0]["evidence"] = "guess"
    agreement = truth.compare(answers)
    assert not agreement.wrong and [one.said for one in agreement.evidence_differs] == ["guess"]


def test_misplaced_and_lost_messages_are_seen(truth: Truth) -> None:
    found: dict[str, list[FoundMessage]] = {}
    for message in truth.messages:
        lying = FoundMessage(message.folder, message.message_id or "", message.fingerprint, frozenset(), "")
        found.setdefault(message.account, []).append(lying)
    assert not truth.misplaced(found)
    account = truth.messages[0].account
    first, second, *rest = found[account]
    found[account] = [first._replace(mailbox="Elsewhere"), *rest]
    assert [one.said for one in truth.misplaced(found)] == ["Elsewhere", "nowhere"]
    assert second not in rest
