"""A bare pipelining IMAP client that files mail and does nothing else: what filing must cost at least.

No index, no journal, no report, no second look: it reads the headers that mailsync reads, finds a known address by one
regular expression, and copies the messages into their folders. `bench_filing` compares mailsync with it.

    python -m tests.benchmarks.floor_mail --host 127.0.0.1 --port PORT --user USER --password WORD --customers FILE

FILE is a JSON object: address → folder. Prints one JSON object: seconds, counts and bytes. ASCII folder names only.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mailsync.mailbox.headers import FIELDS

SOURCES = ("INBOX", "Sent")
#: Messages of one FETCH.
CHUNK = 2000
#: Commands that wait for their answer at a time, and their bytes: one long write without reading can deadlock.
WINDOW = 100
WINDOW_BYTES = 32 * 1024
#: Of the UIDs in one command line: servers refuse longer ones (Dovecot at 64 kB).
LONGEST_SET = 7500
RECEIVE_BYTES = 256 * 1024

_HEADERS = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({' '.join(FIELDS)})]<0.262144>)"
_UID = re.compile(rb"UID (\d+)")
_UIDNEXT = re.compile(rb"\[UIDNEXT (\d+)\]")
_LISTED = re.compile(rb'\* LIST \([^)]*\) (?:NIL|"[^"]*") (?:"(.*)"|(\S+))$')
_ADDRESS = re.compile(rb"[\w.+-]+@[\w.-]+")

Untagged = Callable[[bytes, bytes], None]  #: takes a line, and its literal or b""


class Refused(Exception):
    """The server answered NO or BAD: the measurement is worth nothing."""


class Wire:
    """One connection. Commands are written as far as the window allows, answers are read meanwhile."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer, self._at = b"", 0
        self._has_written = False
        self.turns = self.commands = self.bytes_up = self.bytes_down = 0
        self._line()

    def run(self, commands: Iterable[str], untagged: Untagged = lambda line, literal: None) -> list[bytes]:
        """Say all commands; answers their tagged lines, without the tag. Raises `Refused`."""
        said = iter(commands)
        waiting: deque[int] = deque()
        tagged: list[bytes] = []
        self._fill(said, waiting)
        while waiting:
            line, literal = self._answer()
            if line.startswith(b"*"):
                untagged(line, literal)
                continue
            _tag, _, text = line.partition(b" ")
            if not text.startswith(b"OK"):
                raise Refused(line.decode("ascii", "replace"))
            waiting.popleft()
            tagged.append(text)
            if len(waiting) <= WINDOW // 2:  # half at a time, so that one packet carries many
                self._fill(said, waiting)
        return tagged

    def _fill(self, said: Iterator[str], waiting: deque[int]) -> None:
        batch: list[bytes] = []
        unanswered = sum(waiting)
        while len(waiting) < WINDOW and unanswered < WINDOW_BYTES:
            command = next(said, None)
            if command is None:
                break
            self.commands += 1
            batch.append(f"a{self.commands} {command}\r\n".encode("ascii"))
            waiting.append(len(batch[-1]))
            unanswered += len(batch[-1])
        if batch:
            written = b"".join(batch)
            self._socket.sendall(written)
            self.bytes_up += len(written)
            self._has_written = True

    def _answer(self) -> tuple[bytes, bytes]:
        """One answer as its text, and its last literal, taken by its length."""
        line, literal = self._line(), b""
        while line.endswith(b"}"):
            head, _, size = line[:-1].rpartition(b"{")
            literal = self._take(int(size))
            line = head + self._line()
        return line, literal

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n", self._at)) < 0:
            self._receive()
        line = self._buffer[self._at : end]
        self._at = end + 2
        return line

    def _take(self, size: int) -> bytes:
        while len(self._buffer) - self._at < size:
            self._receive()
        taken = self._buffer[self._at : self._at + size]
        self._at += size
        return taken

    def _receive(self) -> None:
        if self._has_written:
            self.turns += 1
            self._has_written = False
        received = self._socket.recv(RECEIVE_BYTES)
        if not received:
            raise Refused("the server closed the connection")
        self.bytes_down += len(received)
        self._buffer, self._at = self._buffer[self._at :] + received, 0


@dataclass(kw_only=True)
class Box:
    """One source mailbox: which of its messages go where, and what each step took."""

    name: str
    wire: Wire
    messages: int = 0
    by_folder: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def filed(self) -> int:
        """Messages that belong to a customer."""
        return sum(map(len, self.by_folder.values()))

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add what the block takes to a step's seconds."""
        started = time.perf_counter()
        yield
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - started


