"""Registry files in and out, on SQLite and PostgreSQL (FORMATS 1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from mailsync.database import Base, connect
from mailsync.errors import RegistryError, RunRefused
from mailsync.registry.exchange import export_registry, import_registry
from mailsync.registry.model import Code, Engagement, Party, Show
from mailsync.registry.model import Contact as Person
from mailsync.registry.model import Customer as CustomerRow
from mailsync.registry.outcome import ImportReport
from mailsync.registry.roster import Contact, Customer, Roster
from mailsync.registry.roster_load import load_roster
from mailsync.text import N_
from tests.servers.registry_files import Rows, write_registry

_ANY_NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
CUSTOMER_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["D1", "D01", "d 2", "D3", "012", "12", "I1", "", "E05"]),
            "company": _ANY_NAME,
            "short_name": _ANY_NAME,
            "country": st.sampled_from(["AU", "Australia", "澳大利亚", "NB", ""]),
            "full_code": st.sampled_from(["", "D1 AUGI", "D2 AUGI", "AUGI"]),
            "merged_into": st.sampled_from(["", "", "D1", "D2", "D3", "E05"]),
            "grade": st.sampled_from(["", "a", "F"]),
        }
    ),
    min_size=1,
    max_size=6,
)
PEOPLE_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["", "", "1", "2", "a@x.example"]),
            "codes": st.sampled_from(["", "D1", "D1 D2", "012;E05", "D3 AUGI", "X9"]),
            "role": st.sampled_from(["", "contact", "货代", "inspector", "driver"]),
            "name": _ANY_NAME,
            "company": _ANY_NAME,
            "email": st.sampled_from(["", "a@x.example", "b@x.example", "A@X.example;c@x.example", "bad"]),
            "email2": st.sampled_from(["", "b@x.example", "d@x.example e@x.example", "bad"]),
        }
    ),
    min_size=1,
    max_size=6,
)
NOW = datetime(2024, 6, 1, 8, 0, tzinfo=UTC)

SHOWS = [
    {"letter": "D", "name": "Canton Fair", "date": "2024-04-15", "city": "Guangzhou", "coded": "yes"},
    {"letter": "A", "name": "Ambiente", "date": "26.1.2024", "city": "Frankfurt", "coded": ""},
    {"letter": "", "name": "Local fair", "date": "", "city": "", "coded": "no"},
]
CUSTOMERS = [
    {
        "code": "D12", "company": "Gibson Importing Pty Ltd", "short_name": "Gibson Importing", "country": "Australia",
        "abbreviation": "", "full_code": "d12 augi", "channel": "show", "show": "D", "first_contact": "2024/4/16",
        "stage": "order", "grade": "b", "owner": "Li.Na@our.example", "merged_into": "",
    },
    {"code": "d 6", "company": "Rossi S.p.A.", "country": "意大利", "channel": "show", "stage": "sample"},
    {"code": "12", "company": "顺达进口", "country": "CN", "channel": "LinkedIn", "show": "Local fair"},
    {"code": "F03", "company": "Gibson Imports", "country": "AU", "merged_into": "D12"},
    {"code": "A01", "company": "Kurz GmbH"},
]  # fmt: skip
PEOPLE = [
    {"id": "1", "codes": "D12", "role": "contact", "name": "Jane Roe", "company": "GIBSON IMPORTING PTY. LTD.",
     "region": "", "email": "Jane@Gibson.example", "email2": "jr@gibson.example;jane@home.example", "phone": "+61 5",
     "title": "Buyer"},
    {"id": "2", "codes": "D12, D06 F03; A1", "role": "货代", "name": "王伟", "company": "顺达货代", "region": "SH",
     "email": "wang@sd.example"},
    {"id": "3", "codes": "012", "role": "检测", "name": "Lea Kurz", "company": "TUV Testing", "region": "Germany",
     "email": "lea@tuv.example"},
    {"codes": "", "name": "Lead", "company": "Nobody Inc", "email": "lead@x.example"},
    {"id": "5", "codes": "F03", "name": "Bob", "email": "bob@gibson.example"},
]  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write_registry(tmp_path / "registry", shows=SHOWS, customers=CUSTOMERS, people=PEOPLE)


def roster_of(database: sa.Engine) -> Roster:
    with database.connect() as connection:
        return load_roster(connection)


def problems_of(report: ImportReport) -> list[tuple[str, int, str, bool]]:
    return [(one.file, one.row, one.column, one.refused) for one in report.problems]


def bring(
    database: sa.Engine,
    folder: Path,
    *,
    shows: Rows = (),
    customers: Rows = (),
    people: Rows = (),
    force: bool = False,
    source: bool = False,
    day: int = 0,
) -> ImportReport:
    write_registry(folder, shows=shows, customers=customers, people=people)
    return import_registry(database, folder, force=force, source=source, now=NOW + timedelta(days=day))


def test_a_registry_is_imported_and_read_back(database: sa.Engine, files: Path) -> None:
    report = import_registry(database, files, now=NOW)
    assert (report.problems, report.notes, report.written) == ((), (), True)
    assert [(count.kind, count.added) for count in report.counts] == [
        ("shows", 3),
        ("customers", 5),
        ("people", 5),
    ]
    roster = roster_of(database)
    assert roster.customers == (
        Customer(code="A01", company="Kurz GmbH", abbreviation="KU", show="A"),
        Customer(code="D6", company="Rossi S.p.A.", country="IT", abbreviation="RO", channel="show", show="D",
                 stage="sample"),
        Customer(code="D12", superseded=("F03",), company="Gibson Importing Pty Ltd", short_name="Gibson Importing",
                 country="AU", abbreviation="GI", full_code="D12 AUGI", channel="show", show="D", stage="order",
                 first_contact=date(2024, 4, 16), grade="B", owner="li.na@our.example"),
        Customer(code="012", company="顺达进口", country="CN", channel="LinkedIn", show="Local fair"),
    )  # fmt: skip
    assert roster.contacts == (
        Contact(id="1", role="contact", name="Jane Roe", company="Gibson Importing", customers=("D12",),
                addresses=("jane@gibson.example", "jr@gibson.example", "jane@home.example"), phone="+61 5", title="Buyer"),
        Contact(id="2", role="forwarder", name="王伟", company="顺达货代", region="SH", addresses=("wang@sd.example",),
                customers=("A01", "D6", "D12")),
        Contact(id="3", role="inspector", name="Lea Kurz", company="TUV Testing", region="DE",
                addresses=("lea@tuv.example",), customers=("012",)),
        Contact(id="lead@x.example", role="contact", name="Lead", company="Nobody Inc", addresses=("lead@x.example",)),
        Contact(id="5", role="contact", name="Bob", company="Gibson Importing", addresses=("bob@gibson.example",),
                customers=("D12",)),
    )  # fmt: skip
    assert roster.show_letters == {"A", "D"}


def test_a_session_serves_as_well_as_a_connection(database: sa.Engine, files: Path) -> None:
    import_registry(database, files, now=NOW)
    expected = roster_of(database)
    with Session(database) as session:
        assert load_roster(session) == expected


def test_an_import_run_twice_changes_nothing(database: sa.Engine, files: Path) -> None:
    import_registry(database, files, now=NOW)
    before = roster_of(database)
    again = import_registry(database, files, now=NOW + timedelta(days=1))
    assert again.changes == 0
    assert again.unchanged == 13
    assert roster_of(database) == before


@pytest.mark.parametrize("name", ["exported", "exported.xlsx"])
def test_what_is_exported_comes_back_the_same(
    database: sa.Engine, files: Path, tmp_path: Path, name: str
) -> None:
    import_registry(database, files, now=NOW)
    before = roster_of(database)
    report = export_registry(database, tmp_path / name)
    assert report.rows == {"shows": 3, "customers": 5, "people": 5}
    assert import_registry(database, tmp_path / name).changes == 0
    with database.begin() as connection:
        for table in ("engagements", "addresses", "contacts", "parties", "codes", "customers", "shows"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
    report_in = import_registry(database, tmp_path / name, now=NOW + timedelta(days=9))
    assert (report_in.problems, report_in.notes) == ((), ())
    assert roster_of(database) == before
    with database.connect() as connection:
        assert set(connection.execute(sa.select(Code.allocated)).scalars()) == {NOW}


def test_formulas_are_exported_as_texts_and_come_back(database: sa.Engine, tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@x", "'=quoted", "'tis fine", "plain"]
    people = [{"id": str(number), "name": name} for number, name in enumerate(names)]
    # Written by hand, `'=` is what a guarded file would hold: write the guard as export does.
    people[4]["name"] = "''=quoted"
    bring(database, tmp_path / "in", people=people)
    assert [contact.name for contact in roster_of(database).contacts] == names
    export_registry(database, tmp_path / "out")
    lines = (tmp_path / "out" / "people.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[3] for line in lines[1:]] == [
        "'=1+1", "'+1", "'-1", "'@x", "''=quoted", "'tis fine", "plain",
    ]  # fmt: skip
    assert import_registry(database, tmp_path / "out").changes == 0


def test_an_empty_registry_is_not_exported(database: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="registry is empty"):
        export_registry(database, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_that_cannot_be_written_says_where(
    database: sa.Engine, files: Path, tmp_path: Path
) -> None:
    import_registry(database, files)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RegistryError, match=r"file.*cannot be written"):
        export_registry(database, tmp_path / "file" / "out")


def test_every_bad_row_is_reported_by_row_and_column_and_the_good_ones_are_imported(
    database: sa.Engine, tmp_path: Path
) -> None:
    report = bring(
        database,
        tmp_path / "in",
        shows=[{"letter": "I", "name": "Bad"}, {"letter": "D", "date": "soon"}, {"letter": "d"}, {"letter": "", "name": "X", "coded": "yes"}],
        customers=[
            {"code": "D12", "company": "Good", "country": "Atlantis", "stage": "won", "grade": "Z", "owner": "li na"},
            {"code": "I12", "company": "Letter I"},
            {"code": "O7", "company": "Letter O"},
            {"code": "D0", "company": "Zero"},
            {"code": "12D", "company": "Turned round"},
            {"code": "", "company": "No code"},
            {"code": "d012", "company": "Twice"},
            {"code": "D13", "company": "Other", "full_code": "D14 AUGI", "abbreviation": "TOOLONG", "show": "Nowhere"},
            {"code": "D14", "company": "", "first_contact": "5/1/2024", "merged_into": "Z99"},
            {"code": "D15", "company": "Ring", "merged_into": "D16"},
            {"code": "D16", "company": "Ring", "merged_into": "D15"},
            {"code": "D17", "company": "Itself", "merged_into": "D17"},
            {"code": "D18", "company": "Into ring", "merged_into": "D16"},
        ],
        people=[
            {"id": "1", "codes": "D12 X99 I7", "role": "driver", "email": "good@x.example", "email2": "bad"},
            {"id": "", "codes": "D12", "email": "nobody"},
            {"id": "", "codes": "D12", "email": ""},
        ],
    )  # fmt: skip
    assert problems_of(report) == [
        ("shows.csv", 2, "letter", True),
        ("shows.csv", 3, "date", False),
        ("shows.csv", 4, "letter", True),
        ("shows.csv", 5, "coded", False),
        ("customers.csv", 2, "country", False),
        ("customers.csv", 2, "stage", False),
        ("customers.csv", 2, "grade", False),
        ("customers.csv", 2, "owner", False),
        ("customers.csv", 3, "code", True),
        ("customers.csv", 4, "code", True),
        ("customers.csv", 5, "code", True),
        ("customers.csv", 6, "code", True),
        ("customers.csv", 7, "code", True),
        ("customers.csv", 8, "code", True),
        ("customers.csv", 9, "abbreviation", False),
        ("customers.csv", 9, "show", False),
        ("customers.csv", 9, "full_code", False),
        ("customers.csv", 10, "first_contact", False),
        ("customers.csv", 10, "company", False),
        ("customers.csv", 10, "merged_into", False),
        ("customers.csv", 11, "merged_into", False),
        ("customers.csv", 12, "merged_into", False),
        ("customers.csv", 13, "merged_into", False),
        ("people.csv", 2, "codes", False),
        ("people.csv", 2, "role", False),
        ("people.csv", 2, "email2", False),
        ("people.csv", 2, "codes", False),
        ("people.csv", 3, "email", False),
        ("people.csv", 3, "email", True),
        ("people.csv", 4, "email", True),
    ]
    assert [count.refused for count in report.counts] == [2, 6, 2]
    roster = roster_of(database)
    assert [(one.code, one.superseded) for one in roster.customers] == [
        ("D12", ()), ("D13", ()), ("D14", ()), ("D15", ()), ("D16", ("D18",)), ("D17", ()),
    ]  # fmt: skip
    assert [(one.addresses, one.customers) for one in roster.contacts] == [(("good@x.example",), ("D12",))]
    rendered = report.problems[8].render(N_)
    assert rendered.startswith(
        "customers.csv, row 3, column “code”: “I12” is no code: no show has the letter I"
    )


def test_customers_without_a_code_are_told_what_to_use(database: sa.Engine, tmp_path: Path) -> None:
    report = bring(
        database, tmp_path / "in", customers=[{"code": "", "company": "New"}, {"code": "D1", "company": "X"}]
    )
    assert "customers add" in str(report.problems[0].reason)


def test_a_show_that_gives_no_codes_lends_its_letter_to_none(database: sa.Engine, tmp_path: Path) -> None:
    bring(database, tmp_path / "in", shows=[{"letter": "E", "coded": "no"}, {"letter": "F", "coded": ""}])
    assert roster_of(database).show_letters == {"F"}


def test_strict_imports_nothing_when_anything_is_wrong(database: sa.Engine, tmp_path: Path) -> None:
    folder = write_registry(
        tmp_path / "in", customers=[{"code": "D1", "company": "X"}, {"code": "I1", "company": "Y"}]
    )
    report = import_registry(database, folder, strict=True)
    assert not report.written
    assert len(report.problems) == 1
    assert roster_of(database).customers == ()
    assert import_registry(database, folder).written
    assert len(roster_of(database).customers) == 1


def test_a_dry_run_says_what_would_change_and_changes_nothing(database: sa.Engine, files: Path) -> None:
    dry = import_registry(database, files, dry_run=True, now=NOW)
    assert not dry.written
    assert roster_of(database) == Roster()
    assert import_registry(database, files, now=NOW).counts == dry.counts


def test_a_file_that_cannot_be_trusted_imports_nothing_at_all(database: sa.Engine, files: Path) -> None:
    (files / "people.csv").write_text('id,name\n1,"Ja')
    with pytest.raises(RegistryError, match=r"people\.csv"):
        import_registry(database, files)
    assert roster_of(database) == Roster()


def test_columns_nobody_knows_are_reported_once_and_not_read(database: sa.Engine, tmp_path: Path) -> None:
    rows = [{"code": f"D{number}", "company": "X", "Fax": "1", "备注": "x"} for number in range(1, 4)]
    report = bring(database, tmp_path / "in", customers=rows)
    assert report.problems == ()
    assert [str(note) for note in report.notes] == [
        "customers.csv: these columns are unknown and were not read: Fax, 备注"
    ]


def test_empty_cells_and_missing_columns_blank_nothing(
    database: sa.Engine, files: Path, tmp_path: Path
) -> None:
    import_registry(database, files, now=NOW)
    before = roster_of(database)
    blank_customers = [dict.fromkeys(row, "") | {"code": row["code"]} for row in CUSTOMERS]
    blank_people = [dict.fromkeys(row, "") | {"id": row["id"]} for row in PEOPLE if row.get("id")]
    report = bring(database, tmp_path / "in", customers=blank_customers, people=blank_people)
    assert report.changes == 0
    assert report.problems == ()
    assert roster_of(database) == before


def test_a_dash_blanks_a_field_only_with_force(database: sa.Engine, files: Path, tmp_path: Path) -> None:
    import_registry(database, files, now=NOW)
    before = roster_of(database)
    dashes = {
        "customers": [{"code": "D12", "short_name": "-", "grade": "－", "full_code": "-", "company": "-"}, {"code": "F03", "merged_into": "-"}],
        "people": [{"id": "1", "codes": "-", "email2": "-", "role": "-"}],
    }  # fmt: skip
    report = bring(database, tmp_path / "in", **dashes)
    assert report.changes == 0
    assert [str(note)[:7] for note in report.notes] == ["8 cells"]
    assert roster_of(database) == before
    assert bring(database, tmp_path / "in", force=True, **dashes).changes == 3
    roster = roster_of(database)
    gibson = roster.customer("D12")
    assert gibson is not None
    assert (gibson.company, gibson.short_name, gibson.grade, gibson.full_code, gibson.superseded) == (
        "",
        None,
        None,
        None,
        (),
    )
    assert roster.contacts[0].addresses == ("jane@gibson.example",)
    assert roster.contacts[0].customers == ()
    assert [one.code for one in roster.customers] == ["A01", "D6", "D12", "F03", "012"]


def test_a_changed_cell_changes_its_field_alone(database: sa.Engine, files: Path, tmp_path: Path) -> None:
    import_registry(database, files, now=NOW)
    report = bring(
        database,
        tmp_path / "in",
        shows=[{"letter": "D", "city": "Canton"}],
        customers=[{"code": "D06", "company": "Rossi Giardino S.p.A."}, {"code": "A1", "grade": "C"}],
        people=[{"id": "3", "name": "Lea Kurz-Mayer", "company": "TÜV"}],
    )
    assert [(count.added, count.changed, count.unchanged) for count in report.counts] == [
        (0, 1, 0),
        (0, 2, 0),
        (0, 1, 0),
    ]
    roster = roster_of(database)
    rossi = roster.customer("D6")
    assert rossi == Customer(
        code="D6", company="Rossi Giardino S.p.A.", country="IT", abbreviation="RG", channel="show", show="D", stage="sample",
    )  # fmt: skip
    assert (roster.contacts[2].name, roster.contacts[2].company, roster.contacts[2].region) == (
        "Lea Kurz-Mayer",
        "TÜV",
        "DE",
    )
    with database.connect() as connection:
        assert connection.scalar(sa.select(Show.city).where(Show.letter == "D")) == "Canton"


def test_a_typed_abbreviation_stays_when_the_company_changes(database: sa.Engine, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    bring(database, folder, customers=[{"code": "D1", "company": "Gibson Importing", "abbreviation": "gib"}])
    bring(database, folder, customers=[{"code": "D1", "company": "Other Name"}])
    assert [one.abbreviation for one in roster_of(database).customers] == ["GIB"]


def test_the_first_allocated_code_comes_first(database: sa.Engine, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    bring(
        database, folder, customers=[{"code": "012", "company": "Old"}, {"code": "D5", "company": "Old too"}]
    )
    bring(database, folder, customers=[{"code": "A1", "company": "New"}, {"code": "D5"}], day=1)
    bring(database, folder, people=[{"id": "1", "role": "forwarder", "codes": "A1 012 D5"}], day=2)
    roster = roster_of(database)
    assert [one.code for one in roster.customers] == ["D5", "012", "A1"]
    assert roster.contacts[0].customers == ("D5", "012", "A1")


def test_merges_are_followed_to_the_last_survivor_and_can_be_changed(
    database: sa.Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    customers = [
        {"code": "D3", "company": "C", "merged_into": "D2"},
        {"code": "D2", "company": "B", "merged_into": "D1"},
        {"code": "D1", "company": "A", "merged_into": ""},
    ]
    bring(database, folder, customers=customers, people=[{"id": "1", "codes": "D3 D1"}])
    assert [(one.code, one.superseded) for one in roster_of(database).customers] == [("D1", ("D2", "D3"))]
    assert roster_of(database).contacts[0].customers == ("D1",)
    turned = [{"code": "D1", "merged_into": "D3"}, {"code": "D3", "merged_into": "-"}]
    assert bring(database, folder, customers=turned, force=True).problems == ()
    assert [(one.code, one.superseded) for one in roster_of(database).customers] == [("D3", ("D1", "D2"))]
    ring = bring(database, folder, customers=[{"code": "D3", "merged_into": "D2"}])
    assert problems_of(ring) == [("customers.csv", 2, "merged_into", False)]
    assert [(one.code, one.superseded) for one in roster_of(database).customers] == [("D3", ("D1", "D2"))]


def test_an_engagement_ends_when_its_code_goes_and_resumes_when_it_comes_back(
    database: sa.Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    customers = [{"code": "D1", "company": "A"}, {"code": "D2", "company": "B"}]
    codes = ["D1 D2", "D2", "D2 X9", "", "D1"]
    served = []
    for day, cell in enumerate(codes):
        bring(database, folder, customers=customers, people=[{"id": "1", "codes": cell}], day=day)
        served.append(roster_of(database).contacts[0].customers)
    # `X9` may be a misspelt D1, and an empty cell says nothing: neither ends an engagement.
    assert served == [("D1", "D2"), ("D2",), ("D2",), ("D2",), ("D1",)]
    bring(database, folder, customers=customers, people=[{"id": "1", "codes": "D1 D2"}], day=9)
    with database.connect() as connection:
        rows = connection.execute(sa.select(Engagement.started, Engagement.ended)).all()
    assert [(row.started, row.ended) for row in rows] == [(NOW, None), (NOW, None)]


def test_an_unknown_code_ends_no_engagement(database: sa.Engine, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    customers = [{"code": "D1", "company": "A"}, {"code": "D2", "company": "B"}]
    bring(database, folder, customers=customers, people=[{"id": "1", "codes": "D1"}])
    bring(database, folder, customers=customers, people=[{"id": "1", "codes": "D2 D99"}])
    assert roster_of(database).contacts[0].customers == ("D1", "D2")


def people_after(
    database: sa.Engine, folder: Path, *imports: list[dict[str, str]]
) -> list[tuple[str, str, tuple[str, ...]]]:
    for rows in imports:
        bring(database, folder, people=rows)
    return [(one.id, one.name, one.addresses) for one in roster_of(database).contacts]


def test_people_are_found_by_id_and_their_addresses_replaced_cell_by_cell(
    database: sa.Engine, tmp_path: Path
) -> None:
    found = people_after(
        database,
        tmp_path / "in",
        [{"id": "1", "name": "A", "email": "old@x.example", "email2": "a2@x.example"}],
        [{"id": "1", "email": "new@x.example"}],
    )
    assert found == [("1", "A", ("new@x.example", "a2@x.example"))]
    found = people_after(database, tmp_path / "in", [{"id": "1", "email": "a2@x.example"}])
    assert found == [("1", "A", ("a2@x.example", "new@x.example"))]
    found = people_after(database, tmp_path / "in", [{"id": "1", "email2": "b@x.example;c@x.example"}])
    assert found == [("1", "A", ("a2@x.example", "b@x.example", "c@x.example"))]


def test_people_without_id_are_found_by_their_main_address_and_keep_what_they_had(
    database: sa.Engine, tmp_path: Path
) -> None:
    found = people_after(
        database,
        tmp_path / "in",
        [{"name": "A", "email": "a@x.example", "email2": "a2@x.example"}],
        [{"name": "Anna", "email": "A@X.example", "email2": "a3@x.example"}],
        [{"id": "7", "name": "Anna", "email": "a@x.example"}],
        [{"id": "7", "name": "Anna B"}],
    )
    assert found == [("a@x.example", "Anna B", ("a@x.example", "a2@x.example", "a3@x.example"))]


def test_an_address_passes_from_one_person_to_another(database: sa.Engine, tmp_path: Path) -> None:
    found = people_after(
        database,
        tmp_path / "in",
        [{"id": "1", "name": "A", "email": "buyer@x.example"}],
        [
            {"id": "1", "name": "A", "email": "a@x.example"},
            {"id": "", "name": "B", "email": "buyer@x.example"},
        ],
    )
    assert found == [("1", "A", ("a@x.example",)), ("buyer@x.example", "B", ("buyer@x.example",))]


def test_two_people_may_share_an_address(database: sa.Engine, tmp_path: Path) -> None:
    found = people_after(
        database,
        tmp_path / "in",
        [
            {"id": "1", "name": "A", "email": "info@x.example"},
            {"id": "2", "name": "B", "email": "info@x.example"},
            {"id": "", "name": "C", "email": "c@x.example", "email2": "info@x.example"},
            {"id": "", "name": "D", "email": "d@x.example", "email2": "info@x.example"},
        ],
    )
    assert [name for _, name, _ in found] == ["A", "B", "C", "D"]


def test_a_second_address_leads_to_its_owner_unless_the_name_says_otherwise(
    database: sa.Engine, tmp_path: Path
) -> None:
    people = [
        {"name": "Jane", "email": "jane@x.example", "email2": "info@x.example"},
        {"name": "Tom", "email": "info@x.example", "email2": ""},
        {"name": "Ann", "email": "ann@x.example", "email2": "ann2@x.example"},
        {"name": "Ann", "email": "ann2@x.example", "email2": ""},
    ]
    found = people_after(database, tmp_path / "in", people)
    assert found == [
        ("jane@x.example", "Jane", ("jane@x.example", "info@x.example")),
        ("info@x.example", "Tom", ("info@x.example",)),
        ("ann@x.example", "Ann", ("ann@x.example", "ann2@x.example")),
    ]
    assert bring(database, tmp_path / "in", people=people).changes == 0


def test_rows_with_an_id_are_settled_first(database: sa.Engine, tmp_path: Path) -> None:
    people = [
        {"id": "", "name": "A", "email": "a@x.example", "email2": "b@x.example"},
        {"id": "1", "name": "", "email": "", "email2": "b@x.example"},
        {"id": "2", "name": "", "email": "a@x.example", "email2": "b@x.example"},
    ]
    found = people_after(database, tmp_path / "in", people)
    assert [key for key, _, _ in found] == ["1", "2"]
    assert bring(database, tmp_path / "in", people=people).changes == 0


def test_two_rows_about_one_person_add_up(database: sa.Engine, tmp_path: Path) -> None:
    customers = [{"code": "D1", "company": "A"}, {"code": "D2", "company": "B"}]
    people = [
        {"codes": "D2", "role": "forwarder", "name": "Wang", "email": "w@x.example"},
        {"codes": "D1", "role": "forwarder", "name": "Wang", "email": "w@x.example", "phone": "5"},
        {"codes": "D1", "role": "forwarder", "name": "WANG Wei", "email": "w@x.example"},
    ]
    report = bring(database, tmp_path / "in", customers=customers, people=people)
    assert problems_of(report) == [("people.csv", 4, "name", False)]
    assert [(one.name, one.customers) for one in roster_of(database).contacts] == [("Wang", ("D1", "D2"))]
    assert bring(database, tmp_path / "in", customers=customers, people=people).changes == 0


def test_a_contacts_permanent_id_never_meets_anothers(database: sa.Engine, tmp_path: Path) -> None:
    found = people_after(
        database,
        tmp_path / "in",
        [{"name": "A", "email": "a@x.example"}],
        [{"id": "a@x.example", "name": "B", "email": "b@x.example"}],
    )
    assert [(key, name) for key, name, _ in found] == [("a@x.example", "A"), ("a@x.example#2", "B")]


def test_line_breaks_and_control_characters_in_names_become_blanks(
    database: sa.Engine, tmp_path: Path
) -> None:
    customers = [{"code": "D1", "company": "Foo\nBar /\x07 Co", "short_name": " Foo\r\n/Bar "}]
    bring(database, tmp_path / "in", customers=customers, people=[{"id": "1", "name": "Jane\nRoe"}])
    roster = roster_of(database)
    assert (roster.customers[0].company, roster.customers[0].short_name) == ("Foo Bar / Co", "Foo /Bar")
    assert roster.contacts[0].name == "Jane Roe"


def test_a_party_is_kept_once_for_all_its_people(database: sa.Engine, tmp_path: Path) -> None:
    people = [{"id": str(n), "role": "forwarder", "company": "顺达货代"} for n in range(3)]
    people.append({"id": "9", "role": "inspector", "company": "顺达货代"})
    bring(database, tmp_path / "in", people=people)
    with database.connect() as connection:
        assert connection.execute(sa.select(Party.kind, Party.name).order_by(Party.id)).all() == [
            ("forwarder", "顺达货代"),
            ("inspector", "顺达货代"),
        ]


def test_the_short_name_of_a_party_stands_for_its_name(database: sa.Engine, tmp_path: Path) -> None:
    bring(
        database,
        tmp_path / "in",
        people=[{"id": "1", "role": "forwarder", "company": "Shunda Logistics Co., Ltd"}],
    )
    with database.begin() as connection:
        connection.execute(sa.update(Party).values(short_name="Shunda", country="CN"))
    contact = roster_of(database).contacts[0]
    assert (contact.company, contact.country) == ("Shunda", "CN")


def test_a_dash_for_the_main_address_leaves_the_others(database: sa.Engine, tmp_path: Path) -> None:
    held = [{"id": "1", "email": "a@x.example", "email2": "b@x.example;c@x.example"}]
    bring(database, tmp_path / "in", people=held)
    bring(database, tmp_path / "in", people=[{"id": "1", "email": "-", "email2": ""}], force=True)
    assert roster_of(database).contacts[0].addresses == ("b@x.example", "c@x.example")
    bring(database, tmp_path / "in", people=[{"id": "1", "email": "-", "email2": "d@x.example"}], force=True)
    assert roster_of(database).contacts[0].addresses == ("d@x.example",)
    bring(database, tmp_path / "in", people=[{"id": "1", "email": "-", "email2": "-"}], force=True)
    assert roster_of(database).contacts[0].addresses == ()


def test_a_person_without_id_whose_main_address_changes_stays_one_person(
    database: sa.Engine, tmp_path: Path
) -> None:
    before = [{"name": "Jane", "email": "old@x.example"}, {"name": "", "email": "desk@x.example"}]
    after = [
        {"name": "Jane", "email": "new@x.example", "email2": "old@x.example"},
        {"name": "Desk", "email": "desk2@x.example", "email2": "desk@x.example"},
    ]
    assert people_after(database, tmp_path / "in", before, after) == [
        ("old@x.example", "Jane", ("new@x.example", "old@x.example")),
        ("desk@x.example", "Desk", ("desk2@x.example", "desk@x.example")),
    ]
    assert bring(database, tmp_path / "in", people=after).changes == 0
    swapped = [{"name": "Jane", "email": "old@x.example", "email2": "new@x.example"}]
    bring(database, tmp_path / "in", people=swapped)
    assert roster_of(database).contacts[0].addresses == ("old@x.example", "new@x.example")


def test_another_name_with_somebodys_main_address_second_is_another_person(
    database: sa.Engine, tmp_path: Path
) -> None:
    found = people_after(
        database,
        tmp_path / "in",
        [{"name": "Office", "email": "info@x.example"}],
        [{"name": "Jane", "email": "jane@x.example", "email2": "info@x.example"}],
    )
    assert [(name, addresses) for _, name, addresses in found] == [
        ("Office", ("info@x.example",)),
        ("Jane", ("jane@x.example", "info@x.example")),
    ]


def test_a_garbled_row_is_left_out_and_told(database: sa.Engine, tmp_path: Path) -> None:
    folder = write_registry(tmp_path / "in", customers=[{"code": "D1", "company": "Good"}])
    content = "code,company\nD1,Good\nD2,Müller KG\n".encode("cp1252")
    (folder / "customers.csv").write_bytes(content)
    report = import_registry(database, folder)
    assert problems_of(report) == [("customers.csv", 3, "company", True)]
    assert "UTF-8" in str(report.problems[0].reason)
    assert [one.code for one in roster_of(database).customers] == ["D1"]


# --- the registry's source -------------------------------------------------------------------------------------------


def crowd(customers: int, people: int) -> dict[str, list[dict[str, str]]]:
    return {
        "customers": [{"code": f"D{n}", "company": f"Company {n}"} for n in range(1, customers + 1)],
        "people": [
            {"id": str(n), "name": f"P{n}", "codes": f"D{n % customers + 1}"} for n in range(1, people + 1)
        ],
    }


def test_rows_absent_from_an_import_by_hand_change_nothing(database: sa.Engine, tmp_path: Path) -> None:
    world = crowd(3, 9)
    bring(database, tmp_path / "in", **world)
    before = roster_of(database)
    report = bring(database, tmp_path / "in", customers=world["customers"][:1], people=world["people"][:1])
    assert report.changes == 0
    assert roster_of(database) == before


def test_a_row_the_source_no_longer_delivers_is_retired_once_and_comes_back(
    database: sa.Engine, tmp_path: Path
) -> None:
    world = crowd(3, 9)
    bring(database, tmp_path / "in", **world, source=True)
    full = roster_of(database)
    fewer = {"customers": world["customers"], "people": world["people"][1:]}
    report = bring(database, tmp_path / "in", **fewer, source=True, day=1)
    assert (report.retired, report.changes) == (1, 1)
    roster = roster_of(database)
    assert roster.contacts[0].customers == ()
    assert roster.customers == full.customers
    assert bring(database, tmp_path / "in", **fewer, source=True, day=2).changes == 0
    assert bring(database, tmp_path / "in", **world, source=True, day=3).changes == 1
    assert roster_of(database) == full


def test_a_customer_the_source_no_longer_delivers_keeps_its_code_and_loses_its_people(
    database: sa.Engine, tmp_path: Path
) -> None:
    world = crowd(3, 9)
    bring(database, tmp_path / "in", **world, source=True)
    fewer = {"customers": world["customers"][1:], "people": world["people"]}
    report = bring(database, tmp_path / "in", **fewer, source=True, day=1)
    assert report.retired == 1
    assert {one.column for one in report.problems} == {"codes"}
    roster = roster_of(database)
    assert roster.customer("D1") is not None
    assert "D1" not in roster.people_by_customer
    assert {"D2", "D3"} == set(roster.people_by_customer)
    assert bring(database, tmp_path / "in", **fewer, source=True, day=2).changes == 0


def test_rows_imported_by_hand_are_never_retired_by_the_source(database: sa.Engine, tmp_path: Path) -> None:
    bring(
        database,
        tmp_path / "in",
        customers=[{"code": "E1", "company": "By hand"}],
        people=[{"id": "x", "codes": "E1"}],
    )
    assert bring(database, tmp_path / "in", **crowd(3, 9), source=True).retired == 0
    assert roster_of(database).contacts[0].customers == ("E1",)


@pytest.mark.parametrize(
    "gone_customers,gone_people,held",
    [(0, 5, False), (0, 6, True), (5, 0, False), (6, 0, True), (3, 3, False), (4, 4, True)],
)
def test_the_brake_holds_when_more_than_five_rows_and_a_tenth_vanish(
    database: sa.Engine, tmp_path: Path, gone_customers: int, gone_people: int, held: bool
) -> None:
    world = crowd(20, 50)
    bring(database, tmp_path / "in", **world, source=True)
    before = roster_of(database)
    fewer = {"customers": world["customers"][gone_customers:], "people": world["people"][gone_people:]}
    if not held:
        assert bring(database, tmp_path / "in", **fewer, source=True).retired == gone_customers + gone_people
        return
    with pytest.raises(RunRefused, match=r"are gone from it.*registry import --source --force"):
        bring(database, tmp_path / "in", **fewer, source=True)
    assert roster_of(database) == before
    assert (
        bring(database, tmp_path / "in", **fewer, source=True, force=True).retired
        == gone_customers + gone_people
    )


def test_the_brake_looks_at_what_was_there_not_at_what_is_new(database: sa.Engine, tmp_path: Path) -> None:
    bring(database, tmp_path / "in", **crowd(1, 10), source=True)
    others = crowd(1, 1)
    others["people"] = [{"id": f"new{n}"} for n in range(200)]
    with pytest.raises(RunRefused, match="10 of the 10 rows"):
        bring(database, tmp_path / "in", **others, source=True)


def test_a_table_the_source_does_not_have_is_not_taken_for_empty(database: sa.Engine, tmp_path: Path) -> None:
    world = crowd(3, 9)
    bring(database, tmp_path / "in", **world, source=True)
    report = bring(database, tmp_path / "in", customers=world["customers"], source=True)
    assert report.changes == 0
    assert ["no table people" in str(note) for note in report.notes] == [True]


def test_nothing_is_ever_erased(database: sa.Engine, tmp_path: Path) -> None:
    bring(database, tmp_path / "in", **crowd(3, 9), source=True)
    fewer = {kind: rows[:1] for kind, rows in crowd(3, 9).items()}
    bring(database, tmp_path / "in", **fewer, source=True, force=True)
    with database.connect() as connection:
        counted = [
            connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (CustomerRow, Code, Engagement)
        ]
    assert counted == [3, 3, 9]


def content_of(database: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in comparable form."""
    with database.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for name, table in Base.metadata.tables.items()
        }


