"""What each kind of evidence says of one message, in sentences: the answer to “why?” (DOMAIN 7). Pure.

Nothing is decided here: `attribution` asks its own questions once more, also those that the decision did not need, and
hands over the answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from mailsync.conversations.evidence import CodeEvidence, Evidence, View
from mailsync.mailbox.headers import MessageKey
from mailsync.text import N_, Sentence, joined

#: People named in the sentence about the people; all of them stand elsewhere.
_MOST_PEOPLE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What one kind of evidence says of a message."""

    evidence: Evidence
    customer: str | None = None  #: the one customer it names; None where it names nobody, or several
    named: tuple[str, ...] = ()  #: all customers it speaks of, also where it does not count
    by: tuple[MessageKey, ...] = ()  #: other messages that say so, by date
    decides: bool = False
    sentence: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a message is whose it is."""

    weighed: tuple[Weighed, ...]  #: strongest first; the first that names one customer decides
    thread: tuple[MessageKey, ...]  #: its conversation, itself included, by date


def marked(weighed: Sequence[Weighed], customer: str | None, evidence: Evidence) -> tuple[Weighed, ...]:
    """`weighed`, with what decided marked: what names the attribution's customer by the attribution's evidence."""
    deciding = next(
        (one for one in weighed if customer and (one.customer, one.evidence) == (customer, evidence)), None
    )
    return tuple(replace(one, decides=True) if one is deciding else one for one in weighed)


def by_people(view: View, customer: str | None) -> Weighed:
    """Row of the people."""
    named = frozenset[str]().union(*(person.customers for person in view.side.known))
    return Weighed(
        evidence="participant",
        customer=customer,
        named=_listed(customer, named),
        sentence=joined(list(_people(view)), "; "),
    )


def by_reporter(reporter: str) -> Weighed:
    """Row of who sent a report, where nothing else tells."""
    sentence = Sentence.of(
        N_("The report came from people of {customer}, or went to them"), customer=reporter
    )
    return Weighed(evidence="participant", customer=reporter, named=(reporter,), sentence=sentence)


def by_hand(customer: str | None, named: Collection[str], by: tuple[MessageKey, ...]) -> Weighed:
    """Row of what people filed themselves."""
    sentence = (
        Sentence.of(
            N_("A person filed {count} message(s) of this conversation under {customers}"),
            count=len(by),
            customers=", ".join(sorted(named)),
        )
        if named
        else Sentence.of(N_("Nobody filed a message of this conversation by hand"))
    )
    return Weighed(
        evidence="filed", customer=customer, named=_listed(customer, named), by=by, sentence=sentence
    )


def by_subject(view: View, code: CodeEvidence, customer: str | None, *, asked: bool) -> Weighed:
    """Row of the code in the subject. `asked`: whether nothing stronger decides."""
    told = list(_code(view))
    if asked and customer is None and code.ignored:
        told.append(Sentence.of(_IGNORED[code.ignored]))
    named = view.code.customers if view.code else ()
    return Weighed(
        evidence="code", customer=customer, named=_listed(customer, named), sentence=joined(told, ": ")
    )


_IGNORED = {
    "bulk": N_("it does not count in bulk mail from unknown people"),
    "inexact": N_("from unknown people alone only the exact code counts"),
    "foreign": N_("it does not count against the contacts of others"),
    "unclear": N_("it may mean something else"),
}


def by_thread(
    customer: str | None, named: Collection[str], by: tuple[MessageKey, ...], *, others: int, asked: bool
) -> Weighed:
    """Row of the conversation. `others`: messages in it beside this one; `asked`: whether it may tell."""
    if not asked:
        sentence = Sentence.of(N_("Not asked: contacts of several customers take part"))
    elif named:
        sentence = Sentence.of(
            N_("{count} other message(s); the nearest that tells is of {customers}"),
            count=others,
            customers=", ".join(sorted(named)),
        )
    elif others:
        sentence = Sentence.of(N_("{count} other message(s); none tells whose it is"), count=others)
    else:
        sentence = Sentence.of(N_("No other message of its conversation is known"))
    return Weighed(
        evidence="thread",
        customer=customer if asked else None,
        named=_listed(customer, named),
        by=by,
        sentence=sentence,
    )


def by_original(
    view: View, customer: str | None, named: Collection[str], by: tuple[MessageKey, ...]
) -> Weighed:
    """Row of the message that a report is about."""
    told = [
        Sentence.of(N_("This is a report about the message “{subject}”"), subject=view.peeled.written.text)
    ]
    if not by:
        told.append(Sentence.of(N_("that message is not here, its headers tell")))
    return Weighed(
        evidence="thread",
        customer=customer,
        named=_listed(customer, named),
        by=by,
        sentence=joined(told, ": "),
    )


def _listed(customer: str | None, named: Collection[str]) -> tuple[str, ...]:
    """The customer that is meant, else all that are named."""
    return (customer,) if customer else tuple(sorted(named))


def _people(view: View) -> Iterator[Sentence]:
    if view.reporter:
        yield Sentence.of(
            N_("The report came from people of {customer}, or went to them"), customer=view.reporter
        )
    known = view.side.known
    for person in known[:_MOST_PEOPLE]:
        template = N_("{address} works for {customers}")
        if person.as_contact:
            template = N_("{address} is a contact of {customers}")
        named = person.as_contact or person.as_service
        yield Sentence.of(template, address=person.address, customers=", ".join(sorted(named)))
    if len(known) > _MOST_PEOPLE:
        yield Sentence.of(N_("and {count} more"), count=len(known) - _MOST_PEOPLE)
    if view.side.internal:
        yield Sentence.of(N_("Only own people wrote and received it"))
    elif not known:
        yield Sentence.of(N_("Nobody in it is registered with a customer"))


def _code(view: View) -> Iterator[Sentence]:
    if view.code is None:
        yield Sentence.of(N_("The subject begins with no code"))
    elif not view.code.matches:
        yield Sentence.of(
            N_("The subject begins with “{code}”, a code that nobody has"), code=view.code.written
        )
    else:
        yield Sentence.of(
            N_("The subject begins with “{code}”, the code of {customers}"),
            code=view.code.written,
            customers=", ".join(view.code.customers),
        )
