"""What a mail server can do, and what about it its administrator should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailsync.mailbox.folders import Folder, Listing, Overrides, roles
from mailsync.mailbox.headers import MailboxRole
from mailsync.mailbox.imap import ImapSession
from mailsync.text import N_, Sentence

__all__ = ["Habits", "Overrides", "Profile", "probe", "roles"]


#: Where `.` is its separator it does take `^`.
_CYRUS_REFUSES = '!"%;<>\\^`{|}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a server had to be asked for, and which stays as it is."""

    namespace: (
        tuple[str, str | None] | None
    )  #: prefix and separator (RFC 2342); None where the server does not say
    refused: str  #: characters that it takes in no folder name


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One account's server. Folder names are built with `separator`, below `prefix`."""

    capabilities: frozenset[str]
    separator: str  #: of the hierarchy
    prefix: str  #: of the person's own mailboxes: "", or "INBOX." where everything lies below INBOX
    can_move: bool  #: RFC 6851
    can_expunge_uids: bool  #: UIDPLUS, RFC 4315
    condstore: bool  #: RFC 7162: unchanged mailboxes cost nothing
    qresync: bool
    special_use: bool  #: RFC 6154
    software: str  #: what the server says it is, or what its capabilities tell; for people to read
    listing: Listing  #: as it stood then
    roles: tuple[tuple[str, MailboxRole], ...]  #: mailbox → role
    problems: tuple[Sentence, ...] = ()
    habits: Habits

    @property
    def refused(self) -> str:
        """Characters that the server takes in no folder name."""
        return self.habits.refused

    def having(self, role: MailboxRole) -> tuple[str, ...]:
        """The mailboxes with this role."""
        return tuple(name for name, its in self.roles if its == role)


def probe(
    session: ImapSession,
    overrides: Overrides | None = None,
    *,
    listing: Listing | None = None,
    known: Habits | None = None,
) -> Profile:
    """Look at the server. `listing`: where it was asked for just now; `known`: what need not be asked for again. Raises
    `AccountError`."""
    capabilities = session.capabilities
    listing = listing or session.listing()
    namespace = known.namespace if known else session.personal_namespace()
    prefix, separator = _place(namespace, listing.folders)
    habits = known or Habits(namespace=namespace, refused=_refused(session, prefix, separator))
    assigned = roles(listing.folders, overrides)
    return Profile(
        habits=habits,
        capabilities=capabilities,
        separator=separator,
        prefix=prefix,
        can_move=session.can_move,
        can_expunge_uids=session.can_expunge_uids,
        condstore="CONDSTORE" in capabilities,
        qresync="QRESYNC" in capabilities,
        special_use="SPECIAL-USE" in capabilities,
        software="Gmail" if session.has_labels else session.software or _vendor(capabilities),
        listing=listing,
        roles=tuple(assigned.items()),
        problems=listing.problems
        + tuple(
            _problems(
                session,
                list(assigned.values()),
                [folder.shown_name for folder in listing.folders],
                overrides,
            )
        ),
    )


def _refused(session: ImapSession, prefix: str, separator: str) -> str:
    """Characters that the server takes in no folder name, its separator and `/` aside."""
    if "X-SIEVE-MAILBOX" in session.capabilities or session.software.startswith("Cyrus"):
        # Cyrus tells only whoever tries to create one. What it does take: GOODCHARS in its imap/mboxname.c.
        return _CYRUS_REFUSES
    # Dovecot keeps folders as Maildir++ by default: "." parts their levels on disk, whatever the separator is.
    return "." if separator != "." and session.refuses_name(f"{prefix}mailsync.mailsync") else ""


def _place(told: tuple[str, str | None] | None, folders: Sequence[Folder]) -> tuple[str, str]:
    """Prefix and separator; servers without NAMESPACE show them in how INBOX and the others are listed."""
    listed = listed_separator(folders) or "/"
    if told is not None:
        return told[0], told[1] or listed
    below_inbox = f"INBOX{listed}"
    others = [folder.name for folder in folders if folder.name != "INBOX"]
    # Courier keeps everything below INBOX, and refuses a name beside it.
    return (below_inbox if others and all(name.startswith(below_inbox) for name in others) else ""), listed


def listed_separator(folders: Sequence[Folder]) -> str | None:
    """The separator of the first folder that has one."""
    return next((folder.separator for folder in folders if folder.separator), None)


def _problems(
    session: ImapSession, assigned: Sequence[MailboxRole], names: Sequence[str], overrides: Overrides | None
) -> list[Sentence]:
    server = session.login.server
    found: list[Sentence] = []
    if not session.can_move and not session.can_expunge_uids:
        found.append(
            Sentence.of(
                N_(
                    "{server} can neither move messages (MOVE) nor remove single ones (UIDPLUS):"
                    " nothing is filed, only reported. Set the filing mode to copy, or have the server updated."
                ),
                server=server,
            )
        )
    if "sent" not in assigned:
        found.append(
            Sentence.of(
                N_(
                    "{server} shows no Sent folder for {user}: name it in the configuration (accounts.mailboxes.sent)"
                ),
                server=server,
                user=session.login.user,
            )
        )
    found += [
        Sentence.of(
            N_("The configuration names the folder “{mailbox}”, which {server} does not have"),
            mailbox=name,
            server=server,
        )
        for wanted in (overrides or {}).values()
        for name in wanted
        if name not in names
    ]
    return found


def _vendor(capabilities: frozenset[str]) -> str:
    """A guess for people to read; nothing depends on it."""
    marks = (
        ("X-CM-EXT-1", "Coremail (NetEase)"),
        ("XAPPLEPUSHSERVICE", "Tencent, Apple or Dovecot with push"),
        ("XLIST", "provider with XLIST"),
        ("X-SIEVE-MAILBOX", "Cyrus"),
        ("SNIPPET=FUZZY", "Dovecot"),
        ("PREVIEW=FUZZY", "Dovecot"),
        ("X-ZIMBRA", "Zimbra"),
    )
    return next((name for mark, name in marks if mark in capabilities), "")
