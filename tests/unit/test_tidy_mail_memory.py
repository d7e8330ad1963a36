"""With what the daemon remembers, a plan of what happened says what a plan of all mail would (tidy.mail_memory)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.mailbox.folders import Counters, Folder, Listing
from mailsync.mailbox.following import Carried
from mailsync.mailbox.headers import MailboxRole, Message, MessageKey
from mailsync.mailbox.index import Index, Refreshed
from mailsync.mailbox.provider import Habits, Profile
from mailsync.registry.roster import Roster
from mailsync.run.actions import MessageTransfer, Place, Placement
from mailsync.tidy.calm import LONGEST, Look
from mailsync.tidy.mail_memory import MOST_TOUCHED
from mailsync.tidy.mail_plan import MailPlan, MailView, plan_mail
from mailsync.tidy.settings import Account, House
from tests.unit.conversation_worlds import ROSTER, START, mail
from tests.unit.test_conversations_attribution import mailboxes

HOUSE = House(
    database="sqlite://",
    state_dir=Path("/nowhere"),
    own_domains=frozenset({"ourcompany.example"}),
    own_addresses=frozenset({"boss@private.example"}),
)
ACCOUNT = Account(name="li.na")
NOW = START + timedelta(days=1)
LIST_EVERY = timedelta(minutes=15)
FOLDERS = ("Customers/D12 Gibson Importing", "Customers/E05 Keller", "Customers")
ROLES: dict[str, MailboxRole] = {"INBOX": "inbox", "SENT": "sent", **dict.fromkeys(FOLDERS, "other")}


PROFILE = Profile(
    capabilities=frozenset(),
    separator="/",
    prefix="",
    can_move=True,
    can_expunge_uids=True,
    condstore=True,
    qresync=True,
    special_use=True,
    software="",
    habits=Habits(namespace=("", "/"), refused=""),
    listing=Listing(
        folders=tuple(
            Folder(name=name, separator="/", uidvalidity=1, uidnext=50, highestmodseq=9, messages=10)
            for name in ROLES
        )
    ),
    roles=tuple(ROLES.items()),
)


@dataclass(frozen=True)
class Shelf:
    """An index that knows these messages."""

    known: Sequence[Message]

    def messages(self, among: Iterable[MessageKey]) -> list[Message]:
        wanted = set(among)
        return [message for message in self.known if message.key in wanted]


def view(messages: Sequence[Message], placements: Sequence[Placement]) -> MailView:
    return MailView(
        messages=messages,
        total=len(messages),
        mailboxes=frozenset(ROLES),
        roles=ROLES,
        profile=PROFILE,
        listed=NOW,
        placements=placements,
    )


def plan(seen: MailView, now: datetime = NOW) -> MailPlan:
    return plan_mail(HOUSE, ACCOUNT, ROSTER, seen, now=now)


def refreshed(
    new: Iterable[MessageKey] = (),
    gone: Iterable[MessageKey] = (),
    changed: Iterable[MessageKey] = (),
    roles: dict[str, MailboxRole] | None = None,
) -> Refreshed:
    return Refreshed(
        new=frozenset(new),
        gone=frozenset(gone),
        changed=frozenset(changed),
        roles=roles or ROLES,
        existing=frozenset(ROLES),
        read=tuple(ROLES),
        problems=(),
    )


@st.composite
def happenings(
    draw: st.DrawFn,
) -> tuple[list[Message], list[Message], list[Placement], Refreshed]:
    """An account's messages before and after, what mailsync had filed, and what a refresh says of it."""
    everyone = []
    for uid, message in enumerate(draw(mailboxes()), 1):
        mailbox = draw(st.sampled_from([message.key.mailbox, message.key.mailbox, *FOLDERS[:2]]))
        flags = draw(
            st.sampled_from([frozenset({"\\Seen"}), frozenset({"\\Seen", "\\Flagged"}), frozenset()])
        )
        day = draw(st.sampled_from([0, -9]))
        everyone.append(
            replace(
                message,
                key=MessageKey(mailbox, 1, uid),
                role=ROLES[mailbox],
                flags=cast("frozenset[str]", flags),
                internal_date=START + timedelta(days=day),
            )
        )
    fates = [draw(st.sampled_from(["stays", "stays", "new", "gone", "changed"])) for _ in everyone]
    told = {
        fate: [one for one, is_so in zip(everyone, fates, strict=True) if is_so == fate] for fate in fates
    }
    flagged = frozenset({"\\Seen", "\\Flagged"})
    before = [one for one, fate in zip(everyone, fates, strict=True) if fate != "new"]
    after = [
        replace(one, flags=flagged) if fate == "changed" else one
        for one, fate in zip(everyone, fates, strict=True)
        if fate != "gone"
    ]
    placements = [
        Placement(
            kind="message-move",
            fingerprint=one.fingerprint,
            source=Place("INBOX", 1, 100 + one.key.uid),
            destination=Place(FOLDERS[0], 1, one.key.uid),
            customer="D12",
        )
        for one in everyone
        if draw(st.booleans())
    ]
    happened = refreshed(
        *([one.key for one in told.get(fate, [])] for fate in ("new", "gone", "changed")),
    )
    return before, after, placements, happened


