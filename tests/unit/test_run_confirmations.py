"""First runs: planned, confirmed by hash or configuration, applied once; unconfirmed again by undo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from mailsync.errors import UsageError
from mailsync.run.actions import Action, FolderCreate, action_digest
from mailsync.run.confirmations import Confirmations

BOOK = "https://dav.example/book/"
BOTH = ("mailbox", BOOK)
NOTHING: dict[str, list[Action]] = {"mailbox": [], BOOK: []}


@pytest.fixture
def confirmations(database: sa.Engine) -> Confirmations:
    ticks = (datetime(2026, 11, 25, tzinfo=UTC) + timedelta(seconds=second) for second in range(10_000))
    return Confirmations(database, lambda: next(ticks))


def test_a_first_run_is_planned_confirmed_and_applied_once(confirmations: Confirmations) -> None:
    assert confirmations.unconfirmed("li.na", BOTH) == list(BOTH)
    confirmations.show("li.na", "aaa", NOTHING)
    assert confirmations.unconfirmed("li.na", BOTH) == list(BOTH)
    assert (
        confirmations.confirm("li.na", "aaa") == sorted(BOTH)
        or confirmations.unconfirmed("li.na", BOTH) == []
    )
    assert confirmations.first_runs("li.na", BOTH) == dict.fromkeys(BOTH, frozenset())
    confirmations.applied("li.na", BOTH)
    assert confirmations.first_runs("li.na", BOTH) == {}
    assert confirmations.unconfirmed("li.na", BOTH) == []
    assert confirmations.unconfirmed("other", BOTH) == list(BOTH)


def test_only_the_plan_shown_last_can_be_confirmed(confirmations: Confirmations) -> None:
    confirmations.show("li.na", "aaa", NOTHING)
    confirmations.show("li.na", "bbb", NOTHING)
    assert confirmations.shown("li.na") == "bbb"
    with pytest.raises(UsageError, match="aaa is not the plan of"):
        confirmations.confirm("li.na", "aaa")
    with pytest.raises(UsageError):
        confirmations.confirm("other", "bbb")
    assert len(confirmations.confirm("li.na", "bbb")) == 2
    assert confirmations.shown("li.na") is None


def test_a_new_book_beside_a_confirmed_mailbox_is_planned_alone(confirmations: Confirmations) -> None:
    confirmations.confirm_ahead("li.na", ["mailbox"])
    confirmations.applied("li.na", ["mailbox"])
    confirmations.show("li.na", "ccc", NOTHING)
    assert confirmations.unconfirmed("li.na", BOTH) == [BOOK]
    assert confirmations.confirm("li.na", "ccc") == [BOOK]


def test_what_was_undone_is_confirmed_by_hand_alone(confirmations: Confirmations) -> None:
    confirmations.confirm_ahead("li.na", BOTH)
    confirmations.applied("li.na", BOTH)
    confirmations.undone("li.na", BOTH)
    confirmations.confirm_ahead("li.na", BOTH)
    assert confirmations.unconfirmed("li.na", BOTH) == list(BOTH)
    confirmations.confirm_by_hand("li.na", ["mailbox"])
    assert confirmations.unconfirmed("li.na", BOTH) == [BOOK]
    assert confirmations.first_runs("li.na", BOTH) == {"mailbox": None}
    confirmations.show("li.na", "ddd", NOTHING)
    assert confirmations.states("li.na") == {"mailbox": "confirmed", BOOK: "undone"}
    assert confirmations.confirm("li.na", "ddd") == [BOOK]


def test_tidy_by_hand_confirms_no_first_run(confirmations: Confirmations) -> None:
    confirmations.confirm_by_hand("li.na", BOTH)
    confirmations.show("li.na", "aaa", NOTHING)
    confirmations.confirm_by_hand("li.na", BOTH)
    assert confirmations.unconfirmed("li.na", BOTH) == list(BOTH)


def test_a_hash_confirms_the_actions_that_its_plan_showed(confirmations: Confirmations) -> None:
    shown, other = FolderCreate(mailbox="Customers"), FolderCreate(mailbox="Others")
    confirmations.show("li.na", "aaa", {"mailbox": [other], BOOK: []})
    confirmations.show("li.na", "bbb", {"mailbox": [shown], BOOK: []})
    confirmations.confirm("li.na", "bbb")
    confirmations.show("li.na", "ccc", {"mailbox": [other], BOOK: [other]})
    confirmations.confirm_ahead("li.na", BOTH)
    assert confirmations.first_runs("li.na", BOTH) == {
        "mailbox": frozenset([action_digest(shown)]),
        BOOK: frozenset(),
    }


def test_a_blanket_confirmation_names_no_actions(confirmations: Confirmations) -> None:
    confirmations.show("li.na", "aaa", {"mailbox": [FolderCreate(mailbox="Customers")]})
    confirmations.confirm_ahead("li.na", BOTH)
    assert confirmations.first_runs("li.na", BOTH) == {"mailbox": None, BOOK: None}
