"""Registry folders for tests, written from what a test wants to say."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

Rows = Iterable[Mapping[str, str]]


def write_registry(folder: Path, *, shows: Rows = (), customers: Rows = (), people: Rows = ()) -> Path:
    """Write the tables that have rows as CSV files; columns are those that the rows name. The folder."""
    folder.mkdir(exist_ok=True)
    for kind, rows in (("shows", list(shows)), ("customers", list(customers)), ("people", list(people))):
        file = folder / f"{kind}.csv"
        file.unlink(missing_ok=True)
        if not rows:
            continue
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def gibson_alone(folder: Path) -> Path:
    """A registry of one customer, D12 Gibson, with one contact, Jane; at rest."""
    shows = [{"letter": "D", "name": "Domotex", "coded": "yes"}]
    customers = [{"code": "D12", "company": "Gibson", "country": "AU", "channel": "show", "show": "D"}]
    jane = {"id": "p1", "codes": "D12", "name": "Jane", "company": "Gibson"}
    people = [jane | {"email": "jane@gibson.example"}]
    return at_rest(write_registry(folder, shows=shows, customers=customers, people=people))


def at_rest(folder: Path) -> Path:
    """Files that nobody wrote lately: a reader of fresh ones waits a second, lest somebody is still writing."""
    for file in folder.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    return folder
