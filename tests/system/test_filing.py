"""What filing does when people, clients and servers do as they please, through the command line on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import BookUser, MailUser
from tests.system.company import Company, letter

D12, E05 = "Customers/D12 Gibson Importing", "Customers/E05 Rossi-Casa"


@pytest.fixture
def company(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Company:
    return Company.found(tmp_path, mail_user, book_user, letters=0)


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
