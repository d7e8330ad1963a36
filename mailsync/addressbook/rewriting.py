"""Rewriting a card's name properties and giving the former ones back (DOMAIN 5). Pure.

Only FN, N, NICKNAME and CATEGORIES are ever touched, in vCard 2.1 only FN and N; each edit repeated changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mailsync.addressbook.contentlines import (
    FOLD_AT,
    CardText,
    Line,
    escape,
    fold,
    join,
    read,
    split,
    split_unescaped,
    unescape,
)
from mailsync.run.actions import FormerProperties, NameProperties
from mailsync.text import one_line

#: Kept before the first rewrite, given back by a restore.
NAME_PROPERTIES = (b"FN", b"N", b"NICKNAME")
N_PARTS = 5  #: family; given; additional; prefixes; suffixes (RFC 6350 6.2.2)

_ANY_EOL = re.compile(rb"\r\n|\n|\r")

#: What no item can be put behind: an open escape, or a fold with nothing after it.
_NO_END = (b"\\", b"\n ", b"\n\t", b"\r ", b"\r\t")

#: Parameters that say how a value is written; ours is plain UTF-8.
_WRITTEN = ("ENCODING=", "CHARSET=")
_WRITTEN_BARE = ("QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT", "B")


def edit(data: bytes, wanted: NameProperties | FormerProperties) -> bytes:
    """`data` with only its name properties changed. Raises `ItemError` where it is no single, whole vCard."""
    return edit_text(read(data), wanted)


def edit_text(card: CardText, wanted: NameProperties | FormerProperties) -> bytes:
    """The same for a card that is read already."""
    lines = _named(card, wanted) if isinstance(wanted, NameProperties) else _restored(card, wanted)
    return join(card.bom, lines)


def is_right(card: CardText, wanted: NameProperties) -> bool:
    """Whether the card already carries these names, so that an edit would change no byte."""
    return tuple(_named(card, wanted)) == card.lines


def taken_from(data: bytes, drop_categories: tuple[str, ...] = ()) -> FormerProperties:
    """What gives the card's names back after a rewrite: its FN, N and NICKNAME lines as they stand. Raises
    `ItemError`."""
    card = read(data)
    return FormerProperties(
        lines=tuple(
            line.raw.decode("utf-8", "surrogateescape")
            for line in card.lines
            if line.depth == 1 and line.name in NAME_PROPERTIES
        ),
        drop_categories=drop_categories,
        version=card.version,
    )


def chosen(lines: list[Line]) -> Line | None:
    """Of several properties of one name the preferred one (RFC 6350 5.3), else the first."""
    return min(lines, key=_preference, default=None)


def _preference(line: Line) -> int:
    preference = line.parameter("PREF") or ""
    return int(preference) if preference.isdecimal() else 101


def components(value: str) -> tuple[str, ...]:
    """The parts of a structured value (N, ORG), unescaped; a part's list stays joined with commas."""
    return tuple(unescape(part) for part in split_unescaped(value, ";"))


# ----- giving a name


def _named(card: CardText, wanted: NameProperties) -> list[Line]:
    lines = list(card.lines)
    fn = one_line(wanted.fn)
    _put(card, lines, b"FN", fn, [fn])
    if wanted.given is not None:
        given = one_line(wanted.given)
        _put(card, lines, b"N", ["", given, "", "", ""], ["", given, "", "", ""])
    if card.version == "2.1":
        return lines
    if wanted.nickname is not None:
        nickname = one_line(wanted.nickname)
        _put(card, lines, b"NICKNAME", nickname, [nickname])
    for code in reversed(wanted.drop_categories):
        _drop_category(card, lines, code)
    for code in wanted.add_categories:
        _add_category(card, lines, code)
    return lines


def _put(card: CardText, lines: list[Line], name: bytes, value: str | list[str], held: list[str]) -> None:
    """Let the preferred property of this name say `value`; it stays as it is where it already says so."""
    line = chosen([line for line in lines if line.depth == 1 and line.name == name])
    if line is not None and _says(line, name, held):
        return
    new = _written(card, name if line is None else line.head, value)
    if line is None:
        lines.insert(_place(lines, name), new)
    else:
        lines[lines.index(line)] = new


def _says(line: Line, name: bytes, held: list[str]) -> bool:
    if name == b"N":
        parts = list(components(line.text))
        return parts + [""] * (N_PARTS - len(parts)) == held
    if name == b"NICKNAME" and len(split_unescaped(line.text, ",")) > 1:
        return False  # a list: servers and clients keep only its first item
    return unescape(line.text) == held[0]


def _written(card: CardText, head: bytes, value: str | list[str]) -> Line:
    parts = [value] if isinstance(value, str) else value
    if card.version == "2.1":
        # 2.1 escapes only the semicolon of structured values, and unfolds differently: so no folds there.
        text = ";".join(part.replace(";", "\\;") if len(parts) > 1 else part for part in parts)
    else:
        text = ";".join(escape(part) for part in parts)
    group_and_name, *parameters = _head_parts(head)
    kept = [parameter for parameter in parameters if not _says_how_written(parameter)]
    if card.version == "2.1" and not text.isascii():
        kept.append(b"CHARSET=UTF-8")
    new_head = b";".join([group_and_name, *kept])
    body = new_head + b":" + text.encode("utf-8", "replace")
    raw = body + card.eol if card.version == "2.1" else fold(body, card.eol)
    return Line(raw, new_head, text.encode("utf-8", "replace"), 1)


