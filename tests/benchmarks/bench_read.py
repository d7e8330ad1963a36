"""How fast one INBOX of 10,000 messages is read, attributed and planned, and how fast a second time with nothing new.

Run by `make bench`; prints seconds, messages per second and peak memory of each run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailsync.demo.big import OWNER, BigWorld
from mailsync.demo.company import OWN_DOMAIN
from mailsync.demo.seeding import seed_mail
from mailsync.demo.servers import Dovecot
from mailsync.demo.throwaway import throwaway_folder

PASSWORD = "bench-password"
#: `plan` ends with 20 while the first run waits to be confirmed, 3 where something is to be decided.
EXPECTED_EXITS = {0, 3, 20}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of the command."""

    seconds: float
    peak_mib: float
    exit_code: int
    attributed: int
    actions: int


def main() -> int:
    """Seed, plan twice, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--contacts", type=int, default=2_500)
    size = parser.parse_args()
    world = BigWorld(messages=size.messages, customers=size.customers, contacts=size.contacts)
    with throwaway_folder() as folder:
        (folder / "dovecot").mkdir()
        with Dovecot(folder / "dovecot", {"big": PASSWORD}) as dovecot:
            started = time.perf_counter()
            seed_mail(dovecot, "big", world.inbox(datetime.now(UTC)))
            say(f"seeded {world.messages:,} messages in {time.perf_counter() - started:.1f} s")
            config = write_configuration(folder, dovecot, world)
            for name in ("first run", "second run, nothing new"):
                run = measure(config)
                say(
                    f"{name}: {run.seconds:.1f} s, {world.messages / run.seconds:,.0f} messages/s, "
                    f"peak {run.peak_mib:.0f} MiB, {run.attributed:,} attributions, {run.actions:,} actions, "
                    f"exit {run.exit_code}"
                )
                if run.exit_code not in EXPECTED_EXITS:
                    return 1
    return 0


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_configuration(folder: Path, dovecot: Dovecot, world: BigWorld) -> Path:
    """The configuration of the one big account, with its registry."""
    world.write_registry(folder / "registry")
    (folder / "password").write_text(PASSWORD)
    path = folder / "mailsync.toml"
    path.write_text(f"""\
database = "sqlite:///mailsync.db"
state_dir = "state"
own_domains = ["{OWN_DOMAIN}"]
[registry]
source = "registry/"
[[accounts]]
name = "big"
address = "{OWNER}"
imap = {{ url = "{dovecot.url()}", user = "big", password_file = "password" }}
""")
    return path


def measure(config: Path) -> Measured:
    """Run `mailsync plan --json` once, with its wall time and its own peak memory."""
    command = [sys.executable, "-m", "mailsync", "--config", str(config), "plan", "--json"]
    output = config.with_name("output.jsonl")
    with output.open("wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    results = [json.loads(line) for line in output.read_text().splitlines()]
    return Measured(
        seconds=seconds,
        peak_mib=usage.ru_maxrss / 1024,
        exit_code=process.returncode,
        attributed=sum(len(result["attributions"]) for result in results),
        actions=sum(len(result["actions"]) for result in results),
    )


if __name__ == "__main__":
    sys.exit(main())
