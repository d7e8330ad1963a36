"""Entries as files that mail programs without CardDAV import: vCard, CSV for Outlook and Foxmail, LDIF. Pure.

Every program gets the display name where it looks for what is typed (facts of each format stand at its writer).
"""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from mailsync.addressbook.cards import new_card
from mailsync.addressbook.contentlines import escape, fold
from mailsync.addressbook.matching import Target
from mailsync.text import guarded, one_line

Encoding = Literal["utf-8", "utf-8-sig", "gb18030"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

#: A telephone number, which a mail program must get as it is; a spreadsheet makes at most a number of it.
_NUMBER = re.compile(r"\+?[\d\s()./-]*")
_LDIF_SAFE = re.compile(r"[\x01-\x09\x0b\x0c\x0e-\x1f!-9;=-~][\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )")
_LDIF_WIDTH = 76


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of file."""

    key: str
    suffix: str
    write: Callable[[Sequence[Target]], str]
    encoding: Encoding
    chinese_encoding: Encoding  #: for a Chinese house, whose Windows reads CSV in its own code page


def file_of(kind: Format, entries: Sequence[Target], *, encoding: Encoding) -> bytes:
    """The whole file. Every character of Unicode has its place in each of the encodings."""
    return kind.write(entries).encode(encoding, "replace")


def _vcards(entries: Sequence[Target]) -> str:
    return b"".join(map(_vcard, entries)).decode("utf-8")


def _vcard(entry: Target) -> bytes:
    """vCard 3.0, as address books on servers have it (DOMAIN 5)."""
    card = new_card(
        uid=entry.uid,
        fn=entry.fn,
        addresses=entry.contact.addresses,
        company=_company(entry),
        nickname=" ".join(entry.codes),
        categories=entry.codes,
    )
    more = [
        *(f"TEL:{escape(phone)}" for phone in _phones(entry)),
        *([f"TITLE:{escape(one_line(entry.contact.title))}"] if entry.contact.title else []),
    ]
    lines = b"".join(fold(line.encode("utf-8", "replace"), b"\r\n") for line in more)
    return card.replace(b"END:VCARD\r\n", lines + b"END:VCARD\r\n")


def _outlook(entries: Sequence[Target]) -> str:
    """The headings of Outlook's own export, which its import knows without being told. Outlook rebuilds a name from
    first and last name, and shows the display name of the address."""
    return _csv(entries, {
        "First Name": lambda entry: entry.fn,
        "Last Name": lambda _: "",
        "Company": _company,
        "Job Title": lambda entry: entry.contact.title or "",
        "Business Phone": lambda entry: _nth(_phones(entry), 0),
        "Business Phone 2": lambda entry: _nth(_phones(entry), 1),
        "E-mail Address": lambda entry: _nth(entry.contact.addresses, 0),
        "E-mail Display Name": lambda entry: entry.fn,
        "E-mail 2 Address": lambda entry: _nth(entry.contact.addresses, 1),
        "E-mail 2 Display Name": lambda entry: entry.fn if len(entry.contact.addresses) > 1 else "",
        "E-mail 3 Address": lambda entry: _nth(entry.contact.addresses, 2),
        "E-mail 3 Display Name": lambda entry: entry.fn if len(entry.contact.addresses) > 2 else "",
        "Nickname": lambda entry: " ".join(entry.codes),
        "Categories": lambda entry: ";".join(entry.codes),
    })  # fmt: skip


def _foxmail(entries: Sequence[Target]) -> str:
    """Chinese headings, which the field assistants of Foxmail, NetEase Mail Master and WeCom offer to match."""
    return _csv(entries, {
        "姓名": lambda entry: entry.fn,
        "昵称": lambda entry: " ".join(entry.codes),
        "电子邮件地址": lambda entry: _nth(entry.contact.addresses, 0),
        "电子邮件地址 2": lambda entry: _nth(entry.contact.addresses, 1),
        "公司": _company,
        "职务": lambda entry: entry.contact.title or "",
        "办公电话": lambda entry: _nth(_phones(entry), 0),
        "附注": lambda entry: " ".join(entry.codes),
    })  # fmt: skip


def _ldif(entries: Sequence[Target]) -> str:
    """LDIF (RFC 2849) with the object classes of Mozilla's address books, as Thunderbird and others import them."""
    return "".join(_ldif_entry(entry) for entry in entries)


def _ldif_entry(entry: Target) -> str:
    addresses = entry.contact.addresses
    mail = _nth(addresses, 0)
    fields = [
        ("dn", f"cn={_dn(entry.fn)},mail={_dn(mail)}"),
        *(("objectclass", name) for name in ("top", "person", "organizationalPerson", "inetOrgPerson", "mozillaAbPersonAlpha")),
        ("cn", entry.fn),
        ("sn", entry.fn),
        ("givenName", entry.fn),
        ("mozillaNickname", " ".join(entry.codes)),
        ("mail", mail),
        ("mozillaSecondEmail", _nth(addresses, 1)),
        ("o", _company(entry)),
        ("title", entry.contact.title or ""),
        ("telephoneNumber", _nth(_phones(entry), 0)),
    ]  # fmt: skip
    return "".join(_ldif_line(name, one_line(value)) for name, value in fields if value) + "\n"


def _ldif_line(name: str, value: str) -> str:
    if _LDIF_SAFE.fullmatch(value):
        line = f"{name}: {value}"
    else:
        line = f"{name}:: {base64.b64encode(value.encode('utf-8', 'replace')).decode('ascii')}"
    pieces = [line[:_LDIF_WIDTH]]
    pieces += [
        line[start : start + _LDIF_WIDTH - 1] for start in range(_LDIF_WIDTH, len(line), _LDIF_WIDTH - 1)
    ]
    return "\n ".join(pieces) + "\n"


def _dn(text: str) -> str:
    """A value within a distinguished name (RFC 4514 2.4)."""
    escaped = re.sub(r'([,+"\\<>;=])', r"\\\1", one_line(text))
    return re.sub(r"^[ #]", r"\\\g<0>", escaped)


def _csv(entries: Sequence[Target], columns: Mapping[str, Callable[[Target], str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(read(entry)) for read in columns.values()] for entry in entries)
    return out.getvalue()


def _cell(text: str) -> str:
    """`text` on one line, harmless in a spreadsheet."""
    plain = one_line(text)
    return plain if _NUMBER.fullmatch(plain) else guarded(plain)


def _company(entry: Target) -> str:
    return one_line(entry.contact.company or (entry.customer.name if entry.contact.role == "contact" else ""))


def _phones(entry: Target) -> list[str]:
    return [one_line(phone) for phone in (entry.contact.phone or "").split(";") if phone.strip()]


def _nth(values: Sequence[str], number: int) -> str:
    return values[number] if len(values) > number else ""


#: By the word that `export --format` takes.
FORMATS = {
    kind.key: kind
    for kind in (
        Format(key="vcf", suffix=".vcf", write=_vcards, encoding="utf-8", chinese_encoding="utf-8"),
        Format(key="outlook-csv", suffix=".csv", write=_outlook, encoding="utf-8-sig", chinese_encoding="gb18030"),
        Format(key="foxmail-csv", suffix=".csv", write=_foxmail, encoding="gb18030", chinese_encoding="gb18030"),
        Format(key="ldif", suffix=".ldif", write=_ldif, encoding="utf-8", chinese_encoding="utf-8"),
    )
}  # fmt: skip
