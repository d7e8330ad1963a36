"""What is known of each account's mail server from an earlier run, so that not every run asks for it again (database)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from mailsync.database import Base
from mailsync.mailbox.folders import Listing, Overrides
from mailsync.mailbox.imap import ImapSession
from mailsync.mailbox.provider import Habits, Profile, listed_separator, probe

#: A server that says nothing of it and was set up otherwise is known again within this time.
LOOK_AGAIN = timedelta(days=1)


class ServerRow(Base):
    """The server of one account, as it was when `looked` at."""

    __tablename__ = "mail_servers"

    account: Mapped[str] = mapped_column(primary_key=True)
    login: Mapped[str]  #: whose mail is where
    software: Mapped[str]  #: what it said it is
    capabilities: Mapped[str]  #: sorted, separated by spaces
    namespace: Mapped[dict[str, Any] | None]  #: {"prefix": …, "separator": …} as said; null: it does not say
    refused: Mapped[str]  #: `provider.Habits`
    looked: Mapped[datetime]


class Profiles:
    """The server of one account. Writes are transactions of their own."""

    def __init__(self, engine: sa.Engine, account: str) -> None:
        self._engine = engine
        self._account = account

    def profile(
        self,
        session: ImapSession,
        overrides: Overrides,
        now: datetime,
        *,
        listing: Listing | None = None,
        anew: bool = False,
    ) -> Profile:
        """The server's profile. What never changes is remembered, as long as the server says of itself what it said
        then; `anew`: ask for everything. Raises `AccountError`."""
        listing = listing or session.listing()
        known = None if anew else self._known(session, listing, now)
        found = probe(session, overrides, listing=listing, known=known)
        if known is None:
            self._note(session, found.habits, now)
        return found

    def _known(self, session: ImapSession, listing: Listing, now: datetime) -> Habits | None:
        with Session(self._engine) as reading:
            row = reading.get(ServerRow, self._account)
            if row is None or not timedelta(0) <= now - row.looked < LOOK_AGAIN:
                return None
            told = row.namespace
            remembered = (row.login, row.software, row.capabilities)
            habits = Habits(
                namespace=(told["prefix"], told["separator"]) if told else None, refused=row.refused
            )
        listed = listed_separator(listing.folders)
        separator = habits.namespace[1] if habits.namespace else None
        if remembered != _said(session) or (listed and separator and listed != separator):
            return None
        return habits

    def _note(self, session: ImapSession, habits: Habits, now: datetime) -> None:
        login, software, capabilities = _said(session)
        told = habits.namespace
        with Session(self._engine) as writing, writing.begin():
            writing.merge(
                ServerRow(
                    account=self._account,
                    login=login,
                    software=software,
                    capabilities=capabilities,
                    namespace={"prefix": told[0], "separator": told[1]} if told else None,
                    refused=habits.refused,
                    looked=now,
                )
            )


def _said(session: ImapSession) -> tuple[str, str, str]:
    """Where and who, and what the server says of itself on this connection."""
    login = session.login
    place = f"{login.user} {login.authorization} {login.server}"
    return place, session.software, " ".join(sorted(session.capabilities))
