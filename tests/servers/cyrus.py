"""A throw-away Cyrus (CardDAV and IMAP) on loopback, run as an unprivileged user in a temporary folder.

Its packages cannot be installed beside Dovecot's: `make test` unpacks them below the virtual environment instead.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from mailsync.demo.throwaway import ThrowawayServer, free_ports, give_away_tree, unprivileged

IMAPD_CONF = """\
configdirectory: {folder}/conf
defaultpartition: default
partition-default: {folder}/spool
proc_path: {folder}/proc
mboxname_lockpath: {folder}/lock
sievedir: {folder}/sieve
idlesocket: {folder}/idle
notifysocket: {folder}/notify
cyrus_user: {user}
admins: admin
allowplaintext: yes
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN
httpmodules: carddav
unixhierarchysep: {slashes}
altnamespace: {slashes}
virtdomains: off
"""

CYRUS_CONF = """\
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {folder}/imapd.conf -r"
}}
SERVICES {{
  http cmd="{programs}/httpd -C {folder}/imapd.conf -U 1000" listen="127.0.0.1:{port}" prefork=1 maxchild=20
  imap cmd="{programs}/imapd -C {folder}/imapd.conf -U 1000" listen="127.0.0.1:{imap_port}" prefork=0 maxchild=20
}}
EVENTS {{
}}
"""


def unpacked() -> Path | None:
    """Where `make test` unpacked Cyrus; None where it did not."""
    root = Path(sys.prefix) / "cyrus"
    return root if (root / "usr/lib/cyrus/bin/master").exists() else None


class Cyrus(ThrowawayServer):
    """Cyrus IMAP: any password is right. Its first user has the books below `home_url`.

    `dotted`: `.` parts the levels of mailboxes, and a person's own lie below `INBOX.`, as it is by default up to Cyrus 2.
    """

    name = "cyrus"
    user = "u0"
    imap_port: int

    def __init__(self, folder: Path, root: Path, *, dotted: bool = False) -> None:
        super().__init__(folder)
        self._root = root
        self.separator, self.prefix = (".", "INBOX.") if dotted else ("/", "")

    def add_user(self, name: str) -> None:
        """Give this user an INBOX. Raises OSError or `imaplib.IMAP4.error` where the server will not."""
        with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=5) as admin:
            admin.login("admin", "any")
            done, told = admin.create(f"user{self.separator}{name}")
        if done != "OK":
            raise admin.error(f"{name}: {told}")

    def url(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def home_url(self) -> str:
        """The collection that holds the user's books."""
        return f"{self.url()}dav/addressbooks/user/{self.user}/"

    def _configure(self) -> None:
        self.port, self.imap_port = free_ports(2)
        # The unprivileged user may not be able to read where the virtual environment lies.
        for part in ("usr/lib", "lib"):
            if (self._root / part).exists() and not (self.folder / "root" / part).exists():
                shutil.copytree(self._root / part, self.folder / "root" / part, symlinks=True)
        for name in ("conf", "spool", "proc", "lock", "sieve"):
            (self.folder / name).mkdir(exist_ok=True)
        programs = self.folder / "root/usr/lib/cyrus/bin"
        user = unprivileged().pw_name
        slashes = "yes" if self.separator == "/" else "no"
        (self.folder / "imapd.conf").write_text(
            IMAPD_CONF.format(folder=self.folder, user=user, slashes=slashes)
        )
        (self.folder / "cyrus.conf").write_text(
            CYRUS_CONF.format(folder=self.folder, programs=programs, port=self.port, imap_port=self.imap_port)
        )
        give_away_tree(self.folder)

    def _command(self) -> Sequence[str | Path]:
        root = self.folder / "root"
        libraries = [
            *root.glob("usr/lib/*-linux-gnu*"),
            *root.glob("lib/*-linux-gnu*"),
            root / "usr/lib/cyrus",
        ]
        return [
            *("env", f"LD_LIBRARY_PATH={os.pathsep.join(map(str, libraries))}"),
            *(root / "usr/lib/cyrus/bin/master", "-D", "-p", self.folder / "master.pid"),
            *("-C", self.folder / "imapd.conf", "-M", self.folder / "cyrus.conf"),
        ]

    def _ready(self) -> bool:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self.add_user(self.user)
            return True
        return False
