"""Bytes of the protocol: UID sets, names, answers torn at literals."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailsync.mailbox import wire
from mailsync.mailbox.folders import AS_SPELT


def said(*texts: bytes) -> list[wire.Response]:
    """Responses without literals."""
    return [(text, []) for text in texts]


uids = st.sets(st.integers(1, wire.LONGEST_UID), max_size=60) | st.sets(st.integers(1, 80), max_size=60)


@given(uids)
def test_a_uid_set_says_its_uids(numbers: set[int]) -> None:
    if numbers:
        assert wire.parse_uid_set(wire.uid_set(numbers).encode()) == sorted(numbers)


@given(st.sets(st.integers(1, wire.LONGEST_UID), min_size=1, max_size=1500), st.integers(1, 2000))
def test_sets_are_short_and_leave_nothing_out(numbers: set[int], most: int) -> None:
    sets = list(wire.uid_sets(numbers, most))
    assert [uid for text in sets for uid in wire.parse_uid_set(text.encode())] == sorted(numbers)
    assert all(len(text) <= wire.LONGEST_SET for text in sets)
    assert all(len(wire.parse_uid_set(text.encode())) <= most for text in sets)


def test_runs_are_ranges() -> None:
    assert wire.uid_set([9, 1, 2, 3, 3, 7]) == "1:3,7,9"


@pytest.mark.parametrize("text", [b"1:*", b"x", b"", b"1:4294967295"])
def test_no_senseless_set_is_believed(text: bytes) -> None:
    with pytest.raises(wire.MalformedAnswer):
        wire.parse_uid_set(text)


def test_copies_are_paired_in_the_order_said() -> None:
    assert wire.copied_uids(said(b"7 4:6,9 11:13,14", b"7 2 15")) == {4: 11, 5: 12, 6: 13, 9: 14, 2: 15}
    assert wire.copied_uids([]) is None and wire.copied_uids(said(b"")) is None


@given(st.text(max_size=30))
def test_a_name_comes_back_as_it_was_said(name: str) -> None:
    quoted = wire.encode_name(name)
    assert quoted.isascii() and not any(byte < 32 or byte == 127 for byte in quoted)
    folders, broken = wire.parse_list(said(b'(\\HasNoChildren) "/" ' + quoted))
    if name.upper() == "INBOX":
        name = "INBOX"
    assert broken == [] and [folder.name for folder in folders] == [name]


@pytest.mark.parametrize(
    "raw", [b"Bad&Name", b"a&", "客户".encode(), b"&AEE-", b"x&!!-", "A/Entwürfe &".encode()]
)
def test_a_broken_name_is_said_back_as_the_server_spells_it(raw: bytes) -> None:
    name = wire.decode_name(raw)
    assert (
        name is not None and name == raw.decode() + AS_SPELT and wire.encode_name(name) == b'"' + raw + b'"'
    )


@pytest.mark.parametrize("raw", ["客户".encode("gbk"), b"tab\t&", b"&W6JiNyBg-"])
def test_a_name_that_cannot_be_said_back_is_none(raw: bytes) -> None:
    assert wire.decode_name(raw) is None


@given(st.binary(max_size=20) | st.text("a&客-" + AS_SPELT, max_size=6).map(str.encode))
def test_every_name_is_said_back_as_it_was_heard_or_not_at_all(raw: bytes) -> None:
    name = wire.decode_name(raw)
    if name is not None and name != "INBOX":
        quoted = wire.encode_name(name)
        assert re.sub(rb"\\(.)", rb"\1", quoted[1:-1], flags=re.S) == raw


@given(st.text("a&客-" + AS_SPELT, max_size=6), st.text("a&客-" + AS_SPELT, max_size=6))
@example("a" + AS_SPELT, "a")
def test_no_two_names_are_one_to_the_server(one: str, other: str) -> None:
    assert one == other or wire.encode_name(one) != wire.encode_name(other)


def test_listings_are_read_in_all_their_forms() -> None:
    folders, broken = wire.parse_list(
        [
            *said(b'(\\HasNoChildren \\Sent) "/" Sent', b'() NIL "a \\"b\\" \\\\c"'),
            (b'(\\Marked) "." {6}', [b"D12 (x"]),
            *said(b"", b'() "/" "&W6JiNw-" ("CHILDINFO" ("SUBSCRIBED"))', b'() "/" 2019'),
        ]
    )
    assert [(folder.name, folder.separator) for folder in folders] == [
        ("Sent", "/"),
        ('a "b" \\c', None),
        ("D12 (x", "."),
        ("客户", "/"),
        ("2019", "/"),
    ]
    assert folders[0].flags == {"\\hasnochildren", "\\sent"} and broken == []


def test_counters_are_read() -> None:
    answers = [
        *said(b'"D12 \\"x\\"" (MESSAGES 3 UIDNEXT 9 HIGHESTMODSEQ 18446744073709551615)'),
        (b"{5} (UIDVALIDITY 7)", [b"INBOX"]),
    ]
    assert wire.parse_status(answers) == {
        'D12 "x"': {"MESSAGES": 3, "UIDNEXT": 9, "HIGHESTMODSEQ": 18446744073709551615},
        "INBOX": {"UIDVALIDITY": 7},
    }


def test_a_namespace_is_read() -> None:
    assert wire.parse_namespace(said(b'(("INBOX." ".")) NIL (("shared/" "/"))')) == ("INBOX.", ".")
    assert wire.parse_namespace(said(b'(("" NIL)) NIL NIL')) == ("", None)
    assert wire.parse_namespace(said(b"NIL NIL NIL")) is None


HEADER = b"Subject: a) (UID 99 FLAGS (\\Deleted)) {3}\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        (b'(UID 7 FLAGS (\\Seen $x) INTERNALDATE " 3-Feb-2026 04:05:06 -0330" RFC822.SIZE 12 MODSEQ (5) BODY[HEADER.FIELDS ("FROM")] {45})', [HEADER]),
        (b'(BODY[HEADER.FIELDS (FROM TO)]<0> {45} RFC822.SIZE 12 INTERNALDATE "03-Feb-2026 04:05:06 -0330" FLAGS (\\Seen $x) UID 7)', [HEADER]),
    ],
)  # fmt: skip
def test_a_message_is_read_in_any_order_and_never_from_its_own_text(answer: wire.Response) -> None:
    (items,) = wire.parse_fetch([answer])
    zone = timezone(-timedelta(hours=3, minutes=30))
    assert (items.uid, items.size, items.body) == (7, 12, HEADER)
    assert items.flags == frozenset({"\\Seen", "$x"}) and items.internal_date == datetime(
        2026, 2, 3, 4, 5, 6, tzinfo=zone
    )


@pytest.mark.parametrize(
    ("text", "body"),
    [(b'BODY[TEXT] "UID 9 \\"x\\""', b'UID 9 "x"'), (b"BODY[TEXT] NIL", b""), (b'BODY[TEXT]<0> ""', b"")],
)
def test_a_body_may_be_a_quoted_string(text: bytes, body: bytes) -> None:
    (items,) = wire.parse_fetch(said(b"1 (UID 7 " + text + b" RFC822.SIZE 3)"))
    assert (items.uid, items.size, items.body) == (7, 3, body)


def test_recent_is_no_flag_of_the_message() -> None:
    (items,) = wire.parse_fetch(said(b"1 (FLAGS (\\Recent \\Flagged))"))
    assert items.flags == frozenset({"\\Flagged"}) and items.uid is None and items.body is None


@pytest.mark.parametrize("date", [b'"31-Foo-2026 04:05:06 +0000"', b'"31-Feb-2026 04:05:06 +0000"', b"NIL"])
def test_a_senseless_date_is_none(date: bytes) -> None:
    (items,) = wire.parse_fetch(said(b"1 (UID 7 INTERNALDATE " + date + b")"))
    assert items.internal_date is None
