"""vCard text as content lines, kept byte for byte (vCard 2.1, RFC 2426, RFC 6350). Pure.

A *content line* is one property: group, name, parameters, value, with its folds and line end (its *raw* bytes).
What is not edited is never decoded, refolded or reordered.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mailsync.errors import ItemError
from mailsync.text import N_

BOM = b"\xef\xbb\xbf"
VERSIONS = ("2.1", "3.0", "4.0")
FOLD_AT = 75  #: octets, without the line end (RFC 6350 3.2)

_EOL = rb"(?:\r\n|\n|\r)"
_LOGICAL = re.compile(rb"[^\r\n]*(?:" + _EOL + rb"[ \t][^\r\n]*)*(?:" + _EOL + rb"|\Z)")
_FOLD = re.compile(_EOL + rb"[ \t]")
_SOFT_FOLD = re.compile(rb"=?" + _EOL + rb"[ \t]")
_HEAD = re.compile(rb'[^:"]*(?:"[^"]*"[^:"]*)*:')
_PARAMETER = re.compile(r';((?:[^";]|"[^"]*"?)*)')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One content line."""

    raw: bytes  #: physical bytes, folds and line end included
    head: bytes  #: group, name and parameters, unfolded; empty where the line is no property
    value: bytes  #: unfolded, still escaped or encoded
    depth: int  #: 1 for a property of the card itself, more inside a nested card
    name: bytes = field(init=False)  #: upper case, without its group

    def __post_init__(self) -> None:
        group_and_name = self.head.partition(b";")[0]
        object.__setattr__(self, "name", group_and_name.rpartition(b".")[2].strip().upper())

    @property
    def parameters(self) -> tuple[str, ...]:
        """Each parameter as written, without its semicolon: `TYPE=work`, in 2.1 also a bare `HOME`."""
        if b";" not in self.head:
            return ()
        return tuple(_PARAMETER.findall(self.head.decode("utf-8", "surrogateescape")))

    def parameter(self, name: str) -> str | None:
        """The value of the first parameter of this name, without quotes."""
        for parameter in self.parameters:
            key, equals, value = parameter.partition("=")
            if equals and key.strip().upper() == name:
                return value.strip().strip('"')
        return None

    @property
    def encoded(self) -> bool:
        """Whether the value is quoted-printable or base64."""
        return is_quoted_printable(self.head) or any(
            (parameter.upper().removeprefix("ENCODING=")) in ("B", "BASE64") for parameter in self.parameters
        )

    @property
    def text(self) -> str:
        """The value decoded, its backslashes still in place."""
        value = self.value
        if is_quoted_printable(self.head):
            value = quopri.decodestring(value)
        return _decode(value, self.parameter("CHARSET"))


@dataclass(frozen=True, slots=True)
class CardText:
    """The content lines of one vCard."""

    bom: bytes
    lines: tuple[Line, ...]
    version: str
    eol: bytes

    def find(self, name: bytes) -> list[Line]:
        """The card's own properties of this (upper-case) name, in their order."""
        return [line for line in self.lines if line.depth == 1 and line.name == name]

    @property
    def data(self) -> bytes:
        return join(self.bom, self.lines)


def join(bom: bytes, lines: Iterable[Line]) -> bytes:
    return bom + b"".join(line.raw for line in lines)


def same_but_for_line_ends(one: bytes, other: bytes) -> bool:
    """Whether both are the same text: a listing shows every line end as LF."""
    return _any_eol_as_lf(one) == _any_eol_as_lf(other)


def _any_eol_as_lf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def read(data: bytes) -> CardText:
    """The one card in `data`. Raises `ItemError` with the reason where `data` is no single, whole, known vCard."""
    lines = tuple(split(data))
    begins = [line for line in lines if line.name == b"BEGIN" and line.depth == 1]
    if not begins or begins[0] is not next(line for line in lines if line.raw.strip()):
        raise ItemError(N_("it does not begin with BEGIN:VCARD"))
    if len(begins) > 1:
        raise ItemError(N_("{count} vCards lie in one entry"), count=len(begins))
    if not any(line.name == b"END" and line.depth == 1 for line in lines):
        raise ItemError(N_("its end is missing (END:VCARD)"))
    versions = [line.text.strip() for line in lines if line.name == b"VERSION" and line.depth == 1]
    if not versions or versions[0] not in VERSIONS:
        raise ItemError(N_("its VERSION is none of 2.1, 3.0, 4.0"))
    if versions[0] != "2.1" and not all(_is_utf8(line.value) for line in lines):
        raise ItemError(N_("it is not written in UTF-8"))
    return CardText(BOM if data.startswith(BOM) else b"", lines, versions[0], _usual_eol(lines))


