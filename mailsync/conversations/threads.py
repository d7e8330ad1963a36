"""Conversations by Message-ID, References, In-Reply-To, relays' other ids and Outlook's Thread-Index. Pure.

Nothing here depends on the order of reading, and nothing recurses. A Message-ID is no key: two messages with one id are
copies of one message only when sender, date and subject agree too; an answer to an id that different messages carry
follows the one with the same subject, else all of them without joining their conversations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mailsync.conversations.copies import Member, copies, own_ids
from mailsync.mailbox.headers import Envelope

#: An id that more different messages carry names none of them: some programs write the same one for ever.
MOST_CARRIERS = 20
#: In hex: the 22 bytes of a conversation in a Thread-Index, and the 5 that each answer appends to its parent's.
_THREAD_INDEX_DIGITS, _ANSWER_DIGITS = 44, 10

#: What members are decided as: a customer, or who says so.
Said = TypeVar("Said", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Members are named by their place in the sequence that was threaded."""

    thread_of: tuple[int, ...]  #: member → number of its thread
    node_of: tuple[int, ...]  #: member → its node; copies of one message share a node
    #: node → the nodes whose nearest ancestor it is, or one of them; nodes also stand for missing messages
    children: Mapping[int, Sequence[int]]
    by_id: Mapping[str, int]  #: Message-ID → node of the first message that carries it
    several: Mapping[str, Collection[int]]  #: Message-ID → all nodes that carry it, where these are more

    def carriers(self, message_id: str) -> Collection[int]:
        """The nodes of the messages that carry an id."""
        if message_id in self.several:
            return self.several[message_id]
        return (self.by_id[message_id],) if message_id in self.by_id else ()

    def nearest(self, decided: Mapping[int, Said]) -> dict[int, frozenset[Said]]:
        """For every node with a decided ancestor: what its nearest ones were decided as.

        `decided` maps members to customers, or to whatever tells who decided. Ancestors at the same distance that
        differ all stand in the answer.
        """
        answer: dict[int, frozenset[Said]] = {}
        level: Mapping[int, frozenset[Said]] = self.by_node(decided)
        while level:
            reached: dict[int, frozenset[Said]] = {}
            for node, customers in level.items():
                for child in self.children.get(node, ()):
                    if child not in answer:
                        others = reached.get(child, customers)
                        reached[child] = customers if others is customers else others | customers
            answer.update(reached)
            level = reached
        return answer

    def by_node(self, decided: Mapping[int, Said]) -> dict[int, frozenset[Said]]:
        """What each node's messages were decided as."""
        return _gathered(self.node_of, decided)

    def by_thread(self, decided: Mapping[int, Said]) -> dict[int, frozenset[Said]]:
        """What each thread's messages were decided as."""
        return _gathered(self.thread_of, decided)


def _gathered(place_of: Sequence[int], decided: Mapping[int, Said]) -> dict[int, frozenset[Said]]:
    """What the members of each place were decided as; one set for all places of one customer alone."""
    alone = {customer: frozenset((customer,)) for customer in set(decided.values())}
    found: dict[int, frozenset[Said]] = {}
    for member, customer in decided.items():
        place = place_of[member]
        others = found.get(place)
        if others is None:
            found[place] = alone[customer]
        elif customer not in others:
            found[place] = others | alone[customer]
    return found


def thread(members: Sequence[Member]) -> Threads:
    """Thread all members."""
    return _Weaver(members).weave()


