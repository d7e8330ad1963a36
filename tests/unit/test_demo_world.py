"""The sample world: the same each time, rich enough, and readable by other eyes than mailsync's."""

from __future__ import annotations

import email
import email.policy
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from pathlib import Path

import pytest

from mailsync.demo import world
from mailsync.demo.big import BigWorld
from mailsync.demo.cardbooks import photo
from mailsync.demo.company import company, table, write_registry
from mailsync.demo.desk import INBOX, SENT_MAILBOXES
from mailsync.demo.letters import Letter, Style, thread_index, write
from mailsync.demo.world import World

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
VERDICTS = {
    "ok", "malformed", "misplaced", "superseded", "wrong_customer", "unknown_code", "missing", "cross_customer",
    "not_applicable",
}  # fmt: skip


@pytest.fixture(scope="module")
def sample() -> World:
    return world.build(NOW)


def test_the_world_is_the_same_each_time(sample: World) -> None:
    assert world.build(NOW) == sample
    assert world.build(NOW, seed=7) != sample


def test_the_company_is_as_large_as_promised() -> None:
    assert len(company().customers) == 25
    countries = {row["country"] for row in table("customers") if not row["merged_into"]}
    assert len(countries) >= 12
    assert len({row["letter"] for row in table("shows")}) == 4
    assert {customer.code: customer.superseded for customer in company().customers if customer.superseded} == {
        "D12": ("F03",), "A04": ("018",), "E02": ("E09",),
    }  # fmt: skip
    assert any(not person.codes for person in company().people)
    assert max(len(person.codes) for person in company().people if person.shared) == 4


def test_every_person_has_the_display_name_of_the_rules() -> None:
    """A second look at what was decided by hand: form, forbidden signs, place (DOMAIN 4)."""
    for person in company().people:
        if person.codes:
            assert len(person.shown.split("/")) == 3, person
            assert not re.search(r'[,;:<>()"@\\]|  ', person.shown), person
            assert all(part.strip() == part != "" for part in person.shown.split("/")), person


def test_mail_has_every_verdict_and_every_evidence(sample: World) -> None:
    messages = sample.truth.messages
    assert 750 <= len(messages) <= 900
    verdicts = Counter(message.verdict for message in messages if message.verdict)
    assert set(verdicts) == VERDICTS
    assert min(verdicts.values()) >= 3
    evidence = set().union(*(message.evidence for message in messages))
    assert evidence == {"participant", "code", "thread", "filed", "none", "ambiguous"}


def test_verdicts_stand_exactly_at_sent_messages(sample: World) -> None:
    for message in sample.truth.messages:
        assert (message.verdict is not None) == (message.mailbox in SENT_MAILBOXES), message


def test_no_message_is_near_the_age_at_which_it_is_filed(sample: World) -> None:
    """The demo runs for minutes: what is right must not change meanwhile."""
    for messages in sample.mail.values():
        for message in messages:
            age = NOW - message.internal_date
            assert timedelta(0) < age
            assert not timedelta(days=2.5) < age < timedelta(days=3.5)


def test_nothing_moves_that_must_not(sample: World) -> None:
    moved = [message for message in sample.truth.messages if message.folder != message.mailbox]
    assert len(moved) > 600
    assert {message.mailbox for message in moved} == {INBOX, *SENT_MAILBOXES}
    assert all(message.customer for message in moved)
    flags = {
        (account, seed.mailbox, place): seed.flags
        for account, seeds in sample.mail.items()
        for place, seed in _numbered(seeds)
    }
    for message in moved:
        its_flags = flags[message.account, message.mailbox, message.uid]
        assert "\\Seen" in its_flags and "\\Flagged" not in its_flags, message


def test_waiting_messages_stay_and_a_fresh_answer_follows(sample: World) -> None:
    """DOMAIN 8, told by one conversation: sent and first answer are filed, the unread and the flagged one wait, the
    read one of today follows its conversation; a read one of today that begins a conversation waits."""
    mine = [message for message in sample.truth.messages if message.account == "wang.wei"]
    carton = [message for message in mine if message.subject.endswith("A04 carton size")]
    assert [message.folder for message in carton if message.mailbox == "INBOX"] == [
        "Customers/A04 Van der Berg", "INBOX", "INBOX", "Customers/A04 Van der Berg",
    ]  # fmt: skip
    assert [message.folder for message in carton if message.mailbox == "Sent"] == [
        "Customers/A04 Van der Berg"
    ]
    fresh = [message for message in mine if message.subject == "question about the new order"]
    assert len(fresh) == 6 and {message.folder for message in fresh} == {"INBOX"}


def _numbered(seeds: list[world.SeedMessage]) -> list[tuple[int, world.SeedMessage]]:
    """Seeds with the UID each gets in its mailbox."""
    counts: Counter[str] = Counter()
    numbered = []
    for seed in seeds:
        counts[seed.mailbox] += 1
        numbered.append((counts[seed.mailbox], seed))
    return numbered


