"""Files for mail programs without CardDAV: who is in them, and what each program reads there."""

from __future__ import annotations

import base64
import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.addressbook.export import people_in
from mailsync.addressbook.importable import FORMATS, file_of
from mailsync.addressbook.matching import Target
from mailsync.cli.main import run
from mailsync.errors import UsageError
from mailsync.lookup.importable import importable, importable_file
from mailsync.registry.exchange import import_registry
from mailsync.registry.roster import Contact, Customer
from mailsync.tidy.desk import Desk, open_desk
from mailsync.tidy.settings import House
from tests import strategies
from tests.servers.registry_files import write_registry

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVIL = "=cmd|' /C calc'!A0"
CUSTOMERS = [
    {"code": "D12", "company": "Gibson Importing", "country": "AU", "owner": "li@our.example"},
    {"code": "E05", "company": EVIL, "country": "ES", "owner": "wu@our.example"},
]
PEOPLE = [
    {"id": "1", "codes": "D12", "name": "Jane Roe", "email": "jane@gibson.example; j2@gibson.example", "title": "Buyer", "phone": "+61 2 5550 0101"},
    {"id": "2", "codes": "D12 E05", "role": "forwarder", "name": "王伟", "company": "顺达货代", "email": "wang@sd.example", "region": "SH"},
    {"id": "3", "codes": "E05", "name": "Ana", "email": "ana@roca.example", "title": EVIL},
    {"id": "4", "codes": "", "name": "A Lead", "company": "Lead Ltd", "email": "lead@lead.example"},
    {"id": "5", "codes": "D12", "name": "No Address"},
]  # fmt: skip
NAMES = {
    "D12 Jane Roe/Gibson Importing/AU",
    "D12 王伟/顺达货代/SH",
    "E05 王伟/顺达货代/SH",
    "E05 Ana/=cmd|' -C calc'!A0/ES",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = open_desk(House(database=f"sqlite:///{tmp_path / 'mailsync.db'}", state_dir=tmp_path))
    folder = write_registry(tmp_path / "in", customers=CUSTOMERS, people=PEOPLE)
    import_registry(desk.engine, folder, now=NOW)
    yield desk
    desk.engine.dispose()


def rows(data: bytes, encoding: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(encoding))))


def ldif(data: bytes) -> list[dict[str, list[str]]]:
    """The entries of an LDIF file (RFC 2849)."""
    assert data.isascii() and max(map(len, data.split(b"\n"))) <= 76
    entries = []
    for block in data.decode().replace("\n ", "").strip("\n").split("\n\n"):
        entry: defaultdict[str, list[str]] = defaultdict(list)
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            plain = base64.b64decode(value[1:]).decode() if value.startswith(":") else value.removeprefix(" ")
            entry[name].append(plain)
        entries.append(dict(entry))
    return entries


def file(desk: Desk, kind: str, language: str = "en", **options: str) -> bytes:
    house = House(database=desk.house.database, state_dir=desk.house.state_dir, language=language)
    return importable_file(desk.engine, house, kind, **options)[0]


def test_everybody_engaged_is_in_each_file_with_the_display_name(desk: Desk) -> None:
    cards = file(desk, "vcf")
    assert cards.count(b"BEGIN:VCARD\r\n") == len(NAMES)
    assert {person.said["name"] for person in people_in(cards)} == NAMES
    assert {row["E-mail Display Name"] for row in rows(file(desk, "outlook-csv"), "utf-8-sig")} == NAMES
    assert {row["First Name"] for row in rows(file(desk, "outlook-csv"), "utf-8-sig")} == NAMES
    assert {row["姓名"] for row in rows(file(desk, "foxmail-csv"), "gb18030")} == NAMES
    assert {entry["cn"][0] for entry in ldif(file(desk, "ldif"))} == NAMES


def test_what_else_a_program_reads(desk: Desk) -> None:
    (jane,) = (one for one in rows(file(desk, "outlook-csv"), "utf-8-sig") if "Jane" in one["First Name"])
    assert jane["E-mail 2 Address"] == "j2@gibson.example"
    assert (jane["Job Title"], jane["Company"], jane["Categories"]) == ("Buyer", "Gibson Importing", "D12")
    assert jane["Business Phone"] == "+61 2 5550 0101"  # a number is no formula, and must stay one
    (wang, _) = (one for one in rows(file(desk, "foxmail-csv"), "gb18030") if "王伟" in one["姓名"])
    assert (wang["昵称"], wang["公司"], wang["电子邮件地址"]) == ("D12", "顺达货代", "wang@sd.example")
    (jane_entry,) = (one for one in ldif(file(desk, "ldif")) if "Jane" in one["cn"][0])
    assert jane_entry["mozillaNickname"] == ["D12"] and "mozillaAbPersonAlpha" in jane_entry["objectclass"]
    assert jane_entry["dn"] == ["cn=D12 Jane Roe/Gibson Importing/AU,mail=jane@gibson.example"]


