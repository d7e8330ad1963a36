"""Upkeep and a customer's sheet: what the registry and the mail as last read say together (DOMAIN 9)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailsync.errors import UsageError
from mailsync.lookup import Sheet, sheet, upkeep
from mailsync.lookup.mail import account_mail
from mailsync.registry.exchange import import_registry
from mailsync.registry.merging import merge_customers, say_distinct
from mailsync.registry.persons import add_contact
from mailsync.registry.roster import Roster
from mailsync.run.actions import Finding, Place
from mailsync.tidy.desk import Desk, open_desk
from mailsync.tidy.settings import Access, Account, House
from tests.fakes_mail import MemoryMail
from tests.servers.registry_files import write_registry

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWN = "li@our.example"
ACCOUNT = Account(
    name="li", addresses=(OWN,), mail=Access(url="imap://127.0.0.1", user="li", password=lambda: "x")
)
WHOLE = {"country": "AU", "owner": OWN, "stage": "order"}
CUSTOMERS = [
    {"code": "D12", "company": "Gibson Importing", "full_code": "D12 AUGI", "grade": "B", "first_contact": "2024-04-16", **WHOLE},
    {"code": "E05", "company": "Roca", "country": "ES", "owner": OWN, "stage": "lead"},
    {"code": "F03", "company": "Gibson Imports", "country": "AU", "owner": OWN},
]  # fmt: skip
PEOPLE = [
    {"id": "1", "codes": "D12", "name": "Jane Roe", "email": "jane@gibson.example", "title": "Buyer", "phone": "+61 2"},
    {"id": "2", "codes": "D12", "name": "Old Joe", "email": "joe@gibson.example"},
    {"id": "3", "codes": "E05", "name": "Ana", "email": "ana@roca.example"},
    {"id": "4", "codes": "D12 E05", "role": "forwarder", "name": "王伟", "email": "wang@sd.example", "region": "SH"},
    {"id": "5", "codes": "F03", "name": "Bob", "email": "bob@gibson.example"},
    {"id": "6", "codes": "", "name": "Lead Lee", "company": "Lee & Co", "email": "lee@lee.example"},
]  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    house = House(
        database=f"sqlite:///{tmp_path / 'mailsync.db'}",
        state_dir=tmp_path,
        own_domains=frozenset({"our.example"}),
    )
    desk = open_desk(house)
    folder = write_registry(tmp_path / "in", customers=CUSTOMERS, people=PEOPLE)
    import_registry(desk.engine, folder, now=NOW - timedelta(days=800))
    yield desk
    desk.engine.dispose()


class Mailbox:
    """The rep's mail, a message a call."""

    def __init__(self, desk: Desk) -> None:
        self.server = MemoryMail()
        self._desk = desk
        self._count = 0

    def comes(
        self, sender: str, days: float, *, subject: str = "order", mailbox: str = "INBOX", more: str = ""
    ) -> None:
        self._lay(mailbox, sender, OWN, days, subject, more)

    def goes(self, to: str, days: float, *, subject: str = "D12 order") -> None:
        self._lay("Sent", OWN, to, days, subject, "")

    def bounces(
        self, to: str, days: float, *, sender: str = "MAILER-DAEMON@mx.example", subject: str = "Undelivered"
    ) -> None:
        body = (
            "--b\r\nContent-Type: text/plain\r\n\r\nSorry\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
            f"From: {OWN}\r\nTo: {to}\r\nSubject: hello\r\nMessage-ID: <sent{self._count}@our.example>\r\n\r\nx\r\n--b--\r\n"
        )
        kind = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        self._lay("INBOX", sender, OWN, days, subject, kind, body)

    def _lay(
        self, mailbox: str, sender: str, to: str, days: float, subject: str, more: str, body: str = "Hello"
    ) -> None:
        self._count += 1
        raw = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m{self._count}@x.example>\r\n{more}\r\n{body}"
        if mailbox not in self.server.boxes:
            self.server.add_box(mailbox)
        self.server.append(mailbox, raw.encode(), ["\\Seen"], NOW - timedelta(days=days))

    def read(self) -> None:
        self._desk.index(ACCOUNT).refresh(self.server)


@pytest.fixture
def mailbox(desk: Desk) -> Mailbox:
    return Mailbox(desk)


def found(desk: Desk, mailbox: Mailbox, kind: str) -> list[Finding]:
    mailbox.read()
    return [one for one in upkeep(desk, [ACCOUNT], today=NOW.date()) if one.kind == kind]


