"""The filing of a run, the quiet run after it, and undo, on servers that keep and name their folders otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from imapclient import IMAPClient

from mailsync.demo.seeding import SeedMessage
from mailsync.demo.servers import Dovecot
from tests.conftest import BookUser, MailUser
from tests.servers.cyrus import Cyrus
from tests.system.company import Company


@dataclass(frozen=True, kw_only=True)
class Posted(MailUser):
    """A user to whom mail is delivered over IMAP: not every server keeps a file a message."""

    server: Dovecot | Cyrus  # type: ignore[assignment]

    @property
    def port(self) -> int:
        return self.server.imap_port if isinstance(self.server, Cyrus) else self.server.port

    @property
    def url(self) -> str:
        return f"imap://127.0.0.1:{self.port}"

    def seed(self, messages: Iterable[SeedMessage]) -> int:
        letters = list(messages)
        with IMAPClient("127.0.0.1", self.port, ssl=False) as client:
            client.login(self.name, self.password)
            for one in letters:
                client.append(one.mailbox, one.raw, one.flags, one.internal_date)
        return len(letters)


@pytest.fixture(params=["dotted_mdbox_dovecot", "dotted_cyrus"])
def company(request: pytest.FixtureRequest, tmp_path: Path, book_user: BookUser) -> Company:
    server, name = request.getfixturevalue(request.param), f"u{1900 + request.param_index}"
    if isinstance(server, Cyrus):
        server.add_user(name)
    company = Company.found(tmp_path, Posted(server=server, name=name), book_user)
    customers = tmp_path / "registry" / "customers.csv"
    text = customers.read_text(encoding="utf-8")
    customers.write_text(text.replace("Gibson Importing,AU", "Gibson & Co!,AU"), encoding="utf-8")
    return company


def test_filed_found_quiet_and_taken_back(company: Company) -> None:
    server = company.mail.server
    before = company.places()
    assert before["INBOX"] == 6
    company.confirm()
    told = company.run("tidy", "--json").objects()[0]
    assert told["errors"] == [] and told["conflicts"] == []
    gibson = "D12 Gibson & Co-" if isinstance(server, Cyrus) else "D12 Gibson & Co!"
    folders = [
        server.prefix + server.separator.join(("Customers", name)) for name in (gibson, "E05 Rossi-Casa")
    ]
    assert company.places() == dict.fromkeys(folders, 3)
    again = company.run("tidy", "--json").objects()[0]
    assert [row for row in again["actions"] if row["kind"].startswith(("message", "folder"))] == []
    assert again["errors"] == [] and again["traffic"]["rows"] == 0
    assert company.run("undo", str(told["run"])).code == 0
    assert company.places() == before
