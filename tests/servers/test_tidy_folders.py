"""Folders whose customers are called otherwise by now, and folders that people renamed, on real servers (DOMAIN 8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from mailsync.demo.seeding import SeedMessage
from mailsync.demo.snapshots import read_mail, snapshot_mail
from mailsync.tidy import running
from mailsync.tidy.desk import Desk, Kept, open_desk
from mailsync.tidy.settings import Access, Account, FilingRules, House, Options
from mailsync.tidy.undoing import undo
from tests.conftest import MailUser
from tests.system.company import letter

HEAD = "code,company,country,abbreviation,channel,show,stage,full_code,merged_into\n"


@dataclass(kw_only=True)
class Office:
    """One account in a process that runs again and again, on a server with its own separator and prefix."""

    user: MailUser
    desk: Desk
    account: Account
    now: list[datetime] = field(default_factory=list)

    def register(self, *customers: str) -> None:
        """The registry's source says this of customers from now on."""
        registry = Path(str(self.desk.house.registry_source))
        (registry / "customers.csv").write_text(HEAD + "".join(f"{line}\n" for line in customers), "utf-8")

    def tidy(self) -> dict[str, Any]:
        told = running.run(self.desk, self.account, Options(by_hand=False))
        assert told["errors"] == []
        return told

    def kinds(self) -> list[str]:
        """What a run does, by kind."""
        told = self.tidy()
        assert all(row["state"] == "done" for row in told["actions"])
        return [row["kind"] for row in told["actions"]]

    def deliver(self, number: int) -> None:
        self.user.seed([letter(number)])

    def name(self, path: str) -> str:
        """A mailbox as this server calls it."""
        return self.user.server.prefix + path.replace("/", self.user.server.separator)

    def places(self) -> dict[str, int]:
        """Mailbox, levels parted by `/`, → how many messages it holds."""
        found: dict[str, int] = {}
        for one in read_mail(self.user.url, self.user.name, self.user.password):
            path = one.mailbox.removeprefix(self.user.server.prefix).replace(self.user.server.separator, "/")
            found[path] = found.get(path, 0) + 1
        return found

    @contextmanager
    def person(self) -> Iterator[IMAPClient]:
        """A person's mail program."""
        with IMAPClient("127.0.0.1", self.user.server.port, ssl=False) as client:
            client.login(self.user.name, self.user.password)
            yield client


@contextmanager
def an_office(user: MailUser, folder: Path, template: str) -> Iterator[Office]:
    registry = folder / "registry"
    registry.mkdir()
    (registry / "shows.csv").write_text("letter,name,coded\nD,Domotex,yes\nF,Frankfurt,yes\n")
    (registry / "people.csv").write_text(
        "id,codes,name,company,email\np1,D12,Jane,Gibson,jane@gibson.example\n"
        "p2,F03,Joan,Gibson Imports,joan@imports.example\n"
    )
    house = House(database=f"sqlite:///{folder}/mailsync.db", state_dir=folder, registry_source=str(registry))
    access = Access(url=user.url, user=user.name, password=lambda: user.password)
    account = Account(
        name="rep",
        addresses=("rep@ourcompany.example",),
        mail=access,
        confirmed=True,
        max_changes=1.0,
        filing=FilingRules(folder=template),
    )
    now, kept = [datetime.now(UTC)], Kept(list_every=timedelta(minutes=15))
    desk = replace(open_desk(house), clock=lambda: now[0], kept=kept)
    yield Office(user=user, desk=desk, account=account, now=now)
    kept.close()


@pytest.fixture(params=["plain", "dotted"])
def user(request: pytest.FixtureRequest) -> MailUser:
    found = request.getfixturevalue("mail_user" if request.param == "plain" else "dotted_mail_user")
    assert isinstance(found, MailUser)
    return found


@pytest.fixture
def office(user: MailUser, tmp_path: Path) -> Iterator[Office]:
    with an_office(user, tmp_path, "客户/{region}/{full_code} {company}") as office:
        office.register("D12,Gibson,AU,GI,show,D,sample,,", "F03,Gibson Imports,DE,GI,show,F,sample,,")
        for number in (0, 2, 4):
            office.deliver(number)
        assert office.kinds() == ["folder-create"] * 3 + ["message-move"] * 3
        assert office.places() == {"客户/AU/D12 Gibson": 3}
        yield office


def test_a_folder_follows_its_customers_name_country_and_code(office: Office) -> None:
    with office.person() as client:
        client.create_folder(office.name("客户/AU/D12 Gibson/Samples"))
        client.subscribe_folder(office.name("客户/AU/D12 Gibson/Samples"))
        client.append(office.name("客户/AU/D12 Gibson/Samples"), letter(50).raw, ["\\Seen", "$Label1"])
    office.tidy()
    before = snapshot_of(office)
    office.register("D12,Gibson & 王,DE,GI,show,D,order,D12 DEGI,")
    office.deliver(6)
    assert office.kinds() == ["folder-create", "message-move", "folder-rename"]
    now = "客户/EU/D12 DEGI Gibson & 王"
    assert office.places() == {now: 4, f"{now}/Samples": 1}
    with office.person() as client:
        subscribed = {name for _, _, name in client.list_sub_folders()}
    assert {office.name(now), office.name(f"{now}/Samples")} <= subscribed
    assert not {name for name in subscribed if "D12 Gibson" in name}
    office.deliver(8)
    told = office.tidy()
    assert [row["after"] for row in told["actions"]] == [office.name(now)]
    assert before <= snapshot_of(office)


