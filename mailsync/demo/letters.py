"""Writing messages as real clients do: encoded words in the charsets that are met, raw 8-bit headers, Outlook's
Thread-Index, delivery reports. Bytes out; nothing here knows of customers."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Literal

#: How a client writes a header that is not plain ASCII.
Style = Literal["utf8-b", "utf8-q", "gb2312-b", "raw-gbk", "raw-utf8"]

#: Signs in one encoded word, so that none is longer than 75 characters (RFC 2047 section 2).
WORD_SIGNS = 6

Person = tuple[str, str]  #: (name, address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message, before it is bytes."""

    sender: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...] = ()
    subject: str
    date: datetime
    message_id: str | None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    thread_index: str | None = None
    extra: tuple[tuple[str, str], ...] = ()  #: further headers, as they are
    body: str
    style: Style = "utf8-b"
    content_type: str = "text/plain; charset=utf-8"


def write(letter: Letter) -> bytes:
    """The message as bytes, with CRLF."""
    charset = "gb18030" if letter.style == "raw-gbk" else "utf-8"
    heads = [
        ("From", _people([letter.sender], letter.style)),
        ("To", _people(letter.to, letter.style) or "undisclosed-recipients:;"),
        ("Cc", _people(letter.cc, letter.style)),
        ("Subject", _words(letter.subject, letter.style)),
        ("Date", format_datetime(letter.date)),
        ("Message-ID", letter.message_id or ""),
        ("In-Reply-To", letter.in_reply_to or ""),
        ("References", "\r\n ".join(letter.references)),
        ("Thread-Index", letter.thread_index or ""),
        *letter.extra,
        ("MIME-Version", "1.0"),
        ("Content-Type", letter.content_type),
        ("Content-Transfer-Encoding", "8bit"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in heads if value)
    return head.encode(charset) + b"\r\n" + letter.body.replace("\n", "\r\n").encode() + b"\r\n"


def thread_index(root: str, replies: int) -> str:
    """Outlook's Thread-Index: 22 bytes of the conversation, 5 more for each reply ([MS-OXOMSG] 2.2.1.3)."""
    start = b"\x01" + hashlib.sha256(root.encode()).digest()[:21]
    blocks = [hashlib.sha256(f"{root}/{number}".encode()).digest()[:5] for number in range(replies)]
    return base64.b64encode(start + b"".join(blocks)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """A delivery report (RFC 3462, 3464) about a message sent before."""

    date: datetime
    recipient: Person  #: who sent the message that came back
    failed: str  #: the address that could not be reached
    returned: Sequence[str] = field(default_factory=tuple)  #: header lines of that message
    message_id: str


def write_bounce(bounce: Bounce) -> bytes:
    """The report as bytes: words for people, words for programs, and the headers of the message it is about."""
    boundary = hashlib.sha256(bounce.message_id.encode()).hexdigest()[:24]
    report = "message/delivery-status"
    lines = [
        *("From: Mail Delivery System <MAILER-DAEMON@mx.ourcompany.example>", f"To: {bounce.recipient[1]}"),
        *("Subject: Undelivered Mail Returned to Sender", f"Date: {format_datetime(bounce.date)}"),
        *(f"Message-ID: {bounce.message_id}", "Auto-Submitted: auto-replied", "MIME-Version: 1.0"),
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        *("", f"--{boundary}", "Content-Type: text/plain; charset=us-ascii", ""),
        f"Your message to {bounce.failed} could not be delivered: mailbox full.",
        *(
            "",
            f"--{boundary}",
            f"Content-Type: {report}",
            "",
            "Reporting-MTA: dns; mx.ourcompany.example",
            "",
        ),
        *(f"Final-Recipient: rfc822; {bounce.failed}", "Action: failed", "Status: 5.2.2"),
        *("", f"--{boundary}", "Content-Type: text/rfc822-headers", "", *bounce.returned),
        *("", f"--{boundary}--", ""),
    ]
    return "\r\n".join(lines).encode()


def header_lines(raw: bytes) -> list[str]:
    """The header lines of a message, to be returned in a delivery report."""
    return raw.split(b"\r\n\r\n", 1)[0].decode("ascii", "replace").split("\r\n")


def _people(people: Iterable[Person], style: Style) -> str:
    return ",\r\n ".join(_one(name, address, style) for name, address in people)


def _one(name: str, address: str, style: Style) -> str:
    if not name:
        return address
    if not name.isascii():
        return f"{_words(name, style)} <{address}>"
    if all(sign.isalnum() or sign in " -'" for sign in name):
        return f"{name} <{address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def _words(text: str, style: Style) -> str:
    """`text` as a header's value: as it is where ASCII or raw, else in encoded words (RFC 2047)."""
    if text.isascii() or style in ("raw-gbk", "raw-utf8"):
        return text
    if style == "gb2312-b":
        try:
            text.encode("gb2312")
        except UnicodeEncodeError:
            style = "utf8-b"
    pieces = [text[start : start + WORD_SIGNS] for start in range(0, len(text), WORD_SIGNS)]
    return "\r\n ".join(_word(piece, style) for piece in pieces)


def _word(text: str, style: Style) -> str:
    if style == "utf8-q":
        quoted = "".join(
            chr(byte) if chr(byte).isalnum() and byte < 128 else f"={byte:02X}" for byte in text.encode()
        )
        return f"=?UTF-8?Q?{quoted}?="
    charset = "gb2312" if style == "gb2312-b" else "utf-8"
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="
