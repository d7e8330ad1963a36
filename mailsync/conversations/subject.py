"""The core of a subject: what is left when reply and forward marks, mailing-list tags and gateway tags are peeled off
(DOMAIN 6). Pure, and linear in the length of the subject: real stacks of marks run past fifteen deep, hostile ones further.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from mailsync.conversations.marks import (
    GATEWAY_BRACKETS,
    LONGEST,
    LONGEST_TAG,
    MARKS,
    TAG_BRACKETS,
    TRAILING,
    WRAPPED,
    fold_word,
)
from mailsync.text import one_line

#: A longer subject is read up to here (RFC 5322 section 2.1.1: no line of a header is longer).
LONGEST_SUBJECT = 998

IsCode = Callable[[str], bool]

#: `RE[2]`, `Re(3)`, `Re^4`, `Re*5`: the counter some programs write instead of repeating the mark.
_COUNTER = re.compile(r" ?(?:\[[0-9a-z]{1,4}\]|\([0-9]{1,4}\)|[\^*][0-9]{1,4})\Z", re.IGNORECASE)
#: `Re2`: only behind two letters, since `R2` may be a code that lacks its zero.
_DIGIT = re.compile(r"(?<=[^\W\d_]{2})[2-9]\Z")
#: What belongs to a mark or tag in front of it: another colon, and behind a tag a dash that stands alone.
_BEHIND_MARK = re.compile(r"[ :]+")
_BEHIND_TAG = re.compile(r"(?:[ :]|[-–—]+(?= ))+")
#: The shape of a code where no registry is at hand.
_CODE_SHAPE = re.compile(r"[A-Z]{1,2}[0-9]{2,5}(?: [A-Z]{2}[A-Z0-9]{2,4})?")
_SQUARE = re.compile(r"[\[\]]")
_OPENING = frozenset(TAG_BRACKETS.keys() | GATEWAY_BRACKETS.keys())
#: A forwarded subject in brackets holds no more brackets than this: it keeps the work linear.
MOST_BRACKETS = 40
#: Characters nobody sees, pasted from chats and web pages; the two joiners that shape letters and emoji stay.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_LIKE_COLON = ("∶", "꞉")
#: The full-width signs of everyday subjects; each is one character after NFKC as well.
_WIDE_SIGNS = (("：", ":"), ("（", "("), ("）", ")"), ("，", ","), ("！", "!"), ("？", "?"))


@dataclass(frozen=True, slots=True)
class Written:
    """A subject as written, and the same folded (NFKC) for reading, aligned character by character."""

    text: str
    folded: str
    offsets: tuple[int, ...] | None  #: index in `folded` → index in `text`; None where they are the same

    def at(self, index: int) -> int:
        """The place in `text` of a place in `folded`."""
        return index if self.offsets is None else self.offsets[index]

    def between(self, start: int, end: int) -> str:
        """What was written where `folded[start:end]` is read."""
        return self.text[self.at(start) : self.at(end)]


@dataclass(frozen=True, slots=True)
class Peeled:
    """A subject and where its core lies in `written.folded`."""

    written: Written
    start: int
    end: int

    @property
    def core(self) -> str:
        return self.written.folded[self.start : self.end]


def clean(text: str) -> str:
    """One line, at most `LONGEST_SUBJECT` characters, white space collapsed, invisible characters gone, NFC."""
    line = one_line(text[: 4 * LONGEST_SUBJECT])
    if not line.isascii():
        if not line.isprintable():
            line = " ".join(_INVISIBLE.sub("", line).split())
        line = unicodedata.normalize("NFC", line)
    return line[:LONGEST_SUBJECT].rstrip()


def read(text: str) -> Written:
    """Clean a subject and fold it for reading."""
    line = clean(text)
    if line.isascii():
        return Written(line, line, None)
    plain = line
    for wide, narrow in _WIDE_SIGNS:
        plain = plain.replace(wide, narrow)
    if unicodedata.is_normalized("NFKC", plain):
        return Written(line, _with_colons(plain), None)
    pieces = [unicodedata.normalize("NFKC", character) for character in line]
    offsets = [place for place, piece in enumerate(pieces) for _ in piece]
    return Written(line, _with_colons("".join(pieces)), (*offsets, len(line)))


def _with_colons(folded: str) -> str:
    for sign in _LIKE_COLON:
        folded = folded.replace(sign, ":")
    return folded


def code_shaped(text: str) -> bool:
    """Whether a bracket holds what looks like a code, where no registry is at hand."""
    return _CODE_SHAPE.fullmatch(text) is not None


def peel(written: Written, is_code: IsCode = code_shaped) -> Peeled:
    """Peel marks and tags together, one at a time, from both ends. A bracket for which `is_code` holds is no tag."""
    folded = written.folded
    start, end = 0, len(folded)
    while True:
        while start < end and folded[start] == " ":
            start += 1
        while end > start and folded[end - 1] == " ":
            end -= 1
        if after := _mark(folded, start, end, is_code):
            start = _behind(_BEHIND_MARK, folded, after, end)
        elif start == end or (folded[start] not in _OPENING and folded[end - 1] != ")"):
            return Peeled(written, start, end)
        elif after := _forward_wrap(folded, start, end, is_code):
            start, end = after, end - 1
        elif (after := _tag(folded, start, end, is_code)) or (after := _gateway(folded, start, end)):
            start = _behind(_BEHIND_TAG, folded, after, end)
        elif before := _trailing_mark(folded, start, end):
            end = before
        else:
            return Peeled(written, start, end)


def core_subject(text: str, is_code: IsCode = code_shaped) -> str:
    """The core subject of DOMAIN 6: NFKC, without marks and tags. Peeling it again changes nothing."""
    folded = clean(unicodedata.normalize("NFKC", clean(text)))
    return clean(peel(read(folded), is_code).core)


def _behind(separators: re.Pattern[str], folded: str, start: int, end: int) -> int:
    """Where the text behind a mark or tag begins; `start` where nothing would be left."""
    found = separators.match(folded, start, end)
    return found.end() if found and found.end() < end else start


def _mark(folded: str, start: int, end: int, is_code: IsCode) -> int:
    """Where a mark that begins at `start` ends, behind its colon; 0 where there is none."""
    colon = folded.find(":", start, min(end, start + LONGEST))
    if colon <= start:
        return 0
    label = folded[start:colon].rstrip()
    if label.isalpha():
        return colon + 1 if fold_word(label) in MARKS else 0
    if counter := _COUNTER.search(label):
        label = label[: counter.start()]
    elif (digit := _DIGIT.search(label)) and not is_code(label):
        label = label[: digit.start()]
    return colon + 1 if fold_word(label) in MARKS else 0


def _forward_wrap(folded: str, start: int, end: int, is_code: IsCode) -> int:
    """Where `[Fwd: ` of an old program's `[Fwd: whole subject]` ends (RFC 5256 section 2.1); 0 where there is none."""
    if start >= end or folded[start] != "[" or folded[end - 1] != "]":
        return 0
    after = _mark(folded, start + 1, end - 1, is_code)
    return after if after and _closes_at(folded, start, end) else 0


