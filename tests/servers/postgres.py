"""A throw-away PostgreSQL on loopback, run as an unprivileged user in a temporary folder."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from mailsync.demo.throwaway import ThrowawayServer, free_ports, unprivileged

_USER = "mailsync"


def programs() -> Path | None:
    """The newest PostgreSQL's folder of programs, None where none is installed."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((file.parent for file in found), key=lambda folder: int(folder.parent.name), default=None)


class Postgres(ThrowawayServer):
    """PostgreSQL without durability: quick, and gone at the end."""

    name = "postgres"

    def __init__(self, folder: Path, binaries: Path) -> None:
        super().__init__(folder)
        self._binaries = binaries
        self._databases = itertools.count()

    def new_database(self) -> str:
        """Create an empty database; its URL. It costs half a second: share it where tests can empty it."""
        name = f"t{next(self._databases)}"
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def _conninfo(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user={_USER} dbname={database} connect_timeout=2"

    def _configure(self) -> None:
        (self.port,) = free_ports(1)
        cluster = self.folder / "cluster"
        if cluster.exists():
            return
        owner = unprivileged() if os.geteuid() == 0 else None
        subprocess.run(
            [
                self._binaries / "initdb",
                "-D",
                cluster,
                "-U",
                _USER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
            ],
            cwd=self.folder,
            check=True,
            capture_output=True,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )

    def _command(self) -> Sequence[str | Path]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [self._binaries / "postgres", "-D", self.folder / "cluster", *options]

    def _ready(self) -> bool:
        try:
            psycopg.connect(self._conninfo("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True
