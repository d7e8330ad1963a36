"""How a subject names its customer, and how it should (DOMAIN 6): verdict and suggested subject. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mailsync.conversations.plain_words import PLAIN_WORDS
from mailsync.conversations.reading import CodeInSubject, CodeReader, Tail, first_of
from mailsync.conversations.subject import Peeled
from mailsync.registry.roster import Customer

SubjectForm = Literal[
    "ok", "malformed", "superseded", "wrong_customer", "unknown_code", "misplaced", "missing"
]
TailForm = Literal["right", "wrong", "free"]

#: Between two codes written side by side: `E05/D12 prices`.
_BETWEEN_CODES = " /,+&|-"
_DANGLING = " -–—:;,/|·#*+&"
#: How most subjects that are right begin: a few usual marks, a code, and behind it the end, a sign, or a blank and then
#: something that nobody can take for a tail, or upper-case letters alone. Folding changes nothing of it.
_PLAIN = re.compile(
    r"(?:(?:R[Ee]|F[Ww]|Fwd|AW|WG|回复|答复|转发)[:：] ?){0,20}"
    r"([A-Z]{0,2}[0-9]{1,6})(?! ?%|[.,][0-9])"
    r"(?:\Z|[!-/:-@\[-`{-~]| (?:[!-@\[-~\u4e00-\u9fa5]|[A-Z][ -@\[-~]|([A-Z]{2}[A-Z0-9]*)(?:\Z|[ -/:-@\[-`{-~])))"
)
_TAIL_LENGTHS = range(4, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is to be said about one subject."""

    form: SubjectForm
    peeled: Peeled
    code: CodeInSubject | None = None  #: the code the form is about


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectJudge:
    """Judges subjects against one roster."""

    reader: CodeReader
    plain_words: frozenset[str] = PLAIN_WORDS

    def plainly_ok(self, subject: str, customer: Customer) -> bool:
        """Whether a first look tells that `judge` will say `ok`, of a code without doubt; no where it cannot tell."""
        found = _PLAIN.match(subject)
        if not found or found[1] != customer.code or self.reader.exact(found[1]) is not customer:
            return False
        tail = found[2]
        return tail is None or len(tail) not in _TAIL_LENGTHS or self.tail_form(tail, customer) != "wrong"

    def judge(self, subject: str, customer: Customer | None) -> Judgement:
        """The first form that fits, in the order of DOMAIN 6; `customer` None where none is decided."""
        peeled = self.reader.peel(subject)
        code = self.reader.first(peeled)
        if code and customer and code.of(customer):
            return Judgement(form=self._right_customer(peeled, code, customer), peeled=peeled, code=code)
        # Where nobody is decided only the registry's own spelling is surely a code: “A4 paper” names no customer.
        if code and code.matches and not code.doubtful and (customer or code.form == "canonical"):
            return Judgement(form="wrong_customer", peeled=peeled, code=code)
        if code and code.form == "unknown":
            return Judgement(form="unknown_code", peeled=peeled, code=code)
        if customer and (found := first_of(self.reader.later(peeled), customer)):
            return Judgement(form="misplaced", peeled=peeled, code=found)
        return Judgement(form="missing", peeled=peeled)

    def _right_customer(self, peeled: Peeled, code: CodeInSubject, customer: Customer) -> SubjectForm:
        if code.form != "canonical":
            return "malformed"
        if code.superseded:
            return "superseded"
        tail = self.reader.tail(peeled.written, code, peeled.end)
        return "malformed" if tail and self.tail_form(tail.text, customer) == "wrong" else "ok"

    def tail_form(self, tail: str, customer: Customer) -> TailForm:
        """How a tail behind the customer's code is to be taken. Before a full code is fixed none is wrong."""
        fixed = customer.tail
        if fixed is None:
            return "right" if tail == customer.proposed_tail else "free"
        if tail == fixed:
            return "right"
        if tail in self.plain_words:
            return "free"
        shares = tail[:2] == fixed[:2] or tail[2:] == fixed[2:]
        return "wrong" if shares or tail in self.reader.tails else "free"

    def suggest(self, judgement: Judgement, customer: Customer) -> str:
        """The subject ready to paste; its own verdict is always `ok`."""
        if judgement.form == "ok":
            return judgement.peeled.written.text
        return next(
            subject for subject in self._proposals(judgement, customer) if self._surely_ok(subject, customer)
        )

    def _surely_ok(self, subject: str, customer: Customer) -> bool:
        if self.plainly_ok(subject, customer):
            return True
        again = self.judge(subject, customer)
        return again.form == "ok" and again.code is not None and not again.code.doubtful

    def _proposals(self, judgement: Judgement, customer: Customer) -> Iterator[str]:
        """From the subject people would write to the one that cannot fail."""
        peeled = judgement.peeled
        text = peeled.written.text
        front, back = text[: peeled.written.at(peeled.start)], text[peeled.written.at(peeled.end) :]
        head, rest = self._head_and_rest(judgement, customer)
        full = _full_code(customer)
        gap = " " if front and front[-1] != " " and peeled.start == peeled.end else ""
        yield f"{front}{gap}{_join(head, rest)}{back}".strip()
        yield f"{front}{_join(full, rest)}{back}".strip()
        yield f"{customer.code} {text}".strip()
        yield f"{full}: {text}"

    def _head_and_rest(self, judgement: Judgement, customer: Customer) -> tuple[str, str]:
        """The code to write first, and what follows it."""
        peeled, code = judgement.peeled, judgement.code
        if code is None or (code.perhaps_text and not code.of(customer)):
            core = peeled.written.between(peeled.start, peeled.end)
            return customer.code, f" {core}" if core else ""
        tail = self.reader.tail(peeled.written, code, peeled.end)
        head = customer.code
        if tail and (form := self._tail_kept(tail, code, customer)):
            head = form
        else:
            tail = None
        before, after = _without(peeled, code, tail)
        return head, _tidy(before, after) if before.strip(_DANGLING) else self._unrepeated(after, customer)

    def _tail_kept(self, tail: Tail, code: CodeInSubject, customer: Customer) -> str | None:
        """The code with the tail that belongs to it, where the tail written is one; else None."""
        form = self.tail_form(tail.text, customer)
        if form == "right":
            return f"{customer.code} {tail.text}"
        others = {
            own for match in code.matches for own in (match.customer.tail, match.customer.proposed_tail)
        }
        if form == "wrong" or (tail.text in others and tail.text not in self.plain_words):
            return _full_code(customer)
        return None

    def _unrepeated(self, rest: str, customer: Customer) -> str:
        """`rest` without the right code where it follows at once: `E05/D12 prices` becomes ` prices`."""
        stripped = rest.lstrip(_BETWEEN_CODES)
        peeled = self.reader.peel(stripped)
        code = self.reader.at(peeled.written, 0, peeled.end) if stripped else None
        if not code or code.doubtful or not code.of(customer):
            return rest
        return _without(peeled, code, None)[1]


