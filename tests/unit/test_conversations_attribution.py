"""Which customer a message belongs to: each sentence of DOMAIN 7 as a small world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.conversations.attribution import attribute
from mailsync.conversations.copies import Member
from mailsync.conversations.threads import thread
from mailsync.mailbox.headers import Envelope, Message
from tests.unit.conversation_worlds import OWN, ROSTER, START, mail, people, steps, world

OUTLOOK = "01db2f" + "ab" * 19
OTHER_OUTLOOK = "01db30" + "cd" * 19


@dataclass(frozen=True)
class Scenario:
    """Messages, and what each is to be: `customer evidence`, `-` for no customer."""

    says: str
    messages: list[Message]
    expected: dict[str, str]
    filed: dict[str, str] = field(default_factory=dict)


PARTICIPANT = [
    Scenario("incoming: From", [mail("m", "jane > me", "hello")], {"m": "D12 participant"}),
    Scenario("incoming: Reply-To", [mail("m", "stranger > me", reply_to="jane")], {"m": "D12 participant"}),
    Scenario("incoming: To", [mail("m", "stranger > me jane")], {"m": "D12 participant"}),
    Scenario("incoming: Cc", [mail("m", "stranger > me", cc="jane")], {"m": "D12 participant"}),
    Scenario("incoming: Bcc is nobody's business", [mail("m", "stranger > me", bcc="jane")], {"m": "- none"}),
    Scenario("outgoing: To", [mail("m", "me > jane")], {"m": "D12 participant"}),
    Scenario("outgoing: Cc", [mail("m", "me > stranger", cc="jane")], {"m": "D12 participant"}),
    Scenario("outgoing: Bcc", [mail("m", "me > stranger", bcc="jane")], {"m": "D12 participant"}),
    Scenario(
        "outgoing: Reply-To does not count", [mail("m", "me > stranger", reply_to="jane")], {"m": "- none"}
    ),
    Scenario(
        "outgoing also where a colleague's mail lies in INBOX",
        [mail("m", "mate > me jane")],
        {"m": "D12 participant"},
    ),
    Scenario(
        "outgoing also from an unknown alias in Sent: From does not count",
        [mail("m", "jane > stranger", role="sent")],
        {"m": "- none"},
    ),
    Scenario("contacts of exactly one customer", [mail("m", "jane > me jim")], {"m": "D12 participant"}),
    Scenario("contacts beat a shared forwarder", [mail("m", "me > jane zhao")], {"m": "D12 participant"}),
    Scenario("contacts beat another's forwarder", [mail("m", "me > jane lin")], {"m": "D12 participant"}),
    Scenario("a forwarder of one customer", [mail("m", "lin > me")], {"m": "E05 participant"}),
    Scenario("one customer common to all", [mail("m", "wang > me zhao")], {"m": "E05 participant"}),
    Scenario("common to forwarder and inspector", [mail("m", "me > wang lea")], {"m": "D12 participant"}),
    Scenario(
        "a contact of two, and a contact of one", [mail("m", "me > both jane")], {"m": "D12 participant"}
    ),
    Scenario("a contact of two, and a forwarder", [mail("m", "me > both lea")], {"m": "D12 participant"}),
    Scenario(
        "unknown people beside known ones don't matter",
        [mail("m", "me > jane bank")],
        {"m": "D12 participant"},
    ),
    Scenario("it beats a wrong code", [mail("m", "jane > me", "E05 price")], {"m": "D12 participant"}),
    Scenario(
        "also a forwarder's of one customer", [mail("m", "lin > me", "D12 price")], {"m": "E05 participant"}
    ),
    Scenario(
        "it beats a recycled thread",
        [mail("a", "kurt > me"), mail("b", "jane > me", after="a")],
        {"a": "E05 participant", "b": "D12 participant"},
    ),
    Scenario("own people are never evidence", [mail("m", "mate > me")], {"m": "- none"}),
    Scenario(
        "relayed by an own address: Reply-To names who wrote it",
        [mail("m", "sales@ourcompany.example > sales@ourcompany.example", "hello", reply_to="jane")],
        {"m": "D12 participant"},
    ),
    Scenario(
        "relayed by an own address: it beats a wrong code",
        [mail("m", "sales@ourcompany.example > me", "E05 prices", reply_to="jane", bulk=True)],
        {"m": "D12 participant"},
    ),
    Scenario(
        "relayed by an own address for an unknown person: no internal mail",
        [mail("m", "sales@ourcompany.example > me", "d12 prices", reply_to="stranger")],
        {"m": "- none"},
    ),
    Scenario(
        "relayed by an own address: all who stand in it count",
        [
            mail("m", "mate > me wang", "hello", reply_to="jane"),
            mail("n", "mate > me", "hello", cc="jane", reply_to="kurt"),
        ],
        {"m": "D12 participant", "n": "- ambiguous"},
    ),
    Scenario(
        "a colleague who asks for answers to another own address writes internal mail",
        [mail("m", "mate > me", "d12 prices", reply_to="boss")],
        {"m": "D12 code"},
    ),
    Scenario("uncoded contacts count as unknown", [mail("m", "lead > me")], {"m": "- none"}),
]

CODE = [
    Scenario(
        "between customers of a shared forwarder", [mail("m", "wang > me", "D12 booking")], {"m": "D12 code"}
    ),
    Scenario(
        "behind marks and tags", [mail("m", "wang > me", "答复: [EXTERNAL] Re: E05 x")], {"m": "E05 code"}
    ),
    Scenario("full code", [mail("m", "me > wang", "D12 AUGI booking")], {"m": "D12 code"}),
    Scenario("superseded code", [mail("m", "me > wang", "F03 booking")], {"m": "D12 code"}),
    Scenario("malformed but unique", [mail("m", "me > wang", "[d12] booking")], {"m": "D12 code"}),
    Scenario("a code not first says nothing", [mail("m", "me > wang", "booking D12")], {"m": "- ambiguous"}),
    Scenario("no code", [mail("m", "me > wang", "booking")], {"m": "- ambiguous"}),
    Scenario(
        "between several customers' contacts", [mail("m", "me > jane kurt", "E05 x")], {"m": "E05 code"}
    ),
    Scenario("a contact of two customers", [mail("m", "both > me", "E05 x")], {"m": "E05 code"}),
    Scenario("internal mail", [mail("m", "mate > me", "D12 x")], {"m": "D12 code"}),
    Scenario("internal mail, malformed", [mail("m", "mate > me", "d 12 x")], {"m": "D12 code"}),
    Scenario("internal mailing list", [mail("m", "mate > me", "D12 x", bulk=True)], {"m": "D12 code"}),
    Scenario(
        "outside the candidates, for shared people", [mail("m", "wang > me", "A04 x")], {"m": "A04 code"}
    ),
    Scenario(
        "malformed and outside the candidates, for shared people",
        [mail("m", "wang > me", "[A4] paper")],
        {"m": "A04 code"},
    ),
    Scenario(
        "outside the candidates and like a sentence",
        [mail("m", "wang > me", "a 4 month plan")],
        {"m": "- ambiguous"},
    ),
    Scenario(
        "outside the candidates, not between customers' contacts",
        [mail("m", "me > jane kurt", "A04 x")],
        {"m": "- ambiguous"},
    ),
    Scenario(
        "not for a contact of two customers either", [mail("m", "both > me", "A04 x")], {"m": "- ambiguous"}
    ),
    Scenario("unknown people: canonical code", [mail("m", "stranger > me", "D12 x")], {"m": "D12 code"}),
    Scenario("unknown people: full code", [mail("m", "me > stranger", "D12 AUGI x")], {"m": "D12 code"}),
    Scenario("unknown people: superseded code", [mail("m", "stranger > me", "F03 x")], {"m": "D12 code"}),
    Scenario("unknown people: channel code", [mail("m", "stranger > me", "012 x")], {"m": "012 code"}),
    Scenario("unknown people: malformed", [mail("m", "stranger > me", "d12 x")], {"m": "- none"}),
    Scenario("unknown people: A4 paper", [mail("m", "stranger > me", "A4 paper")], {"m": "- none"}),
    Scenario("unknown people: B2 visa", [mail("m", "stranger > me", "B2 visa")], {"m": "- none"}),
    Scenario("unknown people: a year", [mail("m", "stranger > me", "2019 samples")], {"m": "- none"}),
    Scenario("unknown people: per cent", [mail("m", "stranger > me", "012% off")], {"m": "- none"}),
    Scenario("internal mail: per cent", [mail("m", "mate > me", "012% off")], {"m": "- none"}),
    Scenario("shared people: per cent", [mail("m", "wang > me", "012.5 kg")], {"m": "- ambiguous"}),
    Scenario(
        "per cent is no other customer's code either",
        [mail("a", "jane > me"), mail("m", "both > me", "012% off", after="a")],
        {"m": "D12 thread"},
    ),
    Scenario(
        "bulk mail from unknown people", [mail("m", "stranger > me", "D12 x", bulk=True)], {"m": "- none"}
    ),
    Scenario("bulk mail from known people", [mail("m", "wang > me", "D12 x", bulk=True)], {"m": "D12 code"}),
    Scenario(
        "malformed from unknown people counts where the thread supports it",
        [mail("a", "jane > me"), mail("b", "stranger > me", "d12 x", after="a")],
        {"a": "D12 participant", "b": "D12 code"},
    ),
    Scenario(
        "also between the customers of one conversation",
        [
            mail("q", "bank > me"),
            mail("a", "jane > me", after="q"),
            mail("b", "kurt > me", after="q"),
            mail("c", "stranger > me", "e05 x", after="q"),
            mail("d", "stranger > me", "a04 x", after="q"),
        ],
        {"c": "E05 code", "d": "- ambiguous"},
    ),
    Scenario(
        "and not where the thread is another customer's",
        [mail("a", "kurt > me"), mail("b", "stranger > me", "d12 x", after="a")],
        {"b": "E05 thread"},
    ),
    Scenario(
        "malformed, outside the candidates of shared people, supported by the thread",
        [mail("a", "mate > me", "A04 x"), mail("b", "wang > me", "A4 x", after="a")],
        {"b": "A04 code"},
    ),
    Scenario(
        "a code is stronger than the thread",
        [mail("a", "jane > me"), mail("b", "stranger > me", "E05 x", after="a")],
        {"b": "E05 code"},
    ),
]

THREAD = [
    Scenario(
        "the bank inside a conversation",
        [
            mail("a", "jane > me"),
            mail("b", "me > bank", "payment", after="a"),
            mail("c", "bank > me", after="b"),
        ],
        {"b": "D12 thread", "c": "D12 thread"},
    ),
    Scenario(
        "by References alone",
        [mail("a", "jane > me"), mail("b", "bank > me", refs="a")],
        {"b": "D12 thread"},
    ),
    Scenario(
        "through a missing message",
        [mail("a", "jane > me"), mail("b", "bank > me", refs="a gone", after="gone")],
        {"b": "D12 thread"},
    ),
    Scenario(
        "by Outlook's Thread-Index, References dropped with the edited subject",
        [mail("a", "jane > me", index=OUTLOOK), mail("b", "bank > me", "new", index=OUTLOOK)],
        {"b": "D12 thread"},
    ),
    Scenario(
        "another Thread-Index is another conversation",
        [mail("a", "jane > me", index=OUTLOOK), mail("b", "bank > me", "new", index=OTHER_OUTLOOK)],
        {"b": "- none"},
    ),
    Scenario(
        "by Thread-Index: the nearest ancestor, five bytes a step",
        [
            mail("a", "jane > me", index=OUTLOOK),
            mail("b", "kurt > me", index=OUTLOOK + "11" * 5),
            mail("c", "bank > me", index=OUTLOOK + "11" * 5 + "22" * 5 + "33" * 5),
            mail("d", "bank > me", index=OUTLOOK + "44" * 5),
            mail("e", "bank > me", index=OUTLOOK + "11" * 4 + "55"),
        ],
        {"c": "E05 thread", "d": "D12 thread", "e": "D12 thread"},
    ),
    Scenario(
        "References that name a message are nearer than the Thread-Index",
        [
            mail("a", "jane > me", index=OUTLOOK),
            mail("b", "kurt > me"),
            mail("c", "bank > me", index=OUTLOOK + "11" * 5, after="b"),
            mail("d", "bank > me", index=OUTLOOK + "22" * 5, after="gone"),
        ],
        {"c": "E05 thread", "d": "D12 thread"},
    ),
    Scenario(
        "a Thread-Index that is cut off or empty says nothing",
        [
            mail("a", "jane > me", index="01db"),
            mail("b", "bank > me", index="01db"),
            mail("c", "jane > me", index="0" * 44),
            mail("d", "bank > me", index="0" * 44),
        ],
        {"b": "- none", "d": "- none"},
    ),
    Scenario(
        "the subject changed midway",
        [mail("a", "jane > me", "D12 x"), mail("b", "bank > me", "quite different", after="a")],
        {"b": "D12 thread"},
    ),
    Scenario(
        "the nearest ancestor decides",
        [
            mail("a", "kurt > me"),
            mail("b", "jane > me", refs="a"),
            mail("c", "bank > me", refs="a b"),
            mail("d", "bank > me", refs="a"),
        ],
        {"c": "D12 thread", "d": "E05 thread"},
    ),
    Scenario(
        "In-Reply-To is nearer than References that name another",
        [mail("a", "kurt > me"), mail("b", "jane > me"), mail("c", "bank > me", refs="a", after="b")],
        {"c": "D12 thread"},
    ),
    Scenario(
        "an ancestor decided by its thread only hands on what decided it",
        [mail("a", "jane > me"), mail("b", "bank > me", after="a"), mail("c", "stranger > me", after="b")],
        {"c": "D12 thread"},
    ),
    Scenario(
        "two nearest ancestors that differ",
        [mail("a", "kurt > me"), mail("b", "jane > me"), mail("c", "bank > me", after="a b")],
        {"c": "- ambiguous"},
    ),
    Scenario(
        "no decided ancestor: the other messages agree",
        [mail("a", "bank > me"), mail("b", "me > jane", after="a"), mail("c", "jim > me", after="b")],
        {"a": "D12 thread"},
    ),
    Scenario(
        "no decided ancestor: the other messages disagree",
        [mail("a", "bank > me"), mail("b", "me > jane", after="a"), mail("c", "me > kurt", after="a")],
        {"a": "- ambiguous"},
    ),
    Scenario(
        "siblings of a missing message",
        [mail("a", "jane > me", after="gone"), mail("b", "bank > me", after="gone")],
        {"b": "D12 thread"},
    ),
    Scenario(
        "a shared forwarder without code follows the conversation",
        [mail("a", "jane > me"), mail("b", "me > wang", "booking", after="a")],
        {"b": "D12 thread"},
    ),
    Scenario(
        "two customers' contacts and no code: ambiguous, whatever the thread says",
        [mail("a", "jane > me"), mail("b", "me > jane kurt", "prices", after="a")],
        {"b": "- ambiguous"},
    ),
    Scenario(
        "internal mail inside a conversation",
        [mail("a", "jane > me"), mail("b", "me > mate", "please check", after="a")],
        {"b": "D12 thread"},
    ),
    Scenario(
        "bulk mail follows its thread too",
        [mail("a", "jane > me"), mail("b", "stranger > me", "E05 x", after="a", bulk=True)],
        {"b": "D12 thread"},
    ),
    Scenario(
        "ids that relays replaced",
        [
            replace(
                mail("a", "jane > me"),
                envelope=replace(mail("a", "jane > me").envelope, other_ids=("<original@x>",)),
            ),
            mail("b", "bank > me", after="original"),
        ],
        {"b": "D12 thread"},
    ),
    Scenario(
        "an id that a relay replaced on the way: the copy that came back carries it",
        [
            mail("q", "jane > me"),
            mail("a", "me > bank mate", "payment", after="q", day=1),
            mail("b", "me > bank mate", "[list] payment", after="q", day=1, role="inbox", id="by-relay"),
            mail("c", "bank > me", "Re: payment", after="by-relay", day=2),
        ],
        {"b": "D12 thread", "c": "D12 thread"},
    ),
    Scenario(
        "a Sent copy that was saved before it had an id",
        [
            mail("a", "me > bank", "payment", bcc="jane", id=None),
            mail("b", "me > bank", "payment", role="inbox"),
            mail("c", "bank > me", "Re: payment", after="b", day=1),
        ],
        {"a": "D12 participant", "b": "D12 thread", "c": "D12 thread"},
    ),
    Scenario(
        "messages that differ in time, people, subject or what they answer are no copies",
        [
            mail("a", "me > bank", "payment", bcc="jane"),
            mail("b", "me > bank", "payment", day=1),
            mail("c", "me > bank", "other"),
            mail("d", "me > bank", "payment", cc="stranger"),
            mail("e", "me > bank", "payment", after="gone"),
        ],
        {"b": "- none", "c": "- none", "d": "- none", "e": "- none"},
    ),
    Scenario(
        "forms of a web site that come within one second are no copies",
        [
            mail("a", "mate > me", "inquiry", reply_to="jane"),
            mail("b", "mate > me", "inquiry", reply_to="stranger"),
        ],
        {"a": "D12 participant", "b": "- none"},
    ),
    Scenario(
        "neither are what machines write, nor many alike",
        [
            mail("a", "me > bank", "alarm", bcc="jane"),
            *(mail(f"b{n}", "me > bank", "alarm") for n in range(6)),
            *(
                replace(m, envelope=replace(m.envelope, automatic=True))
                for m in (mail("c", "me > bank", "receipt", bcc="jane"), mail("d", "me > bank", "receipt"))
            ),
        ],
        {"b0": "- none", "d": "- none"},
    ),
    Scenario(
        "a message that answers itself", [mail("a", "bank > me", after="a", refs="a a")], {"a": "- none"}
    ),
    Scenario(
        "a circle of answers",
        [
            mail("a", "bank > me", after="c"),
            mail("b", "bank > me", after="a"),
            mail("c", "jane > me", after="b"),
        ],
        {"a": "D12 thread", "b": "D12 thread"},
    ),
    Scenario(
        "copies of one message count once, and know what the other copy knows",
        [
            mail("a", "mate > stranger", bcc="jane", role="sent", id="one"),
            mail("b", "mate > stranger", role="inbox", id="one"),
        ],
        {"a": "D12 participant", "b": "D12 thread"},
    ),
    Scenario(
        "also where the conversation later becomes another customer's",
        [
            mail("a", "mate > stranger", bcc="jane", role="sent", id="one"),
            mail("b", "mate > stranger", role="inbox", id="one"),
            mail("c", "kurt > me", after="one"),
        ],
        {"b": "D12 thread", "c": "E05 participant"},
    ),
    Scenario(
        "different messages with one id don't join their conversations",
        [
            mail("a", "jane > me", "x", id="same"),
            mail("b", "kurt > me", "y", id="same", refs="root"),
            mail("h", "stranger > me", "other", refs="root"),
            mail("c", "bank > me", "payment", id="c"),
            mail("d", "me > jim", "x", refs="c"),
            mail("e", "bank > me", "Re: y", after="same"),
            mail("f", "bank > me", "z", after="same"),
        ],
        {"c": "D12 thread", "e": "E05 thread", "f": "- ambiguous", "h": "E05 thread"},
    ),
    Scenario(
        "ancestors beyond an id of different messages",
        [
            mail("a", "jane > me", "x"),
            mail("s1", "bank > me", "y", id="same"),
            mail("s2", "stranger > me", "z", id="same"),
            mail("c", "bank > me", "other", refs="a same"),
            mail("d", "bank > me", "other", refs="a same", after="same"),
            mail("e", "bank > me", "other", refs="a same gone"),
            mail("f", "bank > me", "nothing", after="same"),
        ],
        {"c": "D12 thread", "d": "D12 thread", "e": "D12 thread", "f": "- none", "s1": "- none"},
    ),
    Scenario(
        "an empty Message-ID is nobody's",
        [
            replace(m, envelope=replace(m.envelope, message_id="<>"))
            for m in (mail("a", "jane > me"), mail("b", "bank > me"))
        ],
        {"b": "- none"},
    ),
    Scenario(
        "no Message-ID at all",
        [mail("a", "jane > me", id=None), mail("b", "bank > me", id=None)],
        {"a": "D12 participant", "b": "- none"},
    ),
    Scenario("nobody known, no code, no thread", [mail("a", "bank > me", "hello")], {"a": "- none"}),
]

FILED = [
    Scenario(
        "evidence for the thread",
        [mail("a", "bank > me"), mail("b", "bank > me", after="a")],
        {"a": "D12 filed", "b": "D12 filed"},
        {"a": "D12"},
    ),
    Scenario("below participant", [mail("a", "jane > me")], {"a": "D12 participant"}, {"a": "E05"}),
    Scenario("before code", [mail("a", "stranger > me", "D12 x")], {"a": "E05 filed"}, {"a": "E05"}),
    Scenario(
        "before thread",
        [mail("a", "jane > me"), mail("b", "bank > me", after="a")],
        {"b": "E05 filed"},
        {"b": "E05"},
    ),
    Scenario(
        "decides between two customers' contacts",
        [mail("a", "me > jane kurt", "prices")],
        {"a": "E05 filed"},
        {"a": "E05"},
    ),
    Scenario("by a superseded code's folder", [mail("a", "bank > me")], {"a": "D12 filed"}, {"a": "F03"}),
    Scenario("of a customer that is gone", [mail("a", "bank > me")], {"a": "- none"}, {"a": "D77"}),
    Scenario(
        "filed under two customers: each as filed, an answer as its nearest ancestor",
        [
            mail("a", "bank > me"),
            mail("b", "bank > me", after="a"),
            mail("c", "stranger > me", after="b"),
        ],
        {"a": "D12 filed", "b": "E05 filed", "c": "E05 filed"},
        {"a": "D12", "b": "E05"},
    ),
]


def _bounce(name: str, returned: Envelope, *, sender: str = "daemon") -> Message:
    return mail(name, f"{sender} > me", "Undelivered Mail: D12", returned=returned)


def _headers(route: str, subject: str = "", *, id: str | None = "lost", after: str = "") -> Envelope:
    return mail("x", route, subject, id=id, after=after).envelope


BOUNCE = [
    Scenario(
        "follows the message it is about",
        [mail("a", "me > bank", "D12 payment"), _bounce("b", mail("a", "me > bank", "D12 payment").envelope)],
        {"a": "D12 code", "b": "D12 thread"},
    ),
    Scenario(
        "also where that was decided by its conversation",
        [
            mail("q", "jane > me"),
            mail("a", "me > bank", "payment", after="q"),
            _bounce("b", mail("a", "me > bank", "payment").envelope),
        ],
        {"a": "D12 thread", "b": "D12 thread"},
    ),
    Scenario(
        "also where the bounce's headers name people and that message was filed by hand",
        [mail("a", "me > wang", "x"), _bounce("b", mail("a", "me > wang", "x").envelope)],
        {"a": "E05 filed", "b": "E05 thread"},
        {"a": "E05"},
    ),
    Scenario(
        "by the returned headers: people", [_bounce("b", _headers("me > jane"))], {"b": "D12 participant"}
    ),
    Scenario(
        "by the returned headers: code", [_bounce("b", _headers("me > bank", "E05 x"))], {"b": "E05 code"}
    ),
    Scenario(
        "by the returned headers: conversation",
        [mail("a", "jane > me"), _bounce("b", _headers("me > bank", after="a"))],
        {"b": "D12 thread"},
    ),
    Scenario(
        "else nobody's, whatever its own subject says", [_bounce("b", _headers("me > bank"))], {"b": "- none"}
    ),
    Scenario(
        "a receipt of a known reader",
        [_bounce("b", _headers("me > bank", id=None), sender="jane")],
        {"b": "D12 participant"},
    ),
    Scenario(
        "a report about an incoming message: its author is outside",
        [mail("b", "me > jane", "Read: E05 x", returned=_headers("jane > me", "E05 x"))],
        {"b": "D12 participant"},
    ),
    Scenario(
        "also where others outside received it",
        [
            _bounce("b", _headers("kurt > me bank", "D12 x")),
            _bounce("c", _headers("kurt > me jane", id="lost2")),
        ],
        {"b": "E05 participant", "c": "- ambiguous"},
    ),
    Scenario(
        "a message sent under an unknown alias was sent all the same",
        [_bounce("b", _headers("gmailer > jane", "E05 x"))],
        {"b": "D12 participant"},
    ),
    Scenario(
        "who sent the report is stronger than the code",
        [_bounce("b", _headers("me > bank", "E05 x"), sender="jane")],
        {"b": "D12 participant"},
    ),
    Scenario(
        "but the code decides between those who received it",
        [_bounce("b", _headers("me > jane kurt", "E05 x"), sender="jane")],
        {"b": "E05 code"},
    ),
    Scenario(
        "an answered bounce whose message is not here: its returned headers decide for the conversation",
        [
            _bounce("b", _headers("me > jane")),
            mail("c", "me > mate", "Fwd: Undelivered Mail", after="b"),
            mail("d", "bank > me", "hello", after="lost"),
        ],
        {"b": "D12 participant", "c": "D12 thread", "d": "D12 thread"},
    ),
    Scenario(
        "is no evidence for others",
        [mail("a", "bank > me", id="lost"), _bounce("b", _headers("me > jane", id="lost"))],
        {"a": "- none"},
    ),
    Scenario(
        "a bounce that is no report stands in the conversation it answers",
        [mail("a", "me > jane"), mail("b", "postmaster > me", "Undeliverable", after="a")],
        {"b": "D12 thread"},
    ),
]

ALL = PARTICIPANT + CODE + THREAD + FILED + BOUNCE


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.says)
def test_each_sentence_of_the_domain(scenario: Scenario) -> None:
    made = world(scenario.messages, scenario.filed)
    found = {name: made.verdict(name) for name in scenario.expected}
    wanted = {
        name: (None if customer == "-" else customer, evidence)
        for name, (customer, evidence) in ((n, text.split()) for n, text in scenario.expected.items())
    }
    assert found == wanted


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.says)
def test_the_order_of_reading_changes_nothing(scenario: Scenario) -> None:
    made = world(scenario.messages, scenario.filed)
    turned = world(scenario.messages[::-1], scenario.filed)
    for name in made.messages:
        assert made.verdict(name) == turned.verdict(name)
        assert made.thread(name) == turned.thread(name)


def test_notes_say_what_a_person_should_know() -> None:
    made = world([mail("a", "jane > me", "E05 x"), mail("b", "me > wang"), mail("c", "wang > me", "A04 x")])
    assert made.note("a") == "The subject begins with “E05” (E05), but the mail is D12's"
    assert made.note("b") == "Its people serve several customers and no code decides: D12, E05"
    assert made.note("c") == "wang@shunda.example is not registered as working for A04"
    assert made.attributions[made.messages["b"].key].candidates == ("D12", "E05")


def test_a_thread_of_ten_thousand_messages() -> None:
    names = [f"m{number}" for number in range(10_000)]
    chain = [mail("m0", "jane > me")] + [
        mail(name, "bank > me", after=before, refs=" ".join(names[max(0, number - 20) : number]))
        for number, (before, name) in enumerate(pairwise(names), 1)
    ]
    made = world(chain)
    assert made.verdict("m9999") == ("D12", "thread")
    assert len(set(made.attributions.threads.values())) == 1


def test_one_id_on_thousands_of_messages_names_none_of_them() -> None:
    same = [mail(f"s{number}", "kurt > me", f"x {number}", id="same", day=number) for number in range(1_000)]
    made = world([mail("a", "jane > me"), *same, mail("b", "bank > me", after="same", refs="a")])
    assert made.verdict("b") == ("D12", "thread")
    assert len(set(made.attributions.threads.values())) == 1_001


def test_repeated_ids_in_long_references_cost_little() -> None:
    """Counted in edges: with every carrier of an id joined to every carrier of the next it would be millions."""
    members = [
        Member(
            envelope=Envelope(
                message_id=f"<{number % 100}@x>",
                references=tuple(f"<{(number * 7 + step * step) % 100}@x>" for step in range(1, 49)),
            ),
            core=f"s{number}",
        )
        for number in range(800)
    ]
    assert sum(map(len, thread(members).children.values())) <= 20 * len(members)


@pytest.mark.parametrize(
    "says, member",
    [
        ("a chain", lambda n: _answer(n, after=[n - 1], refs=range(max(0, n - 12), n))),
        ("a chain read backwards", lambda n: _answer(-n, after=[1 - n], refs=range(1 - n, min(1, 13 - n)))),
        ("answers to one", lambda n: _answer(n, after=[0], refs=[0])),
        ("a ring", lambda n: _answer(n, after=[n + 1], refs=[n + 2, n + 1])),
        ("one id on all", lambda n: _answer(0, core=f"s{n}", refs=[0, 1])),
        ("one Thread-Index", lambda n: _answer(n, index=OUTLOOK)),
        ("answers to one Thread-Index", lambda n: _answer(n, index=OUTLOOK + "11" * 5 * (n % 2))),
        ("Thread-Indexes one in another", lambda n: _answer(n, index=OUTLOOK + "11" * 5 * min(n, 40))),
        ("copies of one", lambda n: _answer(0)),
        ("renamed copies of one", lambda n: _answer(n, date=True)),
    ],
)
def test_the_work_of_threading_grows_with_the_messages(says: str, member: Callable[[int], Member]) -> None:
    """Counted in steps of the interpreter, not in seconds. No recursion: its limit would be met as well."""
    few, many = ([member(n) for n in range(count)] for count in (150, 600))
    assert steps(lambda: thread(many)) <= 5 * steps(lambda: thread(few)) + 1_000, says


def _answer(
    number: int,
    *,
    after: Iterable[int] = (),
    refs: Iterable[int] = (),
    index: str | None = None,
    core: str = "",
    date: bool = False,
) -> Member:
    envelope = Envelope(
        from_=people("bank"),
        message_id=f"<{number}@x>",
        in_reply_to=tuple(f"<{other}@x>" for other in after),
        references=tuple(f"<{other}@x>" for other in refs),
        thread_index=index,
        date=START if date else None,
    )
    return Member(envelope=envelope, core=core)


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 12), max_size=5), st.lists(st.integers(0, 12), max_size=2)))
)
def test_conversations_are_what_ids_connect(headers: list[tuple[list[int], list[int]]]) -> None:
    """Against the plainest reading: with ids that differ, a conversation is all that hangs together by them."""
    members = [_answer(n, refs=refs, after=after) for n, (refs, after) in enumerate(headers)]
    made = thread(members)
    near = [{n, *refs, *after} for n, (refs, after) in enumerate(headers)]
    whole = [set(ids) for ids in near]
    for _ in near:
        whole = [set().union(ids, *(other for other in whole if other & ids)) for ids in whole]
    for one, other in combinations(range(len(members)), 2):
        together = made.thread_of[one] == made.thread_of[other]
        assert together == bool(whole[one] & whole[other])


NAMES = st.sampled_from([f"m{number}" for number in range(8)])
SUBJECTS = st.sampled_from(["", "x", "D12 x", "d12 x", "E05 x", "Re: F03 x", "A4 paper", "D99 x"])
ROUTES = st.sampled_from(
    [
        "jane > me",
        "kurt > me",
        "wang > me",
        "both > me",
        "bank > me",
        "me > jane kurt",
        "me > wang",
        "mate > me",
        "stranger > me",
        "me > bank",
    ]
)

INDEXES = [None, OUTLOOK, OTHER_OUTLOOK, OUTLOOK + "11" * 5, OUTLOOK + "11" * 10, OUTLOOK + "22" * 5]


@st.composite
def mailboxes(draw: st.DrawFn) -> list[Message]:
    count = draw(st.integers(1, 9))
    return [
        mail(
            f"n{number}",
            draw(ROUTES),
            draw(SUBJECTS),
            id=draw(st.one_of(st.none(), NAMES)),
            after=draw(st.one_of(st.just(""), NAMES)),
            refs=" ".join(draw(st.lists(NAMES, max_size=4))),
            index=draw(st.sampled_from(INDEXES)),
            reply_to=draw(st.sampled_from(["", "", "kurt"])),
            bulk=draw(st.booleans()),
            returned=draw(
                st.sampled_from(
                    [None] * 4 + [_headers("me > jane", id="m3"), _headers("wang > me", "e05 x", id="m9")]
                )
            ),
        )
        for number in range(count)
    ]


@given(
    mailboxes(), st.randoms(use_true_random=False), st.dictionaries(NAMES, st.sampled_from(["D12", "E05"]))
)
def test_attribution_does_not_depend_on_order(
    messages: list[Message], random: st.random.Random, filed: dict[str, str]
) -> None:
    numbered = [replace(message, key=message.key._replace(uid=uid)) for uid, message in enumerate(messages)]
    hand = {
        message.key: filed[f"m{message.key.uid}"] for message in numbered if f"m{message.key.uid}" in filed
    }
    before = attribute(numbered, ROSTER, OWN, hand_filed=hand)
    random.shuffle(numbered)
    after = attribute(numbered, ROSTER, OWN, hand_filed=hand)
    assert before.by_key == after.by_key
    assert before.threads == after.threads


@given(mailboxes())
def test_every_decision_is_one_customer_or_says_why_not(messages: list[Message]) -> None:
    made = world(messages)
    for attribution in made.attributions.by_key.values():
        assert (attribution.customer is None) == (attribution.evidence in ("none", "ambiguous"))
        assert bool(attribution.candidates) == (attribution.evidence == "ambiguous")


def test_own_domains_hold_their_subdomains() -> None:
    assert OWN.includes("x@mail.ourcompany.example")
    assert OWN.includes("boss@private.example")
    assert not OWN.includes("x@notourcompany.example")
    assert not OWN.includes("other@private.example")


def test_messages_are_read_without_people_or_dates() -> None:
    bare = replace(mail("a", "jane > me"), envelope=Envelope())
    made = world([bare])
    assert made.verdict("a") == (None, "none")
    assert people("") == () and START.tzinfo
