"""One run of one account: the only place that knows all features (DESIGN 4)."""

from __future__ import annotations

from mailsync.database import connect
from mailsync.tidy.desk import Desk
from mailsync.tidy.running import run
from mailsync.tidy.settings import House
from mailsync.tidy.source import RosterSource
from mailsync.tidy.undoing import undo

__all__ = ["Desk", "open_desk", "run", "undo"]


def open_desk(house: House) -> Desk:
    """The desk of this process, its database brought to the newest schema. Raises `StorageError`."""
    from mailsync.migrations import upgrade

    engine = connect(house.database)
    upgrade(engine)
    house.state_dir.mkdir(parents=True, exist_ok=True)
    return Desk(house=house, engine=engine, source=RosterSource(engine, house.registry_source))
