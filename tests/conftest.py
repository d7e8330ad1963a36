"""Throw-away servers for a whole test session, and a fresh user of them for each test."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

from mailsync.database import connect
from mailsync.demo.seeding import SeedMessage, seed_book, seed_mail
from mailsync.demo.servers import Dovecot, Radicale, Xandikos
from mailsync.demo.throwaway import throwaway_folder
from mailsync.migrations import upgrade
from tests.servers.cyrus import Cyrus, unpacked
from tests.servers.postgres import Postgres, programs

# How long an example takes says nothing on a busy machine; a failing one prints how to repeat it.
settings.register_profile("mailsync", deadline=None, print_blob=True)
settings.load_profile("mailsync")

PASSWORD = "pass-word"
#: Logins that exist from the start: servers need not be told of a new user while they run.
USERS = {f"u{number}": PASSWORD for number in range(2000)}

_mail_users = itertools.count()
_book_users = itertools.count()


@dataclass(frozen=True, kw_only=True)
class MailUser:
    """A mail login that no other test uses."""

    server: Dovecot
    name: str
    password: str = PASSWORD

    @property
    def url(self) -> str:
        return self.server.url()

    def seed(self, messages: Iterable[SeedMessage]) -> int:
        """Lay messages into this user's mailboxes."""
        return seed_mail(self.server, self.name, messages)


@dataclass(frozen=True, kw_only=True)
class BookUser:
    """An address-book login that no other test uses."""

    server: Radicale
    name: str
    password: str = PASSWORD

    @property
    def principal_url(self) -> str:
        return self.server.url(self.name)

    def seed(self, cards: dict[str, bytes], book: str = "contacts") -> str:
        """Lay cards (file name → bytes) into a book of this user; answers the book's URL."""
        return seed_book(self.server, self.name, book, cards)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """Dovecot, `/` as separator, no prefix, Maildir++."""
    with throwaway_folder() as folder, Dovecot(folder, USERS) as server:
        yield server


@pytest.fixture(scope="session")
def dotted_dovecot() -> Iterator[Dovecot]:
    """Dovecot that looks as Courier and Cyrus do: `.` as separator, all below `INBOX.`."""
    with throwaway_folder() as folder, Dovecot(folder, USERS, separator=".", prefix="INBOX.") as server:
        yield server


@pytest.fixture(scope="session")
def mdbox_dovecot() -> Iterator[Dovecot]:
    """Dovecot that keeps many messages in one file, and takes a `.` in a name."""
    with throwaway_folder() as folder, Dovecot(folder, USERS, format="mdbox", tls=False) as server:
        yield server


@pytest.fixture(scope="session")
def dotted_mdbox_dovecot() -> Iterator[Dovecot]:
    """That one, with `.` as separator, all below `INBOX.`."""
    with (
        throwaway_folder() as folder,
        Dovecot(folder, USERS, format="mdbox", separator=".", prefix="INBOX.", tls=False) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def radicale() -> Iterator[Radicale]:
    with throwaway_folder() as folder, Radicale(folder, USERS) as server:
        yield server


@pytest.fixture(scope="session")
def xandikos() -> Iterator[Xandikos]:
    with throwaway_folder() as folder, Xandikos(folder) as server:
        yield server


@pytest.fixture(scope="session")
def cyrus() -> Iterator[Cyrus]:
    """Cyrus, `/` as separator, no prefix; skips where it was not unpacked (`make test` does)."""
    with _cyrus(dotted=False) as server:
        yield server


@pytest.fixture(scope="session")
def dotted_cyrus() -> Iterator[Cyrus]:
    """Cyrus with `.` as separator, all below `INBOX.`; skips where it was not unpacked."""
    with _cyrus(dotted=True) as server:
        yield server


@contextmanager
def _cyrus(*, dotted: bool) -> Iterator[Cyrus]:
    root = unpacked()
    if root is None:
        pytest.skip("Cyrus is not unpacked")
    with throwaway_folder() as folder, Cyrus(folder, root, dotted=dotted) as server:
        yield server


@pytest.fixture
def mail_user(dovecot: Dovecot) -> MailUser:
    """A fresh user of the ordinary Dovecot; all its mailboxes are empty."""
    return MailUser(server=dovecot, name=f"u{next(_mail_users)}")


@pytest.fixture
def mail_users(dovecot: Dovecot) -> Iterator[MailUser]:
    """As many fresh users of the ordinary Dovecot as a test asks for."""
    return (MailUser(server=dovecot, name=f"u{number}") for number in _mail_users)


@pytest.fixture
def dotted_mail_user(dotted_dovecot: Dovecot) -> MailUser:
    """A fresh user of the Dovecot with `.` and `INBOX.`."""
    return MailUser(server=dotted_dovecot, name=f"u{next(_mail_users)}")


@pytest.fixture
def book_user(radicale: Radicale) -> BookUser:
    """A fresh user of Radicale, without any book yet."""
    return BookUser(server=radicale, name=f"u{next(_book_users)}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL; skips where none is installed (`make test` installs it)."""
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    with throwaway_folder() as folder, Postgres(folder, binaries) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database without any table; each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'mailsync.db'}"
    else:
        url = request.getfixturevalue("postgres").new_database()
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def upgraded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    file = tmp_path_factory.mktemp("upgraded") / "mailsync.db"
    engine = connect(f"sqlite:///{file}")
    upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def upgraded_postgres(postgres: Postgres) -> Iterator[sa.Engine]:
    """A PostgreSQL database with all tables, emptied after each test that used it."""
    engine = connect(postgres.new_database())
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database with all tables and no rows; each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("upgraded_file"), tmp_path / "mailsync.db")
        engine = connect(f"sqlite:///{file}")
        yield engine
        engine.dispose()
        return
    engine = request.getfixturevalue("upgraded_postgres")
    yield engine
    tables = ", ".join(set(sa.inspect(engine).get_table_names()) - {"alembic_version"})
    with engine.begin() as connection:
        connection.execute(sa.text(f"TRUNCATE {tables} RESTART IDENTITY"))
