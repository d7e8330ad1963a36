"""Waiting at a real server: by NOTIFY in all folders, by IDLE in one; and what comes of it in the daemon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest
from imapclient import IMAPClient

from mailsync.daemon import watch as sentries
from mailsync.daemon.watch import Watched, watching
from mailsync.errors import AccountError
from mailsync.mailbox import watching as mailbox_watching
from mailsync.mailbox.connection import Connection
from mailsync.mailbox.signin import open_connection
from mailsync.mailbox.watching import ImapLogin, Watch
from tests.conftest import MailUser
from tests.system.company import letter

WAIT = 20.0


@pytest.fixture
def login(mail_user: MailUser) -> ImapLogin:
    return ImapLogin.of_url(mail_user.url, user=mail_user.name, password=mail_user.password)


@pytest.fixture
def person(mail_user: MailUser) -> Iterator[IMAPClient]:
    with IMAPClient("127.0.0.1", mail_user.server.port, ssl=False) as client:
        client.login(mail_user.name, mail_user.password)
        client.create_folder("Customers")
        yield client


@pytest.fixture
def without_notify(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(login: ImapLogin) -> Connection:
        connection = open_connection(login)
        connection.capabilities -= {"NOTIFY"}
        return connection

    monkeypatch.setattr(mailbox_watching, "open_connection", opened)


def waited(watch: Watch, act: Callable[[], object]) -> frozenset[str]:
    """The mailboxes of which the watch hears when something is done while it waits."""
    thread = Thread(target=lambda: (time.sleep(0.2), act()))
    thread.start()
    try:
        return watch.wait(WAIT, lambda: False)
    finally:
        thread.join()


@pytest.mark.usefixtures("person")
def test_silence_is_no_event_and_an_end_is_heard(login: ImapLogin) -> None:
    with Watch(login) as watch:
        assert not watch.wait(0.1, lambda: False)
        started = time.monotonic()
        assert not watch.wait(WAIT, lambda: True) and time.monotonic() - started < WAIT / 2


def test_mail_in_any_folder_is_heard_of_by_notify(login: ImapLogin, person: IMAPClient) -> None:
    with Watch(login) as watch:
        assert watch.everywhere
        assert waited(watch, lambda: person.append("INBOX", letter(1).raw)) == {"INBOX"}
        assert waited(watch, lambda: person.append("Customers", letter(2).raw)) == {"Customers"}
        person.select_folder("Customers")
        assert waited(watch, lambda: person.add_flags([1], ["\\Seen"])) == {"Customers"}
        gone = waited(watch, lambda: (person.delete_messages([1]), person.uid_expunge([1])))
        assert gone == {"Customers"}


@pytest.mark.usefixtures("without_notify")
def test_mail_in_one_folder_is_heard_of_by_idle(login: ImapLogin, person: IMAPClient) -> None:
    with Watch(login, "Customers") as watch:
        assert not watch.everywhere
        person.append("INBOX", letter(1).raw)
        assert not watch.wait(1, lambda: False)
        assert waited(watch, lambda: person.append("Customers", letter(2).raw))


def test_a_line_that_breaks_while_it_waits_is_an_error(login: ImapLogin) -> None:
    with Watch(login) as watch:
        assert watch._connection is not None
        watch._connection._line.socket.shutdown(2)
        with pytest.raises(AccountError, match="broke"):
            watch.wait(WAIT, lambda: False)


@pytest.mark.parametrize("notify", [True, False])
def test_the_daemon_hears_of_inbox_and_sent_and_comes_back_after_a_break(
    login: ImapLogin,
    person: IMAPClient,
    notify: bool,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not notify:
        request.getfixturevalue("without_notify")
    monkeypatch.setattr(sentries, "FIRST_PAUSE", 0.05)
    heard, lines = Event(), list[Watch]()
    begin = Watch._begin

    def noted(self: Watch, connection: Connection) -> None:
        begin(self, connection)
        lines.append(self)

    monkeypatch.setattr(Watch, "_begin", noted)
    watched = Watched(account="rep", login=lambda: login, overrides={})
    expected = 1 if notify else 2
    with watching(
        [watched],
        lambda account, mailboxes: heard.set() if account == "rep" and mailboxes else None,
    ):
        for mailbox in ("INBOX", "Sent"):
            until(lambda: len(lines) == expected)
            heard.clear()
            person.append(mailbox, letter(1).raw)
            assert heard.wait(WAIT)
        assert lines[0]._connection is not None
        lines[0]._connection._line.socket.shutdown(2)
        until(lambda: len(lines) == expected + 1)
        heard.clear()
        person.append("INBOX", letter(2).raw)
        assert heard.wait(WAIT)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
