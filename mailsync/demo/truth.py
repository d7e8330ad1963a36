"""What is right in the sample world, decided when it was made, and how far mailsync's answers agree with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailsync.demo.snapshots import FoundMessage

Result = Mapping[str, Any]  #: one object of `plan --json` or `tidy --json` (FORMATS 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTruth:
    """Where one message belongs."""

    account: str
    mailbox: str
    uid: int  #: on a server that was filled once
    message_id: str | None
    subject: str
    fingerprint: str  #: sha256 of the whole message, hex
    customer: str | None
    evidence: frozenset[str]  #: any of these decides
    verdict: str | None  #: of a message in a Sent mailbox
    folder: str  #: where it lies after a tidy
    attributed: bool  #: Junk, Trash and Drafts are not read


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTruth:
    """What becomes of one card."""

    account: str
    book: str  #: the collection's path, `/li.na/contacts/`
    card: str | None  #: the last part of the href; None for one to be created
    actions: frozenset[str]  #: any of these is right
    after: str | None  #: FN after a rename or creation

    @property
    def named(self) -> str:
        return f"{self.book}{self.card or '(new)'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One thing on which mailsync and the truth differ."""

    what: str
    expected: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How many cards and messages agree, and which do not."""

    cards_right: int
    cards_total: int
    messages_right: int
    messages_total: int
    wrong: list[Disagreement]
    wrong_customer: int  #: messages given to a customer who is not theirs
    evidence_differs: list[Disagreement] = field(default_factory=list)  #: right, but for another reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The whole sample world's truth."""

    messages: tuple[MessageTruth, ...]
    cards: tuple[CardTruth, ...]

    def compare(self, results: Iterable[Result]) -> Agreement:
        """How the results of one full run over all accounts agree, message by message and card by card."""
        kept = list(results)
        attributions = _by_message(kept, "attributions")
        audits = _by_message(kept, "audit")
        wrong: list[Disagreement] = []
        evidence: list[Disagreement] = []
        strangers = 0
        judged = [message for message in self.messages if message.attributed]
        for message in judged:
            key = (message.account, message.mailbox, message.uid)
            said, audit = attributions.get(key), audits.get(key)
            if (expected := _expected(message)) != (answer := _answer(message, said, audit)):
                wrong.append(Disagreement(what=_named(message), expected=expected, said=answer))
            elif said and said["evidence"] not in message.evidence:
                expected = " or ".join(sorted(message.evidence))
                evidence.append(
                    Disagreement(what=_named(message), expected=expected, said=str(said["evidence"]))
                )
            strangers += bool(said and said["customer"] and said["customer"] != message.customer)
        cards_wrong = list(self._compare_cards(kept))
        return Agreement(
            cards_right=len(self.cards) - len({one.what for one in cards_wrong}),
            cards_total=len(self.cards),
            messages_right=len(judged) - len(wrong),
            messages_total=len(judged),
            wrong=[*wrong, *cards_wrong],
            wrong_customer=strangers,
            evidence_differs=evidence,
        )

    def misplaced(self, found: Mapping[str, Iterable[FoundMessage]]) -> list[Disagreement]:
        """The messages that do not lie where they should after a tidy, by account (`snapshots.read_mail`)."""
        where = {
            (account, message.fingerprint, message.mailbox)
            for account, messages in found.items()
            for message in messages
        }
        lying = {(account, fingerprint): mailbox for account, fingerprint, mailbox in where}
        return [
            Disagreement(
                what=_named(message),
                expected=message.folder,
                said=lying.get((message.account, message.fingerprint), "nowhere"),
            )
            for message in self.messages
            if (message.account, message.fingerprint, message.folder) not in where
        ]

    def _compare_cards(self, results: list[Result]) -> Iterator[Disagreement]:
        said = [(str(result["account"]), card) for result in results for card in result["cards"]]
        for number, card in enumerate(self.cards):
            answers = [
                answer for account, answer in said if account == card.account and _is_about(answer, card)
            ]
            if not any(_agrees(answer, card) for answer in answers):
                yield Disagreement(
                    what=f"{card.account} {card.named} #{number}",
                    expected=f"{'/'.join(sorted(card.actions))} {card.after or ''}".strip(),
                    said="; ".join(f"{one['action']} {one['after'] or ''}".strip() for one in answers)
                    or "nothing",
                )
        known = {(card.account, card.after) for card in self.cards if card.card is None}
        for account, answer in said:
            if answer["action"] == "create" and (account, answer["after"]) not in known:
                yield Disagreement(
                    what=f"{account} {answer['book']} (new)",
                    expected="nothing",
                    said=f"create {answer['after']}",
                )


def _by_message(results: Iterable[Result], name: str) -> dict[tuple[str, str, int], Mapping[str, Any]]:
    return {
        (str(result["account"]), str(row["mailbox"]), int(row["uid"])): row
        for result in results
        for row in result[name]
    }


def _named(message: MessageTruth) -> str:
    return f"{message.account} {message.mailbox}#{message.uid} {message.message_id or ''} “{message.subject}”"


def _expected(message: MessageTruth) -> str:
    return f"{message.customer or 'nobody'}{', ' + message.verdict if message.verdict else ''}"


def _answer(message: MessageTruth, said: Mapping[str, Any] | None, audit: Mapping[str, Any] | None) -> str:
    if said is None and audit is None:
        return "not reported"
    customer = said["customer"] if said is not None else audit and audit["customer"]
    verdict = f", {audit['verdict'] if audit else 'not audited'}" if message.verdict else ""
    return f"{customer or 'nobody'}{verdict}"


def _is_about(answer: Mapping[str, Any], card: CardTruth) -> bool:
    if card.card is None:
        return bool(answer["action"] == "create" and answer["after"] == card.after)
    return str(answer["href"] or "").endswith(f"{card.book}{card.card}")


def _agrees(answer: Mapping[str, Any], card: CardTruth) -> bool:
    if answer["action"] not in card.actions:
        return False
    return answer["action"] not in ("rename", "create") or answer["after"] == card.after
