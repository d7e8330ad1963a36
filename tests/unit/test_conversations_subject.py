"""Core subjects, the code in a subject, verdicts and suggestions (DOMAIN 6)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsync.conversations import marks
from mailsync.conversations.plain_words import PLAIN_WORDS
from mailsync.conversations.reading import CodeReader
from mailsync.conversations.subject import LONGEST_SUBJECT, core_subject, peel, read
from mailsync.conversations.verdict import SubjectJudge
from mailsync.registry.roster import Customer, Roster
from tests.unit.conversation_worlds import steps

VECTORS = Path(__file__).parents[1] / "vectors"
SHOWS = frozenset("ABDEFJSZ")


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a table; `\\uXXXX` stands for a character nobody sees."""
    for line in (VECTORS / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            shown = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), line)
            yield shown.split("\t")


def _given(cell: str) -> str | None:
    return None if cell == "-" else cell


def _customer(row: list[str]) -> Customer:
    _, code, superseded, country, abbreviation, full_code = row
    return Customer(
        code=code,
        superseded=tuple(superseded.split()) if superseded != "-" else (),
        company=f"Company of {code}",
        country=country,
        abbreviation=abbreviation,
        full_code=_given(full_code),
    )


TABLE = list(rows("subjects.tsv"))
ROSTER = Roster(customers=tuple(_customer(row) for row in TABLE if row[0] == "registry"), show_letters=SHOWS)
JUDGE = SubjectJudge(reader=CodeReader(ROSTER))
CUSTOMERS = st.sampled_from(ROSTER.customers)


@pytest.mark.parametrize("code, subject, form, suggestion", [row[1:] for row in TABLE if row[0] == "subject"])
def test_verdict_and_suggestion(code: str, subject: str, form: str, suggestion: str) -> None:
    customer = ROSTER.customer(code) if code != "-" else None
    judgement = JUDGE.judge(subject, customer)
    suggested = JUDGE.suggest(judgement, customer) if customer and judgement.form != "ok" else None
    assert (judgement.form, suggested) == (form, _given(suggestion))


@pytest.mark.parametrize("subject, core", list(rows("core_subjects.tsv")))
def test_core_subject(subject: str, core: str) -> None:
    assert core_subject(subject) == core


@pytest.mark.parametrize("mark", sorted(marks.MARKS))
@pytest.mark.parametrize("colon", [":", "：", " :"])
def test_every_mark_is_peeled(mark: str, colon: str) -> None:
    assert core_subject(f"{mark.upper()}{colon} D12 x") == "D12 x"


def test_the_plain_words_of_the_domain_are_kept() -> None:
    spoken = "DELAY DESIGN CARGO USED ITEM ITEMS AUTO BEST FRESH PRICE"
    assert set(spoken.split()) <= PLAIN_WORDS
    assert all(word.isupper() and 4 <= len(word) <= 6 for word in PLAIN_WORDS)


def test_plain_words_are_a_setting() -> None:
    customer = ROSTER.customer("D12")
    assert JUDGE.judge("D12 AUDIO x", customer).form == "ok"
    strict = SubjectJudge(reader=JUDGE.reader, plain_words=frozenset())
    assert strict.judge("D12 AUDIO x", customer).form == "malformed"


def test_letters_of_registered_codes_are_letters_of_shows() -> None:
    roster = Roster(customers=(Customer(code="D12", company="x"),))
    assert SubjectJudge(reader=CodeReader(roster)).judge("D99 x", None).form == "unknown_code"


@pytest.mark.parametrize(
    "subject, customers, unique",
    [
        ("DS05 x", ("DS05",), True),
        ("DS5 x", ("DS05", "D55"), False),
        ("ds5 x", ("DS05", "D55"), False),
        ("D55 x", ("D55",), True),
        ("D5S x", ("D55",), True),
        ("a 10 month plan", ("A10",), False),
        ("A 10 month plan", ("A10",), False),
        ("a 05 samples", ("A05",), True),
        ("A 05 samples", ("A05",), True),
    ],
)
def test_who_a_sloppy_code_may_mean(subject: str, customers: tuple[str, ...], unique: bool) -> None:
    roster = Roster(
        customers=tuple(Customer(code=code, company="x") for code in ("DS05", "D55", "A10", "A05"))
    )
    reader = CodeReader(roster)
    code = reader.first(reader.peel(subject))
    assert code is not None and set(code.customers) == set(customers)
    assert (code.only is not None) is unique


FRAGMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *"[]【】()（）{}<>*:：-–/\"'#.,% 　",
                "Re:",
                "答复：",
                "[EXTERNAL] ",
                "[Fwd: ",
                "(fwd)",
                "***SPAM***",
            ]
        ),
        st.sampled_from(
            ["D12", "d12", "Ｄ１２", "E05", "F03", "012", "01 2", "D99", "D12报价", "DI2", "В05", "1000"]
        ),
        st.sampled_from(["AUGI", "AUXX", "DEKE", "AUTO", "samples", "2019", "报价", "ﬁ", "ﾊﾞ", "é", "\u200b"]),
        st.text(max_size=5),
    ),
    max_size=12,
).map("".join)


