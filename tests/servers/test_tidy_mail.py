"""Runs over one mailbox again and again, as the daemon makes them: what a quiet account costs, what is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from mailsync.tidy import running
from mailsync.tidy.calm import LONGEST
from mailsync.tidy.desk import Desk, Kept, open_desk
from mailsync.tidy.settings import Access, Account, FilingRules, House, Options
from tests.conftest import MailUser
from tests.servers.registry_files import gibson_alone
from tests.system.company import letter

D12 = "Customers/D12 Gibson"
LIST_EVERY = timedelta(minutes=15)


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, kw_only=True)
class Office:
    """One account in a process that runs again and again."""

    user: MailUser
    desk: Desk
    account: Account
    clock: Clock

    def tidy(self) -> dict[str, Any]:
        told = running.run(self.desk, self.account, Options(by_hand=False))
        assert told["errors"] == []
        return told

    def settle(self) -> None:
        """Run until there is nothing to do."""
        for _ in range(3):
            self.tidy()

    @contextmanager
    def person(self) -> Iterator[IMAPClient]:
        """A person's mail program."""
        with IMAPClient("127.0.0.1", self.user.server.port, ssl=False) as client:
            client.login(self.user.name, self.user.password)
            yield client


@pytest.fixture
def office(mail_user: MailUser, tmp_path: Path) -> Iterator[Office]:
    registry = gibson_alone(tmp_path / "registry")
    mail_user.seed([letter(number) for number in range(0, 20, 2)])
    clock = Clock()
    house = House(
        database=f"sqlite:///{tmp_path}/mailsync.db", state_dir=tmp_path, registry_source=str(registry)
    )
    kept = Kept(list_every=LIST_EVERY)
    access = Access(url=mail_user.url, user=mail_user.name, password=lambda: mail_user.password)
    account = Account(
        name="rep",
        addresses=("rep@ourcompany.example",),
        mail=access,
        confirmed=True,
        max_changes=1.0,
        filing=FilingRules(folder="Customers/{code} {company}"),
    )
    yield Office(
        user=mail_user,
        desk=replace(open_desk(house), clock=clock, kept=kept),
        account=account,
        clock=clock,
    )
    kept.close()


def test_a_quiet_account_costs_one_write(office: Office) -> None:
    office.settle()
    for _ in range(3):
        told = office.tidy()
        counted = told["traffic"]
        assert (counted["connections"], counted["turns"], counted["rows"]) == (0, 1, 0)
        assert counted["bytes_up"] + counted["bytes_down"] <= 1024
    office.clock.now += LIST_EVERY
    assert office.tidy()["traffic"]["turns"] == 2  # all folders are listed
    assert office.tidy()["traffic"]["turns"] == 1
    office.clock.now += LONGEST
    assert office.tidy()["traffic"]["turns"] == 2  # all folders are listed, and all is planned again


def test_what_happens_meanwhile_is_noticed_at_the_next_run(office: Office) -> None:
    office.settle()
    with office.person() as client:
        client.append("INBOX", letter(100).raw, ["\\Seen"], datetime.now(UTC) - timedelta(days=9))
    told = office.tidy()
    assert [row["kind"] for row in told["actions"]] == ["message-move"]
    office.settle()
    with office.person() as client:
        client.append("INBOX", letter(102).raw, [], datetime.now(UTC) - timedelta(days=9))
    assert office.tidy()["stays"] == {"unread": 1}
    office.settle()
    assert office.tidy()["traffic"]["turns"] == 1 and office.tidy()["stays"] == {"unread": 1}
    with office.person() as client:
        client.select_folder("INBOX")
        client.add_flags(client.search(), ["\\Seen"])
    assert [row["kind"] for row in office.tidy()["actions"]] == ["message-move"]


