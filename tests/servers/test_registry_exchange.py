"""Every file people have comes in, and goes out so that it can come in again (FORMATS 1)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import xlwt
from hypothesis import HealthCheck, given, settings
from openpyxl import Workbook, load_workbook

from mailsync.addressbook.export import people_in
from mailsync.database import Base, connect
from mailsync.errors import RegistryError
from mailsync.lookup.cardfiles import foreign_tables, read_card_file, registry_vcards
from mailsync.registry.editing import edit_customer, retire_customer
from mailsync.registry.exchange import export_registry, import_registry, import_tables
from mailsync.registry.merging import merge_customers
from mailsync.registry.outcome import ImportReport
from mailsync.registry.persons import add_contact
from mailsync.registry.roster import Roster
from mailsync.registry.roster_load import load_roster, own_codes
from mailsync.registry.tables import read_tables
from mailsync.registry.template import Choices, write_template
from tests.servers.registry_files import write_registry
from tests.servers.test_registry_import import CUSTOMER_ROWS, PEOPLE_ROWS

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "vcards"
FORMULA = "=cmd|'/C calc'!A0"
SHOWS = [
    {"letter": "D", "name": "Canton Fair", "date": "2024-04-15", "city": "Guangzhou"},
    {"letter": "", "name": "Local fair", "coded": "no"},
]
CUSTOMERS = [
    {"code": "D12", "company": "Gibson Importing Pty Ltd", "short_name": "Gibson", "country": "AU", "stage": "order",
     "full_code": "D12 AUGI", "grade": "b", "owner": "li@our.example", "first_contact": "2024-04-16"},
    {"code": "F03", "company": "Gibson Imports", "merged_into": "D12"},
    {"code": "012", "company": "顺达进口", "country": "CN", "channel": "LinkedIn", "show": "Local fair"},
    {"code": "J6", "company": FORMULA, "short_name": "'=1+1", "channel": "@home"},
    {"code": "E05", "company": "-5 Grad", "stage": "sample"},
]  # fmt: skip
PEOPLE = [
    {"id": "1", "codes": "D12 F03", "name": "Jane Roe", "company": "Gibson Importing Pty Ltd", "email": "jane@gibson.example",
     "email2": "jr@gibson.example", "phone": "+61 2 5550 1234", "title": "Buyer"},
    {"codes": "D12, 012", "role": "货代", "name": "王伟", "company": "顺达货代", "region": "SH", "email": "wang@sd.example"},
    {"codes": "", "name": FORMULA, "company": "@x", "email": "lead@x.example"},
    {"id": "8", "codes": "E05", "name": "Joe", "email": "office@x.example"},
    {"id": "9", "codes": "E05", "name": "Jim", "email": "office@x.example"},
    {"id": "10", "codes": "J6", "name": "No Address", "phone": "1"},
]  # fmt: skip


def emptied(engine: sa.Engine) -> sa.Engine:
    """The same database with no rows."""
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(sa.delete(table))
    return engine


def roster(engine: sa.Engine) -> Roster:
    with engine.connect() as connection:
        return load_roster(connection)


def bytes_of(path: Path) -> dict[str, bytes]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.suffix + file.stem * path.is_dir(): file.read_bytes() for file in files}


@pytest.fixture
def house(database: sa.Engine, tmp_path: Path) -> sa.Engine:
    """A registry with everything in it that a file may not lose."""
    folder = write_registry(tmp_path / "in", shows=SHOWS, customers=CUSTOMERS, people=PEOPLE)
    assert import_registry(database, folder, now=NOW, source=True).problems == ()
    edit_customer(
        database, "E05", {"stage": "order", "country": "DE", "abbreviation": "GR"}, by="x", today=NOW.date()
    )
    merge_customers(database, ["012", "J6"], by="x")
    retire_customer(database, "E05", by="x")
    return database


@pytest.mark.parametrize("name", ["out", "out.xlsx"])
def test_an_export_imported_into_an_empty_database_is_exported_the_same(
    house: sa.Engine, tmp_path: Path, name: str
) -> None:
    before = roster(house)
    export_registry(house, tmp_path / name)
    assert import_registry(house, tmp_path / name).changes == 0
    copy = emptied(house)
    assert import_registry(copy, tmp_path / name, now=NOW + timedelta(days=9)).problems == ()
    assert (roster(copy).customers, roster(copy).contacts) == (before.customers, before.contacts)
    (tmp_path / "again").mkdir()
    export_registry(copy, tmp_path / "again" / name)
    assert bytes_of(tmp_path / "again" / name) == bytes_of(tmp_path / name)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE_ROWS, customers=CUSTOMER_ROWS)
def test_whatever_was_imported_an_export_of_a_copy_is_the_same(
    people: list[dict[str, str]], customers: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    write_registry(folder / "in", customers=customers, people=[*people, {"id": "last", "codes": "D1"}])
    exported = []
    for source in (folder / "in", folder / "out0"):
        engine = connect("sqlite://")
        Base.metadata.create_all(engine)
        try:
            import_registry(engine, source, now=NOW)
            export_registry(engine, folder / f"out{len(exported)}")
        finally:
            engine.dispose()
        exported.append(bytes_of(folder / f"out{len(exported)}"))
    assert exported[0] == exported[1]


def test_who_shares_an_address_and_has_no_id_comes_back_as_the_same(
    database: sa.Engine, tmp_path: Path
) -> None:
    people = [
        {"id": "", "email": "", "email2": "b@x.example"},
        {"id": "1", "email": "a@x.example", "email2": "b@x.example"},
        {"id": "", "email": "c@x.example", "company": "-\x08"},
    ]
    import_registry(database, write_registry(tmp_path / "in", people=people), now=NOW)
    add_contact(database, {"email": "b@x.example"}, by="x", anyway=True)
    before = roster(database)
    export_registry(database, tmp_path / "out")
    assert import_registry(database, tmp_path / "out").changes == 0
    copy = emptied(database)
    import_registry(copy, tmp_path / "out")
    assert [one.addresses for one in roster(copy).contacts] == [one.addresses for one in before.contacts]
    export_registry(copy, tmp_path / "again")
    assert bytes_of(tmp_path / "again") == bytes_of(tmp_path / "out")


@pytest.mark.parametrize("name", ["out", "out.xlsx"])
def test_formulas_stay_texts_on_the_way_out_and_back(house: sa.Engine, tmp_path: Path, name: str) -> None:
    export_registry(house, tmp_path / name)
    if name == "out":
        text = (tmp_path / name / "customers.csv").read_text(encoding="utf-8-sig")
        assert f"'{FORMULA}" in text and "'@home" in text and "'=1+1" in text
    else:
        book = load_workbook(tmp_path / name)
        assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
        assert {
            cell.value for row in book["customers"].iter_rows() for cell in row if cell.data_type == "n"
        } == {None}
    copy = emptied(house)
    import_registry(copy, tmp_path / name)
    assert {one.company for one in roster(copy).contacts} >= {"@x"}
    with copy.connect() as connection:
        companies = set(connection.execute(sa.text("SELECT company FROM customers")).scalars())
    assert {FORMULA, "-5 Grad"} <= companies


# workbooks of every kind


def old_workbook(path: Path, sheets: dict[str, list[list[object]]], encoding: str = "cp936") -> Path:
    """An .xls as Excel 97 and the programs that still write it make them."""
    book = xlwt.Workbook(encoding=encoding)
    day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for title, rows in sheets.items():
        sheet = book.add_sheet(title)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(number, column, value, *([day] if isinstance(value, date) else []))
    book.save(str(path))
    return path


def open_document(path: Path, title: str, rows: Iterable[Iterable[str]]) -> Path:
    """An .ods (ODF 1.2) as LibreOffice writes it, no more than it must hold."""
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    lines = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows)
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {names} office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="{title}">{lines}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return path


def test_an_old_workbook_in_a_chinese_code_page_is_read(tmp_path: Path) -> None:
    path = old_workbook(
        tmp_path / "客户.xls",
        {
            "客户": [
                ["客户编号", "公司全称", "首次联系", "等级"],
                ["012", "顺达进口", date(2024, 1, 5), "B"],
                [12.0, "x"],
            ],
            "人员": [["邮箱", "姓名"], ["wang@sd.example", "王伟"]],
        },
    )
    tables = read_tables(path)
    assert [dict(row.cells) for row in tables["customers"].rows] == [
        {"code": "012", "company": "顺达进口", "first_contact": "2024-01-05", "grade": "B"},
        {"code": "12", "company": "x"},
    ]
    assert tables["people"].rows[0].cells["name"] == "王伟"


def test_an_open_document_is_read(tmp_path: Path) -> None:
    path = open_document(tmp_path / "registry.ods", "people", [["email", "name"], ["a@x.example", "Жанна"]])
    assert dict(read_tables(path)["people"].rows[0].cells) == {"email": "a@x.example", "name": "Жанна"}


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("a.xls", b"<html><table><tr><td>code</td></tr></table></html>", "web page"),
        ("a.xls", b'<?xml version="1.0"?><Workbook/>', "web page"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "half written"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "password"),
        ("a.ods", b"PK\x03\x04 half", "half written"),
        ("a.xlsx", b"", "half written"),
    ],
)
def test_what_is_no_workbook_is_refused_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RegistryError, match=rf"{words}.*Nothing was imported"):
        read_tables(tmp_path / name)


def test_one_table_on_two_sheets_is_refused(tmp_path: Path) -> None:
    path = old_workbook(tmp_path / "a.xls", {"customers": [["code"], ["D1"]], "客户": [["code"], ["D2"]]})
    with pytest.raises(RegistryError, match="two sheets for one table: customers and 客户"):
        read_tables(path)


def test_a_cell_with_a_failed_formula_is_told(database: sa.Engine, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "customers"
    for row in (["code", "company", "country"], ["D1", "#N/A", "AU"], ["D2", "Roca", "#REF!"]):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    report = import_registry(database, tmp_path / "a.xlsx")
    told = [(one.row, one.column, str(one.reason)) for one in report.problems]
    assert told[0][:2] == (2, "company") and "#N/A" in told[0][2] and "formula" in told[0][2]
    assert told[-1][:2] == (3, "country")
    assert [one.company for one in roster(database).customers] == ["", "Roca"]


# the template


@pytest.mark.parametrize("chinese", [False, True])
def test_the_template_has_headings_choices_and_help_and_is_read_when_filled_in(
    database: sa.Engine, tmp_path: Path, chinese: bool
) -> None:
    path = tmp_path / "registry.xlsx"
    write_template(path, Choices(owners=["li@our.example"], shows=["D"]), chinese=chinese)
    with pytest.raises(RegistryError, match="holds no registry rows"):
        read_tables(path)
    book = load_workbook(path)
    assert book.sheetnames == ["shows", "customers", "people", "Help 说明"]
    sheet = book["customers"]
    headings = [cell.value for cell in sheet[1]]
    assert headings[0] == ("客户编号" if chinese else "code") and not {"allocated", "编号时间"} & set(
        headings
    )
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref
    rules = {rule.promptTitle: rule for rule in sheet.data_validations.dataValidation}
    assert "lead,prospect,sample,order,dormant" in rules["stage"].formula1
    assert "li@our.example" in rules["owner"].formula1
    assert "客户是同一家" in rules["merged_into"].prompt and "one with" in rules["merged_into"].prompt
    texts = {str(cell.value) for row in book["Help 说明"].iter_rows() for cell in row if cell.value}
    assert any("三张表" in text for text in texts) and any("Three sheets" in text for text in texts)
    for column, value in enumerate(["D1", "Gibson"], 1):
        sheet.cell(2, column, value)
    book.save(path)
    assert import_registry(database, path).added == 1


# vCards and business cards


def vcf(path: Path, *cards: str) -> Path:
    path.write_bytes("".join(f"BEGIN:VCARD\r\n{card}\r\nEND:VCARD\r\n" for card in cards).encode())
    return path


def import_foreign(engine: sa.Engine, path: Path) -> ImportReport:
    found = foreign_tables(path, engine)
    assert found is not None
    return import_tables(engine, found[0], origin=str(path))


def test_vcards_of_the_registry_change_nothing_when_they_come_back(house: sa.Engine, tmp_path: Path) -> None:
    before = roster(house)
    (tmp_path / "people.vcf").write_bytes(registry_vcards(house))
    report = import_foreign(house, tmp_path / "people.vcf")
    assert (report.changes, report.problems) == (0, ())
    assert roster(house) == before


def test_a_card_with_a_code_in_its_name_is_taken_apart(house: sa.Engine, tmp_path: Path) -> None:
    path = vcf(
        tmp_path / "people.vcf",
        "VERSION:3.0\r\nFN:D12 Kim Lee/Gibson Importing Pty Ltd/NZ\r\nEMAIL:kim@gibson.example\r\nTEL:+64 9 555\r\nTITLE:Boss",
        "VERSION:2.1\r\nN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=C0=EE;=C4=C8\r\nFN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:"
        "=C0=EE=C4=C8\r\nEMAIL;INTERNET:lina@x.example\r\nORG:Nobody Inc;Sales\r\nADR:;;;;;;Germany",
        "VERSION:3.0\r\nFN:No Address",
        "VERSION:4.0\r\nKIND:group\r\nFN:Everybody\r\nEMAIL:all@x.example",
    )
    report = import_foreign(house, path)
    assert [(one.row, one.refused) for one in report.problems] == [(3, True)]
    kim, lina = (roster(house).contacts_at(one)[0] for one in ("kim@gibson.example", "lina@x.example"))
    assert (kim.name, kim.company, kim.region, kim.customers) == ("Kim Lee", "Gibson", "NZ", ("D12",))
    assert (kim.phone, kim.title) == ("+64 9 555", "Boss")
    assert (lina.name, lina.company, lina.region, lina.customers) == ("李娜", "Nobody Inc", "DE", ())


def test_a_card_adds_a_code_and_takes_none_away(house: sa.Engine, tmp_path: Path) -> None:
    path = vcf(tmp_path / "a.vcf", "VERSION:3.0\r\nFN:J6 Jane Roe/Gibson/AU\r\nEMAIL:jane@gibson.example")
    import_foreign(house, path)
    with house.connect() as connection:
        assert own_codes(connection)["1"] == ("D12", "F03", "J6")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the collection of real cards is not here")
def test_real_cards_of_other_programs_are_read_or_told(house: sa.Engine) -> None:
    files = sorted(CORPUS.rglob("*.vcf"))
    assert len(files) > 100
    people = [person for file in files for person in people_in(file.read_bytes())]
    assert len(people) > 1000
    for file in files:
        try:
            import_foreign(house, file)
        except RegistryError:
            continue


CARDS = {
    "camcard.csv": (
        "姓名,公司,职位,手机,电话,邮箱,地址,网址\n"
        "王小明,顺达进口有限公司,经理,13800138000,021-5550102,wang@sd.example,上海市黄浦区,x.example\n",
        {"company": "顺达进口有限公司"},
        {"name": "王小明", "title": "经理", "phone": "13800138000; 021-5550102", "email": "wang@sd.example"},
    ),
    "outlook.csv": (
        "First Name,Middle Name,Last Name,Company,Job Title,Business Phone,Mobile Phone,E-mail Address,E-mail 2 Address,"
        "Business Country/Region\n"
        "Jane,,Roe,Gibson Importing,Buyer,+61 2 5550,+61 4 5550,jane@gibson.example,jr@gibson.example,Australia\n",
        {"company": "Gibson Importing", "country": "Australia"},
        {"name": "Jane Roe", "title": "Buyer", "phone": "+61 4 5550; +61 2 5550", "email": "jane@gibson.example",
         "email2": "jr@gibson.example"},
    ),
    "scanner.csv": (
        "sep=;\nName;Organization;Tel;Address;Shoe size\nAnn Kurz;Kurz GmbH;030 555;Hauptstr. 1, 10115 Berlin, Germany;39\n",
        {"company": "Kurz GmbH", "country": "Germany"},
        {"name": "Ann Kurz", "phone": "030 555"},
    ),
    "chinese.csv": ("姓,名,单位\n王,小明,顺达\n", {"company": "顺达"}, {"name": "王小明"}),
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
@pytest.mark.parametrize("name", list(CARDS))
def test_exports_of_business_cards_are_understood(tmp_path: Path, name: str, encoding: str) -> None:
    text, customer, person = CARDS[name]
    (tmp_path / name).write_text(text, encoding=encoding)
    (card,), notes = read_card_file(tmp_path / name)
    assert (dict(card.customer), dict(card.person)) == (customer, person)
    assert ["Shoe size" in str(note) or "网址" in str(note) for note in notes] == [True] * len(notes)


def test_a_workbook_of_cards_and_a_vcard_file_are_cards_too(tmp_path: Path) -> None:
    path = old_workbook(
        tmp_path / "cards.xls", {"Sheet1": [["姓名", "公司"], ["Jane", "Gibson"], ["Ann", "Kurz"]]}
    )
    assert [card.person["name"] for card in read_card_file(path)[0]] == ["Jane", "Ann"]
    cards, _ = read_card_file(
        vcf(tmp_path / "a.vcf", "VERSION:3.0\r\nFN:Jane\r\nORG:Gibson\r\nEMAIL:J@x.example")
    )
    assert (cards[0].customer, cards[0].person) == (
        {"company": "Gibson"},
        {"name": "Jane", "email": "j@x.example"},
    )


def test_a_registry_import_of_business_cards_takes_people_without_codes(
    database: sa.Engine, tmp_path: Path
) -> None:
    (tmp_path / "cards.csv").write_text(CARDS["outlook.csv"][0], encoding="utf-8")
    assert import_foreign(database, tmp_path / "cards.csv").added == 1
    (person,) = roster(database).contacts
    assert (person.name, person.company, person.region, person.customers) == (
        "Jane Roe",
        "Gibson Importing",
        "AU",
        (),
    )


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("a.csv", "Colour,Size\nred,3\n", "no column for a person.*姓名"),
        ("a.csv", "Name,Company\n", "holds no business cards"),
        ("a.vcf", "nothing\n", "holds no vCard"),
        ("a.csv", "", "half written"),
    ],
)
def test_what_holds_no_cards_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(RegistryError, match=words):
        read_card_file(tmp_path / name)


def test_a_registry_is_no_file_of_cards(database: sa.Engine, tmp_path: Path) -> None:
    folder = write_registry(tmp_path / "in", customers=CUSTOMERS, people=PEOPLE)
    for path in (folder, folder / "customers.csv"):
        assert foreign_tables(path, database) is None
    assert import_registry(database, folder / "customers.csv").added == len(CUSTOMERS)
