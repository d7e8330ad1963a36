"""What comes next: the letters of shows and the running numbers of codes (DOMAIN 2). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from string import ascii_uppercase

from mailsync.registry.codes import FORBIDDEN_LETTERS, YEARS, Code

_LETTERS = [letter for letter in ascii_uppercase if letter not in FORBIDDEN_LETTERS]
#: A, B … Z, AA, AB … ZZ, without I and O, which read as 1 and 0.
SHOW_LETTERS = (*_LETTERS, *("".join(pair) for pair in product(_LETTERS, repeat=2)))
_LARGEST_IN_SHOW = 99_999
_LARGEST_IN_CHANNELS = 999_999


def next_letters(used: Iterable[str]) -> str | None:
    """The letters after the last ones in use; a gap is never filled, its letter may stand on old paper. None: no more
    are left."""
    last = max((SHOW_LETTERS.index(letters) for letters in used if letters in SHOW_LETTERS), default=-1)
    return SHOW_LETTERS[last + 1] if last + 1 < len(SHOW_LETTERS) else None


def next_codes(letters: str, given: Iterable[Code], count: int) -> list[Code]:
    """The next `count` codes of a show, or of the channels (`letters` empty), after the largest ever given away.

    Channel numbers 1900–2099 are years and are skipped. Shorter than `count` where the numbers come to their end.
    """
    channel = not letters
    number = max((code.number for code in given if code.letters == letters), default=0)
    largest = _LARGEST_IN_CHANNELS if channel else _LARGEST_IN_SHOW
    found: list[Code] = []
    while len(found) < count and number < largest:
        number += 1
        if channel and number in YEARS:
            number = YEARS.stop
        found.append(Code(channel=channel, letters_length=len(letters), letters=letters, number=number))
    return found
