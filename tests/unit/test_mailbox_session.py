"""A session against servers that refuse, lie, break off or talk for ever."""

from __future__ import annotations

import base64
import itertools
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailsync.errors import AccountError, CollectionError
from mailsync.mailbox.connection import COMMANDS
from mailsync.mailbox.imap import ImapLogin, ImapSession
from mailsync.run.actions import MailboxState
from tests.scripted_imap import ScriptedImap

EXAMINED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 9] x\r\nTAG OK [READ-ONLY] done\r\n"


def fetched(uid: int, subject: bytes = b"x") -> bytes:
    header = b"Subject: " + subject + b"\r\n\r\n"
    return (
        b'* 1 FETCH (UID %d FLAGS (\\Seen) INTERNALDATE " 3-Feb-2026 04:05:06 +0800" RFC822.SIZE 99 ' % uid
        + (b"BODY[HEADER.FIELDS (FROM)]<0> {%d}\r\n%s)\r\n" % (len(header), header))
    )


def refused(server: ScriptedImap) -> str:
    with pytest.raises(AccountError) as caught:
        ImapSession(server.login).connect()
    return str(caught.value)


def test_no_password_is_sent_where_logins_are_disabled() -> None:
    with ScriptedImap(capabilities="IMAP4rev1 LOGINDISABLED STARTTLS AUTH=PLAIN") as server:
        assert "not sent" in refused(server) and set(server.verbs()) == {"CAPABILITY"}


def test_no_password_is_sent_where_starttls_was_stripped() -> None:
    with ScriptedImap() as server:
        port = server.login.port
        login = ImapLogin(
            host="127.0.0.1", port=port, security="starttls", user="li.na", password="geheim-word"
        )
        with pytest.raises(AccountError, match="STARTTLS"):
            ImapSession(login).connect()
        assert set(server.verbs()) == {"CAPABILITY"}


def test_the_password_is_never_in_the_error() -> None:
    answer = b"TAG NO [AUTHENTICATIONFAILED] li.na geheim-word is wrong\r\n"
    with ScriptedImap({"AUTHENTICATE": answer}) as server:
        text = refused(server)
        assert "geheim" not in text and "li.na" in text and "AUTHENTICATIONFAILED" in text
        assert "geheim" not in repr(server.login)


def test_login_is_quoted_where_plain_is_not_offered() -> None:
    with ScriptedImap(capabilities="IMAP4rev1") as server, ImapSession(server.login):
        assert server.heard[-1] != "" and 'LOGIN "li.na" "geheim-word"' in server.heard


def test_a_master_and_a_chinese_password_go_by_plain() -> None:
    with ScriptedImap() as server:
        login = ImapLogin.of_url(
            f"imap://127.0.0.1:{server.login.port}", user="master", password="密码", authorization="li.na"
        )
        with ImapSession(login):
            (secret,) = [line for line in server.heard if line.startswith("(secret)")]
        assert base64.b64decode(secret.split()[1]).decode() == "li.na\0master\0密码"


def test_a_server_that_tells_what_it_can_is_asked_for_nothing_more() -> None:
    with ScriptedImap(
        {"AUTHENTICATE": b"TAG OK [CAPABILITY IMAP4rev1 MOVE UIDPLUS] welcome\r\n"},
        greeting=b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready",
    ) as server:
        with ImapSession(server.login) as session:
            assert session.capabilities == {"IMAP4REV1", "MOVE", "UIDPLUS"}
        (line,) = server.heard
        assert base64.b64decode(line.removeprefix("AUTHENTICATE PLAIN ")).decode() == "\0li.na\0geheim-word"


@pytest.mark.parametrize("initial", ["", " SASL-IR"])
def test_a_refused_login_is_told_without_the_password(initial: str) -> None:
    secret = base64.b64encode(b"\0li.na\0geheim-word").decode()
    answer = b"TAG NO AUTHENTICATE PLAIN %s failed\r\n" % secret.encode()
    capabilities = f"IMAP4rev1 AUTH=PLAIN{initial}"
    with ScriptedImap({"AUTHENTICATE": answer}, capabilities=capabilities) as server:
        text = refused(server)
        assert "refused the login of li.na" in text and "geheim" not in text and secret not in text


def test_id_follows_every_login_and_capabilities_are_read_again() -> None:
    with ScriptedImap(capabilities="IMAP4rev1 ID AUTH=PLAIN") as server, ImapSession(server.login) as session:
        session.drop()
        session.connect()
        assert server.verbs().count("ID") == 2
        assert [verb for verb in server.verbs() if verb in ("AUTHENTICATE", "ID")] == [
            "AUTHENTICATE",
            "ID",
        ] * 2
        server.capabilities = "IMAP4rev1 MOVE"
        session.drop()
        assert session.can_move


