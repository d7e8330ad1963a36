"""What only looks and needs several rooms: `check`, `who`, `why`, a customer's sheet, upkeep. Nothing here writes to a server."""

from __future__ import annotations

from mailsync.lookup.check import check
from mailsync.lookup.sheet import Sheet, sheet
from mailsync.lookup.upkeep import duplicate_candidates, upkeep
from mailsync.lookup.who import who
from mailsync.lookup.why import Choice, why

__all__ = ["Choice", "Sheet", "check", "duplicate_candidates", "sheet", "upkeep", "who", "why"]
