"""Header bytes → text: raw 8-bit headers and encoded words (RFC 2047), as tolerant as real mail needs. Pure."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from functools import lru_cache

#: Of one header value; a hostile one has 60,000.
MOST_WORDS = 200

_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")
_TWO_HIGH = re.compile(rb"[\x80-\xff]{2}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
#: Python codecs that are no character sets of mail, or grow quadratically.
_REFUSED = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
#: Names seen in real mail, and the character set that reads them: GB18030 holds GB2312 and GBK, and mail that says
#: gb2312 is full of characters that only the larger set has.
_ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb2312-80": "gb18030",
    "hz-gb-2312": "hz",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "euc-cn": "gb18030",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "ks-c-5601-1987": "cp949",
    "euc-kr": "cp949",
    "x-sjis": "cp932",
    "shift-jis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
}


def text_of(raw: bytes) -> str:
    """Raw header bytes as text: UTF-8 (ASCII with it), else GB18030, else Western. No encoded word is decoded."""
    if raw.isascii():
        return raw.decode("ascii")
    # "Fr\xf6sche" is also valid GB18030, but Chinese never stands as single 8-bit bytes between letters.
    for charset in ("utf-8", "gb18030") if _TWO_HIGH.search(raw) else ("utf-8", "cp1252"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded (the first 200), everything else as it stands. Never raises.

    White space between two encoded words goes (RFC 2047 section 6.2). Bytes of neighbours in one character set are
    joined before they are decoded: senders tear a character in two.
    """
    if "=?" not in text:
        return text
    return without_surrogates("".join(_pieces(text)))


def without_surrogates(text: str) -> str:
    """`text` that can be stored as UTF-8: a lone surrogate becomes U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def _pieces(text: str) -> Iterator[str]:
    position, charset, joined = 0, "", b""
    for count, word in enumerate(_WORD.finditer(text)):
        if count == MOST_WORDS:
            break
        raw = _word_bytes(word)
        between = text[position : word.start()]
        position = word.end()
        # A word that is no base64 stays as it was written, and so do the blanks before it.
        if raw is None:
            yield _decode(joined, charset)
            charset, joined = "", b""
            yield between + word[0]
            continue
        adjacent = bool(charset) and not between.strip()
        if adjacent and word[1].lower() == charset:
            joined += raw
            continue
        yield _decode(joined, charset)
        charset, joined = word[1].lower(), raw
        if not adjacent:
            yield between
    yield _decode(joined, charset)
    yield text[position:]


def _word_bytes(word: re.Match[str]) -> bytes | None:
    encoded = word[3]
    if word[2] in "qQ":
        raw = encoded.encode("utf-8", "replace").replace(b"_", b" ")
        return _QUOTED.sub(lambda match: bytes((int(match[1], 16),)), raw)
    letters = _NOT_BASE64.sub("", encoded)
    if encoded and not letters:
        return None
    if len(letters) % 4 == 1:  # a torn last letter carries no whole byte
        letters = letters[:-1]
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error:
        return None


def _decode(raw: bytes, charset: str) -> str:
    if not raw:
        return ""
    codec = _codec(charset)
    if codec is None:
        return text_of(raw)
    try:
        return raw.decode(codec)
    except ValueError:  # UnicodeError; some codecs raise its base
        guess = text_of(raw) if not raw.isascii() else ""
        return guess or raw.decode("ascii", "replace")


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    """The Python codec of a MIME character set; None where it is unknown or no character set of mail."""
    name = charset.lower().replace("_", "-")
    name = _ALIASES.get(name, name)
    if name in _REFUSED:
        return None
    try:
        b"a".decode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