@pytest.mark.parametrize(
    "answer",
    [
        b"HANG UP",
        b"* BYE shutting down\r\n",
        b"* 1 FETCH (UID 5 BODY[] {99999999}\r\n",
        b"* 1 FETCH (UID five)\r\n",
        b"no IMAP at all\r\n",
    ],
)
def test_a_broken_line_is_dropped_and_the_next_call_connects_anew(answer: bytes) -> None:
    with (
        ScriptedImap({"EXAMINE": EXAMINED, "UID FETCH": answer}) as server,
        ImapSession(server.login) as session,
    ):
        with pytest.raises(AccountError) as caught:
            list(session.fetch("INBOX", [5]))
        assert "geheim" not in str(caught.value)
        server.script["UID FETCH"] = fetched(5)
        assert [one.uid for one in session.fetch("INBOX", [5])] == [5]
        assert server.verbs().count("AUTHENTICATE") == 2


def test_a_server_that_talks_for_ever_meets_the_deadline() -> None:
    ticks = itertools.count(step=0.1)
    chatter = b"* OK still working\r\n" * 300_000 + b"TAG OK at last\r\n"
    with ScriptedImap({"NAMESPACE": chatter}, capabilities="IMAP4rev1 NAMESPACE AUTH=PLAIN") as server:
        session = ImapSession(replace(server.login, command_deadline=2), clock=lambda: float(next(ticks)))
        session.connect()
        with pytest.raises(AccountError, match="did not answer in time"):
            session.personal_namespace()


def test_a_mute_server_meets_the_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        login = ImapLogin(
            host="127.0.0.1",
            port=mute.getsockname()[1],
            security="none",
            user="u",
            password="p",
            read_timeout=0.05,
        )
        with pytest.raises(AccountError, match="did not answer in time"):
            ImapSession(login).connect()


@pytest.fixture
def server() -> Iterator[ScriptedImap]:
    script = {"EXAMINE": EXAMINED, "SELECT": EXAMINED.replace(b"READ-ONLY", b"READ-WRITE")}
    with ScriptedImap(script, capabilities="IMAP4rev1 AUTH=PLAIN") as server:
        yield server


@pytest.mark.parametrize("argument", ["a\r\nX1 CREATE pwned", "a\nb", "a\0b", "a\x7f"])
def test_no_argument_carries_a_second_command(server: ScriptedImap, argument: str) -> None:
    with ImapSession(server.login) as session:
        heard = len(server.heard)
        with pytest.raises(ValueError, match="control character"):
            session.connect().command("LIST", '""', argument)
        assert len(server.heard) == heard


@pytest.mark.parametrize("command", ["EXPUNGE", "CLOSE", "DELETE", "UID SEARCH", "LOGOUT"])
def test_what_could_lose_mail_cannot_be_said(server: ScriptedImap, command: str) -> None:
    assert command not in COMMANDS
    with ImapSession(server.login) as session, pytest.raises(ValueError, match="never sent"):
        session.connect().command(command)


@pytest.mark.parametrize("name", ["a\r\nX1 CREATE pwned", "tab\tname", "half \ud800"])
def test_a_folder_name_with_control_characters_never_leaves(server: ScriptedImap, name: str) -> None:
    with ImapSession(server.login) as session:
        refused = session.create([name])
        assert set(refused) == ({name} if name == "half \ud800" else set())
        assert isinstance(session.states([name])[name], CollectionError | MailboxState)
        assert not any("pwned" in line.split() or "\t" in line for line in server.heard)


def test_nothing_is_marked_where_single_messages_cannot_be_removed(server: ScriptedImap) -> None:
    with ImapSession(server.login) as session:
        with pytest.raises(CollectionError, match="UIDPLUS"):
            session.remove("INBOX", [5])
        assert "UID STORE" not in server.verbs()


def test_nothing_is_removed_before_all_marks_are_answered(server: ScriptedImap) -> None:
    """Behind a STORE in the same stream Dovecot 2.3 answers OK to an UID EXPUNGE and may remove nothing."""
    server.capabilities += " UIDPLUS"
    uids = list(range(1, 9001, 2))
    with ImapSession(server.login) as session:
        session.remove("INBOX", uids)
    said = [verb for verb in server.verbs() if verb.startswith("UID")]
    chunks = len(said) // 2
    assert chunks > 2 and said == ["UID STORE"] * chunks + ["UID EXPUNGE"] * chunks
    assert all("(\\Deleted)" in line for line in server.heard if line.startswith("UID STORE"))


@pytest.mark.parametrize("uids", [[0], [-1], [2**32], ["1:*"], [True]])
def test_only_uids_are_uids(server: ScriptedImap, uids: list[int]) -> None:
    server.capabilities += " UIDPLUS MOVE"
    with ImapSession(server.login) as session:
        for move in (True, False):
            with pytest.raises(ValueError):
                list(session.transfer("INBOX", [(uids, "D12")], move=move))
        with pytest.raises(ValueError):
            session.remove("INBOX", uids)


