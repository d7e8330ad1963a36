"""What filing does when people, clients and servers do as they please, through the command line on real servers."""

from __future__ import annotations

import imaplib
import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mailsync.demo.seeding import encode_mailbox
from mailsync.run.apply_mail import FIRST_WINDOW, WINDOW
from tests.conftest import BookUser, MailUser
from tests.system.company import Company, letter
from tests.system.test_main_job import done_actions, wait_until

D12, E05 = "Customers/D12 Gibson Importing", "Customers/E05 Rossi-Casa"
#: Messages of three windows: there is time to be interrupted in the second.
MANY = FIRST_WINDOW + WINDOW + 100


@pytest.fixture
def company(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Company:
    return Company.found(tmp_path, mail_user, book_user, letters=0)


@contextmanager
def a_client(company: Company) -> Iterator[imaplib.IMAP4]:
    """A person's mail program."""
    with imaplib.IMAP4("127.0.0.1", company.mail.server.port) as client:
        client.login(company.mail.name, company.mail.password)
        yield client


def quoted(mailbox: str) -> str:
    return f'"{encode_mailbox(mailbox)}"'


def take(company: Company, source: str, destination: str, *, number: int | None = None) -> None:
    """A person moves messages: all, or the one with this number."""
    with a_client(company) as client:
        client.create(quoted(destination))
        assert client.select(quoted(source))[0] == "OK"
        wanted = ("ALL",) if number is None else ("HEADER", "Message-ID", f"<m{number}@test.example>")
        uids = client.uid("SEARCH", *wanted)[1][0].split()
        assert client.uid("MOVE", b",".join(uids).decode(), quoted(destination))[0] == "OK"


def findings(result: dict[str, Any], kind: str) -> list[str]:
    return [row["sentence"] for row in result["findings"] if row["kind"] == kind]


def test_a_hash_confirms_the_plan_that_was_shown_and_no_other(company: Company) -> None:
    company.mail.seed([letter(number) for number in range(140)])
    shown = company.run("plan", "--json").objects()[0]["plan_hash"]
    assert company.run("confirm", "rep", shown).code == 0
    people = company.folder / "registry" / "people.csv"
    right = people.read_text(encoding="utf-8")
    people.write_text(right.replace("p1,D12", "p1,E05").replace("p2,E05", "p2,D12"), encoding="utf-8")

    held = company.run("tidy", "--json").objects()[0]
    assert held["exit_code"] == 20
    assert held["plan_hash"] != shown
    assert f"mailsync tidy --force={held['plan_hash']}" in held["errors"][0]["sentence"]
    assert company.places()["INBOX"] == 140

    people.write_text(right, encoding="utf-8")
    company.mail.seed([letter(number) for number in range(200, 210)])
    assert company.run("tidy").code == 0
    assert company.places() == {D12: 75, E05: 75}


@pytest.mark.parametrize("folder", [E05, "Private"])
def test_what_a_person_filed_and_brought_back_is_not_filed(company: Company, folder: str) -> None:
    company.mail.seed([letter(0, flags=()), letter(1)])
    company.confirm()
    assert company.run("tidy").code == 0
    take(company, "INBOX", folder, number=0)
    assert company.run("tidy").code == 0
    take(company, folder, "INBOX", number=0)
    with a_client(company) as client:
        client.select("INBOX")
        client.store("1", "+FLAGS", r"(\Seen)")
    for _ in range(2):
        told = company.run("tidy", "--json").objects()[0]
        assert company.places()["INBOX"] == 1 and not told["actions"]
        assert len(findings(told, "misfiled")) == 1


def test_a_filed_message_that_a_person_moved_is_told_wherever_it_is(company: Company) -> None:
    company.mail.seed([letter(0), letter(1, flags=())])
    company.confirm()
    assert company.run("tidy").code == 0
    take(company, D12, "Private")
    told = company.run("tidy", "--json").objects()[0]
    assert told["stays"] == {"unread": 1}
    assert findings(told, "stays") == ["1 message(s) of customers wait: unread"]
    assert ["it stays in Private" in one for one in findings(told, "misfiled")] == [True]
    assert not told["actions"]


def test_a_company_whose_name_has_dots_is_filed_where_the_server_takes_none(company: Company) -> None:
    customers = company.folder / "registry" / "customers.csv"
    customers.write_text(
        customers.read_text(encoding="utf-8").replace(",Gibson Importing,", ",St. James...,"),
        encoding="utf-8",
    )
    company.mail.seed([letter(0), letter(2)])
    company.confirm()
    assert company.run("tidy").code == 0
    assert company.places() == {"Customers/D12 St- James": 2}
    company.mail.seed([letter(4)])
    assert company.run("tidy").code == 0
    assert company.places() == {"Customers/D12 St- James": 3}


def test_a_deleted_folder_that_has_others_below_it_is_made_again(company: Company) -> None:
    company.mail.seed([letter(0)])
    company.confirm()
    assert company.run("tidy").code == 0
    take(company, D12, f"{D12}/2024")
    with a_client(company) as client:
        assert client.delete(quoted(D12))[0] == "OK"
    company.mail.seed([letter(2)])
    told = company.run("tidy", "--json").objects()[0]
    assert told["exit_code"] == 0 and not told["errors"] and not findings(told, "mailbox")
    assert company.places() == {D12: 1, f"{D12}/2024": 1}


def test_what_mailsync_moved_itself_is_no_loss(company: Company) -> None:
    company.mail.seed([letter(2 * number) for number in range(60)])
    company.confirm()
    first = company.run("tidy", "--json").objects()[0]
    assert not findings(company.run("tidy", "--json").objects()[0], "shrunken-mailbox")
    assert company.run("undo", first["run"]).code == 0
    assert not findings(company.run("plan", "--json").objects()[0], "shrunken-mailbox")
    assert [company.run("tidy").code for _ in range(2)] == [0, 0]
    take(company, D12, "Trash")
    assert len(findings(company.run("plan", "--json").objects()[0], "shrunken-mailbox")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_command_after_what_is_under_way(company: Company, number: signal.Signals) -> None:
    company.mail.seed([letter(count) for count in range(MANY)])
    everything = Counter(one.fingerprint for one in company.messages().elements())
    company.confirm()
    database = company.folder / "var" / "mailsync.db"

    filing = company.start("tidy", "--json")
    wait_until(lambda: done_actions(database) >= 100)
    filing.send_signal(number)
    out, err = filing.communicate()
    assert filing.returncode == 130 and "Ending after what is under way" in err
    run = json.loads(out)
    assert run["exit_code"] == 130 and {row["state"] for row in run["actions"]} == {"done", "planned"}
    assert {row["state"] for row in company.run("journal", "--json").objects()} <= {"done", "abandoned"}

    undoing = company.start("undo", run["run"])
    wait_until(lambda: done_actions(database, "undone") > 0)
    undoing.send_signal(number)
    _, err = undoing.communicate()
    assert undoing.returncode in (130, 0), err  # 0: it was done before it heard
    assert "open" not in {row["state"] for row in company.run("journal", "--json").objects()}
    assert company.run("tidy").code == 0
    assert company.places() == {D12: MANY // 2, E05: MANY // 2}
    assert Counter(one.fingerprint for one in company.messages().elements()) == everything


def test_a_second_signal_ends_a_command_at_once(company: Company) -> None:
    company.mail.seed([letter(count) for count in range(MANY)])
    company.confirm()
    database = company.folder / "var" / "mailsync.db"
    filing = company.start("tidy", "--json")
    wait_until(lambda: done_actions(database) >= 100)
    filing.send_signal(signal.SIGTERM)
    assert filing.stderr is not None
    while "Ending after" not in filing.stderr.readline():
        assert filing.poll() is None
    filing.send_signal(signal.SIGTERM)
    filing.communicate()
    assert filing.returncode == 130
    assert company.run("tidy").code == 0
    assert company.places() == {D12: MANY // 2, E05: MANY // 2}
