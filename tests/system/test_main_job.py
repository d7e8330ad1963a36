"""The whole main job through the command line, on real servers, and what is left of it after a kill."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import BookUser, MailUser
from tests.servers.postgres import Postgres
from tests.system.company import Company, letter

D12, E05 = "Customers/D12 Gibson Importing", "Customers/E05 Rossi-Casa"
JANE, WANG_D12, WANG_E05 = (
    "D12 Jane Roe/Gibson Importing/AU",
    "D12 王伟/顺达货代/SH",
    "E05 王伟/顺达货代/SH",
)
GIULIA, LI_NA = "E05 Giulia Rossi/Rossi-Casa/IT", "012 李娜/客户贸易/CN"


@pytest.fixture
def company(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Company:
    return Company.found(tmp_path, mail_user, book_user)


def test_plan_confirm_tidy_undo_and_again(company: Company) -> None:
    mail, cards = company.messages(), company.cards()

    planned = company.run("plan", "--json")
    result = planned.objects()[0]
    assert (planned.code, result["dry_run"], len(result["attributions"])) == (0, True, 6)
    assert {row["evidence"] for row in result["attributions"]} == {"participant"}
    held = company.run("tidy")
    assert held.code == 20
    assert f"mailsync confirm rep {result['plan_hash']}" in " ".join(held.out.split())
    assert company.run("confirm", "rep", "0" * 12).code == 2
    assert (company.messages(), company.cards()) == (mail, cards)

    assert company.run("confirm", "rep", result["plan_hash"]).code == 0
    first = company.run("tidy", "--json").objects()[0]
    assert first["exit_code"] == 0
    assert company.places() == Counter({D12: 3, E05: 3})
    assert company.names() == {JANE, WANG_D12, WANG_E05, GIULIA, LI_NA, "Someone Else"}
    tidy_mail, tidy_cards = company.messages(), company.cards()

    second = company.run("tidy", "--json").objects()[0]
    assert (second["exit_code"], second["actions"], second["attributions"]) == (0, [], [])
    assert (company.messages(), company.cards()) == (tidy_mail, tidy_cards)

    undone = company.run("undo", first["run"], "--json")
    assert undone.code == 0
    assert (company.messages(), company.cards()) == (mail, cards)
    states = {row["state"] for row in company.run("journal", "--run", first["run"], "--json").objects()}
    assert states == {"undone", "done"}  # the folders stay: mail may have come into them
    assert company.run("undo", first["run"]).code == 2

    again = company.run("tidy", "--json").objects()[0]
    assert again["exit_code"] == 0
    assert company.messages() == tidy_mail
    assert company.names() == {JANE, WANG_D12, WANG_E05, GIULIA, LI_NA, "Someone Else"}


def test_the_same_on_postgresql(company: Company, postgres: Postgres) -> None:
    company.configure(database=postgres.new_database(), confirmed=True)
    mail, cards = company.messages(), company.cards()
    first = company.run("tidy", "--json").objects()[0]
    assert (first["exit_code"], company.places()) == (0, Counter({D12: 3, E05: 3}))
    again = company.run("tidy", "--json").objects()[0]
    assert (again["exit_code"], again["actions"], again["attributions"]) == (0, [], [])
    assert company.run("undo", first["run"]).code == 0
    assert (company.messages(), company.cards()) == (mail, cards)


def test_what_a_person_moved_stays_and_is_learnt(company: Company) -> None:
    company.mail.seed([letter(90, sender="bank@unknown.example", subject="payment advice")])
    company.confirm()
    company.run("tidy")
    assert company.places()["INBOX"] == 1  # nobody's, so far
    company.move("INBOX", "<m90@test.example>", D12)
    company.move(E05, "<m1@test.example>", "INBOX")
    company.mail.seed(
        [letter(91, sender="colleague@unknown.example", subject="Re: payment advice", answers=90)]
    )
    told = company.run("tidy", "--json", "--full").objects()[0]
    decided = {row["message_id"]: (row["customer"], row["evidence"]) for row in told["attributions"]}
    assert decided["<m91@test.example>"] == ("D12", "filed")
    places = company.where()
    assert places["<m90@test.example>"] == places["<m91@test.example>"] == D12
    assert places["<m1@test.example>"] == "INBOX"  # it is E05's, and stays where the person put it
    assert [row["kind"] for row in told["findings"] if row["subject"] == "<m1@test.example>"] == ["misfiled"]
    assert company.run("tidy", "--json").objects()[0]["actions"] == []


@pytest.mark.parametrize("kills", [3])
def test_a_killed_run_ends_in_the_same_state_with_no_message_twice(
    tmp_path: Path, mail_user: MailUser, book_user: BookUser, kills: int
) -> None:
    company = Company.found(tmp_path, mail_user, book_user, letters=400)
    everything = Counter(one.fingerprint for one in company.messages().elements())
    company.confirm()
    database = company.folder / "var" / "mailsync.db"
    for _ in range(kills):
        before = done_actions(database)
        running = company.start("tidy")
        wait_until(lambda: done_actions(database) >= before + 20)  # noqa: B023
        running.send_signal(signal.SIGKILL)
        running.communicate()
        assert running.returncode == -signal.SIGKILL
    assert company.run("tidy").code == 0
    assert company.places() == Counter({D12: 200, E05: 200})
    assert Counter(one.fingerprint for one in company.messages().elements()) == everything
    assert company.names() == {JANE, WANG_D12, WANG_E05, GIULIA, LI_NA, "Someone Else"}
    journal = company.run("journal", "--json").objects()
    assert {row["state"] for row in journal} <= {"done", "abandoned"}
    reported = company.run("report", "--json", "--since", "2020-01-01").objects()
    killed = {result["run"]: result for result in reported if result["exit_code"] == 130}
    assert len(killed) == kills
    for run, result in killed.items():
        ours = Counter(row["state"] for row in journal if row["run"] == run)
        assert Counter(row["state"] for row in result["actions"])["done"] == ours["done"]


def test_a_killed_run_does_not_forget_former_names(company: Company) -> None:
    company.mail.seed(letter(number) for number in range(100, 400))
    company.confirm()
    database = company.folder / "var" / "mailsync.db"
    running = company.start("tidy")  # cards first, then messages: the shelf is told at the very end
    wait_until(lambda: done_actions(database) >= 50)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert JANE in company.names()
    people = company.folder / "registry" / "people.csv"
    kept = [line for line in people.read_text(encoding="utf-8").splitlines() if not line.startswith("p1,")]
    people.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert company.run("tidy").code == 0
    assert "Jane Roe" in company.names() and JANE not in company.names()


def done_actions(database: Path, state: str = "done") -> int:
    """How many actions the journal says are done: a run in the middle of its work adds to them."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found = connection.execute("SELECT count(*) FROM actions WHERE state = ?", [state])
        return int(found.fetchone()[0])


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll what another process does; the end of the wait is a failure."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the run did not get into its work"
        time.sleep(0.005)


def test_the_daemon_files_mail_as_soon_as_it_comes(company: Company) -> None:
    """Far sooner than its interval of 15 minutes; how soon is measured by `bench_watch`."""
    company.configure(confirmed=True, more='language = "en"\n[daemon]\nwatch = true\njitter_seconds = 0')
    daemon = company.start("run")
    try:
        wait_until(lambda: company.places()["INBOX"] == 0)
        company.mail.seed([letter(60)])
        wait_until(lambda: company.where().get("<m60@test.example>") == D12)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=15)
    assert daemon.returncode == 0
