"""The index over an account in memory: what it reads, what it leaves alone, where it resumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mailsync.database import Base, connect
from mailsync.errors import AccountError
from mailsync.mailbox import refresh
from mailsync.mailbox.fetching import Fetched
from mailsync.mailbox.following import Carried
from mailsync.mailbox.headers import MessageKey
from mailsync.mailbox.index import Index
from tests.fakes_mail import MemoryMail

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BOUNCE = b"""\
From: MAILER-DAEMON@ours.example
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

--=_b
Content-Type: text/plain

Sorry.
--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; ours.example
--=_b
Content-Type: message/rfc822

From: li.na@ours.example
To: jane@gibson.example
Subject: D12 order
Message-ID: <sent@ours.example>

Hello
--=_b--
""".replace(b"\n", b"\r\n")


def mail(subject: str, message_id: str | None = None) -> bytes:
    named = f"Message-ID: {message_id}\r\n" if message_id else ""
    return f"From: jane@gibson.example\r\nSubject: {subject}\r\n{named}\r\nHello\r\n".encode()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'index.db'}", durable=False)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def index(engine: sa.Engine) -> Index:
    return Index(engine, "li.na", now=lambda: NOW)


def subjects(index: Index) -> list[str]:
    return [message.envelope.subject for message in index.messages()]


def test_everything_is_read_once(index: Index) -> None:
    server = MemoryMail()
    uid = server.append("INBOX", mail("D12 order", "<1@gibson.example>"), ["\\Seen", "$Label1"])
    server.append("Sent", mail("D12 offer"))
    found = index.refresh(server)
    assert {(key.mailbox, key.uid) for key in found.new} == {("INBOX", uid), ("Sent", 1)}
    assert found.gone == found.changed == frozenset() and found.problems == ()
    message = index.messages()[0]
    assert message.key in found.new and message.role == "inbox" and message.seen and not message.flagged
    assert message.flags == {"\\Seen", "$Label1"} and message.size == len(
        mail("D12 order", "<1@gibson.example>")
    )
    assert message.fingerprint == server.messages("INBOX", [uid])[uid].fingerprint
    assert [one.key for one in index.find("<1@gibson.example>")] == [message.key]
    assert index.first_seen()[message.key] == NOW


def test_a_mailbox_where_nothing_happened_is_not_opened(index: Index) -> None:
    server = MemoryMail()
    server.append("INBOX", mail("one"))
    index.refresh(server)
    server.said.clear()
    found = index.refresh(server)
    assert not found.new and dict(server.said) == {"listing": 1}


def test_only_new_headers_are_fetched(index: Index) -> None:
    server = MemoryMail()
    for number in range(10):
        server.append("INBOX", mail(f"number {number}"))
    index.refresh(server)
    server.said.clear()
    uid = server.append("INBOX", mail("one more"))
    assert {key.uid for key in index.refresh(server).new} == {uid}
    assert server.said["headers"] == 1 and server.said["examine"] == 1


@pytest.mark.parametrize("says_modseq", [True, False])
def test_changed_flags_are_taken_over(index: Index, says_modseq: bool) -> None:
    server = MemoryMail(says_modseq=says_modseq)
    uid = server.append("INBOX", mail("one"))
    server.append("INBOX", mail("two"))
    index.refresh(server)
    server.set_flags("INBOX", uid, ["\\Seen"])
    found = index.refresh(server)
    assert {key.uid for key in found.changed} == {uid}
    assert [message.seen for message in index.messages()] == [True, False]


@pytest.mark.parametrize("says_modseq", [True, False])
@pytest.mark.parametrize("says_uidnext", [True, False])
def test_what_was_expunged_leaves_the_index(index: Index, says_modseq: bool, says_uidnext: bool) -> None:
    server = MemoryMail(says_modseq=says_modseq, says_uidnext=says_uidnext)
    for subject in ("one", "two", "three"):
        server.append("INBOX", mail(subject))
    index.refresh(server)
    server.expunge("INBOX", 2)
    server.append("INBOX", mail("four"))
    found = index.refresh(server)
    assert {key.uid for key in found.gone} == {2} and {key.uid for key in found.new} == {4}
    assert subjects(index) == ["one", "three", "four"]
    for uid in (1, 3, 4):
        server.expunge("INBOX", uid)
    assert len(index.refresh(server).gone) == 3
    assert index.messages() == []


def test_another_uidvalidity_reads_the_mailbox_anew(index: Index) -> None:
    server = MemoryMail()
    server.append("INBOX", mail("old"))
    index.refresh(server)
    (before,) = index.messages()
    del server.boxes["INBOX"]
    server.add_box("INBOX")
    server.append("INBOX", mail("new"))
    found = index.refresh(server)
    (after,) = index.messages()
    assert found.gone == {before.key} and found.new == {after.key}
    assert after.envelope.subject == "new" and after.key.uid == before.key.uid


def test_a_removed_or_renamed_mailbox_leaves_the_index(index: Index) -> None:
    server = MemoryMail()
    server.add_box("D12")
    server.append("D12", mail("one"))
    index.refresh(server)
    server.boxes["D12 AUGI"] = server.boxes.pop("D12")
    found = index.refresh(server)
    assert {key.mailbox for key in found.gone} == {"D12"} and {key.mailbox for key in found.new} == {
        "D12 AUGI"
    }


def test_junk_trash_drafts_and_views_are_never_read(index: Index) -> None:
    server = MemoryMail()
    for name, flag in (
        ("Spamverdacht", ""),
        ("All Mail", "\\all"),
        ("Starred", "\\flagged"),
        ("Folders", "\\noselect"),
    ):
        server.add_box(name, flag)
    for name in server.boxes:
        server.append(name, mail(f"in {name}"))
    found = index.refresh(server)
    assert set(subjects(index)) == {"in INBOX", "in Sent"} and set(found.read) == {"INBOX", "Sent"}
    assert found.roles["Spamverdacht"] == "junk"


def test_a_configured_role_takes_effect_without_reading_again(index: Index) -> None:
    server = MemoryMail()
    server.add_box("Gone out")
    server.append("Gone out", mail("one"))
    index.refresh(server)
    server.said.clear()
    found = index.refresh(server, overrides={"sent": ["Gone out"]})
    assert not found.new and server.said["fetch"] == 0
    assert [message.role for message in index.messages()] == ["sent"]


def test_a_mailbox_that_refuses_is_reported_and_stays_known(index: Index) -> None:
    server = MemoryMail()
    server.append("INBOX", mail("one"))
    server.append("Sent", mail("two"))
    index.refresh(server)
    server.append("INBOX", mail("three"))
    server.append("Sent", mail("four"))
    server.refuses.add("INBOX")
    found = index.refresh(server)
    assert [(problem.severity, problem.subject) for problem in found.problems] == [("error", "INBOX")]
    assert subjects(index) == ["one", "two", "four"] and not found.gone


def test_a_message_that_cannot_be_read_is_reported_and_the_others_are_read(index: Index) -> None:
    server = MemoryMail()
    for subject in ("one", "two", "three"):
        server.append("INBOX", mail(subject))
    server.unreadable.add(("INBOX", 2))
    found = index.refresh(server)
    assert [problem.subject for problem in found.problems] == ["INBOX/;UID=2"]
    assert subjects(index) == ["one", "three"]
    server.unreadable.clear()
    server.append("INBOX", mail("four"))
    index.refresh(server)
    assert subjects(index) == ["one", "two", "three", "four"]


def test_a_listing_without_inbox_is_not_believed(index: Index) -> None:
    server = MemoryMail()
    server.append("INBOX", mail("one"))
    index.refresh(server)
    server.boxes = {}
    with pytest.raises(AccountError):
        index.refresh(server)
    assert subjects(index) == ["one"]


def test_full_reads_everything_again_and_remembers_when_it_was_first_seen(engine: sa.Engine) -> None:
    server = MemoryMail()
    server.append("INBOX", mail("one"))
    Index(engine, "li.na", now=lambda: NOW).refresh(server)
    later = Index(engine, "li.na", now=lambda: NOW + timedelta(days=1))
    server.append("INBOX", mail("two"))
    assert len(later.refresh(server, full=True).new) == 2
    assert list(later.first_seen().values()) == [NOW, NOW + timedelta(days=1)]


def test_accounts_do_not_see_each_other(engine: sa.Engine) -> None:
    server = MemoryMail()
    server.append("INBOX", mail("one"))
    first, second = Index(engine, "li.na"), Index(engine, "wang.wei")
    first.refresh(server)
    second.refresh(server)
    first.forget()
    assert subjects(first) == [] and subjects(second) == ["one"]


def test_a_bounce_carries_the_headers_of_what_it_is_about(index: Index) -> None:
    server = MemoryMail()
    server.append("INBOX", BOUNCE)
    index.refresh(server)
    (message,) = index.messages()
    assert message.envelope.returned is not None
    assert message.envelope.returned.message_id == "<sent@ours.example>"
    assert [to.address for to in message.envelope.returned.to] == ["jane@gibson.example"]


class BreakingMail(MemoryMail):
    """Loses the connection after so many messages."""

    messages_left = 10**9

    def fetch(self, mailbox: str, uids: Sequence[int]) -> Iterator[Fetched]:
        for fetched in super().fetch(mailbox, uids):
            self.messages_left -= 1
            if self.messages_left < 0:
                raise AccountError("the line broke")
            yield fetched


def test_a_break_costs_one_chunk(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "CHUNK", 10)
    server = BreakingMail()
    for number in range(35):
        server.append("INBOX", mail(str(number)))
    server.messages_left = 25
    with pytest.raises(AccountError):
        index.refresh(server)
    assert len(index.messages()) == 20
    server.expunge("INBOX", 3)
    server.set_flags("INBOX", 4, ["\\Seen"])
    server.messages_left = 10**9
    server.said.clear()
    steps: list[tuple[str, int, int]] = []
    found = index.refresh(server, on_progress=lambda *step: steps.append(step))
    assert server.said["headers"] == 15 and {key.uid for key in found.gone} == {3}
    assert subjects(index) == [str(number) for number in range(35) if number != 2]
    assert [message.key.uid for message in index.messages() if message.seen] == [4]
    assert steps == [("INBOX", 10, 15), ("INBOX", 15, 15)]


def test_uids_are_listed_only_where_most_of_a_range_would_be_empty(index: Index) -> None:
    server = MemoryMail()
    for number in range(35):
        server.append("INBOX", mail(str(number)))
    index.refresh(server)
    assert (server.said["present"], server.said["headers"]) == (0, 35)
    server.boxes["INBOX"].uidnext = 4_000_000_000
    server.append("INBOX", mail("far away"))
    index.refresh(server)
    assert (server.said["present"], server.said["headers"]) == (1, 36)


class IndexAndServer(RuleBasedStateMachine):
    """Whatever people do between refreshes, and wherever the line breaks, the index ends as the server stands."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = connect("sqlite://")
        Base.metadata.create_all(self.engine)
        self.server = BreakingMail()
        self.index = Index(self.engine, "li.na", now=lambda: NOW)
        self.fresh = False

    def teardown(self) -> None:
        self.engine.dispose()

    @rule(box=st.sampled_from(["INBOX", "Sent"]), seen=st.booleans())
    def deliver(self, box: str, seen: bool) -> None:
        self.server.append(box, mail("any"), ["\\Seen"] if seen else [])
        self.fresh = False

    @rule(box=st.sampled_from(["INBOX", "Sent"]), choice=st.integers(0, 99))
    def expunge(self, box: str, choice: int) -> None:
        uids = sorted(self.server.boxes[box].messages)
        if uids:
            self.server.expunge(box, uids[choice % len(uids)])
            self.fresh = False

    @rule(
        box=st.sampled_from(["INBOX", "Sent"]),
        choice=st.integers(0, 99),
        flags=st.sets(st.sampled_from("ab")),
    )
    def flag(self, box: str, choice: int, flags: set[str]) -> None:
        uids = sorted(self.server.boxes[box].messages)
        if uids:
            self.server.set_flags(box, uids[choice % len(uids)], sorted(flags))
            self.fresh = False

    @rule(modseq=st.booleans(), uidnext=st.booleans())
    def other_server(self, modseq: bool, uidnext: bool) -> None:
        self.server.says_modseq, self.server.says_uidnext = modseq, uidnext

    @rule(chunks=st.integers(0, 2), full=st.booleans())
    def refresh_and_break(self, chunks: int, full: bool) -> None:
        self.server.messages_left = chunks
        try:
            self.index.refresh(self.server, full=full)
            self.fresh = True
        except AccountError:
            self.fresh = False
        self.server.messages_left = 10**9

    @rule()
    def refresh(self) -> None:
        self.index.refresh(self.server)
        self.fresh = True

    @rule(
        boxes=st.sampled_from([("INBOX", "D12"), ("Sent", "D12"), ("D12", "E05"), ("INBOX", "Sent")]),
        choices=st.sets(st.integers(0, 5), min_size=1),
        move=st.booleans(),
        meanwhile=st.sampled_from(["nothing", "nothing", "delivery", "expunge"]),
    )
    def carry(self, boxes: tuple[str, str], choices: set[int], move: bool, meanwhile: str) -> None:
        """mailsync itself moves or copies what a refresh has just read, and people go on working."""
        self.index.refresh(self.server)
        source, destination = boxes
        if source not in self.server.boxes:
            return
        if destination not in self.server.boxes:
            self.server.add_box(destination)
        held = sorted(self.server.boxes[source].messages)
        uids = sorted({held[choice % len(held)] for choice in choices}) if held else []
        if not uids:
            return
        if meanwhile == "delivery":
            self.server.append(destination, mail("another"))
        copies: dict[int, int] = {}
        for answer in self.server.transfer(source, [(uids, destination)], move=move):
            copies |= answer.copies
        left = sorted(self.server.boxes[source].messages)
        if meanwhile == "expunge" and left:
            self.server.expunge(source, left[0])
        validities = {name: self.server.boxes[name].uidvalidity for name in boxes}
        carried = [
            Carried(
                MessageKey(source, validities[source], uid),
                MessageKey(destination, validities[destination], copy),
                stays=not move,
            )
            for uid, copy in copies.items()
        ]
        counters = {folder.name: folder.counters for folder in self.server.listing().folders}
        self.index.follow(carried, counters)
        found = self.index.refresh(self.server)
        if meanwhile == "nothing" and self.server.says_uidnext:
            assert not found.new and not found.gone
        self.fresh = True

    @invariant()
    def as_the_server_stands(self) -> None:
        if self.fresh:
            held = {
                (name, uid): its.flags
                for name in ("INBOX", "Sent", "D12", "E05")
                if name in self.server.boxes
                for uid, its in self.server.boxes[name].messages.items()
            }
            assert {(one.key.mailbox, one.key.uid): one.flags for one in self.index.messages()} == held


TestIndexAndServer = IndexAndServer.TestCase
TestIndexAndServer.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
