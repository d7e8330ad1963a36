"""From the configuration to the values that rooms get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from mailsync import config as configuration
from mailsync.config import Config, Registry, SqlTable
from mailsync.config.server import ACCOUNT
from mailsync.daemon.books_server import SERVICE_USER, BooksServer
from mailsync.errors import UsageError
from mailsync.registry.headings import KINDS, Kind
from mailsync.registry.queries import Query, SqlSource
from mailsync.text import N_, normalise_address
from mailsync.tidy.settings import Access, Account, BookAccess, CardRules, FilingRules, House


def house(config: Config) -> House:
    """The values all accounts share."""
    addresses = {
        normalise_address(address)
        for account in config.accounts
        for address in (account.address, *account.aliases)
    }
    return House(
        database=config.database,
        state_dir=config.state_dir,
        language=config.language,
        timezone=config.timezone,
        own_domains=frozenset(domain.strip().lstrip("@").lower() for domain in config.own_domains),
        own_addresses=frozenset(addresses),
        registry_source=_registry_source(config.registry),
        cards=CardRules(**config.defaults.addressbook.model_dump()),
        plain_words=frozenset(word.upper() for word in config.audit.plain_words),
    )


def _registry_source(registry: Registry) -> str | SqlSource | None:
    if registry.sql_url is None:
        return registry.source
    tables: Mapping[Kind, SqlTable | None] = {kind: getattr(registry.sql, kind) for kind in KINDS}
    queries = {
        kind: Query(statement=table.query, columns=table.columns) for kind, table in tables.items() if table
    }
    return SqlSource(
        url=registry.sql_url,
        password=partial(registry.secret, str(registry.source)) if registry.passwords_named else None,
        queries=queries,
        timeout=registry.timeout_seconds,
    )


def accounts(config: Config, names: list[str] | None = None) -> list[Account]:
    """All accounts and company books, or those named. Raises `UsageError` for an unknown name."""
    every = [*_reps(config), *_company_books(config), *_built_in_book(config)]
    if not names:
        return every
    known = {account.name: account for account in every}
    for name in names:
        if name not in known:
            raise UsageError(
                N_("There is no account “{name}”; there are: {known}"),
                name=name,
                known=", ".join(known) or "–",
            )
    return [known[name] for name in dict.fromkeys(names)]


def _reps(config: Config) -> Iterator[Account]:
    for rep in config.accounts:
        yield Account(
            name=rep.name,
            addresses=tuple(normalise_address(address) for address in (rep.address, *rep.aliases)),
            mail=_mail_access(rep.imap),
            special_mailboxes=tuple(rep.mailboxes.model_dump().items()),
            books=tuple(_book(book) for book in rep.books),
            confirmed=rep.confirmed,
            filing=FilingRules(**config.filing_of(rep).model_dump()),
            max_changes=config.brakes_of(rep).max_changes,
        )


def _company_books(config: Config) -> Iterator[Account]:
    for book in config.books:
        yield Account(
            name=f"book:{book.name}",
            books=(_book(book),),
            confirmed=book.confirmed,
            max_changes=config.brakes_of(None).max_changes,
        )


def books_server(config: Config) -> BooksServer:
    """The built-in address-book server. Raises `UsageError` where it is not enabled."""
    wanted = config.server
    if not wanted.enabled:
        raise UsageError(
            N_("The built-in address-book server is off: write enabled = true under [server] first")
        )
    return BooksServer(
        folder=(wanted.data_dir or config.state_dir / "books").resolve(),
        host=wanted.host,
        port=wanted.port,
        book=wanted.book,
        name=wanted.name,
        certificate_file=wanted.certificate_file,
        key_file=wanted.key_file,
    )


def _built_in_book(config: Config) -> Iterator[Account]:
    if not config.server.enabled:
        return
    server = books_server(config)
    access = Access(
        url=server.book_url,
        user=SERVICE_USER,
        password=server.secret,
        ca_file=config.server.certificate_file,
        insecure=config.server.insecure,
    )
    yield Account(
        name=ACCOUNT,
        books=(BookAccess(access=access, scope=config.server.scope),),
        confirmed=config.server.confirmed,
        max_changes=config.brakes_of(None).max_changes,
    )


def _book(book: configuration.BookLogin) -> BookAccess:
    return BookAccess(access=_access(book), scope=book.scope, create_missing=book.create_missing)


def _mail_access(login: configuration.ImapLogin) -> Access:
    return replace(
        _access(login),
        authorization=login.authorization,
        token=login.token if login.token_command else None,
    )


def _access(login: configuration.Login) -> Access:
    return Access(
        url=login.url,
        user=login.user,
        password=login.password,
        ca_file=login.ca_file,
        insecure=login.insecure,
    )
