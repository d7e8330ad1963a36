"""What the engine and the index may expect of a mail account, over memory fakes and real servers."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol

import pytest
from imapclient import IMAPClient

from mailsync.database import connect
from mailsync.demo.servers import Dovecot
from mailsync.errors import CollectionError
from mailsync.mailbox.imap import ImapLogin, ImapSession
from mailsync.mailbox.profiles import Profiles
from mailsync.mailbox.provider import probe
from mailsync.migrations import upgrade
from mailsync.run.ports import MailPort, Transferred
from tests.conftest import PASSWORD, MailUser
from tests.fakes_mail import MemoryMail
from tests.kill import worlds
from tests.servers.cyrus import Cyrus

DATE = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=8)))


class Account(Protocol):
    """An account under test, and what other people's mail programs do to it."""

    port: Any

    def name(self, *parts: str) -> str:
        """The mailbox with this path."""

    def append(self, mailbox: str, subject: str, flags: Sequence[str] = ()) -> int:
        """Somebody delivers a message; its UID."""

    def expunge(self, mailbox: str, uid: int) -> None:
        """Somebody takes a message away."""

    def takes(self, name: str) -> bool:
        """Whether a mailbox may be called so."""


@dataclass
class MemoryAccount:
    port: MemoryMail

    def name(self, *parts: str) -> str:
        return "/".join(parts)

    def takes(self, name: str) -> bool:
        return True

    def append(self, mailbox: str, subject: str, flags: Sequence[str] = ()) -> int:
        return self.port.append(mailbox, message(subject), flags, DATE)

    def expunge(self, mailbox: str, uid: int) -> None:
        self.port.expunge(mailbox, uid)


@dataclass
class KillAccount:
    """The memory world of the kill tests."""

    port: worlds.MemoryMail

    def name(self, *parts: str) -> str:
        return "/".join(parts)

    def takes(self, name: str) -> bool:
        return True

    def append(self, mailbox: str, subject: str, flags: Sequence[str] = ()) -> int:
        return self.port.append(
            mailbox, worlds.Mail(subject=subject, flags=frozenset(flags), internal_date=DATE)
        )

    def expunge(self, mailbox: str, uid: int) -> None:
        del self.port.mailboxes[mailbox][uid]


@dataclass
class ServerAccount:
    """A fresh user of a real server."""

    port: ImapSession
    server: Dovecot | Cyrus
    login: ImapLogin

    def name(self, *parts: str) -> str:
        return self.server.prefix + self.server.separator.join(parts)

    def takes(self, name: str) -> bool:
        return not (isinstance(self.server, Cyrus) and set(name) & set('"%\\'))

    def append(self, mailbox: str, subject: str, flags: Sequence[str] = ()) -> int:
        with self.client() as client:
            answer = client.append(mailbox, message(subject), flags, DATE)
            return int(answer.partition(b"]")[0].split()[-1])

    def expunge(self, mailbox: str, uid: int) -> None:
        with self.client() as client:
            client.select_folder(mailbox)
            client.delete_messages([uid])
            client.uid_expunge([uid])

    @contextmanager
    def client(self) -> Iterator[IMAPClient]:
        with IMAPClient("127.0.0.1", self.login.port, ssl=False) as client:
            client.login(self.login.user, self.login.password)
            yield client


def message(subject: str) -> bytes:
    return (
        f"From: Jane Roe <jane@gibson.example>\r\nTo: li.na@ours.example\r\nSubject: {subject}\r\n"
        f"Date: Mon, 2 Feb 2026 10:00:00 +0800\r\nX-Other: not fetched\r\n\r\nHello\r\n"
    ).encode()


def said_to(answers: Iterator[Transferred]) -> dict[int, int]:
    """Source UID → destination UID, of a transfer that nobody refuses."""
    said: dict[int, int] = {}
    for answer in answers:
        assert answer.refusal is None
        said |= answer.copies
    return said


#: Session fixtures.
SERVERS = (
    "dovecot",
    "dotted_dovecot",
    "mdbox_dovecot",
    "dotted_mdbox_dovecot",
    "cyrus",
    "dotted_cyrus",
)
#: Beyond those that other tests use.
_users = itertools.count(1000)


