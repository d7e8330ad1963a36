"""What each of several processes does that give codes away at once: `python -m tests.servers.allocating URL NAME COUNT`."""

from __future__ import annotations

import sys

from mailsync.database import connect
from mailsync.registry.adding import add_customers, add_show
from mailsync.registry.cards import Card


def main(url: str, name: str, count: int) -> None:
    """Register a show and `count` customers of the show D, one after another."""
    engine = connect(url)
    add_show(engine, {"name": f"Show of {name}"}, by=name)
    for number in range(count):
        card = Card(file="", number=1, customer={"company": f"Company {name} {number}"})
        add_customers(engine, [card], show="D", by=name)
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
