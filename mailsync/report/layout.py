"""A laid-out report: tiles, steps and sections of tables, in words of one language.

Terminal and web page draw the same layout, so both say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "good", "bad", "muted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table; with `share` (0–1) a bar is drawn beside the text."""

    text: str
    tone: Tone = "plain"
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells under headings; `left_out` rows are not shown."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: str = ""
    sentences: int | None = None  #: the column of whole sentences: a narrow page gives it the full width


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of the report."""

    title: str
    note: str = ""
    tone: Tone = "plain"
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One of the figures at the head of the report."""

    figure: str
    label: str
    tone: Tone = "plain"
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A whole report page in one language."""

    language: str
    title: str
    subtitle: str
    banner: str  #: says that nothing was changed yet; empty where something was
    tiles: tuple[Tile, ...]
    steps_title: str
    steps: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str
