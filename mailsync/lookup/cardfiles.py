"""Files of business cards and vCards, whatever kind, for the verbs that take them, and the registry as vCards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from mailsync.addressbook.export import people_rows, read_vcards, vcards
from mailsync.errors import RegistryError
from mailsync.registry.cardfiles import TEXTS, read_cards
from mailsync.registry.cards import Card, card_of, people_table
from mailsync.registry.headings import Kind, kind_named
from mailsync.registry.roster_load import load_roster, own_codes
from mailsync.registry.tables import LARGEST_FILE, Row, Table
from mailsync.text import N_, Sentence


def read_card_file(path: Path) -> tuple[list[Card], list[Sentence]]:
    """The cards of a CSV file, a workbook or a vCard file, in their order, and what was left unread.

    Raises `RegistryError` where the file cannot be read.
    """
    if path.suffix.lower() not in (".vcf", ".vcard"):
        return read_cards(path)
    people = read_vcards(path)
    return [card_of(path.name, person.number, person.said) for person in people], []


def foreign_tables(path: Path, engine: sa.Engine) -> tuple[Mapping[Kind, Table], list[Sentence]] | None:
    """The people of a vCard file or of an export of business cards; None where `path` is a registry."""
    if path.suffix.lower() in (".vcf", ".vcard"):
        with engine.connect() as connection:
            roster, codes = load_roster(connection), own_codes(connection)
        rows = [
            Row(number=number, cells=cells) for number, cells in people_rows(read_vcards(path), roster, codes)
        ]
        fields = dict.fromkeys(name for row in rows for name in row.cells)
        columns = {name: name for name in fields}
        table = Table(kind="people", file=path.name, columns=columns, unknown=(), rows=tuple(rows))
        return {"people": table}, []
    if not path.is_file() or _is_registry(path):
        return None
    cards, notes = read_cards(path)
    return {"people": people_table(path.name, cards)}, notes


def _is_registry(path: Path) -> bool:
    if path.suffix.lower() in TEXTS:
        return kind_named(path.stem) is not None
    from mailsync.registry.workbook import sheet_titles  # openpyxl takes long to load

    return any(kind_named(title) for title in sheet_titles(path, largest=LARGEST_FILE))


def registry_vcards(engine: sa.Engine) -> bytes:
    """Everybody engaged with a customer as vCards. Raises `RegistryError` where there is nobody."""
    with engine.connect() as connection:
        roster = load_roster(connection)
    data = vcards(roster)
    if not data:
        raise RegistryError(
            N_("Nobody in the registry is engaged with a customer: there is nothing to export")
        )
    return data
