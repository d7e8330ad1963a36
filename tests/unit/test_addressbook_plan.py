"""The plan of a book: who gets which card, and what is left alone (DOMAIN 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsync.addressbook import rewriting
from mailsync.addressbook.cards import ShelfCard, new_card, read_meaning
from mailsync.addressbook.entries import BookPlan
from mailsync.addressbook.matching import card_uid
from mailsync.addressbook.plan import plan_book
from mailsync.addressbook.scope import BookSettings, Scope, parse_scope
from mailsync.errors import UsageError
from mailsync.registry.roster import Contact, Customer, Roster
from mailsync.run.actions import (
    CardAction,
    CardCreate,
    CardDelete,
    CardRename,
    FormerProperties,
    NameProperties,
)
from tests import strategies

URL = "https://dav.example/li.na/contacts/"
BOOK = BookSettings(url=URL)
GIBSON = Customer(code="D12", company="Gibson Importing", country="AU", owner="li.na@our.example")
EUROPA = Customer(code="E05", company="Europa Handel", country="DE", owner="bob@our.example")
JANE = Contact(
    id="1",
    role="contact",
    name="Jane Roe",
    company="Gibson Importing",
    country="AU",
    addresses=("jane@gibson.example",),
    customers=("D12",),
)
WANG = Contact(
    id="2",
    role="forwarder",
    name="王伟",
    company="顺达货代",
    region="SH",
    country="CN",
    addresses=("wang@shunda.example",),
    customers=("D12", "E05"),
)
LEAD = Contact(id="3", role="contact", name="Lea Lead", company="Leads", addresses=("lea@lead.example",))
JANE_FN = "D12 Jane Roe/Gibson Importing/AU"
ROSTER = Roster(customers=(GIBSON, EUROPA), contacts=(JANE, WANG, LEAD))
ONLY_JANE = Roster(customers=(GIBSON, EUROPA), contacts=(JANE,))


def vcard(fn: str, *lines: str, uid: str = "", version: str = "3.0") -> bytes:
    uids = [f"UID:{uid}"] if uid else []
    return "\r\n".join(
        ["BEGIN:VCARD", f"VERSION:{version}", *uids, f"FN:{fn}", *lines, "END:VCARD", ""]
    ).encode()


def card(name: str, fn: str, *lines: str, uid: str = "", version: str = "3.0") -> ShelfCard:
    return ShelfCard(
        href=f"/li.na/contacts/{name}.vcf", etag=f'"{name}"', data=vcard(fn, *lines, uid=uid, version=version)
    )


def jane(name: str = "a", fn: str = "Jane", *lines: str) -> ShelfCard:
    return card(name, fn, "N:Roe;Jane;;;", "EMAIL:Jane@Gibson.example", *lines, uid=name)


def carried_out(cards: Sequence[ShelfCard], actions: Sequence[CardAction]) -> list[ShelfCard]:
    """The book and the shelf after these actions, on a server that stores bytes."""
    held = {one.href: one for one in cards}
    for action in actions:
        match action:
            case CardCreate():
                held[action.href] = ShelfCard(
                    href=action.href,
                    etag='"new"',
                    data=action.card,
                    created=True,
                    contact=action.contact,
                    codes=action.codes,
                    written=action.after,
                    written_addresses=read_meaning(action.card).addresses,
                )
            case CardDelete():
                del held[action.href]
            case CardRename(edit=NameProperties() as edit):
                before = held[action.href]
                former = before.former or rewriting.taken_from(before.data)
                kept = [code for code in former.drop_categories if code not in edit.drop_categories]
                held[action.href] = replace(
                    before,
                    etag=before.etag + "+",
                    data=rewriting.edit(before.data, edit),
                    former=replace(former, drop_categories=(*kept, *edit.add_categories)),
                    contact=action.contact,
                    codes=action.codes,
                    written=action.after,
                    written_addresses=before.written_addresses
                    if before.created
                    else read_meaning(before.data).addresses,
                )
            case CardRename():
                before = held[action.href]
                held[action.href] = replace(
                    before, data=rewriting.edit(before.data, action.edit), codes=(), drift=0
                )
    return list(held.values())


def done(plan: BookPlan) -> dict[str, tuple[str, str]]:
    """Card → what is done with it and the name it then has."""
    return {
        entry.href.rpartition("/")[2].removesuffix(".vcf"): (entry.action, entry.after)
        for entry in plan.entries
    }


def kinds(plan: BookPlan) -> list[str]:
    return [finding.kind for finding in plan.findings]


# ----- renaming


def test_a_persons_card_gets_the_display_name_and_says_what_it_was() -> None:
    before = jane("a", "Jane", "NICKNAME:Janie", "CATEGORIES:Friends")
    plan = plan_book(ONLY_JANE, [before], BOOK)
    (action,) = plan.actions
    assert isinstance(action, CardRename)
    assert (action.before, action.after, action.etag, action.contact) == ("Jane", JANE_FN, '"a"', "1")
    assert action.edit == NameProperties(
        fn=JANE_FN, given=JANE_FN, nickname="D12 Janie", add_categories=("D12",)
    )
    (entry,) = plan.entries
    assert (entry.action, entry.uid, entry.codes) == ("rename", "a", ("D12",))


@pytest.mark.parametrize(
    "line", ["NICKNAME:D12", "CATEGORIES:D12", "N:;D12 Jane Roe/Gibson Importing/AU;;;"], ids=str.lower
)
def test_a_right_name_that_lacks_one_property_is_rewritten_once(line: str) -> None:
    right = [
        "N:;D12 Jane Roe/Gibson Importing/AU;;;",
        "NICKNAME:D12",
        "CATEGORIES:D12",
        "EMAIL:jane@gibson.example",
    ]
    whole = card("a", JANE_FN, *right)
    assert done(plan_book(ONLY_JANE, [whole], BOOK)) == {"a": ("none", JANE_FN)}
    lacking = card("a", JANE_FN, *(one for one in right if one != line))
    plan = plan_book(ONLY_JANE, [lacking], BOOK)
    assert done(plan) == {"a": ("rename", JANE_FN)}
    again = plan_book(ONLY_JANE, carried_out([lacking], plan.actions), BOOK)
    assert not again.actions


def test_what_is_switched_off_is_not_written() -> None:
    settings = replace(BOOK, nickname=False, categories=False, names_into_n=False)
    (action,) = plan_book(ONLY_JANE, [jane()], settings).actions
    assert isinstance(action, CardRename)
    assert action.edit == NameProperties(fn=JANE_FN)


def test_an_old_card_gets_fn_and_n_only() -> None:
    old = card("a", "Jane", "N:Roe;Jane", "EMAIL;INTERNET:jane@gibson.example", version="2.1")
    (action,) = plan_book(ONLY_JANE, [old], BOOK).actions
    assert isinstance(action, CardRename)
    assert action.edit == NameProperties(fn=JANE_FN, given=JANE_FN)


def test_addresses_are_compared_without_case_and_in_idn_form() -> None:
    contact = replace(JANE, addresses=("jane@xn--mller-kva.example",))
    roster = Roster(customers=(GIBSON,), contacts=(contact,))
    plan = plan_book(roster, [card("a", "Jane", "EMAIL:Jane@Müller.example")], BOOK)
    assert done(plan) == {"a": ("rename", JANE_FN)}


def test_a_code_that_follows_another_takes_its_place() -> None:
    merged = replace(GIBSON, superseded=("F03",))
    before = jane("a", "F03 Jane Roe/Gibson Importing/AU", "NICKNAME:F03 Janie", "CATEGORIES:Friends,F03")
    remembered = replace(
        before,
        former=FormerProperties(lines=("FN:Jane\r\n",), drop_categories=("F03",)),
        codes=("F03",),
        contact="1",
        written="F03 Jane Roe/Gibson Importing/AU",
    )
    plan = plan_book(Roster(customers=(merged,), contacts=(JANE,)), [remembered], BOOK)
    (after,) = carried_out([remembered], plan.actions)
    meaning = read_meaning(after.data)
    assert (meaning.fn, meaning.nickname, meaning.categories) == (JANE_FN, "D12 Janie", ("Friends", "D12"))


def test_a_category_that_a_person_gave_stays_when_the_code_changes() -> None:
    before = jane("a", "F03 Jane", "CATEGORIES:F03")
    plan = plan_book(
        Roster(customers=(replace(GIBSON, superseded=("F03",)),), contacts=(JANE,)), [before], BOOK
    )
    (after,) = carried_out([before], plan.actions)
    assert read_meaning(after.data).categories == ("F03", "D12")


# ----- people of several customers


def test_the_own_card_takes_the_earliest_code_and_further_ones_are_added() -> None:
    roster = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    own = card("w", "Wang", "EMAIL:wang@shunda.example", "TEL:1", uid="w")
    plan = plan_book(roster, [own], BOOK)
    rename, create = plan.actions
    assert isinstance(rename, CardRename) and isinstance(create, CardCreate)
    assert (rename.after, create.after) == ("D12 王伟/顺达货代/SH", "E05 王伟/顺达货代/SH")
    assert create.uid == card_uid(WANG, "E05")
    assert create.href == f"/li.na/contacts/{create.uid}.vcf"
    meaning = read_meaning(create.card)
    assert (meaning.nickname, meaning.categories, meaning.addresses) == ("E05", ("E05",), WANG.addresses)
    names = {line.partition(b":")[0].partition(b";")[0] for line in create.card.splitlines() if b":" in line}
    assert names == {
        *(b"BEGIN", b"VERSION", b"UID", b"FN", b"N", b"NICKNAME", b"ORG", b"EMAIL", b"CATEGORIES", b"END")
    }
    assert not plan_book(roster, carried_out([own], plan.actions), BOOK).actions


def test_what_was_added_is_found_again_when_the_shelf_is_lost() -> None:
    roster = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    after = carried_out([], plan_book(roster, [], BOOK).actions)
    lost = [ShelfCard(href=one.href, etag=one.etag, data=one.data) for one in after]
    again = plan_book(roster, lost, BOOK)
    assert not again.actions
    assert {entry.action for entry in again.entries} == {"none"}


def test_a_card_people_wrote_for_a_further_engagement_serves_it() -> None:
    roster = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    own = card("a", "Wang", "EMAIL:wang@shunda.example")
    second = card("b", "E05 王伟/顺达货代/SH", "EMAIL:wang@shunda.example")
    plan = plan_book(roster, [own, second], BOOK)
    assert done(plan) == {
        "a": ("rename", "D12 王伟/顺达货代/SH"),
        "b": ("rename", "E05 王伟/顺达货代/SH"),
    }


def test_the_only_card_takes_the_earliest_code_also_where_it_bears_a_later_one() -> None:
    roster = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    plan = plan_book(roster, [card("a", "E05 王伟/顺达货代/SH", "EMAIL:wang@shunda.example")], BOOK)
    assert done(plan)["a"] == ("rename", "D12 王伟/顺达货代/SH")
    assert [action.after for action in plan.actions if isinstance(action, CardCreate)] == [
        "E05 王伟/顺达货代/SH"
    ]


def test_one_entry_with_all_codes_where_that_is_wished() -> None:
    roster = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    settings = replace(BOOK, entry_per_engagement=False)
    own = card("w", "Wang", "EMAIL:wang@shunda.example")
    plan = plan_book(roster, [own], settings)
    assert done(plan) == {"w": ("rename", "D12 E05 王伟/顺达货代/SH")}
    (after,) = carried_out([own], plan.actions)
    assert read_meaning(after.data).categories == ("D12", "E05")
    assert read_meaning(after.data).nickname == "D12 E05"
    assert not plan_book(roster, [after], settings).actions


def test_a_merge_of_two_engagements_takes_the_added_card_away() -> None:
    before = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    cards = carried_out([card("w", "Wang", "EMAIL:wang@shunda.example")], ())
    cards = carried_out(cards, plan_book(before, cards, BOOK).actions)
    merged = Roster(
        customers=(replace(GIBSON, superseded=("E05",)),), contacts=(replace(WANG, customers=("D12",)),)
    )
    plan = plan_book(merged, cards, BOOK)
    (action,) = plan.actions
    assert isinstance(action, CardDelete)
    assert action.uid == card_uid(WANG, "E05")


def test_a_merge_renames_the_added_card_where_it_is_the_only_one() -> None:
    before = Roster(customers=(EUROPA,), contacts=(replace(WANG, customers=("E05",)),))
    cards = carried_out([], plan_book(before, [], BOOK).actions)
    merged = Roster(
        customers=(replace(GIBSON, superseded=("E05",)),), contacts=(replace(WANG, customers=("D12",)),)
    )
    plan = plan_book(merged, cards, BOOK)
    assert [entry.action for entry in plan.entries] == ["rename"]
    cards = carried_out(cards, plan.actions)
    assert not plan_book(merged, cards, BOOK).actions


def test_an_added_card_is_known_by_its_uid_alone_also_after_a_merge() -> None:
    before = Roster(customers=(EUROPA,), contacts=(replace(WANG, customers=("E05",)),))
    (added,) = carried_out([], plan_book(before, [], BOOK).actions)
    lost = ShelfCard(href=added.href, etag=added.etag, data=added.data)
    moved = replace(WANG, customers=("D12",), addresses=("wang@new.example",))
    merged = Roster(customers=(replace(GIBSON, superseded=("E05",)),), contacts=(moved,))
    assert [entry.action for entry in plan_book(merged, [lost], BOOK).entries] == ["rename"]


# ----- several cards, several people


def test_of_several_cards_with_one_address_the_right_one_is_kept() -> None:
    right = carried_out([jane("z")], plan_book(ONLY_JANE, [jane("z")], BOOK).actions)[0]
    right = replace(right, former=None, codes=(), contact=None, written=None)
    plan = plan_book(ONLY_JANE, [jane("a"), right], BOOK)
    assert done(plan) == {"a": ("duplicate", "Jane"), "z": ("none", JANE_FN)}
    assert "duplicate" in kinds(plan) and not plan.actions


def test_else_the_one_mailsync_wrote_is_kept() -> None:
    ours = carried_out([jane("z")], plan_book(ONLY_JANE, [jane("z")], BOOK).actions)[0]
    drifted = replace(ours, data=ours.data.replace(b"FN:D12 ", b"FN:x "))
    assert done(plan_book(ONLY_JANE, [jane("a"), drifted], BOOK))["a"][0] == "duplicate"


def test_else_the_lowest_href_is_kept() -> None:
    plan = plan_book(ONLY_JANE, [jane("b"), jane("a"), jane("c")], BOOK)
    assert done(plan) == {
        "a": ("rename", JANE_FN),
        "b": ("duplicate", "Jane"),
        "c": ("duplicate", "Jane"),
    }


def test_two_addresses_of_a_person_on_two_cards_are_both_rewritten() -> None:
    two = replace(JANE, addresses=("jane@gibson.example", "jane@home.example"))
    cards = [jane("a"), card("b", "Jane home", "EMAIL:jane@home.example")]
    plan = plan_book(Roster(customers=(GIBSON,), contacts=(two,)), cards, BOOK)
    assert done(plan) == {"a": ("rename", JANE_FN), "b": ("rename", JANE_FN)}


def test_one_card_with_two_peoples_addresses_is_a_conflict_and_nobody_is_added_beside_it() -> None:
    bob = replace(JANE, id="9", name="Bob", addresses=("bob@gibson.example",))
    plan = plan_book(
        Roster(customers=(GIBSON,), contacts=(JANE, bob)),
        [jane("a", "Both", "EMAIL:bob@gibson.example")],
        BOOK,
    )
    assert done(plan) == {"a": ("conflict", "Both")}
    assert not plan.actions
    assert [finding.severity for finding in plan.findings] == ["conflict"]


def test_people_who_share_a_mailbox_each_get_their_entry() -> None:
    shared = ("info@gibson.example",)
    people = (replace(JANE, addresses=shared), replace(JANE, id="9", name="Bob", addresses=shared))
    roster = Roster(customers=(GIBSON,), contacts=people)
    cards = [card("a", "Info", "EMAIL:info@gibson.example")]
    plan = plan_book(roster, cards, BOOK)
    assert sorted(entry.after for entry in plan.entries) == ["D12 Bob/Gibson Importing/AU", JANE_FN]
    assert not plan_book(roster, carried_out(cards, plan.actions), BOOK).actions


# ----- left alone


def test_strangers_and_contacts_without_a_code_are_candidates_and_untouched() -> None:
    cards = [
        card("l", "Lea", "EMAIL:lea@lead.example"),
        card("s", "Stranger", "EMAIL:s@else.example"),
        card("n", "No address"),
    ]
    plan = plan_book(ROSTER, cards, replace(BOOK, create_missing=False))
    assert {name: action for name, (action, _) in done(plan).items()} == {
        "l": "unmatched",
        "s": "unmatched",
        "n": "unmatched",
    }
    candidates = [finding.subject for finding in plan.findings if finding.kind == "candidate"]
    assert candidates == ["lea@lead.example", "s@else.example", "/li.na/contacts/n.vcf"]
    assert not plan.actions


def test_a_person_who_wants_no_code_gets_none_and_no_card_beside() -> None:
    plan = plan_book(ONLY_JANE, [jane("a", "Jane", "CATEGORIES:Friends,No-Code")], BOOK)
    assert done(plan) == {"a": ("none", "Jane")}
    assert not plan.actions


def test_a_distribution_list_is_left_alone() -> None:
    plan = plan_book(ONLY_JANE, [jane("a", "Team", "X-ADDRESSBOOKSERVER-KIND:group")], BOOK)
    assert done(plan)["a"] == ("none", "Team")


def test_two_cards_with_one_uid_are_conflicts_and_the_rest_goes_on() -> None:
    cards = [
        card("a", "Jane", "EMAIL:jane@gibson.example", uid="same"),
        card("b", "Other", uid="same"),
        card("w", "Wang", "EMAIL:wang@shunda.example", uid="w"),
    ]
    plan = plan_book(ROSTER, cards, BOOK)
    assert {name: done(plan)[name][0] for name in "abw"} == {"a": "conflict", "b": "conflict", "w": "rename"}
    assert not any(isinstance(action, CardCreate) and action.contact == "1" for action in plan.actions)


@pytest.mark.parametrize(
    "data",
    [
        vcard("Jane", "EMAIL:jane@gibson.example").replace(b"END:VCARD\r\n", b""),
        vcard("Jane", "EMAIL:jane@gibson.example") + vcard("Bob", "EMAIL:bob@gibson.example"),
        b"FN:Jane\r\nEMAIL:jane@gibson.example\r\n",
    ],
    ids=["half", "two in one", "no card"],
)
def test_a_broken_card_is_a_conflict_with_its_name_and_nobody_is_added_beside_it(data: bytes) -> None:
    broken = ShelfCard(href="/li.na/contacts/a.vcf", etag='"a"', data=data)
    plan = plan_book(ONLY_JANE, [broken], BOOK)
    assert done(plan) == {"a": ("conflict", "Jane")}
    assert not plan.actions
    assert "/li.na/contacts/a.vcf" in str(plan.findings[0].sentence)


def test_a_card_its_server_would_damage_is_a_conflict_there_and_renamed_elsewhere() -> None:
    photo = jane("a", "Jane", "PHOTO:data:image/jpeg;base64,QUJD")
    photo = replace(photo, data=photo.data.replace(b"VERSION:3.0", b"VERSION:4.0"))
    assert done(plan_book(ONLY_JANE, [photo], BOOK))["a"][0] == "rename"
    plan = plan_book(ONLY_JANE, [photo], replace(BOOK, stores_through_vobject=True))
    assert done(plan)["a"][0] == "conflict"
    assert not plan.actions


def test_a_card_without_an_etag_is_not_written() -> None:
    assert done(plan_book(ONLY_JANE, [replace(jane(), etag="")], BOOK))["a"][0] == "conflict"


# ----- creating


def test_missing_people_are_added_unless_that_is_switched_off() -> None:
    assert [action.kind for action in plan_book(ONLY_JANE, [], BOOK).actions] == ["card-create"]
    plan = plan_book(ONLY_JANE, [], replace(BOOK, create_missing=False))
    assert not plan.actions
    assert kinds(plan) == ["missing-card"]


def test_somebody_without_an_address_is_reported() -> None:
    roster = Roster(customers=(GIBSON,), contacts=(replace(JANE, addresses=()),))
    plan = plan_book(roster, [], BOOK)
    assert not plan.actions
    assert kinds(plan) == ["missing-card"]


def test_an_unknown_part_is_reported() -> None:
    roster = Roster(customers=(GIBSON,), contacts=(replace(WANG, company="", customers=("D12",)),))
    assert kinds(plan_book(roster, [], BOOK)) == ["unknown-part"]


# ----- ending


def engaged(*cards: ShelfCard) -> list[ShelfCard]:
    return carried_out(cards, plan_book(ONLY_JANE, cards, BOOK).actions)


NOBODY = Roster(customers=(GIBSON,), contacts=(replace(JANE, customers=()),))


def test_when_the_engagement_ends_the_former_card_is_given_back() -> None:
    before = jane("a", "Jane", "NICKNAME:Janie", "CATEGORIES:Friends")
    cards = engaged(before)
    plan = plan_book(NOBODY, cards, BOOK)
    assert done(plan) == {"a": ("restore", "Jane")}
    (after,) = carried_out(cards, plan.actions)
    assert after.data == before.data
    again = plan_book(NOBODY, [after], BOOK)
    assert not again.actions
    assert done(again)["a"][0] == "unmatched"


def test_what_people_wrote_into_a_card_since_stays_when_it_is_given_back() -> None:
    (coded,) = engaged(jane("a", "Jane", "NICKNAME:Janie"))
    edited = replace(
        coded,
        data=coded.data.replace(f"FN:{JANE_FN}".encode(), b"FN:Jane Smith").replace(b"D12 Janie", b"D12 Jan"),
    )
    (after,) = carried_out([edited], plan_book(NOBODY, [edited], BOOK).actions)
    meaning = read_meaning(after.data)
    assert (meaning.fn, meaning.nickname, meaning.categories) == ("Jane Smith", "Jan", ())


def test_an_added_card_goes_when_its_engagement_ends() -> None:
    cards = engaged()
    plan = plan_book(NOBODY, cards, BOOK)
    assert [action.kind for action in plan.actions] == ["card-delete"]
    assert [(entry.action, entry.after) for entry in plan.entries] == [("restore", "")]


def test_a_card_is_known_by_memory_when_its_address_changed() -> None:
    (coded,) = engaged(jane())
    moved = replace(coded, data=coded.data.replace(b"Jane@Gibson.example", b"jane@new.example"))
    plan = plan_book(ONLY_JANE, [moved], BOOK)
    assert done(plan) == {"a": ("none", JANE_FN)}
    assert kinds(plan) == ["address-differs"]


def test_after_three_rounds_the_tug_of_war_is_reported() -> None:
    (coded,) = engaged(jane())
    undone = replace(coded, data=jane().data, drift=3)
    plan = plan_book(ONLY_JANE, [undone], BOOK)
    assert done(plan)["a"] == ("conflict", "Jane")
    assert done(plan_book(ONLY_JANE, [replace(undone, drift=2)], BOOK))["a"][0] == "rename"


@pytest.mark.parametrize("merged", [False, True], ids=["engagement ended", "merged and renamed"])
def test_a_persons_own_card_stands_before_the_ones_mailsync_added(merged: bool) -> None:
    own = card("w", "Wang", "EMAIL:wang@shunda.example", uid="w")
    both = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    cards = carried_out([own], plan_book(both, [own], BOOK).actions)
    # The lowest href, and once also a right name, speak for the added card.
    (added,) = (replace(one, href="/li.na/contacts/0.vcf") for one in cards if one.created)
    cards = [added, *(one for one in cards if not one.created)]
    code = "D12" if merged else "E05"
    survivor = replace(GIBSON, superseded=("E05",)) if merged else EUROPA
    moved = replace(WANG, company="新货代", customers=(code,)) if merged else replace(WANG, customers=(code,))
    after = Roster(customers=(survivor,), contacts=(moved,))
    plan = plan_book(after, cards, BOOK)
    assert [type(action) for action in plan.actions] == [CardDelete, CardRename]
    (left,) = carried_out(cards, plan.actions)
    assert left.href == own.href and read_meaning(left.data).fn.startswith(f"{code} ")
    assert not plan_book(after, [left], BOOK).actions


def test_one_entry_with_all_codes_keeps_the_persons_own_card() -> None:
    own = card("w", "Wang", "EMAIL:wang@shunda.example", uid="w")
    both = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    cards = carried_out([own], plan_book(both, [own], BOOK).actions)
    (left,) = carried_out(cards, plan_book(both, cards, replace(BOOK, entry_per_engagement=False)).actions)
    assert left.href == own.href and read_meaning(left.data).fn.startswith("D12 E05 ")


def test_a_card_reused_for_somebody_else_is_not_given_the_old_persons_name() -> None:
    (coded,) = engaged(jane())
    reused = replace(
        coded, data=vcard("Tom Stranger", "N:Stranger;Tom;;;", "EMAIL:tom@else.example", uid="a")
    )
    plan = plan_book(ONLY_JANE, [reused], BOOK)
    assert done(plan) == {"a": ("conflict", "Tom Stranger")}
    assert not plan.actions
    assert "tom@else.example" in str(plan.findings[0].sentence)
    tom = replace(JANE, id="9", name="Tom", addresses=("tom@else.example",), customers=("E05",))
    known = Roster(customers=(GIBSON, EUROPA), contacts=(JANE, tom))
    assert done(plan_book(known, [reused], BOOK))["a"] == ("rename", "E05 Tom/Gibson Importing/AU")


def test_an_added_card_reused_for_somebody_else_is_not_taken_away() -> None:
    (added,) = engaged()
    reused = replace(added, data=vcard("Tom", "EMAIL:tom@else.example", uid=card_uid(JANE, "D12")))
    for roster in (ONLY_JANE, NOBODY, Roster(customers=(GIBSON,))):
        plan = plan_book(roster, [reused], BOOK)
        assert [entry.action for entry in plan.entries] == ["conflict"]
        assert not plan.actions


def test_a_renamed_card_without_an_address_is_still_known_by_memory() -> None:
    (coded,) = engaged(jane())
    bare = replace(coded, data=vcard("Jane at work", uid="a"))
    assert done(plan_book(ONLY_JANE, [bare], BOOK)) == {"a": ("rename", JANE_FN)}


def test_a_superseded_code_leaves_the_categories_of_an_added_card() -> None:
    europa = replace(WANG, customers=("E05",))
    cards = carried_out([], plan_book(Roster(customers=(EUROPA,), contacts=(europa,)), [], BOOK).actions)
    merged = Roster(
        customers=(replace(GIBSON, superseded=("E05",)),), contacts=(replace(WANG, customers=("D12",)),)
    )
    (left,) = carried_out(cards, plan_book(merged, cards, BOOK).actions)
    assert read_meaning(left.data).categories == ("D12",)


def test_a_name_people_gave_stays_and_our_n_goes_when_the_engagement_ends() -> None:
    (coded,) = engaged(jane())
    edited = replace(coded, data=coded.data.replace(f"FN:{JANE_FN}".encode(), b"FN:Jane Smith"))
    (after,) = carried_out([edited], plan_book(NOBODY, [edited], BOOK).actions)
    meaning = read_meaning(after.data)
    assert (meaning.fn, meaning.family, meaning.given) == ("Jane Smith", "Roe", "Jane")
    assert not plan_book(NOBODY, [after], BOOK).actions


def test_our_n_alone_is_still_taken_back() -> None:
    settings = replace(BOOK, nickname=False, categories=False)
    cards = [jane()]
    (coded,) = carried_out(cards, plan_book(ONLY_JANE, cards, settings).actions)
    edited = replace(coded, data=coded.data.replace(f"FN:{JANE_FN}".encode(), b"FN:Jane Smith"))
    (after,) = carried_out([edited], plan_book(NOBODY, [edited], settings).actions)
    assert b"N:Roe;Jane;;;" in after.data


def test_an_n_that_people_wrote_stays_where_we_keep_out_of_it() -> None:
    settings = replace(BOOK, names_into_n=False)
    (coded,) = carried_out([jane()], plan_book(ONLY_JANE, [jane()], settings).actions)
    edited = replace(coded, data=coded.data.replace(b"N:Roe;Jane;;;", b"N:Smith;Jane;;;"))
    (after,) = carried_out([edited], plan_book(NOBODY, [edited], settings).actions)
    assert (read_meaning(after.data).fn, read_meaning(after.data).family) == ("Jane", "Smith")


def test_an_added_card_whose_person_wants_no_code_stays_without_one() -> None:
    (added,) = engaged()
    out = replace(added, data=added.data.replace(b"CATEGORIES:D12", b"CATEGORIES:D12,no-code"))
    (left,) = carried_out([out], plan_book(ONLY_JANE, [out], BOOK).actions)
    meaning = read_meaning(left.data)
    assert (meaning.fn, meaning.given, meaning.nickname) == (JANE_FN[4:], JANE_FN[4:], "")
    assert meaning.categories == ("no-code",)
    again = plan_book(ONLY_JANE, [left], BOOK)
    assert not again.actions and [entry.action for entry in again.entries] == ["none"]
    back = replace(left, data=left.data.replace(b"CATEGORIES:no-code\r\n", b""))
    assert [entry.action for entry in plan_book(ONLY_JANE, [back], BOOK).entries] == ["rename"]


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("CATEGORIES:Friends,No-Code", True),
        ("X-NO-CODE:yes", True),
        ("x-no-code:1", True),
        ("X-NO-CODE:no", False),
        ("X-NO-CODE:", False),
        ("NOTE:no-code", False),
    ],
)
def test_a_card_is_left_alone_where_it_says_so(line: str, left: bool) -> None:
    plan = plan_book(ONLY_JANE, [card("jane", "Jane", "EMAIL:jane@gibson.example", line)], BOOK)
    assert [entry.action for entry in plan.entries] == (["none"] if left else ["rename"])


@pytest.mark.parametrize("entry_per_engagement", [True, False])
@pytest.mark.parametrize("own", [False, True], ids=["added cards", "a person's card"])
def test_two_scopes_of_one_book_leave_each_other_alone(own: bool, entry_per_engagement: bool) -> None:
    roster = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    plain = replace(BOOK, entry_per_engagement=entry_per_engagement)
    scopes = [replace(plain, scope=Scope(codes=frozenset((key,)))) for key in ("D12", "E5")]
    cards = [card("w", "Wang", "EMAIL:wang@shunda.example", uid="w")] if own else []
    memory: list[dict[str, ShelfCard]] = [{}, {}]
    held = {one.href: one for one in cards}
    written = []
    for turn in range(6):
        mine = memory[turn % 2]
        seen = [
            replace(mine.get(href, one), data=one.data, etag=one.etag)
            if href in mine
            else ShelfCard(href=href, etag=one.etag, data=one.data)
            for href, one in held.items()
        ]
        actions = plan_book(roster, seen, scopes[turn % 2]).actions
        written.append(len(actions))
        after = carried_out(seen, actions)
        mine.update((one.href, one) for one in after)
        held = {one.href: one for one in after}
    assert written == [1, 1, 0, 0, 0, 0]
    names = sorted(read_meaning(one.data).fn for one in held.values())
    assert names == ["D12 王伟/顺达货代/SH", "E05 王伟/顺达货代/SH"]


def test_an_added_card_follows_the_address_of_the_registry_on_a_card_of_its_own() -> None:
    cards = engaged()
    for address in ("jane@new.example", "jane@newer.example", "jane@gibson.example"):
        moved = Roster(customers=(GIBSON,), contacts=(replace(JANE, addresses=(address,)),))
        plan = plan_book(moved, cards, BOOK)
        assert sorted(action.kind for action in plan.actions) == ["card-create", "card-delete"]
        assert len({action.href for action in plan.actions}) == 2
        cards = carried_out(cards, plan.actions)
        assert [read_meaning(one.data).addresses for one in cards] == [(address,)]
        assert not plan_book(moved, cards, BOOK).actions


@pytest.mark.parametrize(
    "touched",
    [(b"jane@gibson.example", b"jane@private.example"), (b"END:VCARD", b"TEL:1\r\nEND:VCARD")],
    ids=["address", "phone"],
)
def test_an_added_card_that_people_edited_keeps_its_address(touched: tuple[bytes, bytes]) -> None:
    (added,) = engaged()
    edited = replace(added, data=added.data.replace(*touched))
    moved = Roster(customers=(GIBSON,), contacts=(replace(JANE, addresses=("jane@new.example",)),))
    plan = plan_book(moved, [edited], BOOK)
    assert not plan.actions and "address-differs" in kinds(plan)


# ----- scope


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("all", {"D12", "E05"}),
        ("owner:LI.NA@our.example", {"D12"}),
        ("owner:li.na@our.example, bob@our.example", {"D12", "E05"}),
        ("codes:e5", {"E05"}),
        ("codes:D12,E05", {"D12", "E05"}),
        ("codes:F03", {"D12"}),
    ],
)
def test_a_scope_covers_its_customers(text: str, covered: set[str]) -> None:
    scope = parse_scope(text)
    customers = (replace(GIBSON, superseded=("F03",)), EUROPA)
    assert {customer.code for customer in customers if scope.covers(customer)} == covered


@pytest.mark.parametrize("text", ["", "some", "all:x", "owner:", "codes:", "codes:O7", "D12"])
def test_a_wrong_scope_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_scope(text)


def test_a_book_shows_only_its_scope_and_gives_back_what_leaves_it() -> None:
    roster = Roster(customers=(GIBSON, EUROPA), contacts=(WANG,))
    only_europa = replace(BOOK, scope=Scope(codes=frozenset(("E5",))))
    plan = plan_book(roster, [], only_europa)
    assert [action.after for action in plan.actions if isinstance(action, CardCreate)] == [
        "E05 王伟/顺达货代/SH"
    ]
    cards = carried_out([jane()], plan_book(ONLY_JANE, [jane()], BOOK).actions)
    assert done(plan_book(ONLY_JANE, cards, only_europa)) == {"a": ("restore", "Jane")}


# ----- for every book


people = st.builds(
    lambda number, name, addresses, codes: Contact(
        id=str(number),
        role="forwarder",
        name=name,
        company="Co",
        country="CN",
        addresses=tuple(addresses),
        customers=tuple(codes),
    ),
    st.integers(1, 4),
    strategies.names,
    st.lists(st.sampled_from(("a@x.example", "b@x.example", "c@x.example")), max_size=2, unique=True),
    st.lists(st.sampled_from(("D12", "E05")), max_size=2, unique=True).map(sorted),
)
rosters = st.lists(people, max_size=4, unique_by=lambda contact: contact.id).map(
    lambda contacts: Roster(
        customers=(GIBSON, EUROPA), contacts=tuple(sorted(contacts, key=lambda contact: contact.id))
    )
)
book_cards = st.lists(
    st.builds(
        lambda name, addresses: (name, [f"EMAIL:{address}" for address in addresses]),
        strategies.plain_names.map(
            lambda name: name.replace("\\", "").replace(",", "").replace(";", "") or "x"
        ),
        st.lists(st.sampled_from(("a@x.example", "b@x.example", "c@x.example", "d@x.example")), max_size=2),
    ),
    max_size=4,
).map(lambda found: [card(str(n), name, *lines, uid=str(n)) for n, (name, lines) in enumerate(found)])


@given(rosters, book_cards)
def test_a_second_run_plans_nothing(roster: Roster, cards: list[ShelfCard]) -> None:
    plan = plan_book(roster, cards, BOOK)
    assert not plan_book(roster, carried_out(cards, plan.actions), BOOK).actions


@given(rosters, rosters, book_cards)
@settings(max_examples=60)
def test_after_the_registry_changed_two_runs_settle_the_book(
    first: Roster, second: Roster, cards: list[ShelfCard]
) -> None:
    cards = carried_out(cards, plan_book(first, cards, BOOK).actions)
    # Where an address went from one contact to another, our card of the one goes first, and is added anew after.
    cards = carried_out(cards, plan_book(second, cards, BOOK).actions)
    cards = carried_out(cards, plan_book(second, cards, BOOK).actions)
    assert not plan_book(second, cards, BOOK).actions


@given(rosters, book_cards)
def test_when_everybody_leaves_the_book_is_as_it_was(roster: Roster, cards: list[ShelfCard]) -> None:
    after = carried_out(cards, plan_book(roster, cards, BOOK).actions)
    gone = Roster(customers=roster.customers)
    back = carried_out(after, plan_book(gone, after, BOOK).actions)
    assert {one.href: one.data for one in back} == {one.href: one.data for one in cards}


@given(rosters, book_cards)
def test_every_card_is_named_once_and_only_planned_ones_change(
    roster: Roster, cards: list[ShelfCard]
) -> None:
    plan = plan_book(roster, cards, BOOK)
    hrefs = [entry.href for entry in plan.entries]
    assert hrefs == sorted(set(hrefs))
    assert set(hrefs) == {one.href for one in cards} | {action.href for action in plan.actions}
    for entry in plan.entries:
        if entry.action in ("none", "conflict", "unmatched", "duplicate"):
            assert entry.before == entry.after


def test_a_new_card_is_right_at_once() -> None:
    data = new_card(
        uid="u",
        fn="D12 a",
        given="D12 a",
        nickname="D12",
        categories=("D12",),
        addresses=("a@x",),
        company="A, B; C",
    )
    names = NameProperties(fn="D12 a", given="D12 a", nickname="D12", add_categories=("D12",))
    assert rewriting.edit(data, names) == data
