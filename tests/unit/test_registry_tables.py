"""Registry files as rows: every encoding, delimiter and heading people use, and files that must be refused."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from mailsync.errors import RegistryError
from mailsync.registry.headings import KINDS, field_named, fields_of, kind_named
from mailsync.registry.tables import csv_records, read_tables
from mailsync.registry.workbook import read_workbook, write_workbook

PEOPLE = 'id,codes,name,email\n1,D12,王伟,wang@sd.example\n2,,"Roe, Jane",jane@x.example\n'
ROWS = [
    {"id": "1", "codes": "D12", "name": "王伟", "email": "wang@sd.example"},
    {"id": "2", "name": "Roe, Jane", "email": "jane@x.example"},
]


def people(folder: Path) -> list[Mapping[str, str]]:
    return [row.cells for row in read_tables(folder)["people"].rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_every_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE, encoding=encoding)
    assert people(tmp_path) == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_delimiter_and_line_end_is_found_out(tmp_path: Path, delimiter: str, line_end: str) -> None:
    lines = [["id", "codes", "name", "email"], ["1", "D12", "王伟", "wang@sd.example"]]
    lines.append(["2", "", '"Roe, Jane"', "jane@x.example"])
    text = line_end.join(delimiter.join(line) for line in lines) + line_end
    (tmp_path / "people.csv").write_bytes(text.encode())
    assert people(tmp_path) == ROWS


def test_addresses_separated_by_semicolons_do_not_mislead(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(
        "email,email2\na@x.example,b@x.example;c@x.example;d@x.example;e@x.example\n"
    )
    assert people(tmp_path) == [
        {"email": "a@x.example", "email2": "b@x.example;c@x.example;d@x.example;e@x.example"}
    ]


def test_excels_delimiter_hint_and_a_title_above_the_headings_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("sep=;\nOur people;;\n\nID; E-Mail ;名字\n1;a@x.example;x\n")
    table = read_tables(tmp_path)["people"]
    assert [(row.number, row.cells) for row in table.rows] == [(5, {"id": "1", "email": "a@x.example"})]
    assert table.unknown == ("名字",)


@pytest.mark.parametrize("kind", KINDS)
def test_headings_are_known_in_any_case_width_and_spacing(kind: str) -> None:
    for field in fields_of(kind):  # type: ignore[arg-type]
        for heading in (field.upper(), f" {field} ", field.replace("_", " "), f"\ufeff{field.title()}"):
            assert field_named(kind, heading) == field  # type: ignore[arg-type]


CHINESE = {
    "shows": {"展会代号": "letter", "展会名称": "name", "日期": "date", "城市": "city"},
    "customers": {
        "客户编号": "code", "公司全称": "company", "公司简称": "short_name", "国家": "country", "缩写": "abbreviation",
        "订单编号": "full_code", "来源": "channel", "展会": "show", "首次联系": "first_contact", "阶段": "stage",
        "等级": "grade", "业务员": "owner", "合并到": "merged_into",
    },
    "people": {
        "客户编号": "codes", "角色": "role", "姓名": "name", "公司": "company", "国家地区": "region", "邮箱": "email",
        "电话": "phone", "职位": "title",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "kind,heading,field",
    [(kind, heading, field) for kind, headings in CHINESE.items() for heading, field in headings.items()],
)
def test_chinese_headings_are_known(kind: str, heading: str, field: str) -> None:
    assert field_named(kind, heading) == field  # type: ignore[arg-type]
    assert field_named(kind, f"{heading[0]} {heading[1:]} ") == field  # type: ignore[arg-type]


def test_files_and_sheets_are_known_by_english_and_chinese_names() -> None:
    assert [kind_named(name) for name in ("Customers", " SHOWS ", "people", "客户", "notes")] == [
        "customers", "shows", "people", "customers", None,
    ]  # fmt: skip


def test_row_numbers_are_those_of_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text('id,name\n1,"two\nlines"\n\n,,\n4,x\n')
    assert [(row.number, row.cells["name"]) for row in read_tables(tmp_path)["people"].rows] == [
        (2, "two\nlines"),
        (5, "x"),
    ]


HALF_WRITTEN = {
    "nothing at all": b"",
    "only headings": b"id,email\n",
    "only headings, without line end": b"id,email",
    "cut within quotes": b'id,name,email\n1,"Jane',
    "cut within quotes that hold lines": b'id,name,email\n1,"Jane\n2,x,a@x.example\n3,y,b@x.example\n',
    "cut within a row": b"id,name,email\n1,Jane,a@x.example\n2,Jo",
    "cut within a character": "id,name,email\n1,王".encode()[:-1],
    "no column that names a person": b"name,title\nJane,Buyer\n",
    "a column twice": b"id,email,E-Mail\n1,a@x.example,b@x.example\n",
    "no text": bytes(range(128, 256)) * 20,
    "an Excel file by a wrong name": b"PK\x03\x04" + bytes(200),
}


@pytest.mark.parametrize("content", HALF_WRITTEN.values(), ids=HALF_WRITTEN)
def test_a_file_that_cannot_be_trusted_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "people.csv").write_bytes(content)
    (tmp_path / "customers.csv").write_text("code,company\nD12,Gibson\n")
    with pytest.raises(RegistryError, match=r"people\.csv.*Nothing was imported"):
        read_tables(tmp_path)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, len(PEOPLE) - 1))
def test_a_file_cut_anywhere_never_yields_a_wrong_row(cut: int) -> None:
    try:
        records = csv_records(partial(field_named, "people"), PEOPLE[:cut], "people.csv")
    except RegistryError:
        return
    # What is left: whole rows, or a last cell that is shorter than it was.
    for record, whole in zip(
        records[1:],
        [["1", "D12", "王伟", "wang@sd.example"], ["2", "", "Roe, Jane", "jane@x.example"]],
        strict=False,
    ):
        assert record[:-1] == whole[:-1]
        assert whole[-1].startswith(record[-1])


def test_headings_alone_are_fine_for_shows(tmp_path: Path) -> None:
    (tmp_path / "shows.csv").write_text("letter,name\n")
    (tmp_path / "customers.csv").write_text("code,company\nD12,Gibson\n")
    assert read_tables(tmp_path)["shows"].rows == ()


@pytest.mark.parametrize("name", ["nowhere", "cards.csv", "old.xls", "empty"])
def test_a_path_that_is_no_registry_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "cards.csv").write_text(PEOPLE)
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(2000))
    (tmp_path / "empty").mkdir()
    with pytest.raises(RegistryError, match=name):
        read_tables(tmp_path / name)


def test_two_files_for_one_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "People.CSV").write_text(PEOPLE)
    with pytest.raises(RegistryError, match="two files"):
        read_tables(tmp_path)


def workbook(path: Path, sheets: Mapping[str, list[list[object]]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_as_people_typed_it(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "registry.xlsx",
        {
            "Notes": [["anything"]],
            "Customers": [
                ["Code", "Company", "First contact", "Grade", "Show"],
                [12, "Gibson", datetime(2024, 1, 5), None, 3.0],  # noqa: DTZ001
                [None, None, None, None, None],
                ["D12", " Rossi ", date(2024, 1, 6), True, 1.5],
            ],
        },
    )
    table = read_tables(path)["customers"]
    assert table.file == "registry.xlsx (customers)"
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, {"code": "12", "company": "Gibson", "first_contact": "2024-01-05", "show": "3"}),
        (
            4,
            {"code": "D12", "company": "Rossi", "first_contact": "2024-01-06", "grade": "yes", "show": "1.5"},
        ),
    ]


def test_a_workbook_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = workbook(
        tmp_path / "registry.xlsx", {"people": [["id", "email"], ["1", "a@x.example"]]}
    ).read_bytes()
    for size in range(0, len(whole), 97):
        half = tmp_path / "half.xlsx"
        half.write_bytes(whole[:size])
        with pytest.raises(RegistryError, match=r"half\.xlsx"):
            read_tables(half)


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("people.csv", PEOPLE)
    with pytest.raises(RegistryError, match=r"people\.xlsx is no readable workbook"):
        read_tables(path)


def test_a_workbook_that_unpacks_to_far_more_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (9 << 20))
    with pytest.raises(RegistryError, match=r"bomb\.xlsx has \d+ MB"):
        read_workbook(path, largest=1 << 20)


def test_formulas_stay_texts_in_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "registry.xlsx"
    formula = '=HYPERLINK("http://evil.example")'
    write_workbook(path, {"people": [["id", "name", "email"], ["1", formula, "a\x01@x.example"]]})
    assert read_tables(path)["people"].rows[0].cells == {"id": "1", "name": formula, "email": "a @x.example"}


def test_a_stray_byte_of_another_encoding_is_named_by_row_and_never_guessed_at(tmp_path: Path) -> None:
    text = 'id,name,email\n1,"王\n伟",w@x.example\n2,@,m@x.example\n3,李娜,l@x.example\n'.encode()
    (tmp_path / "people.csv").write_bytes(text.replace(b"2,@", "2,Müller".encode("cp1252")))
    with pytest.raises(RegistryError, match=r"people\.csv, row 3: .*UTF-8.*Nothing was imported"):
        read_tables(tmp_path)
    marked = b"\xef\xbb\xbf" + b"id,name,email\n1,M\xfcller,m@x.example\n"
    (tmp_path / "people.csv").write_bytes(marked)
    with pytest.raises(RegistryError, match=r"people\.csv, row 2: "):
        read_tables(tmp_path)


WESTERN = [
    "Müller",
    "Größe",
    "Grüße",
    "Renée",
    "São Paulo",
    "Ümit",
    "Straße",
    "Ångström",
    "MÜLLER AG",
    "O’Neil",
]
CHINESE_WITH_LATIN = [
    "ABC公司",
    "上海ABC",
    "Tom和Mary",
    "王Tom",
    "A股",
    "朱镕基",
    "ABC體育",
    "U盘 KG",
    "公司（ABC）有限",
]


@pytest.mark.parametrize("name", WESTERN)
def test_western_text_that_reads_as_chinese_is_marked(tmp_path: Path, name: str) -> None:
    content = f"id,name,email\n1,{name},m@x.example\n2,Jane,j@x.example\n".encode("cp1252")
    (tmp_path / "people.csv").write_bytes(content)
    assert [row.garbled for row in read_tables(tmp_path)["people"].rows] == [{"name"}, frozenset()]


def test_chinese_text_with_latin_words_is_not_marked(tmp_path: Path) -> None:
    lines = "".join(f"{number},{name},x@x.example\n" for number, name in enumerate(CHINESE_WITH_LATIN))
    (tmp_path / "people.csv").write_text(f"id,name,email\n{lines}", encoding="gb18030")
    rows = read_tables(tmp_path)["people"].rows
    assert [row.cells["name"] for row in rows] == CHINESE_WITH_LATIN
    assert {row.garbled for row in rows} == {frozenset()}


def test_a_rare_character_in_a_utf_8_file_is_nobodys_mistake(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,name,email\n1,M黮ler,x@x.example\n", encoding="utf-8")
    assert read_tables(tmp_path)["people"].rows[0].garbled == frozenset()


def test_a_workbook_with_a_stale_size_loses_no_rows(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "whole.xlsx", {"people": [["id", "email"], ["1", "a@x.example"], ["2", "b@x.example"]]}
    )
    stale = tmp_path / "stale.xlsx"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(stale, "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            assert name != "xl/worksheets/sheet1.xml" or b'ref="A1:B3"' in content
            archive.writestr(name, content.replace(b'<dimension ref="A1:B3"', b'<dimension ref="A1"'))
    assert read_tables(stale)["people"].rows == read_tables(path)["people"].rows


@pytest.mark.parametrize("kind,other", [("customers", "people"), ("people", "customers")])
@pytest.mark.parametrize("rows", [[], [["id", "code", "email"]], [["code", "email"], [None, " "]]])
def test_an_empty_sheet_beside_a_full_one_says_nothing_of_anybody(
    tmp_path: Path, kind: str, other: str, rows: list[list[object]]
) -> None:
    key = {"customers": "code", "people": "id"}[other]
    path = workbook(tmp_path / "registry.xlsx", {kind: rows, other: [[key], ["D12"]]})
    assert set(read_tables(path)) == {other}
