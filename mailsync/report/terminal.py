"""The report in a terminal: readable at 80 columns, without colour where the output is no terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from mailsync.report.layout import Cell, Layout, Section, Table

#: Rows shown of one table: what matters must not scroll away.
ROWS = 12
_STYLES = {"plain": "", "good": "green", "bad": "bold red", "muted": "dim"}
_BAR = 12


def show(layout: Layout, console: Console) -> None:
    """Print the report. Texts of mails are never read as markup."""
    console.print(Text(layout.title, style="bold"))
    console.print(Text(layout.subtitle, style="dim"))
    if layout.banner:
        console.print(Text(layout.banner, style="bold yellow"))
    console.print()
    for tile in layout.tiles:
        console.print(
            Text(f"{tile.figure:>7}  ", style=_STYLES[tile.tone] or "bold").append(tile.label, style="")
        )
    console.print()
    console.print(Text(layout.steps_title, style="bold"))
    for step in layout.steps:
        console.print(Padding(_hanging("→", step), (0, 0, 0, 2)))
    for section in layout.sections:
        _show_section(section, console)
    console.print()
    console.print(Text(layout.footer, style="dim"))


def text(layout: Layout, *, width: int = 80) -> str:
    """The report as plain text, `width` columns wide."""
    out = StringIO()
    show(layout, Console(file=out, width=width, color_system=None, force_terminal=False))
    return out.getvalue()


def _hanging(mark: str, words: str) -> RenderableType:
    """`words` after a mark, further lines indented under the first."""
    grid = RichTable.grid(padding=(0, 1))
    grid.add_row(Text(mark), Text(words))
    return grid


def _show_section(section: Section, console: Console) -> None:
    console.print()
    console.print(Text(section.title, style=f"bold {'red' if section.tone == 'bad' else ''}".strip()))
    if section.note:
        console.print(Text(section.note, style="dim"))
    for table in section.tables:
        if table.rows:
            console.print(_grid(table) if table.sentences is None else _list(table, table.sentences))
        if table.left_out:
            console.print(Text(table.left_out, style="dim"))


def _grid(table: Table) -> RichTable:
    grid = RichTable(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for heading in table.headings:
        grid.add_column(Text(heading), overflow="fold")
    for row in table.rows:
        grid.add_row(*(_cell(cell) for cell in row))
    return grid


def _list(table: Table, sentences: int) -> RichTable:
    """Sentences one under the other, each after a line of its other cells: columns would be too narrow."""
    grid = RichTable.grid(padding=(0, 1))
    for row in table.rows:
        others = " · ".join(cell.text for at, cell in enumerate(row) if at != sentences and cell.text != "–")
        said = Text(row[sentences].text)
        grid.add_row("•", Text.assemble((f"{others}\n", "dim"), said) if others else said)
    return grid


def _cell(cell: Cell) -> Text:
    if cell.share is None:
        return Text(cell.text, style=_STYLES[cell.tone])
    filled = round(cell.share * _BAR)
    bar = Text("█" * filled, style=_STYLES[cell.tone]).append("░" * (_BAR - filled), style="dim")
    return bar.append(f" {cell.text}", style=_STYLES[cell.tone])