def test_a_read_only_mailbox_is_not_moved_out_of(server: ScriptedImap) -> None:
    server.script["SELECT"] = EXAMINED
    with ImapSession(server.login) as session, pytest.raises(CollectionError, match="only be read"):
        list(session.transfer("INBOX", [([5], "D12")], move=True))
    assert "UID MOVE" not in server.verbs()


def test_one_message_that_its_server_cannot_read_does_not_hide_the_others(server: ScriptedImap) -> None:
    def answer(line: bytes) -> bytes:
        first, _, last = line.split()[2].partition(b":")
        uids = range(int(first), int(last or first) + 1)
        if 6 in uids:
            return b"TAG NO [SERVERBUG] Internal error\r\n"
        return b"".join(fetched(uid) for uid in uids)

    server.script["UID FETCH"] = answer
    with ImapSession(server.login) as session:
        assert [one.uid for one in session.fetch("INBOX", range(1, 9))] == [1, 2, 3, 4, 5, 7, 8]


def test_the_last_message_is_not_taken_for_a_later_one(server: ScriptedImap) -> None:
    server.script["UID FETCH"] = b"* 3 FETCH (UID 8 FLAGS ())\r\n"
    with ImapSession(server.login) as session:
        assert session.present("INBOX", 9) == {} and session.messages_from("INBOX", 9) == {}
    assert "SELECT" not in server.verbs()


def test_flags_that_change_meanwhile_are_the_ones_that_count(server: ScriptedImap) -> None:
    server.script["UID FETCH"] = (
        fetched(5) + b"* 1 FETCH (UID 5 FLAGS (\\Flagged \\Recent))\r\n* 2 FETCH (FLAGS ())\r\n"
    )
    with ImapSession(server.login) as session:
        (one,) = session.fetch("INBOX", [5])
        assert one.flags == {"\\Flagged"} and one.header == b"Subject: x\r\n\r\n"


def test_a_server_without_uidnext_is_looked_through(server: ScriptedImap) -> None:
    server.script |= {
        "STATUS": b"* STATUS INBOX (UIDVALIDITY 7)\r\n",
        "EXAMINE": EXAMINED.replace(b"* OK [UIDNEXT 9] x\r\n", b""),
        "UID FETCH": b"* 1 FETCH (UID 4 FLAGS ())\r\n* 2 FETCH (UID 12 FLAGS ())\r\n",
    }
    with ImapSession(server.login) as session:
        state = session.state("INBOX")
        assert state is not None and (state.uidvalidity, state.uidnext) == (7, 13)


def test_a_server_without_list_status_is_asked_one_by_one(server: ScriptedImap) -> None:
    def status(line: bytes) -> bytes:
        if b"INBOX" in line:
            return b"* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)\r\n"
        return b"TAG NO not now\r\n"

    server.script |= {
        "LIST": b'* LIST (\\Noselect) "." Root\r\n* LIST () "." inbox\r\n* LIST () "." {4}\r\nSent\r\n'
        b'* LIST () "." "Bad&Name"\r\n',
        "LSUB": b'* LSUB () "." Sent\r\n',
        "STATUS": status,
    }
    with ImapSession(server.login) as session:
        listing = session.listing()
    found = {
        folder.name: (folder.selectable, folder.subscribed, folder.messages) for folder in listing.folders
    }
    assert found == {"Root": (False, False, None), "INBOX": (True, False, 3), "Sent": (True, True, None)}
    assert len(listing.problems) == 1 and "Bad&Name" in str(listing.problems[0])


@pytest.mark.parametrize(
    ("url", "security", "port"),
    [
        ("imaps://mail.example", "tls", 993),
        ("imaps://mail.example:1993", "tls", 1993),
        ("imap://mail.example", "starttls", 143),
        ("imap://localhost:10143", "none", 10143),
        ("imap://127.0.0.1", "none", 143),
        ("imap://[::1]:143", "none", 143),
    ],
)
def test_addresses_say_how_to_connect(url: str, security: str, port: int) -> None:
    login = ImapLogin.of_url(url, user="u", password="p")
    assert (login.security, login.port) == (security, port)
    assert ImapLogin.of_url("imap://mail.example", user="u", password="p", insecure=True).security == "none"


@pytest.mark.parametrize("url", ["https://mail.example", "mail.example", "imaps://"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no IMAP address"):
        ImapLogin.of_url(url, user="u", password="p")


def test_a_missing_certificate_file_is_named(tmp_path: Path) -> None:
    login = ImapLogin.of_url("imaps://127.0.0.1:1", user="u", password="p", ca_file=tmp_path / "ca.pem")
    with pytest.raises(AccountError, match=r"ca\.pem"):
        ImapSession(login).connect()
