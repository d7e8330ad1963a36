"""The schema that `upgrade()` makes is the one the tables declare, on both databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from mailsync.database import connect
from mailsync.errors import StorageError
from mailsync.migrations import HEAD, alembic_config, upgrade
from mailsync.migrations.tables import metadata


def shape(engine: sa.Engine) -> dict[str, object]:
    """Everything the database says about our tables, in comparable form."""
    inspector = sa.inspect(engine)
    tables: dict[str, object] = {}
    for table in set(inspector.get_table_names()) - {"alembic_version"}:
        tables[table] = (
            sorted(  # an upgrade adds its columns behind the others
                (column["name"], str(column["type"]), column["nullable"])
                for column in inspector.get_columns(table)
            ),
            inspector.get_pk_constraint(table),
            sorted(inspector.get_foreign_keys(table), key=str),
            sorted(inspector.get_unique_constraints(table), key=str),
            sorted(inspector.get_indexes(table), key=str),
        )
    return tables


def test_upgrading_makes_what_the_tables_declare(empty_database: sa.Engine) -> None:
    tables = metadata()
    tables.create_all(empty_database)
    declared = shape(empty_database)
    tables.drop_all(empty_database)
    upgrade(empty_database)
    assert shape(empty_database) == declared
    assert set(declared) == set(tables.tables)


def test_nothing_is_left_to_migrate(database: sa.Engine) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata()) == []


def test_the_newest_version_is_named(database: sa.Engine) -> None:
    with database.connect() as connection:
        assert ScriptDirectory.from_config(alembic_config(connection)).get_heads() == [HEAD]
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == HEAD


def test_a_second_upgrade_changes_nothing(database: sa.Engine) -> None:
    before = shape(database)
    upgrade(database)
    assert shape(database) == before


def test_an_upgrade_keeps_every_row(empty_database: sa.Engine) -> None:
    with empty_database.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        connection.execute(
            sa.text(
                "INSERT INTO customers (company, abbreviation_proposed, from_source) VALUES ('Gibson', :no, :no)"
            ),
            {"no": False},
        )
    upgrade(empty_database)
    with empty_database.connect() as connection:
        rows = connection.execute(sa.text("SELECT company, stage_since FROM customers")).all()
    assert [tuple(row) for row in rows] == [("Gibson", None)]


def test_an_upgrade_forgets_no_card_and_no_former_name(empty_database: sa.Engine) -> None:
    with empty_database.begin() as connection:
        command.upgrade(alembic_config(connection), "0002")
        connection.execute(
            sa.text(
                "INSERT INTO shelf_books (id, owner, url, sync_token, through_vobject, accepted, access, missing) "
                "VALUES (7, 'li.na', 'https://dav.example/b/', 't1', :no, 1, 'li.na https://dav.example/b/', :no)"
            ),
            {"no": False},
        )
        connection.execute(
            sa.text(
                "INSERT INTO shelf_cards (id, book_id, href, etag, uid, data, gone, former, created, codes, "
                "written_addresses, names, drift) VALUES (9, 7, '/b/1.vcf', 'e', 'u', :data, :no, :former, :no, "
                "'D12', '', '', 0)"
            ),
            {"no": False, "data": b"BEGIN:VCARD", "former": '{"lines": [], "drop_categories": ["D12"]}'},
        )
    upgrade(empty_database)
    with empty_database.connect() as connection:
        cards = connection.execute(sa.text("SELECT book_id, href, codes FROM shelf_cards")).all()
        books = connection.execute(sa.text("SELECT id, sync_token, accepted FROM shelf_books")).all()
    assert [tuple(row) for row in cards] == [(7, "/b/1.vcf", "D12")]
    assert [tuple(row) for row in books] == [(7, "t1", 1)]
    with pytest.raises(IntegrityError), empty_database.begin() as connection:  # and keys hold again
        connection.execute(sa.text("UPDATE shelf_cards SET book_id = 8"))


def test_an_upgrade_to_mail_servers_keeps_what_is_known_of_mail(empty_database: sa.Engine) -> None:
    with empty_database.begin() as connection:
        command.upgrade(alembic_config(connection), "0003")
        connection.execute(
            sa.text(
                "INSERT INTO mailboxes (id, account, name, role, uidvalidity, uidnext) "
                "VALUES (3, 'li.na', 'INBOX', 'inbox', 7, 9)"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO messages (mailbox_id, uid, fingerprint, size, internal_date, flags, envelope, first_seen) "
                "VALUES (3, 8, 'f', 99, :then, '', '[]', :then)"
            ),
            {"then": "2026-02-03 04:05:06"},
        )
    upgrade(empty_database)
    with empty_database.connect() as connection:
        rows = connection.execute(sa.text("SELECT mailbox_id, uid, fingerprint FROM messages")).all()
        servers = connection.execute(sa.text("SELECT account FROM mail_servers")).all()
    assert [tuple(row) for row in rows] == [(3, 8, "f")] and servers == []


def test_an_upgrade_that_would_leave_rows_dangling_is_not_made(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'mailsync.db'}")
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0002")
    with sqlite3.connect(tmp_path / "mailsync.db") as plain:  # which holds no keys
        plain.execute("INSERT INTO addresses (contact_id, address, position) VALUES (77, 'a@b.example', 0)")
    plain.close()
    with pytest.raises(StorageError, match="leave 1 row"):
        upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "0002"
    engine.dispose()


def test_an_upgrade_that_fails_leaves_nothing_behind(empty_database: sa.Engine) -> None:
    last = sorted(metadata().tables)[-1]
    with empty_database.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE {last} (stranger INTEGER)"))
    with pytest.raises(StorageError, match="already exists"):
        upgrade(empty_database)
    assert sa.inspect(empty_database).get_table_names() == [last]


def test_a_database_of_a_newer_mailsync_is_left_alone(empty_database: sa.Engine) -> None:
    upgrade(empty_database)
    with empty_database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer mailsync"):
        upgrade(empty_database)


def test_foreign_keys_hold(database: sa.Engine) -> None:
    with pytest.raises(IntegrityError), database.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO addresses (contact_id, address, position) VALUES (77, 'a@b.example', 0)")
        )


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'var' / 'deep' / 'mailsync.db'}")
    upgrade(engine)
    engine.dispose()
    assert (tmp_path / "var" / "deep" / "mailsync.db").is_file()


@pytest.mark.parametrize("content", [b"This is no database. " * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_what_is_no_database_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mailsync.db"
    file.write_bytes(content)
    engine = connect(f"sqlite:///{file}")
    with pytest.raises(StorageError, match=r"mailsync\.db cannot be used"):
        upgrade(engine)
    engine.dispose()
    assert file.read_bytes() == content


def test_a_database_that_is_away_is_named() -> None:
    engine = connect("postgresql://somebody:s3cret@127.0.0.1:1/mailsync?connect_timeout=2")
    with pytest.raises(StorageError, match="cannot be used") as caught:
        upgrade(engine)
    assert "s3cret" not in str(caught.value)
