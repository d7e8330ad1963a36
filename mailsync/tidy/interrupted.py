"""The results of runs that were killed or interrupted, told from their journal, so that every report has them."""

from __future__ import annotations

from mailsync.errors import INTERRUPTED
from mailsync.run.actions import before_after, describe, target
from mailsync.run.journal import JournalRow
from mailsync.tidy import result
from mailsync.tidy.desk import Desk
from mailsync.tidy.result import Json
from mailsync.tidy.settings import Account


def tell_interrupted(desk: Desk, account: Account, current: str) -> None:
    """Give every run of `account` that never came to its end a result: what its journal says it did. Called after
    recovery by the run `current`, which holds the account, so that no other run can be under way."""
    for run in desk.journal.unfinished(account.name):
        if run.id == current:
            continue
        told = result.empty(account.name, run.started, run=run.id, dry_run=run.dry_run)
        told["actions"] = [_action_row(row) for row in desk.journal.rows(run=run.id)]
        told["counts"] = result.counts(told)
        told["exit_code"] = INTERRUPTED
        told["finished"] = desk.clock().isoformat()
        desk.results.store(run.id, account.name, run.started, told)
        desk.journal.finish_run(run.id, INTERRUPTED)


def _action_row(row: JournalRow) -> Json:
    before, after = before_after(row.action)
    sentence = describe(row.action)
    return {
        "kind": row.action.kind,
        "target": target(row.action),
        "before": before,
        "after": after,
        "state": "planned" if row.state in ("open", "abandoned") else row.state,
        "sentence": str(sentence),
        "sentence_parts": sentence.to_json(),
        "note": str(row.note) if row.note else None,
    }
