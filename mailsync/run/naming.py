"""Rows of the journal by the names that mailboxes have now: folders may have been renamed since. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mailsync.run.actions import Action, FolderCreate, FolderRename, MessageRemove, MessageTransfer
from mailsync.run.journal import JournalRow
from mailsync.run.renames import Names


def by_present_names(
    rows: Sequence[JournalRow], later: Sequence[JournalRow]
) -> tuple[list[JournalRow], list[JournalRow]]:
    """`rows` and those that came `later`, all in their order, with mailboxes as they are called after the last of them.
    What a renaming itself says stays as it was said."""
    found: list[JournalRow] = []
    names = Names()
    for row in reversed((*rows, *later)):
        found.append(replace(row, action=_named(row.action, names)))
        if isinstance(row.action, FolderRename) and row.state in ("done", "undone"):
            names.put_before(row.action)
    found.reverse()
    return found[: len(rows)], found[len(rows) :]


def _named(action: Action, names: Names) -> Action:
    match action:
        case MessageTransfer():
            return replace(
                action, mailbox=names.now(action.mailbox), destination=names.now(action.destination)
            )
        case MessageRemove():
            return replace(action, mailbox=names.now(action.mailbox), original=names.now(action.original))
        case FolderCreate():
            return replace(action, mailbox=names.now(action.mailbox))
        case _:
            return action
