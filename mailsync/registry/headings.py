"""The tables of registry files, their columns, and what people call them (FORMATS 1). Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Literal

Kind = Literal["shows", "customers", "people"]

KINDS: tuple[Kind, ...] = ("shows", "customers", "people")

_TITLES: Mapping[Kind, tuple[str, ...]] = {
    "shows": ("shows", "show", "展会"),
    "customers": ("customers", "customer", "客户"),
    "people": ("people", "contacts", "人员", "联系人"),
}

#: Field → its headings; the first is written on export.
_HEADINGS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    "shows": {
        "letter": ("letter", "展会代号"),
        "name": ("name", "展会名称"),
        "date": ("date", "日期"),
        "city": ("city", "城市"),
        "coded": ("coded", "编号", "是否编号"),
    },
    "customers": {
        "code": ("code", "客户编号"),
        "company": ("company", "公司全称", "公司名称", "公司"),
        "short_name": ("short_name", "公司简称"),
        "country": ("country", "国家"),
        "abbreviation": ("abbreviation", "缩写"),
        "full_code": ("full_code", "订单编号"),
        "channel": ("channel", "来源"),
        "show": ("show", "展会"),
        "first_contact": ("first_contact", "首次联系"),
        "stage": ("stage", "阶段"),
        "stage_since": ("stage_since", "阶段日期"),
        "grade": ("grade", "等级"),
        "owner": ("owner", "业务员"),
        "merged_into": ("merged_into", "合并到"),
        "allocated": ("allocated", "编号时间"),
        "retired": ("retired", "停用"),
        "from_source": ("from_source", "源表提供"),
    },
    "people": {
        "id": ("id",),
        "codes": ("codes", "code", "客户编号"),
        "role": ("role", "角色"),
        "name": ("name", "姓名"),
        "company": ("company", "公司"),
        "region": ("region", "国家地区"),
        "email": ("email", "e-mail", "邮箱"),
        "email2": ("email2", "e-mail2", "邮箱2"),
        "phone": ("phone", "电话"),
        "title": ("title", "职位"),
        "retired": ("retired", "停用"),
        "from_source": ("from_source", "源表提供"),
    },
}

#: The column a table cannot do without.
KEYS: Mapping[Kind, tuple[str, ...]] = {
    "shows": ("letter", "name"),
    "customers": ("code",),
    "people": ("email", "id"),
}


def fields_of(kind: Kind) -> tuple[str, ...]:
    """The columns of a table, in the order in which export writes them."""
    return tuple(_HEADINGS[kind])


def headings_of(kind: Kind, field: str) -> tuple[str, ...]:
    """The headings under which a field is known: English first, then Chinese."""
    return _HEADINGS[kind][field]


def spoken(field: str, *, chinese: bool) -> str:
    """What people call a field, whatever table it is of."""
    for kind in KINDS:
        names = _HEADINGS[kind].get(field, ())
        if found := next((name for name in names if name.isascii() != chinese), None):
            return found
    return field


def kind_named(title: str) -> Kind | None:
    """The table that a file or sheet of this name holds."""
    folded = fold(title)
    return next((kind for kind, titles in _TITLES.items() if folded in titles), None)


def field_named(kind: Kind, heading: str) -> str | None:
    """The field under this heading, in English or Chinese; None where nobody knows it."""
    folded = fold(heading)
    return next(
        (field for field, headings in _HEADINGS[kind].items() if folded in map(fold, headings)),
        None,
    )


def fold(heading: str) -> str:
    """What headings are compared by: no case, blanks, underscores or full width."""
    plain = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(letter for letter in plain if not letter.isspace() and letter not in "_\ufeff\u200b")
