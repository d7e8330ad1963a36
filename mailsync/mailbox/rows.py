"""The tables of the index: mailboxes with their cursors, and messages (database)."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailsync.database import Base
from mailsync.mailbox.headers import MailboxRole


class MailboxRow(Base):
    """A mailbox that is read, and its cursor (`refresh.Cursor`)."""

    __tablename__ = "mailboxes"
    __table_args__ = (sa.UniqueConstraint("account", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    name: Mapped[str]
    role: Mapped[MailboxRole] = mapped_column(sa.String)
    uidvalidity: Mapped[int] = mapped_column(sa.BigInteger)
    uidnext: Mapped[int] = mapped_column(sa.BigInteger)
    highestmodseq: Mapped[int | None] = mapped_column(sa.BigInteger)
    messages: Mapped[int | None]


class MessageRow(Base):
    """A message where it lies; its UIDVALIDITY is its mailbox's."""

    __tablename__ = "messages"

    mailbox_id: Mapped[int] = mapped_column(
        sa.ForeignKey("mailboxes.id", ondelete="CASCADE"), primary_key=True
    )
    uid: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[str | None] = mapped_column(index=True)
    fingerprint: Mapped[str]
    size: Mapped[int] = mapped_column(sa.BigInteger)
    internal_date: Mapped[datetime]
    flags: Mapped[str]  #: separated by spaces
    envelope: Mapped[str]  #: mailbox.compact
    first_seen: Mapped[datetime]


#: For the bulk path: many rows at once, no ORM objects.
MAILBOXES = cast("sa.Table", MailboxRow.__table__)
MESSAGES = cast("sa.Table", MessageRow.__table__)
