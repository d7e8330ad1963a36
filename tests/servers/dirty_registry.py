"""A registry of 500 customers as it comes out of a Chinese office: known truth, known dirt."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import xlwt

from mailsync.registry.roster import Customer

CUSTOMERS, PER_CUSTOMER = 500, 3
CUSTOMER_COLUMNS = (
    "客户编号", "公司全称", "公司简称", "国家", "订单编号", "来源", "首次联系", "阶段", "等级", "业务员", "合并到",
)  # fmt: skip
PEOPLE_COLUMNS = ("客户编号", "角色", "姓名", "公司", "邮箱", "电话")
COUNTRIES = (
    ("AU", "澳大利亚"),
    ("DE", "Germany"),
    ("CN", "中国"),
    ("GB", "UK"),
    ("IT", "意大利"),
    ("BR", "Brazil"),
)
STAGES = ("lead", "prospect", "sample", "order", "dormant")

Cells = dict[str, str]
#: What is wrong with a row: (cells, truth) → cells as typed, truth as it must be read; None: the row is left out.
Dirt = Callable[[Cells, Customer], tuple[Cells, Customer | None]]


def _without(truth: Customer, **fields: object) -> Customer:
    from dataclasses import replace

    return replace(truth, **fields)  # type: ignore[arg-type]


#: Rows that look odd and say clearly what they mean: read right, and nobody is bothered.
ODD: tuple[Dirt, ...] = (
    lambda cells, truth: (cells | {"客户编号": cells["客户编号"].lower()}, truth),
    lambda cells, truth: (cells | {"客户编号": f"{cells['客户编号'][0]} {cells['客户编号'][1:]}"}, truth),
    lambda cells, truth: (cells | {"等级": "ｂ"}, _without(truth, grade="B")),
    lambda cells, truth: (
        cells | {"首次联系": "2024年3月5日"},
        _without(truth, first_contact=date(2024, 3, 5)),
    ),
    lambda cells, truth: (cells | {"首次联系": "5.1.2024"}, _without(truth, first_contact=date(2024, 1, 5))),
    lambda cells, truth: (cells | {"首次联系": "45296"}, _without(truth, first_contact=date(2024, 1, 5))),
    lambda cells, truth: (cells | {"公司全称": f"  {cells['公司全称']}　"}, truth),
    lambda cells, truth: (cells | {"业务员": f"Li Na <{cells['业务员']}>"}, truth),
    lambda cells, truth: (cells | {"国家": ""}, _without(truth, country=None)),
)
#: Rows with one cell that cannot be read: told, the rest imported.
SPOILED: tuple[Dirt, ...] = (
    lambda cells, truth: (cells | {"国家": "亚特兰蒂斯"}, _without(truth, country=None)),
    lambda cells, truth: (cells | {"首次联系": "5/1/2024"}, _without(truth, first_contact=None)),
    lambda cells, truth: (cells | {"首次联系": "2024-02-30"}, _without(truth, first_contact=None)),
    lambda cells, truth: (cells | {"阶段": "谈判中"}, _without(truth, stage=None)),
    lambda cells, truth: (cells | {"等级": "F"}, _without(truth, grade=None)),
    lambda cells, truth: (cells | {"业务员": "李娜"}, _without(truth, owner=None)),
    lambda cells, truth: (cells | {"合并到": "Z99"}, truth),
    lambda cells, truth: (cells | {"订单编号": "Z99 AUGI"}, truth),
    lambda cells, truth: (cells | {"公司全称": "#N/A"}, _without(truth, company="", abbreviation=None)),
)
#: Rows that do not say whom they are about: told, and left out.
REFUSED: tuple[Dirt, ...] = (
    lambda cells, _: (cells | {"客户编号": ""}, None),
    lambda cells, _: (cells | {"客户编号": "I12"}, None),
    lambda cells, _: (cells | {"客户编号": "O7"}, None),
    lambda cells, _: (cells | {"客户编号": "D0"}, None),
    lambda cells, _: (cells | {"客户编号": "12D"}, None),
    lambda cells, _: (cells | {"客户编号": "1999"}, None),
    lambda cells, _: (cells | {"客户编号": "A01"}, None),  # the first row has it already
)


@dataclass(frozen=True, kw_only=True)
class Dirty:
    """The rows as typed, and what must come of them."""

    customers: list[Cells] = field(default_factory=list)
    people: list[Cells] = field(default_factory=list)
    truth: dict[str, Customer] = field(default_factory=dict)
    engaged: dict[str, tuple[str, ...]] = field(default_factory=dict)  #: address → codes
    told: set[tuple[str, int]] = field(
        default_factory=set
    )  #: (table, row) that must be reported, and no other


def dirty(seed: int = 7) -> Dirty:
    """The same registry for the same seed."""
    chance = random.Random(seed)
    made = Dirty()
    for number in range(CUSTOMERS):
        row = number + 2
        cells, truth = _customer(number, chance)
        kind = chance.random() if number else 1.0
        if kind < 0.2:
            cells, read = chance.choice(ODD)(cells, truth)
        elif kind < 0.35:
            cells, read = chance.choice(SPOILED)(cells, truth)
            made.told.add(("customers", row))
        elif kind < 0.45:
            cells, read = chance.choice(REFUSED)(cells, truth)
            made.told.add(("customers", row))
        else:
            read = truth
        made.customers.append(cells)
        if read is not None:
            made.truth[truth.code] = read
        _people(made, truth.code, read is not None, number)
    return made


def _customer(number: int, chance: random.Random) -> tuple[Cells, Customer]:
    code = f"{'ABCDE'[number % 5]}{number // 5 + 1:02d}"
    country, typed = chance.choice(COUNTRIES)
    company = f"{chance.choice(['顺达', 'Gibson', 'Müller', '林氏', 'Rossi'])} {number} 贸易"
    first, stage, grade = (
        date(2024, 1 + number % 12, 1 + number % 28),
        STAGES[number % 5],
        "ABCDE"[number % 4],
    )
    owner = f"rep{number % 7}@our.example"
    cells = dict.fromkeys(CUSTOMER_COLUMNS, "") | {
        "客户编号": code, "公司全称": company, "国家": typed, "来源": "展会", "首次联系": first.isoformat(), "阶段": stage,
        "等级": grade.lower(), "业务员": owner,
    }  # fmt: skip
    truth = Customer(
        code=code, company=company, country=country, channel="show", show=code[0], first_contact=first, stage=stage,
        grade=grade, owner=owner,
    )  # fmt: skip
    return cells, truth


def _people(made: Dirty, code: str, known: bool, number: int) -> None:
    for person in range(PER_CUSTOMER):
        address = f"p{number}.{person}@x{number}.example"
        cells = dict.fromkeys(PEOPLE_COLUMNS, "") | {
            "客户编号": code, "角色": ("", "货代", "检测")[person], "姓名": f"王{number}", "公司": f"公司 {number}",
            "邮箱": address, "电话": "021-555",
        }  # fmt: skip
        made.people.append(cells)
        row = len(made.people) + 1
        if number % 50 == 7 and person == 0:
            cells["邮箱"] = "没有邮箱"
            made.told.add(("people", row))
            continue
        if number % 50 == 9 and person == 1:
            cells["角色"] = "司机"
            made.told.add(("people", row))
        made.engaged[address] = (code,) if known else ()
        if not known:
            made.told.add(("people", row))


def write_csv(folder: Path, made: Dirty) -> Path:
    """As Excel in China saves “CSV”: GB18030."""
    folder.mkdir()
    for name, rows in (("客户.csv", made.customers), ("人员.csv", made.people)):
        with (folder / name).open("w", encoding="gb18030", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def write_xls(path: Path, made: Dirty) -> Path:
    """As an old Excel in China saves a workbook."""
    book = xlwt.Workbook(encoding="gb18030")
    for title, rows in (("客户", made.customers), ("人员", made.people)):
        sheet = book.add_sheet(title)
        for column, heading in enumerate(rows[0]):
            sheet.write(0, column, heading)
            for number, row in enumerate(rows, 1):
                if row[heading]:
                    sheet.write(number, column, row[heading])
    book.save(str(path))
    return path
