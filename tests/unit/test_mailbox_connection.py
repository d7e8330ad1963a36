"""Many commands under way at once: windows, replies in any order, and what a session counts."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from mailsync.mailbox.connection import WINDOW, Command, Connection
from mailsync.mailbox.fetching import fetch
from mailsync.mailbox.line import Line
from mailsync.mailbox.login import ImapLogin
from mailsync.mailbox.traffic import Traffic
from mailsync.mailbox.wire import MalformedAnswer

LOGIN = ImapLogin(host="x", port=1, security="none", user="u", password="p", read_timeout=5)
NOOP = Command.of("NOOP")


@dataclass
class Wire:
    """A connection whose server end says what was written beforehand."""

    connection: Connection = field(init=False)
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        ours, self.server = socket.socketpair()
        line = Line(ours, LOGIN, time.monotonic, self.traffic)
        self.connection = Connection(line, LOGIN, frozenset(), self.traffic)

    def says(self, *lines: bytes) -> None:
        self.server.sendall(b"".join(line + b"\r\n" for line in lines))

    def heard(self) -> list[bytes]:
        return self.server.recv(1_000_000).split(b"\r\n")[:-1]

    def waits(self) -> bool:
        """Whether something was written that the server end has not read."""
        return bool(select.select([self.server], [], [], 0)[0])

    def hang_up(self) -> None:
        self.server.close()
        self.connection.hang_up()


@pytest.fixture
def wire() -> Iterator[Wire]:
    opened = Wire()
    yield opened
    opened.hang_up()


def test_a_window_of_commands_is_one_write_and_one_turn(wire: Wire) -> None:
    count = 3 * WINDOW
    wire.says(*(b"m%d OK done" % number for number in range(1, count + 1)))
    assert len(list(wire.connection.converse([NOOP] * count))) == count
    assert [line.partition(b" ")[0] for line in wire.heard()] == [b"m%d" % n for n in range(1, count + 1)]
    counted = wire.traffic.take()
    assert counted["commands"] == count and counted["turns"] <= 3
    assert counted["bytes_up"] == sum(len(b"m%d NOOP\r\n" % number) for number in range(1, count + 1))
    assert counted["bytes_down"] == sum(len(b"m%d OK done\r\n" % number) for number in range(1, count + 1))


def test_no_write_is_larger_than_both_ends_can_hold(wire: Wire) -> None:
    name = b'"' + b"x" * 8000 + b'"'
    wire.says(*(b"m%d OK done" % number for number in range(1, 13)))
    replies = wire.connection.converse([Command.of("CREATE", name)] * 12)
    unanswered = [len(b"".join(wire.heard())) for _ in replies if wire.waits()]
    assert len(unanswered) == 4 and max(unanswered) < 32 * 1024


def test_a_refusal_is_that_of_its_own_command(wire: Wire) -> None:
    wire.says(b"m1 OK done", b"m2 NO [OVERQUOTA] full", b"m3 BAD what?")
    commands = [Command.of("CREATE", b'"%s"' % name, mailbox=name.decode()) for name in (b"a", b"b", b"c")]
    refusals = [reply.refusal for reply in wire.connection.converse(commands)]
    assert [None if one is None else one.code for one in refusals] == [None, "OVERQUOTA", ""]
    assert "“b”: [OVERQUOTA] full" in str(refusals[1])


def test_replies_are_matched_by_tag(wire: Wire) -> None:
    wire.says(b"m2 OK second", b"m1 OK first")
    first, second = Command.of("NOOP"), Command.of("NOOP")
    assert [one.command for one in wire.connection.converse([first, second])] == [second, first]


def test_messages_answered_before_their_turn_are_read(wire: Wire) -> None:
    """Dovecot answers a second FETCH before it completes the first."""
    head = (
        b'FLAGS () INTERNALDATE " 3-Feb-2026 04:05:06 +0800" RFC822.SIZE 9 BODY[HEADER.FIELDS (FROM)]<0> {4}'
    )
    wire.says(
        b"* 1 FETCH (UID 1 " + head, b"\r\n\r\n)",
        b"* 2 FETCH (UID 2001 " + head, b"\r\n\r\n)",
        b"* 2 FETCH (UID 2001 " + head, b"\r\n\r\n)",
        b"m1 OK done", b"m2 OK done",
    )  # fmt: skip
    found = list(fetch(wire.connection.converse, "INBOX", range(1, 2002)))
    assert [one.uid for one in found] == [1, 2001] and found[0].header == b"\r\n\r\n"


def test_nothing_is_said_while_replies_are_still_to_come(wire: Wire) -> None:
    wire.says(b"m1 OK", b"m2 OK")
    replies = wire.connection.converse([NOOP, NOOP])
    next(replies)
    with pytest.raises(RuntimeError):
        wire.connection.command("NOOP")
    assert len(list(replies)) == 1
    wire.says(b"m3 OK")
    wire.connection.command("NOOP")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"m9 OK of nobody", MalformedAnswer),
        (b"m1 MAYBE", MalformedAnswer),
        (b"+ go on", MalformedAnswer),
        (b"* BYE too many connections", ConnectionError),
    ],
)
def test_nonsense_ends_the_connection(wire: Wire, line: bytes, error: type[Exception]) -> None:
    wire.says(line)
    with pytest.raises(error):
        wire.connection.command("NOOP")
