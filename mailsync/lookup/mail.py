"""The mail of an account as the index knows it, attributed. No server is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mailsync.conversations.attribution import Attributions
from mailsync.filing.folders import FolderNames
from mailsync.filing.renaming import renamed_by_hand
from mailsync.mailbox.headers import Message, MessageKey
from mailsync.registry.roster import Roster
from mailsync.run.actions import Place
from mailsync.tidy.desk import Desk
from mailsync.tidy.mail_plan import attribute_mail, folder_names
from mailsync.tidy.settings import Account


@dataclass(frozen=True, kw_only=True)
class AccountMail:
    """All messages of an account, and whose they are."""

    account: Account
    messages: Sequence[Message]
    attributions: Attributions
    folders: FolderNames
    moved: Mapping[Place, Place]  #: where mailsync moved messages since they were read, and before

    def mailbox_of(self, message: Message) -> str:
        """Where the message lies now, as far as mailsync itself moved it since it was read."""
        place, seen = Place(*message.key), set[Place]()
        while place in self.moved and place not in seen:
            seen.add(place)
            place = self.moved[place]
        return place.mailbox


def account_mail(
    desk: Desk,
    account: Account,
    roster: Roster,
    messages: Sequence[Message] | None = None,
    *,
    explain: Collection[MessageKey] = (),
) -> AccountMail:
    """The account's mail as last read; `messages` where they are at hand already. `explain`: see `attribute`."""
    read = desk.index(account).messages() if messages is None else messages
    separator, prefix = _hierarchy(desk, account)
    folders = folder_names(desk.house, account, roster, separator, prefix)
    placements = desk.journal.placements(account.name)
    known = {message.key.mailbox for message in read}
    folders = replace(folders, by_hand=renamed_by_hand(folders, known, read, placements))
    attributions = attribute_mail(desk.house, roster, read, folders, placements, explain=explain)
    moved = {one.source: one.destination for one in placements if one.kind == "message-move"}
    return AccountMail(
        account=account, messages=read, attributions=attributions, folders=folders, moved=moved
    )


def all_mail(desk: Desk, accounts: Iterable[Account], roster: Roster) -> Iterator[AccountMail]:
    """The mail of every account that has a mailbox."""
    for account in accounts:
        if account.mail:
            yield account_mail(desk, account, roster)


def _hierarchy(desk: Desk, account: Account) -> tuple[str | None, str]:
    """The server's separator and prefix as the last run found them."""
    last: Mapping[str, Any] = desk.results.last(account.name) or {}
    server = last.get("server") or {}
    return server.get("separator", "/"), server.get("prefix", "")
