"""Address headers → addresses (RFC 5322 section 3.4), as tolerant as real mail needs, in linear time. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from mailsync.mailbox.encoded_words import cap_words, decode_words, without_surrogates
from mailsync.mailbox.headers import Address
from mailsync.text import fold_address, normalise_address, one_line

#: Of one header.
MOST_ADDRESSES = 500
MOST_TOKENS = 3000
LONGEST_NAME = 320
LONGEST_ADDRESS = 320
#: Of all different domains of one message that are written beyond ASCII: a hundred of usual length. Spelling one in ASCII
#: takes a tenth of a millisecond.
MOST_FOREIGN = 1600

_PLAIN_TOKENS = (
    r"|<(?P<angle>[^<>]*)>"
    r"|(?P<literal>\[[^\[\]]*\])"
    r"|(?P<mark>[(),;:])"
    r'|(?P<atom>[^\s"<>(),;:\[\]]+)'
    r'|(?P<other>["<>\[\]])'
)
_TOKEN = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"' + _PLAIN_TOKENS, re.S)
#: Once a quote was never closed no later one is looked at: looking again and again is quadratic.
_UNQUOTED_TOKEN = re.compile(r"(?P<quoted>(?!))" + _PLAIN_TOKENS, re.S)
_COMMENT_MARK = re.compile(r"\\.|[()]", re.S)
_ESCAPED = re.compile(r"\\(.)", re.S)
_BARE = re.compile(r"[^\s<>\"'(),;:@]+@[^\s<>\"'(),;:@]+")
_SENSELESS = re.compile(r"[\s\x00-\x1f\x7f<>\"(),;]")
_QUOTED_LOCAL = re.compile(r'"([^"\s\\]+)"@')
#: What nearly every address header is made of: plain addresses, alone or in angles after a plain or quoted name.
_PLAIN = re.compile(
    r"\s*(?:"
    r'(?:"([^"\\]*)"|([^"<>(),;:@\\\[\]]*))\s*<([^<>()\[\],;:@\\"\s]+@[^<>()\[\],;:@\\"\s]+)>'
    r"|([^<>()\[\],;:@\\\"\s]+@[^<>()\[\],;:@\\\"\s]+)"
    r")\s*(?:,|$)"
)


@dataclass(slots=True)
class ForeignDomains:
    """Spells the domains of one message in ASCII (IDNA), as long as their characters are no more than `MOST_FOREIGN`."""

    seen: set[str] = field(default_factory=set)
    left: int = MOST_FOREIGN

    def spell(self, address: Address) -> Address:
        domain = address.address.rpartition("@")[2]
        if domain.isascii():
            return address
        if domain not in self.seen:
            if len(domain) > self.left:
                return address
            self.seen.add(domain)
            self.left -= len(domain)
        return replace(address, address=normalise_address(address.address))


def parse_addresses(text: str, domains: ForeignDomains | None = None) -> tuple[Address, ...]:
    """The mailboxes of an address header, in their order; names of groups and parts without an address are dropped.

    Takes the header as text with its encoded words still in it: a decoded comma must not tear a name. At most 500.
    `domains`: shared by the headers of one message.
    """
    capped = cap_words(text, MOST_ADDRESSES)
    plain = _parse_plain(capped)
    found = _parse_carefully(capped) if plain is None else plain
    if all(one.address.isascii() for one in found):
        return found
    domains = domains or ForeignDomains()
    return tuple(domains.spell(one) for one in found)


def _parse_carefully(text: str) -> tuple[Address, ...]:
    found: list[Address] = []
    for piece in _Scanner(text).pieces():
        found += piece.addresses()
        if len(found) >= MOST_ADDRESSES:
            break
    return tuple(found[:MOST_ADDRESSES])


def _parse_plain(text: str) -> tuple[Address, ...] | None:
    """The same for a header of `_PLAIN` parts only, four times as fast; None for any other."""
    found: list[Address] = []
    position, end = 0, len(text)
    while position < end:
        match = _PLAIN.match(text, position)
        if match is None or len(found) == MOST_ADDRESSES:
            return None
        position = match.end()
        quoted, name, angle, bare = match.groups()
        found += _some(_address(quoted or name or "", angle or bare))
    return tuple(found)


@dataclass(slots=True)
class _Piece:
    """What stands between two commas."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: str | None = None
    complete: bool = False  #: a word holds an address already, or may once it is decoded

    def add(self, word: str, touches: bool) -> None:
        """`touches`: no blank before it, as in a quoted or literal part of an address."""
        if touches and self.words and ("@" in word[:1] or self.words[-1].endswith("@")):
            self.words[-1] += word
        else:
            self.words.append(word)
        self.complete = self.complete or "@" in word or "=?" in word

    @property
    def unfinished_name(self) -> bool:
        return bool(self.words) and self.angle is None and not self.complete

    def addresses(self) -> list[Address]:
        if self.angle is not None:
            name = " ".join(self.words).replace(" ,", ",") or " ".join(self.comments)
            return _some(_address(name, self.angle))
        if not self.complete:
            return []
        bare = [word for word in self.words if "@" in word[1:-1]]
        if len(bare) == 1:
            name = " ".join(word for word in self.words[self._after_comma() :] if word is not bare[0])
            return _some(_address(name or " ".join(self.comments), bare[0]))
        if bare:  # blanks instead of commas between addresses
            return [address for word in bare for address in _some(_address("", word))]
        if any("@" in word for word in self.words):
            # The obsolete form with blanks inside: "jane . roe @ example.com".
            return _some(_address(" ".join(self.comments), "".join(self.words)))
        return self._inside_encoded_word()

    def _after_comma(self) -> int:
        return len(self.words) - self.words[::-1].index(",") if "," in self.words else 0

    def _inside_encoded_word(self) -> list[Address]:
        decoded = decode_words(" ".join(self.words)[: 4 * LONGEST_NAME])
        inside = _BARE.search(decoded)
        return _some(_address(decoded[: inside.start()].rstrip(" <\"'("), inside[0])) if inside else []


