"""Raw header bytes → `Envelope`. Never raises, whatever was received; capped, so that no mail costs more than 50 ms. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from mailsync.mailbox.addresses import ForeignDomains, parse_addresses
from mailsync.mailbox.encoded_words import decode_words, text_of, without_surrogates
from mailsync.mailbox.headers import FIELDS, Address, Envelope
from mailsync.text import one_line

MOST_BYTES = 256 * 1024
FIRST_REFERENCES, LAST_REFERENCES = 10, 40
MOST_REPLIED_TO = 10
MOST_REPEATS = 20  #: of one field: a second To is an error, but one that people make
LONGEST_SUBJECT = 998
LONGEST_ID = 998
#: Of a Thread-Index: the conversation's, those of each answer, and how many answers are kept (MS-OXOMSG 2.2.1.3).
THREAD_INDEX_BYTES, ANSWER_BYTES, MOST_ANSWERS = 22, 5, 40

#: One field with its folded lines. Linear: each line is matched once.
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.M)
_WANTED = frozenset(field.lower().encode() for field in FIELDS)
_ID = re.compile(r"<([^<>]{1,2000})>")
_USUAL_DATE = re.compile(
    r"(?:[A-Za-z]{3}, ?)?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? ([+-])(\d{4})(?: \([^()]*\))?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OTHER_IDS = (b"x-google-original-message-id", b"x-microsoft-original-message-id")
_BULK = frozenset({"bulk", "list", "junk"})
_SENSIBLE_YEARS = range(1980, 2101)

_CHARSET = re.compile(rb"charset[ \t]*=[ \t\"']*([A-Za-z0-9_.:+-]{1,40})", re.I)

_Fields = Mapping[bytes, Sequence[bytes]]


def parse_envelope(raw: bytes, returned: bytes | None = None) -> Envelope:
    """The envelope of a header block (CRLF or LF lines, folded, any bytes; all beyond 256 KiB is ignored).

    `returned`: the headers that a multipart/report brought back.
    """
    fields = _fields(raw[:MOST_BYTES])
    domains = ForeignDomains()
    return Envelope(
        subject=_subject(fields),
        from_=_addresses(fields, b"from", domains) or _addresses(fields, b"sender", domains),
        reply_to=_addresses(fields, b"reply-to", domains),
        to=_addresses(fields, b"to", domains),
        cc=_addresses(fields, b"cc", domains),
        bcc=_addresses(fields, b"bcc", domains),
        message_id=next(iter(_ids(fields, b"message-id")), None),
        other_ids=tuple(one for name in _OTHER_IDS for one in _ids(fields, name)[:1]),
        in_reply_to=_ids(fields, b"in-reply-to")[:MOST_REPLIED_TO],
        references=_references(fields),
        thread_index=_thread_index(fields),
        date=_date(fields),
        automatic=_word(fields, b"auto-submitted") not in ("", "no"),
        bulk=_is_bulk(fields),
        returned=None if returned is None else parse_envelope(returned),
    )


def is_report(raw: bytes) -> bool:
    """Whether a header block says multipart/report (RFC 6522): a bounce, or a receipt."""
    # The first test spares nearly every message the second.
    return (
        b"/report" in raw.lower() and _word(_fields(raw[:MOST_BYTES]), b"content-type") == "multipart/report"
    )


def _fields(raw: bytes) -> _Fields:
    fields: dict[bytes, list[bytes]] = {}
    for name, value in _FIELD.findall(raw):
        lower = name.lower()
        if lower in _WANTED:
            fields.setdefault(lower, []).append(value)
    return fields


def _first(fields: _Fields, name: bytes) -> str:
    values = fields.get(name)
    return _text(fields, values[0]) if values else ""


def _text(fields: _Fields, raw: bytes) -> str:
    """Raw 8-bit headers are mostly written in the character set of the body."""
    if raw.isascii():
        return raw.decode("ascii")
    declared = _CHARSET.search(b"".join(fields.get(b"content-type", ())[:1])[:4000])
    return text_of(raw, declared[1].decode("ascii") if declared else None)


def _word(fields: _Fields, name: bytes) -> str:
    """The first word of a structured field, lower case, without parameters."""
    return next(iter(_first(fields, name)[:200].partition(";")[0].lower().split()), "")


def _subject(fields: _Fields) -> str:
    text = _first(fields, b"subject")
    if "=?" in text:
        text = decode_words(text)
    return without_surrogates(one_line(text[: 4 * LONGEST_SUBJECT])[:LONGEST_SUBJECT])


def _addresses(fields: _Fields, name: bytes, domains: ForeignDomains) -> tuple[Address, ...]:
    values = fields.get(name)
    if not values:
        return ()
    return parse_addresses(",".join(_text(fields, value) for value in values[:MOST_REPEATS]), domains)


def _ids(fields: _Fields, name: bytes) -> tuple[str, ...]:
    """The ids of a field with their brackets, white space inside removed: relays fold long ones."""
    text = " ".join(_text(fields, value) for value in fields.get(name, ())[:MOST_REPEATS])
    if "<" in text:
        found = _ID.findall(text)
    else:
        found = [word for word in text.split() if "@" in word] if len(text) <= LONGEST_ID else []
    compact = (
        one if one.isprintable() and " " not in one else "".join(one_line(one).split()) for one in found
    )
    return tuple(f"<{one}>" for one in compact if one and len(one) <= LONGEST_ID)


def _references(fields: _Fields) -> tuple[str, ...]:
    ids = _ids(fields, b"references")
    if len(ids) <= FIRST_REFERENCES + LAST_REFERENCES:
        return ids
    return ids[:FIRST_REFERENCES] + ids[-LAST_REFERENCES:]


def _thread_index(fields: _Fields) -> str | None:
    text = "".join(decode_words(_first(fields, b"thread-index")[:4000]).split())
    try:
        raw = base64.b64decode(text.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        return None
    answers = min((len(raw) - THREAD_INDEX_BYTES) // ANSWER_BYTES, MOST_ANSWERS)
    return raw[: THREAD_INDEX_BYTES + answers * ANSWER_BYTES].hex() if answers >= 0 else None


def _date(fields: _Fields) -> datetime | None:
    text = one_line(_first(fields, b"date")[:200])
    if not text:
        return None
    usual = _USUAL_DATE.fullmatch(text)
    try:
        if usual is not None:
            return _usual_date(*usual.groups())
        date = parsedate_to_datetime(text)
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return date if date.astimezone(UTC).year in _SENSIBLE_YEARS else None
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


def _usual_date(
    day: str, month: str, year: str, hour: str, minute: str, second: str | None, sign: str, offset: str
) -> datetime | None:
    """A date as RFC 5322 has it. Raises ValueError."""
    minutes = int(offset[:2]) * 60 + int(offset[2:])
    zone = UTC if minutes == 0 else timezone(timedelta(minutes=-minutes if sign == "-" else minutes))
    if int(year) not in _SENSIBLE_YEARS:
        return None
    return datetime(
        int(year),
        _MONTHS.index(month) + 1,
        int(day),
        int(hour),
        int(minute),
        min(int(second or 0), 59),
        tzinfo=zone,
    )


def _is_bulk(fields: _Fields) -> bool:
    return b"list-id" in fields or b"list-unsubscribe" in fields or _word(fields, b"precedence") in _BULK
