"""What a run did, could not do, and found: in words, for the terminal and as a web page.

`build` gathers results (FORMATS 3) into a `Report`; `as_html`, `as_text` and `show` say it in a language.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, tzinfo

from rich.console import Console

from mailsync.report import html, terminal
from mailsync.report.build import Result, build
from mailsync.report.parts import CustomerName, Report
from mailsync.report.sections import lay_out
from mailsync.report.upkeep import UpkeepLine
from mailsync.report.upkeep import lay_out as lay_out_upkeep

__all__ = [
    "CustomerName", "Report", "Result", "UpkeepLine", "as_html", "as_text", "build", "show", "upkeep_html",
]  # fmt: skip


def as_html(report: Report, *, language: str, zone: tzinfo) -> str:
    """One self-contained web page."""
    return html.page(lay_out(report, language=language, zone=zone, rows=html.ROWS))


def as_text(report: Report, *, language: str, zone: tzinfo, width: int = 80) -> str:
    """Plain text, `width` columns wide."""
    return terminal.text(lay_out(report, language=language, zone=zone, rows=terminal.ROWS), width=width)


def show(report: Report, console: Console, *, language: str, zone: tzinfo) -> None:
    """Print to a terminal."""
    terminal.show(lay_out(report, language=language, zone=zone, rows=terminal.ROWS), console)


def upkeep_html(lines: Sequence[UpkeepLine], *, language: str, day: date) -> str:
    """The registry's upkeep as one self-contained web page."""
    return html.page(lay_out_upkeep(lines, language=language, day=day, rows=html.ROWS))
