"""Header bytes → envelope: what people's programs really write, and what hostile ones do."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.mailbox import compact
from mailsync.mailbox.addresses import _parse_plain, _Scanner, parse_addresses
from mailsync.mailbox.bounces import returned_headers
from mailsync.mailbox.encoded_words import decode_words, text_of
from mailsync.mailbox.headers import FIELDS
from mailsync.mailbox.parse import is_report, parse_envelope
from mailsync.text import normalise_address, one_line


def b64(text: str, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"Subject: D12 new samples 2019", "D12 new samples 2019"),
        (b"subject:d12", "d12"),
        (b"SUBJECT : \t D12\r\n\tAUGI\r\n order  7", "D12 AUGI order 7"),
        (b"Subject:\r\n D12", "D12"),
        (b"Subject: \xef\xbc\xa4\xef\xbc\x91\xef\xbc\x92 x", "Ｄ１２ x"),
        ("Subject: 回复：D12 报价".encode(), "回复：D12 报价"),
        ("Subject: 回复：D12 报价".encode("gb18030"), "回复：D12 报价"),
        (b"Subject: Fr\xf6sche", "Frösche"),
        (b"Subject: " + b64("D12 报价").encode(), "D12 报价"),
        (b"Subject: =?gb2312?B?" + base64.b64encode("囍镕".encode("gb18030")) + b"?=", "囍镕"),
        (b"Subject: =?GBK?Q?=B1=A8=BC=DB?= D12", "报价 D12"),
        (b"Subject: =?utf-8?Q?D12=20a_b?= =?utf-8?Q?_c?= d", "D12 a b c d"),
        # A character torn between two words, and two blanks folded between them.
        (b"Subject: =?utf-8?B?5oo=?=\r\n =?utf-8?B?pQ==?=", "报"),
        (b"Subject: =?utf-8?B?5oql5Lu3?", "=?utf-8?B?5oql5Lu3?"),
        (b"Subject: =?utf-8?B?5oql5Lu3?= x =?bad", "报价 x =?bad"),
        (b"Subject: =?x-unknown?B?5oql?=", "报"),
        (b"Subject: =?utf-8*en?Q?D12?=", "D12"),
        # A question mark that was not encoded; a word that never ends before another.
        (b"Subject: =?utf-8?Q?E05_ok??=", "E05 ok?"),
        (b"Subject: =?utf-8?Q?E05_ok?_1+1=3D2??= =?utf-8?Q?_x?=", "E05 ok? 1+1=2? x"),
        (b"Subject: =?utf-8?Q?a=?? =?utf-8?Q?=E6=8A=A5?=", "=?utf-8?Q?a=?? 报"),
        # Characters beyond the standard that every Big5 program writes.
        *[
            (b"Subject: =?%s?B?" % label + base64.b64encode("恒碁裏".encode("cp950")) + b"?=", "恒碁裏")
            for label in (b"Big5", b"cn-big5", b"x-x-big5", b"big5-hkscs")
        ],
        # UTF-8 that says it is Chinese of before, and the other way round.
        (b"Subject: =?gb2312?B?" + base64.b64encode("回复：E05 报价啊".encode()) + b"?=", "回复：E05 报价啊"),
        (b"Subject: =?gb2312?B?" + base64.b64encode("联通".encode("gb18030")) + b"?=", "联通"),
        (b"Subject: =?utf-8?B?" + base64.b64encode("报价".encode("gb18030")) + b"?=", "报价"),
        # Raw UTF-8 folded inside a character, cut off, and with a stray byte.
        (
            "Subject: 回复：E05 报".encode()[:-1] + b"\r\n " + "报".encode()[-1:] + "价".encode(),
            "回复：E05 报价",
        ),
        ("Subject: 回复：E05 报价".encode()[:-1], "回复：E05 报\ufffd"),
        ("Subject: 回复：E05 ".encode() + b"\xff" + "报价".encode(), "回复：E05 \ufffd报价"),
        ("Subject: 报价\r\n 单".encode("gb18030"), "报价 单"),
        (b"Subject: =?utf-8?B?****?=", "=?utf-8?B?****?="),
        (b"Subject: =?utf-8?B?5oql5Lu3Q?=", "报价"),
        (b"Subject: =?punycode?Q?abc?=", "abc"),
        (b"Subject: =?utf-8?q?D12=0D=0AX1_UID_MOVE_1=3A*_Trash?=", "D12 X1 UID MOVE 1:* Trash"),
        (b"Subject: D12\x00\x1b[2J x", "D12 [2J x"),
        (b"Subject: =?utf-7?q?+2AA-?=", "�"),
        (b"Subject: first\r\nSubject: second", "first"),
        (b"Subject-X: no\r\nX-Subject: no", ""),
        (b"\r\n\r\nSubject: after a blank line", "after a blank line"),
        (b"no colon\r\nSubject: D12", "D12"),
        (b"", ""),
    ],
)
def test_subjects(raw: bytes, subject: str) -> None:
    assert parse_envelope(raw).subject == subject
    assert parse_envelope(b"From: a@b.example\r\n" + raw + b"\r\n\r\n").subject == subject


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("big5", "回覆 E05 報價"),
        ("Shift_JIS", "転送 E05 見積"),
        ("euc-kr", "회신 E05 견적"),
        ("koi8-r", "Отв E05 цена"),
        ("windows-1251", "Отв E05 цена"),
        ("iso-8859-1", "Größe E05"),
        ("gb2312", "回复 E05 报价"),
    ],
)
def test_raw_headers_are_written_as_the_body_is(charset: str, text: str) -> None:
    raw = b"Subject: " + text.encode(charset) + b"\r\nFrom: " + text.encode(charset) + b" <a@x.example>\r\n"
    for content in (
        f"text/plain; charset={charset}",
        f'text/html;\r\n\tCHARSET = "{charset}"; format=flowed',
    ):
        envelope = parse_envelope(raw + f"Content-Type: {content}\r\n".encode())
        assert (envelope.subject, envelope.from_[0].name) == (text, text)


@pytest.mark.parametrize("charset", ["utf-8", "us-ascii", "gb2312", "big5", "x-unknown", "punycode", ""])
def test_what_is_utf_8_stays_utf_8(charset: str) -> None:
    raw = f"Content-Type: text/plain; charset={charset}\r\nSubject: 回复：E05 报价".encode()
    assert parse_envelope(raw).subject == "回复：E05 报价"
    if charset != "big5":
        chinese = f"Content-Type: text/plain; charset={charset}\r\nSubject: 回复：E05 报价".encode("gb18030")
        assert parse_envelope(chinese).subject == "回复：E05 报价"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jane@gibson.example", [("", "jane@gibson.example")]),
        ("Jane Roe <JANE@Gibson.Example>", [("Jane Roe", "jane@gibson.example")]),
        ('"Roe, Jane" <j@x.example>, b@x.example (Bob)', [("Roe, Jane", "j@x.example"), ("Bob", "b@x.example")]),
        ("Roe, Jane <j@x.example>, Li <l@x.example>", [("Roe, Jane", "j@x.example"), ("Li", "l@x.example")]),
        ("a@x.example; b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("a@x.example b@x.example", [("", "a@x.example"), ("", "b@x.example")]),
        ("undisclosed-recipients:;", []),
        ("Team: a@x.example, B <b@x.example>;, c@x.example", [("", "a@x.example"), ("B", "b@x.example"), ("", "c@x.example")]),
        ("undisclosed, a@x.example", [("", "a@x.example")]),
        ("jane . roe @ x . example", [("", "jane.roe@x.example")]),
        ("<@r.example,@s.example:j@x.example>", [("", "j@x.example")]),
        ("\"'j@x.example'\" <'j@x.example'>", [("j@x.example", "j@x.example")]),
        ("Jane <mailto:j@x.example>", [("Jane", "j@x.example")]),
        ("=?utf-8?q?Jane_=3Cj=40x.example=3E?=", [("Jane", "j@x.example")]),
        ("=?utf-8?q?Wang=2C_Wei?= <w@x.example>", [("Wang, Wei", "w@x.example")]),
        ('"=?utf-8?B?546L5Lyf?=" <w@x.example>', [("王伟", "w@x.example")]),
        ("王伟<w@公司.example>", [("王伟", "w@xn--55qx5d.example")]),
        ('"Jane \\"J\\" Roe" <j@x.example>', [('Jane "J" Roe', "j@x.example")]),
        ('"a..b"@x.example', [("", "a..b@x.example")]),
        ("j@[127.0.0.1]", [("", "j@[127.0.0.1]")]),
        ("Jane (Sales (EU)) <j@x.example>", [("Jane", "j@x.example")]),
        ("root, <>, <root>, @x.example, j@", []),
        ('"unclosed <a@x.example>', [("unclosed", "a@x.example")]),
        ("(open <a@x.example>", [("open", "a@x.example")]),
        ("other@y.example <a@x.example>", [("other@y.example", "a@x.example")]),
        ("Jane\r\n Roe\r\n <j@x.example>", [("Jane Roe", "j@x.example")]),
        (",, ,a@x.example,", [("", "a@x.example")]),
    ],
)  # fmt: skip
def test_addresses(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.name, one.address) for one in parse_addresses(text)] == expected


@given(
    st.lists(
        st.sampled_from(["Jane Roe", "<j@x.example>", "b@x.example", '"Q Q"', ",", ", ", " "]), max_size=12
    )
)
def test_the_fast_way_finds_what_the_careful_way_finds(parts: list[str]) -> None:
    text = "".join(parts)
    plain = _parse_plain(text)
    if plain is not None:
        assert plain == tuple(one for piece in _Scanner(text).pieces() for one in piece.addresses())


def test_only_so_many_foreign_domains_of_a_message_are_spelled_out() -> None:
    listed = ", ".join(f"u@ü{number:03}.example" for number in range(400))
    header = f"Cc: first@Bücher.example\r\nTo: {listed}\r\nBcc: last@ÜBER.example, x@Bücher.example\r\n"
    for _ in range(2):  # what was read before changes nothing
        envelope = parse_envelope(header.encode())
        spelled = [one.address.isascii() for one in (*envelope.to, *envelope.cc, *envelope.bcc)]
        assert spelled[:100] == [True] * 100 and sum(spelled) < 250
        assert len(envelope.to) == 400 and envelope.to[399].address == "u@ü399.example"
        assert envelope.cc[0].address == "first@bücher.example"
        assert envelope.bcc[0].address == "last@über.example"


def test_a_domain_that_is_too_long_stays_as_it_is() -> None:
    domain = ".".join(["bücher"] * 40)
    assert normalise_address(f"A@{domain.upper()}") == f"a@{domain}"
    assert normalise_address("A@BÜCHER.example") == "a@xn--bcher-kva.example"


def test_beyond_so_many_encoded_words_addresses_lose_their_names_only() -> None:
    header = ", ".join(f"=?utf-8?Q?N{number:03}?= <u{number}@x.example>" for number in range(500))
    assert [one.name for one in parse_addresses(header)] == [f"N{number:03}" for number in range(500)]
    twice = ", ".join(f"=?utf-8?Q?N?= =?utf-8?Q?M?= <u{number}@x.example>" for number in range(500))
    found = parse_addresses(twice)
    assert [one.name for one in found] == ["NM"] * 250 + [""] * 250
    assert [one.address for one in found] == [f"u{number}@x.example" for number in range(500)]


def test_a_long_encoded_word_is_read_as_far_as_it_is_shown() -> None:
    assert parse_envelope(f"Subject: {b64('报' * 50_000)}".encode()).subject == "报" * 998
    assert decode_words(b64("报" * 50_000)) == "报" * 2994
    assert decode_words(b64("x" + "报" * 50_000, "gb18030"))[:998] == "x" + "报" * 997
    quoted = "=E6=8A=A5" * 20_000
    assert parse_envelope(f"Subject: =?utf-8?Q?{quoted}?=".encode()).subject == "报" * 998


def test_ids_and_threads() -> None:
    envelope = parse_envelope(
        b"Message-ID: <a\r\n b@x.example>\r\n"
        b"In-Reply-To: Message of Monday <c@x.example> and <d@x.example>\r\n"
        b"References: <1@x.example><2@x.example>\r\n\t<3@x\r\n .example>\r\n"
        b"X-Google-Original-Message-ID: <old@x.example>\r\n"
        b"Thread-Index: " + base64.b64encode(bytes(range(27))) + b"\r\n"
    )
    assert envelope.message_id == "<ab@x.example>" and envelope.other_ids == ("<old@x.example>",)
    assert envelope.in_reply_to == ("<c@x.example>", "<d@x.example>")
    assert envelope.references == ("<1@x.example>", "<2@x.example>", "<3@x.example>")
    assert envelope.thread_index == bytes(range(27)).hex()


@pytest.mark.parametrize(
    ("length", "kept"), [(21, None), (22, 22), (26, 22), (27, 27), (222, 222), (230, 222), (2000, 222)]
)
def test_a_thread_index_is_kept_in_whole_steps(length: int, kept: int | None) -> None:
    raw = bytes(number % 251 for number in range(length))
    found = parse_envelope(b"Thread-Index: " + base64.b64encode(raw)).thread_index
    assert found == (None if kept is None else raw[:kept].hex())


@pytest.mark.parametrize(
    ("raw", "message_id"),
    [
        (b"Message-ID: bare@x.example", "<bare@x.example>"),
        (b"Message-ID: ", None),
        (b"Message-ID: <>", None),
        (b"Message-ID: nothing", None),
        (b"", None),
    ],
)
def test_poor_message_ids(raw: bytes, message_id: str | None) -> None:
    assert parse_envelope(raw).message_id == message_id


@pytest.mark.parametrize("raw", [b"Thread-Index: AAAA", b"Thread-Index: ***", "Thread-Index: 王".encode()])
def test_a_senseless_thread_index_is_none(raw: bytes) -> None:
    assert parse_envelope(raw).thread_index is None


def test_of_many_references_the_first_and_the_last_are_kept() -> None:
    envelope = parse_envelope(b"References: " + b" ".join(b"<%d@x>" % number for number in range(1000)))
    assert envelope.references == tuple(f"<{number}@x>" for number in [*range(10), *range(960, 1000)])


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Mon, 2 Feb 2026 10:00:00 +0800", datetime(2026, 2, 2, 10, tzinfo=timezone(timedelta(hours=8)))),
        ("2 Feb 2026 10:00:00 GMT", datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ("Mon, 02 Feb 2026 10:00 -0000 (UTC)", datetime(2026, 2, 2, 10, tzinfo=UTC)),
        ("Mon, 2 Feb 2026 10:00:60 +0000", datetime(2026, 2, 2, 10, 0, 59, tzinfo=UTC)),
        ("Mon, 2 Feb 2026 10:00:00 +9999", None),
        ("Mon, 31 Feb 2026 10:00:00 +0000", None),
        ("Mon, 2 Feb 1970 10:00:00 +0000", None),
        ("Mon, 2 Feb 9999 23:59:59 -2300", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(text: str, date: datetime | None) -> None:
    found = parse_envelope(f"Date: {text}".encode()).date
    assert found == date and (found is None or found.utcoffset() is not None)


@pytest.mark.parametrize(
    ("raw", "bulk", "automatic"),
    [
        (b"List-Id: <news.x>", True, False),
        (b"List-Unsubscribe: <mailto:x@y>", True, False),
        (b"Precedence: Bulk", True, False),
        (b"Precedence: list (of customers)", True, False),
        (b"Precedence: first-class", False, False),
        (b"Auto-Submitted: auto-replied (vacation)", False, True),
        (b"Auto-Submitted: no", False, False),
        (b"", False, False),
    ],
)
def test_bulk_and_automatic_mail(raw: bytes, bulk: bool, automatic: bool) -> None:
    envelope = parse_envelope(raw)
    assert (envelope.bulk, envelope.automatic) == (bulk, automatic)


def test_without_from_the_sender_counts() -> None:
    assert [one.address for one in parse_envelope(b"Sender: a@x.example").from_] == ["a@x.example"]
    both = parse_envelope(b"From: b@x.example\r\nSender: a@x.example\r\nTo: c@x.example\r\nTo: d@x.example")
    assert [one.address for one in both.from_ + both.to] == ["b@x.example", "c@x.example", "d@x.example"]


REPORT = b'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="b c"\r\n'


@pytest.mark.parametrize(
    ("part", "returned"),
    [
        (b"Content-Type: message/rfc822\r\n\r\nSubject: D12\r\nTo: a@x\r\n\r\nbody", b"Subject: D12\r\nTo: a@x"),
        (b"Content-Type: text/rfc822-headers\r\n\r\nSubject: D12\r\n", b"Subject: D12\r\n"),
        (b"content-type:\r\n message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"Subject: D12\r\n\r\nx"), b"Subject: D12"),
        (b"Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: D1=32\r\n", b"Subject: D12\r\n"),
        (b"Content-Type: message/rfc822\r\n\r\n" + b"X: y\r\n" * 9000, (b"X: y\r\n" * 9000)[: 16 * 1024]),
        (b"Content-Type: text/plain\r\n\r\nContent-Type: message/rfc822\r\n", None),
    ],
)  # fmt: skip
def test_what_a_bounce_is_about(part: bytes, returned: bytes | None) -> None:
    body = (
        b"preamble\r\n--b c\r\nContent-Type: text/plain\r\n\r\nSorry\r\n--b c\r\n" + part + b"\r\n--b c--\r\n"
    )
    assert is_report(REPORT) and not is_report(b"Content-Type: multipart/mixed; x=multipart/report")
    found = returned_headers(REPORT, body)
    assert (found or b"").rstrip() == (returned or b"").rstrip() and (found is None) == (returned is None)
    assert returned_headers(b"Content-Type: multipart/report", body) is None


@given(st.binary(max_size=300), st.none() | st.binary(max_size=100))
def test_whatever_is_received_becomes_an_envelope_that_can_be_kept(
    noise: bytes, returned: bytes | None
) -> None:
    raw = b"".join(f"{name}: ".encode() + noise + b"\r\n" for name in FIELDS)
    for header in (noise, raw):
        envelope = parse_envelope(header, returned)
        assert compact.unpack(compact.pack(envelope)) == envelope
        assert compact.pack(envelope).encode("utf-8")
        assert one_line(envelope.subject) == envelope.subject
    returned_headers(raw, noise)


encoded = st.builds(
    lambda charset, kind, text, gap: f"=?{charset}?{kind}?{text}?={gap}",
    st.sampled_from(
        ["utf-8", "gb2312", "iso-2022-jp", "utf-7", "utf-16", "hz", "idna", "zip", "euc-kr", "x"]
    ),
    st.sampled_from("bBqQ"),
    st.text("ABCabc019+/=_~{}-$\\ ü", max_size=20),
    st.sampled_from(["", " ", "\r\n ", "x"]),
)


@given(st.lists(encoded, max_size=6).map("".join))
def test_any_encoded_word_is_decoded_or_left(text: str) -> None:
    assert decode_words(text).encode("utf-8") is not None
    parse_envelope(f"Subject: {text}\r\nFrom: {text} <a@x.example>".encode())


@given(st.text(max_size=60))
def test_text_in_either_charset_comes_back(text: str) -> None:
    assert text_of(text.encode("utf-8")) == text
    assert decode_words(b64(text)).replace("\ufffd", "") == text.replace("\ufffd", "") or "?=" in text


BOMBS = {
    "words": b"Subject: " + b"=?utf-8?b?QUFB?= " * 60_000,
    "words in names": b"To: " + b"=?utf-8?b?QUFB?=, " * 15_000,
    "words in all names": b"".join(
        name + b": " + b"=?utf-8?Q?a?=," * 4000 + b"<a@x.example>\r\n"
        for name in (b"From", b"To", b"Cc", b"Bcc")
    ),
    "words that never end": b"Subject: " + b"=?utf-8?q?" * 25_000,
    "question marks": b"Subject: =?utf-8?q?" + b"?" * 250_000,
    "one word": b"Subject: =?iso-2022-jp?Q?" + b"=1B$B=1B(B" * 25_000 + b"?=",
    "long domains": b"To: "
    + ", ".join("u@" + ".".join(f"ü{a}x{b}" for b in range(20)) + ".example" for a in range(1000)).encode(),
    "references": b"References: " + b"<aaaaaaaa@x.example>\r\n " * 100_000,
    "parentheses": b"From: " + b"(" * 250_000,
    "quotes": b"From: " + b'"' * 250_000,
    "escapes": b"From: " + b'\\"' * 125_000,
    "angles": b"From: " + b"<" * 250_000,
    "commas": b"To: " + b"," * 250_000,
    "colons": b"To: " + b"a:" * 125_000,
    "ats": b"To: " + b"a@" * 125_000,
    "addresses": b"To: " + b"".join(b"a%d@x.example, " % number for number in range(15_000)),
    "domains": b"To: " + "".join(f"a@{number}公司.cn, " for number in range(12_000)).encode(),
    "fields": b"".join(b"To: a@x.example\r\n" for _ in range(100_000)),
    "folds": b"Subject: a\r\n" + b" \r\n" * 85_000,
    "id": b"Message-ID: " + b"<" * 250_000,
    "date": b"Date: " + b"1 " * 125_000,
    "boundary": REPORT + b"Content-Type: " + b'boundary="' * 20_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_mail_stops_the_clock(name: str) -> None:
    """A square of these sizes would take minutes; on a quiet machine each takes less than 50 ms."""
    began = time.process_time()
    envelope = parse_envelope(BOMBS[name])
    returned_headers(BOMBS[name], BOMBS[name])
    assert time.process_time() - began < 2
    assert len(envelope.subject) <= 998 and len(envelope.to) <= 500 and len(envelope.references) <= 50
