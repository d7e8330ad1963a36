"""The grammar of codes: canonical form, comparison key, order (DOMAIN 2). Pure.

A *show code* is the show's letters and the running number of the business card (`D12`); a *channel code* is a
running number of at least three digits (`012`); a *full code* is a code, a space, the country and the company's
abbreviation (`D12 AUGI`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from mailsync.text import N_, Sentence

#: Letters never used for a show: they read as 1 and 0.
FORBIDDEN_LETTERS = frozenset("IO")
#: Channel numbers never given away: a subject that starts with a year must not look like a customer.
YEARS = range(1900, 2100)

_SHOW = re.compile(r"([A-Z]{1,2})([0-9]{1,5})")
_CHANNEL = re.compile(r"[0-9]{1,6}")
_TAIL = re.compile(r"[A-Z]{2}[A-Z0-9]{2,4}")


class CodeError(ValueError):
    """A text that is no code; `reason` says why, for the person who typed it."""

    def __init__(self, template: str, **fields: object) -> None:
        self.reason = Sentence.of(template, **fields)
        super().__init__(str(self.reason))


@dataclass(frozen=True, slots=True, order=True)
class Code:
    """A code taken apart. Sorts show codes before channel codes, shows A … Z, AA …, then by number."""

    channel: bool
    letters_length: int
    letters: str
    number: int

    @property
    def key(self) -> str:
        """What codes are compared by: `D6` and `D06` have one key."""
        return f"{self.number:03d}" if self.channel else f"{self.letters}{self.number}"

    @property
    def canonical(self) -> str:
        """The form in which a new code is written: two digits at least in a show, three in a channel."""
        return f"{self.number:03d}" if self.channel else f"{self.letters}{self.number:02d}"


def fold(text: str) -> str:
    """NFKC, upper case, no white space: the form in which the letters and digits of a code are read."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def parse(text: str) -> Code:
    """Read `text` as one code, in any written form a registry file may hold (`d 12`, `Ｄ１２`, `12` for `012`).

    Raises `CodeError` with the reason.
    """
    folded = fold(text)
    if show := _SHOW.fullmatch(folded):
        letters, number = show[1], int(show[2])
        _refuse_show(text, letters, number)
        return Code(channel=False, letters_length=len(letters), letters=letters, number=number)
    if _CHANNEL.fullmatch(folded):
        number = int(folded)
        if number == 0:
            raise CodeError(N_("“{text}” is no code: numbers start at 1"), text=text)
        if number in YEARS:
            raise CodeError(N_("“{text}” is no code: 1900–2099 are years, never customers"), text=text)
        return Code(channel=True, letters_length=0, letters="", number=number)
    raise CodeError(
        N_("“{text}” is no code: write show letter and number (D12), or a channel number (012)"), text=text
    )


def _refuse_show(text: str, letters: str, number: int) -> None:
    if forbidden := FORBIDDEN_LETTERS.intersection(letters):
        raise CodeError(
            N_("“{text}” is no code: no show has the letter {letter}, it reads as a digit"),
            text=text,
            letter=min(forbidden),
        )
    if number == 0:
        raise CodeError(N_("“{text}” is no code: numbers start at 1"), text=text)


def key(text: str) -> str | None:
    """The comparison key of `text`, or None where it is no code."""
    try:
        return parse(text).key
    except CodeError:
        return None


def short_key(text: str) -> str | None:
    """The comparison key of a code that a person typed, of its code where it is a full code; None where it is none."""
    try:
        return key(text) or parse(split_full(text)[0]).key
    except CodeError:
        return None


def registry_form(text: str) -> str:
    """The canonical form of a code read from a registry file: an imported `J6` stays `J6`, `12` becomes `012`.

    Raises `CodeError`.
    """
    code = parse(text)
    return code.canonical if code.channel else fold(text)


def split_full(text: str) -> tuple[str, str]:
    """A full code as (code, tail): `D12 AUGI` → (`D12`, `AUGI`); the tail is country + abbreviation.

    Raises `CodeError`.
    """
    head, _, tail = " ".join(unicodedata.normalize("NFKC", text).upper().split()).rpartition(" ")
    if not head or not _TAIL.fullmatch(tail):
        raise CodeError(
            N_("“{text}” is no full code: write code, space, country and abbreviation (D12 AUGI)"), text=text
        )
    return registry_form(head), tail
