"""A throw-away mail store for the filing benchmark: filled once, copied for each program that is measured."""

from __future__ import annotations

import contextlib
import imaplib
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from mailsync.demo.seeding import SeedMessage, seed_mail
from mailsync.demo.servers import Dovecot
from mailsync.demo.throwaway import give_away_tree
from mailsync.mailbox.headers import FIELDS
from tests.benchmarks.filing_world import SOURCES

MailFormat = Literal["maildir", "sdbox", "mdbox"]

_MESSAGES = re.compile(rb"MESSAGES (\d+)")


class FilingDovecot(Dovecot):
    """Dovecot in any of its formats; `Dovecot` itself writes only those that the demo and the tests need."""

    def __init__(self, folder: Path, users: Mapping[str, str], mail_format: MailFormat) -> None:
        super().__init__(folder, users, tls=False)
        self._mail_format = mail_format

    def _configuration(self) -> str:
        return (
            super()
            ._configuration()
            .replace(f"mail_location = {self.format}:", f"mail_location = {self._mail_format}:")
        )

    def fill(self, user: str, messages: Iterable[SeedMessage]) -> None:
        """Lay messages into the mailboxes: as files where the format is Maildir, else over IMAP."""
        if self._mail_format == "maildir":
            seed_mail(self, user, messages)
            return
        with self.session(user) as session:
            for message in messages:
                session.append(message.mailbox, "(\\Seen)", message.internal_date, message.raw)

    def copy(self, user: str, other: str) -> None:
        """Give `other` the very mail of `user`, who must not be logged in; times of files are kept, indexes hold."""
        shutil.copytree(self.mail_folder(user), self.mail_folder(other), symlinks=True)
        give_away_tree(self.mail_folder(other))

    def drop(self, user: str) -> None:
        """Remove the mail of a user who is not logged in."""
        shutil.rmtree(self.mail_folder(user))

    def warm(self, user: str) -> None:
        """Read the headers that are asked for once, so that Dovecot has them in its cache as in daily life."""
        with self.session(user) as session:
            session.list()
            for mailbox in SOURCES:
                session.select(mailbox, readonly=True)
                session.fetch(
                    "1:*",
                    f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({' '.join(FIELDS)})])",
                )

    def left(self, user: str) -> int:
        """Messages that lie in INBOX and Sent."""
        with self.session(user) as session:
            return sum(self._count(session, mailbox) for mailbox in SOURCES)

    def filed(self, user: str, folders: Iterable[str]) -> int:
        """Messages that lie in those of `folders` that exist."""
        with self.session(user) as session:
            existing = b"\n".join(line for line in session.list()[1] if isinstance(line, bytes))
            return sum(
                self._count(session, folder) for folder in set(folders) if f'"{folder}"'.encode() in existing
            )

    @contextlib.contextmanager
    def session(self, user: str) -> Iterator[imaplib.IMAP4]:
        """A logged-in connection."""
        with imaplib.IMAP4("127.0.0.1", self.port) as session:
            session.login(user, self.users[user])
            yield session

    @staticmethod
    def _count(session: imaplib.IMAP4, mailbox: str) -> int:
        answer = session.status(f'"{mailbox}"', "(MESSAGES)")[1][0]
        match = _MESSAGES.search(answer)
        return int(match[1]) if match else 0