def test_what_happened_is_planned_without_looking_at_all_mail(office: Office) -> None:
    """And says what a plan of all mail says; but whom to register, which that one weighs."""
    office.settle()
    assert office.desk.kept is not None
    planned = office.desk.kept.memories["rep"].since
    old = datetime.now(UTC) - timedelta(days=9)
    with office.person() as client:
        client.append("INBOX", letter(100).raw, [], old)
        client.append("INBOX", letter(102, sender="both@far.example").raw, ["\\Seen"], old)
        client.append(D12, letter(104, sender="bank@far.example").raw, ["\\Seen"], old)
    office.clock.now += LIST_EVERY
    assert office.tidy()["stays"] == {"unread": 1}
    with office.person() as client:  # brings one back that mailsync had filed
        client.select_folder(D12)
        client.move([1], "INBOX")
    office.clock.now += LIST_EVERY
    told = office.tidy()
    assert told["stays"] == {"by-hand": 1, "unread": 1} and told["actions"] == []
    assert office.desk.kept.memories["rep"].since == planned
    office.clock.now += LONGEST
    whole = office.tidy()
    assert office.desk.kept.memories["rep"].since > planned
    assert (whole["stays"], whole["actions"]) == (told["stays"], [])
    said = [
        sorted(str(row) for row in one["findings"] if row["kind"] != "candidate") for one in (told, whole)
    ]
    assert said[0] == said[1] != []


def test_what_a_person_does_in_other_folders_is_noticed_with_the_list(office: Office) -> None:
    office.settle()
    with office.person() as client:
        client.select_folder(D12)
        client.add_flags(client.search()[:1], ["\\Flagged"])
    assert office.tidy()["traffic"]["turns"] == 1
    office.clock.now += LIST_EVERY
    assert office.tidy()["traffic"]["turns"] > 2
    office.settle()
    with office.person() as client:
        client.select_folder(D12)
        client.remove_flags(client.search()[:1], ["\\Flagged"])
    assert office.desk.kept is not None
    office.desk.kept.stir("rep", {D12})  # as a server with NOTIFY tells it
    assert office.tidy()["traffic"]["turns"] > 2


def test_a_delivery_is_filed_without_a_list_of_all_folders(office: Office) -> None:
    office.settle()
    with office.person() as client:
        client.append("INBOX", letter(100).raw, ["\\Seen"], datetime.now(UTC) - timedelta(days=9))
    assert office.desk.kept is not None
    office.desk.kept.stir("rep", {"INBOX"})
    listed = office.desk.kept.memories["rep"].listed
    told = office.tidy()
    assert [row["kind"] for row in told["actions"]] == ["message-move"]
    assert office.desk.kept.memories["rep"].listed == listed and told["traffic"]["turns"] == 9
    office.clock.now += timedelta(minutes=1)
    office.tidy()
    assert office.desk.kept.memories["rep"].listed > listed
    assert office.tidy()["traffic"]["turns"] == 1


def test_a_connection_that_ended_meanwhile_is_replaced(office: Office) -> None:
    office.settle()
    for session in office.desk.kept.sessions.values():  # type: ignore[union-attr]
        session.connect()._line.socket.shutdown(2)
    told = office.tidy()
    assert told["traffic"]["connections"] == 1 and told["exit_code"] == 0


def test_a_new_customer_is_found_in_the_index_alone(office: Office) -> None:
    """Old mail of somebody who is registered only now: nothing of it is read again."""
    office.user.seed([letter(number, sender="ann@late.example") for number in range(200, 210)])
    office.settle()
    registry = Path(str(office.desk.house.registry_source))
    (registry / "customers.csv").write_text(
        "code,company,country,channel,show\nD12,Gibson,AU,show,D\nD13,Late,AU,show,D\n"
    )
    with (registry / "people.csv").open("a") as people:
        people.write("p2,D13,Ann,Late,ann@late.example\n")
    moved = [row["kind"] for row in office.tidy()["actions"]]
    assert moved == ["folder-create", *["message-move"] * 10]
