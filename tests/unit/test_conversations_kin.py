"""What happens to a message concerns its kin and nobody else (conversations.kin)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mailsync.conversations.attribution import attribute
from mailsync.conversations.kin import Kin
from mailsync.mailbox.headers import Message, MessageKey
from tests.unit.conversation_worlds import OWN, ROSTER, mail
from tests.unit.test_conversations_attribution import NAMES, mailboxes


def numbered(messages: list[Message]) -> list[Message]:
    return [replace(message, key=message.key._replace(uid=uid)) for uid, message in enumerate(messages, 1)]


def keys(messages: list[Message]) -> list[MessageKey]:
    return [message.key for message in messages]


def test_an_answer_joins_what_was_apart() -> None:
    first, second, other = numbered(
        [mail("a", "jane > me"), mail("b", "kurt > me"), mail("c", "bank > me", "x", day=1)]
    )
    kin = Kin([first, second, other])
    assert kin.of([first.key]) == {first.key}
    joins = replace(mail("d", "bank > me", refs="a b"), key=MessageKey("INBOX", 1, 9))
    kin.add([joins])
    assert kin.of([second.key]) == {first.key, second.key, joins.key}
    kin.drop([joins.key])
    assert kin.of([second.key]) == {first.key, second.key}
    assert kin.of([joins.key]) == set()


def test_messages_that_answer_the_same_missing_one_are_kin() -> None:
    one, other = numbered([mail("a", "jane > me", after="lost"), mail("b", "bank > me", after="lost")])
    assert Kin([one, other]).of([one.key]) == {one.key, other.key}


def test_equal_messages_without_ids_are_kin() -> None:
    first = mail("a", "jane > me", id=None)
    one, other = numbered([first, first])
    assert Kin([one, other]).of([one.key]) == {one.key, other.key}


@given(mailboxes(), st.dictionaries(NAMES, st.sampled_from(["D12", "E05"])), st.data())
def test_kin_alone_are_judged_as_among_all(
    messages: list[Message], filed: dict[str, str], data: st.DataObject
) -> None:
    everyone = numbered(messages)
    chosen = data.draw(st.sampled_from(everyone))
    kin = Kin(everyone).of([chosen.key])
    hand = {one.key: filed[f"m{one.key.uid}"] for one in everyone if f"m{one.key.uid}" in filed}
    whole = attribute(everyone, ROSTER, OWN, hand_filed=hand)
    part = attribute([one for one in everyone if one.key in kin], ROSTER, OWN, hand_filed=hand)
    assert part.by_key == {key: whole.by_key[key] for key in kin}
    assert part.threads == {key: whole.threads[key] for key in kin}
    apart = {whole.threads[key] for key in keys(everyone) if key not in kin}
    assert apart.isdisjoint(part.threads.values())
