"""What is filed, what waits, what people decided (DOMAIN 8 and 7.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.filing.by_hand import hand_filed
from mailsync.filing.folders import FolderNames
from mailsync.filing.plan import FilingPlan, FilingSettings, plan_filing
from mailsync.mailbox.headers import Envelope, MailboxRole, Message, MessageKey
from mailsync.registry.roster import Customer, Roster
from mailsync.run.actions import FolderCreate, MessageTransfer, Place, Placement
from mailsync.run.renames import NamedFolders

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ROSTER = Roster(
    customers=(
        Customer(code="D12", company="Gibson Importing", short_name="Gibson", superseded=("F03",)),
        Customer(code="E05", company="Roca"),
    )
)
NAMES = FolderNames(template="Customers/{code} {company}", roster=ROSTER)
SEEN = frozenset({"\\Seen"})
D12 = "Customers/D12 Gibson"
E05 = "Customers/E05 Roca"


@dataclass(frozen=True, kw_only=True)
class Decided:
    customer: str | None
    evidence: str = "participant"


def message(
    uid: int,
    *,
    mailbox: str = "INBOX",
    role: MailboxRole | None = None,
    days: float = 9,
    flags: Iterable[str] = SEEN,
    fingerprint: str | None = None,
    uidvalidity: int = 1,
) -> Message:
    roles: dict[str, MailboxRole] = {"INBOX": "inbox", "Sent": "sent", "Junk": "junk", "Trash": "trash"}
    return Message(
        key=MessageKey(mailbox, uidvalidity, uid),
        role=role or roles.get(mailbox, "other"),
        envelope=Envelope(subject=f"subject {uid}", message_id=f"<{uid}@x>"),
        fingerprint=fingerprint or f"{mailbox}-{uid}",
        size=100,
        internal_date=NOW - timedelta(days=days),
        flags=frozenset(flags),
    )


def plan(
    messages: list[Message],
    *,
    customer: str | None = "D12",
    customers: dict[MessageKey, str] | None = None,
    threads: dict[MessageKey, str] | None = None,
    existing: Iterable[str] = ("INBOX", "Sent", "Customers", D12, E05),
    placements: Iterable[Placement] = (),
    names: FolderNames = NAMES,
    remembered: dict[Place, str] | None = None,
    named: NamedFolders | None = None,
    **settings: Any,
) -> FilingPlan:
    decided = {
        one.key: Decided(customer=(customers or {}).get(one.key, customer) if customers else customer)
        for one in messages
    }
    return plan_filing(
        messages,
        decided,
        threads or {},
        folders=names,
        settings=FilingSettings(**settings),
        existing=list(existing),
        placements=list(placements),
        now=NOW,
        remembered=remembered,
        named=named,
    )


def filed(result: FilingPlan) -> list[int]:
    return [action.uid for action in result.actions if isinstance(action, MessageTransfer)]


def put(
    fingerprint: str,
    source: tuple[str, int, int] = ("INBOX", 1, 1),
    destination: tuple[str, int, int] = (D12, 7, 1),
    **more: Any,
) -> Placement:
    fields: dict[str, Any] = {
        "kind": "message-move",
        "fingerprint": fingerprint,
        "source": Place(*source),
        "destination": Place(*destination),
        "customer": "D12",
    }
    return Placement(**{**fields, **more})


@pytest.mark.parametrize(
    "one, settings, stay",
    [
        (message(1), {}, None),
        (message(1, days=3), {}, None),
        (message(1, days=2.9), {}, "young"),
        (message(1, days=2.9), {"min_age_days": 0}, None),
        (message(1, flags=()), {}, "unread"),
        (message(1, flags=()), {"only_read": False}, None),
        (message(1, flags=["\\Seen", "\\Flagged"]), {}, "flagged"),
        (message(1, flags=["\\Seen", "\\Flagged"]), {"leave_flagged": False}, None),
        (message(1, flags=["\\Seen", "\\Deleted"]), {}, "deleted"),
        (message(1, mailbox="Sent"), {}, None),
        (message(1, mailbox="Sent", days=1), {}, "young"),
        (message(1, mailbox="Sent", flags=["\\Seen", "\\Flagged"]), {}, "flagged"),
        (message(1, mailbox="Sent", flags=()), {}, "unread"),
    ],
)
def test_what_is_filed_and_what_waits(one: Message, settings: dict[str, Any], stay: str | None) -> None:
    result = plan([one], **settings)
    assert filed(result) == ([1] if stay is None else [])
    assert result.stays == ({} if stay is None else {one.key: stay})


@pytest.mark.parametrize(
    "mailbox, role", [("Junk", None), ("Trash", None), ("Drafts", "drafts"), ("Old", "other")]
)
def test_other_mailboxes_are_never_touched(mailbox: str, role: MailboxRole | None) -> None:
    assert not plan([message(1, mailbox=mailbox, role=role)]).actions


def test_nobodys_mail_stays() -> None:
    result = plan([message(1)], customer=None)
    assert not result.actions and not result.stays


def test_an_action_says_everything() -> None:
    (action,) = plan([message(4)]).actions
    assert action == MessageTransfer(
        kind="message-move",
        mailbox="INBOX",
        uidvalidity=1,
        uid=4,
        message_id="<4@x>",
        fingerprint="INBOX-4",
        subject="subject 4",
        destination=D12,
        customer="D12",
        evidence="participant",
        needs_flags=("\\Seen",),
        bars_flags=("\\Deleted", "\\Flagged"),
    )


def test_missing_folders_are_made_parents_first_and_only_those_needed() -> None:
    result = plan([message(1), message(2)], existing=["INBOX"])
    assert [action.mailbox for action in result.actions if isinstance(action, FolderCreate)] == [
        "Customers",
        D12,
    ]
    assert result.actions[:2] == (FolderCreate(mailbox="Customers"), FolderCreate(mailbox=D12))


def test_below_a_prefix_the_inbox_is_not_made() -> None:
    names = replace(NAMES, separator=".", prefix="INBOX.")
    result = plan([message(1)], existing=["INBOX"], names=names)
    assert [one.mailbox for one in result.actions if isinstance(one, FolderCreate)] == [
        "INBOX.Customers",
        "INBOX.Customers.D12 Gibson",
    ]


# conversations


def in_thread(*messages: Message) -> dict[MessageKey, str]:
    return {one.key: "t" for one in messages}


def test_in_a_filed_conversation_a_later_message_follows_at_once() -> None:
    old, new = message(1, mailbox=D12, days=30), message(2, days=0.1)
    assert filed(plan([old, new], threads=in_thread(old, new))) == [2]


def test_also_when_the_earlier_one_is_filed_in_the_same_run() -> None:
    old, new = message(1, days=4), message(2, days=0.1)
    result = plan([new, old], threads=in_thread(old, new))
    assert filed(result) == [1, 2]


def test_not_when_it_is_unread_or_older_or_sent_or_in_another_conversation() -> None:
    old = message(1, mailbox=D12, days=1)
    unread, older = message(2, days=0.1, flags=()), message(3, days=2)
    sent, other = message(4, mailbox="Sent", days=0.1), message(5, days=0.1)
    assert filed(plan([old, unread, older, sent, other], threads=in_thread(old, unread, older, sent))) == []


def test_old_messages_do_not_wait_for_new_ones() -> None:
    old, new = message(1, days=9), message(2, days=0.1, flags=())
    assert filed(plan([old, new], threads=in_thread(old, new))) == [1]


# modes


def test_copies_are_made_once() -> None:
    one = message(1)
    (action,) = plan([one], mode="copy").actions
    assert action.kind == "message-copy"
    copy = put(one.fingerprint, kind="message-copy")
    result = plan([one, message(1, mailbox=D12, fingerprint=one.fingerprint)], mode="copy", placements=[copy])
    assert not result.actions and result.stays[one.key] == "copied"


def test_a_copied_original_in_a_renumbered_mailbox_is_not_copied_again() -> None:
    one = message(44, uidvalidity=2, fingerprint="f")
    assert plan([one], mode="copy", placements=[put("f", kind="message-copy")]).stays == {one.key: "copied"}


def test_of_two_equal_originals_one_copied_the_other_is_copied_too() -> None:
    one, two = message(1, fingerprint="f"), message(2, fingerprint="f")
    assert filed(plan([one, two], mode="copy", placements=[put("f", kind="message-copy")])) == [2]


def test_report_only_tells_and_does_nothing() -> None:
    result = plan([message(1), message(2)], mode="report-only")
    assert not result.actions
    assert [str(finding.sentence) for finding in result.findings] == [
        f"2 message(s) of D12 would be filed in {D12}"
    ]
    assert set(result.stays.values()) == {"report-only"}


# what people do


def test_a_message_taken_out_of_its_folder_stays_and_is_told() -> None:
    back = message(9, fingerprint="f")
    result = plan([back], placements=[put("f")])
    assert not result.actions
    assert result.stays == {back.key: "by-hand"}
    assert [finding.kind for finding in result.findings] == ["misfiled"]


def test_a_second_delivery_of_a_filed_message_is_filed() -> None:
    again, placed = message(9, fingerprint="f"), message(1, mailbox=D12, fingerprint="f")
    assert filed(plan([again, placed], placements=[put("f")])) == [9]


def test_of_two_equal_messages_the_one_taken_out_stays() -> None:
    back, left = message(9, fingerprint="f"), message(2, mailbox=D12, fingerprint="f")
    both = [put("f"), put("f", source=("INBOX", 1, 2), destination=(D12, 7, 2))]
    assert plan([back, left], placements=both).stays == {back.key: "by-hand"}
    new = message(10, fingerprint="f", days=4)
    result = plan([back, left, new], placements=both)
    assert filed(result) == [10] and result.stays == {back.key: "by-hand"}


def test_in_a_renamed_folder_a_filed_message_is_still_there() -> None:
    again, placed = message(9, fingerprint="f"), message(1, mailbox="Customers/D12 New", fingerprint="f")
    assert filed(plan([again, placed], placements=[put("f")])) == [9]


@pytest.mark.parametrize("folder", [D12, E05, "Private"])
def test_what_a_person_filed_and_brought_back_stays(folder: str) -> None:
    back = message(9, fingerprint="f")
    result = plan([back], remembered={Place(folder, 3, 1): "f"})
    assert result.stays == {back.key: "by-hand"} and not result.actions


def test_what_is_still_outside_was_not_brought_back() -> None:
    again, there = message(9, fingerprint="f"), message(1, mailbox=E05, fingerprint="f")
    for place in (Place(*there.key), Place(E05, 99, 5), Place("Renamed", 3, 1)):
        assert filed(plan([again, there], remembered={place: "f"})) == [9]


def test_what_an_undo_took_out_was_not_brought_back_by_a_person() -> None:
    back = message(9, fingerprint="f", uidvalidity=2)  # the server numbered INBOX anew since
    moved = [
        put("f", undone=True),
        put("f", source=(D12, 7, 1), destination=("INBOX", 1, 9), undo=True, customer=None),
    ]
    assert filed(plan([back], placements=moved, remembered={Place(D12, 7, 1): "f"})) == [9]
    copied = [put("f", kind="message-copy", undone=True)]
    assert filed(plan([back], placements=copied, remembered={Place(D12, 7, 1): "f"})) == [9]


def test_a_filed_message_in_a_folder_of_nobody_is_told() -> None:
    taken, own = message(1, mailbox="Private", fingerprint="f"), message(2, mailbox="Private")
    result = plan([taken, own], placements=[put("f")])
    assert not result.actions
    (finding,) = result.findings
    assert finding.kind == "misfiled" and "it stays in Private" in str(finding.sentence)
    there = message(3, mailbox=D12, fingerprint="f")
    assert not plan([taken, own, there], placements=[put("f")]).findings


def test_a_message_that_undo_brought_back_is_filed_again() -> None:
    back = message(9, fingerprint="f")
    placements = [
        put("f", undone=True),
        put("f", source=(D12, 7, 1), destination=("INBOX", 1, 9), undo=True, customer=None),
    ]
    assert filed(plan([back], placements=placements)) == [9]


def test_after_undo_and_a_second_filing_a_persons_move_still_counts() -> None:
    back = message(12, fingerprint="f")
    placements = [
        put("f", undone=True),
        put("f", source=(D12, 7, 1), destination=("INBOX", 1, 9), undo=True, customer=None),
        put("f", source=("INBOX", 1, 9), destination=(D12, 7, 2)),
    ]
    assert plan([back], placements=placements).stays == {back.key: "by-hand"}


def test_mail_in_another_customers_folder_stays_and_is_told() -> None:
    one = message(1, mailbox=E05)
    result = plan([one])
    assert not result.actions
    assert [finding.kind for finding in result.findings] == ["misfiled"]
    assert not plan([message(1, mailbox=D12)]).findings
    assert not plan([message(1, mailbox="Customers/F03 Old")]).findings


def test_hand_filed_is_what_lies_in_a_customers_folder_and_was_not_put_there_by_us() -> None:
    ours, theirs, moved_on = (
        message(1, mailbox=D12, fingerprint="ours"),
        message(2, mailbox=D12, fingerprint="theirs"),
        message(3, mailbox=E05, fingerprint="moved on"),
    )
    undone = message(4, mailbox=D12, fingerprint="undone, then by hand")
    placements = [put("ours"), put("moved on"), put("undone, then by hand", undone=True)]
    found = hand_filed(
        [ours, theirs, moved_on, undone, message(5), message(6, mailbox="Old")], placements, NAMES.customer_of
    )
    assert found == {theirs.key: "D12", moved_on.key: "E05", undone.key: "D12"}


def test_what_we_put_into_a_folder_that_was_renamed_since_is_not_by_hand() -> None:
    ours = message(1, mailbox="Customers/D12 Gibson Importing Ltd", fingerprint="f")
    assert hand_filed([ours], [put("f")], NAMES.customer_of) == {}


# renamed companies


def test_a_renamed_companys_mail_stays_together() -> None:
    used = put("old", destination=("Customers/D12 Former Name", 7, 1))
    result = plan(
        [message(1)], existing=["INBOX", "Customers", "Customers/D12 Former Name"], placements=[used]
    )
    assert [getattr(action, "destination", None) for action in result.actions] == [
        "Customers/D12 Former Name"
    ]


def test_the_folder_of_a_superseded_code_is_not_used_on() -> None:
    used = put("old", destination=("Customers/F03 Old", 7, 1))
    result = plan([message(1)], existing=["INBOX", "Customers", "Customers/F03 Old"], placements=[used])
    assert result.actions[0] == FolderCreate(mailbox=D12)


FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Flagged", "\\Deleted", "$Label1"]))
MESSAGES = st.lists(
    st.builds(
        message,
        st.integers(1, 50),
        mailbox=st.sampled_from(["INBOX", "Sent", D12, E05, "Junk", "Old"]),
        days=st.floats(0, 10),
        flags=FLAGS,
        fingerprint=st.sampled_from("abcdefgh"),
    ),
    max_size=12,
    unique_by=lambda one: one.key,
)


@given(messages=MESSAGES, thread=st.sampled_from(["one", "none"]), seed=st.integers(0, 5))
def test_filing_twice_is_filing_once(messages: list[Message], thread: str, seed: int) -> None:
    threads = {one.key: "t" for one in messages} if thread == "one" else {}
    first = plan(messages, threads=threads)
    assert all(
        action.mailbox in ("INBOX", "Sent") for action in first.actions if isinstance(action, MessageTransfer)
    )
    by_key = {one.key: one for one in messages}
    placements, after = [], dict(by_key)
    for number, action in enumerate(first.actions, start=100):
        if isinstance(action, MessageTransfer):
            key = MessageKey(action.mailbox, action.uidvalidity, action.uid)
            one = after.pop(key)
            assert one.seen and not one.flagged and "\\Deleted" not in one.flags
            place = MessageKey(action.destination, 1, number)
            after[place] = replace(one, key=place, role="other")
            threads = {**threads, place: threads[key]} if key in threads else threads
            placements.append(put(one.fingerprint, tuple(key), tuple(place)))
    second = plan(list(after.values()), threads=threads, placements=placements)
    assert not second.actions
    assert (
        plan(sorted(messages, key=lambda one: hash((one.key, seed))), threads=threads).actions
        == first.actions
    )


@pytest.mark.parametrize(
    ("mode", "mailbox", "labels", "planned"),
    [
        ("copy", "INBOX", True, 0),
        ("copy", "INBOX", False, 1),
        ("move", "INBOX", True, 1),
        ("move", "Sent", True, 0),
        ("move", "Sent", False, 1),
    ],
)
def test_a_message_that_carries_the_label_is_not_copied_again(
    mode: Any, mailbox: str, labels: bool, planned: int
) -> None:
    here, there = message(1, mailbox=mailbox, fingerprint="same"), message(9, mailbox=D12, fingerprint="same")
    made = plan_filing(
        [here, there],
        {here.key: Decided(customer="D12"), there.key: Decided(customer="D12")},
        {},
        folders=NAMES,
        settings=FilingSettings(mode=mode, labels=labels),
        existing=["INBOX", D12],
        placements=[],
        now=NOW,
    )
    assert sum(isinstance(action, MessageTransfer) for action in made.actions) == planned