@contextmanager
def server_account(server: Dovecot | Cyrus) -> Iterator[ServerAccount]:
    user = f"u{next(_users)}"
    if isinstance(server, Cyrus):
        server.add_user(user)
        port = server.imap_port
    else:
        port = server.port
    login = ImapLogin.of_url(f"imap://127.0.0.1:{port}", user=user, password=PASSWORD)
    with ImapSession(login) as session:
        yield ServerAccount(session, server, login)


@pytest.fixture(params=["memory", "no-copyuid", "kill-world", *SERVERS])
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    match request.param:
        case "memory":
            yield MemoryAccount(MemoryMail())
        case "no-copyuid":
            yield MemoryAccount(MemoryMail(says_copyuid=False))
        case "kill-world":
            yield KillAccount(worlds.MemoryMail())
        case server:
            with server_account(request.getfixturevalue(server)) as real:
                yield real


def test_it_is_a_mail_port(account: Account) -> None:
    port: MailPort = account.port
    assert port.can_move and port.can_expunge_uids


def test_a_mailbox_that_does_not_exist_has_no_state(account: Account) -> None:
    assert account.port.state(account.name("Customers", "D12")) is None


def test_the_next_uid_stands_above_all_messages(account: Account) -> None:
    before = account.port.state("INBOX")
    uid = account.append("INBOX", "one")
    after = account.port.state("INBOX")
    assert uid >= before.uidnext
    assert after.uidnext > uid and after.uidvalidity == before.uidvalidity


def test_the_next_uid_is_not_that_of_an_earlier_look(account: Account) -> None:
    account.append("INBOX", "one")
    account.port.messages_from("INBOX", 1)
    uid = account.append("INBOX", "two")
    assert account.port.state("INBOX").uidnext == uid + 1


@pytest.mark.parametrize("name", ["D12 Gibson Importing", "D07 顺达货代", 'D08 "Best" & Co\\', "D09 *%"])
def test_a_mailbox_is_created_once_and_once_more(account: Account, name: str) -> None:
    mailbox = account.name("客户", name)
    if not account.takes(name):
        assert set(account.port.create([mailbox])) == {mailbox} and account.port.state(mailbox) is None
        return
    assert account.port.create([mailbox]) == {}
    state = account.port.state(mailbox)
    assert account.port.create([mailbox]) == {}
    assert state is not None and account.port.state(mailbox) == state


def test_only_messages_that_exist_are_answered(account: Account) -> None:
    first, second = account.append("INBOX", "one"), account.append("INBOX", "two", ["\\Seen"])
    held = account.port.messages("INBOX", [first, second, second + 7])
    assert set(held) == {first, second}
    assert held[second].uid == second and held[second].internal_date == DATE
    assert held[second].flags == {"\\Seen"} and held[first].flags == frozenset()


def test_fingerprints_tell_messages_apart_and_copies_together(account: Account) -> None:
    one, same, other = (account.append("INBOX", subject) for subject in ("one", "one", "two"))
    held = account.port.messages("INBOX", [one, same, other])
    assert held[one].fingerprint == held[same].fingerprint != held[other].fingerprint


def test_no_messages_are_asked_for_none(account: Account) -> None:
    assert account.port.messages("INBOX", []) == {}


def test_messages_from_a_uid_on(account: Account) -> None:
    first, second, third = (account.append("INBOX", subject) for subject in "abc")
    assert set(account.port.messages_from("INBOX", second)) == {second, third}
    assert set(account.port.messages_from("INBOX", 1)) == {first, second, third}
    assert account.port.messages_from("INBOX", third + 1) == {}


def test_what_others_do_meanwhile_is_seen(account: Account) -> None:
    first = account.append("INBOX", "one")
    assert set(account.port.messages_from("INBOX", 1)) == {first}
    second = account.append("INBOX", "two")
    account.expunge("INBOX", first)
    assert set(account.port.messages("INBOX", [first, second])) == {second}


