"""Alembic's entry: run within the connection and the transaction that `upgrade()` opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from mailsync.database import UTCDateTime


def render_item(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Our own column type by its name; everything else as Alembic writes it."""
    if kind == "type" and isinstance(item, UTCDateTime):
        autogenerate.imports.add("from mailsync.database import UTCDateTime")
        return "UTCDateTime()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["tables"],
    render_as_batch=True,  # SQLite alters tables by copying them
    transactional_ddl=True,
    compare_type=True,
    render_item=render_item,
)
context.run_migrations()
