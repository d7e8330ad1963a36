"""Launcher of a Python server as a process of its own: load its code, give up root, then serve.

A virtual environment may lie where only root can read (`/root`, mode 700). The unprivileged user can then not even
start the interpreter, so we start as root, import everything the server will ever import, and drop to `nobody` for
good before the server opens its port. Run as `python -m mailsync.daemon.as_nobody books|radicale|xandikos ARGUMENT…`.
"""

from __future__ import annotations

import contextlib
import ctypes
import encodings
import importlib
import os
import pkgutil
import pwd
import signal
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

#: Imported late, inside functions, by the servers or the standard library.
LATE = (
    "asyncio", "calendar", "concurrent.futures.thread", "dateutil.tz", "dateutil.zoneinfo", "email.mime.text",
    "email.parser", "fcntl", "html", "http.client", "importlib.metadata", "importlib.resources", "json.tool",
    "locale", "mimetypes", "multiprocessing.pool", "multiprocessing.synchronize", "netrc", "pickle", "posixpath",
    "shutil", "socketserver", "ssl", "stringprep", "tempfile", "tracemalloc", "unicodedata", "uuid", "wsgiref.simple_server",
    "xml.dom.minidom", "xml.etree.ElementTree", "xml.parsers.expat", "zipfile", "zoneinfo",
)  # fmt: skip


PR_SET_PDEATHSIG = 1
#: Entry points and tests: importing them would run them.
NOT_LOADED = (".__main__", ".wsgi", ".uwsgi", ".tests")


def load(package: ModuleType) -> None:
    """Import every module below `package`; optional parts whose own dependencies are missing are left out."""
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".", onerror=lambda name: None):
        if not any(part in module.name for part in NOT_LOADED):
            with contextlib.suppress(ImportError, AttributeError, SystemExit):
                importlib.import_module(module.name)


def give_up_root() -> None:
    """Become `nobody`, for good; does nothing where we are not root."""
    if os.geteuid() != 0:
        return
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    os.environ.update(HOME="/", USER="nobody", LOGNAME="nobody")


def end_with_parent() -> None:
    """Be sent SIGTERM when the process that started us is gone, also by kill -9 (Linux, prctl(2))."""
    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it went before we asked
        sys.exit(0)


def _books(arguments: Sequence[str]) -> Callable[[], object]:
    """The built-in server: durable, and never without its parent."""
    import radicale
    import vobject
    from radicale import config, server

    load(radicale)
    load(vobject)
    (path,) = arguments

    def serve() -> None:
        end_with_parent()
        server.serve(config.load([(path, False)]))

    return serve


def _radicale(arguments: Sequence[str]) -> Callable[[], object]:
    import radicale
    import vobject
    from radicale import config, server

    load(radicale)
    load(vobject)
    (path,) = arguments

    def serve() -> None:
        configuration = config.load([(path, False)])
        # Throw-away data: waiting for the disk at each write would only be slow. Radicale hides this switch from files.
        configuration.update({"storage": {"_filesystem_fsync": "False"}}, "throw-away", privileged=True)
        server.serve(configuration)

    return serve


def _xandikos(arguments: Sequence[str]) -> Callable[[], object]:
    import aiohttp
    import dulwich
    import xandikos
    from xandikos.__main__ import main

    for package in (xandikos, dulwich, aiohttp):
        load(package)

    def serve() -> None:
        import asyncio

        asyncio.run(main(list(arguments)))  # type: ignore[no-untyped-call]

    return serve


SERVERS = {"books": _books, "radicale": _radicale, "xandikos": _xandikos}


def main(arguments: Sequence[str]) -> None:
    """Load the server named first, give up root, serve until ended."""
    for name in LATE:
        importlib.import_module(name)
    load(encodings)
    name, *rest = arguments
    serve = SERVERS[name](rest)
    give_up_root()
    serve()


if __name__ == "__main__":
    main(sys.argv[1:])