def test_messages_are_what_python_reads_too(sample: World) -> None:
    """Subject, threading and size as another parser sees them. Raw 8-bit headers are left to mailsync."""
    truths = iter(sample.truth.messages)
    known = {message.message_id for message in sample.truth.messages}
    sizes, without_id, answers = [], 0, 0
    for account in sorted(sample.mail):
        for seed in sample.mail[account]:
            truth = next(truths)
            parsed = email.message_from_bytes(seed.raw)
            subject = parsed["Subject"]
            if isinstance(subject, str) and subject.isascii():
                assert str(make_header(decode_header(subject))) == truth.subject
            assert parsed["Message-ID"] == truth.message_id
            without_id += truth.message_id is None
            if parent := parsed["In-Reply-To"]:
                answers += 1
                assert parent in known or parent == "<original.7781@capeharvest.example>"
            sizes.append(len(seed.raw.split(b"\r\n\r\n", 1)[0]))
            assert b"\n" not in seed.raw.replace(b"\r\n", b"")
    assert max(sizes) > 100_000 and without_id == 4 and answers > 200


def test_delivery_reports_return_headers(sample: World) -> None:
    reports = [
        email.message_from_bytes(seed.raw, policy=email.policy.default)
        for seeds in sample.mail.values()
        for seed in seeds
        if b"multipart/report" in seed.raw
    ]
    assert len(reports) == 6
    for report in reports:
        kinds = [part.get_content_type() for part in report.iter_parts()]
        assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
        assert "Message-ID: <" in list(report.iter_parts())[2].get_content()


@pytest.mark.parametrize("style", ["utf8-b", "utf8-q", "gb2312-b"])
@pytest.mark.parametrize("subject", ["回复：D12 报价单，请确认装箱数量以及交货日期", "Ａ０１ Größe", "plain"])
def test_encoded_words_decode(style: Style, subject: str) -> None:
    parsed = email.message_from_bytes(write(_letter(subject, style)))
    assert all(len(line) <= 76 for line in parsed["Subject"].splitlines())
    assert str(make_header(decode_header(parsed["Subject"]))) == subject


@pytest.mark.parametrize(("style", "charset"), [("raw-gbk", "gb18030"), ("raw-utf8", "utf-8")])
def test_raw_headers_are_eight_bit(style: Style, charset: str) -> None:
    head = write(_letter("报价单", style)).split(b"\r\n\r\n")[0]
    assert "Subject: 报价单\r\n".encode(charset) in head


def _letter(subject: str, style: Style) -> Letter:
    return Letter(
        sender=("王伟", "a@b.example"), to=(("", "c@d.example"),), subject=subject, date=NOW, message_id=None,
        body="x", style=style,
    )  # fmt: skip


def test_thread_index_keeps_its_first_22_bytes() -> None:
    import base64

    root, reply = (base64.b64decode(thread_index("x", replies)) for replies in (0, 2))
    assert len(root) == 22 and len(reply) == 32 and reply[:22] == root


def test_books_have_every_kind_of_card(sample: World) -> None:
    actions = Counter(action for card in sample.truth.cards for action in card.actions)
    assert set(actions) == {"rename", "create", "none", "conflict", "duplicate", "unmatched"}
    cards = [card for book in sample.books for card in book.cards.values()]
    everything = b"".join(cards)
    for sign in (
        b"VERSION:4.0", b"PHOTO;ENCODING=b", b"PHOTO:data:", b"PHOTO:https:", b"item1.EMAIL", b"NICKNAME:Janie",
        b"\r\n ", "妈妈".encode(), b"ADDRESSBOOKSERVER-KIND",
    ):  # fmt: skip
        assert sign in everything
    assert all(len(line) <= 75 for card in cards for line in card.split(b"\r\n"))


def test_each_engagement_in_scope_has_exactly_one_entry(sample: World) -> None:
    """By counting, another way than the books were filled."""
    for book in sample.books:
        owners = {customer.code: customer.owner.split("@")[0] for customer in company().customers}
        scope = {code for code, owner in owners.items() if book.account in (owner, "book:company")}
        engagements = Counter(
            f"{code} {person.shown}" for person in company().people for code in person.codes if code in scope
        )
        entries = Counter(
            card.after for card in book.truths if card.after and card.actions & {"rename", "create", "none"}
        )
        conflicts = sum("conflict" in card.actions and card.after is not None for card in book.truths)
        at_home = book.account == "li.na"  # one person with two cards, both right
        assert entries.total() + conflicts == engagements.total() + at_home
        assert set(entries) <= set(engagements)


def test_photo_is_a_png() -> None:
    import base64
    import zlib

    raw = base64.b64decode(photo("x", size=2))
    assert raw[:8] == b"\x89PNG\r\n\x1a\n" and raw[12:16] == b"IHDR" and raw[-8:-4] == b"IEND"
    length = int.from_bytes(raw[33:37], "big")
    assert len(zlib.decompress(raw[41 : 41 + length])) == 2 * (1 + 2 * 3)


def test_registry_files_are_as_people_keep_them(tmp_path: Path) -> None:
    write_registry(tmp_path)
    assert (tmp_path / "customers.csv").read_bytes().startswith(b"\xef\xbb\xbfcode;company;")
    people = (tmp_path / "people.csv").read_bytes()
    assert "客户编号" in people.decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        people.decode("utf-8")
    assert "shown" not in people.decode("gb18030")


def test_big_world_has_the_wished_size(tmp_path: Path) -> None:
    big = BigWorld(messages=50, customers=30, contacts=90)
    big.write_registry(tmp_path)
    inbox = list(big.inbox(NOW))
    assert len(inbox) == 50 and len({seed.raw for seed in inbox}) == 50
    assert len((tmp_path / "people.csv").read_text().splitlines()) == 91
    assert len({big.code(number) for number in range(500)}) == 500