def subjects(desk: Desk, mailbox: Mailbox, kind: str) -> list[str]:
    return [one.subject for one in found(desk, mailbox, kind)]


def test_an_address_that_bounced_is_told_with_what_settles_it(desk: Desk, mailbox: Mailbox) -> None:
    mailbox.bounces("jane@gibson.example", 5)
    (finding,) = found(desk, mailbox, "upkeep-bounced")
    assert "Jane Roe <jane@gibson.example> came back on 2026-11-15" in str(finding.sentence)
    assert (finding.customer, finding.command) == ("D12", "mailsync contacts retire jane@gibson.example")


def test_what_is_no_bounce_is_not_told(desk: Desk, mailbox: Mailbox) -> None:
    mailbox.bounces("jane@gibson.example", 5)
    mailbox.comes("jane@gibson.example", 2)  # it lives
    mailbox.bounces("ana@roca.example", 5, sender="ana@roca.example")  # a receipt
    mailbox.bounces("wang@sd.example", 5, subject="Delivery delayed")
    mailbox.bounces("joe@gibson.example, bob@gibson.example", 5)  # nobody can say which
    mailbox.bounces("stranger@else.example", 5)
    assert found(desk, mailbox, "upkeep-bounced") == []


def test_a_bounced_address_beside_another_is_taken_off(desk: Desk, mailbox: Mailbox) -> None:
    add_contact(
        desk.engine, {"name": "Two", "email": "one@two.example; two@two.example"}, codes=["E05"], by="x"
    )
    mailbox.bounces("two@two.example", 5)
    (finding,) = found(desk, mailbox, "upkeep-bounced")
    assert finding.command == "mailsync contacts edit two@two.example --remove-email two@two.example"


def test_contacts_without_mail_for_a_year_are_told_if_the_mail_reaches_back(
    desk: Desk, mailbox: Mailbox
) -> None:
    mailbox.comes("joe@gibson.example", 400)
    mailbox.comes("jane@gibson.example", 30)
    mailbox.goes("ana@roca.example", 200, subject="E05 offer")
    told = found(desk, mailbox, "upkeep-silent")
    assert [one.subject for one in told] == ["joe@gibson.example", "wang@sd.example", "bob@gibson.example"]
    assert "no mail since 2025-10-16" in str(told[0].sentence) and "no mail at all" in str(told[1].sentence)


def test_nobody_is_silent_in_a_mailbox_of_half_a_year_nor_in_the_first_year(
    desk: Desk, mailbox: Mailbox
) -> None:
    mailbox.comes("jane@gibson.example", 180)
    assert found(desk, mailbox, "upkeep-silent") == []
    mailbox.comes("x@else.example", 500)
    new = {"name": "New", "email": "new@gibson.example"}
    add_contact(desk.engine, new, codes=["D12"], by="x", now=NOW - timedelta(days=20))
    assert "new@gibson.example" not in subjects(desk, mailbox, "upkeep-silent")


@pytest.mark.parametrize("each, told", [(4, False), (5, True)])
def test_leads_that_behave_like_customers(desk: Desk, mailbox: Mailbox, each: int, told: bool) -> None:
    for number in range(each):
        for address in ("ana@roca.example", "lee@lee.example"):
            mailbox.comes(address, number + 1)
            mailbox.goes(address, number + 1, subject="offer")
    mailbox.comes("lee@lee.example", 3, more="Auto-Submitted: auto-replied\r\n")
    lively = found(desk, mailbox, "upkeep-lively")
    assert [one.subject for one in lively] == (["lee@lee.example", "E05"] if told else [])
    if told:
        words = shlex.split(lively[0].command or "")
        assert words[:4] == ["mailsync", "customers", "add", "--channel"] and "Lee & Co" in words
        assert lively[1].command == "mailsync customers edit E05 --stage prospect"


def test_one_way_mail_and_old_mail_make_no_customer(desk: Desk, mailbox: Mailbox) -> None:
    for number in range(9):
        mailbox.comes("ana@roca.example", number + 1)
        mailbox.goes("lee@lee.example", number + 100, subject="offer")
        mailbox.comes("lee@lee.example", number + 100)
    assert found(desk, mailbox, "upkeep-lively") == []