@given(happenings())
def test_a_plan_of_what_happened_is_that_of_all_mail(
    happening: tuple[list[Message], list[Message], list[Placement], Refreshed],
) -> None:
    before, after, placements, happened = happening
    seen = view(before, placements)
    memory = plan(seen).remembered(seen, ROSTER, NOW)
    touched = memory.touched(happened, cast("Index", Shelf(after)))
    assert touched is not None
    some = [one for one in after if one.key in touched]
    prints = {one.fingerprint for one in some}
    part = view(some, [one for one in placements if one.fingerprint in prints])
    part = replace(part, total=len(after), memory=memory, touched=frozenset(touched))
    quick, whole = plan(part), plan(view(after, placements))

    assert quick.stays == whole.stays
    assert set(quick.singly) == set(whole.singly)
    assert [one for one in quick.actions if isinstance(one, MessageTransfer)] == [
        one
        for one in whole.actions
        if isinstance(one, MessageTransfer) and MessageKey(one.mailbox, one.uidvalidity, one.uid) in touched
    ]
    assert quick.attributions.by_key == {
        key: made for key, made in whole.attributions.by_key.items() if key in touched
    }
    again = quick.remembered(part, ROSTER, NOW)
    assert again.since == memory.since and again.about.keys() == {one.subject for one in quick.singly}


def test_too_much_at_once_and_mailboxes_for_something_else_or_gone_are_planned_as_a_whole() -> None:
    everyone = [
        replace(mail(f"m{uid}", "jane > me"), key=MessageKey("INBOX", 1, uid))
        for uid in range(MOST_TOUCHED + 1)
    ]
    index = cast("Index", Shelf(everyone))
    seen = view([], [])
    memory = plan(seen).remembered(seen, ROSTER, NOW)
    assert memory.touched(refreshed(new=[one.key for one in everyone]), index) is None
    one = everyone[0].key
    assert memory.touched(refreshed(new=[one]), index) == {one}
    assert memory.touched(refreshed(new=[one], roles={**ROLES, "SENT": "other"}), index) is None
    assert memory.touched(refreshed(new=[one], roles={"INBOX": "inbox"}), index) is None


def test_a_memory_holds_for_an_hour_and_one_registry() -> None:
    seen = view([], [])
    memory = plan(seen).remembered(seen, ROSTER, NOW)
    assert memory.holds(ROSTER, NOW)
    assert not memory.holds(Roster(), NOW)
    assert not memory.holds(ROSTER, NOW + LONGEST)


@pytest.mark.parametrize(
    ("says", "inbox", "known"),
    [
        ("nothing happened", Counters(1, 50, 9, 10), True),
        ("mail came", Counters(1, 53, 12, 13), True),
        ("flags changed", Counters(1, 50, 12, 10), True),
        ("a message left", Counters(1, 50, 12, 9), False),
        ("one came and another left", Counters(1, 51, 12, 10), False),
        ("made anew", Counters(2, 50, 9, 10), False),
        ("not counted", Counters(1, None, 9, 10), False),
    ],
)
def test_mailboxes_are_listed_where_a_look_at_some_does_not_tell(
    says: str, inbox: Counters, known: bool
) -> None:
    seen = view([], [])
    memory = plan(seen).remembered(seen, ROSTER, NOW)
    profile = memory.profile_at(Look(watched={"INBOX": inbox}), NOW, LIST_EVERY)
    assert (profile is not None) == known, says
    if profile is not None:
        counters = {folder.name: folder.counters for folder in profile.listing.folders}
        assert counters == {**dict.fromkeys(ROLES, Counters(1, 50, 9, 10)), "INBOX": inbox}
    assert memory.profile_at(Look(watched={"INBOX": inbox}), NOW + LIST_EVERY, LIST_EVERY) is None
    assert memory.profile_at(Look(), NOW, LIST_EVERY) is None


def test_what_was_filed_is_known_where_it_lies() -> None:
    """Its folder was made for it."""
    one, answer = (
        replace(mail(name, "jane > me", after=after), key=MessageKey("INBOX", 1, uid))
        for uid, (name, after) in enumerate([("a", ""), ("b", "a")], 1)
    )
    seen = view([one], [])
    moved = one.key._replace(mailbox="Customers/New", uid=1)
    memory = (
        plan(seen)
        .remembered(seen, ROSTER, NOW)
        .following([Carried(one.key, moved, stays=False)], {"Customers/New": Counters(1, 2, 3, 1)})
    )
    assert memory.profile.listing.folders[-1].counters == Counters(1, 2, 3, 1)
    index = cast("Index", Shelf([replace(one, key=moved), answer]))
    assert memory.touched(refreshed(new=[answer.key]), index) == {answer.key, moved}
