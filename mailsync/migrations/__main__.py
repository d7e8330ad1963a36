"""`python -m mailsync.migrations MESSAGE`: write the next version from the tables as they are declared now."""

from __future__ import annotations

import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from mailsync.migrations import HEAD, alembic_config
from mailsync.migrations.tables import metadata

_VERSIONS = Path(__file__).parent / "versions"


def main(message: str) -> None:
    """Compare an empty database at the newest version with the tables, and write what is missing."""
    with sa.create_engine("sqlite://").connect() as connection:
        config = alembic_config(connection, metadata())
        versions = sorted(path.stem[:4] for path in _VERSIONS.glob("[0-9]*.py"))
        if versions:
            command.upgrade(config, "head")
        following = f"{int(versions[-1]) + 1:04d}" if versions else "0001"
        command.revision(config, message, autogenerate=True, rev_id=following)
    if following != HEAD:
        sys.stderr.write(f'Now write HEAD = "{following}" in mailsync/migrations/__init__.py\n')


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "initial")
