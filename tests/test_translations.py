"""Every sentence that users see can be said in Chinese, with the same fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from mailsync import errors
from mailsync.report.build import AMBIGUOUS, CANDIDATES, SUGGESTIONS
from mailsync.report.wording import KINDS
from mailsync.text import translator

PACKAGE = Path(__file__).parents[1] / "mailsync"
CATALOGUE = PACKAGE / "locale" / "zh_CN.po"


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(PACKAGE.parent)}:{node.lineno}", node


def name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=attr):
            return f"{owner}.{attr}"
    return ""


def templates() -> dict[str, str]:
    """Template → where it is first written."""
    found: dict[str, str] = {}
    for place, call in calls():
        if name_of(call) == "N_" and isinstance(call.args[0], ast.Constant):
            found.setdefault(str(call.args[0].value), place)
    return found


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


CHINESE = {
    str(message.id): str(message.string)
    for message in read_po(BytesIO(CATALOGUE.read_bytes()), locale="zh_CN")
    if message.id
}
#: Errors that carry a template, by name.
ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)
}
CARRIERS = (ERRORS - {"ConfigError"}) | {"Sentence.of", "CodeError", "PreconditionFailed"}


def test_every_template_has_a_translation() -> None:
    missing = {template: place for template, place in templates().items() if not CHINESE.get(template)}
    assert missing == {}


def test_no_translation_is_left_over() -> None:
    assert sorted(CHINESE.keys() - templates().keys()) == []


def test_a_translation_has_the_fields_of_its_template() -> None:
    assert [
        template for template, chinese in CHINESE.items() if chinese and fields(template) != fields(chinese)
    ] == []


@pytest.mark.parametrize("template", ["{0}", "{field!r}", "{field:>3}", "{a.b}", "{a[b]}"])
def test_such_a_field_would_be_seen(template: str) -> None:
    assert not plain(template)


def plain(template: str) -> bool:
    """Only `{name}` fields: a value must not be looked into, nor formatted by the translator."""
    parts = [(name, form, how) for _, name, form, how in Formatter().parse(template) if name is not None]
    return all(name.isidentifier() and not form and not how for name, form, how in parts)


def test_every_kind_of_finding_has_a_word() -> None:
    """The report sorts some kinds into parts of their own; all others are named in a column."""
    kinds = {
        str(keyword.value.value): place
        for place, call in calls()
        if name_of(call) == "Finding"
        for keyword in call.keywords
        if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
    }
    own_part = CANDIDATES | SUGGESTIONS | AMBIGUOUS
    assert kinds
    assert {kind: place for kind, place in kinds.items() if kind not in own_part and kind not in KINDS} == {}


def test_templates_have_plain_fields() -> None:
    assert [template for template in templates() if not plain(template)] == []


def test_every_template_is_marked_where_it_is_written() -> None:
    """A literal handed to a sentence or an error outside N_() would stay English for ever."""
    unmarked = [
        place
        for place, call in calls()
        if name_of(call) in CARRIERS and call.args and isinstance(call.args[0], ast.Constant)
        if call.args[0].value != "{words}"
    ]
    assert unmarked == []


def test_the_translator_speaks_chinese() -> None:
    assert translator("zh_CN")("Address book") == "通讯录"
    assert translator("zh_CN")("A sentence nobody wrote") == "A sentence nobody wrote"
    assert translator("en")("Address book") == "Address book"
