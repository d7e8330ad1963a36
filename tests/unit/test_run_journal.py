"""The journal: what is written is read back, run ids, lines for programs, placements."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.errors import UsageError
from mailsync.run import stored
from mailsync.run.actions import (
    Action,
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    FolderCreate,
    FolderRename,
    FormerProperties,
    MailboxState,
    MessageRemove,
    MessageTransfer,
    NameProperties,
    Place,
)
from mailsync.run.journal import Closing, Intent
from mailsync.text import N_, Sentence
from tests.kill.worlds import KillableJournal, memory_journal

TEXT = st.text(max_size=20)
RAW = st.binary(max_size=30)
CODES = st.lists(st.sampled_from(["D12", "E05", "012"]), max_size=2).map(tuple)
UID = st.integers(1, 2**32 - 1)

NAMES = st.builds(
    NameProperties,
    fn=TEXT,
    given=TEXT | st.none(),
    nickname=TEXT | st.none(),
    add_categories=CODES,
    drop_categories=CODES,
)
FORMER = st.builds(
    FormerProperties,
    lines=st.lists(RAW.map(lambda raw: raw.decode(errors="surrogateescape")), max_size=3).map(tuple),
    drop_categories=CODES,
)
ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(
        CardRename,
        kind=st.sampled_from(["card-rename", "card-restore"]),
        book=TEXT,
        href=TEXT,
        uid=TEXT,
        etag=TEXT,
        before=TEXT,
        after=TEXT,
        codes=CODES,
        edit=NAMES | FORMER,
    ),
    st.builds(CardCreate, book=TEXT, href=TEXT, uid=TEXT, after=TEXT, codes=CODES, card=RAW),
    st.builds(CardDelete, book=TEXT, href=TEXT, uid=TEXT, etag=TEXT, before=TEXT),
    st.builds(CardReplace, book=TEXT, href=TEXT, uid=TEXT, etag=TEXT, before=TEXT, after=TEXT, card=RAW),
    st.builds(
        MessageTransfer,
        kind=st.sampled_from(["message-move", "message-copy"]),
        mailbox=TEXT,
        uidvalidity=UID,
        uid=UID,
        message_id=TEXT | st.none(),
        fingerprint=TEXT,
        subject=TEXT,
        destination=TEXT,
        customer=TEXT | st.none(),
        evidence=TEXT,
        needs_flags=CODES,
    ),
    st.builds(
        MessageRemove,
        mailbox=TEXT,
        uidvalidity=UID,
        uid=UID,
        message_id=TEXT | st.none(),
        fingerprint=TEXT,
        subject=TEXT,
        original=TEXT,
        original_uidvalidity=UID,
        original_uid=UID,
    ),
    st.builds(FolderCreate, mailbox=TEXT),
    st.builds(
        FolderRename,
        mailbox=TEXT,
        after=TEXT,
        separator=st.sampled_from(["/", ".", None]),
        customer=TEXT | st.none(),
    ),
)


@pytest.fixture(scope="module")
def shared() -> KillableJournal:
    return memory_journal()


@given(action=ACTIONS, former=RAW | st.none())
def test_what_is_opened_is_read_back(shared: KillableJournal, action: Action, former: bytes | None) -> None:
    run = shared.begin()
    (row,) = shared.open(run.id, "li.na", [Intent(action=action, former=former)])
    (read,) = shared.rows(run=run.id)
    assert read == row
    assert (read.action, read.former, read.state) == (action, former, "open")
    assert len(list(shared.lines(N_, run=run.id))) == 1


def test_texts_no_database_keeps_are_made_readable() -> None:
    assert stored.readable("a\udce4b\x00c") == "a?b?c"
    assert stored.readable(None) is None


def test_run_ids_are_unique_sortable_and_short() -> None:
    journal = memory_journal()
    ids = [journal.start_run("book:Firma 客户/x").id for _ in range(300)]
    assert len(set(ids)) == 300
    assert ids[0].startswith("20261125-120000-book-Firma-客户-x-")
    assert journal.run(ids[0]).kind == "tidy"
    journal.finish_run(ids[0], 3)
    assert journal.run(ids[0]).exit_code == 3


def test_an_unknown_run_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no run 2026-x"):
        memory_journal().run("2026-x")


def moved(uid: int, *, destination: str = "Customers/D12 Gibson") -> MessageTransfer:
    return MessageTransfer(
        kind="message-move",
        mailbox="INBOX",
        uidvalidity=1,
        uid=uid,
        message_id=f"<{uid}@x>",
        fingerprint=f"f{uid}",
        subject="D12 order",
        destination=destination,
        customer="D12",
        evidence="code",
    )


def test_lines_tell_the_newest_run_first_with_sentence_and_note() -> None:
    journal = memory_journal()
    clock = iter(datetime(2026, 11, 25, hour, tzinfo=UTC) for hour in range(1, 24))
    journal._clock = lambda: next(clock)
    first, second = journal.begin(), journal.begin()
    for run in (first, second):
        (row,) = journal.open(run.id, "li.na", [Intent(action=moved(4))])
        journal.close(
            [Closing(row=row, state="conflict", note=Sentence.of(N_("{mailbox} refuses"), mailbox="X"))]
        )
    lines = list(journal.lines(N_))
    assert [line["run"] for line in lines] == [second.id, first.id]
    assert list(lines[0])[:10] == [
        "run", "account", "kind", "target", "before", "after", "state", "sentence", "opened", "closed",
    ]  # fmt: skip
    assert lines[0]["sentence"] == "Move “D12 order” from INBOX to Customers/D12 Gibson"
    assert lines[0]["note"] == "X refuses"
    assert lines[0]["target"] == "INBOX;UIDVALIDITY=1/;UID=4"
    assert [line["run"] for line in journal.lines(N_, run=first.id)] == [first.id]
    assert list(journal.lines(N_, account="other")) == []


def test_a_done_undo_marks_the_row_it_takes_back() -> None:
    journal = memory_journal()
    run, undo = journal.begin(), journal.begin("undo")
    fence = MailboxState(uidvalidity=9, uidnext=3)
    (row,) = journal.open(run.id, "li.na", [Intent(action=moved(4), fence=fence)])
    journal.close([Closing(row=row, state="done", destination_uid=3)])
    (back,) = journal.open(undo.id, "li.na", [Intent(action=moved(3), fence=fence, undo_of=row.id)])
    assert [one.state for one in journal.rows(run=run.id)] == ["done"]
    journal.close([Closing(row=back, state="done", destination_uid=8)])
    assert [one.state for one in journal.rows(run=run.id)] == ["undone"]
    first, second = journal.placements("li.na")
    assert (first.undone, first.undo, first.destination) == (True, False, Place("Customers/D12 Gibson", 9, 3))
    assert (second.undone, second.undo, second.destination.uid) == (False, True, 8)


def test_an_undo_that_did_not_happen_leaves_the_row_done() -> None:
    journal = memory_journal()
    run, undo = journal.begin(), journal.begin("undo")
    (row,) = journal.open(run.id, "li.na", [Intent(action=moved(4))])
    journal.close([Closing(row=row, state="done", destination_uid=3)])
    (back,) = journal.open(undo.id, "li.na", [Intent(action=moved(3), undo_of=row.id)])
    journal.close([Closing(row=back, state="conflict")])
    assert [one.state for one in journal.rows(run=run.id)] == ["done"]


def test_a_copy_whose_original_stayed_counts_as_a_copy_and_other_conflicts_do_not() -> None:
    journal = memory_journal()
    run = journal.begin()
    fence = MailboxState(uidvalidity=9, uidnext=3)
    both, none = journal.open(
        run.id, "li.na", [Intent(action=moved(4), fence=fence), Intent(action=moved(5), fence=fence)]
    )
    journal.close(
        [Closing(row=both, state="conflict", destination_uid=3), Closing(row=none, state="conflict")]
    )
    (placement,) = journal.placements("li.na")
    assert (placement.kind, placement.fingerprint) == ("message-copy", "f4")


def test_open_rows_are_those_of_the_account() -> None:
    journal = memory_journal()
    run = journal.begin()
    (row,) = journal.open(run.id, "li.na", [Intent(action=moved(4))])
    assert journal.open_rows("li.na") == [row]
    assert journal.open_rows("other") == []
    journal.close([Closing(row=row, state="abandoned")])
    assert journal.open_rows("li.na") == []
    assert [one.state for one in journal.rows(account="li.na", states=["abandoned"])] == ["abandoned"]
