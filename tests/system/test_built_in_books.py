"""The built-in address-book server, through the command line and its own protocol."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.cards import read_meaning
from mailsync.addressbook.transport import DavLogin
from mailsync.daemon.books_server import BooksServer
from mailsync.demo.throwaway import free_ports, throwaway_folder
from mailsync.errors import AccountError, CollectionError, ItemError, UsageError
from tests.conftest import BookUser, MailUser
from tests.system.company import Company

PASSWORD = "secret-of-li-na"
NAMES = {
    "D12 Jane Roe/Gibson Importing/AU",
    "E05 Giulia Rossi/Rossi-Casa/IT",
    "D12 王伟/顺达货代/SH",
    "E05 王伟/顺达货代/SH",
    "012 李娜/客户贸易/CN",
}


class Office:
    """A company that uses the built-in server."""

    def __init__(self, company: Company, books: Path) -> None:
        self.company = company
        self.books = books / "books"
        (self.port,) = free_ports(1)
        company.configure(
            confirmed=True,
            more=f'language = "en"\n[daemon]\ninterval_minutes = 0.05\njitter_seconds = 0\n'
            f'[server]\nenabled = true\nport = {self.port}\ndata_dir = "{self.books}"\n',
        )
        self.url = f"http://127.0.0.1:{self.port}/"

    def password(self, user: str, word: str = PASSWORD) -> str:
        command = self.company.command("server", "password", user)
        ended = subprocess.run(command, input=f"{word}\n", capture_output=True, text=True, check=False)
        return ended.stdout + ended.stderr

    def client(self, user: str = "li.na", word: str = PASSWORD) -> CardDavClient:
        return CardDavClient(DavLogin(url=self.url, user=user, password=word))

    def names(self, user: str = "li.na", word: str = PASSWORD) -> set[str]:
        with self.client(user, word) as client:
            (info,) = client.discover()
            book = client.book(info.url)
            return {read_meaning(one.data).fn for one in book.read_many(list(book.listing())).values()}

    def refuses(self, user: str) -> bool:
        with self.client(user) as client:
            try:
                client.discover()
            except AccountError as error:
                return "HTTP 401" in str(error)
        return False

    def health(self) -> Any:
        return json.loads((self.company.folder / "var" / "health.json").read_text())["address_books"]


@pytest.fixture
def office(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Iterator[Office]:
    # The server runs as an unprivileged user, who must reach its folder.
    with throwaway_folder() as folder:
        yield Office(Company.found(tmp_path, mail_user, book_user, letters=0), folder)


@pytest.fixture
def daemon(office: Office) -> Iterator[subprocess.Popen[str]]:
    office.password("li.na")
    process = office.company.start("run")
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=30)


def until(holds: Callable[[], bool], seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except (AccountError, CollectionError, OSError, KeyError, ValueError):
            pass
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.1)


def test_staff_find_the_company_book_by_themselves_and_can_only_read_it(
    office: Office, daemon: subprocess.Popen[str]
) -> None:
    until(lambda: office.names() == NAMES)
    with office.client() as client:
        (info,) = client.discover()
        assert (info.name, info.writable) == ("Customers", False)
        book = client.book(info.url)
        (href, etag), *_ = book.listing().items()
        with pytest.raises(ItemError):
            book.write(href, b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nEND:VCARD\r\n", etag=etag)
        with pytest.raises(ItemError):
            book.delete(href, etag=etag)
        (company_book,) = client.discover(f"{office.url}company/customers/")
        assert not company_book.writable
    with office.client(word="wrong") as client, pytest.raises(AccountError, match="HTTP 401"):
        client.discover()


def test_a_new_user_gets_in_while_the_server_runs_and_one_who_is_removed_does_not(
    office: Office, daemon: subprocess.Popen[str]
) -> None:
    until(lambda: office.names() == NAMES)
    assert "wang.wei may log in now" in office.password("wang.wei")
    until(lambda: office.names("wang.wei") == NAMES)
    assert office.company.run("server", "users").out.split() == ["li.na", "wang.wei"]
    assert office.company.run("server", "remove", "li.na").code == 0
    until(lambda: office.refuses("li.na"))
    assert office.names("wang.wei") == NAMES


def test_it_is_started_again_when_it_dies_and_ends_with_the_daemon(
    office: Office, daemon: subprocess.Popen[str]
) -> None:
    until(lambda: office.names() == NAMES)
    first = child_of(daemon.pid)
    os.kill(first, signal.SIGKILL)
    until(lambda: child_of(daemon.pid) not in (0, first) and office.names() == NAMES)
    until(lambda: office.health() == {"pid": child_of(daemon.pid), "restarts": 1})
    assert office.company.run("run", "--health").code == 0
    daemon.terminate()
    _, errors = daemon.communicate(timeout=30)
    assert daemon.returncode == 0
    assert "the address-book server ended with -9; it is started again" in errors.replace("The", "the")
    until(lambda: not reachable(office.url))


def test_it_does_not_outlive_a_daemon_that_is_killed(office: Office, daemon: subprocess.Popen[str]) -> None:
    until(lambda: office.names() == NAMES)
    daemon.kill()
    daemon.communicate(timeout=30)
    again = office.company.start("server", "start")  # at once, while the former one may still be ending
    try:
        until(lambda: again.poll() is None and office.names() == NAMES)
    finally:
        again.terminate()
        again.communicate(timeout=30)
    until(lambda: not reachable(office.url))


def test_its_files_are_for_nobody_elses_eyes_and_passwords_are_hashed(office: Office) -> None:
    office.password("li.na")
    folder = office.books
    text = (folder / "users").read_text()
    assert PASSWORD not in text and "$2b$" in text
    assert (folder.stat().st_mode & 0o777, (folder / "users").stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize(
    ("user", "word", "said"),
    [
        ("li.na", "short", "8 characters"),
        ("li.na", "x" * 73, "72 bytes"),
        ("mailsync", PASSWORD, "cannot be a user's name"),
        ("../etc", PASSWORD, "cannot be a user's name"),
        ("li;na", PASSWORD, "cannot be a user's name"),
    ],
)
def test_a_bad_user_or_password_is_refused_in_words(office: Office, user: str, word: str, said: str) -> None:
    assert said in office.password(user, word)


def test_who_may_not_read_the_passwords_is_told_as_whom_to_type_it(tmp_path: Path) -> None:
    in_the_way = tmp_path / "books"
    in_the_way.write_text("no folder")
    server = BooksServer(folder=in_the_way)
    for ask in (server.users, server.secret, server.prepare, lambda: server.set_password("li.na", PASSWORD)):
        with pytest.raises(UsageError, match="as the user that mailsync runs as"):
            ask()


def test_tidy_says_what_to_start_while_the_server_was_never_started(office: Office) -> None:
    told = office.company.run("tidy", "--account", "book:company")
    assert told.code == 12
    (error,) = office.company.run("tidy", "--account", "book:company", "--json").objects()[0]["errors"]
    assert "mailsync server start" in error["sentence"]


def test_the_server_alone_serves_too_and_a_taken_port_is_said(office: Office) -> None:
    office.password("li.na")
    alone = office.company.start("server", "start")
    try:
        until(lambda: reachable(office.url))
        assert office.company.run("tidy", "--account", "book:company").code == 0
        assert office.names() == NAMES
        second = office.company.run("server", "start")
        assert second.code == 2 and "another process listens" in second.all
    finally:
        alone.terminate()
        alone.communicate(timeout=30)


def test_passwords_do_not_leave_the_machine_unless_that_is_asked_for(office: Office) -> None:
    config = office.company.config
    config.write_text(config.read_text().replace("enabled = true\n", 'enabled = true\nhost = "0.0.0.0"\n'))
    told = office.company.run("server", "users")
    assert told.code == 2 and "clear text" in told.all
    config.write_text(config.read_text().replace('host = "0.0.0.0"\n', "").replace("enabled = true", ""))
    told = office.company.run("server", "users")
    assert told.code == 2 and "enabled = true" in told.all


def child_of(pid: int) -> int:
    """The process that `pid` started; 0 while there is none."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return int((found.stdout.split() or ["0"])[0])


def reachable(url: str) -> bool:
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True
