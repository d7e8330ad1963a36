"""Which customer each message belongs to, and by which evidence (DOMAIN 7). Pure.

Evidence, strongest first: the people (`participant`), a person's own filing (`filed`), the code in the subject (`code`), the
rest of the conversation (`thread`). The first that gives exactly one customer decides. Nothing depends on the order of reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

from mailsync.conversations import explaining
from mailsync.conversations.copies import Member
from mailsync.conversations.evidence import NO_CODE, Evidence, View, by_code, look
from mailsync.conversations.explaining import Explanation, Weighed
from mailsync.conversations.notes import ambiguous_note, code_note
from mailsync.conversations.people import Acquaintance, OwnPeople
from mailsync.conversations.reading import CodeReader
from mailsync.conversations.threads import Said, Threads, thread
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
    explanations: Mapping[MessageKey, Explanation] = field(
        default_factory=dict
    )  #: of those that were asked for

    def __getitem__(self, key: MessageKey) -> Attribution:
        return self.by_key[key]


def attribute(
    messages: Sequence[Message],
    roster: Roster,
    own: OwnPeople,
    *,
    hand_filed: Mapping[MessageKey, str] | None = None,
    explain: Collection[MessageKey] = (),
) -> Attributions:
    """Attribute all messages of one account together; a conversation is judged as a whole.

    `hand_filed`: message → code of the customer into whose folder a person moved it. `explain`: messages of which it
    is also to be told what was weighed.
    """
    views = look(messages, CodeReader(roster), Acquaintance(roster, own))
    threads = thread([Member(envelope=view.threading, core=view.peeled.core.casefold()) for view in views])
    filed = _customers_of(hand_filed or {}, roster)
    placed = {place: filed[view.message.key] for place, view in enumerate(views) if view.message.key in filed}
    decider = _Decider(views, threads, placed)
    decided = decider.decide()
    asked = [place for place, view in enumerate(views) if view.message.key in explain] if explain else []
    return Attributions(
        by_key={view.message.key: made for view, made in zip(views, decided, strict=True)},
        threads=_names(views, threads),
        views=tuple(views),
        explanations={views[place].message.key: decider.explain(place, decided[place]) for place in asked},
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Votes(Generic[Said]):
    """What decided messages say of those around them: whose they are, or who of them says so."""

    threads: Threads
    here: Mapping[int, frozenset[Said]]  #: node → copies of one message
    before: Mapping[int, frozenset[Said]]  #: node → the nearest decided ancestors
    around: Mapping[int, frozenset[Said]]  #: by thread

    @classmethod
    def of(cls, threads: Threads, voters: Mapping[int, Said]) -> _Votes[Said]:
        return cls(
            threads=threads,
            here=threads.by_node(voters),
            before=threads.nearest(voters),
            around=threads.by_thread(voters),
        )

    def on(self, place: int) -> frozenset[Said]:
        """What is said of a message: by its copies, else its nearest ancestors, else the rest of its conversation."""
        node = self.threads.node_of[place]
        return (
            self.here.get(node)
            or self.before.get(node)
            or self.around.get(self.threads.thread_of[place])
            or frozenset()
        )


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
        self.voters = {
            place: made.customer
            for place, made in enumerate(decided)
            if made and made.customer and not (self.views[place].bounce and self._about(place))
        }
        self.votes = _Votes.of(self.threads, self.voters)
        finished = [made or self._by_thread(place) for place, made in enumerate(decided)]
        bounces = [place for place, view in enumerate(self.views) if view.bounce]
        self.originals = self._originals(finished) if bounces else {}
        for place in bounces:
            finished[place] = self._bounce(place, finished[place])
        return finished

    def _by_itself(self, place: int) -> Attribution | None:
        """By people, by a person's filing, by code; None where only the conversation may tell."""
        if customer := self._people(place):
            return self._made(place, customer, "participant")
        if filed := self._filed(place):
            return self._made(place, filed, "filed")
        if customer := self.codes[place].customer:
            return self._made(place, customer, "code")
        if self._beyond_threads(place):
            return self._ambiguous(place, self.views[place].participants.candidates)
        return None

    def _people(self, place: int) -> str | None:
        """Whose its people are; of a report that nobody else takes part in, those who sent it."""
        view = self.views[place]
        return view.participants.customer or (None if view.participants.conflict else view.reporter)

    def _beyond_threads(self, place: int) -> bool:
        """Two customers' people read this: no conversation makes it one customer's mail."""
        return self.views[place].participants.conflict or self.codes[place].foreign

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
        found = self.votes.on(place)
        if (named := self.codes[place].if_thread) and named in found:
            return self._made(place, named, "code")
        if customer := _single(found):
            return self._made(place, customer, "thread")
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

    def _followed(self, place: int) -> str | None:
        """Whose the message is that a bounce is about."""
        found = [self.originals[node] for node in self._about(place) if node in self.originals]
        return _single(frozenset[str | None]().union(*found))

    def _bounce(self, place: int, by_headers: Attribution) -> Attribution:
        """A bounce follows the message it is about; where that is not here, its returned headers tell."""
        if customer := self._followed(place):
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

    # ----- explaining

    def explain(self, place: int, made: Attribution) -> Explanation:
        """What was weighed for a message: the questions of `decide` once more, also those that were not needed."""
        thread = self.threads.thread_of[place]
        return Explanation(
            weighed=explaining.marked(tuple(self._weighed(place)), made.customer, made.evidence),
            thread=self._keys(at for at, other in enumerate(self.threads.thread_of) if other == thread),
        )

    def _weighed(self, place: int) -> Iterator[Weighed]:
        view, conflict = self.views[place], self.views[place].participants.conflict
        if view.bounce:
            yield self._weighed_original(place)
        yield (people := explaining.by_people(view, self._people(place)))
        yield (filing := self._weighed_filing(place))
        thread = self._weighed_thread(place)
        code = by_code(view)
        supported = code.if_thread if code.if_thread in thread.named else None
        asked = people.customer is None and filing.customer is None
        yield explaining.by_subject(view, code, code.customer or supported, asked=asked)
        yield thread
        if conflict and view.reporter:
            yield explaining.by_reporter(view.reporter)

    def _weighed_original(self, place: int) -> Weighed:
        nodes = self._about(place) & self.originals.keys()
        named = frozenset[str | None]().union(*(self.originals[node] for node in nodes)) - {None}
        by = (
            at for at, node in enumerate(self.threads.node_of) if node in nodes and not self.views[at].bounce
        )
        return explaining.by_original(
            self.views[place], self._followed(place), frozenset(map(str, named)), self._keys(by)
        )

    def _weighed_filing(self, place: int) -> Weighed:
        customer, thread = self._filed(place), self.threads.thread_of[place]
        by = {at for at in self.placed if self.threads.thread_of[at] == thread}
        if customer and customer not in {self.placed[at] for at in by}:
            by |= self.threads.nearest({at: at for at in self.placed}).get(
                self.threads.node_of[place], frozenset()
            )
        by = {at for at in by if customer in (None, self.placed[at])}
        return explaining.by_hand(customer, {self.placed[at] for at in by}, self._keys(by))

    def _weighed_thread(self, place: int) -> Weighed:
        asked = bool(self._people(place)) or not self._beyond_threads(place)
        others = {at: at for at in self.voters if at != place} if asked else {}
        told = _Votes.of(self.threads, others).on(place)
        named = frozenset(self.voters[at] for at in told)
        count = self.threads.thread_of.count(self.threads.thread_of[place]) - 1
        return explaining.by_thread(_single(named), named, self._keys(told), others=count, asked=asked)

    def _keys(self, places: Iterable[int]) -> tuple[MessageKey, ...]:
        """Messages by date."""
        messages = [self.views[place].message for place in places]
        return tuple(one.key for one in sorted(messages, key=lambda one: (one.when, one.key)))


def _single(found: frozenset[Said]) -> Said | None:
    return next(iter(found)) if len(found) == 1 else None
