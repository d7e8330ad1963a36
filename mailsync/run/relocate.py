"""Where messages lie now whose mailbox was numbered anew since (another UIDVALIDITY): found by their fingerprint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from mailsync.errors import CollectionError
from mailsync.run.actions import Place
from mailsync.run.ports import MailPort


def relocate(mail: MailPort, wanted: Mapping[int, tuple[Place, str]]) -> dict[int, Place]:
    """`wanted`: row → former place and fingerprint. Row → present place; left out where there is none any more.

    In a mailbox that still has its UIDVALIDITY a place holds, whatever lies there now; in another each message is
    claimed by one row. Of a mailbox that cannot be read the places are as they were. Raises `AccountError`.
    """
    by_mailbox: defaultdict[str, dict[int, tuple[Place, str]]] = defaultdict(dict)
    for row, (place, fingerprint) in wanted.items():
        by_mailbox[place.mailbox][row] = place, fingerprint
    found: dict[int, Place] = {}
    for mailbox, rows in by_mailbox.items():
        try:
            found |= _in_mailbox(mail, mailbox, rows)
        except CollectionError:  # it is said when its turn comes
            found |= {row: place for row, (place, _) in rows.items()}
    return found


def _in_mailbox(mail: MailPort, mailbox: str, rows: Mapping[int, tuple[Place, str]]) -> dict[int, Place]:
    state = mail.state(mailbox)
    if state is None:
        return {}
    found = {row: place for row, (place, _) in rows.items() if place.uidvalidity == state.uidvalidity}
    if len(found) == len(rows):
        return found
    claimed = {place.uid for place in found.values()}
    free: defaultdict[str, list[int]] = defaultdict(list)
    for uid, message in sorted(mail.messages_from(mailbox, 1).items(), reverse=True):
        if uid not in claimed:
            free[message.fingerprint].append(uid)
    for row, (_, fingerprint) in sorted(rows.items()):
        if row not in found and free[fingerprint]:
            found[row] = Place(mailbox, state.uidvalidity, free[fingerprint].pop())
    return found