def test_a_dry_run_of_the_source_writes_nothing_and_says_the_same(
    database: sa.Engine, tmp_path: Path
) -> None:
    world = crowd(3, 9)
    bring(database, tmp_path / "in", **world, source=True)
    write_registry(
        tmp_path / "in",
        customers=[*world["customers"][1:], {"code": "E9", "company": "New"}],
        people=[*world["people"][2:], {"id": "new", "codes": "D2 X9", "role": "driver"}],
    )
    before = content_of(database)
    later = NOW + timedelta(days=1)
    dry = import_registry(database, tmp_path / "in", dry_run=True, source=True, now=later)
    assert content_of(database) == before
    wet = import_registry(database, tmp_path / "in", source=True, now=later)
    assert dry == replace(wet, written=False)
    assert (wet.retired, wet.added, len(wet.problems) > 2) == (3, 2, True)
    assert content_of(database) != before


def test_every_retirement_is_told_by_name(database: sa.Engine, tmp_path: Path) -> None:
    world = crowd(3, 30)
    world["people"].append({"id": "", "name": "", "codes": "D1", "email": "nameless@x.example"})
    bring(database, tmp_path / "in", **world, source=True)
    fewer = {"customers": world["customers"][1:], "people": world["people"][1:-1]}
    report = bring(database, tmp_path / "in", **fewer, source=True)
    told = ["1 row(s) were retired: D1 Company 1", "2 row(s) were retired: P1, nameless@x.example"]
    assert [str(one) for one in report.retirements] == told
    assert [str(note) for note in report.notes] == told
    bring(database, tmp_path / "in", **world, source=True)
    fewer = {"customers": world["customers"], "people": world["people"][25:]}
    report = bring(database, tmp_path / "in", **fewer, source=True, force=True)
    assert str(report.retirements[0]).endswith("P19, P20 …")


