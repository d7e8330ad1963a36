"""Carrying out: preconditions, what servers do wrong, what people do meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import pytest

from mailsync.errors import AccountLocked, CollectionError
from mailsync.run import apply_mail
from mailsync.run.actions import (
    Action,
    CardCreate,
    CardRename,
    FolderCreate,
    FolderRename,
    MailboxState,
    MessageTransfer,
    NameProperties,
)
from mailsync.run.apply import Outcome, apply
from mailsync.run.apply_cards import WINDOW
from mailsync.run.journal import Intent
from mailsync.run.ports import Transferred
from mailsync.run.recover import MAILBOX, recover
from mailsync.run.settle import settle_transfers
from mailsync.run.ways import MANY_DESTINATIONS
from tests.kill.worlds import KillableJournal, LineEditor, Mail, MemoryBook, MemoryMail, memory_journal

EDITOR = LineEditor()


def a_book(count: int, **options: Any) -> MemoryBook:
    book = MemoryBook(**options)
    for number in range(count):
        book.put(f"/{number}.vcf", b"FN:Jane\r\nNOTE:%d" % number)
    book.writes.clear()
    return book


def renames(book: MemoryBook) -> list[Action]:
    return [
        CardRename(
            book=book.url,
            href=href,
            uid=href,
            etag=book.etags[href],
            before="Jane",
            after="D12 Jane",
            codes=("D12",),
            edit=NameProperties(fn="D12 Jane"),
        )
        for href in book.cards
    ]


def carry_out(
    actions: Sequence[Action],
    *,
    book: MemoryBook | None = None,
    mail: MemoryMail | None = None,
    journal: KillableJournal | None = None,
    **options: Any,
) -> Outcome:
    journal = journal or memory_journal()
    books = {book.url: book} if book else {}
    return apply(journal.begin(), actions, journal=journal, books=books, editor=EDITOR, mail=mail, **options)


def states(journal: KillableJournal) -> list[str]:
    return [row.state for row in journal.rows()]


# cards


def counted(journal: KillableJournal) -> list[int]:
    """How many intents each of the journal's windows has from now on."""
    windows: list[int] = []
    opened = journal.open

    def count(run: str, account: str, intents: Any) -> Any:
        windows.append(len(intents))
        return opened(run, account, intents)

    journal.open = count  # type: ignore[method-assign]
    return windows


def test_cards_are_written_once_and_their_former_bytes_kept() -> None:
    book, journal = a_book(60), memory_journal()
    shown: list[tuple[int, int]] = []
    outcome = carry_out(renames(book), book=book, journal=journal, progress=lambda *at: shown.append(at))
    assert len(outcome.done) == 60
    assert set(book.writes.values()) == {1}
    assert all(card.startswith(b"FN:D12 Jane") for card in book.cards.values())
    rows = journal.rows()
    assert {row.state for row in rows} == {"done"}
    assert [row.former for row in rows[:2]] == [b"FN:Jane\r\nNOTE:0", b"FN:Jane\r\nNOTE:1"]
    assert [row.etag for row in rows] == list(book.etags.values())
    assert shown[0] == (1, 60) and shown[-1] == (60, 60)


def test_the_first_card_goes_alone() -> None:
    book, journal = a_book(WINDOW + 5), memory_journal()
    windows = counted(journal)
    carry_out(renames(book), book=book, journal=journal)
    assert windows == [1, WINDOW, 4]


def test_a_book_that_fails_while_the_next_window_is_under_way_leaves_no_row_open() -> None:
    book, journal = a_book(2 * WINDOW + 1), memory_journal()
    book.connections = 2

    def fail(href: str) -> None:
        if href == "/50.vcf":
            raise CollectionError("the book is gone")

    book.before_write = fail
    outcome = carry_out(renames(book), book=book, journal=journal)
    assert [str(error) for error in outcome.errors] == ["the book is gone"]
    assert set(states(journal)) <= {"done", "abandoned", "failed"}
    named = sum(b"D12" in card for card in book.cards.values())
    assert len(outcome.done) == named > WINDOW


