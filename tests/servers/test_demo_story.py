"""The demo must be able to fail: a program that answers rightly but does nothing does not pass it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailsync.demo import world
from mailsync.demo.books import BuiltInBooks
from mailsync.demo.seeding import SeedMessage, seed_mail
from mailsync.demo.servers import Dovecot
from mailsync.demo.story import Story
from mailsync.demo.teller import Teller
from mailsync.demo.throwaway import give_away_tree, throwaway_folder
from mailsync.demo.world import World
from tests.unit.test_demo_truth import right_answers

#: Answers `plan --json` from a file, `tidy --json` as if each run did one thing, every other command with nothing.
IDLE = """
import sys
from pathlib import Path
if "plan" in sys.argv and "--json" in sys.argv:
    sys.stdout.write(Path({answers!r}).read_text())
if "tidy" in sys.argv:
    print('{{"account": "li.na", "actions": [{{"kind": "message-move", "state": "done"}}]}}')
"""


Servers = tuple[World, Dovecot, BuiltInBooks, Path]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """The sample world in its servers, and its configuration."""
    sample = world.build(datetime.now(UTC))
    with throwaway_folder() as folder:
        dovecot, books = world.servers(folder)
        give_away_tree(folder)
        with dovecot, books:
            sample.seed(dovecot, books)
            yield sample, dovecot, books, sample.write_files(folder, dovecot, books, language="en")


@pytest.fixture
def idle(servers: Servers, tmp_path: Path) -> Iterator[Story]:
    """The story with an idle program. Nothing in it depends on what another test left in the servers."""
    sample, dovecot, books, config = servers
    answers = tmp_path / "answers.jsonl"
    lines = (json.dumps({**one, "plan_hash": "0123456789ab"}) for one in right_answers(sample.truth))
    answers.write_text("\n".join(lines))
    program = (sys.executable, "-c", IDLE.format(answers=str(answers)))
    with (tmp_path / "told").open("w", encoding="utf-8") as out:
        teller = Teller(config=config, language="en", out=out, program=program)
        yield Story(world=sample, dovecot=dovecot, books=books, teller=teller)


def test_doing_nothing_fails(idle: Story) -> None:
    idle.main_job()
    assert idle.end() == 1
    misplaced, wrote = idle.teller.failures
    assert misplaced.endswith("message(s) lie in a wrong folder")
    assert int(misplaced.split()[0]) > 600
    assert wrote == "the second run wrote something"


def test_every_change_is_seen(idle: Story) -> None:
    mail, cards = idle.mail(), idle.cards()
    idle._expect_same("Now", mail, cards)
    assert not idle.teller.failures
    seed_mail(
        idle.dovecot,
        "li.na",
        [SeedMessage(mailbox="INBOX", raw=b"Subject: x\r\n\r\n", internal_date=idle.world.now)],
    )
    card = idle.books.storage("li.na", "contacts") / "x1.vcf"
    card.write_bytes(card.read_bytes().replace("妈妈".encode(), b"mama"))
    idle._expect_same("Then", mail, cards)
    assert idle.teller.failures == ["Then: 1 message(s) and 1 card(s) differ, such as /li.na/contacts/x1.vcf"]