def test_nothing_is_retired_from_a_table_while_rows_of_it_cannot_be_read(
    database: sa.Engine, tmp_path: Path
) -> None:
    world = crowd(3, 9)
    bring(database, tmp_path / "in", **world, source=True)
    before = roster_of(database)
    typo = {
        "customers": [{"code": "O1", "company": "Company 1"}, *world["customers"][1:]],
        "people": world["people"],
    }
    report = bring(database, tmp_path / "in", **typo, source=True, day=1)
    assert (report.retired, report.changes, report.retirements) == (0, 0, ())
    assert [str(note) for note in report.notes if "D1 Company 1" in str(note)] == [
        str(one) for one in report.withheld
    ]
    assert len(report.withheld) == 1
    assert roster_of(database) == before
    # The other table's rows go as ever; once the row can be read, or is gone, so do these.
    both = {"customers": typo["customers"], "people": world["people"][1:]}
    assert bring(database, tmp_path / "in", **both, source=True, day=2).retired == 1
    gone = {"customers": world["customers"][1:], "people": world["people"][1:]}
    assert bring(database, tmp_path / "in", **gone, source=True, day=3).retired == 1


def test_rows_that_cannot_be_read_do_not_lift_the_brake(database: sa.Engine, tmp_path: Path) -> None:
    world = crowd(20, 20)
    bring(database, tmp_path / "in", **world, source=True)
    garbled = {
        "customers": [{"code": f"O{n}", "company": f"Company {n}"} for n in range(1, 8)]
        + world["customers"][7:],
        "people": world["people"],
    }
    with pytest.raises(RunRefused, match="7 of the 20 rows"):
        bring(database, tmp_path / "in", **garbled, source=True)
    assert bring(database, tmp_path / "in", **garbled, source=True, force=True).retired == 0