def test_a_card_that_changed_since_the_plan_is_left() -> None:
    book, journal = a_book(3), memory_journal()
    actions = renames(book)
    book.put("/1.vcf", b"FN:Jane Roe\r\nNOTE:1")
    del book.cards["/2.vcf"]
    outcome = carry_out(actions, book=book, journal=journal)
    assert [len(outcome.done), len(outcome.conflicts)] == [1, 2]
    assert book.cards["/1.vcf"] == b"FN:Jane Roe\r\nNOTE:1"
    assert states(journal) == ["done"]


def test_a_card_edited_between_reading_and_writing_is_left() -> None:
    book, journal = a_book(3), memory_journal()
    actions = renames(book)
    book.before_write = lambda href: book.put(href, b"FN:Hers") if href == "/1.vcf" else None  # type: ignore[func-returns-value]
    outcome = carry_out(actions, book=book, journal=journal)
    assert book.cards["/1.vcf"] == b"FN:Hers"
    assert [len(outcome.done), len(outcome.conflicts)] == [2, 1]
    assert sorted(states(journal)) == ["conflict", "done", "done"]


def test_one_bad_card_and_one_refusal_do_not_stop_the_others() -> None:
    book, journal = a_book(5, refuses={"/3.vcf"}), memory_journal()
    book.put("/1.vcf", b"FN:Jane\r\nBROKEN")
    outcome = carry_out(renames(book), book=book, journal=journal)
    assert [len(outcome.done), len(outcome.failed)] == [3, 2]
    assert {str(result.note) for result in outcome.failed} == {"the card has no end", "507: the disk is full"}
    assert book.cards["/3.vcf"] == b"FN:Jane\r\nNOTE:3"
    assert sorted(states(journal)) == ["done", "done", "done", "failed"]


def test_a_server_that_damages_a_card_gets_it_back_and_no_second_one() -> None:
    book, journal = a_book(5), memory_journal()
    former = dict(book.cards)
    actions = renames(book)
    book.store = lambda data: data.replace(b"NOTE:0", b"") if b"D12" in data else data
    outcome = carry_out(actions, book=book, journal=journal)
    assert book.cards == former
    assert [len(outcome.conflicts), len(outcome.left)] == [1, 4]
    assert "put back as it was" in str(outcome.conflicts[0].note)
    assert set(book.writes) == {"/0.vcf"}


def test_a_server_that_damages_for_good_is_told_where_the_former_text_is() -> None:
    book, journal = a_book(2), memory_journal()
    actions = renames(book)
    book.store = lambda data: data.replace(b"NOTE:0", b"")
    outcome = carry_out(actions, book=book, journal=journal)
    assert "is kept in run" in str(outcome.conflicts[0].note)
    assert journal.rows()[0].former == b"FN:Jane\r\nNOTE:0"
    assert len(outcome.left) == 1


def test_what_may_be_a_persons_edit_is_never_put_back() -> None:
    book, journal = a_book(2, says_etag=False), memory_journal()
    actions = renames(book)
    book.store = lambda data: b"FN:somebody else's"
    outcome = carry_out(actions, book=book, journal=journal)
    assert book.cards["/0.vcf"] == b"FN:somebody else's"
    assert [len(outcome.conflicts), len(outcome.left)] == [1, 1]
    assert journal.rows()[0].etag is None


def test_a_server_that_says_yes_and_keeps_the_former_card() -> None:
    class Forgetful(MemoryBook):
        def write(self, href: str, data: bytes, *, etag: str) -> str | None:
            return '"new"'

    book = Forgetful()
    book.put("/0.vcf", b"FN:Jane")
    outcome = carry_out(renames(book), book=book)
    assert "still holds the former one" in str(outcome.failed[0].note)


def test_a_server_that_rewrites_the_order_of_lines_is_believed() -> None:
    book = a_book(3)
    actions = renames(book)
    book.store = lambda data: b"\r\n".join(reversed(data.split(b"\r\n")))
    assert len(carry_out(actions, book=book).done) == 3


