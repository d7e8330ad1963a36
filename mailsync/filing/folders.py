"""Folder template → mailbox name, and back: whose folder a mailbox is (DOMAIN 8). Pure.

Values never create hierarchy. The code is never shortened, so two customers never share a folder.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cached_property

from mailsync.filing.regions import region_of
from mailsync.registry.roster import Customer, Roster

#: A part of a mailbox name: characters, and bytes in modified UTF-7 (a Maildir keeps it as a file name).
MAX_CHARACTERS = 60
MAX_BYTES = 200

_CODES = ("code", "full_code")
_REFUSED = frozenset('/\\*%"')
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_WORD = re.compile(r"[A-Za-z0-9]+")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_ANY = "\x00"  #: any field's value, while a pattern is made
_NOT_DIRECT = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A customer's own folder."""

    customer: str  #: code
    called: str  #: by the template, with what the registry says now


@dataclass(frozen=True, kw_only=True)
class FolderNames:
    """How customers' folders are called on one server.

    `template`: as configured, `/` between its levels. `separator`: the server's (RFC 9051), None where it has no
    hierarchy. `prefix`: of the personal namespace (RFC 2342), such as `INBOX.`. `refused`: characters that this
    server takes in no name. `zone`: the company's, in which a message's year is told. `by_hand`: folders that people
    gave other names → code of their customer.
    """

    template: str
    roster: Roster
    separator: str | None = "/"
    prefix: str = ""
    refused: str = ""
    zone: tzinfo = UTC
    by_hand: Mapping[str, str] = field(default_factory=dict)

    def folder(self, customer: Customer, when: datetime) -> str:
        """The customer's mailbox for a message of the moment `when`, which fills the field {year}."""
        return self.folder_of_year(customer, self.year(when))

    def year(self, when: datetime) -> int:
        """The year in which the company received or sent a message."""
        return when.astimezone(self.zone).year

    def folder_of_year(self, customer: Customer, year: int) -> str:
        """The customer's mailbox; `year` fills the field {year}."""
        values = {name: self._clean(value) for name, value in _values(customer, year).items()}
        parts = [_fit(part, values) for part in self._parts]
        return self.prefix + (self.separator or "").join(parts)

    def customer_of(self, mailbox: str) -> str | None:
        """The code of the customer whose folder this is, or lies in; of a superseded code the survivor's."""
        code = self.code_in(mailbox)
        match = self.roster.match(code) if code else None
        return match.customer.code if match else None

    def code_in(self, mailbox: str) -> str | None:
        """The registered code, canonical or superseded, by which a mailbox is a customer's folder.

        That is one named by the template, or one at the same place whose name begins with a code and a blank; or what a
        person made of such a one, and what lies below it.
        """
        for above in (mailbox, *self.parents(mailbox)) if self.by_hand else ():
            if above in self.by_hand:
                return self.by_hand[above]
        parts = self._split(mailbox)
        if parts is None or len(parts) < len(self._patterns):
            return None
        found: list[str] = []
        for pattern, part in zip(self._patterns, parts, strict=False):
            codes = pattern.codes(part)
            if codes is None:
                return None
            found += codes
        matches = ((code, self.roster.match(code)) for code in found)
        return next((match.code for code, match in matches if match and match.code == code.upper()), None)

    def home(self, mailbox: str) -> Home | None:
        """Of a customer's own folder what the template calls it now; None of any other, also of a merged customer's,
        and where nobody can tell of which year it is."""
        parts, code = self._split(mailbox), self.code_in(mailbox)
        customer = self.roster.customer(code) if code else None
        if parts is None or customer is None or customer.code != code or not self.is_own(mailbox):
            return None
        if not self.by_year:
            return Home(customer=code, called=self.folder_of_year(customer, 1))
        of_years = (part for level, part in zip(self._parts, parts, strict=True) if "{year}" in level)
        years = {int(year) for part in of_years for year in _YEAR.findall(part)}
        return (
            Home(customer=code, called=self.folder_of_year(customer, years.pop()))
            if len(years) == 1
            else None
        )

    def is_own(self, mailbox: str) -> bool:
        """Whether a mailbox lies where customers' own folders do, neither above nor below."""
        parts = self._split(mailbox)
        return parts is not None and len(parts) == len(self._parts)

    @cached_property
    def code_level(self) -> int:
        """The level of the hierarchy that has the code: what lies below it is the customer's alone."""
        return next(at for at, part in enumerate(self._parts) if set(_fields(part)) & set(_CODES))

    def parents(self, mailbox: str) -> list[str]:
        """The mailboxes above, outermost first, the namespace's own root left out."""
        if not self.separator:
            return []
        parts = mailbox.removeprefix(self.prefix).split(self.separator)
        return [self.prefix + self.separator.join(parts[:count]) for count in range(1, len(parts))]

    @property
    def by_year(self) -> bool:
        """Whether one customer has several folders."""
        return "{year}" in self.template

    @cached_property
    def _parts(self) -> tuple[str, ...]:
        """The template's levels, cleaned of what the server refuses."""
        levels = [level for level in self.template.split("/") if level.strip()]
        root = self.prefix.rstrip(self.separator or "").upper()
        if root and len(levels) > 1 and levels[0].upper() == root:
            levels = levels[1:]
        if not self.separator:
            levels = ["-".join(levels)]
        return tuple(self._clean(level, fields=True) for level in levels)

    @cached_property
    def _patterns(self) -> tuple[_Pattern, ...]:
        return tuple(_pattern(part) for part in self._parts)

    def _split(self, mailbox: str) -> list[str] | None:
        if not mailbox.startswith(self.prefix):
            return None
        rest = unicodedata.normalize("NFC", mailbox.removeprefix(self.prefix))
        return rest.split(self.separator) if self.separator else [rest]

    def _clean(self, text: str, *, fields: bool = False) -> str:
        """`text` as (a part of) one level: refused characters become `-`, the ends are trimmed. `fields`: it is of the
        template, and the braces of its fields stay."""
        composed = unicodedata.normalize("NFC", text).strip(". \t\r\n")
        marked = "".join("\x00" if unicodedata.category(char) in _INVISIBLE else char for char in composed)
        marked = re.sub("\x00+", "-", marked)
        refused = _REFUSED.union(self.separator or "", self.refused) - set("{}" if fields else "")
        kept = "".join("-" if char in refused else char for char in marked)
        return " ".join(kept.split()).strip(". ")


