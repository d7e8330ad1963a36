"""Conversations by Message-ID, References, In-Reply-To, relays' other ids and Outlook's Thread-Index. Pure.

Nothing here depends on the order of reading, and nothing recurses. A Message-ID is no key: two messages with one id are
copies of one message only when sender, date and subject agree too; an answer to an id that different messages carry
follows the one with the same subject, else all of them without joining their conversations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mailsync.mailbox.headers import Envelope

#: An id that more different messages carry names none of them: some programs write the same one for ever.
MOST_CARRIERS = 20
#: In hex: the 22 bytes of a conversation in a Thread-Index, and the 5 that each answer appends to its parent's.
_THREAD_INDEX_DIGITS, _ANSWER_DIGITS = 44, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One message as threads see it."""

    envelope: Envelope
    core: str  #: core subject, folded for comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Members are named by their place in the sequence that was threaded."""

    thread_of: tuple[int, ...]  #: member → number of its thread
    node_of: tuple[int, ...]  #: member → its node; copies of one message share a node
    parents: Mapping[
        int, tuple[int, ...]
    ]  #: node → its nearest ancestors; nodes also stand for missing messages
    by_id: Mapping[str, tuple[int, ...]]  #: Message-ID → nodes of the messages that carry it

    def nearest(self, decided: Mapping[int, str]) -> dict[int, frozenset[str]]:
        """For every node with a decided ancestor: what its nearest ones were decided as.

        `decided` maps members to customers. Ancestors at the same distance that differ all stand in the answer.
        """
        children: defaultdict[int, list[int]] = defaultdict(list)
        for node, parents in self.parents.items():
            for parent in parents:
                children[parent].append(node)
        answer: dict[int, frozenset[str]] = {}
        level: Mapping[int, frozenset[str]] = self.by_node(decided)
        while level:
            reached: defaultdict[int, frozenset[str]] = defaultdict(frozenset)
            for node, customers in level.items():
                for child in children.get(node, ()):
                    if child not in answer:
                        reached[child] |= customers
            answer.update(reached)
            level = reached
        return answer

    def by_node(self, decided: Mapping[int, str]) -> dict[int, frozenset[str]]:
        """What each node's messages were decided as."""
        found: defaultdict[int, set[str]] = defaultdict(set)
        for member, customer in decided.items():
            found[self.node_of[member]].add(customer)
        return {node: frozenset(customers) for node, customers in found.items()}

    def by_thread(self, decided: Mapping[int, str]) -> dict[int, frozenset[str]]:
        """What each thread's messages were decided as."""
        found: defaultdict[int, set[str]] = defaultdict(set)
        for member, customer in decided.items():
            found[self.thread_of[member]].add(customer)
        return {thread: frozenset(customers) for thread, customers in found.items()}


def thread(members: Sequence[Member]) -> Threads:
    """Thread all members."""
    return _Weaver(members).weave()


