"""The results of runs that were killed or interrupted, told from their journal, so that every report has them."""

from __future__ import annotations

from mailsync.addressbook.shelf import Shelf
from mailsync.errors import INTERRUPTED, MailsyncError
from mailsync.run.actions import before_after, describe, target
from mailsync.run.journal import JournalRow, Run
from mailsync.run.recover import MAILBOX
from mailsync.tidy import result
from mailsync.tidy.carrying import remember_cards, target_of
from mailsync.tidy.desk import Desk
from mailsync.tidy.result import Json
from mailsync.tidy.servers import Servers


def tell_interrupted(desk: Desk, current: Run, shelf: Shelf, servers: Servers) -> list[MailsyncError]:
    """Give every run that never came to its end a result, what its journal says it did, and put the cards it wrote on
    the shelf: a former name must never be forgotten because a process died.

    Called after recovery by the run `current`, which holds the account, so that no other run can be under way. A run
    that wrote to a book which is not open now waits for a run that can read it.
    """
    errors: list[MailsyncError] = []
    for run in reversed(desk.journal.unfinished(current.account)):
        rows = desk.journal.rows(run=run.id)
        written = [row for row in rows if row.state == "done"]
        if run.id == current.id or not {target_of(row.action) for row in written} <= {
            *servers.books,
            MAILBOX,
        }:
            continue
        errors += remember_cards(shelf, servers, written)
        told = result.empty(run.account, run.started, run=run.id, dry_run=run.dry_run)
        told["actions"] = [_action_row(row) for row in rows]
        told["counts"] = result.counts(told)
        told["exit_code"] = INTERRUPTED
        told["finished"] = desk.clock().isoformat()
        desk.results.store(run.id, run.account, run.started, told, passing=result.is_passing(told))
        desk.journal.finish_run(run.id, INTERRUPTED)
    return errors


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
