"""The scheduled source: read when it changed, left alone while it is written, and never written to (FORMATS 1 and 2)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mailsync.cli.main import run
from mailsync.database import connect
from mailsync.errors import RegistryError, RunRefused, UsageError
from mailsync.registry.editing import edit_customer, retire_customer
from mailsync.registry.model import HistoryEntry
from mailsync.registry.persons import edit_contact
from mailsync.registry.queries import Query, SqlSource
from mailsync.registry.roster import Customer
from mailsync.registry.roster_load import load_roster
from mailsync.registry.source import SourceBusy, fetch
from mailsync.tidy.source import RosterSource
from tests.servers.registry_files import at_rest, write_registry

CUSTOMERS = [{"code": f"D{number}", "company": f"Company {number}"} for number in range(1, 4)]
PEOPLE = [{"id": "1", "name": "Jane", "codes": "D1", "email": "jane@x.example"}]
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


def never(_seconds: float) -> None:
    raise AssertionError("nobody may wait for a file that is at rest")


def customers(database: sa.Engine) -> dict[str, Customer]:
    with database.connect() as connection:
        return {one.code: one for one in load_roster(connection).customers}


def changes(database: sa.Engine) -> int:
    with database.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(HistoryEntry)) or 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return at_rest(write_registry(tmp_path / "registry", customers=CUSTOMERS, people=PEOPLE))


# files


def test_an_unchanged_source_is_read_once_by_all_processes(database: sa.Engine, folder: Path) -> None:
    RosterSource(database, str(folder)).roster()
    before = changes(database)
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE customers SET company = 'Edited' WHERE company = 'Company 1'"))
    for _ in range(2):
        RosterSource(database, str(folder)).roster()
    assert changes(database) == before
    assert customers(database)["D1"].company == "Edited"  # the source's row wins only when the source changes


def test_what_is_wrong_with_a_source_is_told_until_it_changes_and_retirements_once(
    database: sa.Engine, folder: Path
) -> None:
    bad = [*CUSTOMERS[:2], {"code": "I3", "company": "Bad"}]
    RosterSource(database, str(folder)).roster()
    at_rest(write_registry(folder, customers=bad, people=PEOPLE))
    for _ in range(3):
        findings = RosterSource(database, str(folder)).roster().findings
        assert [one.kind for one in findings] == ["registry-row", "registry-row"]
    at_rest(write_registry(folder, customers=CUSTOMERS[:2], people=PEOPLE))
    told = [[one.kind for one in RosterSource(database, str(folder)).roster().findings] for _ in range(3)]
    assert told == [["registry-retired"], [], []]


def test_a_source_held_by_the_brake_is_asked_again_each_run(database: sa.Engine, tmp_path: Path) -> None:
    many = [{"code": f"D{number}", "company": f"C{number}"} for number in range(1, 21)]
    folder = at_rest(write_registry(tmp_path / "registry", customers=many, people=PEOPLE))
    source = RosterSource(database, str(folder))
    source.roster()
    at_rest(write_registry(folder, customers=many[:10], people=PEOPLE))
    for _ in range(2):
        with pytest.raises(RunRefused, match="import --source --force"):
            source.roster()
    assert not any(one.retired for one in customers(database).values())
    assert source.read(dry_run=True, strict=False, force=True).retired == 10
    assert source.read(dry_run=False, strict=False, force=True).retired == 10
    assert [one.code for one in customers(database).values() if not one.retired] == [
        f"D{n}" for n in range(1, 11)
    ]
    assert source.roster().findings == ()


def test_no_source_cannot_be_imported(database: sa.Engine) -> None:
    with pytest.raises(UsageError, match=r"No \[registry\] source is configured"):
        RosterSource(database, None).read(dry_run=False, strict=False, force=False)


def test_a_file_at_rest_is_read_at_once(folder: Path) -> None:
    delivery = fetch(str(folder), None, sleep=never)
    assert delivery is not None and set(delivery.tables) == {"customers", "people"}
    assert fetch(str(folder), delivery.signature, sleep=never) is None


def growing(file: Path) -> Callable[[float], None]:
    """Somebody goes on writing while we wait."""

    def wait(_seconds: float) -> None:
        with file.open("a") as stream:
            stream.write("D4,Company 4\n")

    return wait


def test_a_file_just_written_is_watched_and_read_when_it_stays(folder: Path) -> None:
    file = folder / "customers.csv"
    os.utime(file, (1_700_000_000, 1_700_000_000))
    waited: list[float] = []
    delivery = fetch(str(folder), None, sleep=waited.append, clock=lambda: 1_700_000_000.4)
    assert delivery is not None and waited == [1.0]


def test_a_file_that_is_being_written_waits_for_the_next_run(database: sa.Engine, folder: Path) -> None:
    file = folder / "customers.csv"
    with pytest.raises(SourceBusy, match="being written just now: it is read at the next run"):
        fetch(str(folder), None, sleep=growing(file), clock=lambda: 1_700_000_000.4)
    at_rest(folder)
    delivery = fetch(str(folder), None, sleep=never)
    assert delivery is not None and len(delivery.tables["customers"].rows) == 4


def test_a_file_that_is_cut_off_while_we_wait_is_busy_and_not_broken(folder: Path) -> None:
    def writes_half_a_row(_seconds: float) -> None:
        with (folder / "customers.csv").open("a") as stream:
            stream.write('D4,"Company')

    with pytest.raises(SourceBusy):
        fetch(str(folder), None, sleep=writes_half_a_row, clock=lambda: 1_700_000_000.4)


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_run(folder: Path) -> None:
    def somebody_saves() -> float:
        growing(folder / "customers.csv")(0)
        return 1_800_000_000.0

    with pytest.raises(SourceBusy):
        fetch(str(folder), None, sleep=never, clock=somebody_saves)


def test_a_file_of_the_future_is_no_file_just_written(folder: Path) -> None:
    assert (
        fetch(str(folder), None, sleep=never, clock=lambda: 1_600_000_000.0) is not None
    )  # clocks of shares differ


@pytest.mark.parametrize("name", ["~$customers.csv", ".~lock.customers.csv#", "notes.txt", "Thumbs.db"])
def test_what_an_open_spreadsheet_lays_beside_it_does_not_count(folder: Path, name: str) -> None:
    before = fetch(str(folder), None, sleep=never)
    assert before is not None
    (folder / name).write_text("x")
    assert fetch(str(folder), before.signature, sleep=never) is None


def test_a_share_that_is_gone_retires_nobody(database: sa.Engine, folder: Path) -> None:
    source = RosterSource(database, str(folder))
    source.roster()
    for file in folder.iterdir():
        file.unlink()
    (error,) = source.roster().errors
    assert "holds no registry rows" in str(error)
    folder.rmdir()
    (error,) = source.roster().errors
    assert "There is no registry at" in str(error)
    assert not any(one.retired for one in customers(database).values())


# an ERP


def erp(url: str) -> sa.Engine:
    """Another program's database, with its own ideas of names."""
    engine = connect(url)
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE cust (CUST_NO varchar(9), Name varchar(60), Land varchar(30), active integer, since date)",
            "CREATE TABLE person (nr integer, cust varchar(40), full_name varchar(60), mail varchar(60))",
            "INSERT INTO cust VALUES ('D1', 'Gibson', 'Australia', 1, '2024-01-05')",
            "INSERT INTO cust VALUES ('D2', '顺达', NULL, 1, NULL)",
            "INSERT INTO person VALUES (1, 'D1', 'Jane Roe', 'jane@gibson.example')",
        ):
            connection.execute(sa.text(statement))
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'erp.db'}"
    else:
        url = request.getfixturevalue("postgres").new_database()
    engine = erp(url)
    parsed = sa.make_url(url)
    password = parsed.password
    yield (
        SqlSource(
            url=parsed.set(password=None).render_as_string(hide_password=False),
            password=(lambda: password) if password else None,
            timeout=5,
            queries={
                "customers": Query(
                    statement="SELECT CUST_NO, Name, Land, since, active FROM cust ORDER BY CUST_NO",
                    columns={
                        "code": "cust_no",
                        "公司全称": "NAME",
                        "country": "land",
                        "first_contact": "since",
                    },
                ),
                "people": Query(
                    statement="SELECT nr AS id, cust AS codes, full_name AS name, mail AS email FROM person"
                ),
            },
        ),
        engine,
    )
    engine.dispose()


