"""What people type into registry cells → values (FORMATS 1). Pure. Each function raises `CellError` with the reason."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from mailsync.registry import codes
from mailsync.registry.abbreviation import is_abbreviation
from mailsync.registry.codes import CodeError
from mailsync.registry.countries import country_code
from mailsync.text import N_, Sentence, normalise_address, one_line

STAGES = ("lead", "prospect", "sample", "order", "dormant")
GRADES = "ABCDE"
ROLES = {
    "contact": "contact",
    "customer": "contact",
    "buyer": "contact",
    "联系人": "contact",
    "客户": "contact",
    "forwarder": "forwarder",
    "freight forwarder": "forwarder",
    "货代": "forwarder",
    "inspector": "inspector",
    "inspection": "inspector",
    "testing": "inspector",
    "lab": "inspector",
    "验货": "inspector",
    "检测": "inspector",
}
_YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "1", "是"), True),
    **dict.fromkeys(("no", "n", "false", "0", "否"), False),
}
_SHOW_LETTERS = re.compile(r"[A-HJ-NP-Z]{1,2}")
_FULL_CODE_TAIL = re.compile(r"[A-Z]{2}[A-Z0-9]{2,4}")
_ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]{1,64}@(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"
)
_LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3 and erratum 1690
#: Between codes, and between addresses, of one cell.
_SEPARATORS = re.compile(r"[,;，；、/|\n\r]+")
_YEARS = range(1970, 2100)
_EXCEL_EPOCH = date(1899, 12, 30)
_YEAR_FIRST = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ][\d:.+Z-]*)?")
_EIGHT_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4})")
_WORDED = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y")


class CellError(ValueError):
    """A cell that says nothing we can read; `reason` is for the person who typed it."""

    def __init__(self, template: str, **fields: object) -> None:
        self.reason = Sentence.of(template, **fields)
        super().__init__(str(self.reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """A cell with several values: those that can be read, and why the others cannot."""

    good: tuple[str, ...]
    bad: tuple[Sentence, ...]


def text(cell: str) -> str:
    """Free text on one line."""
    return one_line(cell)


def cell_text(value: object) -> str:
    """A value as a person would type it: whole numbers without `.0`, dates as 2024-01-05, None empty."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case Decimal() if value.is_finite() and value == value.to_integral_value():
            return str(int(value))
        case datetime():
            return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def when(cell: str) -> date:
    """A date as people type it; day and month are never guessed: 5/1/2024 is refused, 5.1.2024 is 5 January."""
    typed = " ".join(unicodedata.normalize("NFKC", cell).replace(",", " ").split())
    try:
        found = _numeric_date(typed) or _worded_date(typed)
    except ValueError as error:
        raise CellError(N_("“{text}” is no date: there is no such day"), text=cell) from error
    if found is None:
        raise CellError(N_("“{text}” is no date we can read for sure: write 2024-01-05"), text=cell)
    if found.year not in _YEARS:
        raise CellError(N_("“{text}” is no date: the year cannot be right"), text=cell)
    return found


def _numeric_date(typed: str) -> date | None:
    if match := _YEAR_FIRST.fullmatch(typed) or _EIGHT_DIGITS.fullmatch(typed):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := _DOTTED.fullmatch(typed):
        return date(int(match[3]), int(match[2]), int(match[1]))
    if match := _SLASHED.fullmatch(typed):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        if first == second or first > 12:
            return date(year, second, first)
        return date(year, first, second) if second > 12 else None
    if re.fullmatch(r"[2-6]\d{4}", typed):  # Excel's count of days, left over where a date lost its format
        return _EXCEL_EPOCH + timedelta(days=int(typed))
    return None


