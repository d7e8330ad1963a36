"""Which customer each message belongs to, and by which evidence (DOMAIN 7). Pure.

Evidence, strongest first: the people (`participant`), a person's own filing (`filed`), the code in the subject (`code`), the
rest of the conversation (`thread`). The first that gives exactly one customer decides. Nothing depends on the order of reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailsync.conversations.copies import Member
from mailsync.conversations.evidence import NO_CODE, Evidence, View, by_code, look
from mailsync.conversations.people import Acquaintance, OwnPeople
from mailsync.conversations.reading import CodeReader
from mailsync.conversations.threads import Threads, thread
from mailsync.conversations.trail import ambiguous_note, code_note, trail
from mailsync.mailbox.headers import Message, MessageKey
from mailsync.registry.roster import Roster
from mailsync.text import Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Whose a message is."""

    customer: str | None
    evidence: Evidence
    note: Sentence | None = None
    candidates: tuple[str, ...] = ()  #: where no single customer was decided


@dataclass(frozen=True, kw_only=True)
class Attributions:
    """All messages of one account."""

    by_key: Mapping[MessageKey, Attribution]
    threads: Mapping[MessageKey, str]  #: message → name of its conversation
    views: tuple[View, ...] = field(repr=False)

    def __getitem__(self, key: MessageKey) -> Attribution:
        return self.by_key[key]

    def trail(self, key: MessageKey) -> tuple[Sentence, ...]:
        """What was weighed for a message, in order. Raises KeyError for a message that was not attributed."""
        made = self.by_key[key]
        view = next(view for view in self.views if view.message.key == key)
        return trail(view, made.customer, made.evidence)


def attribute(
    messages: Sequence[Message],
    roster: Roster,
    own: OwnPeople,
    *,
    hand_filed: Mapping[MessageKey, str] | None = None,
) -> Attributions:
    """Attribute all messages of one account together; a conversation is judged as a whole.

    `hand_filed`: message → code of the customer into whose folder a person moved it.
    """
    views = look(messages, CodeReader(roster), Acquaintance(roster, own))
    threads = thread([Member(envelope=view.threading, core=view.peeled.core.casefold()) for view in views])
    filed = _customers_of(hand_filed or {}, roster)
    placed = {place: filed[view.message.key] for place, view in enumerate(views) if view.message.key in filed}
    decided = _Decider(views, threads, placed).decide()
    return Attributions(
        by_key={view.message.key: made for view, made in zip(views, decided, strict=True)},
        threads=_names(views, threads),
        views=tuple(views),
    )


def _customers_of(hand_filed: Mapping[MessageKey, str], roster: Roster) -> dict[MessageKey, str]:
    found = {key: roster.customer(code) for key, code in hand_filed.items()}
    return {key: customer.code for key, customer in found.items() if customer}


def _names(views: Sequence[View], threads: Threads) -> dict[MessageKey, str]:
    """A name for each conversation that does not depend on the order of reading: its least message's.

    A Message-ID that several different messages carry names none of them; where they lie does.
    """
    least: dict[int, str] = {}
    for view, number in zip(views, threads.thread_of, strict=True):
        name = view.message.envelope.message_id
        if not name or len(threads.carriers(name)) != 1:
            name = "{}/{}/{}".format(*view.message.key)
        least[number] = min(name, least.get(number, name))
    return {view.message.key: least[number] for view, number in zip(views, threads.thread_of, strict=True)}


