"""What `why` answers in both languages, over two reps' mail and books as last read (DOMAIN 7)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailsync.addressbook.shelf import Shelf
from mailsync.cli.main import run
from mailsync.mailbox.index import Index
from mailsync.registry.exchange import import_registry
from mailsync.tidy.desk import Desk, open_desk
from mailsync.tidy.settings import House
from tests.fakes_books import MemoryBook
from tests.fakes_mail import MemoryMail
from tests.servers.registry_files import write_registry

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CUSTOMERS = [
    {
        "code": "D12",
        "company": "Gibson Importing",
        "country": "AU",
        "full_code": "D12 AUGI",
        "stage": "order",
    },
    {"code": "E05", "company": "Roca", "country": "ES"},
    {"code": "F03", "company": "Gibson Imports", "country": "AU"},
]
PEOPLE = [
    {"id": "1", "codes": "D12", "name": "Jane Roe", "email": "jane@gibson.example; j2@gibson.example", "title": "Buyer"},
    {"id": "2", "codes": "E05", "name": "Ana", "email": "ana@roca.example"},
    {"id": "3", "codes": "D12 E05", "role": "forwarder", "name": "王伟", "company": "顺达货代", "email": "wang@sd.example", "region": "SH"},
    {"id": "4", "codes": "D12", "role": "inspector", "name": "Lea", "email": "lea@tuv.example"},
    {"id": "5", "codes": "", "name": "Lee", "company": "Lee & Co", "email": "lee@lee.example"},
]  # fmt: skip
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\n{emails}END:VCARD\r\n"


class Terminal:
    """Somebody types at a company with two reps, Li and Wu."""

    def __init__(self, folder: Path, desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
        self.desk = desk
        self.mail = {"li": MemoryMail(), "wu": MemoryMail()}
        self._folder = folder
        self._capfd = capfd
        self._count = 0
        self._books: dict[str, MemoryBook] = {}
        self.speak("en")

    def speak(self, language: str, reps: tuple[str, ...] = ("li", "wu")) -> None:
        accounts = "".join(
            f'[[accounts]]\nname = "{rep}"\naddress = "{rep}@our.example"\n'
            f'imap = {{ url = "imap://127.0.0.1:1", user = "{rep}", password_command = "false" }}\n'
            for rep in reps
        )
        (self._folder / "mailsync.toml").write_text(
            f'database = "{self.desk.house.database}"\nlanguage = "{language}"\ntimezone = "UTC"\n'
            f'own_domains = ["our.example"]\n{accounts}',
            encoding="utf-8",
        )

    def lay(
        self,
        route: str,
        subject: str,
        *,
        days: float = 1,
        rep: str = "li",
        mailbox: str = "INBOX",
        more: str = "",
    ) -> str:
        """A message `from > to` into a rep's mailbox; its Message-ID."""
        self._count += 1
        sender, to = route.split(" > ")
        when = NOW - timedelta(days=days)
        raw = (
            f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m{self._count}@x.example>\r\n"
            f"Date: {when:%a, %d %b %Y %H:%M:%S} +0000\r\n{more}\r\nHello"
        )
        if mailbox not in self.mail[rep].boxes:
            self.mail[rep].add_box(mailbox)
        self.mail[rep].append(mailbox, raw.encode(), ["\\Seen"], when)
        return f"<m{self._count}@x.example>"

    def read(self) -> None:
        for rep, server in self.mail.items():
            Index(self.desk.engine, rep).refresh(server)

    def card(self, name: str, *addresses: str, uid: str, owner: str = "li") -> str:
        emails = "".join(f"EMAIL:{address}\r\n" for address in addresses)
        book = self._books.setdefault(owner, MemoryBook())
        href = book.put(f"{uid}.vcf", CARD.format(uid=uid, name=name, emails=emails).encode())
        Shelf(self.desk.engine, owner).refresh(book)
        return href

    def type(self, line: str, *, code: int = 0) -> str:
        """What `mailsync why …` says, white space collapsed."""
        self._capfd.readouterr()
        ended = run(["--config", str(self._folder / "mailsync.toml"), "why", *shlex.split(line)])
        said = "".join(self._capfd.readouterr())
        assert ended == code, said
        return said

    def says(self, line: str, *, code: int = 0) -> str:
        return " ".join(self.type(line, code=code).split())

    def objects(self, line: str, *, code: int = 0) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self.type(f"--json {line}", code=code).splitlines()]


@pytest.fixture
def terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    house = House(database=f"sqlite:///{tmp_path / 'a.db'}", state_dir=tmp_path / "var")
    desk = open_desk(house)
    import_registry(
        desk.engine,
        write_registry(tmp_path / "in", customers=CUSTOMERS, people=PEOPLE),
        now=NOW - timedelta(days=9),
    )
    yield Terminal(tmp_path, desk, capfd)
    desk.engine.dispose()