class _Scanner:
    """Cuts a header at its commas; semicolons cut too (Outlook), a colon ends the name of a group."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.token = _TOKEN
        self.comments_close = True
        self.tokens_left = MOST_TOKENS

    def pieces(self) -> Iterator[_Piece]:
        piece, end = _Piece(), -1
        while self.tokens_left and (token := self.token.search(self.text, self.position)):
            self.tokens_left -= 1
            touches, self.position = token.start() == end, token.end()
            end = self.position
            match token.lastgroup:
                case "mark" if token[0] == "(":
                    piece.comments += self._comment()
                case "mark" if token[0] == "," and piece.unfinished_name:
                    piece.words.append(",")  # an unquoted "Roe, Jane <jane@example.com>"
                case "mark" if token[0] in ",;":
                    yield piece
                    piece = _Piece()
                case "mark" if token[0] == ":" and piece.unfinished_name:
                    piece = _Piece()
                case "angle" if piece.angle is None:
                    piece.angle = token["angle"]
                case "quoted":
                    piece.add(_ESCAPED.sub(r"\1", token["quoted"]), touches)
                case "atom" | "literal":
                    piece.add(token[0], touches)
                case "other" if token[0] == '"':
                    self.token = _UNQUOTED_TOKEN
        yield piece

    def _comment(self) -> list[str]:
        """The comment that begins here. Comments nest: counted, never by recursion, and given up once one never ends."""
        start, depth = self.position, 1
        if not self.comments_close:
            return []
        position = start
        while depth and self.tokens_left and (mark := _COMMENT_MARK.search(self.text, position)):
            self.tokens_left -= 1
            position = mark.end()
            depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth:
            self.comments_close = False
            return []
        self.position = position
        return [self.text[start : position - 1]]


def _some(address: Address | None) -> list[Address]:
    return [] if address is None else [address]


def _address(name: str, written: str) -> Address | None:
    bare = written.strip().strip("'")
    if bare.lower().startswith("mailto:"):
        bare = bare[len("mailto:") :]
    if bare.startswith("@") and ":" in bare:  # a route (RFC 5322 section 4.4)
        bare = bare.rpartition(":")[2]
    if len(bare) > 4 * LONGEST_ADDRESS:
        return None
    return _known(name[: 40 * LONGEST_NAME], bare)


@lru_cache(maxsize=65536)
def _known(name: str, bare: str) -> Address | None:
    address = fold_address(_QUOTED_LOCAL.sub(r"\1@", without_surrogates("".join(bare.split()))))
    local, _, domain = address.rpartition("@")
    if not local or not domain or len(address) > LONGEST_ADDRESS or _SENSELESS.search(address):
        return None
    shown = one_line(decode_words(name))[:LONGEST_NAME].strip()
    if len(shown) > 1 and shown[0] == shown[-1] == "'":
        shown = shown[1:-1].strip()
    return Address(name=without_surrogates(shown), address=address)
