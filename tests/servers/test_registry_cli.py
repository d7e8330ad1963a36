"""What the registry's verbs answer, in both languages, and how they end when something is wrong."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from mailsync.cli.main import run

CARDS = "姓名,公司,邮箱\nJane,Gibson,jane@gibson.example\n,,\nAnn,,ann@x.example\n"


class Terminal:
    """Somebody types in a folder of their own."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capfd = capfd

    def speak(self, language: str) -> None:
        (self.folder / "mailsync.toml").write_text(
            f'database = "sqlite:///{self.folder / "a.db"}"\nlanguage = "{language}"\n', encoding="utf-8"
        )

    def type(self, line: str) -> tuple[int, str]:
        code = run(["--config", str(self.folder / "mailsync.toml"), *shlex.split(line)])
        return code, "".join(self._capfd.readouterr())

    def objects(self, line: str) -> list[Any]:
        code, said = self.type(line)
        assert code == 0, said
        return [json.loads(one) for one in said.splitlines()]


@pytest.fixture
def terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "cards.csv").write_text(CARDS, encoding="utf-8")
    terminal = Terminal(tmp_path, capfd)
    terminal.speak("en")
    for line in (
        "shows add Fair",
        "customers add --show A --company Gibson --country AU --name Jane --email jane@gibson.example",
        "customers add --show A --company 'Gibson Ltd' --email bob@gibson.example --anyway",
    ):
        code, said = terminal.type(line)
        assert code == 0, said
    return terminal


@pytest.mark.parametrize(
    "language, line, words",
    [
        (
            "en",
            "customers show a1",
            ["A01  Gibson", "Australia (AU)", "A01 Jane/Gibson/AU", "To be looked at"],
        ),
        ("zh_CN", "customers show a1", ["编号", "澳大利亚 (AU)", "A01 Jane/Gibson/AU", "需要处理"]),
        ("en", "customers history A01", ["registered", "A01"]),
        ("zh_CN", "customers history A01", ["登记", "客户编号"]),
        (
            "en",
            "customers duplicates",
            ["Customers that may be one (1)", "people at gibson.example", "merge A01 A02"],
        ),
        ("zh_CN", "customers duplicates", ["可能重复的客户 (1)", "两者都有 gibson.example 的人"]),
        ("en", "registry upkeep", ["Customers without an owner (2)", "customers edit A01 --owner ADDRESS"]),
        ("zh_CN", "registry upkeep", ["没有业务员的客户 (2)"]),
        (
            "en",
            "customers merge A02 A01 --dry-run",
            ["A02 Gibson Ltd is merged into A01", "Nothing was written"],
        ),
        (
            "zh_CN",
            "customers merge A02 A01 --dry-run",
            ["A02 Gibson Ltd 并入编号更早的 A01", "没有写入任何内容"],
        ),
        (
            "zh_CN",
            "customers edit A01 --stage order --dry-run",
            ["订单编号已固定：A01 AUGI", "阶段：lead → order"],
        ),
        ("zh_CN", "contacts list A01", ["jane@gibson.example"]),
        ("zh_CN", "shows list", ["展会", "A02"]),
    ],
)
def test_answers_are_said_in_the_readers_language(
    terminal: Terminal, language: str, line: str, words: list[str]
) -> None:
    terminal.speak(language)
    code, said = terminal.type(line)
    assert code == 0
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    "line, code, words",
    [
        ("customers show Z9", 2, "No customer has the code Z9"),
        ("customers add --show A", 2, "--company NAME, or --from FILE"),
        ("customers add --show A --company X --from cards.csv", 2, "--company NAME, or --from FILE"),
        ("customers add --show A --from nowhere.csv", 10, "nowhere.csv cannot be read"),
        ("customers add --show A --from cards.csv", 3, "row 4, column “company”"),
        ("customers edit A01", 2, "Say what is to change"),
        ("customers edit A01 --stage order --on 5/1/2026", 2, "--on: “5/1/2026” is no date"),
        ("customers merge A01", 2, "two at least"),
        ("customers merge A01 A01", 2, "one customer already"),
        ("customers unmerge A01", 2, "is not merged"),
        ("contacts edit nobody@x.example --name X", 2, "Nobody is registered"),
        ("contacts add --name X", 2, "--email"),
        ("registry upkeep --kind colour", 2, "no kind “colour”"),
        ("registry template x.csv", 2, ".xlsx"),
        ("registry import", 2, "--source"),
        ("registry import nowhere", 10, "no registry at nowhere"),
        ("shows edit Q --name X", 2, "no show “Q”"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(terminal: Terminal, line: str, code: int, words: str) -> None:
    ended, said = terminal.type(line)
    assert (ended, words in said) == (code, True), said


def test_programs_read_json(terminal: Terminal) -> None:
    sheet = terminal.objects("customers show A01 --json")[0]
    assert (sheet["code"], sheet["people"][0]["entry"], sheet["messages"]) == ("A01", "A01 Jane/Gibson/AU", 0)
    assert [one["code"] for one in terminal.objects("customers list --json")] == ["A01", "A02"]
    assert terminal.objects("customers duplicates --json")[0]["codes"] == ["A01", "A02"]
    kinds = {one["kind"] for one in terminal.objects("registry upkeep --json")}
    assert {"upkeep-duplicate", "upkeep-no-owner", "upkeep-no-country"} <= kinds
    assert terminal.objects("customers merge A01 A02 --dry-run --json")[0]["written"] is False
    assert terminal.objects("customers edit A01 --grade b --json")[0]["changes"] == [
        {"field": "grade", "before": None, "after": "B"}
    ]
    assert [one["field"] for one in terminal.objects("customers history A01 --json")][-1] == "grade"
    assert terminal.objects("contacts show jane@gibson.example --json")[0]["codes"] == ["A01"]


@pytest.mark.parametrize("language, title", [("en", "Upkeep of the registry"), ("zh_CN", "登记表维护")])
def test_the_upkeep_is_a_page_too_and_escapes_what_people_typed(
    terminal: Terminal, language: str, title: str
) -> None:
    terminal.speak(language)
    terminal.type("customers edit A01 --company '<img src=x onerror=alert(1)>' --anyway")
    code, said = terminal.type("registry upkeep --html reports/upkeep.html")
    page = (terminal.folder / "reports" / "upkeep.html").read_text(encoding="utf-8")
    assert code == 0 and "upkeep.html" in said and title in page
    assert "<img" not in page and "&lt;img" in page and "mailsync customers edit A01 --owner ADDRESS" in page


def test_a_template_is_never_written_over_unasked(terminal: Terminal) -> None:
    assert terminal.type("registry template t.xlsx")[0] == 0
    before = (terminal.folder / "t.xlsx").read_bytes()
    assert terminal.type("registry template t.xlsx")[0] == 2
    assert terminal.type("registry template t.xlsx --force")[0] == 0
    assert (terminal.folder / "t.xlsx").read_bytes() == before  # the same registry, the same bytes
