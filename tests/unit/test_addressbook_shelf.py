"""The shelf: one request for an unchanged book, and a memory that survives what people and runs do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from mailsync.addressbook import rewriting
from mailsync.addressbook.book import Changes
from mailsync.addressbook.cards import new_card, read_meaning
from mailsync.addressbook.plan import plan_book
from mailsync.addressbook.rows import ShelfBook, ShelfRow
from mailsync.addressbook.scope import BookSettings
from mailsync.addressbook.shelf import Shelf
from mailsync.database import connect
from mailsync.errors import CollectionError
from mailsync.registry.roster import Contact, Customer, Roster
from mailsync.run.actions import CardDelete, CardRename, CardReplace, CardState
from tests.fakes_books import MemoryBook, carry_out

JANE_CARD = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:jane\r\nFN:Jane\r\nN:Roe;Jane;;;\r\nNICKNAME:Janie\r\n"
    b"EMAIL:jane@gibson.example\r\nEND:VCARD\r\n"
)
JANE = Contact(
    id="1",
    role="contact",
    name="Jane Roe",
    company="Gibson",
    addresses=("jane@gibson.example",),
    customers=("D12",),
)
GIBSON = Customer(code="D12", company="Gibson", country="AU")
ROSTER = Roster(customers=(GIBSON,), contacts=(JANE,))
NOBODY = Roster(customers=(GIBSON,))
TABLES = [ShelfBook.metadata.tables[table.__tablename__] for table in (ShelfBook, ShelfRow)]
FN = "D12 Jane Roe/Gibson/AU"


@pytest.fixture
def engine() -> sa.Engine:
    engine = connect("sqlite://")
    ShelfBook.metadata.create_all(engine, tables=TABLES)
    return engine


@pytest.fixture
def shelf(engine: sa.Engine) -> Shelf:
    return Shelf(engine, "li.na")


def run(book: MemoryBook, shelf: Shelf, roster: Roster = ROSTER) -> list[str]:
    """One permitted pass over the book; the kinds of what was done."""
    view = shelf.refresh(book)
    settings = BookSettings(url=book.url, stores_through_vobject=view.profile.stores_through_vobject)
    actions = plan_book(roster, view.cards, settings).actions
    shelf.accept(book.url)
    carry_out(book, shelf, actions)
    shelf.accept(book.url)
    return [action.kind for action in actions]


def test_an_unchanged_book_costs_one_request_and_shows_all_cards(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    first = shelf.refresh(book)
    assert [card.href for card in first.cards] == [href] and first.known_before == 0
    book.requests.clear()
    again = shelf.refresh(book)
    assert book.requests == ["changes"]
    assert again.cards == first.cards and again.known_before == 0
    shelf.accept(book.url)
    assert shelf.refresh(book).known_before == 1


def test_our_own_writes_are_not_read_again(shelf: Shelf) -> None:
    book = MemoryBook()
    book.put("jane.vcf", JANE_CARD)
    assert run(book, shelf) == ["card-rename"]
    book.requests.clear()
    assert run(book, shelf) == []
    assert book.requests == ["changes"]


def test_changed_and_removed_cards_are_followed(shelf: Shelf) -> None:
    book = MemoryBook()
    one, two = book.put("one.vcf", JANE_CARD), book.put("two.vcf", JANE_CARD.replace(b"jane", b"bob"))
    shelf.refresh(book)
    book.remove(one)
    book.put("two.vcf", JANE_CARD.replace(b"FN:Jane", b"FN:Bob"))
    (card,) = shelf.refresh(book).cards
    assert card.href == two and read_meaning(card.data).fn == "Bob"


def test_an_expired_token_loses_nothing(shelf: Shelf) -> None:
    book = MemoryBook()
    one = book.put("one.vcf", JANE_CARD)
    run(book, shelf)
    book.token_prefix = "other:"
    book.put("two.vcf", JANE_CARD.replace(b"jane", b"bob"))
    before = shelf.cards(book.url)[0]
    cards = {card.href: card for card in shelf.refresh(book).cards}
    assert len(cards) == 2 and cards[one] == before


@pytest.mark.parametrize("tokens", [True, False], ids=["sync-token", "listing"])
def test_a_listing_that_shrank_by_mistake_loses_nothing_until_a_run_is_permitted(
    shelf: Shelf, tokens: bool
) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    book.put("bob.vcf", JANE_CARD.replace(b"jane", b"bob"))
    run(book, shelf)
    before, coded = shelf.cards(book.url), book.cards[href]
    book.remove(href)
    for _ in range(3):
        if not tokens:
            book.token_prefix += "other:"
        view = shelf.refresh(book)
        assert (view.known_before, len(view.cards)) == (2, 1)
    book.cards[href] = coded
    book.past.append((href, True))
    assert shelf.refresh(book).cards == before
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[href].data == JANE_CARD


def test_a_permitted_run_forgets_what_is_gone(shelf: Shelf, engine: sa.Engine) -> None:
    book = MemoryBook()
    book.put("bob.vcf", JANE_CARD.replace(b"jane", b"bob"))
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    book.remove(href)
    shelf.refresh(book)
    shelf.accept(book.url)
    assert shelf.refresh(book).known_before == 1
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM shelf_cards")).scalar() == 1


def test_a_card_that_was_moved_over_two_readings_keeps_its_memory(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    coded = book.cards[href].data
    book.remove(href)
    shelf.refresh(book)
    moved = book.put("moved.vcf", coded)
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[moved].data == JANE_CARD


def test_a_refresh_that_fails_leaves_the_shelf_as_it_was(shelf: Shelf) -> None:
    book = MemoryBook()
    book.put("one.vcf", JANE_CARD)
    before = shelf.refresh(book).cards
    book.missing = True
    with pytest.raises(CollectionError):
        shelf.refresh(book)
    assert shelf.cards(book.url) == before


def test_a_card_that_was_listed_but_not_given_is_asked_for_again(shelf: Shelf) -> None:
    book = MemoryBook()
    shelf.refresh(book)
    href = book.put("one.vcf", JANE_CARD)
    state = book.cards.pop(href)

    class Forgetful(MemoryBook):
        def changes(self, token: str | None) -> Changes:
            found = Changes(changed={href: state.etag}, removed=(), token="memory:1", full=False)
            return found if href not in self.cards else super().changes(token)

    forgetful = Forgetful(cards=book.cards, past=book.past)
    assert shelf.refresh(forgetful).cards == ()
    book.cards[href] = state
    assert [card.href for card in shelf.refresh(forgetful).cards] == [href]


def test_a_card_the_server_fails_on_is_named_and_the_others_are_read(shelf: Shelf) -> None:
    book = MemoryBook()
    good = book.put("jane.vcf", JANE_CARD)
    bad = book.put("bad.vcf", JANE_CARD.replace(b"jane", b"bob"))
    book.broken = {bad}
    view = shelf.refresh(book)
    assert [card.href for card in view.cards] == [good]
    (finding,) = view.findings
    assert (finding.severity, finding.subject) == ("conflict", bad)
    assert run(book, shelf) == ["card-rename"]
    book.broken = set()
    assert sorted(card.href for card in shelf.refresh(book).cards) == [bad, good]


def test_books_and_owners_are_apart(engine: sa.Engine) -> None:
    book, other = MemoryBook(), MemoryBook(url="https://dav.example/shared/")
    book.put("one.vcf", JANE_CARD)
    li_na, bob = Shelf(engine, "li.na"), Shelf(engine, "bob")
    li_na.refresh(book)
    assert li_na.cards(other.url) == () and bob.cards(book.url) == ()


def test_the_server_that_stores_through_vobject_is_known_by_its_token(shelf: Shelf) -> None:
    book = MemoryBook(token_prefix="http://radicale.org/ns/sync/")
    assert shelf.refresh(book).profile.stores_through_vobject
    assert not shelf.refresh(MemoryBook(url="https://dav.example/b/")).profile.stores_through_vobject


def test_a_coded_card_is_given_back_after_any_number_of_rewrites(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    merged = Customer(code="A01", company="Gibson", country="AU", superseded=("D12",))
    earlier = Roster(customers=(merged,), contacts=(JANE,))
    assert run(book, shelf, earlier) == ["card-rename"]
    assert read_meaning(book.cards[href].data).categories == ("A01",)
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[href].data == JANE_CARD
    assert run(book, shelf, NOBODY) == []


def test_an_undone_restore_is_restored_again_to_the_first_name(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    coded = book.cards[href].data
    run(book, shelf, NOBODY)
    undo = CardReplace(
        book=book.url, href=href, uid="jane", etag=book.cards[href].etag, before="Jane", after=FN, card=coded
    )
    carry_out(book, shelf, [undo])
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[href].data == JANE_CARD


@pytest.mark.parametrize("categories", [True, False])
def test_after_the_undo_of_a_later_rename_the_first_name_can_still_be_given_back(
    shelf: Shelf, categories: bool
) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    settings = BookSettings(url=book.url, categories=categories)

    def tidy(roster: Roster) -> None:
        carry_out(book, shelf, plan_book(roster, shelf.refresh(book).cards, settings).actions)

    tidy(ROSTER)
    coded = book.cards[href].data
    merged = Customer(code="A01", company="Grown Gibson", country="AU", superseded=("D12",))
    tidy(Roster(customers=(merged,), contacts=(JANE,)))
    renamed = read_meaning(book.cards[href].data).fn
    assert renamed.startswith("A01 ")
    undo = CardReplace(
        book=book.url, href=href, uid="jane", etag=book.cards[href].etag, before=renamed, after=FN, card=coded
    )
    carry_out(book, shelf, [undo])
    (card,) = shelf.cards(book.url)
    assert (card.written, card.codes) == (FN, ("D12",))
    tidy(NOBODY)
    assert book.cards[href].data == JANE_CARD


def test_the_undo_of_a_later_rename_of_an_added_card_keeps_it_ours(shelf: Shelf) -> None:
    book = MemoryBook()
    run(book, shelf)
    (href,) = book.cards
    coded = book.cards[href]
    run(book, shelf, Roster(customers=(GIBSON,), contacts=(replace(JANE, company="New"),)))
    undo = CardReplace(
        book=book.url, href=href, uid="u", etag=book.cards[href].etag, before="x", after=FN, card=coded.data
    )
    carry_out(book, shelf, [undo])
    (card,) = shelf.cards(book.url)
    assert (card.created, card.written, card.codes, card.contact) == (True, FN, ("D12",), "1")


def test_the_newest_names_people_gave_are_what_a_restore_gives_back(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    married = book.cards[href].data.replace(b"FN:" + FN.encode(), b"FN:Jane Smith")
    married = married.replace(b"N:;" + FN.encode() + b";;;", b"N:Smith;Jane;;;")
    book.put("jane.vcf", married)
    assert run(book, shelf) == ["card-rename"]
    assert read_meaning(book.cards[href].data).fn == FN
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[href].data == JANE_CARD.replace(b"FN:Jane", b"FN:Jane Smith").replace(b"Roe", b"Smith")


def test_what_a_client_made_of_our_name_is_no_name_people_gave(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    cut = book.cards[href].data.replace(b"FN:" + FN.encode(), b"FN:D12 Jane Roe")
    book.put("jane.vcf", cut.replace(b"N:;" + FN.encode() + b";;;", b"N:Roe/Gibson/AU;D12 Jane;;;"))
    assert run(book, shelf) == ["card-rename"]
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[href].data == JANE_CARD


def test_after_an_undo_a_card_is_a_persons_card_again(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    undo = CardReplace(
        book=book.url,
        href=href,
        uid="jane",
        etag=book.cards[href].etag,
        before=FN,
        after="Jane",
        card=JANE_CARD,
    )
    carry_out(book, shelf, [undo])
    (card,) = shelf.cards(book.url)
    assert (card.former, card.contact, card.codes, card.written) == (None, None, (), None)


def test_a_name_given_after_a_restore_is_what_the_next_restore_gives_back(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    run(book, shelf, NOBODY)
    smith = JANE_CARD.replace(b"FN:Jane", b"FN:Jane Smith")
    book.put("jane.vcf", smith)
    run(book, shelf)
    run(book, shelf, NOBODY)
    assert book.cards[href].data == smith


def test_what_mailsync_added_goes_again_and_is_forgotten(shelf: Shelf) -> None:
    book = MemoryBook()
    assert run(book, shelf) == ["card-create"]
    assert shelf.cards(book.url)[0].created
    assert run(book, shelf, NOBODY) == ["card-delete"]
    assert not book.cards and shelf.cards(book.url) == ()


def test_a_card_that_a_client_moved_keeps_its_memory(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    coded = book.cards[href].data
    book.remove(href)
    moved = book.put("moved.vcf", coded)
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[moved].data == JANE_CARD


def test_the_tug_of_war_ends_after_three_rounds_and_peace_resets_the_count(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    rounds = 0
    while run(book, shelf):
        book.put("jane.vcf", JANE_CARD)
        rounds += 1
    assert rounds == 4
    right = plan_book(
        ROSTER, [replace(shelf.cards(book.url)[0], drift=0)], BookSettings(url=book.url)
    ).actions
    assert isinstance(right[0], CardRename)
    book.put("jane.vcf", rewriting.edit(JANE_CARD, right[0].edit))
    assert run(book, shelf) == []
    book.put("jane.vcf", JANE_CARD)
    assert run(book, shelf) == ["card-rename"]
    assert read_meaning(book.cards[href].data).fn == FN


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (b"N:;" + FN.encode() + b";;;", b"N:Roe;Jane;;;"),
        (b"NICKNAME:D12 Janie", b"NICKNAME:Janie"),
        (b"CATEGORIES:D12\r\n", b""),
    ],
    ids=["N", "NICKNAME", "CATEGORIES"],
)
def test_a_tug_of_war_over_any_property_ends(shelf: Shelf, ours: bytes, theirs: bytes) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    rounds = 0
    while run(book, shelf) and rounds < 9:
        assert ours in book.cards[href].data
        book.put("jane.vcf", book.cards[href].data.replace(ours, theirs))
        rounds += 1
    assert rounds == 4


def test_telling_the_shelf_twice_changes_nothing(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    actions = plan_book(ROSTER, shelf.refresh(book).cards, BookSettings(url=book.url)).actions
    carry_out(book, shelf, actions)
    once = shelf.cards(book.url)
    shelf.wrote(actions[0], before=JANE_CARD, held=book.cards[href])
    shelf.wrote(actions[0], before=JANE_CARD, held=book.cards[href])
    (card,) = shelf.cards(book.url)
    assert (card.former, card.drift, card.codes) == (once[0].former, 0, ("D12",))


def test_a_run_that_died_before_telling_the_shelf_is_told_from_the_journal(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put("jane.vcf", JANE_CARD)
    (action,) = plan_book(ROSTER, shelf.refresh(book).cards, BookSettings(url=book.url)).actions
    carry_out(book, Shelf(connect_empty(), "elsewhere"), [action])
    shelf.refresh(book)
    shelf.wrote(action, before=JANE_CARD, held=book.cards[href])
    assert run(book, shelf) == []
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[href].data == JANE_CARD


def connect_empty() -> sa.Engine:
    engine = connect("sqlite://")
    ShelfBook.metadata.create_all(engine, tables=TABLES)
    return engine


def test_rebuilding_reads_again_and_keeps_what_was_changed(shelf: Shelf) -> None:
    book = MemoryBook()
    book.put("jane.vcf", JANE_CARD)
    run(book, shelf)
    before = shelf.cards(book.url)
    shelf.clear(book.url)
    after = shelf.refresh(book).cards
    assert [card.former for card in after] == [card.former for card in before]
    assert "read_many" in book.requests[-2:]


def test_a_deleted_card_is_forgotten_even_when_it_was_never_seen(shelf: Shelf) -> None:
    gone = CardDelete(book="https://dav.example/b/", href="/b/x.vcf", uid="x", etag='"1"', before="x")
    shelf.wrote(gone, before=None, held=None)
    assert shelf.cards(gone.book) == ()


def test_a_card_that_the_server_lists_with_another_encoding_is_the_same_card(shelf: Shelf) -> None:
    book = MemoryBook()
    run(book, shelf)
    (href,) = book.cards
    state = book.cards.pop(href)
    listed = href.replace("-", "%2D")
    book.cards[listed] = CardState(href=listed, etag=state.etag, data=state.data)
    book.past = [(listed, True)]
    assert run(book, shelf) == []
    assert [card.created for card in shelf.cards(book.url)] == [True]


def test_the_shelf_is_the_same_on_every_database(empty_database: sa.Engine) -> None:
    ShelfBook.metadata.create_all(empty_database, tables=TABLES)
    book, shelf = MemoryBook(), Shelf(empty_database, "li.na")
    odd = JANE_CARD.replace(b"VERSION:3.0", b"VERSION:2.1").replace(b"FN:Jane", b"FN;CHARSET=GB2312:\xcd\xf5")
    href = book.put("jane.vcf", odd)
    assert run(book, shelf) == ["card-rename"]
    assert run(book, shelf) == []
    assert run(book, shelf, NOBODY) == ["card-restore"]
    assert book.cards[href].data == odd


def test_cards_beyond_unicode_are_kept(shelf: Shelf) -> None:
    book = MemoryBook()
    href = book.put(
        "odd.vcf", new_card(uid="o", fn="x", addresses=(), company="").replace(b"FN:x", b"FN:\xff\xfe")
    )
    assert shelf.refresh(book).cards[0].href == href


def test_what_an_undo_takes_away_is_no_loss(shelf: Shelf) -> None:
    book = MemoryBook()
    run(book, shelf)  # adds Jane's card
    (card,) = shelf.refresh(book).cards
    undo = CardDelete(book=book.url, href=card.href, uid="x", etag=card.etag, before="x")
    carry_out(book, shelf, [undo])
    view = shelf.refresh(book)
    assert (view.known_before, len(view.cards)) == (0, 0)
