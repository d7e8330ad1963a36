"""500 customers as an office types them: every dirty row is told, and not one customer is wrong (FORMATS 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailsync.registry.exchange import import_registry
from mailsync.registry.roster_load import load_roster
from tests.servers.dirty_registry import Dirty, dirty, write_csv, write_xls

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize("write", [write_csv, write_xls])
def test_every_dirty_row_is_told_and_no_customer_is_wrong(
    database: sa.Engine, tmp_path: Path, write: Callable[[Path, Dirty], Path]
) -> None:
    made = dirty()
    path = write(tmp_path / ("in" if write is write_csv else "in.xls"), made)
    report = import_registry(database, path, now=NOW)
    tables = {count.file: count.kind for count in report.counts}
    assert {(tables[one.file], one.row) for one in report.problems} == made.told
    with database.connect() as connection:
        roster = load_roster(connection)
    # The abbreviation is proposed from the company, which has tests of its own.
    read = {one.code: replace(one, abbreviation=None) for one in roster.customers}
    assert read == made.truth
    assert {one.addresses[0]: one.customers for one in roster.contacts} == made.engaged
    assert import_registry(database, path).changes == 0
