"""The database's schema, versioned: `upgrade()` brings any database of ours to the newest version.

The versions in `versions/` are made by one command, which compares the tables with the last version and writes the
next one:

    python -m mailsync.migrations "what changed" && make format
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from mailsync.database import sqlite_path
from mailsync.errors import StorageError
from mailsync.text import N_

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest version; a test keeps it true. Alembic is not even loaded for a database that is there already.
HEAD = "0004"
_FOLDER = Path(__file__).parent
#: Any number that nothing else in the database locks on.
_UPGRADE_LOCK = 7_300_112


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest schema, creating it where there is none; killed half way, nothing happened.

    Raises `StorageError` where it cannot be opened, is no database, is damaged, or was made by a newer mailsync.
    """
    url = engine.url.render_as_string(hide_password=True)
    try:
        if (file := sqlite_path(url)) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        with engine.connect() as connection:
            version = _version(connection)
            connection.rollback()
            if version != HEAD:
                _migrate(connection, version, url)
    except OSError as error:
        raise StorageError(
            N_("The folder of the database {url} cannot be created: {reason}"),
            url=url,
            reason=error.strerror or error,
        ) from error
    except DBAPIError as error:
        raise StorageError(
            N_(
                "The database {url} cannot be used: {reason}. Check that it is there, is a database of mailsync and "
                "that nothing else locks it; restore it from a backup if it is damaged. Nothing was changed"
            ),
            url=url,
            reason=str(error.orig).strip(),
        ) from error


def alembic_config(connection: sa.Connection, tables: sa.MetaData | None = None) -> Config:
    """Alembic's settings for one connection; there is no alembic.ini. `tables` are needed to write a new version."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["tables"] = tables
    return config


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: sa.Connection, version: str | None, url: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise StorageError(
            N_(
                "The database {url} was made by a newer mailsync (schema {version}); upgrade mailsync, then try again"
            ),
            url=url,
            version=version,
        )
    with _nothing_cascades(connection), connection.begin():
        if connection.dialect.name == "postgresql":  # SQLite's transactions exclude one another anyway
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
        command.upgrade(config, "head")
        _refuse_dangling(connection)


@contextmanager
def _nothing_cascades(connection: sa.Connection) -> Iterator[None]:
    """SQLite alters a table by copying it and dropping the old one, which would delete every row that refers to it.
    To be entered outside a transaction: within one SQLite changes nothing of this."""
    if connection.dialect.name != "sqlite":
        yield
        return
    plain = connection.connection.cursor()
    plain.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        plain.execute("PRAGMA foreign_keys=ON")
        plain.close()


def _refuse_dangling(connection: sa.Connection) -> None:
    """An upgrade that leaves a row without what it belongs to must not be committed."""
    if connection.dialect.name != "sqlite":
        return
    if dangling := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise StorageError(
            N_(
                "The upgrade would leave {count} row(s) of the database without what they belong to: it was not made"
            ),
            count=len(dangling),
        )