def say(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_an_erp_is_read_by_its_own_names(database: sa.Engine, source: tuple[SqlSource, sa.Engine]) -> None:
    registered = RosterSource(database, source[0]).roster()
    gibson, shunda = registered.roster.customers
    assert (gibson.code, gibson.company, gibson.country, str(gibson.first_contact)) == (
        "D1",
        "Gibson",
        "AU",
        "2024-01-05",
    )
    assert (shunda.company, shunda.country) == ("顺达", None)
    assert registered.roster.contacts_at("jane@gibson.example")[0].customers == ("D1",)
    assert registered.findings == () and registered.errors == ()


def test_an_unchanged_erp_is_imported_once_and_a_null_blanks_nothing(
    database: sa.Engine, source: tuple[SqlSource, sa.Engine]
) -> None:
    RosterSource(database, source[0]).roster()
    say(database, "UPDATE customers SET country = 'CN', grade = 'A' WHERE company = '顺达'")
    before = changes(database)
    RosterSource(database, source[0]).roster()
    assert changes(database) == before
    say(source[1], "UPDATE cust SET Name = 'Gibson Trading' WHERE CUST_NO = 'D1'")
    RosterSource(database, source[0]).roster()
    held = customers(database)
    assert held["D1"].company == "Gibson Trading"
    assert (held["D2"].country, held["D2"].grade) == ("CN", "A")


def test_what_the_erp_deletes_is_retired_and_its_code_stays(
    database: sa.Engine, source: tuple[SqlSource, sa.Engine]
) -> None:
    RosterSource(database, source[0]).roster()
    say(source[1], "DELETE FROM cust WHERE CUST_NO = 'D2'")
    (finding,) = RosterSource(database, source[0]).roster().findings
    assert finding.kind == "registry-retired" and "D2 顺达" in str(finding.sentence)
    assert customers(database)["D2"].retired


def queried(source: SqlSource, **more: Any) -> SqlSource:
    fields = {"url": source.url, "password": source.password, "timeout": 5, "queries": source.queries}
    return SqlSource(**{**fields, **more})


@pytest.mark.parametrize(
    "query, words",
    [
        (Query(statement="SELECT nothing FROM cust"), "cannot be read: "),
        (Query(statement="SELECT Name FROM cust"), "no column “code”"),
        (
            Query(statement="SELECT Name FROM cust", columns={"code": "no"}),
            "no column “no” for “code”; the query answers: (?i:name)",
        ),
        (
            Query(statement="SELECT Name FROM cust", columns={"colour": "name"}),
            "columns for “colour”; there are: code, company",
        ),
        (Query(statement="SELECT CUST_NO AS code FROM cust WHERE active = 9"), "answered no rows"),
    ],
)
def test_a_query_that_does_not_work_changes_nothing_and_is_said(
    database: sa.Engine, source: tuple[SqlSource, sa.Engine], query: Query, words: str
) -> None:
    RosterSource(database, source[0]).roster()
    before = customers(database)
    (error,) = RosterSource(database, queried(source[0], queries={"customers": query})).roster().errors
    assert isinstance(error, RegistryError)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(str(error))
    assert customers(database) == before


def test_the_erp_cannot_be_written_even_by_a_query(
    database: sa.Engine, source: tuple[SqlSource, sa.Engine]
) -> None:
    RosterSource(database, source[0]).roster()
    writing = (
        "WITH gone AS (DELETE FROM cust RETURNING *) SELECT CUST_NO AS code, Name AS company FROM gone"
        if source[1].dialect.name == "postgresql"
        else "DELETE FROM cust RETURNING CUST_NO AS code"
    )
    wrong = queried(source[0], queries={"customers": Query(statement=writing)})
    (error,) = RosterSource(database, wrong).roster().errors
    assert "cannot be read" in str(error) and "read" in str(error).lower()
    with source[1].connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM cust")) == 2


@pytest.mark.parametrize(
    "url, words",
    [
        ("postgresql://reader@127.0.0.1:1/erp?connect_timeout=2", "cannot be read: "),
        ("sqlite:////nowhere/erp.db", "there is no such file"),
        ("oracle+nodriver://h/erp", "is no database"),
        ("mysql+pymysql://h/erp", "needs the Python package"),
        ("nonsense", "is no database"),
    ],
)
def test_a_database_that_cannot_be_asked_is_named_without_its_password(
    database: sa.Engine, folder: Path, url: str, words: str
) -> None:
    RosterSource(database, str(folder)).roster()
    asked = SqlSource(
        url=url, password=lambda: "s3cret", timeout=5, queries={"people": Query(statement="SELECT 1")}
    )
    (error,) = RosterSource(database, asked).roster().errors
    assert words in str(error) and "s3cret" not in str(error)
    assert set(customers(database)) == {"D1", "D2", "D3"}


def test_an_sql_source_is_imported_by_hand_and_its_hash_lifts_the_brake_for_these_rows_only(
    source: tuple[SqlSource, sa.Engine],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = sa.make_url(source[0].url)
    monkeypatch.setenv("ERP", source[0].password() if source[0].password else "")
    config = tmp_path / "mailsync.toml"
    config.write_text(
        f'database = "sqlite:///{tmp_path / "own.db"}"\nlanguage = "en"\n[registry]\nsource = "sql:{url}"\n'
        + ('password_env = "ERP"\n' if source[0].password else "")
        + '[registry.sql.customers]\nquery = "SELECT CUST_NO AS code, Name AS company FROM cust"\n'
        '[registry.sql.people]\nquery = "SELECT nr AS id, cust AS codes, full_name AS name, mail AS email FROM person"\n'
    )

    def typed(*words: str) -> tuple[int, str]:
        code = run(["--config", str(config), "registry", "import", *words])
        return code, "".join(capfd.readouterr())

    code, said = typed("--source", "--dry-run")
    assert code == 0 and "3 added" in said and "hash" in said
    shown = said.split()[-1]
    code, said = typed("--source", f"--force={shown}")
    assert (code, "3 added" in said) == (0, True)
    say(source[1], "UPDATE cust SET Name = 'Other' WHERE CUST_NO = 'D1'")
    code, said = typed("--source", f"--force={shown}")
    assert code == 2 and "not for these files" in said
    assert typed("--source")[0] == 0
    assert typed()[0] == 2 and typed("--source", "x.csv")[0] == 2


def test_what_people_edited_stands_until_the_source_changes_that_row(
    database: sa.Engine, folder: Path
) -> None:
    source = RosterSource(database, str(folder))
    source.roster()
    today = NOW.date()
    edit_customer(database, "D1", {"stage": "sample", "company": "Edited"}, by="x", today=today)
    edit_customer(database, "D2", {"company": "Edited too"}, by="x", today=today)
    retire_customer(database, "D3", by="x")
    edit_contact(database, "1", {"title": "Buyer"}, add_codes=["D2"], by="x")
    changed = [CUSTOMERS[0], CUSTOMERS[1] | {"company": "From the source"}, CUSTOMERS[2]]
    at_rest(write_registry(folder, customers=changed[::-1], people=PEOPLE))
    source.roster()
    held = customers(database)
    assert (held["D1"].company, held["D1"].stage) == ("Edited", "sample")
    assert held["D2"].company == "From the source" and held["D3"].retired
    with database.connect() as connection:
        (jane,) = load_roster(connection).contacts
    assert (jane.title, jane.customers) == ("Buyer", ("D1", "D2"))
    source.read(dry_run=False, strict=False, force=True)
    assert customers(database)["D1"].company == "Company 1" and not customers(database)["D3"].retired


def test_a_row_with_a_problem_is_read_again_when_what_it_lacked_is_there(
    database: sa.Engine, folder: Path
) -> None:
    people = [*PEOPLE, {"id": "2", "name": "Joe", "codes": "D9", "email": "joe@x.example"}]
    at_rest(write_registry(folder, customers=CUSTOMERS, people=people))
    source = RosterSource(database, str(folder))
    assert [one.kind for one in source.roster().findings] == ["registry-row"]
    at_rest(write_registry(folder, customers=[*CUSTOMERS, {"code": "D9", "company": "Late"}], people=people))
    registered = source.roster()
    assert registered.findings == ()
    assert registered.roster.contacts_at("joe@x.example")[0].customers == ("D9",)
