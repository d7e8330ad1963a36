"""Address books that lay behind a principal or a server root and are not there any more."""

from __future__ import annotations

from collections.abc import Iterator

from mailsync.addressbook.shelf import Shelf
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence
from mailsync.tidy.servers import Servers


def vanished_books(shelf: Shelf, servers: Servers, account: str, *, accepted: bool) -> Iterator[Finding]:
    """Note where each book lies, and tell which do not lie there any more: nobody's cards are tidied in them.

    `accepted`: this run was told to take it for right.
    """
    for place, found in servers.found.items():
        gone = shelf.found(place, there=found.there, writable=found.writable)
        for url in gone if found.there else ():  # where no book is left at all, an error says so
            yield Finding(
                kind="vanished-book",
                severity="finding" if accepted else "conflict",
                subject=url,
                sentence=Sentence.of(
                    N_(
                        "The address book {book} is no longer there for this login: was it deleted or renamed, or is "
                        "the right to it missing? If that is right, type: mailsync tidy --account {account} --force"
                    ),
                    book=url,
                    account=account,
                ),
            )