def test_a_moved_message_keeps_flags_keywords_and_date(account: Account) -> None:
    uid = account.append("INBOX", "one", ["\\Seen", "\\Answered", "$Label1"])
    stays = account.append("INBOX", "two")
    former = account.port.messages("INBOX", [uid])[uid]
    folder = account.name("Customers", "D12 Gibson")
    account.port.create([folder])
    fence = account.port.state(folder)
    said = said_to(account.port.transfer("INBOX", [([uid], folder)], move=True))
    arrived = account.port.messages_from(folder, fence.uidnext)
    (new_uid,) = arrived
    assert said in ({}, {uid: new_uid})
    assert (arrived[new_uid].fingerprint, arrived[new_uid].flags) == (former.fingerprint, former.flags)
    assert arrived[new_uid].internal_date == former.internal_date
    assert set(account.port.messages_from("INBOX", 1)) == {stays}


def test_many_messages_are_paired_with_their_copies(account: Account) -> None:
    uids = [account.append("INBOX", f"number {number}") for number in range(5)]
    account.expunge("INBOX", uids[2])
    folder = account.name("D12")
    account.port.create([folder])
    before = account.port.messages("INBOX", uids)
    said = said_to(account.port.transfer("INBOX", [(uids, folder)], move=False))
    copies = account.port.messages_from(folder, 1)
    assert len(copies) == 4
    for uid, copied in said.items():
        assert copies[copied].fingerprint == before[uid].fingerprint
    assert account.port.messages("INBOX", uids) == before


def test_a_vanished_message_is_moved_without_a_word(account: Account) -> None:
    uid = account.append("INBOX", "one")
    account.expunge("INBOX", uid)
    folder = account.name("D12")
    account.port.create([folder])
    assert not said_to(account.port.transfer("INBOX", [([uid], folder)], move=True))
    assert account.port.messages_from(folder, 1) == {}


def test_many_groups_go_to_their_mailboxes_at_once(account: Account) -> None:
    uids = [account.append("INBOX", f"number {number}") for number in range(6)]
    folders = [account.name(f"D{number}") for number in range(2)]
    account.port.create(folders)
    groups = [(uids[:2], folders[0]), ([uids[3]], folders[1]), ([uids[5]], folders[0])]
    said_to(account.port.transfer("INBOX", groups, move=True))
    assert account.port.remaining("INBOX", uids) == {uids[2], uids[4]}
    assert [len(account.port.messages_from(folder, 1)) for folder in folders] == [3, 1]
    states = account.port.states([*folders, account.name("D9"), "INBOX"])
    assert states == {
        folder: account.port.state(folder) for folder in [*folders, account.name("D9"), "INBOX"]
    }
    assert states[account.name("D9")] is None and states[folders[0]].uidnext == 4


def test_many_mailboxes_are_counted_at_once(account: Account) -> None:
    """Those that are not there, and names that a listing would take for patterns, among them."""
    folders = [account.name(f"M{number}") for number in range(30)]
    names = ["50% off", "all *", "M1%", 'say "yes"', "客户"]
    odd = [account.name(name) for name in names if account.takes(name)]
    gone = [
        account.name(name) for name in ("N1", "none *", *(set(names) - set(filter(account.takes, names))))
    ]
    account.port.create([*folders, *odd])
    states = account.port.states([*folders, *odd, *gone])
    assert {name for name, state in states.items() if state is None} == set(gone)
    assert states == {name: account.port.state(name) for name in (*folders, *odd, *gone)}


def test_a_renamed_mailbox_keeps_its_mail_and_numbers_and_takes_those_below_it_along(
    account: Account,
) -> None:
    before, after = account.name("客户", "D12 Gibson"), account.name("客户", "EU", "D12 王伟 & Söhne")
    below = account.name("客户", "D12 Gibson", "2025")
    beside = account.name("客户", "D12 Gibson & Co")
    account.port.create([account.name("客户"), account.name("客户", "EU"), before, below, beside])
    uid = account.append(before, "one", ["\\Seen", "$Label1"])
    account.append(below, "old")
    held, state = account.port.messages(before, [uid]), account.port.state(before)
    account.port.rename(before, after)
    account.port.move_subscriptions(before, after)
    assert account.port.state(before) is None and account.port.state(below) is None
    assert account.port.state(after) == state and account.port.messages(after, [uid]) == held
    assert len(account.port.messages_from(account.name("客户", "EU", "D12 王伟 & Söhne", "2025"), 1)) == 1
    assert account.port.state(beside) is not None
    account.port.move_subscriptions(before, after)


