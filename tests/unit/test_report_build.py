"""The report's figures: what counts, what wins, what is said once."""

from __future__ import annotations

import pytest

from mailsync.report.build import build, sentence_of
from mailsync.report.parts import LEAK
from mailsync.report.steps import next_steps
from tests.unit.report_samples import company, move, note, rename, result, sent


def test_done_is_added_up_over_runs() -> None:
    runs = [
        result(run=f"r{day}", started=f"2026-11-2{day}T01:00:00+00:00", actions=[move("D12 a", "C/D12")])
        for day in (1, 2, 3)
    ]
    assert build(runs).done.messages == 3
    assert [(one.folder, one.count) for one in build(runs).done.filed] == [("C/D12", 3)]


def test_planned_counts_only_while_the_newest_run_is_a_plan() -> None:
    plan = result(
        dry_run=True, started="2026-11-21T01:00:00+00:00", actions=[move("D12 a", "C/D12", "planned")]
    )
    tidy = result(run="r2", started="2026-11-22T01:00:00+00:00", actions=[move("D12 a", "C/D12")])
    assert build([plan]).only_plans
    assert build([plan]).planned.messages == 1
    both = build([tidy, plan])
    assert (both.planned.messages, both.done.messages, both.only_plans) == (0, 1, False)


def test_a_held_run_is_a_plan() -> None:
    held = result(exit_code=20, actions=[move("D12 a", "C/D12", "planned")])
    assert build([held]).only_plans
    assert build([held]).planned.messages == 1


def test_a_dry_run_did_nothing_whatever_its_actions_say() -> None:
    assert build([result(dry_run=True, actions=[move("D12 a", "C/D12", "done")])]).done.messages == 0


@pytest.mark.parametrize("state", ["conflict", "failed", "abandoned", "open"])
def test_an_action_that_did_not_end_well_is_an_obstacle(state: str) -> None:
    report = build([result(actions=[rename("a", "D12 a", state)])])
    assert [(one.kind, str(one.sentence)) for one in report.obstacles] == [
        (state, "Rename the card “a” to “D12 a”")
    ]
    assert report.done.cards == ()


def test_a_conflict_about_an_action_is_told_once_with_what_was_wished() -> None:
    action = rename("a", "D12 a", "conflict")
    conflict = note("changed", action["target"], "The card was changed by somebody else")
    report = build([result(actions=[action], conflicts=[conflict])])
    assert [(one.kind, str(one.wish)) for one in report.obstacles] == [
        ("changed", "Rename the card “a” to “D12 a”")
    ]


def test_what_a_later_run_did_is_no_obstacle_any_more() -> None:
    failed, done = rename("a", "D12 a", "failed"), rename("a", "D12 a")
    first = result(actions=[failed], conflicts=[note("changed", failed["target"], "Changed meanwhile")])
    later = result(run="r2", started="2026-11-26T01:00:00+00:00", actions=[done])
    assert len(build([first]).obstacles) == 1
    assert build([later, first]).obstacles == ()


def test_the_newest_verdict_of_a_message_wins() -> None:
    first = result(audit=[sent(1, "New samples", "missing", "D12")])
    later = result(run="r2", started="2026-11-26T01:00:00+00:00", audit=[sent(1, "New samples", "ok", "D12")])
    report = build([later, first])
    assert (report.overall.ok, report.overall.judged, report.offenders) == (1, 1, ())


def test_same_uid_of_two_accounts_is_two_messages() -> None:
    audit = [sent(1, "D12 a", "ok", "D12")]
    assert build([result("a", audit=audit), result("b", audit=audit)]).overall.judged == 2


def test_internal_mail_counts_for_nothing() -> None:
    report = build([result(audit=[sent(1, "Lunch?", "not_applicable")])])
    assert (report.overall.judged, report.overall.share, report.by_account) == (0, 1.0, ())


