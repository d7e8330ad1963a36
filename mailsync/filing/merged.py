"""Where mail follows its customer when customers were merged, or a merge was taken back (DOMAIN 8). Pure.

The mail of a merged customer's folder moves into the survivor's folder, whoever put it there. When the merge is taken
back, what the merge carried goes back, and what mailsync itself filed goes to whose it is now; what a person put into a
folder since stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailsync.filing.folders import FolderNames
from mailsync.mailbox.headers import Message
from mailsync.run.actions import Placement


class Followers:
    """Tells of messages in customers' folders whether they follow a customer into another one."""

    def __init__(self, folders: FolderNames, placements: Iterable[Placement]) -> None:
        self._folders = folders
        self._codes: dict[str, str | None] = {}
        self._carried: dict[
            tuple[str, str], str
        ] = {}  #: (fingerprint, mailbox) → code whose folder it came from first
        self._ours: set[tuple[str, str]] = set()
        for placement in placements:
            if placement.undone or placement.undo:
                continue
            key = (placement.fingerprint, placement.destination.mailbox)
            self._ours.add(key)
            came = self._carried.get((placement.fingerprint, placement.source.mailbox))
            if (code := came or self._code(placement.source.mailbox)) is not None:
                self._carried[key] = code

    def follows(self, message: Message, customer: str | None) -> str | None:
        """The code of the customer into whose folder the message goes; None where it stays.

        `customer`: whose the message is, None where nobody's.
        """
        mailbox = message.key.mailbox
        code = self._code(mailbox)
        if code is None or "\\Deleted" in message.flags:
            return None
        owner = self._owner(code)
        if owner != code:  # a merged customer's folder
            return owner if customer in (None, owner) else None
        key = (message.fingerprint, mailbox)
        came_from = self._owner(self._carried.get(key, code))
        if self._parted(came_from, owner) and customer in (None, came_from):
            return came_from
        if customer is not None and self._parted(customer, owner) and key in self._ours:
            return customer
        return None

    def _code(self, mailbox: str) -> str | None:
        if mailbox not in self._codes:
            self._codes[mailbox] = self._folders.code_in(mailbox)
        return self._codes[mailbox]

    def _owner(self, code: str) -> str:
        match = self._folders.roster.match(code)
        return match.customer.code if match else code

    def _parted(self, one: str, other: str) -> bool:
        """Whether the two were merged once and are not any more."""
        return one != other and frozenset((one, other)) in self._folders.roster.parted