@pytest.mark.parametrize(
    "language, words",
    [
        (
            "en",
            [
                "The code in the subject decides: D12 Gibson Importing", "li · INBOX · UID 1 · 2026-11-19 12:00",
                "people D12 E05 wang@sd.example works for D12, E05", "✓ code D12 The subject begins with “d12”",
                "From 王伟 <wang@sd.example> forwarder of D12, E05", "To li@our.example our own",
                "“d12” the code of D12 Gibson Importing, not written as registered",
            ],
        ),
        (
            "zh_CN",
            ["由主题里的编号判断：D12 Gibson Importing", "wang@sd.example 为 D12, E05 服务", "✓", "主题以“d12”开头，是 D12 的编号"],
        ),
    ],
)  # fmt: skip
def test_a_message_in_both_languages(terminal: Terminal, language: str, words: list[str]) -> None:
    message = terminal.lay("wang@sd.example > li@our.example", "d12 booking")
    terminal.read()
    terminal.speak(language)
    said = terminal.says(f"'{message}'")
    assert [word for word in words if word not in said] == [], said


def test_everybody_in_the_headers_is_told(terminal: Terminal) -> None:
    message = terminal.lay(
        "jane@gibson.example > li@our.example, wu@our.example",
        "D12 order, not E05",
        more="Reply-To: j2@gibson.example\r\nCc: lea@tuv.example, lee@lee.example, bank@bank.example\r\n"
        "Bcc: ana@roca.example\r\n",
    )
    terminal.read()
    said = terminal.says(message.strip("<>"))
    for words in (
        "From Jane Roe <jane@gibson.example> contact of D12 Gibson Importing",
        "Reply-To Jane Roe <j2@gibson.example> contact of D12",
        "Cc Lea <lea@tuv.example> inspector of D12",
        "Cc Lee <lee@lee.example> registered, without a code",
        "Cc bank@bank.example not registered",
        "Bcc Ana <ana@roca.example> contact of E05 Roca (does not count here)",
        "“D12” the code of D12 Gibson Importing",
        "“E05” the code of E05 Roca (not at the front)",
    ):
        assert words in said, said


def test_a_long_conversation_is_shown_in_part(terminal: Terminal) -> None:
    first = terminal.lay("jane@gibson.example > li@our.example", "order", days=100)
    for number in range(30):
        last = terminal.lay(
            "bank@bank.example > li@our.example", f"payment {number}", days=50 - number,
            more=f"In-Reply-To: {first}\r\n",
        )  # fmt: skip
    terminal.read()
    said = terminal.says(f"'{last}'")
    assert "Conversation (31)" in said and "… and 23 more" in said
    assert "✓ 2026-08-12 12:00 D12 people “order”" in said  # who told is shown, however far away
    assert "▸ 2026-10-30 12:00 D12 conversation “payment 29”" in said
    (told,) = terminal.objects(f"'{last}'")
    assert told["conversation"]["messages"] == 31
    assert [one["message_id"] for one in told["conversation"]["neighbours"] if one["tells"]] == [first]
    (thread,) = [one for one in told["weighed"] if one["decides"]]
    assert (thread["evidence"], thread["customer"], [one["uid"] for one in thread["by"]]) == (
        "thread",
        "D12",
        [1],
    )


def test_undecided_mail_is_told_what_to_do(terminal: Terminal) -> None:
    message = terminal.lay("wang@sd.example > li@our.example", "booking")
    terminal.read()
    said = terminal.says(f"'{message}'")
    assert "Nothing decides between several customers" in said
    assert "→ Move it by hand, or answer with the code in front" in said
    (told,) = terminal.objects(f"'{message}'")
    assert (told["customer"], told["evidence"], told["candidates"]) == (None, "ambiguous", ["D12", "E05"])


def test_several_messages_are_listed_with_the_command_for_each(terminal: Terminal) -> None:
    for rep in ("li", "wu"):
        terminal.lay(
            "jane@gibson.example > li@our.example", "Same 报价 subject", rep=rep, mailbox="Old 旧 mail"
        )
    terminal.read()
    said = terminal.type("same 报价 ｓｕｂｊｅｃｔ", code=2)
    commands = [line.strip() for line in said.splitlines() if "mailsync why" in line]
    assert "2 messages fit" in said and len(commands) == 2
    for command in commands:
        arguments = command.removeprefix("mailsync why ")
        assert "Its people decide: D12" in terminal.says(arguments)
    assert (
        len({terminal.objects(command.removeprefix("mailsync why "))[0]["account"] for command in commands})
        == 2
    )
    choices = terminal.objects("报价", code=2)
    assert [(one["what"], one["command"]) for one in choices] == [("choice", command) for command in commands]
    assert "Its people decide" in terminal.says("报价 --account wu")
    terminal.speak("en", reps=("li",))
    assert "Its people decide" in terminal.says("Old 旧 mail 1")