def _closes_at(folded: str, start: int, end: int) -> bool:
    """Whether the bracket opened at `start` is closed by the last one before `end` and not earlier."""
    depth = 0
    for bracket in islice(_SQUARE.finditer(folded, start, end), MOST_BRACKETS):
        depth += 1 if bracket[0] == "[" else -1
        if depth == 0:
            return bracket.end() == end
    return False


def _tag(folded: str, start: int, end: int, is_code: IsCode) -> int:
    """Where a bracketed tag ends; 0 where there is none, it is a code, or nothing would be left."""
    closing = TAG_BRACKETS.get(folded[start]) if start < end else None
    if closing is None:
        return 0
    close = folded.find(closing, start + 1, min(end, start + LONGEST_TAG))
    if close < 0 or close + 1 >= end or is_code(folded[start + 1 : close].strip()):
        return 0
    if folded[start] in folded[start + 1 : close]:
        return 0
    return close + 1


def _gateway(folded: str, start: int, end: int) -> int:
    """Where `***SPAM***`, `{Spam?}`, `(External)` end; 0 where there is none, or nothing would be left."""
    closing = GATEWAY_BRACKETS.get(folded[start]) if start < end else None
    if closing is None:
        return 0
    opened = start + 1
    while opened < end and folded[opened] == closing == "*":
        opened += 1
    close = folded.find(closing, opened, min(end, opened + LONGEST))
    if close < 0 or fold_word(folded[opened:close]).strip("!? ") not in WRAPPED:
        return 0
    while close < end and folded[close] == closing:
        close += 1
    return close if close < end else 0


def _trailing_mark(folded: str, start: int, end: int) -> int:
    """Where ` (fwd)` at the end begins; 0 where there is none."""
    if end <= start or folded[end - 1] != ")":
        return 0
    opened = folded.rfind("(", max(start, end - 12), end)
    return opened if opened > start and fold_word(folded[opened + 1 : end - 1]) in TRAILING else 0
