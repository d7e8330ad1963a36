"""Providers as they are: each quirk as a server that has it, and what mailsync makes of it."""

from __future__ import annotations

import pytest

from mailsync.errors import AccountError
from mailsync.mailbox.connection import COMMANDS
from mailsync.mailbox.folders import AS_SPELT
from mailsync.mailbox.headers import MailboxRole
from mailsync.mailbox.imap import ImapSession
from mailsync.mailbox.parse import parse_envelope
from mailsync.mailbox.provider import Profile, probe
from tests.scripted_imap import Answer, ScriptedImap

EXAMINED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 9] x\r\nTAG OK [READ-WRITE] done\r\n"
STATUS = b"* STATUS %s (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)\r\n"
#: What Coremail (NetEase) says it can do.
NETEASE = "IMAP4rev1 XLIST SPECIAL-USE ID LITERAL+ STARTTLS XAPPLEPUSHSERVICE UIDPLUS X-CM-EXT-1"
TENCENT = "IMAP4rev1 XLIST MOVE IDLE XAPPLEPUSHSERVICE NAMESPACE CHILDREN ID UIDPLUS"
ALIYUN = "IMAP4rev1 IDLE XLIST UIDPLUS ID SASL-IR AUTH=XOAUTH2"


def listed(*lines: bytes) -> bytes:
    """The answer to LIST."""
    return b"".join(b"* LIST " + line + b"\r\n" for line in lines)


def fetched(header: bytes, plus: bytes = b"") -> bytes:
    """The answer to UID FETCH for one message, its header as a literal."""
    about = b'UID 5 FLAGS () INTERNALDATE " 3-Feb-2026 04:05:06 +0800" RFC822.SIZE 99'
    return b"* 1 FETCH (%s BODY[HEADER.FIELDS (FROM)]<0> {%d%s}\r\n%s)\r\n" % (
        about,
        len(header),
        plus,
        header,
    )


def status(line: bytes) -> bytes:
    """An answer to STATUS that names the mailbox as it was asked for."""
    return STATUS % line[len(b"STATUS ") : line.rindex(b" (")]


def script(*folders: bytes, **more: Answer) -> dict[str, Answer]:
    """A server with these folders in which all else goes well."""
    answers: dict[str, Answer] = {
        "LIST": listed(*folders),
        "STATUS": status,
        "EXAMINE": EXAMINED,
        "SELECT": EXAMINED,
    }
    return answers | {verb.replace("_", " "): answer for verb, answer in more.items()}


def profile_of(server: ScriptedImap, overrides: dict[MailboxRole, list[str]] | None = None) -> Profile:
    with ImapSession(server.login) as session:
        return probe(session, overrides)


class Netease(ScriptedImap):
    """Opens no mailbox on a connection that did not say who it is after its login."""

    def __init__(self) -> None:
        folders = (b'() "/" "INBOX"', b'() "/" "&XfJT0ZAB-"', b'() "/" "&V4NXPpCuTvY-"')
        super().__init__(script(*folders), capabilities=NETEASE)
        self.script |= {"EXAMINE": self.opened, "SELECT": self.opened, "STATUS": self.status}

    def opened(self, _line: bytes) -> bytes:
        verbs = self.verbs()
        logins = max(index for index, verb in enumerate(verbs) if verb in ("LOGIN", "AUTHENTICATE"))
        if "ID" not in verbs[logins:]:
            return b"TAG NO EXAMINE Unsafe Login. Please contact kefu@188.com for help\r\n"
        return EXAMINED.replace(b"* OK [UIDNEXT 9] x\r\n", b"")

    def status(self, line: bytes) -> bytes:
        return status(line).replace(b" UIDNEXT 9", b"")


def test_netease_opens_mailboxes_on_every_connection() -> None:
    with Netease() as server, ImapSession(server.login) as session:
        for _ in range(2):
            assert session.examine("INBOX").messages == 3
            session.drop()
        assert server.verbs().count("ID") == 2
        (said,) = {line for line in server.heard if line.startswith("ID ")}
        assert said.startswith('ID ("name" "mailsync" "version" "')