class _Weaver:
    """Builds the graph of nodes, then joins what belongs together."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self.root: list[int] = []
        self.parents: defaultdict[int, dict[int, None]] = defaultdict(dict)
        self.by_id: defaultdict[str, dict[int, None]] = defaultdict(dict)
        self.core_of: dict[int, str] = {}
        self.missing: dict[str, int] = {}
        self.steps: set[tuple[int, int]] = set()
        self.by_core: defaultdict[tuple[str, str], list[int]] = defaultdict(
            list
        )  #: id carried by several, and core
        self.by_index: defaultdict[str, dict[int, None]] = defaultdict(dict)

    def weave(self) -> Threads:
        node_of = self._place()
        for member, node in zip(self.members, node_of, strict=True):
            if index := _index(member.envelope):
                self.by_index[index][node] = None
        linked: set[tuple[int, tuple[str, ...], tuple[str, ...]]] = set()
        for member, node in zip(self.members, node_of, strict=True):
            linking = (node, member.envelope.in_reply_to, member.envelope.references)
            if linking not in linked:
                linked.add(linking)
                self._link(member, node)
            self._link_by_index(member.envelope, node)
        self._join_by(node_of, lambda envelope: conversation_index(envelope) or None)
        return Threads(
            thread_of=tuple(self._find(node) for node in node_of),
            node_of=tuple(node_of),
            parents={node: tuple(parents) for node, parents in self.parents.items()},
            by_id={text: tuple(nodes) for text, nodes in self.by_id.items()},
        )

    def _new_node(self) -> int:
        self.root.append(len(self.root))
        return len(self.root) - 1

    def _place(self) -> list[int]:
        """A node for every message; copies of one message (Inbox and Sent, two accounts) share one."""
        seen: dict[Hashable, int] = {}
        node_of = []
        for member in self.members:
            envelope = member.envelope
            ids = _ids(envelope)
            signature = (ids[0], _author(envelope), envelope.to, envelope.date, member.core) if ids else None
            node = seen.get(signature) if signature else None
            if node is None:
                node = self._new_node()
                self.core_of[node] = member.core
                if signature:
                    seen[signature] = node
            for text in ids:
                self.by_id[text][node] = None
            node_of.append(node)
        for text, carriers in self.by_id.items():
            if 1 < len(carriers) <= MOST_CARRIERS:
                for node in carriers:
                    self.by_core[text, self.core_of[node]].append(node)
        return node_of

    def _link(self, member: Member, node: int) -> None:
        """Edges from a message to its ancestors, and along the chain of its References."""
        envelope = member.envelope
        own = _ids(envelope)
        replied = [text for text in envelope.in_reply_to if text not in own]
        chain = [text for text in envelope.references if text not in own]
        for text in replied:
            self._edge(node, text, member.core)
        nearest = [text for text in replied if text in chain] or chain[-1:]
        if chain and not any(text in chain for text in replied):
            # In-Reply-To is the nearest ancestor; where both name different messages, References stand one step behind.
            node = self._step_back(node) if replied else node
            self._edge(node, chain[-1], member.core)
        stands = {text: self._only(text, member.core) for text in chain}
        known = [found for text in chain if (found := stands[text]) is not None]
        for step in pairwise(known):
            if step not in self.steps:
                self.steps.add(step)
                self._adopt(step[1], step[0], join=True)
        if known and all(stands[text] is None for text in nearest):
            # Nobody can say which message the nearest ancestor is; the others are known all the same.
            self._adopt(self._step_back(node), known[-1], join=True)

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
            if found := [parent for parent in self.by_index.get(index[:end], ()) if parent != node]:
                if len(found) <= MOST_CARRIERS:
                    for parent in found:
                        self._adopt(node, parent, join=True)
                return

    def _edge(self, node: int, parent_id: str, core: str) -> None:
        found = self._resolve(parent_id, core, join_to=node)
        for parent in found:
            self._adopt(node, parent, join=len(found) == 1)

    def _resolve(self, text: str, core: str, *, join_to: int) -> list[int]:
        """The nodes an id stands for: one, or all of several different messages that carry it."""
        carriers = self.by_id.get(text)
        if carriers is None or len(carriers) == 1:
            found = self._only(text, core)
            return [] if found is None else [found]
        if len(carriers) > MOST_CARRIERS:
            return []
        alike = [node for node in self.by_core.get((text, core), ()) if node != join_to]
        return alike if len(alike) == 1 else [node for node in carriers if node != join_to]

    def _only(self, text: str, core: str) -> int | None:
        """The one node an id stands for, with the help of the core subject; None where it may be several."""
        carriers = self.by_id.get(text)
        if carriers is None:
            if text not in self.missing:
                self.missing[text] = self._new_node()
            return self.missing[text]
        alike = carriers if len(carriers) == 1 else self.by_core.get((text, core), ())
        return next(iter(alike)) if len(alike) == 1 else None

    def _adopt(self, node: int, parent: int, *, join: bool) -> None:
        if parent == node:
            return
        self.parents[node][parent] = None
        if join:
            self._join(node, parent)

    def _join_by(self, node_of: Iterable[int], key: Callable[[Envelope], str | None]) -> None:
        first: dict[str, int] = {}
        for member, node in zip(self.members, node_of, strict=True):
            if (text := key(member.envelope)) is not None:
                self._join(first.setdefault(text, node), node)

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


def _ids(envelope: Envelope) -> tuple[str, ...]:
    """The message's own ids, the present one first; an empty `<>` names nobody."""
    own = (envelope.message_id, *envelope.other_ids) if envelope.message_id else envelope.other_ids
    return tuple(text for text in own if text and len(text) > 2)


def _author(envelope: Envelope) -> str:
    return envelope.from_[0].address if envelope.from_ else ""


def _index(envelope: Envelope) -> str:
    """Outlook's Thread-Index, empty where the header is too short to name a conversation."""
    index = envelope.thread_index or ""
    return index.lower() if len(index) >= _THREAD_INDEX_DIGITS and index.strip("0") else ""