def test_a_created_card_whose_place_is_taken_is_a_conflict() -> None:
    book, journal = a_book(1), memory_journal()
    new = CardCreate(
        book=book.url, href="/0.vcf", uid="u", after="D12 Jane", codes=("D12",), card=b"FN:D12 Jane"
    )
    outcome = carry_out([new, replace(new, href="/9.vcf")], book=book, journal=journal)
    assert [len(outcome.conflicts), len(outcome.done)] == [1, 1]
    assert book.cards["/0.vcf"] == b"FN:Jane\r\nNOTE:0"


def test_a_server_that_goes_away_leaves_rows_open_and_the_rest_untouched() -> None:
    book, mail, journal = a_book(3), MemoryMail(), memory_journal()
    actions = renames(book)
    calls = iter([False, False, True])

    def away(_href: str) -> None:
        book.away = next(calls)

    book.before_write = away
    outcome = carry_out([*actions, FolderCreate(mailbox="X")], book=book, mail=mail, journal=journal)
    assert [type(error).__name__ for error in outcome.errors] == ["AccountError"]
    assert "X" in mail.mailboxes
    assert [row.state for row in journal.rows()] == ["done", "open", "open", "done"]
    blocked = recover("li.na", journal=journal, books={book.url: book}, editor=EDITOR, mail=mail)
    assert blocked.blocked == {book.url} and len(blocked.errors) == 1
    book.away = False
    recovery = recover("li.na", journal=journal, books={book.url: book}, editor=EDITOR, mail=mail)
    assert [closing.state for closing in recovery.closings] == ["done", "abandoned"]


def test_recovery_without_the_book_says_so_and_keeps_the_rows() -> None:
    book, journal = a_book(1), memory_journal()
    book.before_write = lambda _href: setattr(book, "away", True)
    carry_out(renames(book), book=book, journal=journal)
    recovery = recover("li.na", journal=journal, books={}, editor=EDITOR)
    assert "is not open now" in str(recovery.errors[0])
    assert states(journal) == ["open"]


def test_nothing_begins_after_a_stop_or_without_the_token() -> None:
    book = a_book(30)
    asked = iter([False, False, True])
    outcome = carry_out(renames(book), book=book, stop=lambda: next(asked, True))
    assert outcome.stopped
    assert [len(outcome.done), len(outcome.left)] == [1, 29]

    def superseded() -> None:
        raise AccountLocked("taken over")

    untouched = a_book(2)
    with pytest.raises(AccountLocked):
        carry_out(renames(untouched), book=untouched, check=superseded)
    assert not untouched.writes


def test_a_stop_inside_a_window_finishes_what_was_written_and_abandons_the_rest() -> None:
    book, journal = a_book(10), memory_journal()
    outcome = carry_out(
        renames(book), book=book, journal=journal, stop=lambda: sum(book.writes.values()) >= 4
    )
    assert [len(outcome.done), len(outcome.left)] == [4, 6]
    assert sorted(set(states(journal))) == ["abandoned", "done"]


# messages


def a_mail(count: int = 3, **options: Any) -> MemoryMail:
    mail = MemoryMail(**options)
    for number in range(count):
        mail.append("INBOX", Mail(subject=f"D12 {number}", flags=frozenset({"\\Seen", "$Label1"})))
    mail.add("D12")
    return mail


def transfers(mail: MemoryMail, destination: str = "D12", kind: Any = "message-move") -> list[Action]:
    return [
        MessageTransfer(
            kind=kind,
            mailbox="INBOX",
            uidvalidity=1,
            uid=uid,
            message_id=None,
            fingerprint=held.fingerprint,
            subject=held.subject,
            destination=destination,
            customer="D12",
            evidence="code",
            bars_flags=("\\Flagged",),
            needs_flags=("\\Seen",),
        )
        for uid, held in mail.mailboxes["INBOX"].items()
    ]


