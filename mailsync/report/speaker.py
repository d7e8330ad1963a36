"""Says things in the reader's language: sentences, words for stable keys, names, moments. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from babel.dates import format_datetime

from mailsync.report.parts import Report
from mailsync.text import N_, Sentence, one_line, translator

#: Marks that turn the direction of writing: shown, never obeyed, or a subject could dress up as another.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

#: Characters of a subject that are shown; real ones run to 998.
LONGEST = 160


def visible(text: object) -> str:
    """`text` on one line, with marks of writing direction spelled out (`\\u202e`)."""
    return _DIRECTION.sub(lambda match: f"\\u{ord(match[0]):04x}", one_line(str(text)))


def short(text: object) -> str:
    """`visible` text, cut where it would fill the page."""
    shown = visible(text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


class Speaker:
    """Speaks one language ("en" or "zh_CN") about one report, times in one zone."""

    def __init__(self, report: Report, language: str, zone: tzinfo) -> None:
        self.language = language
        self.one_account = len({run.account for run in report.runs}) == 1
        self._report = report
        self._zone = zone
        self._translate = translator(language)

    def say(self, template: str, **fields: object) -> str:
        return self.sentence(Sentence.of(template, **fields))

    def sentence(self, sentence: Sentence) -> str:
        return visible(sentence.render(self._translate))

    def word(self, words: Mapping[str, str], key: str) -> str:
        """The reader's word for a stable key; a key nobody named yet is shown as it is."""
        return self.say(words[key]) if key in words else visible(key.replace("_", " ").replace("-", " "))

    def rep(self, account: str) -> str:
        if account.startswith("book:"):
            return self.say(N_("Address book {name}"), name=account.removeprefix("book:"))
        return visible(self._report.names.get(account, account))

    def customer(self, code: str | None) -> str:
        if code is None:
            return ""
        known = self._report.customers.get(code)
        return visible(f"{code} {known.name}" if known else code)

    def moment(self, moment: datetime | None) -> str:
        if moment is None:
            return ""
        return format_datetime(moment.astimezone(self._zone), "yyyy-MM-dd HH:mm", locale=self.language)