def _usual_eol(lines: tuple[Line, ...]) -> bytes:
    crlf = sum(line.raw.endswith(b"\r\n") for line in lines)
    if crlf * 2 >= len(lines) - 1:
        return b"\r\n"
    # A lone CR only where no LF is: before one it would become half of a CR LF.
    return b"\n" if any(line.raw.endswith(b"\n") for line in lines) else b"\r"


def split(data: bytes) -> Iterator[Line]:
    """The content lines of `data`, whatever it is; their raw bytes joined (and the BOM) give `data` again."""
    depth = 0
    raws = (match[0] for match in _LOGICAL.finditer(data, len(BOM) if data.startswith(BOM) else 0))
    for raw in raws:
        if not raw:
            continue
        line = _line(raw, depth)
        while is_quoted_printable(line.head) and line.value.endswith(b"="):
            # A soft line break of quoted-printable: the next physical line goes on without a blank.
            following = next(raws, b"")
            if not following:
                break
            rest = _SOFT_FOLD.sub(b"", following.rstrip(b"\r\n"))
            line = Line(line.raw + following, line.head, line.value[:-1] + rest, depth)
        if line.name == b"BEGIN":
            depth += 1
            line = Line(line.raw, line.head, line.value, depth)
        yield line
        if line.name == b"END":
            depth = max(0, depth - 1)


def _line(raw: bytes, depth: int) -> Line:
    body = raw.rstrip(b"\r\n")
    unfolded = _FOLD.sub(b"", body) if b"\n" in body or b"\r" in body else body
    match = _HEAD.match(unfolded)
    end = match.end() if match else unfolded.find(b":") + 1
    if not end:
        return Line(raw, b"", unfolded, depth)
    head = unfolded[: end - 1]
    if is_quoted_printable(head) and unfolded is not body:
        unfolded = _SOFT_FOLD.sub(b"", body)
    return Line(raw, head, unfolded[end:], depth)


def is_quoted_printable(head: bytes) -> bool:
    return b";" in head and b"QUOTED-PRINTABLE" in head.upper()


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(value: bytes, charset: str | None) -> str:
    for name in (charset, "utf-8", "gb18030"):
        if name:
            try:
                return value.decode(name)
            except (
                LookupError,
                ValueError,
            ):  # a charset of that name is not known, or cannot even be looked for
                continue
    return value.decode("latin-1")


def escape(text: str) -> str:
    """`text` as a value, or as one item of a list (RFC 6350 3.4)."""
    escaped = text.replace("\\", "\\\\").replace("\r\n", "\n").replace("\n", "\\n")
    return escaped.replace(",", "\\,").replace(";", "\\;")


def unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], text) if "\\" in text else text


def split_unescaped(text: str, separator: str) -> list[str]:
    """`text` at each `separator` that has no backslash before it; the parts stay escaped."""
    if "\\" not in text:
        return text.split(separator)
    parts, start, escaped = [], 0, False
    for position, char in enumerate(text):
        if char == separator and not escaped:
            parts.append(text[start:position])
            start = position + 1
        escaped = char == "\\" and not escaped
    return [*parts, text[start:]]


def fold(line: bytes, eol: bytes) -> bytes:
    """`line` folded at 75 octets, never inside a UTF-8 sequence nor beside a blank (some clients trim there)."""
    pieces, width = [], FOLD_AT
    while len(line) > width:
        end = _fold_point(line, width)
        pieces.append(line[:end])
        line, width = line[end:], FOLD_AT - 1
    return (eol + b" ").join([*pieces, line]) + eol


def _fold_point(line: bytes, width: int) -> int:
    end = width
    while end > 1 and line[end] & 0xC0 == 0x80:
        end -= 1
    boundary = end
    while end > 1 and (line[end] & 0xC0 == 0x80 or line[end] == 0x20 or line[end - 1] == 0x20):
        end -= 1
    return end if end > 1 else boundary