WAYS = pytest.mark.parametrize(
    "can_move, can_expunge_uids, says_copyuid",
    [
        (True, True, True),
        (True, True, False),
        (True, False, False),
        (False, True, True),
        (False, True, False),
    ],
)


@WAYS
def test_messages_are_moved_with_flags_and_dates(
    can_move: bool, can_expunge_uids: bool, says_copyuid: bool
) -> None:
    mail = a_mail(can_move=can_move, can_expunge_uids=can_expunge_uids, says_copyuid=says_copyuid)
    before, journal = list(mail.mailboxes["INBOX"].values()), memory_journal()
    outcome = carry_out(transfers(mail), mail=mail, journal=journal)
    assert len(outcome.done) == 3
    assert list(mail.mailboxes["D12"].values()) == before
    assert not mail.mailboxes["INBOX"]
    assert [row.destination_uid for row in journal.rows()] == [1, 2, 3]
    assert [one.destination.uid for one in journal.placements("li.na")] == [1, 2, 3]


def test_a_server_with_neither_move_nor_uidplus_keeps_its_messages() -> None:
    mail = a_mail(can_move=False, can_expunge_uids=False)
    before = mail.held()
    outcome = carry_out(transfers(mail), mail=mail)
    assert mail.held() == before
    assert len(outcome.conflicts) == 3
    assert "UIDPLUS" in str(outcome.conflicts[0].note)
    assert len(carry_out(transfers(mail, kind="message-copy"), mail=mail).done) == 3


def test_copies_leave_the_original() -> None:
    mail = a_mail(says_copyuid=False)
    outcome = carry_out(transfers(mail, kind="message-copy"), mail=mail)
    assert len(outcome.done) == 3
    assert len(mail.mailboxes["INBOX"]) == len(mail.mailboxes["D12"]) == 3


def test_messages_that_changed_meanwhile_stay() -> None:
    mail, journal = a_mail(5), memory_journal()
    actions = transfers(mail)
    inbox = mail.mailboxes["INBOX"]
    del inbox[1]
    inbox[2] = Mail(subject="another one")
    inbox[3] = replace(inbox[3], flags=frozenset({"\\Seen", "\\Flagged"}))
    inbox[4] = replace(inbox[4], flags=frozenset())
    outcome = carry_out(actions, mail=mail, journal=journal)
    assert [len(outcome.done), len(outcome.conflicts)] == [1, 4]
    assert sorted(inbox) == [2, 3, 4]
    assert states(journal) == ["done"]


def test_uids_of_a_mailbox_made_anew_are_never_used() -> None:
    mail = a_mail()
    actions = transfers(mail)
    mail.uidvalidity["INBOX"] = 99
    outcome = carry_out(actions, mail=mail)
    assert len(outcome.conflicts) == 3
    assert not mail.copies


def test_a_missing_or_refusing_destination_keeps_its_messages() -> None:
    mail = a_mail(refuses={"Full"})
    mail.mailboxes["Full"] = {}
    outcome = carry_out([*transfers(mail, "Gone")[:1], *transfers(mail, "Full")[1:]], mail=mail)
    assert len(outcome.conflicts) == 3
    assert len(mail.mailboxes["INBOX"]) == 3


def test_a_server_that_says_yes_and_moves_nothing() -> None:
    class Forgetful(MemoryMail):
        def carry(self, *_args: object, **_how: object) -> dict[int, int]:
            return {}

    mail = Forgetful()
    mail.append("INBOX", Mail(subject="D12"))
    mail.add("D12")
    outcome = carry_out(transfers(mail), mail=mail)
    assert "still where it was" in str(outcome.failed[0].note)