def test_leaks_come_first_and_shares_lowest_first() -> None:
    report = company()
    assert report.offenders[0].verdict == LEAK
    assert [one.subject for one in report.leaks] == ["Price list for both of you"]
    assert [one.key for one in report.by_customer] == ["D13", "E05", "D12"]
    assert [(one.key, one.ok, one.judged) for one in report.by_account] == [
        ("wang.fang", 6, 9),
        ("li.na", 22, 27),
    ]


def test_findings_are_sorted_by_what_they_ask_of_people() -> None:
    report = company()
    assert (len(report.candidates), len(report.ambiguous), len(report.suggestions)) == (2, 1, 1)
    assert [one.kind for one in report.findings] == ["upkeep"]


def test_a_finding_repeated_by_each_run_is_said_once() -> None:
    runs = [result(run=run, findings=[note("candidate", "b@x", "Writes")]) for run in ("r1", "r2")]
    assert len(build(runs).candidates) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"template": "{gone}", "fields": {}},
        {"template": "{", "fields": {}},
        {"template": "{0}", "fields": {}},
        {},
        None,
    ],
)
def test_a_sentence_of_another_version_falls_back_to_its_english_words(broken: object) -> None:
    assert str(sentence_of({"sentence": "As it {was}", "sentence_parts": broken})) == "As it {was}"


PLAN = {
    "exit_code": 20,
    "plan_hash": "abc",
    "unconfirmed": ["mail"],
    "actions": [move("D12 a", "C", "planned")],
}
WAITS = note("unconfirmed", "", "Not confirmed yet. If it is right, type: mailsync confirm li.na abc")


@pytest.mark.parametrize(
    ("over", "step"),
    [
        ({}, "Nothing to do: everything is in order."),
        (PLAN, "li.na: this is only a plan. If it is right, type: mailsync confirm li.na abc"),
        (
            {**PLAN, "errors": [WAITS]},
            "li.na: this is only a plan. If it is right, type: mailsync confirm li.na abc",
        ),
        (
            {**PLAN, "unconfirmed": [], "dry_run": True, "exit_code": 0},
            "li.na: this is only a plan. To carry it out, type: mailsync tidy --account li.na",
        ),
        (
            {**PLAN, "errors": [note("brake", "", "Too many")]},
            "li.na: held by a brake, nothing was changed. Read why under “What could not be done”.",
        ),
        (
            {"exit_code": 10, "errors": [note("error", "", "The book is gone")]},
            "li.na: the registry is missing or empty. Type: mailsync registry import PATH",
        ),
        (
            {"exit_code": 3, "errors": [note("error", "", "The book is gone")]},
            "1 thing(s) failed. Read why under “What could not be done”.",
        ),
        (
            {"exit_code": 3},
            "li.na: the last run did not end well (exit code 3). Type: mailsync check",
        ),
        ({"exit_code": 12}, "li.na: login refused or server away. Type: mailsync check"),
        ({"actions": [move("D12 a", "C")]}, "To take everything back, type: mailsync undo r1"),
        (
            {"undoes": "r0", "actions": [move("D12 a", "INBOX")]},
            "Run r0 was taken back. Until you type “mailsync tidy”, the daemon only plans here.",
        ),
    ],
)
def test_next_step(over: dict[str, object], step: str) -> None:
    assert str(next_steps(build([result(**over)]))[0]) == step


def test_waiting_for_a_confirmation_is_no_trouble() -> None:
    assert build([result(**{**PLAN, "errors": [WAITS]})]).obstacles == ()


def test_what_was_taken_back_is_not_counted_as_done() -> None:
    first = result(actions=[move("D12 a", "C/D12")])
    undo = result(
        run="r2", started="2026-11-26T01:00:00+00:00", undoes="r1", actions=[move("D12 a", "INBOX")]
    )
    again = result(run="r3", started="2026-11-27T01:00:00+00:00", actions=[move("D12 a", "C/D12")])
    report = build([first, undo])
    assert (report.done.messages, report.taken_back.messages) == (0, 1)
    assert build([first, undo, again]).done.messages == 1
    assert build([undo]).only_undos


def test_no_results_make_an_empty_report() -> None:
    report = build([])
    assert (report.runs, report.only_plans, report.overall.judged) == ((), False, 0)
