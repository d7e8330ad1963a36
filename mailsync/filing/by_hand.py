"""Which messages people filed themselves (DOMAIN 7.4), and whose folder is whose. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mailsync.mailbox.headers import Message, MessageKey
from mailsync.run.actions import Placement


class Owners:
    """Mailbox → code of its customer, each asked once."""

    def __init__(self, folder_of: Callable[[str], str | None]) -> None:
        self._folder_of = folder_of
        self._known: dict[str, str | None] = {}

    def of(self, mailbox: str) -> str | None:
        if mailbox not in self._known:
            self._known[mailbox] = self._folder_of(mailbox)
        return self._known[mailbox]

    def place(self, mailbox: str) -> str:
        """One word for all folders of a customer: a renamed folder is no other place."""
        return self.of(mailbox) or f"/{mailbox}"


def hand_filed(
    messages: Iterable[Message], placements: Iterable[Placement], folder_of: Callable[[str], str | None]
) -> dict[MessageKey, str]:
    """Messages in a customer's folder that mailsync did not put there → that customer's code.

    `folder_of`: mailbox → code of the customer whose folder it is (`FolderNames.customer_of`).
    """
    owners = Owners(folder_of)
    placed = list(placements)
    named = {place.mailbox for one in placed for place in (one.source, one.destination)}
    ours = _by_our_hand(placed, {mailbox: owners.of(mailbox) for mailbox in named})
    return {
        message.key: code
        for message in messages
        if (code := owners.of(message.key.mailbox)) is not None and (message.fingerprint, code) not in ours
    }


def _by_our_hand(
    placements: Iterable[Placement], folder_of: Mapping[str, str | None]
) -> set[tuple[str, str | None]]:
    """(fingerprint, customer's code) of messages that mailsync itself filed there.

    What a person had filed stays a person's when a merge carries it into another folder.
    """
    placed: set[tuple[str, str]] = set()
    for placement in placements:
        if placement.undone or placement.undo:
            continue
        from_folder = folder_of.get(placement.source.mailbox) is not None
        if not from_folder or (placement.fingerprint, placement.source.mailbox) in placed:
            placed.add((placement.fingerprint, placement.destination.mailbox))
    return {(fingerprint, folder_of.get(mailbox)) for fingerprint, mailbox in placed}
