"""Base subjects, marks, ids and conversations as other programs answer them; what differs on purpose is named in the table
with its reason (tests/vectors, each with its source).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from mailsync.conversations.copies import Member
from mailsync.conversations.subject import core_subject
from mailsync.conversations.threads import thread
from mailsync.mailbox.headers import Envelope
from mailsync.mailbox.parse import parse_envelope
from tests.unit.test_conversations_subject import JUDGE, ROSTER, rows


@pytest.mark.parametrize("row", list(rows("base_subjects.tsv")), ids=lambda row: repr(row[0]))
def test_base_subjects(row: list[str]) -> None:
    subject, given, *ours = row
    assert core_subject(subject) == (ours[0] if ours else given)


@pytest.mark.parametrize("stack", [row[0] for row in rows("mark_stacks.tsv")])
def test_real_stacks_of_marks_hide_no_code(stack: str) -> None:
    subject = f"{stack} D12 prices"
    assert core_subject(subject) == "D12 prices"
    assert JUDGE.judge(subject, ROSTER.customer("D12")).form == "ok"


@pytest.mark.parametrize("word", [row[1] for row in rows("mark_words.tsv")])
@pytest.mark.parametrize("form", ["{}: D12", "{}：D12", "{} : D12", "{}[2]: D12", "[list] {}:D12"])
def test_the_marks_of_fifty_locales(word: str, form: str) -> None:
    assert core_subject(form.format(word)) == "D12"


def _subject(header: str) -> str:
    return parse_envelope(f"Subject: {header}".replace("\\r\\n", "\r\n").encode()).subject


HEADERS = list(rows("subject_headers.tsv"))


@pytest.mark.parametrize("header, decoded", [row[1:] for row in HEADERS if row[0] == "decoded"])
def test_encoded_words(header: str, decoded: str) -> None:
    assert _subject(header) == decoded


@pytest.mark.parametrize("row", [row[1:] for row in HEADERS if row[0] == "base"], ids=lambda row: row[0])
def test_base_subjects_of_encoded_words(row: list[str]) -> None:
    header, given, *ours = row
    assert core_subject(_subject(header)) == (ours[0] if ours else given)


def test_subjects_in_the_order_of_an_imap_server() -> None:
    table = [(core_subject(_subject(header)), int(place)) for kind, header, place in _sorting()]
    ours = sorted(table, key=lambda row: row[0].upper())
    assert [place for _, place in ours] == list(range(1, len(table) + 1))


def _sorting() -> list[list[str]]:
    return [row for row in HEADERS if row[0] == "sort"]


@pytest.mark.parametrize("row", list(rows("odd_ids.tsv")), ids=lambda row: row[0])
def test_ids_as_real_mail_writes_them(row: list[str]) -> None:
    _, _, header, message_id, in_reply_to, references, index = row
    made = parse_envelope(header.replace("\\n", "\r\n").encode())
    read = (made.message_id, " ".join(made.in_reply_to), " ".join(made.references), made.thread_index)
    assert [part or "-" for part in read] == [message_id, in_reply_to, references, index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What `(1 (2)(3))` says."""

    threads: frozenset[frozenset[int]]
    answers: frozenset[tuple[int, int]]  #: (message, one that answers it)


def _read_answer(text: str) -> Answer:
    threads: list[set[int]] = []
    answers: set[tuple[int, int]] = set()
    above: list[int | None] = []  #: of each open bracket: the message in which the next one answers
    for token in text.replace("(", " ( ").replace(")", " ) ").split():
        if token == "(":
            if not above:
                threads.append(set())
            above.append(above[-1] if above else None)
        elif token == ")":
            above.pop()
        else:
            message = int(token)
            threads[-1].add(message)
            if (parent := above[-1]) is not None:
                answers.add((parent, message))
            above[-1] = message
    return Answer(threads=frozenset(map(frozenset, threads)), answers=frozenset(answers))


def _threaded(messages: Mapping[int, Envelope], wanted: Answer) -> Answer:
    """Our conversations, and of the answers in `wanted` those that ours know too."""
    numbers = list(messages)
    made = thread(
        [Member(envelope=one, core=core_subject(one.subject).casefold()) for one in messages.values()]
    )
    groups: defaultdict[int, set[int]] = defaultdict(set)
    for number, group in zip(numbers, made.thread_of, strict=True):
        groups[group].add(number)
    known = {
        (parent, child)
        for parent, child in wanted.answers
        if made.node_of[numbers.index(child)] in made.nearest({numbers.index(parent): "x"})
    }
    return Answer(threads=frozenset(map(frozenset, groups.values())), answers=frozenset(known))


def _cases() -> Iterator[tuple[str, Mapping[int, Envelope], str]]:
    messages: defaultdict[str, list[Envelope]] = defaultdict(list)
    for kind, case, *cells in rows("threads.tsv"):
        if kind == "message":
            messages[case].append(_envelope(cells))
        else:
            here, given, *ours = cells
            numbers = [int(number) for number in here.split()]
            yield (
                f"{case}: {here}",
                {n: messages[case][n - 1] for n in numbers},
                ours[0] if ours else given,
            )


def _envelope(cells: Sequence[str]) -> Envelope:
    names = ("Message-ID", "In-Reply-To", "References", "Subject")
    lines = [f"{name}: {cell}" for name, cell in zip(names, cells, strict=True) if cell != "-"]
    return parse_envelope("\r\n".join(lines).encode())


@pytest.mark.parametrize("name, messages, wanted", list(_cases()), ids=lambda part: str(part)[:20])
def test_conversations(name: str, messages: Mapping[int, Envelope], wanted: str) -> None:
    answer = _read_answer(wanted)
    assert _threaded(messages, answer) == answer
    backwards = dict(reversed(messages.items()))
    assert _threaded(backwards, answer) == answer
