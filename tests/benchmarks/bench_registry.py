"""How long a dirty registry of 500 customers and 1,500 people takes to import: `python tests/benchmarks/bench_registry.py`.

Told beside the bare reading of the same file, so that the machine's speed does not count.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mailsync.database import connect
from mailsync.migrations import upgrade
from mailsync.registry.exchange import import_registry
from mailsync.registry.tables import read_tables
from tests.servers.dirty_registry import dirty, write_csv, write_xls


def seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def main() -> None:
    made = dirty()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (write_csv(folder / "in", made), write_xls(folder / "in.xls", made)):
            engine = connect(f"sqlite:///{folder / path.name}.db")
            upgrade(engine)
            read = seconds(lambda path=path: read_tables(path))
            first = seconds(lambda path=path, engine=engine: import_registry(engine, path))
            again = seconds(lambda path=path, engine=engine: import_registry(engine, path))
            engine.dispose()
            sys.stdout.write(
                f"{path.name}: reading alone {read:.2f} s, import {first:.2f} s ({first / read:.1f} x), "
                f"import again {again:.2f} s\n"
            )


if __name__ == "__main__":
    main()
