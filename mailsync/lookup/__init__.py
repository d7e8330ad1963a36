"""What only looks and needs several rooms: `check`, `who`, `why`. Nothing here writes to a server."""

from __future__ import annotations

from mailsync.lookup.check import check
from mailsync.lookup.who import who
from mailsync.lookup.why import why

__all__ = ["check", "who", "why"]