def test_netease_moves_by_copy_and_its_folders_are_known_by_name() -> None:
    with Netease() as server:
        profile = profile_of(server)
        assert (profile.can_move, profile.can_expunge_uids, profile.separator) == (False, True, "/")
        assert profile.having("sent") == ("已发送",) and profile.having("junk") == ("垃圾邮件",)
        server.script["UID COPY"] = b"TAG OK [COPYUID 9 5 1] done\r\n"
        with ImapSession(server.login) as session:
            (told,) = session.transfer("INBOX", [([5], "客户/D12")], move=False)
            assert told.copies == {5: 1}
            session.remove("INBOX", [5])
        acts = [line for line in server.heard if line.startswith("UID ")]
    assert acts == [
        'UID COPY 5 "&W6JiNw-/D12"',
        r"UID STORE 5 +FLAGS.SILENT (\Deleted)",
        "UID EXPUNGE 5",
    ]


def test_a_server_with_neither_move_nor_uidplus_is_only_reported() -> None:
    with ScriptedImap(script(b'() "/" INBOX', b'() "/" Sent'), capabilities="IMAP4rev1 AUTH=PLAIN") as server:
        profile = profile_of(server)
        assert not profile.can_move and not profile.can_expunge_uids
        (problem,) = profile.problems
        assert "only reported" in str(problem)
        assert not {"UID STORE", "UID EXPUNGE", "EXPUNGE"} & set(server.verbs())


def test_tencent_shows_its_folders_without_special_use() -> None:
    folders = (b'() "/" "INBOX"', b'() "/" "Sent Messages"', b'() "/" "Deleted Messages"', b'() "/" "Drafts"')
    more = script(
        *folders, b'(\\NoSelect) "/" "&UXZO1mWHTvZZOQ-"', NAMESPACE=b'* NAMESPACE (("" "/")) NIL NIL\r\n'
    )
    with ScriptedImap(more, capabilities=TENCENT) as server:
        profile = profile_of(server)
    assert (profile.having("sent"), profile.having("trash")) == (("Sent Messages",), ("Deleted Messages",))
    assert profile.can_move and profile.prefix == ""
    assert {folder.name: folder.selectable for folder in profile.listing.folders}["其他文件夹"] is False


def test_the_configuration_names_what_no_table_knows() -> None:
    folders = (b'() "/" INBOX', b'() "/" "Out &ZeVnLA-"', b'() "/" "Sent"')
    with ScriptedImap(script(*folders), capabilities=ALIYUN + " AUTH=PLAIN") as server:
        profile = profile_of(server, {"sent": ["Out 日本"], "junk": ["Sent"]})
        assert profile.having("sent") == ("Out 日本",) and profile.having("junk") == ("Sent",)
        problems = profile_of(server, {"sent": ["Out"]}).problems
        assert any("names the folder “Out”" in str(problem) for problem in problems)


def test_many_folders_are_listed_in_few_round_trips_everywhere() -> None:
    folders = [b'() "/" INBOX', *(b'() "/" "Customers/D%d"' % number for number in range(150))]
    more = script(*folders, LSUB=b'* LSUB () "/" "Customers/D7"\r\n')
    with ScriptedImap(more, capabilities=NETEASE) as server, ImapSession(server.login) as session:
        before = session.traffic.turns
        listing = session.listing()
        assert session.traffic.turns - before <= 6
    assert {folder.messages for folder in listing.folders} == {3} and len(listing.folders) == 151
    assert [folder.name for folder in listing.folders if folder.subscribed] == ["Customers/D7"]


def test_without_subscriptions_folders_are_listed_as_well() -> None:
    more = script(b'() "/" INBOX', LSUB=b"TAG BAD unknown command\r\n")
    with ScriptedImap(more) as server, ImapSession(server.login) as session:
        (inbox,) = session.listing().folders
    assert inbox.subscribed is None and inbox.messages == 3


def test_no_answer_of_a_search_is_ever_believed() -> None:
    assert not any("SEARCH" in command or "SORT" in command or "THREAD" in command for command in COMMANDS)


@pytest.mark.parametrize("namespace", [True, False])
@pytest.mark.parametrize("separator", [".", "/", "\\"])
def test_everything_may_lie_below_inbox(namespace: bool, separator: str) -> None:
    quoted = b'"\\\\"' if separator == "\\" else f'"{separator}"'.encode()
    below = [b'() %s "INBOX%s%s"' % (quoted, quoted[1:-1], name) for name in (b"Sent", b"Customers")]
    more = script(b"() " + quoted + b' "INBOX"', *below)
    more["NAMESPACE"] = b'* NAMESPACE (("INBOX%s" %s)) NIL NIL\r\n' % (quoted[1:-1], quoted)
    with ScriptedImap(more, capabilities=f"IMAP4rev1 UIDPLUS{' NAMESPACE' if namespace else ''}") as server:
        profile = profile_of(server)
    assert (profile.prefix, profile.separator) == (f"INBOX{separator}", separator)
    assert profile.having("sent") == (f"INBOX{separator}Sent",) and profile.problems == ()


