"""Configuration, registry and each server: what it can do and what is wrong, in words an administrator acts on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mailsync.addressbook.book import Book
from mailsync.addressbook.profile import Profile as ServerHabits
from mailsync.addressbook.scope import parse_scope
from mailsync.errors import MailsyncError
from mailsync.mailbox.folders import Evidence, roles_and_evidence
from mailsync.mailbox.headers import MailboxRole
from mailsync.mailbox.provider import Profile
from mailsync.registry.roster_load import load_roster
from mailsync.text import N_, Sentence, joined
from mailsync.tidy.desk import Desk
from mailsync.tidy.reading import overrides
from mailsync.tidy.servers import dav_client, imap_session
from mailsync.tidy.settings import Account, BookAccess

Level = Literal["ok", "note", "warning", "error"]

_ROLES: tuple[MailboxRole, ...] = ("sent", "drafts", "junk", "trash")
_EVIDENCE: dict[Evidence, str] = {
    "configuration": N_("{name} (as configured)"),
    "special-use": N_("{name} (as the server says)"),
    "name": N_("{name} (by its name)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was looked at."""

    level: Level
    about: str
    sentence: Sentence
    exit_code: int = 0


def check(desk: Desk, accounts: Sequence[Account]) -> Iterator[Line]:
    """Look at everything, one line after the other as it is found."""
    yield from _registry(desk)
    if not accounts:
        yield _warning(
            "configuration", N_("No account and no book is configured yet: add [[accounts]] or [[books]]")
        )
    if desk.house.pause_file.exists():
        yield _warning(
            "state_dir",
            N_("{path} is there: every run is held until it is removed"),
            path=desk.house.pause_file,
        )
    for account in accounts:
        if account.mail:
            yield from _mail(desk, account)
        for book in account.books:
            yield from _books(account, book)


def _registry(desk: Desk) -> Iterator[Line]:
    try:
        registered = desk.source.roster()
    except MailsyncError as error:
        yield _error("registry", error)
        return
    with desk.engine.connect() as connection:
        roster = load_roster(connection)
    coded = sum(1 for contact in roster.contacts if contact.customers)
    yield _ok(
        "registry",
        N_("{customers} customers, {people} people, {uncoded} of them without a code"),
        customers=len(roster.customers),
        people=len(roster.contacts),
        uncoded=len(roster.contacts) - coded,
    )
    for finding in registered.findings:
        yield Line(level="warning", about="registry", sentence=finding.sentence)
    for problem in registered.errors:
        yield _error("registry", problem)


def _mail(desk: Desk, account: Account) -> Iterator[Line]:
    if account.mail is None:
        return
    try:
        with imap_session(account.mail) as session:
            profile = desk.profiles(account).profile(session, overrides(account), desk.clock(), anew=True)
    except MailsyncError as error:
        yield _error(account.name, error)
        return
    yield _ok(
        account.name,
        N_(
            "{server} lets {user} in: {folders} folders, separator “{separator}”, prefix “{prefix}” {software}"
        ),
        server=account.mail.url,
        user=account.mail.user,
        folders=len(profile.listing.folders),
        separator=profile.separator,
        prefix=profile.prefix,
        software=f"({profile.software})" if profile.software else "",
    )
    yield from _abilities(account, profile)
    for problem in profile.problems:
        yield Line(level="warning", about=account.name, sentence=problem)


def _abilities(account: Account, profile: Profile) -> Iterator[Line]:
    level, filing = _filing(account, profile)
    yield Line(level=level, about=account.name, sentence=Sentence.of(filing))
    reading = (
        N_("Unchanged folders cost nothing (CONDSTORE)")
        if profile.condstore
        else N_("No CONDSTORE: flags of all messages are read at each run")
    )
    yield Line(level="ok" if profile.condstore else "note", about=account.name, sentence=Sentence.of(reading))
    decided = roles_and_evidence(profile.listing.folders, overrides(account))
    shown = {folder.name: folder.shown_name for folder in profile.listing.folders}
    for role in _ROLES:
        found = [
            Sentence.of(_EVIDENCE[evidence], name=shown[name])
            for name, (its, evidence) in decided.items()
            if its == role
        ]
        names = joined(found, ", ") if found else "–"
        yield Line(
            level="ok" if found else "note",
            about=account.name,
            sentence=Sentence.of(N_("Folder for {role}: {names}"), role=role, names=names),
        )


def _filing(account: Account, profile: Profile) -> tuple[Level, str]:
    """How messages will come into customers' folders."""
    if account.filing.mode == "report-only":
        return "note", N_("Messages stay where they are: the filing mode is report-only")
    if account.filing.mode == "copy":
        return "ok", N_("Messages are copied with COPY, and stay where they are as well")
    if profile.can_move:
        return "ok", N_("Messages are moved with MOVE")
    if profile.can_expunge_uids:
        return "note", N_("No MOVE: messages are moved by COPY and UID EXPUNGE, which is slower and as safe")
    return "warning", N_("Messages stay where they are: the server can neither MOVE nor UID EXPUNGE")


def _books(account: Account, book: BookAccess) -> Iterator[Line]:
    try:
        parse_scope(book.scope)
        with dav_client(book.access) as client:
            found = client.discover()
            looked = {one.url: _look_into(client.book(one.url)) for one in found}
    except MailsyncError as error:
        yield _error(account.name, error)
        return
    for one in found:
        if one.writable:
            yield _ok(
                account.name,
                N_(
                    "Address book {name} at {url}: {cards} cards, may be written ({server}, {connections} at once)"
                ),
                name=one.name,
                url=one.url,
                cards=looked[one.url][0],
                server=looked[one.url][1].title,
                connections=looked[one.url][1].connections,
            )
        else:
            yield _warning(
                account.name,
                N_(
                    "Address book {name} at {url} may only be read by {user}: give it the right to write, or leave it out"
                ),
                name=one.name,
                url=one.url,
                user=book.access.user,
            )


def _look_into(book: Book) -> tuple[int, ServerHabits]:
    """How many cards it has, and what its server is known for."""
    return len(book.changes(None).changed), book.profile


def _ok(about: str, template: str, **fields: object) -> Line:
    return Line(level="ok", about=about, sentence=Sentence.of(template, **fields))


def _warning(about: str, template: str, **fields: object) -> Line:
    return Line(level="warning", about=about, sentence=Sentence.of(template, **fields))


def _error(about: str, error: MailsyncError) -> Line:
    return Line(level="error", about=about, sentence=error.sentence, exit_code=error.exit_code)
