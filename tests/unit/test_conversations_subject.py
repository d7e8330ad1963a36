"""Core subjects, the code in a subject, verdicts and suggestions (DOMAIN 6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    short, long = (_steps(piece * (size // len(piece))) for size in (240, 960))
    assert long <= 5 * short + 200


def _steps(subject: str) -> int:
    import sys

    count = 0

    def step(frame: object, event: str, arg: object) -> object:
        nonlocal count
        count += 1
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        JUDGE.judge(subject, ROSTER.customers[0])
    finally:
        sys.settrace(before)
    return count
