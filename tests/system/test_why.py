"""`why` on a company's real mailbox and book: each kind of evidence, an address, what is typed wrong. No server is asked."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.conftest import BookUser, MailUser
from tests.system.company import Answer, Company, letter

D12 = "Customers/D12 Gibson Importing"
STRANGER = "stranger@else.example"
EVIL = "\x1b[31mD12\u202e evil \x07" + "long " * 2000


@pytest.fixture
def company(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Company:
    company = Company.found(tmp_path, mail_user, book_user, letters=2)
    company.mail.seed(
        [
            letter(10, sender="wang@shunda.example", subject="d12 booking"),
            letter(11, sender="wang@shunda.example", subject="booking of both"),
            letter(12, sender=STRANGER, subject="customs papers", answers=0),
            letter(13, sender=STRANGER, subject="photos"),
            letter(14, sender="news@else.example", subject="newsletter"),
            letter(15, sender="jane@gibson.example", subject="Re: E05 price, F99"),
            letter(16, sender="evil@else.example", subject=EVIL),
        ]
    )
    company.configure(confirmed=True)
    assert company.run("tidy").code == 0
    company.move("INBOX", "<m13@test.example>", D12)
    assert company.run("tidy").code == 0
    return company


def why(company: Company, *words: str) -> Answer:
    answer = company.run("why", *words)
    assert answer.code == 0, answer.all
    return answer


def test_each_kind_of_evidence_is_told(company: Company) -> None:
    for number, decision, row in (
        (0, "Its people decide: D12 Gibson Importing", "✓ people D12"),
        (10, "The code in the subject decides: D12 Gibson Importing", "✓ code D12"),
        (11, "Nothing decides between several customers", "people D12 E05"),
        (12, "The conversation it belongs to decides: D12 Gibson Importing", "✓ conversation D12"),
        (13, "A person filed a message of this conversation under D12", "✓ by hand D12"),
        (14, "No registered person, no code, no customer's conversation: nobody's", "people –"),
    ):
        said = " ".join(why(company, f"<m{number}@test.example>").out.split())
        assert decision in said and row in said, said
        assert said.count("✓") <= 2  # what decides, and the neighbour that told


def test_plan_and_why_say_the_same(company: Company) -> None:
    attributions = company.run("plan", "--full", "--json").objects()[0]["attributions"]
    assert len(attributions) == 9
    for row in attributions:
        (told,) = why(company, "--json", f"{row['mailbox']};UID={row['uid']}").objects()
        assert (told["customer"], told["evidence"]) == (row["customer"], row["evidence"])
        assert [one["evidence"] for one in told["weighed"] if one["decides"]] == (
            [row["evidence"]] if row["customer"] else []
        )


def test_no_server_is_asked(company: Company) -> None:
    company.configure(confirmed=True, imap="imap://127.0.0.1:1", book="http://127.0.0.1:1/")
    assert "D12" in why(company, "m0@test.example").out
    assert "Jane Roe" in why(company, "jane@gibson.example").out


def test_a_message_is_found_by_what_people_have_at_hand(company: Company) -> None:
    by_id = why(company, "<m12@test.example>").out
    place = next(line for line in by_id.splitlines() if "UID" in line)
    uid = place.split("UID ")[1].split()[0]
    for words in (
        ["m12@test.example"],
        [D12, uid],
        [f"{D12};UID={uid}"],
        ["Customs PAPERS"],
        ["customs", "papers"],
    ):
        assert why(company, *words).out == by_id
    several = company.run("why", "order")
    assert several.code == 2 and "2 messages fit" in several.out
    for line in several.out.splitlines():
        if "mailsync why" in line:
            assert "Its people decide" in why(company, *shlex.split(line)[2:]).out


def test_an_address_is_told_with_all_that_hangs_on_it(company: Company) -> None:
    said = " ".join(why(company, "王伟 <wang@shunda.example>").out.split())
    for words in (
        "王伟", "顺达货代", "forwarder of D12 Gibson Importing", "forwarder of E05 Rossi/Casa", "D12 王伟/顺达货代/SH",
        "Mail (2)", "D12 code “d12 booking”", "undecided “booking of both”",
    ):  # fmt: skip
        assert words in said, said
    stranger = " ".join(why(company, STRANGER).out.split())
    assert "not registered" in stranger and "Mail (2)" in stranger
    assert "mailsync contacts add --code D12" in stranger


def test_hostile_subjects_do_nothing_to_the_terminal(company: Company) -> None:
    for words in (["<m16@test.example>"], ["evil@else.example"]):
        said = why(company, *words).out
        assert not {"\x1b", "\x07", "\u202e"} & set(said)
        assert "\\u202e" in said and len(said) < 4000


def test_what_is_typed_wrong_is_said(company: Company) -> None:
    for words, told in (
        (["nobody@nowhere.example"], "Nothing is known of nobody@nowhere.example"),
        (["<lost@x>"], "Nothing is known of <lost@x>"),
        (["INBOX;UID=99999"], "INBOX has no message with UID 99999"),
        (["Nowhere;UID=1"], "No folder Nowhere was read; there are:"),
        (["no such subject"], "Type a Message-ID"),
        (["d12"], "mailsync customers show D12"),
        (["--account", "nobody", "x"], "there are: rep"),
    ):
        answer = company.run("why", *words)
        assert answer.code == 2 and told in " ".join(answer.all.split()), answer.all


def test_before_anything_was_read(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> None:
    company = Company.found(tmp_path, mail_user, book_user, letters=1)
    answer = company.run("why", "order")
    assert answer.code == 2 and "type `mailsync plan` first" in answer.all
    assert company.run("why", "jane@gibson.example").code == 2


def test_it_speaks_chinese(company: Company) -> None:
    company.configure(confirmed=True, more='language = "zh_CN"')
    assert "D12 Gibson Importing" in why(company, "m0@test.example").out