@pytest.mark.parametrize("name", ["exported", "exported.xlsx"])
def test_the_retired_the_delivered_and_the_proposed_survive_an_export(
    database: sa.Engine, tmp_path: Path, name: str
) -> None:
    world = crowd(3, 6)
    world["customers"][1] |= {"abbreviation": "TYP"}
    world["customers"].append({"code": "D4", "company": "Four", "country": "AU", "full_code": "D4 AUXY"})
    bring(database, tmp_path / "in", **world, source=True)
    bring(database, tmp_path / "hand", people=[{"id": "hand", "name": "By hand", "codes": "D2"}])
    fewer = {"customers": world["customers"][1:], "people": world["people"][1:]}
    bring(database, tmp_path / "in", **fewer, source=True, day=1)
    before, roster = content_of(database), roster_of(database)
    export_registry(database, tmp_path / name)
    assert import_registry(database, tmp_path / name).changes == 0
    assert content_of(database) == before
    other = connect("sqlite://")
    Base.metadata.create_all(other)
    try:
        assert import_registry(other, tmp_path / name, now=NOW).problems == ()
        after = content_of(other)
        for table in ("customers", "codes", "contacts", "addresses"):
            assert after[table] == before[table]
        assert roster_of(other) == roster
        export_registry(other, tmp_path / f"again-{name}")
        assert bring(other, tmp_path / "in", **fewer, source=True).changes == 0
        fewer["people"] = fewer["people"][1:]
        assert bring(other, tmp_path / "in", **fewer, source=True).retired == 1
    finally:
        other.dispose()


