"""The headers that a bounce brings back: of which message it is about (RFC 3462, RFC 6522). Pure."""

from __future__ import annotations

import base64
import binascii
import quopri
import re

#: Of the body that are fetched, and of the returned headers that are kept.
BODY_BYTES = 64 * 1024
RETURNED_BYTES = 16 * 1024

_BOUNDARY = re.compile(rb"boundary[ \t]*=[ \t]*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.I)
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_TYPE = re.compile(
    rb"^content-type[ \t]*:[ \t\r\n]*(message/rfc822|text/rfc822-headers|message/global\S*)", re.I | re.M
)
_ENCODING = re.compile(rb"^content-transfer-encoding[ \t]*:[ \t\r\n]*([a-z0-9-]+)", re.I | re.M)


def returned_headers(header: bytes, body: bytes) -> bytes | None:
    """The header block of the message a multipart/report is about, at most 16 kB; None where the report has none.

    `header`: of the report, with its Content-Type; `body`: the first 64 kB below it.
    """
    boundary = _BOUNDARY.search(header)
    if boundary is None:
        return None
    for part in body[:BODY_BYTES].split(b"--" + (boundary[1] or boundary[2]))[1:]:
        # The part's own headers end at its first blank line; the delimiter's line end stands before them.
        head, content = _halves(part.lstrip(b" \t"))
        if _TYPE.search(head):
            return _halves(_decoded(head, content.lstrip(b"\r\n"))[:RETURNED_BYTES])[0] or None
    return None


def _halves(text: bytes) -> tuple[bytes, bytes]:
    end = _BLANK_LINE.search(text)
    return (text, b"") if end is None else (text[: end.start()], text[end.end() :])


def _decoded(head: bytes, content: bytes) -> bytes:
    encoding = _ENCODING.search(head)
    match encoding[1].lower() if encoding else b"":
        case b"quoted-printable":
            return quopri.decodestring(content)
        case b"base64":
            letters = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
            try:
                return base64.b64decode(letters[: len(letters) // 4 * 4])
            except binascii.Error:
                return content
        case _:
            return content
