"""What goes over the wire as bytes: UID sets, mailbox names, and the answers to LIST, STATUS and FETCH. Pure.

IMAPClient's own parser costs 75–190 µs a message, this one about 10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from imapclient import imap_utf7

from mailsync.mailbox.folders import AS_SPELT, Folder

#: One response: its text without the type, `{n}` where a literal stood, and the literals.
Response = tuple[bytes, list[bytes]]

LONGEST_UID = 2**32 - 1
#: Of one command line: servers refuse longer ones (Dovecot at 64 kB).
LONGEST_SET = 8000

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"),
        start=1,
    )
}
_DATE = re.compile(rb'" ?(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"')
_STRING = rb'"(?:[^"\\]|\\.)*"'
_ITEM = re.compile(
    rb"([A-Za-z0-9.]+(?:\[[^\]]*\])?)(?:<\d+>)? (" + _STRING + rb"|\([^()]*\)|\{\d+\+?\}|[^ ()]+)", re.S
)
_LIST = re.compile(rb"\(([^)]*)\) (NIL|" + _STRING + rb") (" + _STRING + rb"|\{\d+\}|[^ ]+)", re.S)
_STATUS = re.compile(rb"(" + _STRING + rb"|\{\d+\}|[^ ]+) ?\(([^)]*)\)", re.S)
_NAMESPACE = re.compile(rb"\(\((" + _STRING + rb") (NIL|" + _STRING + rb")")
_ESCAPED = re.compile(rb"\\(.)", re.S)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class MalformedAnswer(Exception):
    """The server sent what no client can read; the connection is of no more use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedItems:
    """One FETCH answer. What was not asked for, or not sent, is None."""

    uid: int | None
    flags: frozenset[str] | None
    internal_date: datetime | None
    size: int | None
    body: bytes | None  #: the one BODY[…] section asked for


def uid_set(uids: Iterable[int]) -> str:
    """UIDs as a sequence set, runs as ranges: `1:3,7` (RFC 9051 section 9). Raises ValueError for what is no UID."""
    runs: list[list[int]] = []
    for uid in sorted(set(uids)):
        if isinstance(uid, bool) or not isinstance(uid, int) or not 0 < uid <= LONGEST_UID:
            raise ValueError(f"{uid!r} is no UID")
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(f"{first}:{last}" if last > first else str(first) for first, last in runs)


def uid_sets(uids: Iterable[int], most: int = 2000) -> Iterator[str]:
    """`uids` as sets of at most `most` UIDs and 8,000 letters each, ascending."""
    ordered = sorted(set(uids))
    start = 0
    while start < len(ordered):
        taken = most
        while len(text := uid_set(ordered[start : start + taken])) > LONGEST_SET:
            taken //= 2
        yield text
        start += taken


def parse_uid_set(text: bytes) -> list[int]:
    """A sequence set in its written order: `4:3,7` is 3, 4, 7 (RFC 9051: the order in a range means nothing)."""
    uids: list[int] = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        try:
            low, high = sorted((int(first), int(last or first)))
        except ValueError as error:
            raise MalformedAnswer(f"UID set {text[:60]!r}") from error
        if high - low > 10_000_000:
            raise MalformedAnswer(f"UID set {text[:60]!r}")
        uids += range(low, high + 1)
    return uids


def copied_uids(answers: Sequence[Response]) -> dict[int, int] | None:
    """COPYUID answers (RFC 4315) as source UID → destination UID; None where there is none."""
    if not answers:
        return None
    pairs: dict[int, int] = {}
    for text, _ in answers:
        parts = text.split()
        if len(parts) == 3:
            pairs.update(zip(parse_uid_set(parts[1]), parse_uid_set(parts[2]), strict=False))
    return pairs or None


def encode_name(mailbox: str) -> bytes:
    """A mailbox name as a quoted string in modified UTF-7 (RFC 3501 section 5.1.3), or as its server spells it. Raises
    UnicodeEncodeError."""
    spelt: bytes = _spelling(mailbox) or imap_utf7.encode(mailbox)
    return b'"' + spelt.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def decode_name(raw: bytes) -> str | None:
    """A mailbox name in words, from which `encode_name` makes the same bytes again; None where that cannot be.

    Servers that took raw UTF-8 or a bare `&` from some mail program list it so: such a name ends with `AS_SPELT`.
    """
    if raw.upper() == b"INBOX":
        return "INBOX"
    name = _of_utf7(raw)
    if name is not None:
        return name if _spelling(name) is None else None
    if _CONTROL.search(raw):
        return None
    try:
        return raw.decode("utf-8") + AS_SPELT
    except UnicodeDecodeError:
        return None


