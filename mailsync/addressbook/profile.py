"""What a book's server is known for: its habits, kept beside the book so that each is learnt once (pure).

Measured on Radicale 3.9, Xandikos 0.4 and Cyrus 3.6; any other server is believed to keep the standards (RFC 6352,
6578) until it shows otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

Server = Literal["radicale", "xandikos", "cyrus", "other"]

#: Writes that go over to a server at once, where nothing speaks against it.
CONNECTIONS = 4

_TOKENS: tuple[tuple[Server, re.Pattern[str]], ...] = (
    ("radicale", re.compile(r"http://radicale\.org/ns/sync/")),
    ("xandikos", re.compile(r"[0-9a-f]{40}\Z")),  # the id of a git tree
    ("cyrus", re.compile(r"data:,\d+-\d+\Z")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The habits of the server of one book."""

    server: Server = "other"
    converts: bool | None = None  #: it shows each card in the vCard version asked for; None: not asked yet
    one_writer: bool = False  #: it was seen to refuse writes that come at once (HTTP 423)
    no_tokens: bool = False  #: it has no sync-collection: each look is a whole listing
    write_seconds: float | None = None  #: what one card took to write the last time, all connections together

    def knowing(self, token: str | None) -> Self:
        """The same, once the server gave this sync-token."""
        named = next((server for server, pattern in _TOKENS if token and pattern.match(token)), None)
        return self if named in (None, self.server) else replace(self, server=named or "other")

    @property
    def title(self) -> str:
        """The server's name, as people know it."""
        return "CardDAV" if self.server == "other" else self.server.capitalize()

    @property
    def stores_through_vobject(self) -> bool:
        """Whether the server rewrites each card as it stores it, and what vobject does not understand is lost."""
        return self.server == "radicale"

    @property
    def ends_lines_itself(self) -> bool:
        """Whether every stored card has CR LF line ends, whatever was sent."""
        return self.server == "radicale"

    @property
    def tells_cheaply(self) -> bool:
        """Whether asking for the book's sync-token costs much less than asking what changed since ours: 4 to 9 ms
        instead of 28 to 439 on Xandikos; on Radicale both cost the same."""
        return self.server == "xandikos"

    @property
    def connections(self) -> int:
        """How many writes the server bears at once. Xandikos locks a collection: it refused 60 to 78 % of them."""
        return 1 if self.one_writer or self.server == "xandikos" else CONNECTIONS

    def to_json(self) -> dict[str, Any]:
        """For the database."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self:
        """What `to_json` gave, also of an earlier version."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in (stored or {}).items() if name in known})


#: The profile of a server that nobody has asked anything yet.
UNKNOWN = Profile()
