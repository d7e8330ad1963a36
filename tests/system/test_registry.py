"""A merge and its undo, seen from the mailbox and the address book, through the command line on real servers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import BookUser, MailUser
from tests.system.company import Company, letter

D12, E05 = "Customers/D12 Gibson Importing", "Customers/E05 Rossi-Casa"
STRANGER = 90


@pytest.fixture
def company(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Company:
    company = Company.found(tmp_path, mail_user, book_user)
    company.mail.seed([letter(STRANGER, sender="stranger@else.example")])
    company.configure(confirmed=True)
    assert company.run("tidy").code == 0
    company.move("INBOX", f"<m{STRANGER}@test.example>", E05)
    assert company.run("tidy").code == 0
    return company


def names_of(company: Company, address: str) -> set[str]:
    return {
        line.removeprefix("FN:")
        for card in company.cards().values()
        for line in card.decode().splitlines()
        if line.startswith("FN:") and address.encode() in card
    }


def test_folders_and_cards_follow_a_merge_and_its_undo(company: Company) -> None:
    everything = Counter(one.fingerprint for one in company.messages().elements())
    assert company.places() == {D12: 3, E05: 4}
    assert names_of(company, "giulia@rossi.example") == {"E05 Giulia Rossi/Rossi Casa/IT"} or names_of(
        company, "giulia@rossi.example"
    ) == {"E05 Giulia Rossi/Rossi-Casa/IT"}

    merged = company.run("customers", "merge", "E05", "D12")
    assert merged.code == 0 and "E05 Rossi Casa S.p.A. is merged into D12" in merged.out
    planned = company.run("plan", "--json").objects()[0]
    assert {(row["kind"], row["after"]) for row in planned["actions"] if "message" in row["kind"]} == {
        ("message-move", D12)
    }
    assert company.places() == {D12: 3, E05: 4}  # a plan moves nothing

    followed = company.run("tidy", "--json").objects()[0]
    assert followed["exit_code"] == 0
    assert company.places() == {D12: 7}
    assert names_of(company, "giulia@rossi.example") == {"D12 Giulia Rossi/Gibson Importing/AU"}
    assert company.run("tidy", "--json").objects()[0]["actions"] == []

    # What a person had filed is a person's still, and says whose the conversation is.
    why = company.run("why", f"<m{STRANGER}@test.example>")
    assert "A person filed a message of this conversation under D12" in why.out

    assert company.run("undo", followed["run"]).code == 0
    assert company.places() == {D12: 3, E05: 4}
    assert names_of(company, "giulia@rossi.example") != {"D12 Giulia Rossi/Gibson Importing/AU"}
    company.confirm()
    assert company.run("tidy").code == 0
    assert company.places() == {D12: 7}

    parted = company.run("customers", "unmerge", "E05")
    assert parted.code == 0, parted.all
    assert company.run("tidy").code == 0
    assert company.places() == {D12: 3, E05: 4}
    assert names_of(company, "giulia@rossi.example") == {"E05 Giulia Rossi/Rossi-Casa/IT"}
    assert Counter(one.fingerprint for one in company.messages().elements()) == everything
    assert company.run("tidy", "--json").objects()[0]["actions"] == []
