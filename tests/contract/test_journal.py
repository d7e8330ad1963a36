"""The journal on every database that mailsync runs on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from mailsync.run.actions import (
    CardRename,
    CardReplace,
    FolderCreate,
    FolderRename,
    FormerProperties,
    MailboxState,
    MessageTransfer,
    Place,
)
from mailsync.run.journal import Closing, Intent, Journal
from mailsync.text import N_, Sentence

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NASTY = "D12 \udce4 \x00 报价 “{brace}”"


def rename() -> CardRename:
    return CardRename(
        kind="card-restore",
        book="https://dav.example/b/",
        href="/b/1.vcf",
        uid="1",
        etag='"1"',
        before=NASTY,
        after="Jane",
        codes=("D12",),
        edit=FormerProperties(lines=("FN:J\udcffne",), drop_categories=("D12",)),
    )


def transfer(uid: int) -> MessageTransfer:
    return MessageTransfer(
        kind="message-move",
        mailbox="INBOX",
        uidvalidity=4_294_967_295,
        uid=uid,
        message_id=None,
        fingerprint=f"f{uid}",
        subject=NASTY,
        destination="Customers/D12 王伟",
        customer="D12",
        evidence="code",
    )


def test_folders_are_known_by_their_present_names(database: sa.Engine) -> None:
    journal = Journal(database, lambda: NOW)
    run = journal.start_run("li.na")
    fence = MailboxState(uidvalidity=7, uidnext=1)
    there = replace(transfer(1), destination="D12 old/2025", subject="order")
    to_new = FolderRename(mailbox="D12 old", after="D12 new", separator="/", customer="D12")
    made = [Intent(action=FolderCreate(mailbox=name)) for name in ("D12 old", "D12 old/2025", "E05")]
    rows = journal.open(run.id, "li.na", [*made, Intent(action=there, fence=fence), Intent(action=to_new)])
    journal.close([Closing(row=row, state="done", destination_uid=5) for row in rows])
    assert journal.named_folders("li.na").names == {"D12 new", "D12 new/2025", "E05"}
    (placed,) = journal.placements("li.na", {"f1"})
    assert placed.destination == Place("D12 new/2025", 7, 5)
    back = FolderRename(mailbox="D12 new", after="D12 old", separator="/")
    other = replace(to_new, mailbox="E05", after="E05 王", separator=None)
    rows = journal.open(run.id, "li.na", [Intent(action=back, undo_of=rows[-1].id), Intent(action=other)])
    journal.close([Closing(row=rows[0], state="done"), Closing(row=rows[1], state="failed")])
    named = journal.named_folders("li.na")
    assert named.names == {"D12 old", "D12 old/2025", "E05"} and named.refused == {("E05", "E05 王"): 1}
    assert journal.placements("li.na")[0].destination.mailbox == "D12 old/2025"
    assert journal.named_folders("other").names == frozenset()


def test_everything_is_read_back(database: sa.Engine) -> None:
    journal = Journal(database, lambda: NOW)
    run = journal.start_run("li.na")
    fence = MailboxState(uidvalidity=4_294_967_295, uidnext=4_294_967_290)
    intents = [
        Intent(action=rename(), former=b"BEGIN:VCARD\r\nFN:J\xffne\x00\r\n"),
        Intent(action=transfer(4_294_967_294), fence=fence),
        Intent(action=transfer(2), fence=fence),
    ]
    card, moved, failed = journal.open(run.id, "li.na", intents)
    assert journal.open_rows("li.na") == [card, moved, failed]
    journal.close(
        [
            Closing(row=card, state="done", etag='"2"'),
            Closing(row=moved, state="done", destination_uid=4_294_967_291),
            Closing(row=failed, state="failed", note=Sentence.of(N_("{mailbox} refuses"), mailbox="X")),
        ]
    )
    assert journal.open_rows("li.na") == []
    read = journal.rows(run=run.id)
    assert [row.state for row in read] == ["done", "done", "failed"]
    assert [row.action for row in read] == [intent.action for intent in intents]
    assert read[0].former == b"BEGIN:VCARD\r\nFN:J\xffne\x00\r\n"
    assert (read[0].closed, read[0].etag) == (NOW, '"2"')
    assert read[2].note == Sentence.of("{mailbox} refuses", mailbox="X")
    (placement,) = journal.placements("li.na")
    assert placement.destination == Place("Customers/D12 王伟", 4_294_967_295, 4_294_967_291)
    assert [line["kind"] for line in journal.lines(N_)] == ["card-restore", "message-move", "message-move"]


def test_an_undo_turns_its_rows_around_in_one_commit(database: sa.Engine) -> None:
    journal = Journal(database, lambda: NOW)
    run, undo = journal.start_run("li.na"), journal.start_run("li.na", "undo")
    (card,) = journal.open(run.id, "li.na", [Intent(action=rename(), former=b"x")])
    journal.close([Closing(row=card, state="done", etag='"2"')])
    back = CardReplace(book="b", href="/1", uid="1", etag='"2"', before="Jane", after="D12", card=b"x")
    (row,) = journal.open(undo.id, "li.na", [Intent(action=back, undo_of=card.id)])
    journal.close([Closing(row=row, state="done", etag='"3"')])
    assert [one.state for one in journal.rows(run=run.id)] == ["undone"]
    assert [one.id for one in journal.runs("li.na")] == sorted((run.id, undo.id), reverse=True)
    journal.finish_run(undo.id, 0)
    assert journal.run(undo.id).finished == NOW
