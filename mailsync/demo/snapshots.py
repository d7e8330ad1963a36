"""What throw-away servers hold, read through their protocols with the standard library alone: to compare before and
after, independently of mailsync's own clients."""

from __future__ import annotations

import base64
import hashlib
import imaplib
import re
import ssl
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit


class HeldMessage(NamedTuple):
    """A message without its UID, which a move changes."""

    mailbox: str
    fingerprint: str  #: sha256 of the whole message, hex
    flags: frozenset[str]  #: without \\Recent
    internal_date: str  #: as the server says it


class FoundMessage(NamedTuple):
    """A message and where it lies."""

    mailbox: str
    message_id: str
    fingerprint: str
    flags: frozenset[str]
    internal_date: str


_LIST = re.compile(rb'\((?P<attributes>[^)]*)\) (?:"(?:\\?.)"|NIL) (?P<name>.*)')
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
_DATE = re.compile(rb'INTERNALDATE "([^"]*)"')
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>\r\n]*>)", re.IGNORECASE | re.MULTILINE)
_ENCODED = re.compile(r"&([^-]*)-")


def snapshot_mail(url: str, user: str, password: str, ca_file: Path | None = None) -> Counter[HeldMessage]:
    """Every message of every mailbox, as often as it is there."""
    return Counter(
        HeldMessage(found.mailbox, found.fingerprint, found.flags, found.internal_date)
        for found in read_mail(url, user, password, ca_file)
    )


def read_mail(url: str, user: str, password: str, ca_file: Path | None = None) -> list[FoundMessage]:
    """Every message of every mailbox, with its Message-ID (empty where it has none)."""
    connection = _log_in(url, user, password, ca_file)
    try:
        return [found for name in _mailboxes(connection) for found in _messages(connection, name)]
    finally:
        connection.logout()


def mailbox_names(url: str, user: str, password: str, ca_file: Path | None = None) -> list[str]:
    """The names of all mailboxes, decoded."""
    connection = _log_in(url, user, password, ca_file)
    try:
        return sorted(decode_mailbox(name.decode()) for name in _mailboxes(connection))
    finally:
        connection.logout()


def snapshot_books(url: str, user: str = "", password: str = "") -> dict[str, bytes]:
    """The exact bytes of each card by its href: of one book, or of all books below a principal's URL."""
    hrefs = list(_children(url, user, password))
    cards = {
        href: _request("GET", urljoin(url, href), user, password) for href, kind in hrefs if kind == "card"
    }
    own = urlsplit(url).path.rstrip("/")
    for href, kind in hrefs:
        if kind == "collection" and href.rstrip("/") != own:
            cards |= snapshot_books(urljoin(url, href), user, password)
    return cards


def decode_mailbox(name: str) -> str:
    """A mailbox name out of IMAP's modified UTF-7 (RFC 3501 section 5.1.3)."""

    def decoded(run: re.Match[str]) -> str:
        padded = run[1].replace(",", "/") + "=" * (-len(run[1]) % 4)
        return base64.b64decode(padded).decode("utf-16-be") if run[1] else "&"

    return _ENCODED.sub(decoded, name)


def _log_in(url: str, user: str, password: str, ca_file: Path | None) -> imaplib.IMAP4:
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"{url} names no host and port")
    connection = (
        imaplib.IMAP4_SSL(
            parts.hostname, parts.port, ssl_context=ssl.create_default_context(cafile=ca_file), timeout=60
        )
        if parts.scheme == "imaps"
        else imaplib.IMAP4(parts.hostname, parts.port, timeout=60)
    )
    connection.login(user, password)
    return connection


def _mailboxes(connection: imaplib.IMAP4) -> Iterator[bytes]:
    """The selectable mailboxes' names as the server writes them, without quotes."""
    _, lines = connection.list()
    for line in lines:
        match = _LIST.match(line) if isinstance(line, bytes) else None
        if match and b"\\noselect" not in match["attributes"].lower():
            yield match["name"].strip(b'"').replace(b'\\"', b'"').replace(b"\\\\", b"\\")


def _messages(connection: imaplib.IMAP4, name: bytes) -> Iterator[FoundMessage]:
    mailbox = decode_mailbox(name.decode())
    quoted = name.decode().replace("\\", "\\\\").replace('"', '\\"')
    status, _ = connection.select(f'"{quoted}"', readonly=True)
    if status != "OK":
        raise ValueError(f"the mailbox {mailbox} cannot be opened")
    _, parts = connection.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
    for part in parts:
        if isinstance(part, tuple):
            head, raw = part
            flags, date, identity = _FLAGS.search(head), _DATE.search(head), _MESSAGE_ID.search(raw)
            if flags is None or date is None:
                raise ValueError(f"the server's answer lacks flags or date: {head!r}")
            yield FoundMessage(
                mailbox=mailbox,
                message_id=identity[1].decode("ascii", "replace") if identity else "",
                fingerprint=hashlib.sha256(raw).hexdigest(),
                flags=frozenset(flags[1].decode().split()) - {"\\Recent"},
                internal_date=date[1].decode(),
            )


_DAV = "{DAV:}"
_PROPFIND = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'


def _children(url: str, user: str, password: str) -> Iterator[tuple[str, str]]:
    """(href, "collection" or "card") of a collection and what lies in it (PROPFIND, depth 1)."""
    answer = ElementTree.fromstring(_request("PROPFIND", url, user, password, _PROPFIND))
    for response in answer.iter(f"{_DAV}response"):
        href = response.findtext(f"{_DAV}href", "")
        collection = response.find(f".//{_DAV}resourcetype/{_DAV}collection") is not None
        if collection or href.endswith(".vcf"):
            yield href, "collection" if collection else "card"


def _request(method: str, url: str, user: str, password: str, body: bytes | None = None) -> bytes:
    headers = {"Depth": "1", "Content-Type": "application/xml"} if body else {}
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = response.read()
    return bytes(answer)
