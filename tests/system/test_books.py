"""What address books can lose, through the command line, on a real server."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mailsync.demo.seeding import seed_book
from tests.conftest import BookUser, MailUser
from tests.system.company import CARD, Company

COUNT = 20


def cards() -> dict[str, bytes]:
    return {
        f"{number}.vcf": CARD.format(
            uid=f"u{number}", name="Somebody", address=f"{number}@else.example"
        ).encode()
        for number in range(COUNT)
    }


@pytest.fixture
def company(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Company:
    company = Company.found(tmp_path, mail_user, book_user, letters=0)
    book_user.seed(cards())
    company.configure(confirmed=True)
    assert company.run("tidy").code == 0
    return company


def collection(company: Company, book: str = "contacts") -> Path:
    (found,) = company.book.server.folder.rglob(f"collection-root/{company.book.name}/{book}")
    return found


def test_a_shrunken_book_is_refused_each_time_and_a_card_that_comes_back_lost_nothing(
    company: Company, tmp_path: Path
) -> None:
    before = company.names()
    folder = collection(company)
    kept = tmp_path / "aside"
    shutil.copytree(folder, kept)
    for card in folder.glob("*.vcf"):
        if card.name != "else.vcf":
            card.unlink()
    shutil.rmtree(folder / ".Radicale.cache", ignore_errors=True)
    assert company.run("plan").code == 20
    for _ in range(2):
        assert company.run("tidy").code == 20
    assert company.names() == {"Someone Else"}
    for card in kept.glob("*.vcf"):
        shutil.copy2(card, folder / card.name)
    shutil.rmtree(folder / ".Radicale.cache", ignore_errors=True)
    second = company.run("tidy", "--json").objects()[0]
    assert (second["exit_code"], second["actions"]) == (0, [])
    people = (company.folder / "registry" / "people.csv").read_text(encoding="utf-8")
    (company.folder / "registry" / "people.csv").write_text(
        "".join(line for line in people.splitlines(keepends=True) if not line.startswith("p1")),
        encoding="utf-8",
    )
    assert company.run("tidy").code == 0
    assert company.names() == before - {"D12 Jane Roe/Gibson Importing/AU"} | {"Jane Roe"}


def test_a_book_that_vanished_behind_a_principal_is_told_until_it_is_taken_for_right(
    company: Company,
) -> None:
    seed_book(company.book.server, company.book.name, "second", {"a.vcf": cards()["1.vcf"]})
    company.configure(confirmed=True, book=company.book.principal_url)
    assert company.run("tidy").code == 0
    assert len(company.run("who", "5@else.example", "--json").objects()) == 2  # with 15@
    shutil.rmtree(collection(company))
    for _ in range(2):
        told = company.run("tidy", "--json").objects()[0]
        assert [row["kind"] for row in told["conflicts"]] == ["vanished-book"]
    assert company.run("who", "5@else.example", "--json").objects() == []
    assert company.run("who", "D12", "--json").objects() != []
    assert company.run("tidy", "--force").code == 0
    assert company.run("tidy").code == 0
    shutil.rmtree(collection(company, "second"))
    assert [row["kind"] for row in company.run("tidy", "--json").objects()[0]["errors"]] == ["error"]
    assert company.run("who", "D12", "--json").objects() == []
