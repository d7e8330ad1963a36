"""The index and the probe on real servers: `/` and `.`, Chinese folders, hostile headers, a mailbox made anew."""

from __future__ import annotations

import imaplib
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from imapclient import IMAPClient

from mailsync.database import Base, connect
from mailsync.demo.seeding import SeedMessage, maildir
from mailsync.mailbox.imap import ImapLogin, ImapSession
from mailsync.mailbox.index import Index
from mailsync.mailbox.provider import probe
from tests.conftest import MailUser
from tests.unit.test_mailbox_index import BOUNCE

DATE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def seed(mailbox: str, raw: bytes, minutes: int = 0) -> SeedMessage:
    return SeedMessage(mailbox=mailbox, raw=raw, internal_date=DATE + timedelta(minutes=minutes))


def mail(subject: str, *more: str) -> bytes:
    return "\r\n".join((f"From: jane@gibson.example\r\nSubject: {subject}", *more, "", "Hello", "")).encode()


@pytest.fixture(params=["mail_user", "dotted_mail_user"])
def user(request: pytest.FixtureRequest) -> MailUser:
    found: MailUser = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def session(user: MailUser) -> Iterator[ImapSession]:
    with ImapSession(ImapLogin.of_url(user.url, user=user.name, password=user.password)) as session:
        yield session


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'index.db'}", durable=False)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def folder(user: MailUser, *parts: str) -> str:
    return user.server.prefix + user.server.separator.join(parts)


def test_the_probe_finds_how_folders_are_named(user: MailUser, session: ImapSession) -> None:
    profile = probe(session, {"archive": ["Old mail"]})
    assert (profile.separator, profile.prefix) == (user.server.separator, user.server.prefix)
    assert profile.can_move and profile.can_expunge_uids and profile.condstore and profile.special_use
    assert profile.having("sent") == (folder(user, "Sent"),) and profile.having("inbox") == ("INBOX",)
    assert [str(problem) for problem in profile.problems] == [
        f"The configuration names the folder “Old mail”, which 127.0.0.1:{user.server.port} does not have"
    ]


def test_a_thousand_messages_in_folders_with_chinese_names(
    user: MailUser, session: ImapSession, engine: sa.Engine
) -> None:
    chinese = folder(user, "客户", "D12 顺达货代")
    user.seed(
        seed("INBOX", mail(f"D12 order {number}", f"Message-ID: <{number}@x>"), number)
        for number in range(1000)
    )
    user.seed([seed(chinese, mail("=?gb2312?B?sai82w==?=")), seed(folder(user, "已发送"), mail("D12 offer"))])
    index = Index(engine, "li.na")
    found = index.refresh(session)
    messages = {(one.key.mailbox, one.key.uid): one for one in index.messages()}
    assert len(messages) == len(found.new) == 1002 and not found.problems
    assert messages["INBOX", 1000].envelope.subject == "D12 order 999"
    assert messages["INBOX", 1000].internal_date == DATE + timedelta(minutes=999)
    assert (
        messages[chinese, 1].envelope.subject == "报价" and messages[chinese, 1].envelope.message_id is None
    )
    assert messages[folder(user, "已发送"), 1].role == "sent"
    again = index.refresh(session)
    assert not again.new and not again.gone and not again.changed


def test_messages_that_come_change_and_go(user: MailUser, session: ImapSession, engine: sa.Engine) -> None:
    user.seed(seed("INBOX", mail(subject), number) for number, subject in enumerate(("one", "two", "three")))
    index = Index(engine, "li.na")
    index.refresh(session)
    with IMAPClient("127.0.0.1", user.server.port, ssl=False) as client:
        client.login(user.name, user.password)
        client.select_folder("INBOX")
        client.delete_messages([2])
        client.uid_expunge([2])
        client.add_flags([3], ["\\Flagged"])
        client.append("INBOX", mail("four"))
    found = index.refresh(session)
    assert [{key.uid for key in keys} for keys in (found.gone, found.changed, found.new)] == [{2}, {3}, {4}]
    held = {one.key.uid: (one.envelope.subject, one.flagged) for one in index.messages()}
    assert held == {1: ("one", False), 3: ("three", True), 4: ("four", False)}


def test_a_mailbox_made_anew_is_read_anew(user: MailUser, session: ImapSession, engine: sa.Engine) -> None:
    name = folder(user, "D12")
    user.seed([seed(name, mail("old"))])
    index = Index(engine, "li.na")
    index.refresh(session)
    session.drop()
    shutil.rmtree(maildir(user.server, user.name, name))
    user.seed([seed(name, mail("new"))])
    index.refresh(session)
    assert [one.envelope.subject for one in index.messages()] == ["new"]


