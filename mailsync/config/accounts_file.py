"""`accounts_file`: many accounts as rows of a CSV (FORMATS 2)."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from mailsync.errors import ConfigError


def with_accounts_file(raw: dict[str, Any], folder: Path, source: str) -> dict[str, Any]:
    """Add the accounts of `accounts_file`, a CSV with one account a row, to those of the TOML."""
    if not isinstance(raw.get("accounts_file"), str):
        return raw
    path = folder / raw["accounts_file"]
    try:
        text = _decoded(path.read_bytes())
        table = csv.DictReader(text.splitlines(), delimiter=";" if text.count(";") > text.count(",") else ",")
        rows = [row for row in table if any(isinstance(cell, str) and cell.strip() for cell in row.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f"accounts_file: {path} cannot be read: {error}"], source) from error
    if unknown := sorted(set(table.fieldnames or ()) - _ACCOUNT_COLUMNS - {""}):
        raise ConfigError([f"accounts_file: {path} has unknown columns: {', '.join(unknown)}"], source)
    return {**raw, "accounts": [*raw.get("accounts", []), *map(_account_from_row, rows)]}


_ACCOUNT_COLUMNS = frozenset(
    {"name", "address", "aliases", "confirmed"}
    | {
        f"{server}_{key}"
        for server in ("imap", "book")
        for key in ("url", "user", "password_file", "ca_file")
    }
    | {"imap_authorization", "imap_token_command", "book_scope"}
)


def _decoded(raw: bytes) -> str:
    """UTF-8, else what Excel writes in China."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


def _account_from_row(row: dict[str, str | None]) -> dict[str, Any]:
    cells = {key: (value or "").strip() for key, value in row.items() if key}
    account: dict[str, Any] = {
        "name": cells.get("name", ""),
        "address": cells.get("address", ""),
        "aliases": re.split(r"[;,\s]+", cells["aliases"]) if cells.get("aliases") else [],
        "imap": _prefixed(cells, "imap_"),
    }
    if cells.get("book_url"):
        account["books"] = [_prefixed(cells, "book_")]
    if cells.get("confirmed"):
        account["confirmed"] = cells["confirmed"].lower() in {"yes", "true", "1", "是"}
    return account


def _prefixed(cells: dict[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): cell for key, cell in cells.items() if key.startswith(prefix) and cell}
