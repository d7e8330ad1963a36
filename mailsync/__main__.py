"""`mailsync` and `python -m mailsync`."""

from __future__ import annotations

import gc
import sys

#: A run makes hundreds of thousands of small values that live to its end. At Python's own pace (700) looking for garbage
#: among them takes a fifth of a first filing's time (tests/benchmarks/bench_filing.py).
BETWEEN_COLLECTIONS = 100_000


def main() -> None:
    """Run the command line; ends the process with the exit codes of DESIGN 6."""
    from mailsync.cli.main import run

    gc.set_threshold(BETWEEN_COLLECTIONS, 20, 20)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