def test_hostile_and_poor_headers_are_read_as_far_as_sense_goes(
    user: MailUser, session: ImapSession, engine: sa.Engine
) -> None:
    long_header = "References: " + " \r\n ".join(f"<{number}@gibson.example>" for number in range(5000))
    user.seed(
        [
            seed("INBOX", mail("long", long_header), 1),
            seed("INBOX", b"\r\nno header at all\r\n", 2),
            seed(
                "INBOX",
                b"Subject: D12 \xe6\x8a\xa5\xe4\xbb\xb7\r\nFrom: \xcd\xf5\xce\xb0 <w@x.example>\r\n\r\n",
                3,
            ),
            seed("INBOX", b"Subject: =?utf-8?q?D12=0D=0AX1_UID_MOVE_1=3A*_Trash?=\r\n\r\n", 4),
            seed("INBOX", b"Subject: a null \x00 byte\r\n\r\nx\x00", 5),
            seed("INBOX", BOUNCE, 6),
        ]
    )
    index = Index(engine, "li.na")
    assert index.refresh(session).problems == ()
    long, empty, raw, injected, null, bounce = index.messages()
    assert len(long.envelope.references) == 50 and long.envelope.references[-1] == "<4999@gibson.example>"
    assert empty.envelope.subject == "" and empty.envelope.from_ == ()
    assert raw.envelope.subject == "D12 报价" and raw.envelope.from_[0].name == "王伟"
    assert injected.envelope.subject == "D12 X1 UID MOVE 1:* Trash"
    assert null.envelope.subject.startswith("a null")
    assert (
        bounce.envelope.returned is not None and bounce.envelope.returned.message_id == "<sent@ours.example>"
    )
    for message in index.messages():
        state = session.messages("INBOX", [message.key.uid])[message.key.uid]
        assert (state.fingerprint, state.flags) == (message.fingerprint, message.flags)


def test_a_fingerprint_survives_every_move(user: MailUser, session: ImapSession, engine: sa.Engine) -> None:
    long_header = "To: " + ",\r\n ".join(
        f"Person {number} <p{number}@gibson.example>" for number in range(300)
    )
    user.seed(
        [
            seed("INBOX", BOUNCE, 1),
            seed("INBOX", mail("many", long_header), 2),
            seed("INBOX", b"\r\nx\r\n", 3),
        ]
    )
    before = {uid: state.fingerprint for uid, state in session.messages_from("INBOX", 1).items()}
    target = folder(user, "Customers", "D12 Gibson")
    session.create([target])
    list(session.transfer("INBOX", [(list(before), target)], move=False))
    list(session.transfer(target, [([1, 2, 3], "INBOX")], move=True))
    after = {uid: state.fingerprint for uid, state in session.messages_from("INBOX", 4).items()}
    assert sorted(after.values()) == sorted(before.values()) and len(set(before.values())) == 3


def test_a_deleted_mailbox_with_others_below_it_is_no_mailbox(mail_user: MailUser, engine: sa.Engine) -> None:
    login = ImapLogin.of_url(mail_user.url, user=mail_user.name, password=mail_user.password)
    with ImapSession(login) as session:
        session.create(["Customers/D12"])
        session.create(["Customers/D12/2024"])
        before = Index(engine, "li.na").refresh(session)
        assert "Customers/D12" in before.existing
        with imaplib.IMAP4("127.0.0.1", mail_user.server.port) as client:
            client.login(mail_user.name, mail_user.password)
            assert client.delete('"Customers/D12"')[0] == "OK"
        found = Index(engine, "li.na").refresh(session)
        assert not found.problems
        assert {"Customers/D12/2024"} <= found.existing and "Customers/D12" not in found.existing
        assert session.state("Customers/D12") is None
        session.create(["Customers/D12"])
        assert "Customers/D12" in Index(engine, "li.na").refresh(session).existing


def test_a_name_that_the_server_cannot_have_is_known_beforehand(
    mail_user: MailUser, dotted_mail_user: MailUser
) -> None:
    for user, refused in ((mail_user, "."), (dotted_mail_user, "")):
        login = ImapLogin.of_url(user.url, user=user.name, password=user.password)
        with ImapSession(login) as session:
            assert probe(session).refused == refused
            assert not session.refuses_name("Customers")


def test_a_broken_folder_name_is_left_out_and_reported(mail_user: MailUser, engine: sa.Engine) -> None:
    mail_user.seed([seed("INBOX", mail("one"))])
    for name in ("cur", "new", "tmp"):
        (mail_user.server.mail_folder(mail_user.name) / ".Bad&Name" / name).mkdir(parents=True)
    mail_user.seed([seed("INBOX", mail("two"))])  # hands the folders to the server's user
    login = ImapLogin.of_url(mail_user.url, user=mail_user.name, password=mail_user.password)
    with ImapSession(login) as session:
        found = Index(engine, "li.na").refresh(session)
    assert len(found.new) == 2
    assert any("Bad&Name" in str(problem.sentence) for problem in found.problems)
