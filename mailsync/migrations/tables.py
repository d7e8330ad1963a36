"""Every module that declares tables, so that the metadata is complete when it is compared."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

import mailsync
from mailsync.database import Base


def metadata() -> sa.MetaData:
    """All tables of mailsync."""
    for name in _declaring_modules():
        importlib.import_module(name)
    return Base.metadata


def _declaring_modules() -> Iterator[str]:
    """Modules with a table, found by their text: importing all rooms would load every protocol library."""
    package = Path(mailsync.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if "__tablename__ = " in path.read_text(encoding="utf-8") and path != Path(__file__):
            yield ".".join((package.name, *path.relative_to(package).with_suffix("").parts))