def test_an_address_with_all_that_hangs_on_it(terminal: Terminal) -> None:
    href = terminal.card("Janie", "jane@gibson.example", "j2@gibson.example", uid="u1")
    terminal.card("Jane (Wu)", "JANE@gibson.example", uid="u2", owner="wu")
    for number in range(12):
        terminal.lay("jane@gibson.example > li@our.example", f"order {number}", days=20 - number)
    terminal.lay("jane@gibson.example > wu@our.example", "E05 prices", rep="wu", days=300)
    terminal.read()
    conflict = {
        "kind": "card-rename-conflict", "severity": "conflict", "subject": href, "customer": None,
        "sentence_parts": {"template": "Somebody edits it", "fields": {}},
    }  # fmt: skip
    terminal.desk.results.store("r1", "li", NOW, {"conflicts": [conflict], "findings": []})
    said = terminal.says("'Whoever <Jane@Gibson.example>'")
    for words in (
        "Jane Roe <jane@gibson.example>", "Registry Jane Roe · Buyer · Gibson Importing",
        "contact of D12 Gibson Importing", "Other addresses j2@gibson.example", "Cards (2)", "· Janie [li]",
        "· Jane (Wu) [wu]", "Mail (13) D12 people 13", "“order 11”", "… and 5 more", "Somebody edits it",
        "The subject begins with “E05” (E05), but the mail is D12's",
    ):  # fmt: skip
        assert words in said, said
    assert "E05 prices” INBOX" not in said  # the oldest is not among those that are shown
    (told,) = terminal.objects("jane@gibson.example")
    assert (told["total"], told["messages"][0]["subject"], told["customers"]) == (13, "order 11", ["D12"])
    (wus,) = terminal.objects("jane@gibson.example --account wu")
    assert (wus["total"], [card["book_of"] for card in wus["cards"]]) == (1, ["wu"])
    by_card = terminal.says("u1", code=2)
    assert "The card has 2 addresses" in by_card and "mailsync why j2@gibson.example" in by_card
    assert "Jane Roe" in terminal.says("u2")


def test_a_stranger_our_own_and_a_lead(terminal: Terminal) -> None:
    first = terminal.lay("jane@gibson.example > li@our.example", "order", days=3)
    terminal.lay("bob@gibson.example > li@our.example", "payment", more=f"In-Reply-To: {first}\r\n")
    terminal.read()
    stranger = terminal.says("bob@gibson.example")
    assert "not registered" in stranger and "D12 conversation “payment”" in stranger
    assert "mailsync contacts add --code D12 --email bob@gibson.example" in stranger
    assert "Registry our own" in terminal.says("li@our.example")
    lead = terminal.says("lee@lee.example")
    assert "Lee & Co" in lead and "registered, without a code" in lead and "Mail (0)" in lead


@pytest.mark.parametrize(
    "typed, words",
    [
        ("nobody@nowhere.example", "Nothing is known of nobody@nowhere.example"),
        ("'<lost@x>'", "Nothing is known of <lost@x>"),
        ("INBOX 77", "The folder INBOX has no message with UID 77"),
        ("'INBOX;UID=77'", "The folder INBOX has no message with UID 77"),
        ("'Old;UIDVALIDITY=3/;UID=7'", "No folder Old was read; there are: INBOX"),
        ("no such words", "No message is known by “no such words”"),
        ("' '", "Type a Message-ID"),
        ("d12", "`mailsync customers show D12`"),
        ("--account nobody x", "there are: li, wu"),
    ],
)
def test_what_is_typed_wrong_is_said(terminal: Terminal, typed: str, words: str) -> None:
    terminal.lay("jane@gibson.example > li@our.example", "order")
    terminal.read()
    assert words in terminal.says(typed, code=2)


def test_before_any_mail_was_read(terminal: Terminal) -> None:
    for typed in ("order", "'INBOX;UID=1'", "INBOX 1"):
        assert "No mail was read so far: type `mailsync plan` first" in terminal.says(typed, code=2)
    known = terminal.says("jane@gibson.example")
    assert "contact of D12 Gibson Importing" in known and "type `mailsync plan` first" in known


def test_hostile_texts_are_shown_and_not_obeyed(terminal: Terminal) -> None:
    evil = "\x1b[2J\u202eD12\x9b31m " + "x" * 10_000
    message = terminal.lay(f'"{evil[:400]}" <evil@else.example> > li@our.example', evil)
    terminal.card(evil, "evil@else.example", uid="evil")
    terminal.read()
    for typed in (f"'{message}'", "evil@else.example"):
        said = terminal.type(typed)
        assert not {"\x1b", "\x9b", "\u202e"} & set(said)
        assert "\\u202e" in said and len(said) < 6000