def test_a_refused_namespace_is_no_namespace() -> None:
    more = script(b'() "." INBOX', b'() "." INBOX.Sent', NAMESPACE=b"TAG NO not today\r\n")
    with ScriptedImap(more, capabilities="IMAP4rev1 UIDPLUS NAMESPACE") as server:
        assert profile_of(server).prefix == "INBOX."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"TAG BAD User is authenticated but not connected.\r\n", "lets li.na in, but shows no folders"),
        (b"TAG NO [UNAVAILABLE] mailbox store is away\r\n", "in at the moment"),
        (b"TAG NO [LIMIT] too much\r\n", "in at the moment"),
        (b"* BYE Too many simultaneous connections\r\n", "Too many simultaneous connections"),
    ],
)
def test_an_account_that_shows_no_folders_is_tried_again(answer: bytes, words: str) -> None:
    with ScriptedImap({"LIST": answer}) as server, ImapSession(server.login) as session:
        with pytest.raises(AccountError) as caught:
            session.listing()
        assert words in str(caught.value)
        server.script |= script(b'() "/" INBOX')
        assert [folder.name for folder in session.listing().folders] == ["INBOX"]


@pytest.mark.parametrize("literals", ["", " LITERAL+", " LITERAL-"])
def test_nothing_is_said_in_literals_and_those_heard_are_read(literals: str) -> None:
    more = script(
        b'() "/" INBOX',
        UID_FETCH=fetched(b"Subject: {7}\r\n\r\n", b"+" if literals else b""),
    )
    with ScriptedImap(more, capabilities=f"IMAP4rev1 AUTH=PLAIN{literals}") as server:
        with ImapSession(server.login) as session:
            assert session.create(['客户/D12 "Best" \\ Co']) == {}
            (one,) = session.fetch("INBOX", [5])
        assert one.header == b"Subject: {7}\r\n\r\n"
        assert not any("{" in line for line in server.heard)


def test_raw_names_are_used_as_the_server_spells_them() -> None:
    """UTF8=ACCEPT (RFC 6855) is never enabled: names are modified UTF-7, but for those that are not."""
    raw, broken, gbk = "已发送".encode(), b"Bad&Name", "客户".encode("gbk")
    folders = [b'() "/" "' + name + b'"' for name in (b"INBOX", raw, broken, gbk, b"&W6JiNw-")]
    with ScriptedImap(script(*folders), capabilities="IMAP4rev1 UTF8=ACCEPT ENABLE UIDPLUS") as server:
        profile = profile_of(server)
        names = [folder.name for folder in profile.listing.folders]
        assert names == ["INBOX", f"已发送{AS_SPELT}", f"Bad&Name{AS_SPELT}", "客户"]
        assert profile.having("sent") == (f"已发送{AS_SPELT}",)
        (problem,) = profile.listing.problems
        assert "is left out" in str(problem)
        with ImapSession(server.login) as session:
            for name in names[1:]:
                session.examine(name)
        opened = [line for line in server.heard if line.startswith("EXAMINE")]
        assert opened == ['EXAMINE "已发送"', 'EXAMINE "Bad&Name"', 'EXAMINE "&W6JiNw-"']
        assert "ENABLE" not in server.verbs()


def test_a_raw_name_that_its_server_does_not_know_again_is_left_out() -> None:
    def forgetful(line: bytes) -> bytes:
        return b"TAG NO [NONEXISTENT] no such mailbox\r\n" if b"&Name" in line else status(line)

    more = script(b'() "/" INBOX', b'() "/" Bad&Name', STATUS=forgetful)
    with ScriptedImap(more) as server, ImapSession(server.login) as session:
        listing = session.listing()
    assert [folder.name for folder in listing.folders] == ["INBOX"]
    (problem,) = listing.problems
    assert "“Bad&Name” has a broken name" in str(problem)


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_raw_headers_are_read(charset: str) -> None:
    header = (
        "Subject: 回复：D12 报价\r\nFrom: 王伟 <w@x.example>\r\n"
        f"Content-Type: text/plain; charset={charset}\r\n\r\n"
    ).encode(charset)
    more = script(b'() "/" INBOX', UID_FETCH=fetched(header))
    with ScriptedImap(more) as server, ImapSession(server.login) as session:
        (one,) = session.fetch("INBOX", [5])
    assert parse_envelope(one.header).subject == "回复：D12 报价"
