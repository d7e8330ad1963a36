"""Folder template → mailbox name, and back: whose folder a mailbox is (DOMAIN 8). Pure.

Values never create hierarchy. The code is never shortened, so two customers never share a folder.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from mailsync.filing.regions import region_of
from mailsync.registry.roster import Customer, Roster

#: A part of a mailbox name: characters, and bytes in modified UTF-7 (a Maildir keeps it as a file name).
MAX_CHARACTERS = 60
MAX_BYTES = 200

_CODES = ("code", "full_code")
_REFUSED = frozenset('/\\*%"')
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOT_DIRECT = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, kw_only=True)
class FolderNames:
    """How customers' folders are called on one server.

    `template`: as configured, `/` between its levels. `separator`: the server's (RFC 9051), None where it has no
    hierarchy. `prefix`: of the personal namespace (RFC 2342), such as `INBOX.`. `refused`: characters that this
    server takes in no name.
    """

    template: str
    roster: Roster
    separator: str | None = "/"
    prefix: str = ""
    refused: str = ""

    def folder(self, customer: Customer, when: datetime) -> str:
        """The customer's mailbox; `when` fills the field {year}."""
        values = {name: self._clean(value) for name, value in _values(customer, when).items()}
        parts = [_fit(part, values) for part in self._parts]
        return self.prefix + (self.separator or "").join(parts)

    def customer_of(self, mailbox: str) -> str | None:
        """The code of the customer whose folder this is, or lies in; of a superseded code the survivor's."""
        code = self.code_in(mailbox)
        match = self.roster.match(code) if code else None
        return match.customer.code if match else None

    def code_in(self, mailbox: str) -> str | None:
        """The registered code, canonical or superseded, by which a mailbox is a customer's folder.

        That is one named by the template, or one at the same place whose name begins with a code and a blank.
        """
        parts = self._split(mailbox)
        patterns = self._patterns
        if parts is None or len(parts) < len(patterns):
            return None
        found = [pattern.fullmatch(part) for pattern, part in zip(patterns, parts, strict=False)]
        codes = [match["code"] for match in found if match and "code" in match.re.groupindex]
        if not codes or not all(found):
            return None
        match = self.roster.match(codes[0])
        return match.code if match and match.code == codes[0].upper() else None

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
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
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


def _values(customer: Customer, when: datetime) -> Mapping[str, str]:
    return {
        "code": customer.code,
        "full_code": customer.full_code or customer.code,
        "company": customer.name,
        "abbr": customer.abbreviation or "",
        "country": customer.country or "",
        "region": region_of(customer.country) or "",
        "owner": (customer.owner or "").partition("@")[0],
        "year": f"{when:%Y}",
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


def _pattern(part: str) -> re.Pattern[str]:
    """What a level looks like for any customer, the code in the group `code`."""
    pieces: list[str] = []
    for literal, name, _, _ in string.Formatter().parse(part):
        pieces.append(re.escape(literal))
        if name in _CODES and not any("(?P<code>" in piece for piece in pieces):
            if not "".join(pieces):  # a level that begins with the code is known by it alone
                return re.compile(r"(?P<code>[A-Za-z0-9]+)(?: .*)?", re.DOTALL)
            pieces.append("(?P<code>[A-Za-z0-9]+)" + ("(?: [A-Z0-9]+)?" if name == "full_code" else ""))
        elif name:
            pieces.append(".*")
    return re.compile("".join(pieces), re.DOTALL)
