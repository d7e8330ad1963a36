"""Whatever a server answers to any one command: the fault is said, nothing is lost, and the next run completes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from mailsync.demo.snapshots import read_mail
from mailsync.mailbox.login import ImapLogin
from mailsync.run import apply_mail
from mailsync.tidy import running, servers
from mailsync.tidy.desk import open_desk
from mailsync.tidy.settings import Access, Account, House, Options
from tests.conftest import MailUser
from tests.servers.faulty_line import FAULTS, Fault, FaultyLine
from tests.servers.registry_files import at_rest
from tests.system.company import letter

LETTERS = 6
WAYS = ("move", "copy")
COPYING = ("UID COPY", "UID STORE", "UID EXPUNGE")
#: A server that refuses these is none the worse.
HARMLESS = {"SUBSCRIBE", "UNSELECT", "NAMESPACE"}
#: Where these are refused a copy is there already: message and copy stand in both folders, which is told.
REMOVALS = COPYING[1:]


@dataclass(frozen=True, kw_only=True)
class Office:
    """One account whose first filing goes over a faulty line."""

    folder: Path
    user: MailUser

    def tidy(self, line: FaultyLine) -> dict[str, Any]:
        """One run over `line`, by a process that remembers nothing of the one before."""
        house = House(
            database=f"sqlite:///{self.folder}/mailsync.db",
            state_dir=self.folder,
            registry_source=str(self.folder / "registry"),
        )
        desk = open_desk(house)
        access = Access(url=line.url, user=self.user.name, password=lambda: self.user.password)
        account = Account(
            name="rep",
            addresses=("rep@ourcompany.example",),
            mail=access,
            confirmed=True,
            max_changes=1.0,
        )
        try:
            return running.run(desk, account, Options())
        finally:
            desk.engine.dispose()

    def held(self) -> Counter[tuple[str | None, bool]]:
        """Message-ID, and whether it lies in a customer's folder → how many such messages there are."""
        found = read_mail(self.user.url, self.user.name, self.user.password)
        return Counter((one.message_id, one.mailbox.startswith("Customers/")) for one in found)


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    def login(access: Access) -> ImapLogin:
        return replace(servers_login(access), connect_timeout=2, read_timeout=1, command_deadline=1)

    servers_login = servers.imap_login
    monkeypatch.setattr(servers, "imap_login", login)


def opened(folder: Path, user: MailUser) -> Office:
    """An account with mail of two customers, nothing of it filed."""
    (folder / "registry").mkdir(parents=True)
    (folder / "registry/customers.csv").write_text(
        "code,company,country,channel,show\nD12,Gibson,AU,show,D\nE05,Rossi,IT,show,E\n"
    )
    (folder / "registry/shows.csv").write_text("letter,name,coded\nD,Domotex,yes\nE,Expo,yes\n")
    (folder / "registry/people.csv").write_text(
        "id,codes,name,company,email\np1,D12,Jane,Gibson,jane@gibson.example\n"
        "p2,E05,Giulia,Rossi,giulia@rossi.example\n"
    )
    at_rest(folder / "registry")
    with IMAPClient("127.0.0.1", user.server.port, ssl=False) as client:
        client.login(user.name, user.password)
        for one in map(letter, range(LETTERS)):
            client.append(one.mailbox, one.raw, ["\\Seen"], one.internal_date)
    return Office(folder=folder, user=user)


def spoilt(office: Office, fault: Fault, at: int) -> str:
    """A first filing in which one command is answered with `fault`, then a good one; answers the command's verb."""
    with FaultyLine(office.user.server.port, fault, at) as line:
        told = office.tidy(line)
    assert line.fired
    verb = line.heard[at]
    said = f"{fault} to {verb}: {told['errors']} {told['conflicts']}"
    assert not any("unexpectedly" in error["sentence"] for error in told["errors"]), said
    assert {name for name, _ in office.held()} == NAMES, said
    if verb not in HARMLESS or fault not in ("NO", "BAD"):
        assert told["errors"] or told["conflicts"] or told["findings"], said
        assert told["exit_code"] != 0 or told["findings"], said

    with FaultyLine(office.user.server.port) as line:
        again = office.tidy(line)
    assert again["errors"] == [], said
    filed = {name: count for (name, there), count in office.held().items() if there}
    assert filed == dict.fromkeys(NAMES, 1), said
    left = {name for name, there in office.held() if not there}
    assert not left or (verb in REMOVALS and fault in ("NO", "BAD")), said
    return verb


NAMES = {f"<m{number}@test.example>" for number in range(LETTERS)}


def commands(office: Office) -> list[str]:
    """What a first filing says when all is well."""
    with FaultyLine(office.user.server.port) as line:
        assert office.tidy(line)["exit_code"] == 0
    return line.heard


@pytest.mark.usefixtures("short_deadlines")
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("way", WAYS)
def test_each_command_is_spoilt_once(
    mail_users: Iterator[MailUser],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    fault: Fault,
    every: bool,
) -> None:
    """Every single command, or the first of each kind."""
    if way == "copy":
        monkeypatch.setattr(apply_mail, "MANY_DESTINATIONS", 1)
    said = commands(opened(tmp_path / "well", next(mail_users)))
    if every:
        places = list(range(len(said)))
    else:  # what both ways say is tried on one
        verbs = dict.fromkeys(said) if way == "move" else COPYING
        places = [said.index(verb) for verb in verbs]
    struck = [spoilt(opened(tmp_path / str(at), next(mail_users)), fault, at) for at in places]
    assert struck == [said[at] for at in places]
    assert ("UID MOVE" in said, set(said) >= set(COPYING)) == (way == "move", way == "copy")
