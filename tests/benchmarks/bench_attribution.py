"""What deciding costs, without any server: the audit of 20,000 Sent subjects and the attribution of 100,000 messages.

Run by `make bench`. CPU time of this process, the best of several rounds; sizes of one table are measured in turn in one
run, so their ratios hold on a busy machine too. `--profile` says where the time goes.

Goals: 4 µs for the audit of a plain subject that is right, 40 µs on average with every mistake, 25 µs to attribute a message,
growth exponents of at most 1.1.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import math
import pstats
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence

from mailsync.__main__ import BETWEEN_COLLECTIONS
from mailsync.audit.plan import audit
from mailsync.conversations.attribution import attribute
from mailsync.conversations.copies import Member
from mailsync.conversations.reading import CodeReader
from mailsync.conversations.threads import thread
from mailsync.conversations.verdict import SubjectJudge
from mailsync.mailbox.headers import Envelope, Message
from tests.benchmarks.attribution_world import OWN, MailWorld

SENT = 20_000
SIZES = (10_000, 50_000, 100_000)
ROUNDS = 5
_CODE = re.compile(r"(?:(?:re|fw|fwd|aw): ?)*([a-z]{0,2}[0-9]{2,5})\b", re.I)


def main() -> None:
    """Measure all, or profile one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=["plain", "mistakes", "attribution"])
    wanted = parser.parse_args().profile
    gc.set_threshold(BETWEEN_COLLECTIONS, 20, 20)  # as the program itself does
    world = MailWorld()
    if wanted:
        _profile(world, wanted)
        return
    _audits(world)
    _attributions(world)
    _long_threads()
    _memory(world)


def _audits(world: MailWorld) -> None:
    _audited(world, "compliant plain subjects", world.sent(SENT, mistakes=False))
    _audited(world, "every mistake in turn", world.sent(SENT, mistakes=True))


def _audited(world: MailWorld, name: str, messages: Sequence[Message]) -> None:
    roster = world.roster
    attributions = attribute(messages, roster, OWN).by_key
    judge = SubjectJudge(reader=CodeReader(roster))
    customers = [roster.customer(attributions[one.key].customer or "") for one in messages]
    subjects = [one.envelope.subject for one in messages]
    known = frozenset(customer.code for customer in roster.customers)

    def floor() -> int:
        return sum(bool((found := _CODE.match(one)) and found[1] in known) for one in subjects)

    def judging() -> None:
        for subject, customer in zip(subjects, customers, strict=True):
            judge.judge(subject, customer)

    def auditing() -> None:
        audit(messages, attributions, roster, OWN)

    bare, judged, whole = _in_turn(floor, judging, auditing)
    say(
        f"{SENT:,} Sent, {name}: a regular expression and a set {_each(bare, SENT)}, the verdict alone "
        f"{_each(judged, SENT)} ({judged / bare:.1f} times), the whole audit {_each(whole, SENT)} "
        f"({whole / bare:.1f} times)"
    )


def _attributions(world: MailWorld) -> None:
    boxes = [world.mail(size) for size in SIZES]
    seconds = _in_turn(*((lambda box=box: attribute(box, world.roster, OWN)) for box in boxes))
    _grown("messages attributed", SIZES, seconds)


def _long_threads() -> None:
    """One conversation of 10,000 and of 40,000 messages, as answers to answers and as answers to one."""
    sizes = (10_000, 40_000)
    for name, parent in (("a chain", lambda n: n - 1), ("answers to one", lambda n: 0)):
        threads = [_one_thread(size, parent) for size in sizes]
        seconds = _in_turn(*((lambda members=members: thread(members)) for members in threads))
        _grown(f"messages of one conversation, {name},", sizes, seconds)


def _one_thread(size: int, parent: Callable[[int], int]) -> list[Member]:
    ids = [f"<{n}@one.example>" for n in range(size)]
    index = "01da" + "00" * 19 + "01"
    return [
        Member(
            envelope=Envelope(
                message_id=ids[n],
                in_reply_to=(ids[parent(n)],) if n else (),
                references=(*ids[:10], *ids[max(10, n - 40) : n]) if n > 10 and parent(n) else (),
                thread_index=index + "11" * 5 * min(n, 40),
            ),
            core="one",
        )
        for n in range(size)
    ]


def _memory(world: MailWorld) -> None:
    """What an attribution holds, and the most it held on the way; the messages themselves are not counted."""
    size = SIZES[1]
    box, roster = world.mail(size), world.roster
    attribute(box[:100], roster, OWN)
    gc.collect()
    tracemalloc.start()
    kept = attribute(box, roster, OWN)
    gc.collect()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    say(
        f"memory of {len(kept.by_key):,} attributions: {held / size:,.0f} bytes a message, "
        f"at most {peak / size:,.0f} on the way"
    )


def _in_turn(*works: Callable[[], object]) -> list[float]:
    """The least CPU seconds of each work, measured in turn."""
    best = [math.inf] * len(works)
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            gc.collect()
            started = time.process_time()
            work()
            best[place] = min(best[place], time.process_time() - started)
    return best


def _grown(what: str, sizes: Sequence[int], seconds: Sequence[float]) -> None:
    each = ", ".join(f"{size:,} {_each(took, size)}" for size, took in zip(sizes, seconds, strict=True))
    exponent = math.log(seconds[-1] / seconds[0]) / math.log(sizes[-1] / sizes[0])
    say(f"{what}: {each}; growth exponent {exponent:.2f}")


def _each(seconds: float, count: int) -> str:
    return f"{seconds / count * 1e6:.2f} µs"


def _profile(world: MailWorld, wanted: str) -> None:
    roster = world.roster
    messages: list[Message]
    if wanted == "attribution":
        messages = world.mail(SIZES[0])
        work: Callable[[], object] = lambda: attribute(messages, roster, OWN)  # noqa: E731
    else:
        messages = world.sent(SENT, mistakes=wanted == "mistakes")
        attributions = attribute(messages, roster, OWN).by_key
        work = lambda: audit(messages, attributions, roster, OWN)  # noqa: E731
    profiler = cProfile.Profile()
    profiler.runcall(work)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
