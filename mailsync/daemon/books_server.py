"""The built-in address-book server: Radicale's files, its users, and the command that starts it.

Radicale (GPL) runs as a process of its own. Its tree: `/company/customers/` is the company book, which only mailsync
writes; every user has a principal with books of their own, and the company book shown in it, to be read only, so that
a client which is given server, user and password finds it by itself (RFC 6764).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mailsync.config.server import is_loopback
from mailsync.errors import AccountError, ConfigError, UsageError
from mailsync.text import N_

#: Who writes the company book.
SERVICE_USER = "mailsync"
BOOK_PATH = "company/customers"
_SHOWN_AS = "customers"  #: in each user's own home
_NAME = re.compile(r"[\w.@-]{1,64}")
#: bcrypt looks at no more of a password (and refuses longer ones).
MOST_PASSWORD_BYTES = 72

_NOT_INSTALLED = "{} is not installed; type: pip install 'mailsync[server]'"

CONFIG = """\
# Written by mailsync at each start.
[server]
hosts = {listen}
{tls}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = bcrypt
# bcrypt is slow on purpose: a client that asks every half hour must not wait for it at each request
cache_logins = True
[rights]
type = from_file
file = {folder}/rights
[storage]
filesystem_folder = {folder}/collections
[sharing]
type = csv
database_path = {folder}/shared.csv
collection_by_map = True
[web]
type = none
[logging]
level = warning
"""

RIGHTS = f"""\
# Written by mailsync at each start: people read the company book, mailsync writes it, each has books of their own.
[root]
user: .+
collection:
permissions: R
[service-principal]
user: {SERVICE_USER}
collection: company
permissions: RW
[service-book]
user: {SERVICE_USER}
collection: company/[^/]+
permissions: rw
[company-principal]
user: .+
collection: company
permissions: R
[company-book]
user: .+
collection: company/[^/]+
permissions: r
[own-principal]
user: .+
collection: {{user}}
permissions: RW
[own-books]
user: .+
collection: {{user}}/[^/]+
permissions: rw
"""

_SHARE = (
    "ShareType", "PathOrToken", "PathMapped", "Conversion", "Owner", "User", "Permissions", "EnabledByOwner",
    "EnabledByUser", "HiddenByOwner", "HiddenByUser", "TimestampCreated", "TimestampUpdated", "Properties", "Actions",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksServer:
    """Where the server listens and keeps its files."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 5232
    book: str = "Customers"
    name: str | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @property
    def url(self) -> str:
        """The server's root, as mailsync itself and clients on this machine reach it."""
        host = self.name or (self.host if is_loopback(self.host) or self._is_one_host else "127.0.0.1")
        scheme = "https" if self.certificate_file else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @property
    def book_url(self) -> str:
        """The company book's collection."""
        return f"{self.url}{BOOK_PATH}/"

    @property
    def _is_one_host(self) -> bool:
        return self.host not in ("0.0.0.0", "::")  # noqa: S104 - compared, not listened on

    @property
    def storage(self) -> Path:
        """The folder whose subfolders are principals."""
        return self.folder / "collections" / "collection-root"

    @property
    def users_file(self) -> Path:
        return self.folder / "users"

    # ----- files

    def prepare(self) -> None:
        """Write what the server reads at its start; users, passwords and books that are there stay.

        Raises `UsageError` where the folder cannot be written.
        """
        with self._ours():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            book = self.storage / BOOK_PATH
            book.mkdir(parents=True, exist_ok=True, mode=0o700)
            shown = {"tag": "VADDRESSBOOK", "D:displayname": self.book}
            self._write(book / ".Radicale.props", json.dumps(shown, ensure_ascii=False))
            self._write(self.folder / "config", self._config())
            self._write(self.folder / "rights", RIGHTS)
            if SERVICE_USER not in self._hashes() or not self._secret_file.exists():
                self._new_secret()
            self._share(self._people())

    @contextlib.contextmanager
    def _ours(self) -> Iterator[None]:
        """Raises `UsageError` where the files belong to somebody else."""
        try:
            yield
        except OSError as error:
            raise UsageError(
                N_("{folder} cannot be used ({reason}): type this as the user that mailsync runs as"),
                folder=self.folder,
                reason=error.strerror or error,
            ) from error

    def secret(self) -> str:
        """mailsync's own password. Raises `AccountError` before the first start, `UsageError` where it is not for whom
        asks."""
        with self._ours():
            try:
                return self._secret_file.read_text(encoding="utf-8").strip()
            except FileNotFoundError:
                raise AccountError(
                    N_(
                        "The built-in address-book server was never started: type “mailsync run” or “mailsync server "
                        "start”"
                    )
                ) from None

    @property
    def _secret_file(self) -> Path:
        return self.folder / "secret"

    def _new_secret(self) -> None:
        word = secrets.token_urlsafe(32)
        self._write(self._secret_file, word + "\n")
        self._keep({**self._hashes(), SERVICE_USER: _hashed(word)})

    def _config(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        tls = ""
        if self.certificate_file:
            tls = f"ssl = True\ncertificate = {self.certificate_file}\nkey = {self.key_file}"
        return CONFIG.format(listen=f"{host}:{self.port}", tls=tls, folder=self.folder)

    def _share(self, users: Iterable[str]) -> None:
        """Show the company book in each user's own home."""
        rows = [
            dict.fromkeys(_SHARE, "")
            | {
                "ShareType": "map",
                "PathOrToken": f"/{user}/{_SHOWN_AS}/",
                "PathMapped": f"/{BOOK_PATH}/",
                "Conversion": "none",
                "Owner": "company",
                "User": user,
                "Permissions": "r",
                "EnabledByOwner": "True",
                "EnabledByUser": "True",
                "HiddenByOwner": "False",
                "HiddenByUser": "False",
                "TimestampCreated": "0",
                "TimestampUpdated": "0",
            }
            for user in users
        ]
        lines = [";".join(_SHARE), *(";".join(row[name] for name in _SHARE) for row in rows)]
        self._write(self.folder / "shared.csv", "".join(f"{line}\n" for line in lines))

    def _write(self, path: Path, text: str) -> None:
        """Whole or not at all, for the owner only; not even touched where it says so already."""
        with contextlib.suppress(FileNotFoundError):
            if path.read_text(encoding="utf-8") == text:
                return
        draft = path.with_name(f"{path.name}.new")
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        if os.geteuid() == 0:  # the server runs as somebody else, who must be able to read it
            owner = self.folder.stat()
            os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(path)

    # ----- users

    def users(self) -> list[str]:
        """The names of people who may log in. Raises `UsageError` where that is not for whom asks."""
        with self._ours():
            return self._people()

    def set_password(self, user: str, password: str) -> Literal["new", "changed"]:
        """Let `user` in with this password. Raises `UsageError` for a name or password that cannot be."""
        if not _NAME.fullmatch(user) or user in (SERVICE_USER, "company", ".", ".."):
            raise UsageError(
                N_("“{user}” cannot be a user's name: take letters, digits and . _ @ - (not {reserved})"),
                user=user,
                reserved=f"{SERVICE_USER}, company",
            )
        if not len(password) >= 8 or len(password.encode("utf-8")) > MOST_PASSWORD_BYTES:
            raise UsageError(
                N_("The password must have 8 characters or more, and no more than {most} bytes"),
                most=MOST_PASSWORD_BYTES,
            )
        with self._ours():
            known = self._hashes()
            self._keep({**known, user: _hashed(password)})
            self._share(self._people())
        return "changed" if user in known else "new"

    def remove(self, user: str) -> None:
        """Lock `user` out; their own books stay. Raises `UsageError` where there is no such user."""
        if user not in self.users():
            raise UsageError(
                N_("There is no user “{user}”; there are: {known}"),
                user=user,
                known=", ".join(self.users()) or "–",
            )
        with self._ours():
            self._keep({name: word for name, word in self._hashes().items() if name != user})
            self._share(self._people())

    def _people(self) -> list[str]:
        return sorted(set(self._hashes()) - {SERVICE_USER})

    def _hashes(self) -> dict[str, str]:
        try:
            lines = self.users_file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        pairs = (line.partition(":") for line in lines if line.strip() and not line.startswith("#"))
        return {name: word for name, _, word in pairs}

    def _keep(self, hashes: dict[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(self.users_file, "".join(f"{name}:{word}\n" for name, word in sorted(hashes.items())))

    # ----- process

    def command(self) -> Sequence[str]:
        """What starts the server. Raises `ConfigError` where Radicale is not installed."""
        from importlib.util import find_spec

        if find_spec("radicale") is None:
            raise ConfigError([_NOT_INSTALLED.format("Radicale")], "[server]")
        return [sys.executable, "-m", "mailsync.daemon.as_nobody", "books", str(self.folder / "config")]

    def answers(self) -> bool:
        """Whether something listens where the server should."""
        host = self.host if self._is_one_host else "127.0.0.1"
        try:
            socket.create_connection((host, self.port), timeout=2).close()
        except OSError:
            return False
        return True

    def give_away(self, uid: int, gid: int) -> None:
        """Hand all files to the user that the server runs as, where we are root."""
        for place, _, names in os.walk(self.folder):
            os.chown(place, uid, gid)
            for name in names:
                os.chown(Path(place) / name, uid, gid)


def _hashed(password: str) -> str:
    try:
        import bcrypt
    except ModuleNotFoundError as error:
        raise ConfigError([_NOT_INSTALLED.format("bcrypt")], "[server]") from error
    return bcrypt.hashpw(password.encode("utf-8"), bcrypt.gensalt()).decode("ascii")