def _full_code(customer: Customer) -> str:
    """The full code where it is fixed, else the code."""
    return f"{customer.code} {customer.tail}" if customer.tail else customer.code


def _without(peeled: Peeled, code: CodeInSubject, tail: Tail | None) -> tuple[str, str]:
    """The core as written, before and after a code, without the code, its brackets and the tail."""
    written = peeled.written
    before = written.between(peeled.start, code.start)
    end = tail.end if tail else code.end
    if code.close is None or code.close < end:
        return before, written.between(end, peeled.end)
    inside = written.between(end, code.close)
    return before, (inside if inside.strip() else "") + written.between(code.close + 1, peeled.end)


def _tidy(before: str, after: str) -> str:
    """Close the gap that a code leaves in the middle of a subject."""
    if not after.strip(_DANGLING):
        return before.rstrip(_DANGLING)
    if before[-1] == " " or after[0] == " ":
        glue = " " if after.lstrip()[0].isalnum() or before.rstrip()[-1] in _DANGLING else ""
        return f"{before.rstrip()}{glue}{after.lstrip()}"
    return before + after


def _join(head: str, rest: str) -> str:
    """Code and rest, with a blank where the rest would otherwise grow into the code."""
    if not rest:
        return head
    return (
        f"{head}{rest}" if rest[0] == " " or not (rest[0].isalnum() or rest[0] in "%.,") else f"{head} {rest}"
    )
