"""What a run did, could not do, and found: in words, for the terminal and as a web page.

`build` gathers results (FORMATS 3) into a `Report`; `as_html`, `as_text` and `show` say it in a language,
`write_html` keeps the page in a file.
"""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

from rich.console import Console

from mailsync.report import html, terminal
from mailsync.report.build import Result, build
from mailsync.report.deliver import keep_page
from mailsync.report.parts import CustomerName, Report
from mailsync.report.sections import lay_out

__all__ = ["CustomerName", "Report", "Result", "as_html", "as_text", "build", "show", "write_html"]


def as_html(report: Report, *, language: str, zone: tzinfo) -> str:
    """One self-contained web page."""
    return html.page(lay_out(report, language=language, zone=zone))


def as_text(report: Report, *, language: str, zone: tzinfo, width: int = 80) -> str:
    """Plain text, `width` columns wide."""
    return terminal.text(lay_out(report, language=language, zone=zone), width=width)


def show(report: Report, console: Console, *, language: str, zone: tzinfo) -> None:
    """Print to a terminal."""
    terminal.show(lay_out(report, language=language, zone=zone), console)


def write_html(place: Path, report: Report, *, language: str, zone: tzinfo) -> Path:
    """Write the page to the file `place`, or under a name of its own where `place` is a folder; the file's path.

    Raises `CollectionError` where it cannot be written.
    """
    return keep_page(place, as_html(report, language=language, zone=zone), report, zone)
