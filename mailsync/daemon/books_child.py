"""The built-in address-book server at work: prepared, started, kept alive, and told of new users."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from mailsync.daemon.books_server import BooksServer
from mailsync.daemon.children import Child

#: Seconds between two looks at the list of users.
LOOK = 2.0


@contextmanager
def serving(server: BooksServer) -> Iterator[Child]:
    """Run the server while the block runs. Raises `ConfigError` where it cannot start."""
    command = server.command()
    server.prepare()
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        server.give_away(nobody.pw_uid, nobody.pw_gid)
    ended = Event()
    with Child("address-book server", command, ready=server.answers) as child:
        watcher = Thread(target=_watch_users, args=(server, child, ended), name="users watcher", daemon=True)
        watcher.start()
        try:
            yield child
        finally:
            ended.set()
            watcher.join(LOOK + 1)


def _watch_users(server: BooksServer, child: Child, ended: Event) -> None:
    """The server reads passwords at each login, but only at its start to whom the company book is shown."""
    known = server.users()
    while not ended.wait(LOOK):
        now = server.users()
        if now != known:
            known = now
            child.renew()