def encoded_length(name: str) -> int:
    """Bytes of `name` in modified UTF-7 (RFC 3501, 5.1.3)."""
    runs = sum(2 + -(-len(run.encode("utf-16-be")) * 4 // 3) for run in _NOT_DIRECT.findall(name))
    direct = _NOT_DIRECT.sub("", name)
    return runs + len(direct) + direct.count("&")


def _values(customer: Customer, year: int) -> Mapping[str, str]:
    return {
        "code": customer.code,
        "full_code": customer.full_code or customer.code,
        "company": customer.name,
        "abbr": customer.abbreviation or "",
        "country": customer.country or "",
        "region": region_of(customer.country) or "",
        "owner": (customer.owner or "").partition("@")[0],
        "year": str(year),
    }


def _fit(part: str, values: Mapping[str, str]) -> str:
    """One level with its values, the longest of them (never the code) shortened until it fits."""
    fields = {name: values[name][:MAX_CHARACTERS] for name in _fields(part)}
    text = _level(part, fields)
    while len(text) > MAX_CHARACTERS or encoded_length(text) > MAX_BYTES:
        longest = max(
            (name for name in fields if name not in _CODES), key=lambda name: len(fields[name]), default=""
        )
        if not fields.get(longest):
            return text  # a long level of the template itself is the company's wish
        fields[longest] = fields[longest][:-1]
        text = _level(part, fields)
    return text


def _level(part: str, fields: Mapping[str, str]) -> str:
    text = " ".join(part.format(**fields).split()).strip(". ")
    if text[:1] in ("~", "#"):  # home folders and foreign namespaces (RFC 2342)
        text = f"-{text[1:]}"
    return text or "-"


def _fields(part: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(part) if name]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a level looks like for any customer: the code, if it has one, and what stands before and after it."""

    before: re.Pattern[str]
    after: re.Pattern[str] | None = None  #: None: the level has no code, and `before` is all of it

    def codes(self, level: str) -> list[str] | None:
        """The words that may be the code; None where the level looks otherwise."""
        if self.after is None:
            return [] if self.before.fullmatch(level) else None
        starts = [at for at in range(len(level)) if self.before.fullmatch(level[:at])]
        ends = [at for at in range(len(level), 0, -1) if self.after.fullmatch(level[at:])]
        words = [level[start:end] for start in starts for end in ends if _WORD.fullmatch(level[start:end])]
        return words or None


def _pattern(part: str) -> _Pattern:
    texts = [""]
    for literal, name, _, _ in string.Formatter().parse(part):
        texts[-1] += re.escape(literal)
        if name in _CODES and len(texts) == 1:
            if not texts[0]:  # a level that begins with the code is known by it alone
                return _Pattern(_compiled(""), _compiled(r"(?:\ .*)?"))
            texts.append("(?: [A-Z0-9]+)?" if name == "full_code" else "")
        elif name:
            texts[-1] += _ANY
    return _Pattern(*(_compiled(text) for text in texts))


def _compiled(text: str) -> re.Pattern[str]:
    """A field without value takes the blank beside it along."""
    text = text.replace(f"{_ANY}\\ ", r"(?:.*\ )?").replace(f"\\ {_ANY}", r"(?:\ .*)?").replace(_ANY, ".*")
    return re.compile(text, re.DOTALL)
