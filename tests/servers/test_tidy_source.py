"""What the roster's source says of the rows it lost."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa

from mailsync.tidy.source import RosterSource
from tests.servers.registry_files import write_registry

CUSTOMERS = [{"code": f"D{number}", "company": f"Company {number}"} for number in range(1, 4)]
PEOPLE = [{"id": "1", "name": "Jane", "codes": "D1"}]


def findings(database: sa.Engine, folder: Path) -> list[tuple[str, str]]:
    for file in folder.iterdir():  # written long ago: nobody need watch whether it still grows
        stat = file.stat()
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**10))
    registered = RosterSource(database, str(folder)).roster()
    return [(one.kind, str(one.sentence)) for one in registered.findings]


def test_who_is_retired_and_who_is_not_is_found(database: sa.Engine, tmp_path: Path) -> None:
    folder = write_registry(tmp_path / "registry", customers=CUSTOMERS, people=PEOPLE)
    assert findings(database, folder) == []
    write_registry(folder, customers=[*CUSTOMERS[:2], {"code": "O3", "company": "Company 3"}], people=PEOPLE)
    (kind, row), (held, words) = findings(database, folder)
    assert (kind, held) == ("registry-row", "registry-row")
    assert row.startswith("customers.csv, row 4, column “code”")
    assert "nobody was retired" in words and "D3 Company 3" in words
    write_registry(folder, customers=CUSTOMERS[:2], people=PEOPLE)
    assert findings(database, folder) == [("registry-retired", "1 row(s) were retired: D3 Company 3")]
