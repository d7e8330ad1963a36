"""The configuration: one TOML file, read with pydantic-settings (FORMATS 2). Rooms get values, never this.

Order of search: `--config FILE`, `$MAILSYNC_CONFIG`, `./config/mailsync.toml`, `/etc/mailsync/mailsync.toml`.
Unknown keys are errors, and all problems are listed with their path. Relative paths are relative to the file's folder.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mailsync.config.accounts_file import with_accounts_file
from mailsync.config.base import Strict, WithPassword, WithScope
from mailsync.config.registry import Registry as Registry
from mailsync.config.registry import SqlTable as SqlTable
from mailsync.config.registry import SqlTables as SqlTables
from mailsync.config.secrets import token_from_command
from mailsync.config.server import ACCOUNT, Server
from mailsync.errors import ConfigError, UsageError
from mailsync.text import N_

SEARCH = (Path("config/mailsync.toml"), Path("/etc/mailsync/mailsync.toml"))
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Login(WithPassword):
    """A server and who logs in there. The password comes from a file, a command or the environment."""

    SECRETS: ClassVar[str] = "password_file, password_command, password_env"

    url: str
    user: str
    ca_file: Path | None = None
    insecure: bool = False

    @model_validator(mode="after")
    def _one_secret(self) -> Login:
        if self.passwords_named != 1:
            raise ValueError(f"give exactly one of {self.SECRETS}")
        return self

    def password(self) -> str:
        """Read the secret now. Raises `ConfigError` naming the file, command or variable that failed."""
        return self.secret(self.url)


class ImapLogin(Login):
    """A mailbox. Instead of by password one may sign in by an OAuth2 token, which a command prints."""

    SECRETS: ClassVar[str] = f"{Login.SECRETS}, token_command"

    authorization: str = ""  #: whose mail, where `user` is a master (SASL authorization identity)
    token_command: str | None = None

    @property
    def passwords_named(self) -> int:
        return super().passwords_named + (self.token_command is not None)

    def token(self) -> str:
        """Have the command print an access token now. Raises `AccountError`."""
        return token_from_command(self.token_command or "", self.user)

    @field_validator("token_command")
    @classmethod
    def _can_be_split(cls, command: str | None) -> str | None:
        try:
            if command is not None and not shlex.split(command):
                raise ValueError("it is empty")
        except ValueError as error:
            raise ValueError(f"this is no command line: {error}") from None
        return command

    @field_validator("url")
    @classmethod
    def _scheme(cls, url: str) -> str:
        return _checked_url(url, ("imaps", "imap"))

    @model_validator(mode="after")
    def _no_plaintext(self) -> ImapLogin:
        _refuse_plaintext(self, "imap")
        return self


class BookLogin(Login, WithScope):
    """An address book: a collection, a principal or a server root (then every writable book in it)."""

    create_missing: bool = True

    @field_validator("url")
    @classmethod
    def _scheme(cls, url: str) -> str:
        return _checked_url(url, ("https", "http"))

    @model_validator(mode="after")
    def _no_plaintext(self) -> BookLogin:
        _refuse_plaintext(self, "http")
        return self


class CompanyBook(BookLogin):
    name: Annotated[str, Field(pattern=r"^[\w.@-]+$")]
    confirmed: bool = False


class CalendarLogin(Login):
    @field_validator("url")
    @classmethod
    def _scheme(cls, url: str) -> str:
        return _checked_url(url, ("https", "http"))


class Filing(Strict):
    folder: str = "Customers/{code} {company}"
    mode: Literal["move", "copy", "report-only"] = "move"
    only_read: bool = True
    min_age_days: Annotated[int, Field(ge=0)] = 3
    leave_flagged: bool = True

    @field_validator("folder")
    @classmethod
    def _known_fields(cls, folder: str) -> str:
        fields = set(re.findall(r"\{([^{}]*)\}", folder))
        known = {"code", "company", "full_code", "abbr", "country", "region", "owner", "year"}
        if fields - known:
            raise ValueError(f"unknown field {{{min(fields - known)}}}; known: {', '.join(sorted(known))}")
        if not fields & {"code", "full_code"}:
            raise ValueError("the template needs {code} or {full_code}: a folder must name one customer")
        return folder


class Brakes(Strict):
    max_changes: Annotated[float, Field(gt=0, le=1)] = 0.25


class Addressbook(Strict):
    nickname: bool = True
    categories: bool = True
    names_into_n: bool = True
    entry_per_engagement: bool = True


class Audit(Strict):
    plain_words: tuple[str, ...] = ()


class Defaults(Strict):
    filing: Filing = Filing()
    brakes: Brakes = Brakes()
    addressbook: Addressbook = Addressbook()


class SpecialMailboxes(Strict):
    """Names of special mailboxes where the server does not say them and they are not the usual ones."""

    sent: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    junk: tuple[str, ...] = ()
    trash: tuple[str, ...] = ()


class Account(Strict):
    """One rep: mailbox, own books, calendar."""

    name: Annotated[str, Field(pattern=r"^[\w.@-]+$")]
    address: str
    aliases: tuple[str, ...] = ()
    imap: ImapLogin
    books: tuple[BookLogin, ...] = ()
    calendar: CalendarLogin | None = None
    confirmed: bool = False
    filing: dict[str, Any] = Field(default_factory=dict)
    brakes: dict[str, Any] = Field(default_factory=dict)
    mailboxes: SpecialMailboxes = SpecialMailboxes()

    @field_validator("address", "aliases")
    @classmethod
    def _addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (value,) if isinstance(value, str) else value:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
                raise ValueError(f"“{address}” is no e-mail address")
        return value


class Daemon(Strict):
    interval_minutes: Annotated[float, Field(gt=0)] = 15
    jitter_seconds: Annotated[float, Field(ge=0)] = 30
    list_minutes: Annotated[float, Field(ge=0)] = 15
    watch: bool = False
    daily_report: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "07:30"


class Config(BaseSettings):
    """The whole configuration, checked."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="MAILSYNC_", env_nested_delimiter="__"
    )

    database: str = "sqlite:///var/mailsync.db"
    state_dir: Path = Path("var")
    language: Literal["en", "zh_CN"] = "en"
    timezone: str = "Asia/Shanghai"
    own_domains: tuple[str, ...] = ()
    registry: Registry = Registry()
    defaults: Defaults = Defaults()
    audit: Audit = Audit()
    daemon: Daemon = Daemon()
    accounts: tuple[Account, ...] = ()
    accounts_file: Path | None = None
    books: tuple[CompanyBook, ...] = ()
    server: Server = Server()

    @field_validator("database")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not re.match(r"sqlite:///.|postgresql(\+psycopg)?://.", url):
            raise ValueError(f"“{url}” is no database; write sqlite:///FILE or postgresql://user@host/name")
        return url

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"unknown time zone “{zone}”; write one like Asia/Shanghai") from error
        return zone

    @model_validator(mode="after")
    def _unique_names(self) -> Config:
        names = Counter(
            [account.name for account in self.accounts]
            + [f"book:{book.name}" for book in self.books]
            + ([ACCOUNT] if self.server.enabled else [])
        )
        if twice := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"names must be unique: {', '.join(twice)}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment beats the file, so that a container can set `MAILSYNC_DATABASE`."""
        return env_settings, init_settings

    def filing_of(self, account: Account) -> Filing:
        return Filing(**{**self.defaults.filing.model_dump(), **account.filing})

    def brakes_of(self, account: Account | None) -> Brakes:
        own = account.brakes if account else {}
        return Brakes(**{**self.defaults.brakes.model_dump(), **own})

    def logins(self) -> Iterator[Login]:
        for account in self.accounts:
            yield account.imap
            yield from account.books
            if account.calendar:
                yield account.calendar
        yield from self.books