def test_a_mailbox_is_renamed_over_no_other(account: Account) -> None:
    account.port.create([account.name("D12"), account.name("D13")])
    uid = account.append(account.name("D12"), "one")
    with pytest.raises(CollectionError):
        account.port.rename(account.name("D12"), account.name("D13"))
    with pytest.raises(CollectionError):
        account.port.rename(account.name("D14"), account.name("D15"))
    assert set(account.port.messages_from(account.name("D12"), 1)) == {uid}


def test_only_the_named_messages_are_removed(account: Account) -> None:
    ours, marked = account.append("INBOX", "ours"), account.append("INBOX", "theirs", ["\\Deleted"])
    account.port.remove("INBOX", [ours])
    assert set(account.port.messages_from("INBOX", 1)) == {marked}


class TestOnServersAndOurFake:
    """What the memory world of the kill tests has no need of."""

    @pytest.fixture(autouse=True)
    def _not_the_kill_world(self, account: Account) -> None:
        if isinstance(account, KillAccount):
            pytest.skip("it is written to by the engine only")

    def test_a_move_into_a_missing_mailbox_leaves_the_message(self, account: Account) -> None:
        uid = account.append("INBOX", "one")
        (answer,) = account.port.transfer("INBOX", [([uid], account.name("Missing"))], move=True)
        assert isinstance(answer.refusal, CollectionError) and answer.uids == [uid] and not answer.copies
        assert set(account.port.messages("INBOX", [uid])) == {uid}

    def test_nothing_is_removed_for_an_empty_list(self, account: Account) -> None:
        marked = account.append("INBOX", "theirs", ["\\Deleted"])
        with pytest.raises(ValueError):
            account.port.remove("INBOX", [])
        assert set(account.port.messages_from("INBOX", 1)) == {marked}

    def test_subscriptions_follow_a_renamed_mailbox(self, account: Account) -> None:
        """And only those that were there: whoever gave one up does not get it back."""
        before, after, below = account.name("D12"), account.name("D13"), account.name("D12", "2025")
        account.port.create([before, below, account.name("D120")])
        quiet = account.name("D12", "quiet")
        if isinstance(account, MemoryAccount):
            account.port.add_box(quiet)
        else:
            with account.client() as client:  # type: ignore[attr-defined]
                client.create_folder(quiet)
        account.port.rename(before, after)
        account.port.move_subscriptions(before, after)
        names = {one.name: one.subscribed for one in account.port.listing().folders}
        assert [names[account.name("D13", *part)] for part in ((), ("2025",), ("quiet",))] == [
            True, True, False,
        ]  # fmt: skip
        assert names[account.name("D120")] and before not in names
        if not isinstance(account, MemoryAccount):
            with account.client() as client:  # type: ignore[attr-defined]
                listed = {name for _, _, name in client.list_sub_folders()}
            assert not listed & {before, below} and {after, account.name("D13", "2025")} <= listed

    def test_a_listing_counts(self, account: Account) -> None:
        account.append("INBOX", "one")
        account.port.examine("INBOX")
        uid = account.append("INBOX", "two")
        inbox = next(folder for folder in account.port.listing().folders if folder.name == "INBOX")
        standing = account.port.examine("INBOX")
        assert (inbox.messages, inbox.uidnext) == (2, uid + 1) == (standing.messages, standing.uidnext)
        assert inbox.uidvalidity == standing.uidvalidity and inbox.role == "inbox"
        assert inbox.highestmodseq == standing.highestmodseq

    def test_changed_flags_are_found_by_modseq(self, account: Account) -> None:
        first, second, third = (account.append("INBOX", subject, ["\\Flagged"]) for subject in "abc")
        before = account.port.examine("INBOX").highestmodseq
        if isinstance(account, MemoryAccount):
            account.port.set_flags("INBOX", second, ["\\Seen"])
        else:
            with account.client() as client:  # type: ignore[attr-defined]
                client.select_folder("INBOX")
                client.set_flags([second], ["\\Seen"])
        assert account.port.examine("INBOX").highestmodseq > before
        assert account.port.flags_since("INBOX", before, third) == {second: {"\\Seen"}}
        assert account.port.flags_since("INBOX", before, first) == {}
        assert account.port.present("INBOX", second, third) == {second: {"\\Seen"}, third: {"\\Flagged"}}

    def test_headers_come_as_they_stand_and_without_a_trace(self, account: Account) -> None:
        uid = account.append("INBOX", "one")
        (fetched,) = account.port.fetch("INBOX", [uid, uid + 1])
        assert b"Subject: one\r\n" in fetched.header and b"X-Other" not in fetched.header
        assert fetched.header.endswith(b"\r\n\r\n") and fetched.size == len(message("one"))
        assert account.port.messages("INBOX", [uid])[uid].flags == frozenset()