@pytest.mark.parametrize("can_expunge_uids, done", [(True, 3), (False, 0)])
def test_a_move_that_is_offered_and_refused_is_made_by_copy(can_expunge_uids: bool, done: int) -> None:
    class Boastful(MemoryMail):
        def carry(
            self, mailbox: str, uids: Sequence[int], destination: str, *, remove: bool
        ) -> Mapping[int, int]:
            if remove:
                raise CollectionError("BAD unknown command")
            return super().carry(mailbox, uids, destination, remove=remove)

    mail, journal = Boastful(can_expunge_uids=can_expunge_uids), memory_journal()
    for number in range(3):
        mail.append("INBOX", Mail(subject=f"D12 {number}"))
    mail.add("D12")
    outcome = carry_out(transfers(mail), mail=mail, journal=journal)
    assert [len(outcome.done), len(outcome.failed)] == [done, 3 - done]
    assert len(mail.mailboxes["D12"]) == done and len(mail.mailboxes["INBOX"]) == 3 - done
    assert len(states(journal)) == 3


def test_a_message_that_vanishes_during_the_move_is_told() -> None:
    mail, journal = a_mail(2, says_copyuid=True), memory_journal()
    actions = transfers(mail)
    closed = journal.open

    def vanish(*args: Any) -> Any:
        rows = closed(*args)
        del mail.mailboxes["INBOX"][2]
        return rows

    journal.open = vanish  # type: ignore[method-assign]
    outcome = carry_out(actions, mail=mail, journal=journal)
    assert [len(outcome.done), len(outcome.conflicts)] == [1, 1]
    assert "neither" in str(outcome.conflicts[0].note)


def test_an_original_that_cannot_be_removed_is_told_and_counts_as_a_copy() -> None:
    class Stubborn(MemoryMail):
        def remove(self, *_args: object) -> None:
            return None

    mail, journal = Stubborn(can_move=False), memory_journal()
    mail.append("INBOX", Mail(subject="D12"))
    mail.add("D12")
    outcome = carry_out(transfers(mail), mail=mail, journal=journal)
    assert "stands in both folders" in str(outcome.conflicts[0].note)
    assert [one.kind for one in journal.placements("li.na")] == ["message-copy"]


def test_equal_messages_each_claim_one_copy() -> None:
    mail, journal = MemoryMail(says_copyuid=False), memory_journal()
    mail.add("D12")
    for _ in range(3):
        mail.append("INBOX", Mail(subject="the same"))
    outcome = carry_out(transfers(mail), mail=mail, journal=journal)
    assert len(outcome.done) == 3
    assert sorted(row.destination_uid or 0 for row in journal.rows()) == [1, 2, 3]


def test_an_equal_message_below_the_fence_is_not_taken_for_the_copy() -> None:
    class Forgetful(MemoryMail):
        def carry(self, *_args: object, **_how: object) -> dict[int, int]:
            return {}

    mail = Forgetful()
    mail.add("D12")
    mail.append("D12", Mail(subject="the same"))
    mail.append("INBOX", Mail(subject="the same"))
    assert len(carry_out(transfers(mail), mail=mail).failed) == 1


def test_of_equal_messages_the_one_that_left_claims_the_copy() -> None:
    class Halfway(MemoryMail):
        def carry(
            self, mailbox: str, uids: Sequence[int], destination: str, *, remove: bool
        ) -> Mapping[int, int]:
            return super().carry(mailbox, uids[-1:], destination, remove=remove)

    mail, journal = Halfway(says_copyuid=False), memory_journal()
    mail.add("D12")
    for _ in range(2):
        mail.append("INBOX", Mail(subject="the same"))
    carry_out(transfers(mail), mail=mail, journal=journal)
    assert sum(mail.held().values()) == 2
    assert states(journal) == ["failed", "done"]


def test_a_copy_is_sought_above_its_own_fence_alone() -> None:
    mail, journal = a_mail(1), memory_journal()
    (early,) = transfers(mail)
    assert isinstance(early, MessageTransfer)
    twin = replace(early, uid=99)
    mail.append("D12", mail.mailboxes["INBOX"][1])
    fences = [MailboxState(uidvalidity=mail.uidvalidity["D12"], uidnext=uidnext) for uidnext in (2, 1)]
    other = replace(early, uid=98, fingerprint="other")
    rows = journal.open(
        journal.begin().id,
        "li.na",
        [Intent(action=twin, fence=fences[0]), Intent(action=other, fence=fences[1])],
    )
    assert [closing.state for closing in settle_transfers(mail, rows)] == ["conflict", "conflict"]
    mail.uidvalidity["D12"] = 77  # made anew: the fence says nothing there
    assert [closing.state for closing in settle_transfers(mail, rows)] == ["done", "conflict"]


