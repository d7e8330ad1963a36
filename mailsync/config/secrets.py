"""Secrets from outside the configuration: a file, or a command's output."""

from __future__ import annotations

import subprocess
from pathlib import Path

from mailsync.errors import ConfigError

_COMMAND_SECONDS = 30


def secret_from_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"password_file {path} cannot be read: {error}"], str(path)) from error


def secret_from_command(command: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S602 (the administrator's own command line)
            command, shell=True, capture_output=True, text=True, check=True, timeout=_COMMAND_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError([f"password_command failed: {type(error).__name__}"], "password_command") from error
    return answer.stdout.rstrip("\r\n")
