"""Business cards: what a scanner's export, a vCard file or a rep's typing says of one person at one company. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card, as texts under the headings of the registry files (FORMATS 1)."""

    file: str  #: where it stands, as messages name it
    number: int  #: row, or place in the file, counted from 1 (a row of headings included)
    customer: Mapping[str, str] = field(default_factory=dict)  #: company, country, channel …
    person: Mapping[str, str] = field(default_factory=dict)  #: name, email, email2, phone, title, region …