def main() -> int:
    """File, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--customers", type=Path, required=True, metavar="FILE")
    parser.add_argument("--connections", type=int, choices=(1, 2), default=2)
    parser.add_argument("--way", choices=("copy", "move"), default="copy")
    options = parser.parse_args()
    folders = {
        address.lower().encode(): folder
        for address, folder in json.loads(options.customers.read_text()).items()
    }
    started = time.perf_counter()
    wires = [Wire(options.host, options.port) for _ in range(options.connections)]
    with ThreadPoolExecutor(len(wires)) as pool:
        login = f"LOGIN {quoted(options.user)} {quoted(options.password)}"
        list(pool.map(lambda wire: wire.run([login]), wires))
        boxes = [Box(name=name, wire=wire) for name, wire in zip(SOURCES, (wires[0], wires[-1]), strict=True)]
        steps = file_all(pool, boxes, folders, options.way)
    told = {
        "seconds": time.perf_counter() - started,
        "phases": {"shared": steps, **{box.name: box.seconds for box in boxes}},
        "messages": sum(box.messages for box in boxes),
        "filed": sum(box.filed for box in boxes),
        "turns": max(wire.turns for wire in wires),
        "commands": sum(wire.commands for wire in wires),
        "bytes_up": sum(wire.bytes_up for wire in wires),
        "bytes_down": sum(wire.bytes_down for wire in wires),
    }
    sys.stdout.write(f"{json.dumps(told)}\n")
    return 0


def file_all(
    pool: Executor, boxes: Sequence[Box], folders: Mapping[bytes, str], way: str
) -> dict[str, float]:
    """Read all, make the folders that are missing, then file. Answers the seconds of what is done once."""
    first = boxes[0].wire
    began = time.perf_counter()
    existing = listed(first)
    read_from = time.perf_counter()
    list(pool.map(lambda box: read(box, folders), boxes))
    create_from = time.perf_counter()
    create(first, {folder for box in boxes for folder in box.by_folder} - existing)
    file_from = time.perf_counter()
    list(pool.map(lambda box: move_out(box, way, is_selected=boxes[0].wire is not boxes[1].wire), boxes))
    return {
        "list": read_from - began,
        "read": create_from - read_from,
        "create": file_from - create_from,
        "file": time.perf_counter() - file_from,
    }


def listed(wire: Wire) -> set[str]:
    """The names of all mailboxes."""
    names: set[str] = set()

    def note(line: bytes, literal: bytes) -> None:
        if match := _LISTED.match(line):
            names.add((match[1] or match[2] or literal).decode("ascii"))

    wire.run(['LIST "" "*"'], note)
    return names


def read(box: Box, folders: Mapping[bytes, str]) -> None:
    """Fetch the headers of a whole mailbox and note whose each message is."""
    with box.timed("select"):
        uidnext = select(box)
    fetched: list[tuple[int, bytes]] = []

    def note(line: bytes, literal: bytes) -> None:
        if literal and (match := _UID.search(line)):
            fetched.append((int(match[1]), literal))
            if len(fetched) >= CHUNK:
                match_addresses(box, fetched, folders)

    with box.timed("fetch and match"):
        chunks = (f"{first}:{min(first + CHUNK, uidnext) - 1}" for first in range(1, uidnext, CHUNK))
        box.wire.run((f"UID FETCH {chunk} {_HEADERS}" for chunk in chunks), note)
        match_addresses(box, fetched, folders)


def select(box: Box) -> int:
    """Open the mailbox; answers its UIDNEXT."""
    found: list[int] = []

    def note(line: bytes, _literal: bytes) -> None:
        if match := _UIDNEXT.search(line):
            found.append(int(match[1]))

    box.wire.run([f"SELECT {quoted(box.name)}"], note)
    return found[0]


def match_addresses(box: Box, fetched: list[tuple[int, bytes]], folders: Mapping[bytes, str]) -> None:
    """Sort messages under the folder of the first known address; empties `fetched`, so that memory stays small."""
    with box.timed("of that, match"):
        for uid, header in fetched:
            for address in _ADDRESS.findall(header.lower()):
                if folder := folders.get(address):
                    box.by_folder[folder].append(uid)
                    break
        box.messages += len(fetched)
        fetched.clear()


def create(wire: Wire, missing: Iterable[str]) -> None:
    """Make folders and subscribe to them."""
    wire.run(f"{verb} {quoted(folder)}" for folder in sorted(missing) for verb in ("CREATE", "SUBSCRIBE"))


def move_out(box: Box, way: str, *, is_selected: bool) -> None:
    """File what was found. Copies to all folders first, then one removal: on Maildir a MOVE costs far more."""
    if not is_selected:
        select(box)
    verb = "UID COPY" if way == "copy" else "UID MOVE"
    with box.timed(verb.lower()):
        box.wire.run(
            f"{verb} {uids} {quoted(folder)}"
            for folder in sorted(box.by_folder)
            for uids in uid_sets(box.by_folder[folder])
        )
    if way == "copy":
        with box.timed("expunge"):
            gone = list(uid_sets(uid for uids in box.by_folder.values() for uid in uids))
            box.wire.run(
                [f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)" for uids in gone]
                + [f"UID EXPUNGE {uids}" for uids in gone]
            )


def uid_sets(uids: Iterable[int]) -> Iterator[str]:
    """UIDs as sequence sets, runs as ranges, each short enough for one line."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    text = ""
    for first, last in runs:
        one = f"{first}:{last}" if last > first else str(first)
        if text and len(text) + len(one) >= LONGEST_SET:
            yield text
            text = ""
        text = f"{text},{one}" if text else one
    if text:
        yield text


def quoted(text: str) -> str:
    """A quoted string (RFC 9051 section 4.3)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    sys.exit(main())
