"""Who and which codes stand in a message, as a person is told."""

from __future__ import annotations

import pytest

from mailsync.conversations.contents import codes_seen, people_seen
from mailsync.conversations.evidence import View, look
from mailsync.conversations.people import Acquaintance
from mailsync.conversations.reading import CodeReader
from mailsync.mailbox.headers import Message
from tests.unit.conversation_worlds import OWN, ROSTER, mail

READER = CodeReader(ROSTER)


def view(message: Message) -> View:
    return look([message], READER, Acquaintance(ROSTER, OWN))[0]


@pytest.mark.parametrize(
    "subject, told",
    [
        ("Re: D12 AUGI order", ["D12 canonical D12"]),
        ("F03 order", ["F03 superseded D12"]),
        ("[d12] order", ["d12 malformed D12"]),
        ("D99 order", ["D99 unknown -"]),
        ("A 20 ft container", []),
        ("a 4 m cloth", ["a 4 doubtful A04"]),
        ("order D12 and E05", ["D12 canonical D12 later", "E05 canonical E05 later"]),
        ("D12 not E05", ["D12 canonical D12", "E05 canonical E05 later"]),
        ("order", []),
        ("D12 " + "E05 " * 300, ["D12 canonical D12"] + ["E05 canonical E05 later"] * 10),
    ],
)
def test_codes_with_their_spelling(subject: str, told: list[str]) -> None:
    seen = codes_seen(view(mail("m", "jane > me", subject)), READER)
    assert [
        f"{one.written} {one.spelling} {' '.join(one.customers) or '-'}{'' if one.first else ' later'}"
        for one in seen
    ] == told


def test_each_person_once_with_standing_and_whether_it_counts() -> None:
    message = mail("m", "jane > me jane wang", cc="lea lead stranger", bcc="kurt", reply_to="jane")
    people = people_seen(view(message), ROSTER, OWN)
    assert [(one.field, one.address.partition("@")[0], one.standing, one.counts) for one in people] == [
        ("From", "jane", "contact", True),
        ("To", "li.na", "own", False),
        ("To", "wang", "forwarder", True),
        ("Cc", "lea", "inspector", True),
        ("Cc", "lead", "uncoded", False),
        ("Cc", "someone", "unknown", False),
        ("Bcc", "kurt", "contact", False),
    ]
    assert people[2].customers == ("D12", "E05")


def test_of_a_bounce_the_people_of_the_message_it_is_about() -> None:
    bounce = mail("b", "daemon > me", returned=mail("s", "me > kurt").envelope)
    assert [one.address for one in people_seen(view(bounce), ROSTER, OWN)][1:] == ["kurt@keller.example"]
