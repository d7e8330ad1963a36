"""Subjects as the reps of the sample company write them: rightly, and with every mistake of DOMAIN 6."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from itertools import cycle

from mailsync.demo.company import Company, SampleCustomer, company, table

#: Codes that nobody has, of shows that there are.
UNKNOWN = ("D99", "A55", "E77", "F88", "D47")
#: What the wrong tail of a full code looks like: this customer's country, another abbreviation.
WRONG_TAIL = "QX"
_LOOK_ALIKES = {"0": "O", "1": "I", "2": "Z", "5": "S"}
_CYRILLIC = {"A": "А", "E": "Е"}

MISTAKES = ("malformed", "missing", "misplaced", "wrong_customer", "superseded", "unknown_code")


class SubjectWriter:
    """Writes subjects of a wished verdict. Ways of writing alternate, so that each of them occurs."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._company: Company = company()
        self._topics = [row["topic"] for row in table("topics")]
        self._right = cycle(range(5))
        self._malformed = itertools.count()
        self._missing = cycle(range(4))
        self._unknown = cycle(UNKNOWN)
        self._others: Iterator[SampleCustomer] = cycle(self._company.customers)

    def topic(self) -> str:
        return self._rng.choice(self._topics)

    def write(self, customer: SampleCustomer, verdict: str, topic: str) -> str:
        """A subject about `topic` that deserves `verdict` when it is sent to `customer`'s people."""
        ways: dict[str, Callable[[SampleCustomer, str], str]] = {
            "ok": self._ok,
            "malformed": self._malformed_code,
            "missing": self._without_code,
            "misplaced": lambda one, about: f"{about} {one.code}",
            "wrong_customer": self._of_another,
            "superseded": lambda one, about: f"{one.superseded[0]} {about}",
            "unknown_code": lambda one, about: f"{next(self._unknown)} {about}",
        }
        return ways[verdict](customer, topic)

    def _ok(self, customer: SampleCustomer, topic: str) -> str:
        full = customer.full_code or customer.code
        ways = (
            f"{customer.code} {topic}",
            f"{full} {topic}",
            f"{customer.code}: {topic}",
            f"{full} - {topic}",
            f"{customer.code} {topic}",
        )
        return ways[next(self._right)]

    def _without_code(self, customer: SampleCustomer, topic: str) -> str:
        if not customer.code.isdigit():
            return topic
        # A channel code counts only in its registered form: neither `12` nor `0012` nor `012pcs` is 012.
        number = customer.code.lstrip("0")
        ways = (topic, f"{number} {topic}", f"0{customer.code} {topic}", f"{customer.code}pcs {topic}")
        return ways[next(self._missing)]

    def _of_another(self, customer: SampleCustomer, topic: str) -> str:
        other = next(one for one in self._others if one.code != customer.code)
        return f"{other.code} {topic}"

    def _malformed_code(self, customer: SampleCustomer, topic: str) -> str:
        ways = _malformed_channel(customer.code) if customer.code.isdigit() else _malformed_show(customer)
        return f"{ways[next(self._malformed) % len(ways)]} {topic}"


def _malformed_channel(code: str) -> list[str]:
    return [f"[{code}]", _full_width(code), f"({code})"]


def _malformed_show(customer: SampleCustomer) -> list[str]:
    code = customer.code
    letter, number = code[0], code[1:]
    look_alikes = [number.replace(digit, sign, 1) for digit, sign in _LOOK_ALIKES.items() if digit in number]
    ways = [
        code.lower(),
        _full_width(code),
        f"[{code}]",
        f"{letter}-{number}",
        f"{letter} {number}",
        f"{code}order",
    ]
    ways += [letter + look_alike for look_alike in look_alikes[:1]]
    if letter in _CYRILLIC:
        ways.append(_CYRILLIC[letter] + number)
    if number.startswith("0"):
        ways.append(letter + number.lstrip("0"))
    if customer.full_code:
        ways.append(f"{code} {customer.full_code[-4:-2]}{WRONG_TAIL}")
    return ways


def _full_width(code: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in code)
