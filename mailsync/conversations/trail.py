"""Says in sentences which evidence was weighed for a message, in order: the answer to “why?”. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailsync.conversations.evidence import Evidence, View
from mailsync.text import N_, Sentence

_MOST_PEOPLE = 5


def trail(view: View, customer: str | None, evidence: Evidence) -> tuple[Sentence, ...]:
    """What was weighed, strongest first, down to what decided."""
    return (*_about_bounce(view), *_about_people(view), *_about_code(view), _decision(customer, evidence))


def _about_bounce(view: View) -> Iterator[Sentence]:
    if view.bounce:
        yield Sentence.of(
            N_("This is a report about the message “{subject}”"), subject=view.peeled.written.text
        )
    if view.reporter:
        yield Sentence.of(
            N_("The report came from people of {customer}, or went to them"), customer=view.reporter
        )


def _about_people(view: View) -> Iterator[Sentence]:
    for person in view.side.known[:_MOST_PEOPLE]:
        if person.as_contact:
            yield Sentence.of(
                N_("{address} is a contact of {customers}"),
                address=person.address,
                customers=_listed(sorted(person.as_contact)),
            )
        if person.as_service:
            yield Sentence.of(
                N_("{address} works for {customers}"),
                address=person.address,
                customers=_listed(sorted(person.as_service)),
            )
    if view.side.internal:
        yield Sentence.of(N_("Only own people wrote and received it"))
    elif not view.side.known:
        yield Sentence.of(N_("Nobody in it is registered with a customer"))


def _about_code(view: View) -> Iterator[Sentence]:
    if view.code is None:
        return
    if not view.code.matches:
        yield Sentence.of(
            N_("The subject begins with “{code}”, a code that nobody has"), code=view.code.written
        )
        return
    yield Sentence.of(
        N_("The subject begins with “{code}”, the code of {customers}"),
        code=view.code.written,
        customers=_listed(view.code.customers),
    )
    if view.unknown_alone and view.envelope.bulk:
        yield Sentence.of(N_("It is bulk mail from unknown people: a code in its subject does not count"))


def _decision(customer: str | None, evidence: Evidence) -> Sentence:
    match evidence:
        case "participant":
            return Sentence.of(N_("Its people decide: {customer}"), customer=customer)
        case "filed":
            return Sentence.of(
                N_("A person filed a message of this conversation under {customer}: that decides"),
                customer=customer,
            )
        case "code":
            return Sentence.of(N_("The code in the subject decides: {customer}"), customer=customer)
        case "thread":
            return Sentence.of(N_("The conversation it belongs to decides: {customer}"), customer=customer)
        case "ambiguous":
            return Sentence.of(N_("Nothing decides between several customers"))
        case "none":
            return Sentence.of(N_("No registered person, no code, no customer's conversation: nobody's"))


def ambiguous_note(view: View, candidates: Sequence[str]) -> Sentence:
    """Why no single customer was decided, and between whom."""
    names = _listed(candidates)
    if view.participants.conflict:
        return Sentence.of(
            N_("People of several customers take part and no code decides: {customers}"), customers=names
        )
    if view.side.known:
        return Sentence.of(
            N_("Its people serve several customers and no code decides: {customers}"), customers=names
        )
    return Sentence.of(N_("Its conversation belongs to several customers: {customers}"), customers=names)


def code_note(view: View, customer: str | None, evidence: Evidence) -> Sentence | None:
    """What a person should know of the code in the subject although the message is decided."""
    code = view.code
    if code is None or not code.matches or code.doubtful or customer is None:
        return None
    if customer not in code.customers:
        return Sentence.of(
            N_("The subject begins with “{code}” ({customers}), but the mail is {customer}'s"),
            code=code.written,
            customers=_listed(code.customers),
            customer=customer,
        )
    if evidence == "code" and view.side.known and not any(customer in p.customers for p in view.side.known):
        return Sentence.of(
            N_("{address} is not registered as working for {customer}"),
            address=view.side.known[0].address,
            customer=customer,
        )
    return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
