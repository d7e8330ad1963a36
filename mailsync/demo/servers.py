"""Throw-away Dovecot, Radicale and Xandikos on loopback, for the demo and for tests.

Each needs a folder of its own (`throwaway.throwaway_folder`), and is a context manager:

    with throwaway_folder() as folder, Dovecot(folder, {"li.na": "secret"}) as dovecot:
        connect(dovecot.url(), "li.na", "secret")
"""

from __future__ import annotations

import grp
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from mailsync.demo.throwaway import (
    DemoError,
    ThrowawayServer,
    free_ports,
    give_away,
    give_away_tree,
    greets,
    unprivileged,
)
from mailsync.text import N_

#: Mailboxes that exist from the start, with their special use (RFC 6154); empty where it has none.
SPECIAL_USE: Mapping[str, str] = {
    "Sent": "\\Sent",
    "Drafts": "\\Drafts",
    "Junk": "\\Junk",
    "Trash": "\\Trash",
}
MASTER_USER, MASTER_PASSWORD = "master", "master-secret"

DOVECOT_CONF = """\
protocols = imap
listen = 127.0.0.1
base_dir = {base}/run
state_dir = {base}/state
instance_name = {instance}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
log_path = {base}/dovecot.log
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  master = yes
  args = {base}/masters
  result_success = continue
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {base}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/mail/%u
}}
first_valid_uid = 0
first_valid_gid = 0
mail_location = {format}:{base}/mail/%u{layout}
mail_fsync = never
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
{mailboxes}
}}
protocol imap {{
  mail_max_userip_connections = 200
}}
service auth {{
  client_limit = 4096
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  service_count = 256
  process_min_avail = 1
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""

RADICALE_CONF = """\
[server]
hosts = 127.0.0.1:{port}
max_connections = 50
delay_on_error = 0
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[rights]
type = from_file
file = {folder}/rights
[storage]
filesystem_folder = {folder}/collections
[web]
type = none
[logging]
level = warning
"""

#: Everybody reads and writes what is below their own name, and below `/shared/`.
RADICALE_RIGHTS = """\
[root]
user: .+
collection:
permissions: R
[own-principal]
user: .+
collection: {user}
permissions: RW
[own-books]
user: .+
collection: {user}/[^/]+
permissions: rw
[shared-principal]
user: .+
collection: shared
permissions: RW
[shared-books]
user: .+
collection: shared/[^/]+
permissions: rw
"""


class Dovecot(ThrowawayServer):
    """Dovecot 2.3 (IMAP, and IMAP over TLS with its own certificate), in a folder of its own.

    `users`: name → password. `separator`, `prefix`: of the personal namespace (`"."`, `"INBOX."` as Courier has it).
    `layout`: "maildir++" (folders on one level, no `.` in a name) or "fs" (real subfolders; any name but `/`).
    """

    name = "dovecot"
    tls_port: int

    def __init__(
        self,
        folder: Path,
        users: Mapping[str, str],
        *,
        separator: str = "/",
        prefix: str = "",
        format: Literal["maildir", "sdbox", "mdbox"] = "maildir",
        layout: Literal["maildir++", "fs"] = "maildir++",
        tls: bool = True,
        special_use_names: Mapping[str, str] = SPECIAL_USE,
    ) -> None:
        super().__init__(folder)
        self.users = dict(users)
        self.separator, self.prefix = separator, prefix
        self.format, self.layout = format, layout
        self.tls = tls
        self.special_use_names = dict(special_use_names)

    @property
    def ca_file(self) -> Path:
        """The certificate to trust (self-signed, for localhost and 127.0.0.1)."""
        return self.folder / "tls.pem"

    def url(self, tls: bool = False) -> str:
        """The server's URL, as the configuration's `imap.url` takes it."""
        return f"imaps://localhost:{self.tls_port}" if tls else f"imap://127.0.0.1:{self.port}"

    def master_user(self, user: str) -> str:
        """The login name with which the master (password `MASTER_PASSWORD`) opens `user`'s mail."""
        return f"{user}*{MASTER_USER}"

    def mail_folder(self, user: str) -> Path:
        """Where this user's Maildir lies."""
        return self.folder / "mail" / user

    def _configure(self) -> None:
        self.port, self.tls_port = free_ports(2)
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
        if self.tls and not self.ca_file.exists():
            self._make_certificate()
        self._write("users", "".join(f"{user}:{{PLAIN}}{word}::::::\n" for user, word in self.users.items()))
        self._write("masters", f"{MASTER_USER}:{{PLAIN}}{MASTER_PASSWORD}\n")
        self._write("dovecot.conf", self._configuration())
        give_away_tree(self.folder)

    def _configuration(self) -> str:
        owner = unprivileged()
        return DOVECOT_CONF.format(
            base=self.folder,
            instance=f"mailsync-{self.port}",
            user=owner.pw_name,
            group=grp.getgrgid(owner.pw_gid).gr_name,
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            ssl="yes" if self.tls else "no",
            certificate=f"ssl_cert = <{self.ca_file}\nssl_key = <{self.folder}/tls.key" if self.tls else "",
            format=self.format,
            layout=":LAYOUT=fs" if self.layout == "fs" else "",
            separator=self.separator,
            prefix=self.prefix,
            mailboxes="\n".join(_mailbox_block(*pair) for pair in self.special_use_names.items()),
            port=self.port,
            tls_port=self.tls_port if self.tls else 0,
        )

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def _make_certificate(self) -> None:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=localhost"),
                *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
                *("-addext", "basicConstraints=critical,CA:TRUE"),
                *("-keyout", str(self.folder / "tls.key"), "-out", str(self.ca_file)),
            ],
            check=True,
            capture_output=True,
        )

    def _command(self) -> Sequence[str | Path]:
        return [_dovecot_binary(), "-F", "-c", self.folder / "dovecot.conf"]

    def _ready(self) -> bool:
        return greets(self.port, b"* OK ")


