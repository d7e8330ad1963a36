"""Secrets from outside the configuration: a file, or a command's output. Neither is ever logged."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from mailsync.errors import AccountError, ConfigError
from mailsync.text import N_

_COMMAND_SECONDS = 30.0
#: What a bearer token may consist of (RFC 6750 section 2.1); an error message printed in its place does not pass.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


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


def token_from_command(command: str, user: str, seconds: float = _COMMAND_SECONDS) -> str:
    """The OAuth2 access token that `command` prints for `user`; run without a shell, ended after `seconds`.

    Raises `AccountError`, never with what the command printed: a token could be in it.
    """
    try:
        process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise AccountError(
            N_("token_command for {user} cannot be run: {reason}"), user=user, reason=error.strerror
        ) from None
    with process:
        try:
            printed, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with whatever it started
            raise AccountError(
                N_("token_command for {user} took longer than {seconds} seconds and was ended"),
                user=user,
                seconds=round(seconds),
            ) from None
    if process.returncode != 0:
        raise AccountError(
            N_("token_command for {user} failed (exit {code}). Run it by hand to see why"),
            user=user,
            code=process.returncode,
        )
    token = printed.decode("ascii", "replace").strip()
    if not _TOKEN.fullmatch(token):
        raise AccountError(
            N_(
                "token_command for {user} printed no access token: it must print the token alone, on one line"
            ),
            user=user,
        )
    return token
