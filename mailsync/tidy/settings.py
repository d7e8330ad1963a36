"""What a run needs to know of the house and of the account, as values (`cli` makes them from the configuration)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mailsync.registry.queries import SqlSource

#: Reads a secret when it is needed, so that a password changed on disk is used at the next run.
Secret = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A server and who logs in there."""

    url: str
    user: str
    password: Secret
    ca_file: Path | None = None
    insecure: bool = False
    authorization: str = ""  #: whose mail, where `user` is a master (SASL authorization identity)
    token: Secret | None = (
        None  #: in place of the password: an OAuth2 access token, asked for at each sign-in
    )

    @property
    def place(self) -> str:
        """Who looks where: what the shelf names a configured place by."""
        return f"{self.user} {self.url}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAccess:
    """An address book or a place that holds some (collection, principal, server root)."""

    access: Access
    scope: str = "all"
    create_missing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingRules:
    """DOMAIN 8 as configured."""

    folder: str = "Customers/{code} {company}"
    mode: Literal["move", "copy", "report-only"] = "move"
    only_read: bool = True
    min_age_days: int = 3
    leave_flagged: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRules:
    """DOMAIN 5 as configured."""

    nickname: bool = True
    categories: bool = True
    names_into_n: bool = True
    entry_per_engagement: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One rep's mailbox and books, or (without `mail`) one company book named `book:NAME`."""

    name: str
    addresses: tuple[str, ...] = ()
    mail: Access | None = None
    special_mailboxes: tuple[
        tuple[str, tuple[str, ...]], ...
    ] = ()  #: role → names that override the server's
    books: tuple[BookAccess, ...] = ()
    confirmed: bool = False
    filing: FilingRules = FilingRules()
    max_changes: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all accounts share."""

    database: str
    state_dir: Path
    language: str = "en"
    timezone: str = "Asia/Shanghai"
    own_domains: frozenset[str] = frozenset()
    own_addresses: frozenset[str] = frozenset()  #: of every account
    registry_source: str | SqlSource | None = None  #: folder, workbook, or a database
    cards: CardRules = CardRules()
    plain_words: frozenset[str] = frozenset()

    @property
    def pause_file(self) -> Path:
        return self.state_dir / "PAUSE"

    @property
    def reports(self) -> Path:
        return self.state_dir / "reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How this run was asked for."""

    dry_run: bool = False
    full: bool = False  #: read everything again; all lists are complete
    force: str | None = None  #: lifts brakes: "*" any plan, else only the plan with this hash
    card_seconds: float | None = None  #: how long a run may write cards of one book; the next run goes on
    by_hand: bool = True  #: False: the daemon, which after an undo only plans

    @property
    def looks_anew(self) -> bool:
        """Whether every server is asked which books there are: who types a command expects what is there now."""
        return self.by_hand or self.full
