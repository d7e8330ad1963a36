"""Results of one run, or of many, gathered into a Report: what a rep or the manager should see (DOMAIN 9). Pure.

A result is the JSON object of one account and run (FORMATS 3). Over many runs the newest word about a message,
a card or a finding wins; what was done is added up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mailsync.report.parts import (
    LEAK,
    CardChange,
    Changes,
    CustomerName,
    Filed,
    Note,
    Offender,
    Report,
    RunLine,
    Share,
)
from mailsync.text import Sentence

Result = Mapping[str, Any]

#: States of an action that was carried out, was only planned, or was taken back; all others could not be done.
DONE = frozenset({"done"})
PLANNED = frozenset({"planned", ""})
UNDONE = frozenset({"undone"})

#: Verdicts in the order of their weight: a leak first.
VERDICTS = (LEAK, "wrong_customer", "unknown_code", "superseded", "malformed", "misplaced", "missing")

#: Exit code of a run that was not confirmed, or held by a brake (DESIGN 6).
HELD = 20

CANDIDATES = frozenset({"candidate"})
SUGGESTIONS = frozenset({"suggestion"})
AMBIGUOUS = frozenset({"ambiguous"})


def build(
    results: Sequence[Result],
    *,
    customers: Mapping[str, CustomerName] | None = None,
    names: Mapping[str, str] | None = None,
) -> Report:
    """The report over `results`.

    `customers`: code → name and owner; `names`: account → the rep's name (the account's own name where missing).
    """
    ordered = sorted(results, key=lambda result: str(result.get("started") or ""))
    runs = tuple(_run_line(result) for result in ordered)
    newest = {result["account"]: result for result in ordered}
    taken_back = {one["undoes"] for one in ordered if one.get("undoes")}
    forward = [one for one in ordered if not one.get("undoes")]
    audit = _audit(ordered)
    notes = _notes(ordered)
    plain = tuple(note for note in notes if note.severity == "finding")
    return Report(
        runs=runs,
        names=dict(names or {}),
        customers=dict(customers or {}),
        done=_in_states([one for one in forward if one.get("run") not in taken_back], DONE),
        planned=_in_states(newest.values(), PLANNED),
        taken_back=_in_states([one for one in ordered if one.get("undoes")], DONE),
        card_actions=_card_actions(ordered),
        verdicts=Counter(str(row["verdict"]) for _, row in audit),
        overall=_share("", [row for _, row in audit]),
        by_account=_shares(audit, lambda account, _: account),
        by_customer=_shares(audit, lambda _, row: row.get("customer")),
        offenders=_offenders(audit),
        obstacles=_obstacles(notes, ordered),
        ambiguous=_of_kind(plain, AMBIGUOUS),
        suggestions=_of_kind(plain, SUGGESTIONS),
        candidates=_of_kind(plain, CANDIDATES),
        findings=tuple(note for note in plain if note.kind not in AMBIGUOUS | SUGGESTIONS | CANDIDATES),
    )


def sentence_of(row: Mapping[str, Any]) -> Sentence:
    """The sentence of a row: with its template where the row has one, else its English words as they stand."""
    parts = row.get("sentence_parts")
    if isinstance(parts, Mapping) and "template" in parts and "fields" in parts:
        sentence = Sentence.from_json(parts)
        try:
            str(sentence)
        except (LookupError, ValueError):  # written by another version of mailsync
            return Sentence.of("{words}", words=row.get("sentence", ""))
        return sentence
    return Sentence.of("{words}", words=row.get("sentence", ""))


def _run_line(result: Result) -> RunLine:
    states = Counter(row["state"] for _, row in _actions([result]))
    done = sum(states[state] for state in DONE)
    exit_code = int(result.get("exit_code", 0))
    return RunLine(
        run=str(result.get("run", "")),
        account=result["account"],
        started=_moment(result.get("started")),
        finished=_moment(result.get("finished")),
        plan_only=bool(result.get("dry_run")) or (exit_code == HELD and not done),
        exit_code=exit_code,
        plan_hash=result.get("plan_hash"),
        done=done,
        planned=sum(states[state] for state in PLANNED),
        held=any(row.get("kind") == "brake" for row in result.get("errors", ())),
        unconfirmed=bool(result.get("unconfirmed")),
        undoes=result.get("undoes"),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _actions(results: Iterable[Result]) -> Iterable[tuple[str, dict[str, Any]]]:
    """(account, action) with a state in every action: those of a dry run are planned whatever else they say."""
    for result in results:
        for row in result.get("actions", ()):
            state = "planned" if result.get("dry_run") else row.get("state") or ""
            yield result["account"], {**row, "state": state}


def _changes(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Changes:
    filed: Counter[tuple[str, str]] = Counter()
    said: list[tuple[str, Sentence]] = []
    cards: list[CardChange] = []
    for account, row in rows:
        kind = str(row["kind"])
        if kind in {"message-move", "message-copy"}:
            filed[(account, str(row["after"]))] += 1
            said.append((account, sentence_of(row)))
        elif kind == "folder-rename":
            said.append((account, sentence_of(row)))
        elif kind.startswith("card-"):
            cards.append(
                CardChange(account=account, kind=kind, before=row.get("before"), after=row.get("after"))
            )
    fullest = sorted(filed.items(), key=lambda item: (-item[1], item[0]))
    return Changes(
        filed=tuple(
            Filed(account=account, folder=folder, count=count) for (account, folder), count in fullest
        ),
        messages_said=tuple(said),
        cards=tuple(cards),
    )


def _in_states(results: Iterable[Result], states: frozenset[str]) -> Changes:
    return _changes(row for row in _actions(results) if row[1]["state"] in states)


def _card_actions(results: Iterable[Result]) -> Mapping[str, int]:
    newest = {
        (row["book"], row["href"] or row.get("uid") or row.get("after")): str(row["action"])
        for result in results
        for row in result.get("cards", ())
    }
    return Counter(newest.values())


def _audit(results: Iterable[Result]) -> list[tuple[str, Mapping[str, Any]]]:
    """(account, audit row), the newest row of each message."""
    newest: dict[tuple[str, ...], tuple[str, Mapping[str, Any]]] = {}
    for result in results:
        for row in result.get("audit", ()):
            key = (result["account"], str(row["mailbox"]), str(row["uid"]), str(row.get("message_id")))
            newest[key] = (result["account"], row)
    return list(newest.values())


def _share(key: str, rows: Iterable[Mapping[str, Any]]) -> Share:
    judged = [row for row in rows if row["verdict"] != "not_applicable"]
    return Share(key=key, ok=sum(1 for row in judged if row["verdict"] == "ok"), judged=len(judged))


def _shares(
    audit: Iterable[tuple[str, Mapping[str, Any]]],
    key_of: Callable[[str, Mapping[str, Any]], str | None],
) -> tuple[Share, ...]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for account, row in audit:
        if key := key_of(account, row):
            groups.setdefault(str(key), []).append(row)
    shares = (_share(key, rows) for key, rows in groups.items())
    return tuple(
        sorted((share for share in shares if share.judged), key=lambda share: (share.share, share.key))
    )


def _offenders(audit: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[Offender, ...]:
    offenders = [
        Offender(
            account=account,
            subject=str(row.get("subject") or ""),
            verdict=str(row["verdict"]),
            customer=row.get("customer"),
            suggestion=row.get("suggestion"),
            candidates=tuple(map(str, row.get("candidates") or ())),
        )
        for account, row in audit
        if row["verdict"] in VERDICTS
    ]
    return tuple(sorted(offenders, key=lambda one: (VERDICTS.index(one.verdict), one.account)))


def _notes(results: Iterable[Result]) -> list[Note]:
    """Findings, conflicts and errors; one that several runs repeat is said once."""
    newest: dict[tuple[str, ...], Note] = {}
    for severity, key in (("finding", "findings"), ("conflict", "conflicts"), ("error", "errors")):
        for result, row in _rows(results, key):
            if row.get("kind") == "unconfirmed":  # no trouble: the next step says what to type
                continue
            note = _note(result["account"], severity, row)
            newest[(note.account, note.kind, note.subject, note.customer or "", str(note.sentence))] = note
    return list(newest.values())


def _note(account: str, severity: str, row: Mapping[str, Any], wish: Sentence | None = None) -> Note:
    return Note(
        account=account,
        kind=str(row.get("kind", severity)),
        severity=severity,
        subject=str(row.get("subject") or ""),
        sentence=sentence_of(row),
        customer=row.get("customer"),
        wish=wish,
        command=row.get("command"),
    )


def _obstacles(notes: Iterable[Note], results: Iterable[Result]) -> tuple[Note, ...]:
    """What could not be done: errors, conflicts, and actions that ended otherwise than done."""
    newest = {(account, str(row.get("target"))): row for account, row in _actions(results)}
    settled = {key for key, row in newest.items() if row["state"] in DONE | UNDONE}
    stuck = {key: row for key, row in newest.items() if row["state"] not in DONE | PLANNED | UNDONE}
    told: list[Note] = []
    for note in notes:
        key = (note.account, note.subject)
        if note.severity == "finding" or key in settled:  # a later run did it after all
            continue
        row = stuck.pop(key, None)
        told.append(replace(note, wish=sentence_of(row), subject="") if row else note)
    for (account, _), row in stuck.items():
        told.append(_note(account, "conflict", {**row, "kind": row["state"], "subject": ""}))
    return tuple(sorted(told, key=lambda note: (note.severity != "error", note.account)))


def _rows(results: Iterable[Result], key: str) -> Iterable[tuple[Result, Mapping[str, Any]]]:
    return ((result, row) for result in results for row in result.get(key, ()))


def _of_kind(notes: Iterable[Note], kinds: frozenset[str]) -> tuple[Note, ...]:
    return tuple(note for note in notes if note.kind in kinds)