def test_people_seen_and_not_registered_come_with_the_command_that_adds_them(
    desk: Desk, mailbox: Mailbox
) -> None:
    mailbox.comes('"O\'Hara; rm -rf ~" <kim@roca.example>', 3)
    mailbox.comes("wang@sd.example", 3, subject="F03 container")
    mailbox.comes("Trade Finance <lc@harbourbank.example>", 3, subject="E05 letter of credit")
    person, bank, engagement = found(desk, mailbox, "candidate")
    assert shlex.split(person.command or "") == [
        "mailsync", "contacts", "add", "--code", "E05", "--name", "O'Hara; rm -rf ~", "--email", "kim@roca.example",
    ]  # fmt: skip
    assert (bank.command or "").endswith(
        "--role forwarder --company Harbourbank --email lc@harbourbank.example"
    )
    assert engagement.command == "mailsync contacts edit wang@sd.example --add-code F03"


def test_duplicates_are_told_until_they_are_answered(desk: Desk, mailbox: Mailbox) -> None:
    (finding,) = found(desk, mailbox, "upkeep-duplicate")
    assert finding.command == "mailsync customers merge D12 F03"
    assert "people at gibson.example" in str(finding.sentence) and "distinct D12 F03" in str(finding.sentence)
    say_distinct(desk.engine, "D12", "F03", by="x")
    assert found(desk, mailbox, "upkeep-duplicate") == []


def sheet_of(desk: Desk, mailbox: Mailbox, code: str) -> Sheet:
    mailbox.read()
    return sheet(desk, [ACCOUNT], code, today=NOW.date())


def test_the_sheet_tells_everything_of_a_customer(desk: Desk, mailbox: Mailbox) -> None:
    mailbox.comes("jane@gibson.example", 9, subject="older")
    mailbox.comes("jane@gibson.example", 4, subject="newest", mailbox="Customers/D12 Gibson Importing")
    mailbox.comes("ana@roca.example", 1)
    mailbox.goes("jane@gibson.example", 2, subject="D12 answer")
    made = sheet_of(desk, mailbox, "d12 augi")
    assert (made.customer.full_code, made.asked, made.messages) == ("D12 AUGI", "D12", 3)
    assert [line.entry for line in made.people] == [
        "D12 Jane Roe/Gibson Importing/AU",
        "D12 Old Joe/Gibson Importing/AU",
        "D12 王伟/?/SH",
    ]
    assert made.incoming and (made.incoming.subject, made.incoming.person) == ("newest", "Jane Roe")
    assert made.outgoing and (made.outgoing.subject, made.outgoing.account) == ("D12 answer", "li")
    assert {(line.mailbox, line.messages, line.own) for line in made.folders} == {
        ("INBOX", 1, False), ("Sent", 1, False), ("Customers/D12 Gibson Importing", 1, True),
    }  # fmt: skip
    assert {finding.kind for finding in made.findings} == {"upkeep-duplicate"}


def test_an_old_code_shows_its_survivor_with_the_mail_of_both(desk: Desk, mailbox: Mailbox) -> None:
    mailbox.comes("bob@gibson.example", 3)
    merge_customers(desk.engine, ["D12", "F03"], by="boss")
    made = sheet_of(desk, mailbox, "F3")
    assert (made.asked, made.customer.code, made.messages) == ("F03", "D12", 1)
    assert [entry.by for _, entry in made.history[:2]] == ["boss", "boss"] or made.history[0][1].by == "boss"


def test_the_sheet_knows_where_mailsync_put_a_message_since_it_was_read(desk: Desk, mailbox: Mailbox) -> None:
    mailbox.comes("jane@gibson.example", 9)
    mailbox.read()
    (message,) = desk.index(ACCOUNT).messages()
    mail = account_mail(desk, ACCOUNT, Roster())
    there, back = Place("Customers/D12", 5, 1), Place("INBOX", 7, 2)
    filed = replace(mail, moved={Place(*message.key): there})
    assert (mail.mailbox_of(message), filed.mailbox_of(message)) == ("INBOX", "Customers/D12")
    assert replace(mail, moved={**filed.moved, there: back}).mailbox_of(message) == "INBOX"


def test_a_customer_without_mail_has_a_sheet_too(desk: Desk, mailbox: Mailbox) -> None:
    made = sheet_of(desk, mailbox, "E05")
    assert (made.messages, made.incoming, made.outgoing, made.folders) == (0, None, None, ())


@pytest.mark.parametrize(
    "code, words", [("D11", "Near it are: D12 Gibson Importing"), ("Z99", "customers list"), ("?", "list")]
)
def test_a_code_that_nobody_has_is_refused_with_those_near_it(
    desk: Desk, mailbox: Mailbox, code: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        sheet_of(desk, mailbox, code)
