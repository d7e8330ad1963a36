"""Filling throw-away servers: messages written as Maildir files, cards as Radicale's files. Both are far faster than
the protocols, and put things in place exactly as they are meant, also what a server would refuse or rewrite."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mailsync.demo.servers import Dovecot, Radicale
from mailsync.demo.throwaway import give_away, give_away_tree

#: Maildir's letters for the system flags (maildir(5), and Dovecot's for the keywords after them).
FLAG_LETTERS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S", "\\Deleted": "T"}

_counter = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedMessage:
    """A message to be laid into a mailbox."""

    mailbox: str  #: as IMAP names it, with the namespace's prefix
    raw: bytes
    internal_date: datetime  #: aware, whole seconds
    flags: frozenset[str] = frozenset({"\\Seen"})  #: system flags and keywords


def seed_mail(dovecot: Dovecot, user: str, messages: Iterable[SeedMessage]) -> int:
    """Lay messages into the user's mailboxes (made where missing); in one mailbox UIDs rise with the internal date.

    Works before and while Dovecot runs; Maildir only. Answers how many.
    """
    count = 0
    for mailbox, group in itertools.groupby(sorted(messages, key=_by_mailbox_and_date), lambda m: m.mailbox):
        folder = maildir(dovecot, user, mailbox)
        keywords = _Keywords(folder / "dovecot-keywords")
        for message in group:
            _write_message(folder, message, keywords)
            count += 1
        keywords.save()
    give_away_tree(dovecot.mail_folder(user))
    return count


def maildir(dovecot: Dovecot, user: str, mailbox: str) -> Path:
    """The Maildir of a mailbox, made where missing."""
    root = dovecot.mail_folder(user)
    parts = mailbox.split(dovecot.separator)
    inside = mailbox.removeprefix(dovecot.prefix).split(dovecot.separator)
    if parts == ["INBOX"]:
        folder = root
    elif dovecot.layout == "fs":
        folder = root.joinpath(*map(encode_mailbox, inside))
    else:
        folder = root / ("." + ".".join(map(encode_mailbox, inside)))
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return folder


def seed_book(
    radicale: Radicale, user: str, book: str, cards: Mapping[str, bytes], *, title: str | None = None
) -> str:
    """Lay cards (file name → bytes) into a book of `user`, made where missing. Answers the collection's URL.

    The bytes are not looked at: also a card that Radicale would rewrite or refuse lies there as given.
    """
    folder = radicale.storage(user, book)
    folder.mkdir(parents=True, exist_ok=True)
    props = folder / ".Radicale.props"
    if not props.exists():
        props.write_text(json.dumps({"tag": "VADDRESSBOOK", "D:displayname": title or book}))
    for name, card in cards.items():
        (folder / name).write_bytes(card)
    give_away(folder.parent)
    give_away_tree(folder)
    return radicale.url(user, book)


_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def encode_mailbox(name: str) -> str:
    """A mailbox name in IMAP's modified UTF-7 (RFC 3501 section 5.1.3)."""
    return _UNPRINTABLE.sub(lambda run: f"&{_base64(run[0])}-", name.replace("&", "&-"))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")


class _Keywords:
    """The list of keywords of one Maildir, in which letters a, b, c … of file names stand for keywords."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self._names = [line.split(" ", 1)[1] for line in lines]

    def letter(self, keyword: str) -> str:
        if keyword not in self._names:
            self._names.append(keyword)
        return chr(ord("a") + self._names.index(keyword))

    def save(self) -> None:
        if self._names:
            self._path.write_text("".join(f"{place} {name}\n" for place, name in enumerate(self._names)))


def _by_mailbox_and_date(message: SeedMessage) -> tuple[str, datetime]:
    return message.mailbox, message.internal_date


def _write_message(folder: Path, message: SeedMessage, keywords: _Keywords) -> None:
    letters = sorted(FLAG_LETTERS[flag] for flag in message.flags if flag in FLAG_LETTERS)
    letters += sorted(keywords.letter(flag) for flag in message.flags if flag not in FLAG_LETTERS)
    stamp = int(message.internal_date.timestamp())
    size, lines = len(message.raw), message.raw.count(b"\n") - message.raw.count(b"\r\n")
    name = f"{stamp}.M{next(_counter):06d}P{os.getpid()}.seed,S={size},W={size + lines}:2,{''.join(letters)}"
    path = folder / "cur" / name
    path.write_bytes(message.raw)
    os.utime(path, (stamp, stamp))
