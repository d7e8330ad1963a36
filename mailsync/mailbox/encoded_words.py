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
#: Of the letters inside its words: 998 characters of any writing in any character set take less.
MOST_LETTERS = 12 * 998
#: In bytes: a longer text was perhaps cut inside a character.
_LONG = 4 * 998

#: Text in Q may hold question marks, which the RFC forbids; it ends before another word begins, so that no word that is
#: never closed is read twice.
_WORD = re.compile(
    r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]{0,40})?"
    r"\?(?:[bB]\?(?P<b>[^?]*)|[qQ]\?(?P<q>(?:[^?=]++|\?(?!=)|=(?!\?[A-Za-z0-9]))*+))\?="
)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")
_TWO_HIGH = re.compile(rb"[\x80-\xff]{2}")
#: A fold inside a character of UTF-8: some programs cut after so many bytes.
_TORN = re.compile(rb"(?<=[\x80-\xff])\r?\n[ \t](?=[\x80-\xbf])")
#: So many senseless bytes may stand in a header that is UTF-8 all the same.
_MOST_STRAY = 5
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
    "big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
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
#: Where the first codec cannot read a text.
_SECOND = {"big5hkscs": "cp950"}


def text_of(raw: bytes, declared: str | None = None) -> str:
    """Raw header bytes as text: UTF-8 (ASCII with it), else the character set `declared` for the body, else GB18030, else
    Western. No encoded word is decoded.
    """
    if raw.isascii():
        return raw.decode("ascii")
    if (text := _as_utf8(raw)) is not None:
        return text
    # "Fr\xf6sche" is also valid GB18030, but Chinese never stands as single 8-bit bytes between letters.
    guessed = "gb18030" if _TWO_HIGH.search(raw) else "cp1252"
    codec = _codec(declared) if declared else None
    for charset in (codec, _SECOND.get(codec or ""), guessed):
        try:
            if charset:
                return raw.decode(charset)
        except ValueError:  # UnicodeError; some codecs raise its base
            continue
    return raw.decode("latin-1")


def _as_utf8(raw: bytes) -> str | None:
    """`raw` read as UTF-8, with few senseless bytes replaced and folds inside characters removed; None where it is none."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        text = _TORN.sub(b"", raw).decode("utf-8", "replace")
    stray = text.count("\ufffd")
    if stray > _MOST_STRAY:
        return None
    return text if sum(character >= "\x80" for character in text) > 3 * stray else None


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded (the first 200, or 12 kB), everything else as it stands. Never raises.

    White space between two encoded words goes (RFC 2047 section 6.2). Bytes of neighbours in one character set are
    joined before they are decoded: senders tear a character in two.
    """
    if "=?" not in text:
        return text
    return without_surrogates("".join(_pieces(text)))


def without_surrogates(text: str) -> str:
    """`text` that can be stored as UTF-8: a lone surrogate becomes U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def cap_words(text: str, most: int) -> str:
    """`text` without the encoded words behind the first `most`, or behind those that hold twice `MOST_LETTERS`."""
    if text.count("=?") <= most and len(text) <= 2 * MOST_LETTERS:
        return text
    letters = 0
    for count, word in enumerate(_WORD.finditer(text)):
        letters += word.end() - word.start()
        if count == most or letters > 2 * MOST_LETTERS:
            return text[: word.start()] + _WORD.sub("", text[word.start() :])
    return text


def _pieces(text: str) -> Iterator[str]:
    position, charset, joined, left = 0, "", b"", MOST_LETTERS
    for count, word in enumerate(_WORD.finditer(text)):
        if count == MOST_WORDS or left <= 0:
            break
        raw = _word_bytes(word, left)
        left -= word.end() - word.start()
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


def _word_bytes(word: re.Match[str], most: int) -> bytes | None:
    """What the first `most` letters of a word stand for; None where it is no base64."""
    if word["b"] is None:
        raw = word["q"][:most].encode("utf-8", "replace").replace(b"_", b" ")
        return _QUOTED.sub(lambda match: bytes((int(match[1], 16),)), raw)
    encoded = word["b"][:most]
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
    if codec == "gb18030" and (text := _mislabelled(raw)) is not None:
        return text
    for name in (codec, _SECOND.get(codec)):
        try:
            if name:
                return raw.decode(name, "strict" if len(raw) < _LONG else "replace")
        except ValueError:  # UnicodeError; some codecs raise its base
            continue
    guess = text_of(raw) if not raw.isascii() else ""
    return guess or raw.decode("ascii", "replace")


def _mislabelled(raw: bytes) -> str | None:
    """UTF-8 that says it is GB2312: valid throughout, with characters of three bytes. Chinese is that by no chance."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if any(character >= "\u0800" for character in text) else None


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
