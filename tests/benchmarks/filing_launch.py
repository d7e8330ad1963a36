"""Run a command and write what it cost to a file, as JSON: `filing_launch.py FILE COMMAND…`.

A process of its own, and a small one: Linux counts what the parent held at the time of the start to a child's peak
memory, and the benchmark itself holds a whole mailbox.
"""

import json
import os
import sys
import time

if __name__ == "__main__":
    target, *command = sys.argv[1:]
    started = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    with open(target, "w") as out:  # noqa: PTH123 - pathlib costs memory here
        json.dump(
            {
                "wall": wall,
                "client_cpu": usage.ru_utime + usage.ru_stime,
                "peak_mib": usage.ru_maxrss / 1024,
                "exit_code": os.waitstatus_to_exitcode(status),
            },
            out,
        )
