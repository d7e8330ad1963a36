"""What the throw-away servers hold, for comparisons before and after."""

from __future__ import annotations

from mailsync.demo.snapshots import (
    FoundMessage,
    HeldMessage,
    mailbox_names,
    read_mail,
    snapshot_books,
    snapshot_mail,
)

__all__ = ["FoundMessage", "HeldMessage", "mailbox_names", "read_mail", "snapshot_books", "snapshot_mail"]
