"""The product's own address-book server, as a throw-away server of the demo: same files, same rights, same users."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailsync.daemon.books_server import SERVICE_USER, BooksServer
from mailsync.demo.servers import Radicale
from mailsync.demo.throwaway import free_ports, give_away_tree


class BuiltInBooks(Radicale):
    """The built-in address-book server (`mailsync server start`) with `users` (name → password)."""

    server: BooksServer

    def __init__(self, folder: Path, users: Mapping[str, str]) -> None:
        super().__init__(folder, users)
        self.server = BooksServer(folder=folder / "books")

    def password(self, user: str) -> str:
        """The password of a rep, or of mailsync itself."""
        return self.server.secret() if user == SERVICE_USER else self.users[user]

    def storage(self, user: str, book: str) -> Path:
        """The folder in which a collection's cards lie as files."""
        return self.server.storage / user / book

    def _configure(self) -> None:
        (self.port,) = free_ports(1)
        self.server = BooksServer(folder=self.folder / "books", port=self.port)
        self.server.prepare()
        for user in set(self.users) - set(self.server.users()):
            self.server.set_password(user, self.users[user])
        give_away_tree(self.folder)

    def _command(self) -> Sequence[str | Path]:
        config = self.server.folder / "config"
        # As the throw-away Radicale, without waiting for the disk at each write.
        return [sys.executable, "-m", "mailsync.daemon.as_nobody", "radicale", config]