def test_many_destinations_are_copied_and_removed_together() -> None:
    mail, actions = MemoryMail(), []
    for number in range(MANY_DESTINATIONS + 2):
        mail.add(f"D{number}")
        uid = mail.append("INBOX", Mail(subject=f"D{number}"))
        actions += [action for action in transfers(mail, f"D{number}") if getattr(action, "uid", 0) == uid]
    outcome = carry_out(actions, mail=mail)
    assert len(outcome.done) == MANY_DESTINATIONS + 2
    assert sum(mail.removed.values()) == MANY_DESTINATIONS + 2
    assert not mail.mailboxes["INBOX"]


@dataclass(kw_only=True)
class TimedMail(MemoryMail):
    """A server on which commands take their time, by a clock of its own."""

    move_seconds: float = 0.0  #: for one destination
    copy_seconds: float = 0.0  #: for one destination
    removal_seconds: float = 0.0
    now: float = 0.0
    said: list[str] = field(default_factory=list)

    def transfer(
        self, mailbox: str, groups: Iterable[tuple[Sequence[int], str]], *, move: bool
    ) -> Iterator[Transferred]:
        self.said.append("move" if move else "copy")
        for answer in super().transfer(mailbox, groups, move=move):
            self.now += self.move_seconds if move else self.copy_seconds
            yield answer

    def remove(self, mailbox: str, uids: Sequence[int]) -> None:
        self.now += self.removal_seconds
        super().remove(mailbox, uids)


def out_of_inbox(mail: TimedMail, *, messages: int, destinations: int) -> list[str]:
    """By which ways so many messages leave INBOX for so many mailboxes, window by window."""
    actions: list[Action] = []
    for number in range(destinations):
        mail.add(f"D{number}")
    for number in range(messages):
        destination = f"D{number * destinations // messages}"
        uid = mail.append("INBOX", Mail(subject=f"{number}"))
        actions += [
            replace(one, uid=uid, fingerprint=mail.mailboxes["INBOX"][uid].fingerprint)
            for one in transfers_of(destination)
        ]
    outcome = carry_out(actions, mail=mail, clock=lambda: mail.now)
    assert len(outcome.done) == messages and not mail.mailboxes["INBOX"]
    return mail.said


def transfers_of(destination: str) -> list[MessageTransfer]:
    mail = a_mail(1)
    (one,) = transfers(mail, destination)
    assert isinstance(one, MessageTransfer)
    return [one]


@pytest.mark.parametrize(
    "seconds, messages, destinations, ways",
    [
        # a large mailbox on Dovecot: each MOVE is dear, one removal for all is not
        ({"move_seconds": 1, "copy_seconds": 0.1, "removal_seconds": 2}, 400, 40, ["copy", "move", "copy"]),
        # removing costs more than it saves
        ({"move_seconds": 0.2, "copy_seconds": 0.1, "removal_seconds": 5}, 400, 40, ["copy", "move", "move"]),
        # few destinations begin with MOVE
        ({"move_seconds": 1, "copy_seconds": 0.1, "removal_seconds": 2}, 400, 10, ["move", "copy", "copy"]),
        # it depends on how many destinations a window has: a removal is paid once
        ({"move_seconds": 0.5, "copy_seconds": 0.1, "removal_seconds": 6}, 400, 40, ["copy", "move", "copy"]),
        ({"move_seconds": 0.5, "copy_seconds": 0.1, "removal_seconds": 9}, 400, 40, ["copy", "move", "move"]),
        # nothing to choose, or too little to measure
        ({"move_seconds": 9}, 400, 1, ["move", "move"]),
        ({"move_seconds": 9}, 300, 5, ["move", "move"]),
        ({"copy_seconds": 9}, 300, 25, ["copy", "copy"]),
        ({"can_expunge_uids": False}, 400, 40, ["move", "move"]),
        ({"can_move": False}, 400, 40, ["copy", "copy"]),
    ],
)
def test_messages_leave_by_the_way_that_the_server_answers_fastest(
    monkeypatch: pytest.MonkeyPatch,
    seconds: dict[str, Any],
    messages: int,
    destinations: int,
    ways: list[str],
) -> None:
    monkeypatch.setattr(apply_mail, "WINDOW", 300)
    assert out_of_inbox(TimedMail(**seconds), messages=messages, destinations=destinations) == ways


