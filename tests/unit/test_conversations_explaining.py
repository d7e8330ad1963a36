"""Why a message is whose it is: what was weighed is what decided (DOMAIN 7)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.conversations.attribution import Attributions, attribute
from mailsync.mailbox.headers import Message
from tests.unit.conversation_worlds import OWN, ROSTER, World, mail, world
from tests.unit.test_conversations_attribution import ALL, Scenario, _bounce, _headers, mailboxes


def explained(messages: list[Message], filed: Mapping[str, str] | None = None) -> tuple[World, Attributions]:
    """A world, and the same with every message explained."""
    made = world(messages, filed)
    numbered = list(made.messages.values())
    by_hand = {made.messages[name].key: code for name, code in (filed or {}).items()}
    keys = {message.key for message in numbered}
    return made, attribute(numbered, ROSTER, OWN, hand_filed=by_hand, explain=keys)


def agree(messages: list[Message], filed: Mapping[str, str] | None = None) -> None:
    """The first row that names one customer is marked, and is what the attribution says; nothing is said of others."""
    made, told = explained(messages, filed)
    assert told.by_key == made.attributions.by_key
    for key, attribution in made.attributions.by_key.items():
        rows = told.explanations[key].weighed
        first = next((row for row in rows if row.customer), None)
        assert [row for row in rows if row.decides] == ([first] if first else [])
        found = (first.customer, first.evidence) if first else (None, attribution.evidence)
        assert found == (attribution.customer, attribution.evidence)
        assert key in told.explanations[key].thread
        for row in rows:
            assert row.customer is None or row.named == (row.customer,)
            assert key not in row.by or row.evidence == "filed"
            speakers = [made.attributions[one] for one in row.by if one in made.attributions.by_key]
            if row.evidence == "thread" and row.customer:
                assert {one.customer for one in speakers} == {row.customer}


@given(mailboxes(), st.dictionaries(st.integers(0, 8), st.sampled_from(["D12", "E05", "F03", "Z99"])))
def test_what_is_told_to_decide_is_what_decided(messages: list[Message], filed: dict[int, str]) -> None:
    names = [message.fingerprint for message in messages]
    agree(messages, {names[at]: code for at, code in filed.items() if at < len(names)})


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.says)
def test_every_sentence_of_the_domain_is_told_as_decided(scenario: Scenario) -> None:
    agree(scenario.messages, scenario.filed)


def said(messages: list[Message], name: str, filed: Mapping[str, str] | None = None) -> list[str]:
    """The rows of a message: `*` where it decides, evidence, customers, sentence."""
    made, told = explained(messages, filed)
    return [
        f"{'*' if row.decides else ''}{row.evidence} {' '.join(row.named) or '-'}: {row.sentence}"
        for row in told.explanations[made.messages[name].key].weighed
    ]


def test_people_beat_a_wrong_code() -> None:
    assert said([mail("a", "jane > me", "E05 x")], "a") == [
        "*participant D12: jane@gibson.example is a contact of D12",
        "filed -: Nobody filed a message of this conversation by hand",
        "code E05: The subject begins with “E05”, the code of E05",
        "thread -: No other message of its conversation is known",
    ]


def test_a_code_between_the_customers_of_a_forwarder() -> None:
    assert said([mail("a", "wang > me", "d12 x")], "a") == [
        "participant D12 E05: wang@shunda.example works for D12, E05",
        "filed -: Nobody filed a message of this conversation by hand",
        "*code D12: The subject begins with “d12”, the code of D12",
        "thread -: No other message of its conversation is known",
    ]


def test_a_conversation_names_who_told() -> None:
    chain = [
        mail("a", "kurt > me", day=1),
        mail("b", "bank > me", after="a", day=2),
        mail("c", "jane > me", after="b", day=3),
        mail("d", "bank > me", after="c", day=4),
    ]
    assert said(chain, "d")[-1] == ("*thread D12: 3 other message(s); the nearest that tells is of D12")
    made, told = explained(chain)
    explanation = told.explanations[made.messages["d"].key]
    assert explanation.weighed[-1].by == (made.messages["c"].key,)
    assert explanation.thread == tuple(made.messages[name].key for name in "abcd")
    assert said(chain, "b")[-1].startswith("*thread E05")


def test_a_persons_filing_names_the_message() -> None:
    chain = [mail("a", "bank > me"), mail("b", "bank > me", "D12 x", after="a", day=1)]
    assert said(chain, "b", {"a": "E05"})[1:3] == [
        "*filed E05: A person filed 1 message(s) of this conversation under E05",
        "code D12: The subject begins with “D12”, the code of D12",
    ]
    made, told = explained(chain, {"a": "E05"})
    assert told.explanations[made.messages["b"].key].weighed[1].by == (made.messages["a"].key,)


def test_between_contacts_of_several_the_conversation_is_not_asked() -> None:
    chain = [mail("a", "jane > me"), mail("b", "me > jane kurt", after="a")]
    assert said(chain, "b") == [
        "participant D12 E05: jane@gibson.example is a contact of D12; kurt@keller.example is a contact of E05",
        "filed -: Nobody filed a message of this conversation by hand",
        "code -: The subject begins with no code",
        "thread -: Not asked: contacts of several customers take part",
    ]


@pytest.mark.parametrize(
    "route, subject, bulk, words",
    [
        ("stranger > me", "D12 x", True, "it does not count in bulk mail from unknown people"),
        ("stranger > me", "d12 x", False, "from unknown people alone only the exact code counts"),
        ("wang > me", "A 04 x", False, ""),
        ("stranger > me", "D99 x", False, "a code that nobody has"),
    ],
)
def test_why_a_code_does_not_count(route: str, subject: str, bulk: bool, words: str) -> None:
    assert words in said([mail("a", route, subject, bulk=bulk)], "a")[2]


def test_many_people_are_counted() -> None:
    row = said([mail("a", "jane > me jim wang lea")], "a")[0]
    assert row.endswith("jim@gibson.example is a contact of D12; and 2 more")


def test_a_bounce_follows_the_message_it_is_about() -> None:
    sent = mail("s", "me > wang", "E05 x", id="s")
    bounce = _bounce("b", _headers("me > wang", "E05 x", id="s"))
    assert said([sent, bounce], "b")[0] == "*thread E05: This is a report about the message “E05 x”"
    assert said([bounce], "b")[:2] == [
        "thread -: This is a report about the message “E05 x”: that message is not here, its headers tell",
        "participant D12 E05: wang@shunda.example works for D12, E05",
    ]


def test_a_receipt_names_its_people() -> None:
    assert said([_bounce("b", _headers("me > bank", "E05 x"), sender="jane")], "b")[1] == (
        "*participant D12: The report came from people of D12, or went to them; "
        "Nobody in it is registered with a customer"
    )
