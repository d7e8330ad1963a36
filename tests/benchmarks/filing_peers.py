"""imapfilter, which people use to file mail by rules, set to do the same filing (`apt-get install imapfilter`)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.filing_world import SOURCES, Source

#: Name of the way → whether all contacts of a customer are asked for in one query.
IMAPFILTER_WAYS: Mapping[str, bool] = {"imapfilter": True, "imapfilter-contacts": False}

#: In which header the customer's address stands.
_HEADER: Mapping[Source, str] = {"INBOX": "FROM", "Sent": "TO"}

_CONFIGURATION = """\
options.timeout = 600
options.create = true
options.subscribe = true
options.info = false
account = IMAP {{ server = "127.0.0.1", port = {port}, username = "{user}", password = "{password}" }}
local function file(mailbox, query, folder)
    local found = account[mailbox]:send_query(query)
    if #found > 0 then found:move_messages(account[folder]) end
end
{calls}
"""


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who logs in, and where on this machine."""

    port: int
    user: str
    password: str


def imapfilter() -> str | None:
    """Where imapfilter is; None where it is not installed."""
    return shutil.which("imapfilter")


def write_imapfilter(path: Path, login: Login, folders: Mapping[str, str], *, by_customer: bool) -> None:
    """Write a configuration. `folders`: address → folder."""
    calls = "\n".join(
        f'file("{mailbox}", "{query}", "{folder}")'
        for mailbox in SOURCES
        for query, folder in _queries(_HEADER[mailbox], folders, by_customer)
    )
    path.write_text(
        _CONFIGURATION.format(port=login.port, user=login.user, password=login.password, calls=calls)
    )


def _queries(header: str, folders: Mapping[str, str], by_customer: bool) -> Iterator[tuple[str, str]]:
    if not by_customer:
        yield from ((f"{header} {address}", folder) for address, folder in folders.items())
        return
    addresses: dict[str, list[str]] = {}
    for address, folder in folders.items():
        addresses.setdefault(folder, []).append(address)
    for folder, ones in addresses.items():
        # SEARCH's OR takes two keys (RFC 9051 section 6.4.4): OR a OR b c.
        *others, last = (f"{header} {one}" for one in ones)
        yield "".join(f"OR {one} " for one in others) + last, folder
