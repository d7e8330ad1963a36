"""Waiting at a mail server until something happens: by NOTIFY (RFC 5465) in all mailboxes, else by IDLE (RFC 2177) in
one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from mailsync.errors import AccountError
from mailsync.mailbox import wire
from mailsync.mailbox.connection import DEAD, Connection, MailboxRefused
from mailsync.mailbox.folders import Overrides, roles
from mailsync.mailbox.imap import ImapSession
from mailsync.mailbox.login import ImapLogin, account_error
from mailsync.mailbox.signin import open_connection
from mailsync.text import N_

__all__ = ["ImapLogin", "Overrides", "Watch", "sent_mailboxes"]

log = logging.getLogger(__name__)

_EVENTS = "(personal (MessageNew MessageExpunge FlagChange))"


class Watch:
    """A connection of its own that only waits. Entering it logs in; all methods raise `AccountError`.

    `everywhere`: it hears of all mailboxes of the person, not of `mailbox` alone.
    """

    def __init__(self, login: ImapLogin, mailbox: str = "INBOX") -> None:
        self.login = login
        self.mailbox = mailbox
        self.everywhere = False
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            connection = open_connection(self.login)
            stack.callback(connection.hang_up)
            self._begin(connection)
            stack.pop_all()
        self._connection = connection
        return self

    def __exit__(self, *_error: object) -> None:
        if self._connection is not None:
            self._connection.hang_up()
        self._connection = None

    def wait(self, seconds: float, stop: Callable[[], bool]) -> frozenset[str]:
        """The mailboxes in which something happened; none after `seconds`, or soon after `stop` says so."""
        if self._connection is None:
            raise RuntimeError("the watch was not entered")
        try:
            heard = self._connection.idle(seconds, stop)
        except (*DEAD, MailboxRefused) as error:
            raise account_error(self.login, error) from error

        if heard is None:
            return frozenset()
        return frozenset(wire.parse_status(heard.of("STATUS"))) or frozenset((self.mailbox,))

    def _begin(self, connection: Connection) -> None:
        if "IDLE" not in connection.capabilities:
            raise AccountError(
                N_("{server} cannot tell when mail comes (no IDLE): it is looked at every interval_minutes"),
                server=self.login.server,
            )
        try:
            if "NOTIFY" in connection.capabilities:
                try:
                    connection.command("NOTIFY", "SET", _EVENTS)
                    self.everywhere = True
                    return
                except MailboxRefused as refused:
                    log.debug("NOTIFY is offered but refused: %s", refused)
            connection.command("EXAMINE", wire.encode_name(self.mailbox), mailbox=self.mailbox)
        except (*DEAD, MailboxRefused) as error:
            raise account_error(self.login, error) from error


def sent_mailboxes(login: ImapLogin, overrides: Overrides) -> list[str]:
    """The account's Sent mailboxes, as the server lists them now. Raises `AccountError`."""
    with ImapSession(login) as session:
        assigned = roles(session.listing().folders, overrides)
    return [name for name, role in assigned.items() if role == "sent"]
