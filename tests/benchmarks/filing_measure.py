"""What one program costs: its own time and memory, and the processor time of the mail server that serves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCH = Path(__file__).with_name("filing_launch.py")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
#: The server is at rest when its time does not rise for so long; it has still to end the session then.
REST_SECONDS = 0.1
MOST_RESTS = 100


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One program run to its end. Seconds; memory in MiB."""

    wall: float
    client_cpu: float  #: user and system time, with that of the children it waited for
    server_cpu: float  #: of all processes of the mail server
    peak_mib: float
    exit_code: int

    @property
    def cpu(self) -> float:
        """Of both sides."""
        return self.client_cpu + self.server_cpu


def measure(
    command: Sequence[str | Path], output: Path, server: int, environment: dict[str, str] | None = None
) -> Cost:
    """Run `command` with its words going to `output`. `server`: the process id of the mail server's master."""
    before = at_rest(server)
    told = output.with_suffix(".json")
    with output.open("wb") as out:
        subprocess.run(
            [sys.executable, "-I", "-S", _LAUNCH, told, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            check=True,
        )
    return Cost(server_cpu=at_rest(server) - before, **json.loads(told.read_text()))


def at_rest(master: int) -> float:
    """Processor seconds of a process, all that it started and all that ended, once they no longer rise."""
    last = _seconds(master)
    for _ in range(MOST_RESTS):
        time.sleep(REST_SECONDS)
        now = _seconds(master)
        if now == last:
            return now
        last = now
    return last


def _seconds(master: int) -> float:
    stats = _stats()
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in stats.items():
        children.setdefault(parent, []).append(pid)
    family, ticks = [master], 0
    while family:
        pid = family.pop()
        ticks += stats[pid][1]
        family += children.get(pid, [])
    return ticks / _TICKS_A_SECOND


def _stats() -> dict[int, tuple[int, int]]:
    """Process id → (parent, ticks of its own and of the children it waited for), of all processes (proc(5))."""
    stats: dict[int, tuple[int, int]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
        fields = text.rpartition(")")[2].split()  # the command before may hold blanks and brackets
        stats[int(folder.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    return stats