class Radicale(ThrowawayServer):
    """Radicale (CardDAV and CalDAV) of this interpreter, with password and own rights (`RADICALE_RIGHTS`)."""

    name = "radicale"

    def __init__(self, folder: Path, users: Mapping[str, str]) -> None:
        super().__init__(folder)
        self.users = dict(users)

    def url(self, user: str | None = None, book: str | None = None) -> str:
        """The server's URL; with `user` that principal's, with `book` too that collection's."""
        path = "".join(f"{part}/" for part in (user, book) if part is not None)
        return f"http://127.0.0.1:{self.port}/{path}"

    def storage(self, user: str, book: str) -> Path:
        """The folder in which a collection's cards lie as files."""
        return self.folder / "collections" / "collection-root" / user / book

    def _configure(self) -> None:
        (self.port,) = free_ports(1)
        (self.folder / "collections" / "collection-root").mkdir(parents=True, exist_ok=True)
        passwords = "".join(f"{user}:{word}\n" for user, word in self.users.items())
        (self.folder / "users").write_text(passwords)
        (self.folder / "rights").write_text(RADICALE_RIGHTS)
        (self.folder / "config").write_text(RADICALE_CONF.format(port=self.port, folder=self.folder))
        give_away_tree(self.folder)

    def _command(self) -> Sequence[str | Path]:
        return [sys.executable, "-m", "mailsync.daemon.as_nobody", "radicale", self.folder / "config"]

    def _drops_by_itself(self) -> bool:
        return True

    def _ready(self) -> bool:
        return greets(self.port, b"")


class Xandikos(ThrowawayServer):
    """Xandikos of this interpreter: no password, one principal `user`, who has the book `/user/contacts/addressbook/`."""

    name = "xandikos"

    def __init__(self, folder: Path, user: str = "user") -> None:
        super().__init__(folder)
        self.user = user

    def url(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def book_url(self) -> str:
        """The URL of the address book that is there from the start."""
        return f"{self.url()}{self.user}/contacts/addressbook/"

    def _configure(self) -> None:
        (self.port,) = free_ports(1)
        (self.folder / "store").mkdir(exist_ok=True)
        give_away(self.folder / "store")

    def _command(self) -> Sequence[str | Path]:
        return [
            *(sys.executable, "-m", "mailsync.daemon.as_nobody", "xandikos", "serve", "--defaults"),
            *("-d", self.folder / "store", "--current-user-principal", f"/{self.user}/"),
            *("-l", "127.0.0.1", "-p", str(self.port), "--no-detect-systemd"),
        ]

    def _drops_by_itself(self) -> bool:
        return True

    def _ready(self) -> bool:
        return greets(self.port, b"")


def _mailbox_block(name: str, special_use: str) -> str:
    use = f"\n    special_use = {special_use}" if special_use else ""
    return f'  mailbox "{name}" {{\n    auto = subscribe{use}\n  }}'


def _dovecot_binary() -> str:
    found = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise DemoError(N_("Dovecot is not installed. On Debian and Ubuntu: apt install dovecot-imapd"))
    return found
