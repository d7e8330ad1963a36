"""What is remembered of a mail server, and when it is asked again; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from mailsync.mailbox.imap import ImapLogin, ImapSession
from mailsync.mailbox.profiles import LOOK_AGAIN, Profiles
from mailsync.mailbox.provider import Profile
from tests.conftest import MailUser
from tests.scripted_imap import ScriptedImap
from tests.unit.test_mailbox_quirks import listed, script

NOW = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)
NAMESPACE = b'* NAMESPACE (("%s" "%s")) NIL NIL\r\n'


@pytest.fixture
def server() -> Iterator[ScriptedImap]:
    """One that tells its namespace, takes a "." in a name, and says who it is."""
    more = script(
        b'() "/" INBOX', NAMESPACE=NAMESPACE % (b"", b"/"), ID=b'* ID ("name" "Good" "version" "2.1")\r\n'
    )
    with ScriptedImap(more, capabilities="IMAP4rev1 NAMESPACE ID UIDPLUS AUTH=PLAIN") as running:
        yield running


def look(server: ScriptedImap, database: sa.Engine, now: datetime = NOW, *, anew: bool = False) -> Profile:
    """The profile in a run of its own."""
    with ImapSession(server.login) as session:
        return Profiles(database, "li.na").profile(session, {}, now, anew=anew)


def questions(server: ScriptedImap) -> int:
    """How often the namespace was asked for."""
    return server.verbs().count("NAMESPACE")


def test_what_stays_is_asked_for_once(server: ScriptedImap, database: sa.Engine) -> None:
    first = look(server, database)
    heard = len(server.heard)
    assert look(server, database, NOW + timedelta(hours=23)) == first
    assert questions(server) == 1 and first.software == "Good 2.1"
    again = server.heard[heard:]
    assert not any("mailsync.mailsync" in line for line in again) and any(
        line.startswith("LIST") for line in again
    )


@pytest.mark.parametrize("change", ["capabilities", "id", "a day", "anew", "another user", "clock set back"])
def test_what_may_have_changed_is_asked_again(server: ScriptedImap, database: sa.Engine, change: str) -> None:
    look(server, database)
    server.script["NAMESPACE"] = NAMESPACE % (b"INBOX.", b"/")
    now, anew = NOW, change == "anew"
    match change:
        case "capabilities":
            server.capabilities += " MOVE"
        case "id":
            server.script["ID"] = b'* ID ("name" "Good" "version" "2.2")\r\n'
        case "a day":
            now += LOOK_AGAIN
        case "clock set back":
            now -= timedelta(seconds=1)
        case "another user":
            server.user = "wang.wei"
    assert look(server, database, now, anew=anew).prefix == "INBOX."
    assert look(server, database, now).prefix == "INBOX." and questions(server) == 2


def test_another_separator_in_the_listing_is_believed_at_once(
    server: ScriptedImap, database: sa.Engine
) -> None:
    look(server, database)
    server.script |= {"LIST": listed(b'() "." INBOX'), "NAMESPACE": NAMESPACE % (b"INBOX.", b".")}
    assert look(server, database).separator == "."


def test_a_greeting_tells_servers_apart_that_do_not_introduce_themselves(database: sa.Engine) -> None:
    with ScriptedImap(
        script(b'() "/" INBOX', NAMESPACE=NAMESPACE % (b"", b"/")), capabilities="IMAP4rev1 NAMESPACE UIDPLUS"
    ) as server:
        server.greeting = (
            b"* OK [CAPABILITY IMAP4rev1 NAMESPACE UIDPLUS] Postbox ready for 10.1.2.3 at 09:15 x7f"
        )
        assert look(server, database).software == "Postbox ready for at"
        server.greeting = b"* OK Postbox ready for 10.9.9.9 at 11:00 k2a"
        look(server, database)
        assert questions(server) == 1
        server.greeting = b"* OK Letterbox ready"
        look(server, database)
        assert questions(server) == 2


def test_without_a_namespace_the_prefix_is_seen_in_each_listing(database: sa.Engine) -> None:
    with ScriptedImap(script(b'() "." INBOX'), capabilities="IMAP4rev1 UIDPLUS") as server:
        assert look(server, database).prefix == ""
        server.script["LIST"] = listed(b'() "." INBOX', b'() "." INBOX.Sent')
        assert look(server, database).prefix == "INBOX."


def test_two_accounts_have_two_servers(
    database: sa.Engine, mail_user: MailUser, dotted_mail_user: MailUser
) -> None:
    for _ in range(2):
        for user, refused in ((mail_user, "."), (dotted_mail_user, "")):
            login = ImapLogin.of_url(user.url, user=user.name, password=user.password)
            with ImapSession(login) as session:
                profile = Profiles(database, user.name).profile(session, {}, NOW)
            assert (profile.prefix, profile.separator) == (user.server.prefix, user.server.separator)
            assert (profile.refused, profile.software) == (refused, "Dovecot")
