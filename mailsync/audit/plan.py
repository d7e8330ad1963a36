"""Audits the subjects of sent messages: a verdict for each, with the subject to write instead (DOMAIN 6). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mailsync.conversations.attribution import Attribution
from mailsync.conversations.people import Acquaintance, OwnPeople, Person
from mailsync.conversations.plain_words import PLAIN_WORDS
from mailsync.conversations.reading import CodeReader
from mailsync.conversations.verdict import Judgement, SubjectJudge
from mailsync.mailbox.headers import Message, MessageKey
from mailsync.registry.roster import Customer, Roster
from mailsync.text import N_, Sentence

Verdict = Literal[
    "ok",
    "malformed",
    "misplaced",
    "superseded",
    "wrong_customer",
    "unknown_code",
    "missing",
    "cross_customer",
    "not_applicable",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """What companies set differently."""

    plain_words: frozenset[str] = PLAIN_WORDS  #: upper case; no wrong tail of a full code


class SubjectVerdict(NamedTuple):
    """The verdict on one sent message; a tuple because there are as many as sent messages."""

    key: MessageKey
    message_id: str | None
    subject: str
    verdict: Verdict
    customer: str | None
    suggestion: str | None = None  #: ready to paste
    note: Sentence | None = None
    candidates: tuple[str, ...] = ()


def audit(
    messages: Sequence[Message],
    attributions: Mapping[MessageKey, Attribution],
    roster: Roster,
    own: OwnPeople,
    settings: AuditSettings | None = None,
) -> tuple[SubjectVerdict, ...]:
    """Judge each message that lies in a Sent mailbox, in the order given; the others are passed over."""
    reader = CodeReader(roster)
    judge = SubjectJudge(reader=reader, plain_words=(settings or AuditSettings()).plain_words)
    acquaintance = Acquaintance(roster, own)
    customers = {customer.code: customer for customer in roster.customers}
    return tuple(
        _verdict(
            message,
            attributions[message.key],
            acquaintance.engaged_recipients(message.envelope),
            judge,
            customers,
        )
        for message in messages
        if message.role == "sent"
    )


def _verdict(
    message: Message,
    attribution: Attribution,
    known: Sequence[Person],
    judge: SubjectJudge,
    customers: Mapping[str, Customer],
) -> SubjectVerdict:
    subject = message.envelope.subject
    if not known and attribution.customer is None and attribution.evidence != "ambiguous":
        return _made(message, "not_applicable", None)
    customer = customers.get(attribution.customer) if attribution.customer else None
    leaked = leak(known)
    if customer and not leaked and judge.plainly_ok(subject, customer):
        return _made(message, "ok", customer)
    judgement = judge.judge(subject, customer)
    suggestion = judge.suggest(judgement, customer) if customer else None
    if leaked:
        note = Sentence.of(
            N_("Went to people of several customers at once: {customers}"), customers=", ".join(leaked)
        )
        return _made(message, "cross_customer", customer, suggestion=suggestion, note=note, candidates=leaked)
    if judgement.form == "ok":
        return _made(message, "ok", customer)
    return _made(
        message,
        judgement.form,
        customer,
        suggestion=suggestion,
        note=_note(judgement, customer, attribution),
        candidates=attribution.candidates,
    )


def leak(known: Sequence[Person]) -> tuple[str, ...]:
    """The customers whose people were mixed; shared forwarders and inspectors don't count. Empty where none were.

    A person of two customers is no leak as long as one customer is common to all.
    """
    if len(known) < 2:
        return ()
    groups = [person.customers for person in known if not person.shared]
    if not groups or frozenset.intersection(*groups):
        return ()
    return tuple(sorted(frozenset().union(*groups)))


def _made(
    message: Message,
    verdict: Verdict,
    customer: Customer | None,
    *,
    suggestion: str | None = None,
    note: Sentence | None = None,
    candidates: tuple[str, ...] = (),
) -> SubjectVerdict:
    envelope = message.envelope
    code = customer.code if customer else None
    return SubjectVerdict(
        message.key, envelope.message_id, envelope.subject, verdict, code, suggestion, note, candidates
    )


def _note(judgement: Judgement, customer: Customer | None, attribution: Attribution) -> Sentence | None:
    if customer is None:
        return attribution.note
    written = judgement.code.written if judgement.code else ""
    match judgement.form:
        case "malformed":
            return Sentence.of(
                N_("“{code}” is not how the code of {customer} is written"),
                code=written,
                customer=customer.code,
            )
        case "superseded":
            return Sentence.of(
                N_("{code} was merged into {customer}: write {customer}"),
                code=written,
                customer=customer.code,
            )
        case "wrong_customer":
            others = ", ".join(judgement.code.customers) if judgement.code else ""
            return Sentence.of(
                N_("“{code}” is the code of {others}; the mail is {customer}'s"),
                code=written,
                others=others,
                customer=customer.code,
            )
        case "unknown_code":
            return Sentence.of(N_("Nobody has the code “{code}”"), code=written)
        case "misplaced":
            return Sentence.of(
                N_("The code {customer} stands in the subject, but not first"), customer=customer.code
            )
        case "missing" | "ok":
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """How many of the subjects that need a code have it right."""

    ok: int
    applicable: int

    @property
    def share(self) -> float:
        """0–1; 1 where no subject needed a code."""
        return self.ok / self.applicable if self.applicable else 1.0


def compliance(verdicts: Iterable[SubjectVerdict]) -> Compliance:
    """Over all verdicts but `not_applicable`."""
    applicable = [verdict for verdict in verdicts if verdict.verdict != "not_applicable"]
    return Compliance(ok=sum(verdict.verdict == "ok" for verdict in applicable), applicable=len(applicable))


def compliance_by(
    verdicts: Iterable[SubjectVerdict],
    by: Callable[[SubjectVerdict], str | None] = lambda verdict: verdict.customer,
) -> Mapping[str | None, Compliance]:
    """Compliance of each group; by default of each customer (None: no single customer was decided)."""
    groups: defaultdict[str | None, list[SubjectVerdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.verdict != "not_applicable":
            groups[by(verdict)].append(verdict)
    return {name: compliance(group) for name, group in groups.items()}
