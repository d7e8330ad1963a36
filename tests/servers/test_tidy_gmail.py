"""Filing on Gmail, where a folder is a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from mailsync.tidy import running, undoing
from mailsync.tidy.desk import Desk, open_desk
from mailsync.tidy.settings import Access, Account, FilingRules, House, Options
from tests.servers.gmail import FakeGmail
from tests.servers.registry_files import gibson_alone
from tests.system.company import letter

Mode = Literal["move", "copy"]
D12 = "Customers/D12 Gibson"


@dataclass(frozen=True, kw_only=True)
class Tidy:
    desk: Desk
    account: Account

    def __call__(self, mode: Mode = "move") -> dict[str, Any]:
        return running.run(self.desk, self._in(mode), Options(by_hand=True))

    def undo(self, run: str, mode: Mode = "move") -> dict[str, Any]:
        return undoing.undo(self.desk, [self._in(mode)], run)

    def _in(self, mode: Mode) -> Account:
        return replace(self.account, filing=FilingRules(mode=mode))


@pytest.fixture(params=[True, False], ids=["copyuid", "no-copyuid"])
def gmail(request: pytest.FixtureRequest) -> Iterator[FakeGmail]:
    with FakeGmail(says_uids=request.param) as server:
        server.deliver(letter(0).raw, "INBOX")
        server.deliver(letter(2).raw, "INBOX")
        yield server


@pytest.fixture
def tidy(gmail: FakeGmail, tmp_path: Path) -> Tidy:
    registry = gibson_alone(tmp_path / "registry")
    house = House(
        database=f"sqlite:///{tmp_path}/mailsync.db", state_dir=tmp_path, registry_source=str(registry)
    )
    access = Access(
        url=f"imap://127.0.0.1:{gmail.login.port}", user=gmail.user, password=lambda: "geheim-word"
    )

    account = Account(
        name="rep",
        addresses=("rep@ourcompany.example",),
        mail=access,
        confirmed=True,
        max_changes=1.0,
    )
    return Tidy(desk=open_desk(house), account=account)


@pytest.mark.parametrize(("mode", "labels"), [("move", {D12}), ("copy", {"INBOX", D12})])
def test_the_second_and_third_run_have_nothing_to_do(
    gmail: FakeGmail, tidy: Tidy, mode: Mode, labels: set[str]
) -> None:
    assert tidy(mode)["errors"] == []
    assert gmail.labels() == [labels, labels]
    assert [tidy(mode)["actions"] for _ in range(2)] == [[], []]
    assert not any("[Gmail]/All" in line or "Important" in line for line in gmail.heard if "EXAMINE" in line)
    assert "UID EXPUNGE" not in gmail.verbs()


@pytest.mark.parametrize(("mode", "labels"), [("move", {D12}), ("copy", {"INBOX", D12})])
def test_mail_that_carries_the_label_already_settles(
    gmail: FakeGmail, tidy: Tidy, mode: Mode, labels: set[str]
) -> None:
    for mail in gmail.mails:
        gmail.label(mail, D12)
    assert tidy(mode)["conflicts"] == []
    assert gmail.labels() == [labels, labels]
    assert [tidy(mode)["actions"] for _ in range(2)] == [[], []]


def test_a_line_that_breaks_after_move_is_settled_by_the_next_run(gmail: FakeGmail, tidy: Tidy) -> None:
    gmail.dies_after_move = True
    tidy()
    assert gmail.labels() == [{D12}, {D12}]
    tidy()
    assert tidy()["actions"] == [] and gmail.labels() == [{D12}, {D12}]
    assert gmail.verbs().count("UID MOVE") == 1


@pytest.mark.parametrize("labelled", [False, True], ids=["new label", "label of before"])
def test_undo_brings_mail_back_to_the_inbox(gmail: FakeGmail, tidy: Tidy, labelled: bool) -> None:
    for mail in gmail.mails if labelled else ():
        gmail.label(mail, D12)
    told = tidy()
    tidy.undo(told["run"])
    assert gmail.labels() == [{"INBOX"}, {"INBOX"}]


def test_undo_of_copies_never_expunges(gmail: FakeGmail, tidy: Tidy) -> None:
    told = tidy("copy")
    tidy.undo(told["run"], "copy")
    assert gmail.labels() == [{"INBOX", D12}, {"INBOX", D12}]
    assert "UID EXPUNGE" not in gmail.verbs()


def test_mail_with_the_labels_of_two_customers_stays(gmail: FakeGmail, tidy: Tidy) -> None:
    for mail in gmail.mails:
        del mail.labels["INBOX"]
        gmail.label(mail, D12)
        gmail.label(mail, "Customers/E05 Roca")
    before = gmail.labels()
    assert [tidy()["actions"] for _ in range(3)] == [[], [], []]
    assert gmail.labels() == before
