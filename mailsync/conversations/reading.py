"""Reads the code in a subject against the registry, in every form people write it (DOMAIN 6). Pure.

A show code is read in any written form: `d12`, `Ｄ１２`, `[D12]`, `D-12`, `D 12`, `D6` for `D06`, `DI2`, Cyrillic `В05`,
`D12samples`. A channel code counts in its registered form only; brackets, full width, or a dash or blank inside are read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Literal

from mailsync.conversations.marks import CODE_BRACKETS, LONGEST_TAG
from mailsync.conversations.subject import Peeled, Written, peel, read
from mailsync.registry.roster import CodeMatch, Customer, Roster

#: canonical: the registry's own spelling; malformed: another spelling; unknown: looks like a code that nobody has.
Form = Literal["canonical", "malformed", "unknown"]

_LONGEST_RUN = 16
_RUN = re.compile(r"[^\W_]{1,16}")
_DASHES = "-‐‑‒–—―−_.·"
_APART = re.compile(rf" ?[{_DASHES}]? ?([0-9]{{1,5}})(?![^\W_])")
_GROUPS = re.compile(r"[0-9]+(?:[ \-‐‑‒–—―−][0-9]+){1,5}(?![^\W_])")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_GLUED = re.compile(r"([A-Za-z]{1,2}[0-9]{2,5})(?=[^\W\d_])")
_UNKNOWN = re.compile(r"([A-Z]{1,2})[0-9]{2,4}")
_TAIL = re.compile(r" ?([A-Z]{2}[A-Z0-9]{2,4})(?![^\W_])")
#: `100% cotton`, `012.5 kg`, `100,000 pcs` are figures: the channel codes 100 and 012 only where they are expected.
_FIGURE = re.compile(r" ?%|[.,][0-9]")
#: Where a code may begin inside a subject: after anything but a Latin letter or digit, or with a bracket.
_STARTS = re.compile(
    rf"(?<![0-9A-Za-z\u00c0-\u2dff])[0-9A-Za-z\u0370-\u04ff]|[{re.escape(''.join(CODE_BRACKETS))}]"
)
#: One-letter words that stand before a number in a sentence: “a 12 month plan”, “e 12”, “y 12”.
_ARTICLES = frozenset("Aaey")

_LETTER_TWINS = str.maketrans("АВЕКМНРСТУХЅΑΒΕΖΗΚΜΝΡΤΥΧ", "ABEKMHPCTYXSABEZHKMNPTYX")
_DIGIT_TWINS = str.maketrans("OoIlі|ZzSsОоΟοІ", "001111225500001")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInSubject:
    """A code found in a subject. Places are indexes into the folded subject."""

    form: Form
    matches: tuple[CodeMatch, ...] = ()  #: whom it may stand for, one a customer; empty when unknown
    written: str  #: as written, brackets left out
    start: int  #: of the code, an opening bracket included
    end: int
    close: int | None = None  #: place of the closing bracket
    doubtful: bool = False  #: may as well be a plain sentence; read only where that customer is expected

    @property
    def customers(self) -> tuple[str, ...]:
        return tuple(match.customer.code for match in self.matches)

    @property
    def only(self) -> Customer | None:
        """The customer, where it is exactly one and no doubt."""
        return self.matches[0].customer if len(self.matches) == 1 and not self.doubtful else None

    @property
    def superseded(self) -> bool:
        """Written as the registry spells it, but a code of the past."""
        return self.form == "canonical" and self.matches[0].superseded

    @property
    def figure(self) -> bool:
        """A number with a per cent sign or decimals, spelled like a channel code."""
        return self.doubtful and self.form == "canonical"

    @property
    def perhaps_text(self) -> bool:
        """Says something by itself where it is not the customer's code: `A4 size`, `100 pcs`."""
        if self.close is not None or not self.matches:
            return False
        letters = "".join(filter(str.isalnum, self.written))
        if letters.isdigit():
            return letters[0] != "0"
        return all(len(letters) < len(match.code) for match in self.matches)

    def of(self, customer: Customer) -> bool:
        return customer.code in self.customers

    @property
    def behind(self) -> int:
        """Where the text behind the code begins."""
        return self.close + 1 if self.close in (self.end, self.end + 1) and self.close else self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What stands behind a code in the shape of a full code's tail."""

    text: str
    start: int  #: the blank before it included
    end: int


