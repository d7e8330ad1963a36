"""Files of business cards: CSV, workbooks of any kind (exports of card scanners and of Outlook)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mailsync.errors import RegistryError, unreadable_registry
from mailsync.registry.cards import Card, cards_of, heading_known
from mailsync.registry.decoding import decoded
from mailsync.registry.tables import (
    LARGEST_FILE,
    Records,
    content_of,
    csv_records,
    find_headings,
)
from mailsync.text import N_, Sentence

TEXTS = (".csv", ".tsv", ".txt")


def read_cards(path: Path) -> tuple[list[Card], list[Sentence]]:
    """The cards of a file in their order, and what was left unread. Raises `RegistryError`."""
    try:
        records = _records(path)
    except OSError as error:
        raise unreadable_registry(path, error) from error
    cards, unknown = cards_of(path.name, records)
    if not cards:
        raise RegistryError(N_("{file} holds no business cards. Nothing was imported"), file=path.name)
    if not unknown:
        return cards, []
    return cards, [
        Sentence.of(
            N_("{file}: these columns are unknown and were not read: {columns}"),
            file=path.name,
            columns=", ".join(unknown),
        )
    ]


def _records(path: Path) -> Records:
    if path.suffix.lower() in TEXTS:
        return csv_records(heading_known, decoded(content_of(path), path.name).text, path.name)
    from mailsync.registry.workbook import read_sheets  # openpyxl takes long to load

    sheets = [records for _, records in read_sheets(path, largest=LARGEST_FILE)]
    return max(sheets, key=_known_headings, default=[])


def _known_headings(records: Sequence[Sequence[str]]) -> int:
    return find_headings(heading_known, records)[1]