def _head_parts(head: bytes) -> list[bytes]:
    line = Line(b"", head, b"", 1)
    encoded = [parameter.encode("utf-8", "surrogateescape") for parameter in line.parameters]
    return [head.partition(b";")[0], *encoded]


def _says_how_written(parameter: bytes) -> bool:
    upper = parameter.strip().upper().decode("ascii", "replace")
    return upper.startswith(_WRITTEN) or upper in _WRITTEN_BARE


def _place(lines: list[Line], name: bytes) -> int:
    """Where a missing property goes: behind those that stand before it by custom."""
    order = (b"VERSION", *NAME_PROPERTIES, b"CATEGORIES")
    before = order[: order.index(name)]
    positions = [position for position, line in enumerate(lines) if line.depth == 1 and line.name in before]
    return max(positions) + 1


# ----- categories


def category_items(line: Line) -> list[str]:
    """The items of a CATEGORIES (or NICKNAME) line, unescaped and trimmed; no empty ones."""
    return [item for part in split_unescaped(line.text, ",") if (item := unescape(part).strip())]


def _categories(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.depth == 1 and line.name == b"CATEGORIES"]


def _add_category(card: CardText, lines: list[Line], code: str) -> None:
    present = _categories(lines)
    if any(item.casefold() == code.casefold() for line in present for item in category_items(line)):
        return
    item = escape(code).encode()
    for line in present:
        if category_items(line) and not line.encoded and not line.raw.rstrip(b"\r\n").endswith(_NO_END):
            lines[lines.index(line)] = _appended(line, item, card.eol)
            return
    position = lines.index(present[-1]) + 1 if present else _place(lines, b"CATEGORIES")
    lines.insert(position, Line(fold(b"CATEGORIES:" + item, card.eol), b"CATEGORIES", item, 1))


def _appended(line: Line, item: bytes, eol: bytes) -> Line:
    """`line` with one item more at its end; what stands before it keeps its bytes and folds."""
    body = line.raw.rstrip(b"\r\n")
    end = line.raw[len(body) :]
    last = body[max(body.rfind(b"\n"), body.rfind(b"\r")) + 1 :]
    separator = b"," if len(last) + 1 + len(item) <= FOLD_AT else eol + b" ,"
    return replace(line, raw=body + separator + item + end, value=line.value + b"," + item)


def _drop_category(card: CardText, lines: list[Line], code: str) -> None:
    for line in _categories(lines):
        items = split_unescaped(line.text, ",")
        kept = [item for item in items if unescape(item).strip() != code]
        if len(kept) == len(items):
            continue
        position = lines.index(line)
        if not any(item.strip() for item in kept):
            del lines[position]
            continue
        body, item = line.raw.rstrip(b"\r\n"), b"," + escape(code).encode()
        if len(kept) == len(items) - 1 and body.endswith(item):
            # The last item, as we append it: what stands before it gets its own bytes back.
            end = line.raw[len(body) :]
            rest = body.removesuffix(item).removesuffix(card.eol + b" ")
            lines[position] = replace(line, raw=rest + end, value=line.value.removesuffix(item))
        else:
            value = ",".join(kept).encode()
            lines[position] = replace(line, raw=fold(line.head + b":" + value, card.eol), value=value)


# ----- giving the former name back


def _restored(card: CardText, former: FormerProperties) -> list[Line]:
    lines = list(card.lines)
    before = [line for raw in former.lines for line in _fitted(raw, former, card)]
    for name in NAME_PROPERTIES[:2] if card.version == "2.1" else NAME_PROPERTIES:
        _give_back(lines, name, [line for line in before if line.name == name])
    if card.version != "2.1":
        for code in reversed(former.drop_categories):
            _drop_category(card, lines, code)
    return lines


def _fitted(raw: str, former: FormerProperties, card: CardText) -> list[Line]:
    """A former line fit for the card as it is now: it gets the card's line end where it has none, and no encoding of
    another version."""
    data = raw.encode("utf-8", "surrogateescape")
    if not data.endswith((b"\r", b"\n")):
        data = _ANY_EOL.sub(card.eol, data) + card.eol
    found = []
    for line in split(data):
        fitted = Line(line.raw, line.head, line.value, 1)
        if card.version not in ("2.1", former.version) and (line.encoded or not _is_utf8(line)):
            parts = list(components(line.text))
            fitted = _written(card, line.head, parts if line.name == b"N" else unescape(line.text))
        found.append(fitted)
    return found


def _is_utf8(line: Line) -> bool:
    return (line.parameter("CHARSET") or "UTF-8").upper() in ("UTF-8", "US-ASCII")


def _give_back(lines: list[Line], name: bytes, former: list[Line]) -> None:
    held = [position for position, line in enumerate(lines) if line.depth == 1 and line.name == name]
    for position, line in zip(held, former, strict=False):
        lines[position] = line
    if not former:
        # The card had none: what stands there now is ours.
        for position in reversed(held):
            del lines[position]
    elif len(former) > len(held):
        place = held[-1] + 1 if held else _place(lines, name)
        lines[place:place] = former[len(held) :]
