"""How results reach a person or a program: terminal, web page, JSON lines, progress."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from mailsync import report as reporting
from mailsync.cli.context import Context
from mailsync.registry.roster_load import load_roster
from mailsync.report import CustomerName, Report
from mailsync.text import N_, Sentence, Translate, duration
from mailsync.tidy.desk import Progress as ShowProgress
from mailsync.tidy.desk import silent


def table(context: Context, headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Rows under translated headings; `empty` is said where there are none. Numbers stand at the right."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    records = [["" if cell is None else cell for cell in row] for row in rows]
    if not records:
        context.console.print(context.translate(empty))
        return
    for position, heading in enumerate(headings):
        number = all(isinstance(record[position], int) for record in records)
        drawn.add_column(context.translate(heading), justify="right" if number else "left", overflow="fold")
    for record in records:
        drawn.add_row(*(Text(str(cell)) for cell in record))
    context.console.print(drawn, soft_wrap=False)


def json_line(value: Any) -> None:
    """One JSON object on a line of standard output, in UTF-8 whatever the terminal speaks."""
    line = json.dumps(value, ensure_ascii=False) + "\n"
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.flush()
        sys.stdout.buffer.write(line.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(line)


def result_line(context: Context, result: Mapping[str, Any]) -> None:
    """A run's result as JSON, its sentences in the configured language as those of the journal."""
    told = {
        name: [_in_language(row, context.translate) for row in rows] if name in _SPEAKING else rows
        for name, rows in result.items()
    }
    json_line(told)


_SPEAKING = frozenset({"actions", "findings", "conflicts", "errors"})


def _in_language(row: Mapping[str, Any], translate: Translate) -> Mapping[str, Any]:
    parts = row.get("sentence_parts")
    return {**row, "sentence": Sentence.from_json(parts).render(translate)} if parts else row


def on_terminal(context: Context, results: Sequence[dict[str, Any]]) -> None:
    """The report over `results`, in the configured language."""
    zone = ZoneInfo(context.config.timezone)
    reporting.show(_report(context, results), context.console, language=context.config.language, zone=zone)


def time_needed(context: Context, results: Sequence[Mapping[str, Any]]) -> None:
    """How long the writing of the cards takes that are only planned yet, where their servers' pace is known."""
    seconds = sum(result.get("write_seconds") or 0.0 for result in results)
    if seconds:
        words = context.translate(
            N_(
                "Writing the cards that are still planned takes about {time}, as fast as their servers were "
                "before; it can be interrupted and goes on where it was"
            )
        )
        context.console.print(words.format(time=duration(seconds).render(context.translate)))


def traffic(context: Context, results: Sequence[Mapping[str, Any]]) -> None:
    """What each account's mail server was asked, and what it cost on the line."""
    headings = [N_("Account"), *_COUNTERS.values()]
    rows = [
        [result["account"], *(result["traffic"][name] for name in _COUNTERS)]
        for result in results
        if result["traffic"]
    ]
    table(context, headings, rows, empty=N_("No mail server was asked anything"))


_COUNTERS = {
    "connections": N_("Connections"),
    "turns": N_("Round trips"),
    "commands": N_("Commands"),
    "bytes_up": N_("Bytes sent"),
    "bytes_down": N_("Bytes received"),
    "rows": N_("Messages read"),
}


def web_page(context: Context, results: Sequence[dict[str, Any]], path: Path) -> Path:
    """Write the report over `results` as one page; whole, or not at all."""
    zone = ZoneInfo(context.config.timezone)
    return write_page(
        reporting.as_html(_report(context, results), language=context.config.language, zone=zone), path
    )


def write_page(page: str, path: Path) -> Path:
    """Write a page; whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.new")
    draft.touch(mode=0o600)
    draft.write_text(page, encoding="utf-8")
    draft.replace(path)
    return path


def page_name(results: Sequence[dict[str, Any]]) -> str:
    """A file name for the report over `results`, the newest last in a listing."""
    runs = [str(result["run"]) for result in results if result["run"]]
    return f"{max(runs, default='refused')}.html"


def _report(context: Context, results: Sequence[dict[str, Any]]) -> Report:
    with context.engine.connect() as connection:
        roster = load_roster(connection)
    customers = {
        customer.code: CustomerName(name=customer.name, owner=customer.owner) for customer in roster.customers
    }
    return reporting.build(results, customers=customers)


@contextmanager
def progress(what: str, context: Context, *, quiet: bool) -> Iterator[ShowProgress]:
    """A progress bar on standard error, when a terminal is there."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    # Cards are counted in windows of a hundred, which a slow server takes half a minute for.
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, speed_estimate_period=600) as bar:
        task = bar.add_task(what, total=None)

        def show(stage: Sentence, done: int, total: int) -> None:
            words = stage.render(context.translate)
            bar.update(task, description=f"{what}: {words}", completed=done, total=total or None)

        yield show
