"""The throw-away servers themselves: what is laid into them is what they hold, and they do not run as root."""

from __future__ import annotations

import contextlib
import os
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailsync.demo.seeding import SeedMessage, encode_mailbox, seed_book
from mailsync.demo.servers import MASTER_PASSWORD, Dovecot, Radicale, Xandikos
from mailsync.demo.snapshots import decode_mailbox
from mailsync.demo.throwaway import DemoError, ThrowawayServer, throwaway_folder
from tests.conftest import BookUser, MailUser
from tests.servers.snapshots import mailbox_names, read_mail, snapshot_books, snapshot_mail

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RAW = b"Message-ID: <one@example.net>\r\nSubject: D12 samples\r\n\r\nHello\r\n"
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%s\r\nFN:Jane\r\nN:Jane;;;;\r\nEND:VCARD\r\n"


def _seed(mailbox: str, *flags: str, hours: int = 0) -> SeedMessage:
    return SeedMessage(
        mailbox=mailbox, raw=RAW, internal_date=NOON + timedelta(hours=hours), flags=frozenset(flags)
    )


def test_seeded_messages_keep_flags_keywords_dates_and_order(mail_user: MailUser) -> None:
    flags = ("\\Seen", "\\Flagged", "\\Answered", "$Forwarded")
    mail_user.seed([_seed("INBOX", hours=1), _seed("INBOX", *flags), _seed("已发送/2026", "$label1")])
    found = read_mail(mail_user.url, mail_user.name, mail_user.password)
    assert {(m.mailbox, m.flags, m.internal_date) for m in found} == {
        ("INBOX", frozenset(flags), "02-Mar-2026 12:00:00 +0000"),
        ("INBOX", frozenset(), "02-Mar-2026 13:00:00 +0000"),
        ("已发送/2026", frozenset({"$label1"}), "02-Mar-2026 12:00:00 +0000"),
    }
    assert [m.internal_date[12:14] for m in found if m.mailbox == "INBOX"] == ["12", "13"]
    assert {m.message_id for m in found} == {"<one@example.net>"}


def test_snapshots_count_the_same_message_twice(mail_user: MailUser) -> None:
    mail_user.seed([_seed("INBOX"), _seed("INBOX")])
    snapshot = snapshot_mail(mail_user.url, mail_user.name, mail_user.password)
    assert list(snapshot.values()) == [2]


def test_tls_and_master_login_open_the_same_mail(mail_user: MailUser) -> None:
    mail_user.seed([_seed("INBOX")])
    server = mail_user.server
    plain = snapshot_mail(mail_user.url, mail_user.name, mail_user.password)
    master = server.master_user(mail_user.name)
    assert snapshot_mail(server.url(tls=True), master, MASTER_PASSWORD, server.ca_file) == plain


def test_dots_and_prefix_as_courier_has_them(dotted_mail_user: MailUser) -> None:
    dotted_mail_user.seed([_seed("INBOX"), _seed("INBOX.Sent"), _seed("INBOX.Customers.D12 R&D 王伟")])
    user = dotted_mail_user
    assert mailbox_names(user.url, user.name, user.password) == [
        "INBOX", "INBOX.Customers.D12 R&D 王伟", "INBOX.Drafts", "INBOX.Junk", "INBOX.Sent", "INBOX.Trash",
    ]  # fmt: skip
    assert len(read_mail(user.url, user.name, user.password)) == 3


@pytest.mark.parametrize("name", ["Sent", "R&D", "客户/D12 王伟", "&", "a&-b", "Ünïcode", "~/x"])
def test_mailbox_names_survive_modified_utf7(name: str) -> None:
    assert encode_mailbox(name).isascii()
    assert decode_mailbox(encode_mailbox(name)) == name


def test_known_modified_utf7() -> None:
    assert encode_mailbox("已发送") == "&XfJT0ZAB-"
    assert encode_mailbox("客户/D12 王伟") == "&W6JiNw-/D12 &c4tPHw-"


def test_seeded_cards_lie_there_byte_for_byte(book_user: BookUser) -> None:
    cards = {"a.vcf": CARD % b"a", "b.vcf": (CARD % b"b").replace(b"VERSION:3.0", b"VERSION:4.0")}
    book_user.seed(cards)
    book_user.seed({"c.vcf": CARD % b"c"}, book="second")
    held = snapshot_books(book_user.principal_url, book_user.name, book_user.password)
    assert held == {
        f"/{book_user.name}/contacts/a.vcf": cards["a.vcf"],
        f"/{book_user.name}/contacts/b.vcf": cards["b.vcf"],
        f"/{book_user.name}/second/c.vcf": CARD % b"c",
    }


def test_the_shared_book_is_open_to_all_and_other_peoples_are_not(
    radicale: Radicale, book_user: BookUser
) -> None:
    url = seed_book(radicale, "shared", "customers", {"s.vcf": CARD % b"s"})
    assert snapshot_books(url, book_user.name, book_user.password) == {"/shared/customers/s.vcf": CARD % b"s"}
    seed_book(radicale, "u998", "contacts", {"x.vcf": CARD % b"x"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        snapshot_books(radicale.url("u998", "contacts"), book_user.name, book_user.password)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        snapshot_books(radicale.url("u998", "contacts"), "u998", "wrong")


def test_xandikos_keeps_a_card(xandikos: Xandikos) -> None:
    request = urllib.request.Request(
        f"{xandikos.book_url}x.vcf", data=CARD % b"x", headers={"Content-Type": "text/vcard"}, method="PUT"
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201
    assert snapshot_books(xandikos.book_url) == {"/user/contacts/addressbook/x.vcf": CARD % b"x"}


def _living(group: int) -> list[Path]:
    """The folders in /proc of the processes of a process group that are no zombies."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, its_group = stat.read_text().rsplit(")", 1)[1].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(stat.parent)
    return found


def _owners(server: ThrowawayServer) -> set[int]:
    """The real and effective user ids under which the server's processes run."""
    statuses = [(folder / "status").read_text() for folder in _living(server.process_group)]
    return {int(word) for status in statuses for word in re.findall(r"(?m)^Uid:\t(\d+)\t(\d+)", status)[0]}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could run a server as root")
@pytest.mark.parametrize("name", ["dovecot", "radicale", "xandikos"])
def test_no_server_runs_as_root(name: str, request: pytest.FixtureRequest) -> None:
    assert _owners(request.getfixturevalue(name)) == {65534}


def test_stop_leaves_no_process_and_no_folder() -> None:
    with throwaway_folder() as folder, Dovecot(folder, {"a": "b"}, tls=False) as server:
        group = server.process_group
        assert _living(group)
    deadline = time.monotonic() + 5
    while _living(group) and time.monotonic() < deadline:
        time.sleep(0.01)  # the kernel ends a killed process a moment later
    assert not _living(group)
    assert not folder.exists()


def test_a_server_that_does_not_start_says_why() -> None:
    with throwaway_folder() as folder:
        broken = Dovecot(folder, {}, separator="no separator")
        with pytest.raises(DemoError, match=r"(?s)dovecot did not start.*separator"):
            broken.start()
