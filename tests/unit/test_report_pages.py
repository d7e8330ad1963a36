"""The report as people see it: terminal and web page, English and Chinese, hostile texts."""

from __future__ import annotations

import re
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from lxml import html as lxml_html
from rich.console import Console

from mailsync.report import as_html, as_text
from mailsync.report.build import build
from mailsync.report.html import page
from mailsync.report.layout import Layout
from mailsync.report.sections import lay_out
from mailsync.report.speaker import visible
from mailsync.report.terminal import show, text
from mailsync.report.wording import percent
from tests.unit.report_samples import HOSTILE, company, move, note, result, sent

ROWS = 20
ZONE = ZoneInfo("Asia/Shanghai")


def laid_out(language: str = "en") -> Layout:
    return lay_out(company(), language=language, zone=ZONE, rows=ROWS)


def hostile_page(language: str, words: str) -> str:
    everywhere = result(
        account=words,
        run=words,
        actions=[move(words, words), move(words, words, "failed")],
        audit=[
            sent(1, words, "cross_customer"),
            sent(2, words, words),
            sent(3, words, "missing", words, words),
        ],
        findings=[
            note(words, words, words, words),
            note("candidate", words, words) | {"command": f"mailsync contacts add --name {words}"},
        ],
        conflicts=[note(words, words, words)],
        cards=[{"book": words, "href": words, "action": words}],
    )
    return page(lay_out(build([everywhere]), language=language, zone=ZONE, rows=ROWS))


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("words", [*HOSTILE, "</title><script>alert(1)</script>", "' onload='x", "{% x %}"])
def test_a_hostile_text_stays_text(language: str, words: str) -> None:
    """The page of hostile texts has the very elements and attributes of a harmless page."""
    found, harmless = (_skeleton(hostile_page(language, one)) for one in (words, "harmless"))
    assert found == harmless
    assert "49" not in re.findall(r"\b49\b", hostile_page(language, "{{7*7}}"))


@pytest.mark.parametrize("language, words", [("en", "To do it, type: "), ("zh_CN", "登记请输入：")])
def test_a_candidate_comes_with_the_command_that_adds_it(language: str, words: str) -> None:
    command = "mailsync contacts add --code D12 --email bob@gibson.example"
    told = result(findings=[note("candidate", "bob@gibson.example", "Writes", "D12") | {"command": command}])
    said = as_text(build([told]), language=language, zone=ZONE, width=200)
    assert f"{words}{command}" in said


def _skeleton(source: str) -> list[tuple[str, list[str]]]:
    return [
        (str(element.tag), sorted(map(str, element.attrib)))
        for element in lxml_html.fromstring(source).iter()
    ]


def test_the_page_fetches_nothing() -> None:
    source = page(laid_out())
    assert "default-src 'none'; style-src 'unsafe-inline'" in source
    assert not lxml_html.fromstring(source).xpath("//script|//link|//img|//iframe|//a|//form|//@src|//@href")
    assert "url(" not in source
    assert "@import" not in source


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c"])
def test_marks_of_direction_are_spelled_out(mark: str) -> None:
    assert mark not in visible(f"a{mark}b")
    assert f"u{ord(mark):04x}" in visible(f"a{mark}b")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_terminal_at_80_columns_without_colour(language: str) -> None:
    out = text(laid_out(language))
    console = Console(width=200)
    assert "\x1b" not in out
    assert all(console.measure(line).maximum <= 80 for line in out.splitlines())
    assert "[bold]x[/bold]" in text(
        lay_out(build([result(account="[bold]x[/bold]")]), language="en", zone=ZONE, rows=ROWS)
    )


def test_terminal_colours_only_a_terminal() -> None:
    out = StringIO()
    show(laid_out(), Console(file=out, force_terminal=True, width=80, color_system="standard"))
    assert "\x1b[" in out.getvalue()


def test_english_page_says_what_matters() -> None:
    words = lxml_html.fromstring(page(laid_out())).text_content()
    for expected in ("Leaks: one mail to several customers", "D12 Gibson Importing · D13 Ödegård Møbler", "D13 New samples", "Li Na 李娜",
                     "D12 Gibson Importing", "2026-11-25 09:00", "77 %"):  # fmt: skip
        assert expected in words


