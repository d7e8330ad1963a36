"""What the registry needs, as a page and in the terminal: by kind, with the command that settles each. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mailsync.report import wording
from mailsync.report.layout import Cell, Layout, Section, Table, Tile
from mailsync.report.speaker import visible
from mailsync.text import N_, Sentence, translator

#: The worst first; what nobody named comes last.
ORDER = (
    "upkeep-duplicate", "upkeep-bounced", "upkeep-no-full-code", "upkeep-lively", "candidate", "upkeep-no-contact",
    "upkeep-no-owner", "upkeep-no-country", "upkeep-crowd", "upkeep-code-in-address", "upkeep-code-in-code",
    "upkeep-silent",
)  # fmt: skip
_TILES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepLine:
    """One finding."""

    kind: str
    sentence: Sentence
    command: str | None


def lay_out(lines: Sequence[UpkeepLine], *, language: str, day: date, rows: int) -> Layout:
    """The page, at most `rows` lines of a kind."""
    translate = translator(language)
    groups: defaultdict[str, list[UpkeepLine]] = defaultdict(list)
    for line in lines:
        groups[line.kind].append(line)
    kinds = sorted(groups, key=lambda kind: ORDER.index(kind) if kind in ORDER else len(ORDER))
    steps = (
        N_("Look at each line; the command under it settles it. Nothing is changed before you type it."),
    )
    return Layout(
        language=language,
        title=translate(N_("Upkeep of the registry")),
        subtitle=day.isoformat(),
        banner="",
        tiles=tuple(
            Tile(figure=str(len(groups[kind])), label=_word(kind, language), tone="plain")
            for kind in kinds[:_TILES]
        ),
        steps_title=translate(N_("What to do now")),
        steps=tuple(map(translate, steps if lines else (N_("Nothing: the registry is in order."),))),
        sections=tuple(_section(kind, groups, language, rows) for kind in kinds),
        footer=translate(N_("`mailsync registry upkeep` shows this at any time.")),
    )


def _word(kind: str, language: str) -> str:
    return translator(language)(wording.KINDS.get(kind, kind))


def _section(kind: str, groups: Mapping[str, list[UpkeepLine]], language: str, rows: int) -> Section:
    translate = translator(language)
    lines = groups[kind]
    table = Table(
        headings=(translate(N_("What")), translate(N_("Command"))),
        rows=tuple(
            (
                Cell(text=visible(line.sentence.render(translate))),
                Cell(text=visible(line.command or "–"), tone="muted"),
            )
            for line in lines[:rows]
        ),
        left_out=translate(N_("… and {count} more: `mailsync registry upkeep --json` has them all")).format(
            count=len(lines) - rows
        )
        if len(lines) > rows
        else "",
    )
    return Section(title=f"{_word(kind, language)} ({len(lines)})", tables=(table,))