def test_a_move_that_is_offered_and_refused_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_mail, "WINDOW", 300)

    class Refusing(TimedMail):
        def carry(
            self, mailbox: str, uids: Sequence[int], destination: str, *, remove: bool
        ) -> Mapping[int, int]:
            if remove:
                raise CollectionError("BAD no such command")
            return super().carry(mailbox, uids, destination, remove=False)

    ways = out_of_inbox(Refusing(copy_seconds=9), messages=350, destinations=5)
    assert ways == ["move", "copy", "copy", "copy"]


@pytest.mark.parametrize("honest, windows", [(True, [100, 50, 150]), (False, [100, 50, 100, 50])])
def test_only_a_server_that_was_not_seen_to_move_gets_few_at_first(honest: bool, windows: list[int]) -> None:
    class Forgetful(MemoryMail):
        def carry(self, *_args: object, **_how: object) -> dict[int, int]:
            return {}

    mail, journal = MemoryMail() if honest else Forgetful(), memory_journal()
    mail.add("Sent")
    mail.add("D12")
    actions = []
    for source, number in product(("INBOX", "Sent"), range(150)):
        uid = mail.append(source, Mail(subject=f"{source} {number}"))
        (one,) = transfers_of("D12")
        actions.append(
            replace(
                one,
                mailbox=source,
                uidvalidity=mail.uidvalidity[source],
                uid=uid,
                fingerprint=mail.mailboxes[source][uid].fingerprint,
            )
        )
    seen = counted(journal)
    carry_out(actions, mail=mail, journal=journal)
    assert seen == windows


def test_folders_are_made_once_and_an_existing_one_is_no_event() -> None:
    mail, journal = MemoryMail(), memory_journal()
    outcome = carry_out(
        [FolderCreate(mailbox="INBOX"), FolderCreate(mailbox="D12")], mail=mail, journal=journal
    )
    assert len(outcome.done) == 2
    assert [row.action for row in journal.rows()] == [FolderCreate(mailbox="D12")]


def test_a_folder_that_refuses_ends_its_own_work_only() -> None:
    mail, journal = a_mail(), memory_journal()
    mail.refuses.add("broken")
    outcome = carry_out(
        [FolderCreate(mailbox="broken"), FolderCreate(mailbox="new")], mail=mail, journal=journal
    )
    assert [str(result.note) for result in outcome.failed] == ["broken refuses"]
    assert len(outcome.done) == 1 and "new" in mail.mailboxes


RENAME = FolderRename(mailbox="D12 old", after="D12 new", separator="/", customer="D12")


def a_mail_to_rename() -> MemoryMail:
    mail = a_mail(0)
    mail.create(["D12 old", "D12 old/2025"])
    return mail


def test_a_folder_is_renamed_with_those_below_it_and_their_subscriptions() -> None:
    mail, journal = a_mail_to_rename(), memory_journal()
    former = mail.state("D12 old")
    outcome = carry_out([RENAME], mail=mail, journal=journal)
    assert [result.state for result in outcome.results] == ["done"]
    assert mail.subscribed == {"D12 new", "D12 new/2025"} <= mail.mailboxes.keys()
    (row,) = journal.rows()
    assert (row.action, row.fence) == (RENAME, former) and mail.state("D12 new") == former