class TestOnServers:
    """What only a real server can show."""

    @pytest.fixture(params=SERVERS)
    def server(self, request: pytest.FixtureRequest) -> Iterator[ServerAccount]:
        with server_account(request.getfixturevalue(request.param)) as account:
            yield account

    def test_its_profile_says_how_folders_are_named(self, server: ServerAccount) -> None:
        profile = probe(server.port)
        assert (profile.separator, profile.prefix) == (server.server.separator, server.server.prefix)
        assert profile.can_move and profile.can_expunge_uids and profile.condstore and profile.special_use
        vendor = "Cyrus IMAPD" if isinstance(server.server, Cyrus) else "Dovecot"
        assert profile.software.split(" 3.")[0] == vendor

    def test_characters_that_it_refuses_are_known(self, server: ServerAccount) -> None:
        profile = probe(server.port)
        signs = [sign for sign in string.punctuation if sign != profile.separator]
        refused = server.port.create([server.name(f"D12 a{sign}b") for sign in signs])
        found = {name.rpartition("D12 a")[2][0] for name in refused}
        assert found - {"/"} <= set(profile.refused) and set(profile.refused) - found <= {"^"}

    def test_a_message_goes_through_copy_and_removal_as_well(self, server: ServerAccount) -> None:
        uid, stays = server.append("INBOX", "one", ["\\Seen", "$Label1"]), server.append("INBOX", "two")
        before = server.port.messages("INBOX", [uid])[uid]
        folder = server.name("客户", "D12 Yahoo Best & Co")
        assert server.port.create([folder]) == {}
        said = said_to(server.port.transfer("INBOX", [([uid], folder)], move=False))
        server.port.remove("INBOX", [uid])
        (copied,) = server.port.messages_from(folder, 1).values()
        assert said == {uid: copied.uid}
        assert (copied.fingerprint, copied.flags) == (before.fingerprint, before.flags)
        assert copied.internal_date == before.internal_date
        assert set(server.port.messages_from("INBOX", 1)) == {stays}

    def test_folders_are_listed_as_they_were_created_and_subscribed(self, server: ServerAccount) -> None:
        names = [server.name("客户", name) for name in ("D07 顺达货代", "D12 a&b", "E05 Müller 🏭")]
        assert server.port.create(names) == {}
        listing = server.port.listing()
        found = {folder.name: folder for folder in listing.folders}
        assert all(found[name].subscribed and found[name].messages == 0 for name in names)
        assert listing.problems == ()

    def test_the_next_run_asks_again_only_for_the_listing(
        self, server: ServerAccount, tmp_path: Path
    ) -> None:
        engine = connect(f"sqlite:///{tmp_path / 'mailsync.db'}")
        upgrade(engine)
        profiles, now = Profiles(engine, "li.na"), datetime(2026, 2, 3, tzinfo=UTC)
        first = profiles.profile(server.port, {}, now)
        before = server.port.traffic.commands
        second = profiles.profile(server.port, {}, now)
        assert server.port.traffic.commands - before == 1
        engine.dispose()
        assert (first.habits, first.separator, first.prefix) == (
            second.habits,
            second.separator,
            second.prefix,
        )
        assert dict(first.roles) == dict(second.roles)


def test_a_fresh_connection_replaces_a_dropped_one(mail_user: MailUser) -> None:
    session = ImapSession(ImapLogin.of_url(mail_user.url, user=mail_user.name, password=mail_user.password))
    with closing_session(session):
        assert session.state("INBOX") is not None
        session.drop()
        assert session.messages_from("INBOX", 1) == {}


@contextmanager
def closing_session(session: ImapSession) -> Iterator[None]:
    try:
        yield
    finally:
        session.drop()
