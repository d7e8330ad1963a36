"""Bad input: a clear line that names the thing and says what to do; the rest goes on and nothing is lost."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from mailsync.demo.seeding import SeedMessage
from tests.conftest import BookUser, MailUser
from tests.system.company import CARD, Company, letter


@pytest.fixture
def company(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Company:
    return Company.found(tmp_path, mail_user, book_user, letters=2)


def wrong_password(company: Company) -> None:
    (company.folder / "wrong").write_text("not-this-one")
    company.configure(password_file="wrong")


def server_away(company: Company) -> None:
    company.configure(imap="imap://127.0.0.1:1")


def self_signed(company: Company) -> None:
    company.configure(imap=company.mail.server.url(tls=True))


def no_secret(company: Company) -> None:
    company.configure(password_file="nowhere")


def empty_registry(company: Company) -> None:
    for name in ("customers", "people", "shows"):
        path = company.folder / "registry" / f"{name}.csv"
        path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")


def no_registry(company: Company) -> None:
    company.config.write_text(company.config.read_text().replace('source = "registry"', ""))


def half_written_registry(company: Company) -> None:
    (company.folder / "registry" / "people.csv").write_text(
        'id,codes,role,name\np1,D12,contact,"Jane Ro', encoding="utf-8"
    )


def paused(company: Company) -> None:
    (company.folder / "var").mkdir()
    (company.folder / "var" / "PAUSE").touch()


def broken_database(company: Company) -> None:
    (company.folder / "var").mkdir()
    (company.folder / "var" / "mailsync.db").write_bytes(b"this is no database " * 500)


def unknown_key(company: Company) -> None:
    company.configure(more='colour = "blue"')


def no_such_book(company: Company) -> None:
    company.configure(book=company.url.rstrip("/") + "-nowhere/")


@pytest.mark.parametrize(
    "spoil, code, words",
    [
        (wrong_password, 12, ["refused the login of", "Check user name and password"]),
        (server_away, 12, ["127.0.0.1:1"]),
        (self_signed, 12, ["certificate", "ca_file"]),
        (no_secret, 2, ["nowhere", "cannot be read"]),
        (empty_registry, 10, ["customers.csv", "half written", "Nothing was imported"]),
        (no_registry, 10, ["0 customers", "mailsync registry import"]),
        (half_written_registry, 10, ["people.csv"]),
        (paused, 20, ["PAUSE", "remove the file"]),
        (broken_database, 30, ["mailsync.db", "cannot be used"]),
        (unknown_key, 2, ["colour", "unknown key"]),
        (no_such_book, 3, ["-nowhere"]),
    ],
)
def test_each_has_its_line_and_exit_code(
    company: Company, spoil: object, code: int, words: list[str]
) -> None:
    before = company.messages(), company.cards()
    spoil(company)  # type: ignore[operator]
    answer = company.run("plan")
    said = " ".join(answer.all.split())
    assert (answer.code, [word for word in words if word not in said]) == (code, [])
    assert "Traceback" not in said
    assert company.mail.password not in said
    assert "not-this-one" not in said
    assert (company.messages(), company.cards()) == before


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (("tidy", "--account", "nobody"), 2, ["nobody", "rep"]),
        (("undo", "20200101-000000-rep-00"), 2, ["20200101-000000-rep-00", "mailsync journal"]),
        (("report", "--since", "yesterday"), 2, ["yesterday", "2026-01-31"]),
        (("why", "<nobody@nowhere.example>"), 2, ["nobody@nowhere.example"]),
        (("registry", "import", "/nowhere"), 10, ["/nowhere"]),
        (("tidy", "--colour"), 2, ["--colour"]),
    ],
)
def test_what_is_typed_wrong_is_said(
    company: Company, arguments: tuple[str, ...], code: int, words: list[str]
) -> None:
    answer = company.run(*arguments)
    said = " ".join(answer.all.split())
    assert (answer.code, [word for word in words if word not in said]) == (code, [])
    assert "Traceback" not in said


def test_odd_cards_and_messages_do_not_stop_the_rest(company: Company) -> None:
    company.book.seed(
        {
            "twin1.vcf": CARD.format(uid="twin", name="Twin", address="giulia@rossi.example").encode(),
            "twin2.vcf": CARD.format(uid="twin", name="Twin", address="giulia@rossi.example").encode(),
        }
    )
    odd = letter(50, subject="no id").raw.replace(b"Message-ID: <m50@test.example>\r\n", b"")
    huge = letter(51, subject="huge").raw.replace(b"To: ", b"X-Junk: " + b"x" * 100_000 + b"\r\nTo: ")
    when = letter(50).internal_date
    company.mail.seed(SeedMessage(mailbox="INBOX", raw=raw, internal_date=when) for raw in (odd, huge))
    company.confirm()
    result = company.run("tidy", "--json").objects()[0]
    assert result["exit_code"] == 3
    assert Counter(row["action"] for row in result["cards"])["conflict"] == 2
    assert {row["subject"].rpartition("/")[2] for row in result["conflicts"]} == {"twin1.vcf", "twin2.vcf"}
    assert company.places()["INBOX"] == 0
    assert "D12 Jane Roe/Gibson Importing/AU" in company.names()


def test_one_run_at_a_time(company: Company) -> None:
    daemon = company.start("run")
    try:
        assert daemon.stderr is not None
        for line in daemon.stderr:
            if "account(s)" in line:
                break
        answers = [company.run("plan") for _ in range(1)]
        assert {answer.code for answer in answers} <= {0, 11}
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=15)
    assert daemon.returncode == 0
    assert (company.folder / "var" / "health.json").is_file()


def test_everything_is_said_in_chinese_too(company: Company) -> None:
    company.configure(more='language = "zh_CN"')
    planned = company.run("plan")
    assert planned.code == 0
    assert "客户" in planned.out
    shutil.rmtree(company.folder / "registry")
    refused = company.run("plan")
    assert "客户资料" in refused.all or "登记" in refused.all or "客户" in refused.all
