"""The values a report is made of, in no language yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mailsync.text import Sentence

LEAK = "cross_customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerName:
    """What the report says of a customer besides the code."""

    name: str
    owner: str | None = None  #: the rep's address


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run of one account."""

    run: str
    account: str
    started: datetime | None
    finished: datetime | None
    plan_only: bool  #: a dry run, or held before anything was changed
    exit_code: int
    plan_hash: str | None
    done: int = 0  #: actions carried out
    planned: int = 0  #: actions that wait
    held: bool = False  #: a brake holds
    unconfirmed: bool = False  #: a person is to confirm the plan first
    undoes: str | None = None  #: the run that this one took back


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """Messages that went, or would go, into one folder."""

    folder: str
    account: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardChange:
    """A card that was, or would be, changed; `kind` as in the journal (`card-rename` …)."""

    account: str
    kind: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A finding, conflict or error, with the account it came from."""

    account: str
    kind: str
    severity: str  #: "finding", "conflict" or "error"
    subject: str
    sentence: Sentence
    customer: str | None = None
    wish: Sentence | None = None  #: what was to be done, where that failed
    command: str | None = None  #: what settles it


@dataclass(frozen=True, slots=True, kw_only=True)
class Offender:
    """A sent message whose subject breaks the rule (DOMAIN 6)."""

    account: str
    subject: str
    verdict: str
    customer: str | None
    suggestion: str | None
    candidates: tuple[str, ...] = ()  #: codes of the customers it may be about, or leaked to


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Subjects in order, out of those that were to carry a code."""

    key: str  #: account, or customer's code
    ok: int
    judged: int

    @property
    def share(self) -> float:
        return self.ok / self.judged if self.judged else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What was done, or what a plan would do."""

    filed: tuple[Filed, ...] = ()  #: fullest folder first
    cards: tuple[CardChange, ...] = ()
    messages_said: tuple[tuple[str, Sentence], ...] = ()  #: (account, sentence) of each message

    @property
    def messages(self) -> int:
        return sum(filed.count for filed in self.filed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything a report page says, in no language yet."""

    runs: tuple[RunLine, ...]
    names: Mapping[str, str]  #: account → the rep's name
    customers: Mapping[str, CustomerName]
    done: Changes
    planned: Changes  #: what the newest run of each account left to be done
    taken_back: Changes  #: what undos put back
    card_actions: Mapping[str, int]  #: FORMATS 3 `cards.action` → number of cards
    verdicts: Mapping[str, int]
    overall: Share
    by_account: tuple[Share, ...]  #: lowest share first
    by_customer: tuple[Share, ...]  #: lowest share first
    offenders: tuple[Offender, ...]  #: leaks first
    obstacles: tuple[Note, ...]  #: errors, then conflicts
    ambiguous: tuple[Note, ...]
    suggestions: tuple[Note, ...]
    candidates: tuple[Note, ...]
    findings: tuple[Note, ...]  #: all others

    @property
    def leaks(self) -> tuple[Offender, ...]:
        return tuple(offender for offender in self.offenders if offender.verdict == LEAK)

    @property
    def only_plans(self) -> bool:
        return bool(self.runs) and all(run.plan_only for run in self.runs)

    @property
    def only_undos(self) -> bool:
        return bool(self.runs) and all(run.undoes for run in self.runs)

    @property
    def newest(self) -> tuple[RunLine, ...]:
        """The newest run of each account."""
        return tuple({run.account: run for run in self.runs}.values())