class _Decider:
    """Decides in four passes: people, filing and codes; then conversations; then bounces."""

    def __init__(self, views: Sequence[View], threads: Threads, placed: Mapping[int, str]) -> None:
        self.views = views
        self.threads = threads
        self.placed = placed
        self.codes = [NO_CODE if view.participants.customer else by_code(view) for view in views]
        self.unremarkable: dict[tuple[str | None, Evidence], Attribution] = {}
        self.filed_by_thread = threads.by_thread(placed)
        self.filed_before = threads.nearest(placed) if placed else {}

    def decide(self) -> list[Attribution]:
        decided = [self._by_itself(place) for place in range(len(self.views))]
        # A bounce speaks for its conversation where the message it is about, which would, is not here.
        voters = {
            place: made.customer
            for place, made in enumerate(decided)
            if made and made.customer and not (self.views[place].bounce and self._about(place))
        }
        self.here = self.threads.by_node(voters)
        self.before = self.threads.nearest(voters)
        self.around = self.threads.by_thread(voters)
        finished = [made or self._by_thread(place) for place, made in enumerate(decided)]
        bounces = [place for place, view in enumerate(self.views) if view.bounce]
        originals = self._originals(finished) if bounces else {}
        for place in bounces:
            finished[place] = self._bounce(place, finished[place], originals)
        return finished

    def _by_itself(self, place: int) -> Attribution | None:
        """By people, by a person's filing, by code; None where only the conversation may tell."""
        view, code = self.views[place], self.codes[place]
        if view.participants.customer:
            return self._made(place, view.participants.customer, "participant")
        if view.reporter and not view.participants.conflict:
            return self._made(place, view.reporter, "participant")
        if filed := self._filed(place):
            return self._made(place, filed, "filed")
        if code.customer:
            return self._made(place, code.customer, "code")
        if view.participants.conflict or code.foreign:
            # Two customers' people read this: no conversation makes it one customer's mail.
            return self._ambiguous(place, view.participants.candidates)
        return None

    def _filed(self, place: int) -> str | None:
        """Where people filed its conversation: where they all agree, else it itself, else its nearest ancestor."""
        around = self.filed_by_thread.get(self.threads.thread_of[place], frozenset())
        if len(around) == 1:
            return next(iter(around))
        if place in self.placed:
            return self.placed[place]
        before = self.filed_before.get(self.threads.node_of[place], frozenset())
        return next(iter(before)) if len(before) == 1 else None

    def _by_thread(self, place: int) -> Attribution:
        node = self.threads.node_of[place]
        found = (
            self.here.get(node)
            or self.before.get(node)
            or self.around.get(self.threads.thread_of[place])
            or frozenset()
        )
        if len(found) == 1:
            customer = next(iter(found))
            supported = self.codes[place].if_thread == customer
            return self._made(place, customer, "code" if supported else "thread")
        named = self.codes[place].if_thread
        if named and named in found:
            return self._made(place, named, "code")
        candidates = found or self.views[place].participants.candidates
        return self._ambiguous(place, candidates) if candidates else self._made(place, None, "none")

    def _originals(self, finished: Sequence[Attribution]) -> Mapping[int, frozenset[str | None]]:
        """Node → whose the messages there are; bounces are about these."""
        found: defaultdict[int, set[str | None]] = defaultdict(set)
        for place, view in enumerate(self.views):
            if not view.bounce:
                found[self.threads.node_of[place]].add(finished[place].customer)
        return {node: frozenset(customers) for node, customers in found.items()}

    def _about(self, place: int) -> frozenset[int]:
        """The nodes of the messages with the id of the one that a bounce is about."""
        about = self.views[place].envelope.message_id
        return frozenset(self.threads.carriers(about)) if about else frozenset()

    def _bounce(
        self, place: int, by_headers: Attribution, originals: Mapping[int, frozenset[str | None]]
    ) -> Attribution:
        """A bounce follows the message it is about; where that is not here, its returned headers tell."""
        found = [originals[node] for node in self._about(place) if node in originals]
        followed = frozenset[str | None]().union(*found)
        if len(followed) == 1 and (customer := next(iter(followed))):
            return self._made(place, customer, "thread")
        if by_headers.customer is None and (reporter := self.views[place].reporter):
            return self._made(place, reporter, "participant")
        return by_headers

    def _made(self, place: int, customer: str | None, evidence: Evidence) -> Attribution:
        """Messages of which nothing more is to be said share one attribution for each customer and evidence."""
        note = code_note(self.views[place], customer, evidence)
        if note is not None:
            return Attribution(customer=customer, evidence=evidence, note=note)
        made = self.unremarkable.get((customer, evidence))
        if made is None:
            made = self.unremarkable[customer, evidence] = Attribution(customer=customer, evidence=evidence)
        return made

    def _ambiguous(self, place: int, candidates: frozenset[str]) -> Attribution:
        view, ordered = self.views[place], tuple(sorted(candidates))
        return Attribution(
            customer=None,
            evidence="ambiguous",
            note=ambiguous_note(view, ordered),
            candidates=ordered,
        )
