"""Planning anew what had changed when its turn came: a person's edit is kept, and the card still gets its name (pure).

DOMAIN 5: a card that changed since it was read is read again and planned again, never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mailsync.addressbook.entries import BookPlan
from mailsync.run.actions import Action, CardAction
from mailsync.run.execution import Result
from mailsync.tidy.planning import Plan

#: How often one run plans a card; whoever edits it faster than that has it until the next run.
ROUNDS = 3

#: URL of a book → hrefs of cards.
Cards = Mapping[str, frozenset[str]]


def stale_cards(results: Sequence[Result]) -> dict[str, frozenset[str]]:
    """The cards that were not written because they had changed since they were planned."""
    found: dict[str, frozenset[str]] = {}
    for result in results:
        if result.stale and isinstance(result.action, CardAction):
            book = result.action.book
            found[book] = found.get(book, frozenset()) | {result.action.href}
    return found


def planned_again(
    plan: Plan, results: Sequence[Result], fresh: Sequence[BookPlan], stale: Cards
) -> tuple[Plan, list[Result], list[Action]]:
    """`plan` with what `fresh` says of the stale cards, the results that still hold, and what is to be done now."""
    again: list[Action] = [
        action for book in fresh for action in book.actions if action.href in stale.get(action.book, ())
    ]
    entries = [entry for book in fresh for entry in book.entries if entry.href in stale.get(entry.book, ())]
    findings = [
        finding
        for book in fresh
        for finding in book.findings
        if any(finding.subject in hrefs for hrefs in stale.values())
    ]
    kept = [action for action in plan.actions if not _is_stale(action, stale)]
    return (
        replace(
            plan,
            actions=(*kept, *again),
            entries=(
                *(entry for entry in plan.entries if entry.href not in stale.get(entry.book, ())),
                *entries,
            ),
            findings=(*plan.findings, *findings),
        ),
        [result for result in results if not _is_stale(result.action, stale)],
        again,
    )


def _is_stale(action: Action, stale: Cards) -> bool:
    return isinstance(action, CardAction) and action.href in stale.get(action.book, ())
