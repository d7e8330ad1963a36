"""When two companies' names are one. Pure."""

from __future__ import annotations

import unicodedata

from mailsync.registry.abbreviation import without_legal_form


def company_key(name: str) -> str:
    """What companies' names are compared by: no legal form, case, accents, blanks or marks. Empty where nothing is left.

    `Gibson Importing Pty. Ltd` and `GIBSON-IMPORTING` are one company; `Gibson Imports` is, for sure, not the same.
    """
    plain = unicodedata.normalize("NFKD", without_legal_form(name)).casefold()
    return "".join(letter for letter in plain if letter.isalnum())