class CodeReader:
    """Reads codes against one roster. Every reading looks at a bounded piece of the subject."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self._by_key: Mapping[str, CodeMatch] = roster.codes
        self._exact = {match.code: match for match in roster.codes.values()}

    @cached_property
    def _show_letters(self) -> frozenset[str]:
        return self.roster.show_letters | {re.sub("[0-9]", "", code) for code in self._exact} - {""}

    @cached_property
    def tails(self) -> Mapping[str, frozenset[str]]:
        """Fixed tail of a full code → codes of its customers."""
        owners: defaultdict[str, set[str]] = defaultdict(set)
        for customer in self.roster.customers:
            if customer.tail:
                owners[customer.tail].add(customer.code)
        return {tail: frozenset(found) for tail, found in owners.items()}

    def exact(self, code: str) -> Customer | None:
        """Whom a code in its registered spelling stands for."""
        match = self._exact.get(code)
        return match.customer if match else None

    def peel(self, subject: str) -> Peeled:
        """Peel a subject; a bracketed code is no tag."""
        return peel(read(subject), self.is_code)

    def is_code(self, content: str) -> bool:
        """Whether a bracket holds a code: alone, with a tail, or correctly written before more text."""
        found = self._bare(read(content), 0, len(content))
        if not found or found.figure:
            return False
        whole = content[found.end :]
        alone = not whole or ((tail := _TAIL.match(whole)) is not None and tail.end() == len(whole))
        return alone or any(match.code == found.written.upper() for match in found.matches)

    def first(self, peeled: Peeled) -> CodeInSubject | None:
        """The code with which the core subject begins."""
        return self.at(peeled.written, peeled.start, peeled.end)

    def later(self, peeled: Peeled) -> Iterator[CodeInSubject]:
        """The registered codes behind the beginning of the core subject, in order."""
        folded = peeled.written.folded
        for start in _STARTS.finditer(folded, peeled.start + 1, peeled.end):
            found = self.at(peeled.written, start.start(), peeled.end)
            if found and found.matches and not found.doubtful and not _sentence_like(found.written):
                yield found

    def tail(self, written: Written, code: CodeInSubject, end: int) -> Tail | None:
        """The tail behind a code, where it is written in upper case."""
        found = _TAIL.match(written.folded, code.behind, end)
        if not found or written.between(found.start(1), found.end(1)) != found[1]:
            return None
        return Tail(text=found[1], start=code.behind, end=found.end())

    def at(self, written: Written, start: int, end: int) -> CodeInSubject | None:
        """The code that begins at `start`, in brackets or bare."""
        folded = written.folded
        closing = CODE_BRACKETS.get(folded[start]) if start < end else None
        if closing is None:
            return self._bare(written, start, end)
        inside = start + 1
        while inside < end and folded[inside] == " ":
            inside += 1
        found = self._bare(written, inside, end)
        if not found or found.figure:
            return None
        close = folded.find(closing, found.end, min(end, found.end + LONGEST_TAG))
        if close < 0 or (found.form == "unknown" and close != found.end):
            return None
        form: Form = "unknown" if found.form == "unknown" else "malformed"
        return replace(found, form=form, start=start, close=close)

    def _bare(self, written: Written, start: int, end: int) -> CodeInSubject | None:
        """A code without brackets: exact, else every other reading, else glued, else unknown."""
        run = _RUN.match(written.folded, start, end)
        if not run:
            return None
        signs = run[0]
        if signs.isalpha() and len(signs) > 2:
            return None  # a word: no digit, and no show's letters that stand apart from their number
        if not (signs[0].isalpha() or signs[0].isdigit()):
            return None
        whole = len(signs) < _LONGEST_RUN or run.end() == end
        as_written = written.between(start, run.end())
        if whole and (match := self._exact.get(signs)):
            form: Form = "canonical" if as_written == match.code else "malformed"
            found = _found(written, form, [match], start, run.end())
            if match.code.isdigit() and _FIGURE.match(written.folded, run.end(), end):
                return None if match.superseded or form == "malformed" else replace(found, doubtful=True)
            return found
        glued = _GLUED.match(signs)
        stuck = self._exact.get(glued[1].upper()) if glued else None
        if whole and (matches := self._respelled(signs)):
            return _found(written, "malformed", [*matches, *([stuck] if stuck else [])], start, run.end())
        if whole and (apart := self._apart(written, run, end)):
            return apart
        if glued and stuck:
            return _found(written, "malformed", [stuck], start, start + glued.end())
        return self._unknown(written, signs, start) if whole and as_written == signs else None

    def _respelled(self, run: str) -> list[CodeMatch]:
        """Show codes that `run` may mean: another case, zeros, or characters that look alike."""
        found = []
        for length in (1, 2):
            letters = run[:length].upper().translate(_LETTER_TWINS)
            digits = run[length:]
            if not (letters.isascii() and letters.isalpha() and 1 <= len(digits) <= 5):
                continue
            if digits.isascii() and digits.isdigit():
                found.append(self._by_key.get(f"{letters}{int(digits)}"))
            elif any("0" <= character <= "9" for character in digits):
                found.append(self._exact.get(letters + digits.translate(_DIGIT_TWINS)))
        return [match for match in found if match]

    def _apart(self, written: Written, run: re.Match[str], end: int) -> CodeInSubject | None:
        """A code with a dash or blank inside: `D-12`, `D 12`, `0 12`."""
        start = run.start()
        if run[0].isascii() and run[0].isalpha() and len(run[0]) <= 2:
            digits = _APART.match(written.folded, run.end(), end)
            match = self._by_key.get(f"{run[0].upper()}{int(digits[1])}") if digits else None
            if digits and match:
                blank = not written.folded[run.end() : digits.start(1)].strip()
                # “A 20 ft container” and “a 12 month plan” are sentences, “A 06” and “e 05” are none.
                article = run[0] in _ARTICLES and digits[1][0] != "0"
                found = _found(written, "malformed", [match], start, digits.end())
                return replace(found, doubtful=blank and article)
        groups = _GROUPS.match(written.folded, start, end) if run[0].isdigit() else None
        match = self._exact.get(_NOT_DIGITS.sub("", groups[0])) if groups else None
        if groups and match and not _FIGURE.match(written.folded, groups.end(), end):
            found = _found(written, "malformed", [match], start, groups.end())
            return replace(found, doubtful=not match.code.startswith("0"))
        return None

    def _unknown(self, written: Written, run: str, start: int) -> CodeInSubject | None:
        """`unknown_code`: upper-case letters of a show in the registry and 2–4 digits, standing alone."""
        shaped = _UNKNOWN.fullmatch(run)
        if not shaped or shaped[1] not in self._show_letters:
            return None
        return _found(written, "unknown", [], start, start + len(run))


def _found(written: Written, form: Form, matches: list[CodeMatch], start: int, end: int) -> CodeInSubject:
    if len(matches) > 1:
        one_each = {match.customer.code: match for match in reversed(matches)}
        matches = list(reversed(one_each.values()))
    return CodeInSubject(
        form=form,
        matches=tuple(matches),
        written=written.between(start, end),
        start=start,
        end=end,
    )


def _sentence_like(written: str) -> bool:
    """Lower case with a blank inside: a code at the beginning of a subject, but not in the middle of a sentence."""
    return " " in written and written[0].islower()


def first_of(codes: Iterator[CodeInSubject], customer: Customer) -> CodeInSubject | None:
    """The first of these codes that stands for `customer`; looks at no more than a subject can sensibly hold."""
    return next((code for code in islice(codes, 50) if code.of(customer)), None)
