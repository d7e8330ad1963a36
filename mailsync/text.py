"""Words: translation (gettext catalogues read with Babel), sentences, and the normal form of an address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from io import BytesIO
from typing import Self

import idna

Translate = Callable[[str], str]

LANGUAGES = ("en", "zh_CN")
#: Texts that a spreadsheet takes for formulas when it opens a CSV file (OWASP, CSV injection), full width too.
_FORMULA = re.compile(r"'*[ \u3000]*[=+\-@\t\r＝＋－＠]")


def N_(template: str) -> str:
    """Mark a template for translation where it is written; it is translated where it is shown."""
    return template


@lru_cache(maxsize=len(LANGUAGES))
def translator(language: str) -> Translate:
    """The translate function of `language` ("en" or "zh_CN"); an unknown text comes back as it is."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    catalogue = resources.files("mailsync") / "locale" / f"{language}.po"
    if not catalogue.is_file():
        return N_
    compiled = BytesIO()
    with catalogue.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled).gettext


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template with its fields: said in English by `str()`, in the reader's language by `render()`. A field may be
    a sentence itself."""

    template: str
    fields: tuple[tuple[str, Field], ...] = ()

    @classmethod
    def of(cls, template: str, **fields: object) -> Self:
        return cls(template, tuple((key, _field(value)) for key, value in fields.items()))

    def render(self, translate: Translate) -> str:
        said = {
            key: value.render(translate) if isinstance(value, Sentence) else value
            for key, value in self.fields
        }
        return translate(self.template).format(**said)

    def __str__(self) -> str:
        return self.render(N_)

    def to_json(self) -> dict[str, object]:
        fields = {
            key: value.to_json() if isinstance(value, Sentence) else value for key, value in self.fields
        }
        return {"template": self.template, "fields": fields}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        fields = stored["fields"]
        plain = fields if isinstance(fields, dict) else {}
        nested = {
            key: cls.from_json(value) if isinstance(value, dict) and "template" in value else value
            for key, value in plain.items()
        }
        return cls.of(str(stored["template"]), **nested)


def duration(seconds: float) -> Sentence:
    """About how long: seconds below two minutes, then minutes, then hours."""
    if seconds < 120:
        return Sentence.of(N_("{seconds} s"), seconds=max(1, round(seconds)))
    if seconds < 2 * 3600:
        return Sentence.of(N_("{minutes} min"), minutes=round(seconds / 60))
    return Sentence.of(N_("{hours} h"), hours=round(seconds / 3600, 1))


def joined(sentences: Sequence[Sentence], between: str) -> Sentence:
    """Several sentences as one."""
    whole = sentences[0]
    for sentence in sentences[1:]:
        whole = Sentence.of(N_("{whole}{between}{sentence}"), whole=whole, between=between, sentence=sentence)
    return whole


#: What may stand in a sentence.
Field = str | int | Sentence


def _field(value: object) -> Field:
    """Errors that carry a sentence (`MailsyncError.sentence`, `CodeError.reason`) stay translatable."""
    for candidate in (value, getattr(value, "sentence", None), getattr(value, "reason", None)):
        if isinstance(candidate, Sentence):
            return candidate
    return value if isinstance(value, int) else str(value)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """`text` without control characters and line breaks, white space collapsed, ends trimmed."""
    if text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text  # the only printable white space is the blank
    return " ".join(_CONTROL.sub(" ", text).split())


@lru_cache(maxsize=65536)
def guarded(text: str) -> str:
    """`text` for a cell of a CSV file, with `'` before what a spreadsheet would take for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def normalise_address(text: str) -> str:
    """The form in which e-mail addresses are compared (DOMAIN 5): NFKC, lower case, domain in its ASCII (IDNA) form.

    Text without an `@` comes back lower-cased; it then matches no registered address.
    """
    folded = fold_address(text)
    local, at, domain = folded.rpartition("@")
    if not at or domain.isascii():
        return folded
    return f"{local}@{_ascii_domain(domain)}"


def fold_address(text: str) -> str:
    """An address in NFKC and lower case, its domain as written."""
    return unicodedata.normalize("NFKC", text).strip().strip("<>").strip().lower()


#: RFC 1035 section 2.3.4: no domain is longer, and spelling it out would only cost time.
_LONGEST_DOMAIN = 253


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    if len(domain) > _LONGEST_DOMAIN:
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain
