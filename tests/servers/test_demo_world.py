"""The sample world in real servers: all of it is readable, and lies as the truth says."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from mailsync.daemon.books_server import SERVICE_USER
from mailsync.demo import world
from mailsync.demo.company import REPS
from mailsync.demo.throwaway import give_away_tree, throwaway_folder
from tests.servers.snapshots import mailbox_names, read_mail, snapshot_books


def test_servers_hold_the_world() -> None:
    sample = world.build(datetime.now(UTC))
    with throwaway_folder() as folder:
        dovecot, books = world.servers(folder)
        give_away_tree(folder)
        with dovecot, books:
            sample.seed(dovecot, books)
            expected: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
            for message in sample.truth.messages:
                expected[message.account, message.mailbox].append(message.fingerprint)
                assert message.uid == len(expected[message.account, message.mailbox])
            held: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
            for rep in REPS:
                login = dovecot.url(), rep.name, world.PASSWORDS[rep.name]
                assert {"INBOX", "Sent", "已发送", "Drafts", "Junk", "Trash"} <= set(mailbox_names(*login))
                for found in read_mail(*login):
                    held[rep.name, found.mailbox].append(found.fingerprint)
            assert held == expected
            for book in sample.books:
                user = book.user if book.user in world.PASSWORDS else SERVICE_USER
                cards = snapshot_books(books.url(book.user, book.name), user, books.password(user))
                assert {href.rpartition("/")[2] for href in cards} == set(book.cards)
