"""Renaming folders: each is checked, journalled, renamed and looked at again, and what it holds goes along."""

from __future__ import annotations

from collections.abc import Sequence

from mailsync.errors import CollectionError
from mailsync.run.actions import FolderRename, MailboxState
from mailsync.run.execution import Execution
from mailsync.run.journal import Intent
from mailsync.run.ports import MailPort
from mailsync.run.settle import renaming, settle_renames
from mailsync.text import N_, Sentence


def rename_folders(execution: Execution, mail: MailPort, actions: Sequence[FolderRename]) -> None:
    """Rename folders, in two commits. Raises `AccountError`; open rows are then settled by the next run."""
    if not execution.go_on():
        execution.leave(actions)
        return
    intents = _intents(execution, mail, actions)
    rows = execution.open(intents)
    refused = {}
    for row in rows:
        if execution.stop():
            break
        action = renaming(row)
        try:
            mail.rename(action.mailbox, action.after)
        except CollectionError as error:
            refused[row.id] = error.sentence
    execution.close(settle_renames(mail, rows), refused)


def _intents(execution: Execution, mail: MailPort, actions: Sequence[FolderRename]) -> list[Intent]:
    """Those that can be renamed, each with its state as the fence; the others are refused."""
    states = mail.states(dict.fromkeys(name for one in actions for name in (one.mailbox, one.after)))
    intents = []
    for action in actions:
        state, taken = states[action.mailbox], states[action.after]
        if not isinstance(state, MailboxState):
            left = N_("The folder {before} was renamed or deleted meanwhile")
            execution.refuse(action, Sentence.of(left, before=action.mailbox))
        elif taken is not None:
            there = N_("There is a folder {after} meanwhile, so {before} keeps its name")
            execution.refuse(action, Sentence.of(there, before=action.mailbox, after=action.after))
        else:
            intents.append(Intent(action=action, fence=state, undo_of=execution.undoes.get(action)))
    return intents
