"""What the READMEs say exists: commands, files, pictures, exit codes; both languages say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from mailsync import errors
from mailsync.cli.main import app

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """Every `mailsync …` in code, without its upper-case placeholders."""
    code = re.findall(r"`([^`\n]+)`|^ {4,}(\S.*)$", text(name), flags=re.MULTILINE)
    lines = [inline or block for inline, block in code]
    return [found for line in lines for found in re.findall(r"(?:^|\s)(mailsync [a-z][a-z0-9 -]*)", line)]


@pytest.mark.parametrize("name", READMES)
def test_every_command_exists(name: str) -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    found = {command.split()[1] for command in commands(name)} - {"mailsync"}
    assert {"init", "check", "registry", "plan", "confirm", "tidy", "run", "undo"} <= found
    assert found - known == set()


@pytest.mark.parametrize("name", READMES)
def test_every_link_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", text(name))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", READMES)
def test_every_file_in_code_exists(name: str) -> None:
    named = set(re.findall(r"\b((?:config|tests)/[\w./-]+\w)", text(name))) - {"config/mailsync.toml"}
    assert named
    assert [one for one in sorted(named) if not (ROOT / one).exists()] == []


def test_both_languages_name_the_same_commands_and_files() -> None:
    english, chinese = (sorted(commands(name)) for name in READMES)
    assert english == chinese


@pytest.mark.parametrize("name", READMES)
def test_exit_codes_are_those_of_the_errors(name: str) -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", text(name), flags=re.MULTILINE)}
    told -= set(range(1, 2)) | {4, 5, 6, 7}  # the steps
    assert {code for code in errors.EXIT_ORDER if code != 1} <= told


@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", text("Makefile"), flags=re.MULTILINE)
    assert all(f"make {target}" in text(name) for name in READMES)
