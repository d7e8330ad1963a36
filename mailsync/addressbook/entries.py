"""What a book's plan says of each card, and the draft it is gathered in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mailsync.addressbook.matching import ReadCard
from mailsync.run.actions import CardAction, Finding
from mailsync.text import Sentence

EntryAction = Literal["none", "rename", "create", "restore", "conflict", "unmatched", "duplicate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEntry:
    """One card of the book as the run's output names it (FORMATS 3)."""

    book: str
    href: str
    uid: str
    action: EntryAction  #: `restore` also where a card that mailsync added goes again
    before: str  #: FN
    after: str  #: FN when the action is done; empty where the card goes
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPlan:
    """All that is to be done in one book; entries in the order of their hrefs."""

    actions: tuple[CardAction, ...]
    findings: tuple[Finding, ...]
    entries: tuple[CardEntry, ...]


@dataclass(slots=True)
class Draft:
    """A plan while it is drawn up."""

    book: str
    actions: list[CardAction] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    entries: list[CardEntry] = field(default_factory=list)

    @property
    def plan(self) -> BookPlan:
        return BookPlan(
            actions=tuple(self.actions),
            findings=tuple(self.findings),
            entries=tuple(sorted(self.entries, key=lambda entry: entry.href)),
        )

    def enter(
        self, card: ReadCard, action: EntryAction, *, after: str | None = None, codes: tuple[str, ...] = ()
    ) -> None:
        """Name a card that is there; `after` None: its name stays."""
        self.entries.append(
            CardEntry(
                book=self.book,
                href=card.card.href,
                uid=card.uid,
                action=action,
                before=card.fn,
                after=card.fn if after is None else after,
                codes=codes,
            )
        )

    def conflict(
        self, card: ReadCard, template: str, *, codes: tuple[str, ...] = (), **fields: object
    ) -> None:
        """Say why a card is left as it is. The template may use {href} and {name}."""
        self.enter(card, "conflict", codes=codes)
        self.findings.append(
            Finding(
                kind="card-conflict",
                severity="conflict",
                subject=card.card.href,
                customer=codes[0] if codes else None,
                sentence=Sentence.of(template, href=card.card.href, name=card.fn, **fields),
            )
        )