def _worded_date(typed: str) -> date | None:
    for form in _WORDED:
        try:
            return datetime.strptime(typed, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def moment(cell: str) -> datetime:
    """A time as export writes it (ISO 8601 with offset), or a date: its first moment in UTC."""
    try:
        found = datetime.fromisoformat(cell)
    except ValueError:
        day = when(cell)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    if found.year not in _YEARS:
        raise CellError(N_("“{text}” is no date: the year cannot be right"), text=cell)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def yes_no(cell: str) -> bool:
    """yes or no."""
    answer = _YES_NO.get(_folded(cell))
    if answer is None:
        raise CellError(N_("“{text}” is neither yes nor no"), text=cell)
    return answer


def retired(cell: str) -> datetime | bool:
    """Since when a row is retired, or whether it is."""
    try:
        return yes_no(cell)
    except CellError:
        return moment(cell)


def country(cell: str) -> str:
    """A country as its alpha-2 code."""
    found = country_code(cell)
    if found is None:
        raise CellError(
            N_("“{text}” is no country we know: write its two-letter ISO code, such as AU"), text=cell
        )
    return found


def stage(cell: str) -> str:
    """A stage of DOMAIN 3."""
    folded = _folded(cell)
    if folded not in STAGES:
        raise CellError(
            N_("“{text}” is no stage: write one of {stages}"), text=cell, stages=", ".join(STAGES)
        )
    return folded


def grade(cell: str) -> str:
    """A grade of DOMAIN 10, A–E."""
    letter = codes.fold(cell)
    if len(letter) != 1 or letter not in GRADES:
        raise CellError(N_("“{text}” is no grade: write a letter from A to E"), text=cell)
    return letter


def role(cell: str) -> str:
    """What a person is to the customer: contact, forwarder or inspector."""
    found = ROLES.get(_folded(cell))
    if found is None:
        raise CellError(
            N_("“{text}” is no role: write contact, forwarder or inspector; the row counts as a contact"),
            text=cell,
        )
    return found


def channel(cell: str) -> str:
    """Where the customer came from: `show`, or any text."""
    return "show" if _folded(cell) in ("show", "展会") else one_line(cell)


def abbreviation(cell: str) -> str:
    """A company's abbreviation."""
    letters = codes.fold(cell)
    if not is_abbreviation(letters):
        raise CellError(
            N_("“{text}” is no abbreviation: write 2 to 4 letters or digits, such as GI"), text=cell
        )
    return letters


def show_letter(cell: str) -> str:
    """The letter or letters of a show."""
    letters = codes.fold(cell)
    if not _SHOW_LETTERS.fullmatch(letters):
        raise CellError(
            N_("“{text}” is no show letter: write A to Z or AA to ZZ, without I and O, which read as digits"),
            text=cell,
        )
    return letters


def code(cell: str) -> str:
    """A code in its registry form; a full code counts as its code."""
    try:
        return codes.registry_form(cell)
    except CodeError as error:
        try:
            return codes.split_full(cell)[0]
        except CodeError:
            raise CellError(error.reason.template, **dict(error.reason.fields)) from error


def full_code(cell: str) -> str:
    """A full code: code in its registry form, one blank, tail."""
    try:
        return " ".join(codes.split_full(cell))
    except CodeError as error:
        raise CellError(error.reason.template, **dict(error.reason.fields)) from error


def address(cell: str) -> str:
    """One e-mail address, normalised; `Jane Roe <jane@x.example>` and `mailto:` are understood."""
    inner = re.search(r"<([^<>]+)>\s*$", cell)
    found = normalise_address((inner[1] if inner else cell).strip().removeprefix("mailto:"))
    if len(found) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(found) or ".." in found:
        raise CellError(N_("“{text}” is no e-mail address"), text=cell)
    return found


def addresses(cell: str) -> Several:
    """All e-mail addresses of a cell, separated by `;`, comma, blank or line break."""
    good: list[str] = []
    bad: list[Sentence] = []
    for part in _SEPARATORS.split(unicodedata.normalize("NFKC", cell)):
        # A name in front of <…> has blanks; bare addresses are separated by them.
        for word in [part.strip()] if "<" in part else part.split():
            try:
                good += [address(word)] if word else []
            except CellError as error:
                bad.append(error.reason)
    return Several(good=tuple(dict.fromkeys(good)), bad=tuple(bad))


def code_list(cell: str) -> Several:
    """All codes of a cell, in their registry form; `D12 AUGI` counts as D12, `D 12` too."""
    good: list[str] = []
    bad: list[Sentence] = []
    for part in _SEPARATORS.split(unicodedata.normalize("NFKC", cell)):
        words = _joined(part.upper().split())
        for position, word in enumerate(words):
            try:
                good.append(code(word))
            except CellError as error:
                follows_code = position > 0 and codes.key(words[position - 1]) is not None
                bad += [] if follows_code and _is_tail(word) else [error.reason]
    return Several(good=tuple(dict.fromkeys(good)), bad=tuple(bad))


def _is_tail(word: str) -> bool:
    """Whether a word can end a full code: country and abbreviation."""
    return bool(_FULL_CODE_TAIL.fullmatch(word)) and country_code(word[:2]) is not None


def _joined(words: list[str]) -> list[str]:
    """Words of a cell, where a show letter and a number with a blank between them are one word."""
    joined: list[str] = []
    for word in words:
        if word.isdecimal() and joined and re.fullmatch(r"[A-Z]{1,2}", joined[-1]):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _folded(cell: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", cell).casefold().split())
