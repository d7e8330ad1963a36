"""Health: what the daemon last did for each account, in one small file that a container's health check reads."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from mailsync.text import N_, Sentence

#: The file is written at least this often while the daemon lives; three times as old, it counts as dead.
BEAT = timedelta(minutes=1)
#: Exit codes after which an account is not well although its run ended: unexpected, database unusable.
SICK = frozenset({1, 30})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHealth:
    """How one account stands. Times are aware, in ISO 8601 in the file."""

    started: datetime | None = None  #: of the last run
    finished: datetime | None = None
    exit_code: int | None = None
    error: str | None = None  #: in English
    next_due: datetime | None = None
    skipped: int = 0  #: times a run was due while the last one was still under way


class Supervised(Protocol):
    """A child process that is kept alive (`children.Child`)."""

    restarts: int

    @property
    def pid(self) -> int | None: ...


class Health:
    """Gathers the accounts' health and writes it to `path`, atomically. Safe between threads."""

    def __init__(
        self,
        path: Path,
        *,
        accounts: tuple[str, ...],
        started: datetime,
        books: Supervised | None = None,
    ) -> None:
        self._books = books
        self._path = path
        self._lock = Lock()
        self._started = started
        self._accounts = {name: AccountHealth() for name in accounts}
        self._report_error: str | None = None

    def note(self, account: str, **changes: Any) -> None:
        """Change fields of `account`'s health (`AccountHealth`)."""
        with self._lock:
            self._accounts[account] = replace(self._accounts[account], **changes)

    def skipped(self, account: str) -> None:
        """A run of `account` was due, but the last one was still under way."""
        with self._lock:
            known = self._accounts[account]
            self._accounts[account] = replace(known, skipped=known.skipped + 1)

    def report(self, error: str | None) -> None:
        """How the daily report went; None is well."""
        with self._lock:
            self._report_error = error

    def of(self, account: str) -> AccountHealth:
        with self._lock:
            return self._accounts[account]

    def write(self, now: datetime) -> None:
        """Write the file: whole or not at all. Raises `OSError`."""
        with self._lock:
            content = {
                "started": self._started,
                "written": now,
                "report_error": self._report_error,
                "address_books": _process(self._books),
                "accounts": {name: asdict(known) for name, known in self._accounts.items()},
            }
            self._path.parent.mkdir(parents=True, exist_ok=True)
            half = self._path.with_suffix(".new")
            half.write_text(json.dumps(content, default=_iso, ensure_ascii=False, indent=1), encoding="utf-8")
            os.replace(half, self._path)  # noqa: PTH105 - Path.replace hides that this is the atomic step


def _process(books: Supervised | None) -> dict[str, int | None] | None:
    """The built-in address-book server; None where there is none."""
    return None if books is None else {"pid": books.pid, "restarts": books.restarts}


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    raise TypeError(f"{type(value).__name__} has no place in the health file")


def healthy(path: Path, now: datetime, interval: timedelta) -> tuple[bool, Sentence]:
    """Whether the daemon that writes `path` is well, and a sentence that says why or why not.

    Not well: no file, a file nobody writes any more, an account that did not finish a run within twice its
    interval, or whose last run ended unexpectedly or without a usable database.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        written, started = _moment(content["written"]), _moment(content["started"])
        accounts = dict(content["accounts"])
        books = content.get("address_books")
    except FileNotFoundError:
        return False, Sentence.of(N_("There is no health file {path}: is the daemon running?"), path=path)
    except (OSError, ValueError, LookupError, TypeError) as error:
        return False, Sentence.of(
            N_("The health file {path} cannot be read: {reason}"), path=path, reason=error
        )
    if now - written > 3 * BEAT:
        return False, Sentence.of(
            N_("The daemon has not written {path} since {when}: it hangs or was stopped."),
            path=path,
            when=content["written"],
        )
    if books is not None and books["pid"] is None:
        return False, Sentence.of(N_("The address-book server is down; it is started again and again."))
    for name, known in accounts.items():
        if trouble := _trouble(name, known, started, now, interval):
            return False, trouble
    return True, Sentence.of(N_("Well: {count} account(s) are up to date."), count=len(accounts))


def _trouble(
    name: str, known: dict[str, Any], started: datetime, now: datetime, interval: timedelta
) -> Sentence | None:
    finished = _moment(known["finished"]) if known["finished"] else started
    if now - finished > 2 * interval:
        return Sentence.of(
            N_("{account} has not finished a run since {when}."),
            account=name,
            when=known["finished"] or started.isoformat(timespec="seconds"),
        )
    if known["exit_code"] in SICK:
        return Sentence.of(
            N_("The last run of {account} ended with {code}: {reason}"),
            account=name,
            code=known["exit_code"],
            reason=known["error"] or "?",
        )
    return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
