"""The health file and its judge."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailsync.daemon.health import Health, healthy

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
INTERVAL = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)


def health(path: Path) -> Health:
    return Health(path, accounts=("li.na", "wang.fang"), started=START)


def ended(kept: Health, account: str, after: timedelta, code: int = 0, error: str | None = None) -> None:
    kept.note(account, finished=START + after, exit_code=code, error=error)


@pytest.mark.parametrize(
    ("li_na", "code", "now", "well", "words"),
    [
        (5, 0, 10, True, "Well: 2 account(s) are up to date."),
        (5, 12, 10, True, "Well: 2 account(s) are up to date."),
        (5, 0, 26, False, "li.na has not finished a run since 2026-11-25T08:05:00+00:00."),
        (5, 1, 10, False, "The last run of li.na ended with 1: boom"),
        (5, 30, 10, False, "The last run of li.na ended with 30: boom"),
    ],
)
def test_judgement(tmp_path: Path, li_na: int, code: int, now: int, well: bool, words: str) -> None:
    path, moment = tmp_path / "health.json", START + now * MINUTE
    kept = health(path)
    ended(kept, "li.na", li_na * MINUTE, code, "boom" if code else None)
    ended(kept, "wang.fang", now * MINUTE)
    kept.write(moment)
    found, sentence = healthy(path, moment, INTERVAL)
    assert (found, str(sentence)) == (well, words)


@pytest.mark.parametrize(("minutes", "well"), [(0, True), (20, True), (21, False)])
def test_an_account_gets_two_intervals_for_its_first_run(tmp_path: Path, minutes: int, well: bool) -> None:
    path, moment = tmp_path / "health.json", START + minutes * MINUTE
    health(path).write(moment)
    assert healthy(path, moment, INTERVAL)[0] is well


def test_a_daemon_that_stopped_writing_is_not_well(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    kept = health(path)
    for account in ("li.na", "wang.fang"):
        ended(kept, account, MINUTE)
    kept.write(START + MINUTE)
    assert healthy(path, START + 4 * MINUTE, INTERVAL)[0]
    assert not healthy(path, START + 5 * MINUTE, INTERVAL)[0]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"written": 7, "started": 7, "accounts": {}}', "null"]
)
def test_an_unreadable_file_is_not_well(tmp_path: Path, content: str) -> None:
    path = tmp_path / "health.json"
    path.write_text(content, encoding="utf-8")
    well, sentence = healthy(path, START, INTERVAL)
    assert not well
    assert "cannot be read" in str(sentence)


def test_no_file_is_not_well(tmp_path: Path) -> None:
    assert "is the daemon running?" in str(healthy(tmp_path / "health.json", START, INTERVAL)[1])


def test_the_file_says_how_each_account_stands(tmp_path: Path) -> None:
    path = tmp_path / "state" / "health.json"
    kept = health(path)
    ended(kept, "li.na", MINUTE, 3)
    kept.skipped("li.na")
    kept.report("no disk")
    kept.write(START + MINUTE)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["report_error"] == "no disk"
    assert content["accounts"]["li.na"] == {
        "started": None,
        "finished": "2026-11-25T08:01:00+00:00",
        "exit_code": 3,
        "error": None,
        "next_due": None,
        "skipped": 1,
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["health.json"]
