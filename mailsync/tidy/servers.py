"""The servers of one account, opened for one run; what cannot be opened is an error of the run, not its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from mailsync.addressbook.answers import NotThere
from mailsync.addressbook.book import Book
from mailsync.addressbook.carddav import CardDavClient
from mailsync.addressbook.scope import parse_scope
from mailsync.addressbook.transport import DavLogin
from mailsync.errors import AccountError, CollectionError, ConfigError, MailsyncError, UsageError
from mailsync.mailbox.imap import ImapSession
from mailsync.mailbox.login import ImapLogin
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence
from mailsync.tidy.settings import Access, Account, BookAccess


@dataclass(frozen=True, kw_only=True)
class FoundBooks:
    """URLs of the books at or behind one configured place."""

    there: frozenset[str]
    writable: frozenset[str]


@dataclass(kw_only=True)
class Servers:
    """What is open."""

    mail: ImapSession | None = None
    books: dict[str, Book] = field(default_factory=dict)  #: by collection URL
    access: dict[str, BookAccess] = field(default_factory=dict)  #: by collection URL
    found: dict[str, FoundBooks] = field(default_factory=dict)  #: by `Access.place`
    findings: list[Finding] = field(default_factory=list)
    errors: list[MailsyncError] = field(default_factory=list)


@contextmanager
def opened(account: Account) -> Iterator[Servers]:
    """Open mail and books of `account`."""
    with ExitStack() as stack:
        servers = Servers()
        if account.mail:
            try:
                servers.mail = stack.enter_context(imap_session(account.mail))
            except (AccountError, ConfigError) as error:
                servers.errors.append(error)
        for book in account.books:
            try:
                _open_books(servers, stack, book)
            except (AccountError, CollectionError, ConfigError, UsageError) as error:
                servers.errors.append(error)
        yield servers


def imap_session(access: Access) -> ImapSession:
    """A session with the account's mail server; it logs in when it is entered."""
    return ImapSession(
        ImapLogin.of_url(
            access.url,
            user=access.user,
            password=access.password(),
            ca_file=access.ca_file,
            insecure=access.insecure,
        )
    )


def dav_client(access: Access) -> CardDavClient:
    """A client for the DAV server of `access`."""
    return CardDavClient(
        DavLogin(
            url=access.url,
            user=access.user,
            password=access.password(),
            ca_file=access.ca_file,
            insecure=access.insecure,
        )
    )


def _open_books(servers: Servers, stack: ExitStack, wanted: BookAccess) -> None:
    parse_scope(wanted.scope)  # a wrong scope costs this book, not the account
    client = stack.enter_context(dav_client(wanted.access))
    try:
        found = client.discover()
    except NotThere:
        servers.found[wanted.access.place] = FoundBooks(there=frozenset(), writable=frozenset())
        raise
    servers.found[wanted.access.place] = FoundBooks(
        there=frozenset(one.url for one in found),
        writable=frozenset(one.url for one in found if one.writable),
    )
    for one in found:
        if one.url in servers.books:
            continue
        if one.writable:
            servers.books[one.url] = client.book(one.url)
            servers.access[one.url] = wanted
        elif len(found) == 1:
            servers.findings.append(
                Finding(
                    kind="read-only-book",
                    severity="conflict",
                    subject=one.url,
                    sentence=Sentence.of(
                        N_("{user} may only read the address book {book}: give it the right to write there"),
                        user=wanted.access.user,
                        book=one.url,
                    ),
                )
            )
