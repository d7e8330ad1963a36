"""A run's result as the JSON object that others rely on (FORMATS 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mailsync.addressbook.entries import CardEntry
from mailsync.audit.plan import SubjectVerdict
from mailsync.conversations.attribution import Attribution
from mailsync.errors import INTERRUPTED, MailsyncError, NotConfirmed, RunRefused, worst_exit
from mailsync.mailbox.headers import Message, MessageKey
from mailsync.run.actions import Action, Finding, before_after, describe, target
from mailsync.run.apply import Result
from mailsync.text import Sentence

Json = dict[str, Any]


def attribution_rows(
    messages: Iterable[Message], attributions: Mapping[MessageKey, Attribution], told: Collection[MessageKey]
) -> list[Json]:
    """`attributions`: the messages that this run read or decided anew."""
    return [
        {
            **_place(message.key),
            "message_id": message.envelope.message_id,
            "customer": attribution.customer,
            "evidence": attribution.evidence,
            "note": str(attribution.note) if attribution.note else None,
        }
        for message in messages
        if message.key in told
        for attribution in (attributions[message.key],)
    ]


def audit_rows(verdicts: Iterable[SubjectVerdict], told: Collection[MessageKey]) -> list[Json]:
    """`audit`: the Sent messages among them."""
    return [
        {
            **_place(verdict.key),
            "message_id": verdict.message_id,
            "subject": verdict.subject,
            "verdict": verdict.verdict,
            "customer": verdict.customer,
            "suggestion": verdict.suggestion,
            "note": str(verdict.note) if verdict.note else None,
            "candidates": list(verdict.candidates),
        }
        for verdict in verdicts
        if verdict.key in told
    ]


def card_rows(entries: Iterable[CardEntry], results: Sequence[Result]) -> list[Json]:
    """`cards`: every card; one whose write was refused is the conflict it became."""
    refused = {
        (getattr(result.action, "book", None), target(result.action))
        for result in results
        if result.state in ("conflict", "failed")
    }
    return [
        {
            "book": entry.book,
            "href": entry.href,
            "uid": entry.uid,
            "action": "conflict" if (entry.book, entry.href) in refused else entry.action,
            "before": entry.before,
            "after": entry.after,
            "codes": list(entry.codes),
        }
        for entry in entries
    ]


def action_rows(actions: Sequence[Action], results: Sequence[Result]) -> list[Json]:
    """`actions` in the plan's order, each with what became of it; `planned` where its turn did not come."""
    outcome = {result.action: result for result in results if result.state != "left"}
    return [_action_row(action, outcome.get(action)) for action in actions]


def _action_row(action: Action, result: Result | None) -> Json:
    before, after = before_after(action)
    return {
        "kind": action.kind,
        "target": target(action),
        "before": before,
        "after": after,
        "state": result.state if result else "planned",
        **_said(describe(action)),
        "note": str(result.note) if result and result.note else None,
    }


def finding_rows(findings: Iterable[Finding]) -> list[Json]:
    """`findings` and `conflicts`."""
    return [
        {
            "kind": finding.kind,
            "severity": finding.severity,
            "subject": finding.subject,
            "customer": finding.customer,
            "command": finding.command,
            **_said(finding.sentence),
        }
        for finding in findings
    ]


def conflict_rows(results: Iterable[Result]) -> list[Json]:
    """What the servers did not let happen."""
    return [
        {
            "kind": f"{result.action.kind}-{result.state}",
            "severity": "conflict" if result.state == "conflict" else "error",
            "subject": target(result.action),
            "customer": getattr(result.action, "customer", None),
            **_said(result.note or describe(result.action)),
        }
        for result in results
        if result.state in ("conflict", "failed")
    ]


def error_rows(errors: Iterable[MailsyncError]) -> list[Json]:
    """`errors`: what ended the work on a server, a book, a mailbox, or on the account; a brake is one of them."""
    return [
        {
            "kind": _error_kind(error),
            "severity": "error",
            "subject": "",
            "customer": None,
            "exit_code": error.exit_code,
            **_said(error.sentence),
        }
        for error in errors
    ]


def _error_kind(error: MailsyncError) -> str:
    if isinstance(error, NotConfirmed):
        return "unconfirmed"
    return "brake" if isinstance(error, RunRefused) else "error"


def counts(result: Mapping[str, Any]) -> Json:
    """Sums over the lists, for programs that only watch."""
    actions = Counter((row["kind"], row["state"]) for row in result["actions"])
    return {
        "messages_read": len(result["attributions"]),
        "cards": len(result["cards"]),
        "planned": sum(number for (_, state), number in actions.items() if state == "planned"),
        "done": sum(number for (_, state), number in actions.items() if state == "done"),
        "by_action": {f"{kind}:{state}": number for (kind, state), number in sorted(actions.items())},
        "verdicts": dict(Counter(row["verdict"] for row in result["audit"])),
        "findings": len(result["findings"]),
        "conflicts": len(result["conflicts"]),
        "errors": len(result["errors"]),
    }


def empty(account: str, started: datetime, *, run: str = "", dry_run: bool) -> Json:
    """The object of a run of which nothing is known yet."""
    return {
        "run": run,
        "account": account,
        "started": started.isoformat(),
        "finished": None,
        "dry_run": dry_run,
        "exit_code": 0,
        "plan_hash": None,
        "unconfirmed": [],
        "counts": {},
        "attributions": [],
        "audit": [],
        "cards": [],
        "actions": [],
        "stays": {},
        "write_seconds": None,
        "traffic": None,
        "findings": [],
        "conflicts": [],
        "errors": [],
    }


def is_passing(told: Json) -> bool:
    """Whether the next run's result says all that this one does: nothing was done, and nothing new was read for good.
    A daemon makes hundreds of those a week."""
    if any(row["state"] != "planned" for row in told["actions"]):
        return False
    return told["dry_run"] or told["exit_code"] in (11, 20) or not (told["attributions"] or told["audit"])


def finished(told: Json, errors: Sequence[MailsyncError], now: datetime, *, stopped: bool = False) -> Json:
    """Date `told` and give it the exit code of DESIGN 6. `stopped`: somebody ended it before its end."""
    codes = [error.exit_code for error in errors] + [3 if told["conflicts"] else 0]
    told["exit_code"] = INTERRUPTED if stopped else worst_exit(codes)
    told["finished"] = now.isoformat()
    return told


def _place(key: MessageKey) -> Json:
    return {"mailbox": key.mailbox, "uidvalidity": key.uidvalidity, "uid": key.uid}


def _said(sentence: Sentence) -> Json:
    return {"sentence": str(sentence), "sentence_parts": sentence.to_json()}
