"""The servers of one account, opened for one run; what cannot be opened is an error of the run, not its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from mailsync.addressbook.answers import NotThere
from mailsync.addressbook.book import Book
from mailsync.addressbook.carddav import BookInfo, CardDavClient
from mailsync.addressbook.places import Places
from mailsync.addressbook.scope import parse_scope
from mailsync.addressbook.shelf import Shelf
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


@dataclass(frozen=True, kw_only=True)
class Looking:
    """What is remembered of books, and whether that is good enough for this run."""

    shelf: Shelf
    places: Places
    now: datetime
    anew: bool = True  #: ask every server which books there are
    sessions: dict[str, ImapSession] | None = None  #: by account, where connections are kept


@contextmanager
def opened(account: Account, looking: Looking) -> Iterator[Servers]:
    """Open mail and books of `account`."""
    with ExitStack() as stack:
        servers = Servers()
        if account.mail:
            try:
                servers.mail = _mail_session(account.name, account.mail, stack, looking.sessions)
            except (AccountError, ConfigError) as error:
                servers.errors.append(error)
        for book in account.books:
            try:
                _open_books(servers, stack, book, looking)
            except (AccountError, CollectionError, ConfigError, UsageError) as error:
                servers.errors.append(error)
        yield servers


def _mail_session(
    name: str, access: Access, stack: ExitStack, kept: dict[str, ImapSession] | None
) -> ImapSession:
    if kept is None:
        return stack.enter_context(imap_session(access))
    session = kept.get(name)
    if session is None:
        session = imap_session(access)
        session.connect()
        kept[name] = session
    return session


def imap_session(access: Access) -> ImapSession:
    """A session with the account's mail server; it logs in when it is entered."""
    return ImapSession(imap_login(access))


def imap_login(access: Access) -> ImapLogin:
    """How to log in there, with the password of this moment."""
    return ImapLogin.of_url(
        access.url,
        user=access.user,
        password="" if access.token else access.password(),
        token=access.token,
        authorization=access.authorization,
        ca_file=access.ca_file,
        insecure=access.insecure,
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


def _found_books(client: CardDavClient, place: str, looking: Looking) -> list[BookInfo]:
    """The books behind a place, asked for or remembered."""
    remembered = None if looking.anew else looking.places.recent(place, looking.now)
    if remembered is not None:
        return remembered
    looking.places.forget(place)
    found = client.discover()
    looking.places.note(place, found, looking.now)
    return found


def _open_books(servers: Servers, stack: ExitStack, wanted: BookAccess, looking: Looking) -> None:
    parse_scope(wanted.scope)  # a wrong scope costs this book, not the account
    client = stack.enter_context(dav_client(wanted.access))
    try:
        found = _found_books(client, wanted.access.place, looking)
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
            looking.shelf.introduce(servers.books[one.url])
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
