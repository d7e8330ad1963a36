"""One IMAP connection: every command through one choke point, many under way at once, a deadline on each.

Commands are pipelined (RFC 9051 section 5.5): a window of them goes out in one write, and the replies are read as they
come. Below IMAPClient, which only opens the connection (`signin`): its own parser costs ten times as much.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from imapclient.exceptions import ProtocolError

from mailsync.errors import CollectionError
from mailsync.mailbox.line import Line
from mailsync.mailbox.login import ImapLogin
from mailsync.mailbox.traffic import Traffic
from mailsync.mailbox.wire import MalformedAnswer, Response
from mailsync.text import N_, one_line

#: Commands of one write, and the bytes after which no further one joins it.
WINDOW = 100
WINDOW_BYTES = 16 * 1024
#: The next write follows when no more than so many commands, and bytes, are unanswered: early enough that the server
#: does not wait for us, and never so much (32 kB) that both ends could wait for the other to read.
LOW_TIDE = 20
LOW_TIDE_BYTES = 8 * 1024

#: All that mailsync ever says to a mail server once it is logged in. No EXPUNGE, no CLOSE, no SEARCH, no DELETE.
COMMANDS = frozenset(
    {
        *(
            "LIST",
            "LSUB",
            "STATUS",
            "NAMESPACE",
            "NOOP",
            "EXAMINE",
            "SELECT",
            "UNSELECT",
            "CREATE",
            "RENAME",
            "SUBSCRIBE",
            "UNSUBSCRIBE",
            "NOTIFY",
        ),
        *("UID FETCH", "UID COPY", "UID MOVE", "UID STORE", "UID EXPUNGE"),
    }
)

#: After these the outcome of a command is unknown and the connection is of no more use.
DEAD = (OSError, imaplib.IMAP4.abort, ProtocolError, MalformedAnswer)

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_CODE = re.compile(rb"\[([A-Z0-9-]+)(?: ([^\]]*))?\]")
#: Of what a server says while it is idle: not its signs of life.
_HAPPENED = re.compile(rb"\* (?:\d+ (?:EXISTS|EXPUNGE|FETCH)|STATUS|LIST|VANISHED)\b")
#: Seconds after which a waiting connection looks up: whether it is asked to end.
IDLE_STEP = 0.5
_STATUS_RESPONSES = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})


class MailboxRefused(CollectionError):
    """The server answered NO or BAD; `code` is its response code (RFC 5530), "" where it gave none."""

    def __init__(self, template: str, *, code: str, **fields: object) -> None:
        super().__init__(template, **fields)
        self.code = code
        self.answer = str(fields.get("answer", ""))

    @property
    def says_missing(self) -> bool:
        """Of STATUS, SELECT, EXAMINE: there is no such mailbox. Dovecot and Cyrus say it in words, without a code."""
        return self.code == "NONEXISTENT" or (not self.code and "exist" in self.answer.lower())


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """One command; `mailbox` names in words what it is about."""

    name: str
    arguments: tuple[bytes, ...]
    mailbox: str = ""

    @classmethod
    def of(cls, name: str, *arguments: str | bytes, mailbox: str = "") -> Command:
        """Raises ValueError for what is never sent, and for an argument that could carry a second command."""
        if name not in COMMANDS:
            raise ValueError(f"{name} is never sent")
        encoded = tuple(one.encode("ascii") if isinstance(one, str) else one for one in arguments)
        if any(_CONTROL.search(argument) for argument in encoded):
            raise ValueError(f"control character in an argument of {name}")
        return cls(name, encoded, mailbox)


@dataclass(slots=True, eq=False)
class Reply:
    """What one command was answered with."""

    command: Command
    refusal: MailboxRefused | None = None
    responses: dict[str, list[Response]] = field(default_factory=dict)  #: untagged ones and codes, by type

    def of(self, kind: str) -> list[Response]:
        """The responses of a type: FETCH, LIST, COPYUID …"""
        return self.responses.get(kind, [])

    def number(self, kind: str) -> int | None:
        """A number that came with it: EXISTS, UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ …"""
        told = self.of(kind)
        return int(told[-1][0]) if told and told[-1][0].isdigit() else None

    def says(self, kind: str) -> bool:
        """Whether this code came with it: READ-ONLY …"""
        return kind in self.responses

    def checked(self) -> Reply:
        """This reply. Raises `MailboxRefused` where the server answered NO or BAD."""
        if self.refusal is not None:
            raise self.refusal
        return self

    def take(self, rest: bytes, literals: list[bytes]) -> None:
        """Note an untagged response, given without its `* `."""
        word, _, text = rest.partition(b" ")
        if word in _STATUS_RESPONSES:
            self._take_code(text)
        elif word.isdigit():
            kind, _, data = text.partition(b" ")
            self._note(kind, (data if data else word, literals))
        else:
            self._note(word, (text, literals))

    def finish(self, kind: bytes, text: bytes) -> None:
        """Note the tagged response."""
        if kind == b"OK":
            self._take_code(text)
        else:
            self.refusal = _refused(self.command, text)

    def _take_code(self, text: bytes) -> None:
        code = _CODE.match(text)
        if code is not None:
            self._note(code[1], (code[2] or b"", []))

    def _note(self, kind: bytes, response: Response) -> None:
        self.responses.setdefault(kind.decode("ascii", "replace").upper(), []).append(response)


class Connection:
    """A logged-in connection. `converse` and `idle` are the only ways to say anything over it."""

    def __init__(
        self,
        line: Line,
        login: ImapLogin,
        capabilities: frozenset[str],
        traffic: Traffic,
        software: str = "",
    ) -> None:
        self.capabilities = capabilities
        self.software = software  #: what the server says it is
        self._line = line
        self._login = login
        self._traffic = traffic
        self._count = 0
        self.talking = False  #: replies are still to come

    def command(self, name: str, *arguments: str | bytes, mailbox: str = "") -> Reply:
        """Say one command. Raises `MailboxRefused`, and what `converse` raises."""
        (reply,) = self.converse([Command.of(name, *arguments, mailbox=mailbox)])
        return reply.checked()

    def converse(self, commands: Iterable[Command]) -> Iterator[Reply]:
        """Say many commands, and yield what becomes of each, in the order they are completed.

        An untagged response is noted with the command that is longest under way. That need not be its own: Dovecot
        answers a second FETCH before it completes the first. So take FETCH, STATUS and COPYUID by what they name. Raises one of DEAD when the connection
        is of no more use; whoever stops listening before the end has to hang up.
        """
        if self.talking:
            raise RuntimeError("the replies to earlier commands have not all been read")
        self.talking = True
        waiting = iter(commands)
        under_way: dict[bytes, Reply] = {}
        while True:
            if len(under_way) <= LOW_TIDE and sum(map(_size, under_way.values())) <= LOW_TIDE_BYTES:
                self._send(waiting, under_way)
            if not under_way:
                break
            yield self._complete(under_way)
        self.talking = False

    def _send(self, waiting: Iterator[Command], under_way: dict[bytes, Reply]) -> None:
        """One write of as many commands as the window takes."""
        lines, size = [], 0
        for command in islice(waiting, WINDOW):
            self._count += 1
            tag = b"m%d" % self._count
            under_way[tag] = Reply(command)
            lines.append(b" ".join((tag, command.name.encode(), *command.arguments)) + b"\r\n")
            size += len(lines[-1])
            if size >= WINDOW_BYTES:
                break
        if lines:
            self._traffic.commands += len(lines)
            self._line.start_deadline(self._login.command_deadline)
            self._line.send(b"".join(lines))

    def _complete(self, under_way: dict[bytes, Reply]) -> Reply:
        """Read until one command is completed."""
        oldest = next(iter(under_way.values()))
        read = self._line.response
        while True:
            text, literals = read()
            if text.startswith(b"* "):
                oldest.take(text[2:], literals)
                if text.startswith(b"* BYE"):
                    raise ConnectionError(text[6:].decode("utf-8", "replace"))
                continue
            tag, _, rest = text.partition(b" ")
            kind, _, words = rest.partition(b" ")
            if tag not in under_way or kind not in (b"OK", b"NO", b"BAD"):
                raise MalformedAnswer(f"unexpected: {text[:80]!r}")
            reply = under_way.pop(tag)
            reply.finish(kind, words)
            self._line.start_deadline(self._login.command_deadline)
            return reply

    def idle(self, seconds: float, stop: Callable[[], bool]) -> Reply | None:
        """IDLE (RFC 2177) until something is said of a mailbox, for `seconds`, or until soon after `stop` says so; what
        was said, None where nothing was. Raises `MailboxRefused` where the server will not, or one of DEAD."""
        reply = Reply(Command("IDLE", ()))
        self._count += 1
        tag = b"m%d" % self._count
        self._traffic.commands += 1
        self._line.start_deadline(self._login.command_deadline)
        self._line.send(tag + b" IDLE\r\n")
        happened, waiting, done = False, False, False
        ends = self._line.clock() + seconds
        while True:
            if waiting and not done and not self._line.ready(IDLE_STEP):
                if stop() or self._line.clock() >= ends:
                    done = self._end_idling()
                continue
            self._line.start_deadline(self._login.command_deadline)
            text, literals = self._line.response()
            if text.startswith(b"+"):
                waiting = True
            elif text.startswith(tag + b" "):
                kind, _, words = text[len(tag) + 1 :].partition(b" ")
                if kind != b"OK":
                    raise _refused(reply.command, words)
                return reply if happened else None
            elif text.startswith(b"* BYE"):
                raise ConnectionError(text[6:].decode("utf-8", "replace"))
            elif _HAPPENED.match(text):
                reply.take(text[2:], literals)
                happened = True
                if waiting and not done:
                    done = self._end_idling()

    def _end_idling(self) -> bool:
        self._line.send(b"DONE\r\n")
        return True

    def hang_up(self) -> None:
        """Close the socket without a word: never CLOSE, and no LOGOUT to a server in doubt."""
        self._line.close()


def _size(reply: Reply) -> int:
    return sum(map(len, reply.command.arguments))


def _refused(command: Command, answer: bytes) -> MailboxRefused:
    code = _CODE.match(answer)
    return MailboxRefused(
        N_("The mail server refused {command} on the folder “{mailbox}”: {answer}"),
        code=code[1].decode() if code else "",
        command=command.name,
        mailbox=command.mailbox,
        answer=one_line(answer.decode("utf-8", "replace"))[:300],
    )
