"""Results of runs, and what was last decided of each message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from mailsync.run.actions import Place
from mailsync.run.results import Decision, Results


def day(number: int) -> datetime:
    return datetime(2026, 11, number, tzinfo=UTC)


@pytest.fixture
def results(database: sa.Engine) -> Results:
    return Results(database)


def test_results_are_read_back_since_a_date_the_oldest_first(results: Results) -> None:
    for number, account in ((3, "li.na"), (1, "li.na"), (2, "wang.wei")):
        results.store(f"run-{number}", account, day(number), {"run": number, "subject": "报价"})
    assert [one["run"] for one in results.since(day(2))] == [2, 3]
    assert [one["run"] for one in results.since(day(1), ["li.na"])] == [1, 3]
    assert results.last("li.na") == {"run": 3, "subject": "报价"}
    assert results.last("nobody") is None
    results.store("run-3", "li.na", day(3), {"run": "again"})
    assert results.of_run("run-3") == {"run": "again"}


def decide(results: Results, decided: dict[Place, Decision], gone: Iterable[Place] = ()) -> list[Place]:
    return results.decide("li.na", decided, former=results.decisions("li.na"), gone=gone)


def test_decisions_are_found_by_place_and_by_fingerprint(results: Results) -> None:
    """More of each than one question names."""
    there = {
        Place("Customers/D12 Gibson", 7, uid): Decision(
            customer="D12", evidence="code", fingerprint=f"f{uid % 700}"
        )
        for uid in range(1, 1401)
    }
    inbox = {Place("INBOX", 1, uid): Decision(customer="D12", evidence="code") for uid in range(1, 1401)}
    decide(results, there | inbox)
    some = [place for place in inbox if place.uid <= 1200]
    found = results.decisions("li.na", among=some, fingerprints={f"f{number}" for number in range(600)})
    assert found == {
        place: made
        for place, made in (there | inbox).items()
        if place in some or (made.fingerprint and int(made.fingerprint[1:]) < 600)
    }
    assert results.decisions("li.na", among=[]) == {}


def test_only_new_and_changed_decisions_are_told(results: Results) -> None:
    one, two, three = (Place("INBOX", 1, uid) for uid in (1, 2, 3))
    code, none = Decision(customer="D12", evidence="code"), Decision(customer=None, evidence="none")
    assert decide(results, {one: code, two: none}) == [one, two]
    assert decide(results, {one: code, two: none}) == []
    thread = Decision(customer="D12", evidence="thread", verdict="missing")
    assert decide(results, {one: code, two: thread, three: none}, gone=[one]) == [two, three]
    assert results.decisions("li.na") == {two: thread, three: none}
    assert results.decisions("wang.wei") == {}


def test_many_decisions_at_once(results: Results) -> None:
    decided = {Place("INBOX", 1, uid): Decision(customer="D12", evidence="code") for uid in range(1, 4100)}
    assert len(decide(results, decided)) == 4099
    again = {place: Decision(customer="E05", evidence="code") for place in decided}
    assert len(decide(results, again)) == 4099
    assert results.decisions("li.na") == again


def test_a_passing_result_gives_way_to_the_next(results: Results) -> None:
    for number, passing in enumerate((True, True, False, True, True), start=1):
        results.store(f"r{number}", "li.na", day(number), {"run": f"r{number}"}, passing=passing)
    results.store("other", "wang.wei", day(9), {"run": "other"}, passing=True)
    assert [one["run"] for one in results.since(day(1))] == ["r3", "r5", "other"]