def test_chinese_page_says_what_matters() -> None:
    source = page(laid_out("zh_CN"))
    words = lxml_html.fromstring(source).text_content()
    assert '<html lang="zh-Hans-CN">' in source
    for expected in (
        "泄露：一封邮件发给了几个客户",
        "业务员",
        "需要改正的主题",
        "77 %",
        "没有编号",
        "把“D13 new price list”从",
    ):
        assert expected in words


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("message-move-failed", "failed"), ("card-conflict", "card left alone"), ("x-y", "x y")],
)
def test_kinds_in_words(kind: str, shown: str) -> None:
    laid = lay_out(build([result(findings=[note(kind, "", "Words")])]), language="en", zone=ZONE, rows=ROWS)
    (table,) = next(section for section in laid.sections if section.title == "Also worth knowing").tables
    assert table.rows[0][-1].text == shown


def test_a_plan_says_that_nothing_was_changed() -> None:
    plan = lay_out(build([result(dry_run=True, exit_code=20)]), language="en", zone=ZONE, rows=ROWS)
    assert plan.banner == "This is a plan. Nothing was changed yet."
    assert "Nothing was changed yet" in page(plan)
    assert "Nothing was changed yet" in text(plan)


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("bob@x", "bob@x: Words"),
        ("<1@x>", "Words"),
        ("INBOX;UID=7", "Words"),
        ("/li.na/1.vcf", "Words"),
        ("https://dav/", "Words"),
        ("Words", "Words"),
    ],
)
def test_only_names_that_people_use_are_shown(subject: str, shown: str) -> None:
    laid = lay_out(
        build([result(findings=[note("ambiguous", subject, "Words")])]), language="en", zone=ZONE, rows=ROWS
    )
    (table,) = next(section for section in laid.sections if section.title.startswith("May belong")).tables
    assert table.sentences is not None
    assert table.rows[0][table.sentences].text == shown


def test_a_long_table_is_cut_and_says_so() -> None:
    rows = [note("candidate", f"{number}@x", "Writes") for number in range(ROWS + 5)]
    laid = lay_out(build([result(findings=rows)]), language="en", zone=ZONE, rows=ROWS)
    (table,) = next(
        section for section in laid.sections if section.title == "Candidates for the registry"
    ).tables
    assert len(table.rows) == ROWS
    assert table.left_out.startswith("… and 5 more")


@pytest.mark.parametrize(("share", "words"), [(1.0, "100 %"), (0.9999, "99 %"), (0.29, "29 %"), (0.0, "0 %")])
def test_percent_never_rounds_up(share: float, words: str) -> None:
    assert percent(share) == words


def test_a_plan_lists_each_mail() -> None:
    plan = build([result(dry_run=True, actions=[move("D12 a", "C/D12"), move("D12 b", "C/D12")])])
    said = text(lay_out(plan, language="en", zone=ZONE, rows=ROWS))
    assert "Move “D12 a” from INBOX to C/D12" in said
    assert "Move “D12 b” from INBOX to C/D12" in said


def test_equal_rows_stand_once_with_their_number() -> None:
    rows = [note("wrong-code", f"<{number}@x>", "The subject begins with A04", "D21") for number in range(3)]
    words = text(lay_out(build([result(findings=rows)]), language="en", zone=ZONE, rows=ROWS))
    assert words.count("The subject begins with A04") == 1
    assert "wrong code ×3" in words


def test_the_reps_column_is_there_for_several_accounts_only() -> None:
    one, two = result("li.na", audit=[sent(1, "New", "missing")]), result("wang.fang", "r2")
    headings = {
        heading
        for section in lay_out(build([one]), language="en", zone=ZONE, rows=ROWS).sections
        for table in section.tables
        for heading in table.headings
    }
    assert "Rep" not in headings
    assert "Rep" in text(lay_out(build([one, two]), language="en", zone=ZONE, rows=ROWS))


def test_the_terminal_shows_less_than_the_page() -> None:
    rows = [note("candidate", f"{number}@x", "Writes") for number in range(100)]
    report = build([result(findings=rows)])
    assert as_text(report, language="en", zone=ZONE).count("Writes") < 20
    assert as_html(report, language="en", zone=ZONE).count("Writes") == 100
