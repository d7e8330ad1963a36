"""What every verb starts from: the configuration, read once, and a console to print on."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console

from mailsync import config as configuration
from mailsync.cli import settings
from mailsync.config import Config
from mailsync.errors import ConfigError
from mailsync.log import Redactor
from mailsync.text import N_, Translate, translator
from mailsync.tidy.settings import Account, House

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mailsync.tidy.desk import Desk


@dataclass
class Context:
    """One command line's surroundings."""

    config_path: Path | None
    redactor: Redactor
    console: Console = field(
        default_factory=lambda: Console(soft_wrap=True, highlight=False, emoji=False, markup=False)
    )
    language_in_force: ClassVar[str] = (
        "en"  #: so that an error after reading the configuration is said in its language
    )

    @cached_property
    def config(self) -> Config:
        loaded = configuration.load(self.config_path)
        Context.language_in_force = loaded.language
        self.redactor.learn(_readable_secrets(loaded))
        return loaded

    @cached_property
    def house(self) -> House:
        return settings.house(self.config)

    @cached_property
    def desk(self) -> Desk:
        """The database, brought to the newest schema, and what runs share."""
        from mailsync.tidy.desk import open_desk  # loads SQLAlchemy, which `--help` need not wait for

        return open_desk(self.house)

    def close(self) -> None:
        """Let the database go, where it was opened."""
        if "desk" in vars(self):
            self.desk.engine.dispose()

    @property
    def engine(self) -> sa.Engine:
        return self.desk.engine

    @property
    def translate(self) -> Translate:
        return translator(self.config.language)

    def person(self, by: str | None) -> str:
        """Who types: as said by `--by`, else the login name."""
        if by:
            return by
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # a container may run under a number that no password file knows
            return f"uid {os.getuid()}"

    def field(self, name: str) -> str:
        """What the reader calls a field of the registry."""
        from mailsync.registry.headings import spoken
        from mailsync.registry.history import ADDED

        if name == ADDED:
            return self.translate(N_("registered"))
        return spoken(name, chinese=self.config.language == "zh_CN")

    def accounts(self, names: list[str] | None = None) -> list[Account]:
        return settings.accounts(self.config, names)

    @classmethod
    def current_language(cls) -> str:
        return cls.language_in_force


def _readable_secrets(config: Config) -> list[str]:
    """The passwords that files and environment hold now. Commands are not run for this: they may ask a person."""
    secrets = []
    for login in config.logins():
        if login.password_file or login.password_env:
            try:
                secrets.append(login.password())
            except ConfigError:  # said where the login is used, by the account that needs it
                continue
    return secrets