def snapshot_of(office: Office) -> set[tuple[str, frozenset[str], datetime]]:
    return {
        (one.fingerprint, one.flags, one.internal_date)
        for one in read_mail(office.user.url, office.user.name, office.user.password)
    }


def test_nothing_of_a_renamed_folder_is_read_or_decided_again(office: Office) -> None:
    office.tidy()
    office.register("D12,Gibson & Sons,AU,GI,show,D,sample,,")
    told = office.tidy()
    assert [row["kind"] for row in told["actions"]] == ["folder-rename"]
    told = office.tidy()
    assert told["traffic"]["rows"] == 0 and told["attributions"] == []
    assert not [row for row in told["findings"] if row["kind"] in ("misfiled", "shrunken-mailbox")]
    assert office.tidy()["traffic"]["turns"] == 1


def test_a_renaming_is_undone_and_the_mail_that_was_filed_before_it_too(office: Office) -> None:
    (filed,) = office.desk.journal.runs("rep")
    login = (office.user.url, office.user.name, office.user.password)
    before = snapshot_mail(*login)
    office.register("D12,Gibson & Sons,AU,GI,show,D,sample,,")
    run = office.tidy()["run"]
    undone = undo(office.desk, [office.account], run)
    assert undone["exit_code"] == 0 and [row["kind"] for row in undone["actions"]] == ["folder-rename"]
    assert snapshot_mail(*login) == before
    told = running.run(office.desk, office.account, Options(by_hand=False))
    assert told["exit_code"] == 20  # the daemon only plans, until somebody types `tidy`
    told = running.run(office.desk, office.account, Options(by_hand=True))
    assert [row["kind"] for row in told["actions"]] == ["folder-rename"]
    assert undo(office.desk, [office.account], filed.id)["exit_code"] == 0
    assert office.places() == {"INBOX": 3}


def test_a_folder_that_a_person_renamed_is_filed_into_and_never_renamed(office: Office) -> None:
    office.tidy()
    with office.person() as client:
        client.rename_folder(office.name("客户/AU/D12 Gibson"), office.name("Gibson, our best"))
    office.deliver(6)
    office.now[0] += timedelta(minutes=15)
    told = office.tidy()
    assert [row["after"] for row in told["actions"]] == [office.name("Gibson, our best")]
    assert not [row for row in told["findings"] if row["kind"] in ("misfiled", "shrunken-mailbox")]
    office.deliver(8)
    assert office.kinds() == ["message-move"]
    office.register("D12,Gibson & Sons,AU,GI,show,D,sample,,")
    office.deliver(10)
    assert office.kinds() == ["message-move"]
    assert office.places() == {"Gibson, our best": 6}


def test_a_person_who_gives_a_folder_its_former_name_back_has_the_last_word(office: Office) -> None:
    office.register("D12,Gibson & Sons,AU,GI,show,D,sample,,")
    assert office.kinds() == ["folder-rename"]
    with office.person() as client:
        client.rename_folder(office.name("客户/AU/D12 Gibson & Sons"), office.name("客户/AU/D12 Gibson"))
    office.deliver(6)
    office.now[0] += timedelta(hours=2)
    assert office.kinds() == ["message-move"]
    assert office.kinds() == []
    assert office.places() == {"客户/AU/D12 Gibson": 4}


def test_where_there_is_a_folder_of_the_new_name_the_mail_moves_into_it(office: Office) -> None:
    with office.person() as client:
        client.create_folder(office.name("客户/AU/D12 Gibson & Sons"))
    office.register("D12,Gibson & Sons,AU,GI,show,D,sample,,")
    assert office.kinds() == ["message-move"] * 3
    assert office.places() == {"客户/AU/D12 Gibson & Sons": 3}
    assert office.kinds() == []


def test_the_mail_of_a_merged_customer_moves_into_the_survivors_renamed_folder(office: Office) -> None:
    office.user.seed([letter(number, sender="joan@imports.example") for number in (20, 22)])
    assert "message-move" in office.kinds()
    assert office.places()["客户/EU/F03 Gibson Imports"] == 2
    office.register(
        "D12,Gibson Group,AU,GI,show,D,order,D12 AUGI,", "F03,Gibson Imports,DE,GI,show,F,sample,,D12"
    )
    assert office.kinds() == ["message-move"] * 2 + ["folder-rename"]
    assert office.places() == {"客户/AU/D12 AUGI Gibson Group": 5}
    assert office.kinds() == []
    with office.person() as client:
        assert client.folder_exists(office.name("客户/EU/F03 Gibson Imports"))  # nothing is ever deleted


def test_each_year_keeps_its_folder(user: MailUser, tmp_path: Path) -> None:
    with an_office(user, tmp_path, "{code} {company}/{year}") as office:
        office.register("D12,Gibson,AU,GI,show,D,sample,,")
        new_year = datetime(2024, 12, 31, 18, tzinfo=UTC)  # in Shanghai it is 2025 already
        office.user.seed(
            SeedMessage(
                mailbox="INBOX", raw=letter(number).raw, internal_date=date, flags=frozenset({"\\Seen"})
            )
            for number, date in ((0, new_year), (2, new_year - timedelta(days=1)))
        )
        office.tidy()
        assert office.places() == {"D12 Gibson/2024": 1, "D12 Gibson/2025": 1}
        office.register("D12,Gibson & Sons,AU,GI,show,D,sample,,")
        assert office.kinds() == ["folder-rename"]
        assert office.places() == {"D12 Gibson & Sons/2024": 1, "D12 Gibson & Sons/2025": 1}
        assert office.kinds() == []