def _of_utf7(raw: bytes) -> str | None:
    try:
        name: str = imap_utf7.decode(raw)
        return name if imap_utf7.encode(name) == raw else None
    except ValueError:  # UnicodeError among them
        return None


def _spelling(name: str) -> bytes | None:
    """What is sent for a name that is no modified UTF-7; None for every other one, even if `AS_SPELT` ends it."""
    if not name.endswith(AS_SPELT):
        return None
    raw = name.removesuffix(AS_SPELT).encode("utf-8", "surrogatepass")
    return raw if decode_name(raw) == name else None


def parse_list(answers: Sequence[Response]) -> tuple[list[Folder], list[str]]:
    """LIST answers as folders without counters, and the names that could not be read."""
    folders: list[Folder] = []
    broken: list[str] = []
    for text, literals in answers:
        match = _LIST.match(text)
        if match is None:
            continue
        raw = _string(match[3], literals)
        name = decode_name(raw)
        if name is None:
            broken.append(raw.decode("ascii", "backslashreplace"))
            continue
        separator = None if match[2] == b"NIL" else _string(match[2], []).decode("ascii", "replace")
        flags = frozenset(flag.lower() for flag in match[1].decode("ascii", "replace").split())
        folders.append(Folder(name=name, separator=separator, flags=flags))
    return folders, broken


def parse_status(answers: Sequence[Response]) -> dict[str, dict[str, int]]:
    """STATUS answers: mailbox → item (upper case) → number."""
    counters: dict[str, dict[str, int]] = {}
    for text, literals in answers:
        match = _STATUS.match(text)
        name = decode_name(_string(match[1], literals)) if match else None
        if match is None or name is None:
            continue
        words = match[2].split()
        pairs = zip(words[::2], words[1::2], strict=False)
        counters[name] = {
            key.decode("ascii", "replace").upper(): int(value) for key, value in pairs if value.isdigit()
        }
    return counters


def parse_namespace(answers: Sequence[Response]) -> tuple[str, str | None] | None:
    """Prefix and separator of the first personal namespace (RFC 2342)."""
    for text, _ in answers:
        match = _NAMESPACE.match(text)
        prefix = _of_utf7(_string(match[1], [])) if match else None
        if match and prefix is not None:
            return prefix, None if match[2] == b"NIL" else _string(match[2], []).decode("ascii", "replace")
    return None


def parse_fetch(answers: Sequence[Response]) -> Iterator[FetchedItems]:
    """FETCH answers, in the server's order, unasked ones (flags changed elsewhere) among them."""
    for text, literals in answers:
        items: dict[bytes, bytes] = {}
        waiting = iter(literals)
        for key, value in _ITEM.findall(text, text.find(b"(") + 1):
            section = key.upper().partition(b"[")[0]
            items[section] = next(waiting, b"") if value.startswith(b"{") else value
            if section == b"BODY" and not value.startswith(b"{"):
                items[section] = b"" if value == b"NIL" else _string(value, [])
        yield FetchedItems(
            uid=_number(items, b"UID"),
            flags=_flags(items.get(b"FLAGS")),
            internal_date=_internal_date(items.get(b"INTERNALDATE")),
            size=_number(items, b"RFC822.SIZE"),
            body=items.get(b"BODY"),
        )


def _string(value: bytes, literals: Sequence[bytes]) -> bytes:
    if value.startswith(b"{") and literals:
        return literals[0]
    return _ESCAPED.sub(rb"\1", value[1:-1]) if value.startswith(b'"') else value


def _number(items: Mapping[bytes, bytes], key: bytes) -> int | None:
    value = items.get(key)
    if value is None:
        return None
    if not value.isdigit():
        raise MalformedAnswer(f"{key.decode()} {value[:40]!r}")
    return int(value)


def _flags(value: bytes | None) -> frozenset[str] | None:
    if value is None:
        return None
    return frozenset(value[1:-1].decode("utf-8", "replace").split()) - {"\\Recent"}


def _internal_date(value: bytes | None) -> datetime | None:
    match = _DATE.fullmatch(value) if value is not None else None
    if match is None:
        return None
    day, name, year, hour, minute, second, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == b"-" else 1)
    try:
        return datetime(
            int(year),
            _MONTHS[name.title()],
            int(day),
            int(hour),
            int(minute),
            int(second),
            tzinfo=timezone(offset),
        )
    except (KeyError, ValueError):
        return None
