"""Tokens come from a command: without a shell, within a deadline, and never into a log or an error."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from mailsync.config.secrets import token_from_command
from mailsync.errors import AccountError

TOKEN = "ya29.a0Af_H6SM-B/x+y~z=="


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A program to be written."""
    path = tmp_path / "print-token"
    path.touch(mode=0o700)
    return path


def write(script: Path, body: str) -> str:
    """The command that runs this."""
    script.write_text(f"#!/bin/sh\n{body}\n")
    return str(script)


def refusal(command: str, seconds: float = 30) -> str:
    with pytest.raises(AccountError) as caught:
        token_from_command(command, "li.na", seconds)
    assert "li.na" in str(caught.value) and TOKEN not in f"{caught.value!r}{caught.value.__cause__!r}"
    return str(caught.value)


def test_the_token_is_what_is_printed(script: Path) -> None:
    assert token_from_command(write(script, f"echo '{TOKEN}'"), "li.na") == TOKEN


def test_no_shell_reads_the_command(script: Path) -> None:
    command = write(script, 'printf %s "$1"')
    assert "no access token" in refusal(f"{command} '$HOME'")
    assert token_from_command(f"{command} abc ; rm", "li.na") == "abc"


@pytest.mark.parametrize(
    "body, words",
    [
        (f"echo '{TOKEN}'; exit 7", "exit 7"),
        (f"echo 'your token: {TOKEN}'", "no access token"),
        (f"echo '{TOKEN}'; echo '{TOKEN}'", "no access token"),
        ("true", "no access token"),
        ("printf '\\303\\251'", "no access token"),
    ],
)
def test_what_fails_says_how_and_nothing_that_was_printed(
    script: Path, body: str, words: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    assert words in refusal(write(script, f"echo {TOKEN} >&2\n{body}"))
    assert TOKEN not in caplog.text + "".join(capfd.readouterr())


def test_a_program_that_is_not_there_is_named_by_its_reason() -> None:
    assert "cannot be run: No such file" in refusal("/no/such/program")


def test_one_that_hangs_is_ended_with_all_it_started(script: Path) -> None:
    before = time.monotonic()
    assert "longer than" in refusal(write(script, f"sleep 60 & echo $! > {script}.child\nwait"), 0.5)
    assert time.monotonic() - before < 20
    child = int(script.with_name("print-token.child").read_text())
    while _runs(child):
        assert time.monotonic() - before < 20


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