def test_no_cell_is_a_formula(desk: Desk) -> None:
    for kind in ("outlook-csv", "foxmail-csv"):
        data = file(desk, kind)
        cells = [
            cell
            for row in rows(data, "gb18030" if kind == "foxmail-csv" else "utf-8-sig")
            for cell in row.values()
        ]
        assert any(EVIL in cell for cell in cells)
        assert not [cell for cell in cells if cell[:1] in ("=", "-", "@", "\t")]  # fmt: skip


@given(strategies.names, strategies.names, st.sampled_from(sorted(FORMATS)))
def test_no_name_breaks_a_file(name: str, company: str, kind: str) -> None:
    contact = Contact(
        id="1", role="contact", name=name, company=company, title=company, addresses=("a@b.example",)
    )
    target = Target(
        contact=contact, customer=Customer(code="D12", company="X"), codes=("D12",), fn=f"D12 {name}", uid="u",
        renewed_uid="v", former_uids=frozenset(),
    )  # fmt: skip
    data = file_of(FORMATS[kind], [target, target], encoding=FORMATS[kind].encoding)
    if kind == "vcf":
        assert data.count(b"BEGIN:VCARD\r\n") == data.count(b"END:VCARD\r\n") == 2
    elif kind == "ldif":
        assert [entry["mail"] for entry in ldif(data)] == [["a@b.example"]] * 2
    else:
        found = rows(data, FORMATS[kind].encoding)
        assert len(found) == 2 and all(None not in row and None not in row.values() for row in found)


def test_chinese_houses_get_csv_in_the_code_page_of_their_windows(desk: Desk) -> None:
    assert rows(file(desk, "outlook-csv", "zh_CN"), "gb18030")
    assert file(desk, "outlook-csv", "zh_CN", encoding="utf-8-sig").startswith(b"\xef\xbb\xbf")
    assert file(desk, "vcf", "zh_CN") == file(desk, "vcf", "en")
    with pytest.raises(UsageError, match="utf-8, utf-8-sig, gb18030"):
        file(desk, "vcf", encoding="latin-1")


def test_a_scope_chooses_customers(desk: Desk) -> None:
    found = importable(desk.engine, desk.house, scope="codes:E05")
    assert {entry.fn for entry in found.entries} == {name for name in NAMES if name.startswith("E05")}
    found = importable(desk.engine, desk.house, scope="owner:li@our.example")
    assert {entry.codes for entry in found.entries} == {("D12",)}
    assert found.without_address == 1


def test_since_a_run_only_who_changed(desk: Desk, tmp_path: Path) -> None:
    later = NOW + timedelta(days=1)
    assert importable(desk.engine, desk.house, since=later).entries == ()
    changed = [dict(PEOPLE[0], title="Head of purchasing"), *PEOPLE[1:]]
    import_registry(
        desk.engine, write_registry(tmp_path / "in", customers=CUSTOMERS, people=changed), now=later
    )
    assert [entry.contact.id for entry in importable(desk.engine, desk.house, since=later).entries] == ["1"]
    customers = [CUSTOMERS[0], dict(CUSTOMERS[1], short_name="Roca")]
    after = later + timedelta(days=1)
    import_registry(
        desk.engine, write_registry(tmp_path / "in", customers=customers, people=changed), now=after
    )
    assert {entry.codes for entry in importable(desk.engine, desk.house, since=after).entries} == {("E05",)}


def test_typed_as_people_type_it(
    desk: Desk, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    config = tmp_path / "mailsync.toml"
    config.write_text(f'database = "{desk.house.database}"\nstate_dir = "."\nlanguage = "en"\n')

    def typed(*words: str) -> tuple[int, str]:
        code = run(["--config", str(config), *words])
        captured = capfdbinary.readouterr()
        return code, captured.out.decode() + captured.err.decode()

    assert typed("export", "--format", "vcf")[1].count("BEGIN:VCARD") == len(NAMES)
    target = tmp_path / "out.csv"
    code, said = typed("export", str(target), "--format", "outlook-csv")
    assert code == 0 and "4 entries" in said and "1 people have no e-mail address" in said
    assert rows(target.read_bytes(), "utf-8-sig")
    run_id = desk.journal.start_run("li").id
    assert typed("contacts", "retire", "3")[0] == 0
    code, said = typed("export", str(target), "--format", "vcf", "--since", run_id)
    assert code == 0 and "0 entries" in said and "Delete there: Ana <ana@roca.example>" in said
    for words, expected in (
        (("export", "--format", "xls"), "vcf, outlook-csv, foxmail-csv, ldif"),
        (("export", "--since", "nothing"), "nothing"),
        (("export", "--scope", "everybody"), "scope"),
        (("export", str(tmp_path / "no" / "where.vcf")), "cannot be written"),
    ):
        code, said = typed(*words)
        assert (code, expected in said) == (2, True), said
