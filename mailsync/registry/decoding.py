"""The text of a registry file, whatever program saved it, and what a wrong guess of its encoding looks like. Pure.

Bytes of Western text (`Müller` in cp1252) are often valid GB18030 as well: an accented letter and the one after it
read as one rare Chinese character (`M黮ler`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from mailsync.errors import RegistryError
from mailsync.text import N_

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTED = re.compile(r'"[^"]*(?:"|$)')
#: Where GB 2312 keeps its rare characters; the first byte of each is an accented small letter or a late capital.
_RARE = range(0xD8, 0xF8)
_LONE_HAN = re.compile(r"(?<![㐀-鿿])[㐀-鿿](?![㐀-鿿])")
#: Private use, unassigned: nothing that a person types.
_STRANGE = frozenset({"Co", "Cn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A file's text. `guessed`: it is GB18030 only because it is not UTF-8."""

    text: str
    guessed: bool


def decoded(content: bytes, file: str) -> Decoded:
    """UTF-8, with or without byte order mark, else GB18030 (Excel in China); UTF-16 where its mark says so.

    Raises `RegistryError` where it is none of them, UTF-8 cut within its last character, or UTF-8 with stray bytes.
    """
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "gb18030"):
        try:
            return Decoded(text=content.decode(encoding), guessed=encoding == "gb18030")
        except UnicodeDecodeError as error:
            if encoding == "utf-8-sig":
                _refuse_damaged_utf_8(content, error, file)
    raise RegistryError(
        N_("{file} is neither UTF-8 nor GB18030 text. Save it as “CSV UTF-8”. Nothing was imported"),
        file=file,
    )


def _refuse_damaged_utf_8(content: bytes, error: UnicodeDecodeError, file: str) -> None:
    """Raise where the text is UTF-8 all the same: cut within a character, or with less wrong in it than right."""
    if error.reason == "unexpected end of data" and not content[: error.start].isascii():
        raise RegistryError(
            N_("{file} ends within a character; it is half written. Save it again. Nothing was imported"),
            file=file,
        ) from error
    text = content.decode("utf-8", errors="surrogateescape")
    strays = [index for index, letter in enumerate(text) if "\udc80" <= letter <= "\udcff"]
    high = sum(byte > 0x7F for byte in content)
    if content.startswith(_BYTE_ORDER_MARK) or high > 2 * len(strays):
        raise RegistryError(
            N_(
                "{file}, row {row}: a byte there is no UTF-8, though the rest of the file is. "
                "Save it as “CSV UTF-8”. Nothing was imported"
            ),
            file=file,
            row=_row_at(text[: strays[0]]),
        ) from error


def _row_at(before: str) -> int:
    """The row, as a spreadsheet counts, that comes after `before`; line breaks within quotes are none."""
    return len(_LINE_END.findall(_QUOTED.sub("", before))) + 1


def is_garbled(text: str) -> bool:
    """Whether a cell read as GB18030 was most likely written in another encoding."""
    if text.isascii():
        return False
    if any(unicodedata.category(letter) in _STRANGE for letter in text):
        return True
    return any(_from_western(text, match.start()) for match in _LONE_HAN.finditer(text))


def _from_western(text: str, at: int) -> bool:
    """Whether the one Chinese character between others is an accented letter and the letter after it, or two
    accented letters: `M黮ler`, `Ren閑`, `Gr鲞e`; not so `A股` and `Tom和Mary`."""
    pair = text[at].encode("gb18030")
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if len(pair) != 2:
        return False
    if pair[1] < 0x80:
        return chr(pair[1]).isalpha() and (_is_latin(before) or _is_latin(after))
    small = _is_latin(before) and _is_latin(after) and before.islower() and after.islower()
    return small and pair[0] in _RARE


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()