def find(path: Path | None) -> Path:
    """The configuration file to read. Raises `UsageError` naming the places looked at."""
    if path is not None:
        candidates: tuple[Path, ...] = (path,)
    elif named := os.environ.get("MAILSYNC_CONFIG"):
        candidates = (Path(named),)
    else:
        candidates = SEARCH
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise UsageError(
        N_("No configuration at {places}. Write one with `mailsync init`, or name it with --config FILE"),
        places=", ".join(map(str, candidates)),
    )


def load(path: Path | None = None) -> Config:
    """Read and check the configuration. Raises `ConfigError` with every problem, or `UsageError` without a file."""
    file = find(path)
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"this is no TOML: {error}"], str(file)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"it cannot be read: {error}"], str(file)) from error
    folder = file.resolve().parent
    raw = {"state_dir": "var", "database": "sqlite:///var/mailsync.db"} | raw
    raw = _with_absolute_paths(with_accounts_file(raw, folder, str(file)), folder)
    try:
        config = Config(**raw)
    except ValidationError as error:
        raise ConfigError([_problem(one) for one in error.errors()], str(file)) from error
    if problems := list(_override_problems(config)):
        raise ConfigError(problems, str(file))
    return config


def _override_problems(config: Config) -> Iterator[str]:
    """What is wrong with the accounts' own filing and brakes, which are whole only together with the defaults."""
    for number, account in enumerate(config.accounts):
        for name, merged in (("filing", config.filing_of), ("brakes", config.brakes_of)):
            try:
                merged(account)
            except ValidationError as error:
                yield from (_problem(one, f"accounts.{number}.{name}.") for one in error.errors())


def _problem(error: Any, prefix: str = "") -> str:
    path = prefix + ".".join(str(part) for part in error["loc"]) or "(whole file)"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "unknown key; see config/mailsync.example.toml for the keys there are"
    return f"{path}: {message}"


def _with_absolute_paths(raw: Any, folder: Path) -> Any:
    """Resolve every file the configuration names against its own folder."""
    if isinstance(raw, list):
        return [_with_absolute_paths(item, folder) for item in raw]
    if not isinstance(raw, dict):
        return raw
    return {
        key: _absolute(key, _with_absolute_paths(value, folder), folder) for key, value in raw.items()
    } | ({} if "state_dir" in raw or "accounts" not in raw else {"state_dir": str(folder / "var")})


def _absolute(key: str, value: Any, folder: Path) -> Any:
    if not isinstance(value, str):
        return value
    if key.endswith("_file") or key in ("state_dir", "data_dir"):
        return str(folder / Path(value).expanduser())
    if key == "source" and not re.match(r"[a-z]+:", value):
        return str(folder / Path(value).expanduser())
    if key == "database" and value.startswith("sqlite:///") and not value.startswith("sqlite:////"):
        return f"sqlite:///{folder / value.removeprefix('sqlite:///')}"
    return value


def _checked_url(url: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(
            f"“{url}” is no {schemes[0]} URL; write {schemes[0]}://host or {schemes[0]}://host:port"
        )
    if parts.username or parts.password:
        raise ValueError("a URL must not carry user or password; use user and password_file")
    return url


def _refuse_plaintext(login: Login, scheme: str) -> None:
    parts = urlsplit(login.url)
    if parts.scheme == scheme and parts.hostname not in _LOOPBACK and not login.insecure:
        raise ValueError(
            f"{scheme}:// sends the password in clear text; write {scheme}s://, or insecure = true to allow it"
        )