class _Weaver:
    """Builds the graph of nodes, and joins what belongs together."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self.root: list[int] = []
        self.children: defaultdict[int, list[int]] = defaultdict(list)
        self.edges: dict[int, bool] = {}  #: parent and child in one number → whether it joined their threads
        self.by_id: dict[str, int] = {}
        self.several: dict[str, dict[int, None]] = {}
        self.by_core: defaultdict[tuple[str, str], list[int]] = defaultdict(
            list
        )  #: id carried by several, and core
        self.missing: dict[str, int] = {}
        self.by_index: defaultdict[str, dict[int, None]] = defaultdict(dict)
        #: References, and the core subject of who wrote them → the last of them that stands for one node
        self.walked: dict[tuple[tuple[str, ...], str], int | None] = {}

    def weave(self) -> Threads:
        node_of = self._place()
        self._note_indexes(node_of)
        copied = len(self.root) < len(node_of)
        linked: set[tuple[int, tuple[str, ...], tuple[str, ...]]] = set()
        for member, node in zip(self.members, node_of, strict=True):
            if copied:
                linking = (node, member.envelope.in_reply_to, member.envelope.references)
                if linking in linked:
                    continue
                linked.add(linking)
            self._link(member, node)
        for member, node in zip(self.members, node_of, strict=True):
            if member.envelope.thread_index:
                self._link_by_index(member.envelope, node)
        return Threads(
            thread_of=tuple([self._find(node) for node in node_of]),
            node_of=node_of,
            children=self.children,
            by_id=self.by_id,
            several=self.several,
        )

    def _new_node(self) -> int:
        self.root.append(len(self.root))
        return len(self.root) - 1

    def _place(self) -> tuple[int, ...]:
        """A node for every message, and who carries which id."""
        node_of: list[int] = []
        copy_of = copies(self.members)
        core_of: list[str] = []
        for place, member in enumerate(self.members):
            first = copy_of.get(place, place)
            if first == place:
                core_of.append(member.core)
            node = self._new_node() if first == place else node_of[first]
            for text in own_ids(member.envelope):
                carrier = self.by_id.setdefault(text, node)
                if carrier != node:
                    self.several.setdefault(text, {carrier: None})[node] = None
            node_of.append(node)
        for text, carriers in self.several.items():
            if len(carriers) <= MOST_CARRIERS:
                for node in carriers:
                    self.by_core[text, core_of[node]].append(node)
        return tuple(node_of)

    def _note_indexes(self, node_of: Sequence[int]) -> None:
        """Who carries which Thread-Index; those of one conversation are joined."""
        first: dict[str, int] = {}
        for member, node in zip(self.members, node_of, strict=True):
            if member.envelope.thread_index and (index := _index(member.envelope)):
                self.by_index[index][node] = None
                self._join(first.setdefault(index[:_THREAD_INDEX_DIGITS], node), node)

    def _link(self, member: Member, node: int) -> None:
        """Edges from a message to its ancestors, and along the chain of its References."""
        envelope, core = member.envelope, member.core
        replied, chain = envelope.in_reply_to, envelope.references
        if not replied and not chain:
            return
        for text in own_ids(envelope):
            if text in replied or text in chain:
                replied = tuple([other for other in replied if other != text])
                chain = tuple([other for other in chain if other != text])
        for text in replied:
            self._edge(node, text, core)
        if not chain:
            return
        within = [text for text in replied if text in chain]
        if not within:
            # In-Reply-To is the nearest ancestor; where both name different messages, References stand one step behind.
            node = self._step_back(node) if replied else node
            self._edge(node, chain[-1], core)
        last = self._walk(chain, core)
        if last is not None and all(self._only(text, core) is None for text in within or chain[-1:]):
            # Nobody can say which message the nearest ancestor is; the others are known all the same.
            self._adopt(self._step_back(node), last, join=True)

    def _walk(self, chain: tuple[str, ...], core: str) -> int | None:
        """Edges along References, oldest first; the last of them that stands for one node.

        An answer's References are its parent's and one more: what was walked once is not walked again.
        """
        if (chain, core) in self.walked:
            return self.walked[chain, core]
        before = (chain[:-1], core)
        known = len(chain) == 1 or before in self.walked
        last = self.walked.get(before) if known else None
        for text in chain[-1:] if known else chain:
            found = self._only(text, core)
            if found is not None:
                if last is not None:
                    self._adopt(found, last, join=True)
                last = found
        self.walked[chain, core] = last
        return last

    def _step_back(self, node: int) -> int:
        """A new node that stands for an ancestor of `node`."""
        behind = self._new_node()
        self._adopt(node, behind, join=True)
        return behind

    def _link_by_index(self, envelope: Envelope, node: int) -> None:
        """Edges to the nearest ancestors by Thread-Index, for a message whose other headers name no message here."""
        if any(text in self.by_id for text in envelope.in_reply_to + envelope.references):
            return
        index = _index(envelope)
        for end in range(len(index) - _ANSWER_DIGITS, _THREAD_INDEX_DIGITS - 1, -_ANSWER_DIGITS):
            found = self.by_index.get(index[:end], {})
            others = len(found) - (node in found)
            if others:
                for parent in found if others <= MOST_CARRIERS else ():
                    self._adopt(node, parent, join=True)
                return

    def _edge(self, node: int, parent_id: str, core: str) -> None:
        found = self._resolve(parent_id, core, join_to=node)
        for parent in found:
            self._adopt(node, parent, join=len(found) == 1)

    def _resolve(self, text: str, core: str, *, join_to: int) -> Sequence[int]:
        """The nodes an id stands for: one, or all of several different messages that carry it."""
        carriers = self.several.get(text)
        if carriers is None:
            found = self._only(text, core)
            return () if found is None else (found,)
        if len(carriers) > MOST_CARRIERS:
            return ()
        alike = [node for node in self.by_core.get((text, core), ()) if node != join_to]
        return alike if len(alike) == 1 else [node for node in carriers if node != join_to]

    def _only(self, text: str, core: str) -> int | None:
        """The one node an id stands for, with the help of the core subject; None where it may be several."""
        if text in self.several:
            alike = self.by_core.get((text, core), ())
            return alike[0] if len(alike) == 1 else None
        node = self.by_id.get(text)
        if node is None:
            node = self.missing.get(text)
            if node is None:
                node = self.missing[text] = self._new_node()
        return node

    def _adopt(self, node: int, parent: int, *, join: bool) -> None:
        if parent == node:
            return
        edge = parent << 32 | node
        joined = self.edges.get(edge)
        if joined is None:
            self.children[parent].append(node)
        if not joined:
            self.edges[edge] = join
            if join:
                self._join(node, parent)

    def _join(self, one: int, other: int) -> None:
        one, other = self._find(one), self._find(other)
        if one != other:
            self.root[max(one, other)] = min(one, other)

    def _find(self, node: int) -> int:
        root = self.root
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node


def conversation_index(envelope: Envelope) -> str:
    """The part of Outlook's Thread-Index that all messages of a conversation share; empty where there is none."""
    return _index(envelope)[:_THREAD_INDEX_DIGITS]


def _index(envelope: Envelope) -> str:
    """Outlook's Thread-Index, empty where the header is too short to name a conversation."""
    index = envelope.thread_index or ""
    return index.lower() if len(index) >= _THREAD_INDEX_DIGITS and index.strip("0") else ""