def test_a_retired_row_comes_back_where_the_source_delivers_it_or_the_file_says_nothing_of_it(
    database: sa.Engine, tmp_path: Path
) -> None:
    world = crowd(3, 9)
    fewer = {"customers": world["customers"], "people": world["people"][1:]}
    back = {"id": "1", "codes": "D2"}
    served = []
    for row, source in (
        (back | {"retired": "", "name": "P1"}, False),
        (back | {"retired": "", "name": "P1"}, True),
        (back, False),
        (back | {"停用": "否"}, False),
        (back | {"retired": "yes"}, True),
    ):
        bring(database, tmp_path / "in", **world, source=True)
        bring(database, tmp_path / "in", **fewer, source=True, day=1)
        people = [row, *({**one, "retired": ""} for one in fewer["people"])] if source else [row]
        bring(database, tmp_path / "in", customers=world["customers"], people=people, source=source, day=2)
        with database.connect() as connection:
            since = connection.scalar(sa.select(Person.retired).where(Person.external_id == "1"))
        served.append((since is None, roster_of(database).contacts[0].customers))
    assert served == [(False, ()), (True, ("D2",)), (True, ("D2",)), (True, ("D2",)), (False, ())]


def test_who_is_marked_as_retired_by_hand_is_engaged_no_more(database: sa.Engine, tmp_path: Path) -> None:
    bring(database, tmp_path / "in", **crowd(3, 9))
    marks = {
        "customers": [{"code": "D1", "retired": "yes"}],
        "people": [{"id": "1", "retired": "2024-05-05"}],
    }
    report = bring(database, tmp_path / "in", **marks)
    assert report.problems == ()
    roster = roster_of(database)
    assert {contact.id for contact in roster.contacts if not contact.customers} == {"1", "3", "6", "9"}
    assert bring(database, tmp_path / "in", **marks, day=5).changes == 0
    wrong = bring(database, tmp_path / "in", people=[{"id": "2", "retired": "perhaps"}])
    assert problems_of(wrong) == [("people.csv", 2, "retired", False)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE_ROWS, customers=CUSTOMER_ROWS)
def test_whatever_the_files_say_a_second_import_and_an_export_change_nothing(
    people: list[dict[str, str]], customers: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    engine = connect("sqlite://")
    Base.metadata.create_all(engine)
    try:
        bring(engine, folder, customers=customers, people=[*people, {"id": "last", "codes": "D1"}])
        before = roster_of(engine)
        assert import_registry(engine, folder).changes == 0
        if before.customers or before.contacts:
            export_registry(engine, folder / "out")
            assert import_registry(engine, folder / "out").changes == 0
        assert roster_of(engine) == before
    finally:
        engine.dispose()