@given(FRAGMENTS)
def test_core_subject_is_idempotent(subject: str) -> None:
    core = core_subject(subject)
    assert core_subject(core) == core


@given(FRAGMENTS, CUSTOMERS)
def test_a_suggestion_is_ok_and_asks_for_nothing_more(subject: str, customer: Customer) -> None:
    suggested = JUDGE.suggest(JUDGE.judge(subject, customer), customer)
    again = JUDGE.judge(suggested, customer)
    assert again.form == "ok"
    assert JUDGE.suggest(again, customer) == suggested


PLAIN = st.tuples(
    st.lists(
        st.sampled_from(["Re: ", "RE:", "Fwd: ", "答复：", "回复: ", "[list] ", "re: ", "\u200b"]), max_size=3
    ),
    st.sampled_from(["D12", "E05", "F03", "012", "1000", "J6", "d12", "[D12]", "D99", "350"]),
    st.lists(st.sampled_from([*" .,:-/%_[", "  ", "\t", "\u0301", "\u200b", "Ａ"]), max_size=2),
    st.sampled_from(
        ["AUGI", "AUXX", "DEKE", "AUGIX", "AUTO", "BEMI", "AUGi", "A", "New", "x", "报价", "7", "(fwd)", ""]
    ),
    st.sampled_from(["", " order", ": x", "\u0301", "。", "_", "'s"]),
).map(lambda parts: "".join(["".join(parts[0]), parts[1], "".join(parts[2]), *parts[3:]]))


@given(PLAIN | FRAGMENTS, CUSTOMERS)
def test_the_first_look_says_what_the_closer_look_says(subject: str, customer: Customer) -> None:
    if JUDGE.plainly_ok(subject, customer):
        judgement = JUDGE.judge(subject, customer)
        assert judgement.form == "ok" and judgement.code is not None and not judgement.code.doubtful


@pytest.mark.parametrize(
    "code, subject",
    [
        ("D12", "D12 new samples 2019"),
        ("D12", "Re: D12 AUGI order 7"),
        ("D12", "回复：D12 报价"),
        ("D12", "RE: FW: D12: Samples"),
        ("D12", "D12"),
        ("D12", "D12 CARGO READY"),
        ("012", "012 PO 7"),
    ],
)
def test_a_first_look_is_enough_for_everyday_subjects(code: str, subject: str) -> None:
    customer = ROSTER.customer(code)
    assert customer and JUDGE.plainly_ok(subject, customer)


@given(st.text(max_size=30) | FRAGMENTS)
def test_folding_is_character_by_character(subject: str) -> None:
    """Also where a look at the whole spares looking at each."""
    written = read(subject)
    signs = [unicodedata.normalize("NFKC", sign) for sign in written.text]
    assert written.folded == "".join(signs).replace("∶", ":").replace("꞉", ":")
    assert [written.at(place) for place in range(len(written.folded))] == [
        place for place, sign in enumerate(signs) for _ in sign
    ]


@given(FRAGMENTS, CUSTOMERS)
def test_marks_and_tags_in_front_change_no_verdict(subject: str, customer: Customer) -> None:
    peeled = JUDGE.reader.peel(subject)
    # A colon in front would be read as belonging to the mark.
    if peeled.core.strip(":") == peeled.core != "" and peeled.written.folded == peeled.core:
        marked = JUDGE.judge(f"Re: [list] 答复：{peeled.written.text}", customer)
        assert marked.form == JUDGE.judge(subject, customer).form


@given(FRAGMENTS)
def test_folded_text_stays_aligned(subject: str) -> None:
    written = read(subject)
    assert written.between(0, len(written.folded)) == written.text
    peeled = peel(written)
    assert 0 <= peeled.start <= peeled.end <= len(written.folded)


HOSTILE = [
    "[",
    "Re:",
    "[Fwd: ",
    "(fwd)",
    "D1",
    "D12 ",
    "*",
    "【a】",
    "0 ",
    "AA",
    "re[1]",
    "(",
    "[D12",
    "\u0301",
    "ﷺ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_subjects_are_capped(piece: str) -> None:
    subject = piece * 100_000
    assert len(read(subject).text) <= LONGEST_SUBJECT
    customer = ROSTER.customers[0]
    assert JUDGE.judge(JUDGE.suggest(JUDGE.judge(subject, customer), customer), customer).form == "ok"


@pytest.mark.parametrize("piece", HOSTILE)
def test_work_grows_with_the_length_and_no_faster(piece: str) -> None:
    """Counted in steps of the interpreter, not in seconds."""
    subjects = [piece * (size // len(piece)) for size in (240, 960)]
    short, long = (steps(partial(JUDGE.judge, subject, ROSTER.customers[0])) for subject in subjects)
    assert long <= 5 * short + 200
