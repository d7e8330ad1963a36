"""Which messages people filed themselves (DOMAIN 7.4), and whose folder is whose. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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

    What a person had filed stays a person's filing when a merge carries it into another folder, and tells whose the
    first folder is: after the merge was taken back that is the merged customer again.
    `folder_of`: mailbox → code of the customer whose folder it is (`FolderNames.customer_of`).
    """
    owners = Owners(folder_of)
    ours: set[tuple[str, str | None]] = set()
    filed_first: dict[tuple[str, str], str] = {}  #: (fingerprint, mailbox) → where a person had put it
    for placement in placements:
        if placement.undone or placement.undo:
            continue
        source, destination = placement.source.mailbox, placement.destination.mailbox
        was_ours = (placement.fingerprint, owners.of(source)) in ours
        if owners.of(source) is None or was_ours:
            ours.add((placement.fingerprint, owners.of(destination)))
        else:
            first = filed_first.get((placement.fingerprint, source), source)
            filed_first[placement.fingerprint, destination] = first
    return {
        message.key: code
        for message in messages
        if owners.of(message.key.mailbox) is not None
        and (message.fingerprint, owners.of(message.key.mailbox)) not in ours
        and (
            code := owners.of(
                filed_first.get((message.fingerprint, message.key.mailbox), message.key.mailbox)
            )
        )
    }