@pytest.mark.parametrize(
    "happens, words",
    [
        (lambda mail: mail.add("D12 new"), "There is a folder D12 new"),
        (lambda mail: mail.rename("D12 old", "Gibson"), "renamed or deleted meanwhile"),
    ],
)
def test_a_folder_that_people_renamed_or_made_meanwhile_is_left(happens: Any, words: str) -> None:
    mail, journal = a_mail_to_rename(), memory_journal()
    happens(mail)
    outcome = carry_out([RENAME], mail=mail, journal=journal)
    assert [result.state for result in outcome.results] == ["conflict"] and not journal.rows()
    assert words in str(outcome.results[0].note) and mail.renamed["D12 old", "D12 new"] == 0


def test_a_server_that_renames_no_folder_is_told_and_keeps_its_name() -> None:
    mail, journal = a_mail_to_rename(), memory_journal()

    def rename(_mailbox: str, _after: str) -> None:
        raise CollectionError("no RENAME here")

    mail.rename = rename  # type: ignore[method-assign]
    outcome = carry_out([RENAME], mail=mail, journal=journal)
    assert [str(result.note) for result in outcome.failed] == ["no RENAME here"]
    assert states(journal) == ["failed"]
    assert journal.named_folders("li.na").refused == {("D12 old", "D12 new"): 1}


def test_a_stop_leaves_the_folders_that_were_not_renamed_yet() -> None:
    mail, journal = a_mail_to_rename(), memory_journal()
    mail.add("E05 old")
    other = replace(RENAME, mailbox="E05 old", after="E05 new")
    outcome = carry_out([RENAME, other], mail=mail, journal=journal, stop=lambda: "D12 new" in mail.mailboxes)
    assert [result.state for result in outcome.results] == ["done", "left"]
    assert states(journal) == ["done", "abandoned"]


@pytest.mark.parametrize(
    "happened, state",
    [
        (lambda mail: None, "abandoned"),
        (lambda mail: mail.rename("D12 old", "D12 new"), "done"),
        # a phone made the former folder again, to lay something into it
        (lambda mail: (mail.rename("D12 old", "D12 new"), mail.add("D12 old")), "done"),
        # a person made one of the new name before our command came
        (lambda mail: mail.add("D12 new"), "abandoned"),
        (lambda mail: mail.rename("D12 old", "Gibson"), "conflict"),
    ],
)
def test_after_a_lost_connection_the_server_is_asked_what_became_of_a_folder(
    happened: Any, state: str
) -> None:
    mail, journal = a_mail_to_rename(), memory_journal()
    run = journal.begin()
    journal.open(run.id, run.account, [Intent(action=RENAME, fence=mail.state("D12 old"))])
    happened(mail)
    recover("li.na", journal=journal, books={}, editor=EDITOR, mail=mail)
    assert states(journal) == [state]
    assert ("D12 new" in mail.subscribed) is (state == "done")


def test_a_source_that_refuses_ends_its_own_work_only() -> None:
    mail, journal = a_mail(), memory_journal()
    mail.append("Sent", Mail(subject="D12 sent"))
    actions = transfers(mail)
    sent = replace(
        actions[0], mailbox="Sent", uidvalidity=2, fingerprint=Mail(subject="D12 sent").fingerprint
    )  # type: ignore[type-var]
    mail.refuses.add("INBOX")
    outcome = carry_out([*actions, sent], mail=mail, journal=journal)
    assert [len(outcome.done), len(outcome.left), len(outcome.errors)] == [1, 3, 1]


def test_closed_ports_are_told() -> None:
    book = a_book(1)
    outcome = carry_out([*renames(book), FolderCreate(mailbox="X")])
    assert [str(result.note) for result in outcome.conflicts] == [
        "The address book https://dav.example/book/ is not open",
        "The mail account is not open",
    ]
    assert MAILBOX == "mailbox"
