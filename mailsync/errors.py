"""Errors by how much work they end (DESIGN 6), each with the exit code it leads to.

Every error is a `Sentence`: a template and its fields, so that a report can say it in the reader's language.
"""

from __future__ import annotations

from mailsync.text import N_, Sentence


class MailsyncError(Exception):
    """Base of all expected errors: what was attempted, on what, what was answered, what happens now."""

    exit_code = 1

    def __init__(self, template: str, **fields: object) -> None:
        self.sentence = Sentence.of(template, **fields)
        super().__init__(str(self.sentence))


class ItemError(MailsyncError):
    """One card or one message could not be done; the rest goes on."""

    exit_code = 3


class CollectionError(MailsyncError):
    """One book or one mailbox could not be read or written; the others go on."""

    exit_code = 3


class AccountError(MailsyncError):
    """Login refused or server away: this account ends, the others go on."""

    exit_code = 12


class RunRefused(MailsyncError):
    """A brake holds, or the plan is not confirmed yet; nothing was written."""

    exit_code = 20


class NotConfirmed(RunRefused):
    """The first plan of a mailbox or book waits for somebody to confirm it; no trouble, but nothing was written."""


class RegistryError(MailsyncError):
    """The registry is missing, empty or unreadable; nothing was written."""

    exit_code = 10


def unreadable_registry(path: object, error: OSError) -> RegistryError:
    """What the file system's own error means to who names a registry file."""
    return RegistryError(
        N_("{path} cannot be read: {reason}. Nothing was imported"), path=path, reason=error.strerror or error
    )


class AccountLocked(MailsyncError):
    """Another run of this account is under way."""

    exit_code = 11


class StorageError(MailsyncError):
    """The database is unreadable, locked or lost."""

    exit_code = 30


class UsageError(MailsyncError):
    """What was typed names something that does not exist."""

    exit_code = 2


class ConfigError(MailsyncError):
    """The configuration is wrong; carries all problems, not the first."""

    exit_code = 2

    def __init__(self, problems: list[str], source: str) -> None:
        self.problems = problems
        super().__init__(
            N_("The configuration {source} has {count} problem(s):\n{problems}"),
            source=source,
            count=len(problems),
            problems="\n".join(f"  - {problem}" for problem in problems),
        )


#: With several accounts the process ends with the first of these that occurred (DESIGN 6). 2 is one account's own:
#: its secret cannot be read.
EXIT_ORDER = (1, 30, 20, 12, 11, 10, 2, 3, 0)

#: As a shell says of a process that a signal ended.
INTERRUPTED = 130


def worst_exit(codes: list[int]) -> int:
    """The exit code of a process whose accounts ended with `codes`."""
    return next((code for code in EXIT_ORDER if code in codes), 0)
