"""A small trading company on the session's real servers, used through the command line as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mailsync.demo.seeding import SeedMessage
from mailsync.demo.snapshots import HeldMessage, read_mail, snapshot_books, snapshot_mail
from mailsync.mailbox.imap import ImapLogin, ImapSession
from tests.conftest import BookUser, MailUser
from tests.servers.registry_files import at_rest
from tests.system.warm import starter

CUSTOMERS = """code,company,short_name,country,abbreviation,full_code,channel,show,stage,owner
D12,Gibson Importing Pty Ltd,Gibson Importing,AU,GI,D12 AUGI,show,D,order,rep@ourcompany.example
E05,Rossi Casa S.p.A.,Rossi/Casa,IT,RC,,show,E,sample,rep@ourcompany.example
012,客户贸易有限公司,客户贸易,CN,KH,,web,,lead,rep@ourcompany.example
"""
PEOPLE = """id,codes,role,name,company,region,email
p1,D12,contact,Jane Roe,Gibson Importing Pty Ltd,,jane@gibson.example
p2,E05,contact,Giulia Rossi,Rossi Casa S.p.A.,,giulia@rossi.example
p3,"D12 E05",forwarder,王伟,顺达货代,SH,wang@shunda.example
p4,012,contact,李娜,客户贸易有限公司,,lina@kehu.example
"""
SHOWS = (
    "letter,name,date,city,coded\nD,Domotex,2024-01-11,Hannover,yes\nE,Ambiente,2024-01-26,Frankfurt,yes\n"
)
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\nEMAIL:{address}\r\nNOTE:met in Hannover\r\nEND:VCARD\r\n"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, kw_only=True)
class Company:
    """One rep with a mailbox, a book and a registry."""

    folder: Path
    mail: MailUser
    book: BookUser
    url: str  #: of the book

    @classmethod
    def found(cls, folder: Path, mail: MailUser, book: BookUser, *, letters: int = 6) -> Company:
        """Lay the company into the servers and write its files."""
        url = book.seed(
            {
                "jane.vcf": CARD.format(
                    uid="u-jane", name="Jane Roe", address="jane@gibson.example"
                ).encode(),
                "wang.vcf": CARD.format(uid="u-wang", name="Wang", address="wang@shunda.example").encode(),
                "else.vcf": CARD.format(uid="u-else", name="Someone Else", address="x@else.example").encode(),
            }
        )
        company = cls(folder=folder, mail=mail, book=book, url=url)
        mail.seed(letter(number) for number in range(letters))
        (folder / "registry").mkdir()
        for name, text in (("customers", CUSTOMERS), ("people", PEOPLE), ("shows", SHOWS)):
            (folder / "registry" / f"{name}.csv").write_text(text, encoding="utf-8")
        at_rest(folder / "registry")
        (folder / "secret").write_text(mail.password + "\n")
        company.configure()
        return company

    def configure(
        self,
        *,
        imap: str = "",
        book: str = "",
        password_file: str = "secret",
        more: str = "",
        database: str = "sqlite:///var/mailsync.db",
        confirmed: bool = False,
    ) -> None:
        """Write the configuration; `more` goes in front of the account."""
        user = f'user = "{self.mail.name}", password_file = "{password_file}"'
        book_user = f'user = "{self.book.name}", password_file = "{password_file}"'
        self.config.write_text(
            f"""database = "{database}"
own_domains = ["ourcompany.example"]
{more or 'language = "en"'}
[registry]
source = "registry"
[[accounts]]
name = "rep"
address = "rep@ourcompany.example"
confirmed = {str(confirmed).lower()}
imap = {{ url = "{imap or self.mail.url}", {user} }}
books = [ {{ url = "{book or self.url}", {book_user} }} ]
"""
        )

    @property
    def config(self) -> Path:
        return self.folder / "mailsync.toml"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mailsync", *self.options(*arguments)]

    def options(self, *arguments: str) -> list[str]:
        return ["--config", str(self.config), *arguments]

    def run(self, *arguments: str) -> Answer:
        """Type one command."""
        code, out, err = starter().run(self.options(*arguments), environment(), seconds=120)
        return Answer(code=code, out=out, err=err)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start one command and leave it running; the caller ends it."""
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def confirm(self) -> None:
        planned = self.run("plan", "--json").objects()[0]
        assert self.run("confirm", "rep", planned["plan_hash"]).code == 0

    def messages(self) -> Counter[HeldMessage]:
        """Everything in the mailbox: where, what, with which flags and dates."""
        return snapshot_mail(self.mail.url, self.mail.name, self.mail.password)

    def places(self) -> Counter[str]:
        """How many messages lie in each folder."""
        return Counter(one.mailbox for one in read_mail(self.mail.url, self.mail.name, self.mail.password))

    def where(self) -> dict[str, str]:
        """Message-ID → folder."""
        found = read_mail(self.mail.url, self.mail.name, self.mail.password)
        return {one.message_id: one.mailbox for one in found}

    def move(self, mailbox: str, message_id: str, destination: str) -> None:
        """Move one message, as a person does in a mail client."""
        login = ImapLogin.of_url(self.mail.url, user=self.mail.name, password=self.mail.password)
        with ImapSession(login) as session:
            for fetched in list(session.fetch(mailbox, list(session.present(mailbox)))):
                if b"Message-ID: " + message_id.encode() in fetched.header:
                    list(session.transfer(mailbox, [([fetched.uid], destination)], move=True))

    def cards(self) -> dict[str, bytes]:
        return snapshot_books(self.url, self.book.name, self.book.password)

    def names(self) -> set[str]:
        """The FN of every card."""
        return {
            line.removeprefix("FN:")
            for card in self.cards().values()
            for line in card.decode().splitlines()
            if line.startswith("FN:")
        }


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("MAILSYNC_")} | {
        "COLUMNS": "100"
    }


def letter(
    number: int,
    *,
    days: int = 10,
    sender: str = "",
    subject: str = "",
    flags: Iterable[str] = ("\\Seen",),
    answers: int | None = None,
) -> SeedMessage:
    """One message to the rep, of D12 or E05 in turn."""
    writer = sender or ("jane@gibson.example", "giulia@rossi.example")[number % 2]
    thread = f"In-Reply-To: <m{answers}@test.example>\r\n" if answers is not None else ""
    raw = (
        f"From: {writer}\r\nTo: rep@ourcompany.example\r\nSubject: {subject or f'order {number}'}\r\n"
        f"Message-ID: <m{number}@test.example>\r\nDate: Mon, 05 Oct 2026 10:00:00 +0000\r\n{thread}\r\nHello {number}\r\n"
    )
    when = datetime.now(UTC) - timedelta(days=days, minutes=number)
    return SeedMessage(
        mailbox="INBOX", raw=raw.encode(), internal_date=when.replace(microsecond=0), flags=frozenset(flags)
    )
