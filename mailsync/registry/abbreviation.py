"""The abbreviation of a company that a full code ends with (DOMAIN 2). Pure."""

from __future__ import annotations

import re
import unicodedata

from cleanco import basename

#: Words that carry no initial.
_SMALL_WORDS = frozenset(
    {"the", "and", "of", "for", "a", "an", "und", "der", "die", "das", "et", "du", "des", "la", "le", "les"}
    | {"y", "e", "de", "del", "della", "di", "da", "do", "dos", "el", "los"}
)
_SHAPE = re.compile(r"[A-Z0-9]{2,4}")
#: Letters that Unicode does not take apart into a letter and an accent.
_STROKES = str.maketrans(
    {"Ø": "O", "Ł": "L", "Đ": "D", "Æ": "AE", "Œ": "OE", "Þ": "TH", "ẞ": "SS", "ß": "SS", "ı": "I"}
)
_BRACKETED = re.compile(r"\([^()]*\)")
_LONGEST = 4


def propose(company: str) -> str | None:
    """Initials of the significant words (`Gibson Importing` → `GI`), or a single word's first two letters.

    None where the name has too little of A–Z and 0–9, as Chinese names have.
    """
    unbracketed = _BRACKETED.sub(" ", unicodedata.normalize("NFKC", company)).strip()
    name = without_legal_form(unbracketed or company)
    words = [_plain(word) for word in re.split(r"[\s/\-–—_+|]+", name)]
    spoken = [word for word in words if word]
    significant = [word for word in spoken if word.lower() not in _SMALL_WORDS] or spoken
    if len(significant) == 1:
        letters = significant[0][:2]
    else:
        letters = "".join(word[0] for word in significant[:_LONGEST])
    return letters if _SHAPE.fullmatch(letters) else None


def is_abbreviation(text: str) -> bool:
    """Whether `text` has the form every abbreviation has: 2–4 of A–Z and 0–9."""
    return bool(_SHAPE.fullmatch(text))


def without_legal_form(company: str) -> str:
    """`company` without Co., Ltd, GmbH, S.p.A. … at its end; never empty where `company` is not."""
    name = " ".join(unicodedata.normalize("NFKC", company).replace(",", ", ").split())
    while (shorter := str(basename(name)).strip(" ,")) and shorter != name:
        name = shorter
    return name


def _plain(word: str) -> str:
    """The A–Z and 0–9 of a word, upper case, accents taken off; dots and apostrophes inside vanish."""
    unaccented = unicodedata.normalize("NFKD", word.upper().translate(_STROKES))
    return "".join(letter for letter in unaccented if letter.isascii() and letter.isalnum())
