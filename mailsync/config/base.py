"""What the configuration's tables have in common: no unknown keys, and where a password comes from."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator

from mailsync.config.secrets import secret_from_command, secret_from_file
from mailsync.errors import ConfigError

_SCOPE = re.compile(r"all|(owner|codes):\s*[^,\s]+(\s*,\s*[^,\s]+)*")


class Strict(BaseModel):
    """A table of the configuration; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WithScope(Strict):
    """A table about a book, with the customers whom the book shows (FORMATS 2)."""

    scope: str = "all"

    @field_validator("scope")
    @classmethod
    def _known_scope(cls, scope: str) -> str:
        if not _SCOPE.fullmatch(scope.strip()):
            raise ValueError('write "all", "owner:a@x,b@x" or "codes:D12,E05"')
        return scope


class WithPassword(Strict):
    """A table with a password, which comes from a file, a command or the environment."""

    password_file: Path | None = None
    password_command: str | None = None
    password_env: str | None = None

    @property
    def passwords_named(self) -> int:
        """In how many ways the password is given."""
        given = (self.password_file, self.password_command, self.password_env)
        return sum(one is not None for one in given)

    def secret(self, place: str) -> str:
        """Read the secret now. Raises `ConfigError` naming the file, command or variable that failed."""
        if self.password_file:
            return secret_from_file(self.password_file)
        if self.password_command:
            return secret_from_command(self.password_command)
        value = os.environ.get(self.password_env or "")
        if value is None:
            raise ConfigError([f"the environment variable {self.password_env} is not set"], place)
        return value
