"""What a person should know of a decision, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from mailsync.conversations.evidence import Evidence, View
from mailsync.text import N_, Sentence


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
