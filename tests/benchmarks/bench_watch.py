"""How soon the daemon files a message after it was delivered, with `watch = true`, in a mailbox that was filed before.

    python -m tests.benchmarks.bench_watch [--messages 10000] [--sent 4000] [--deliveries 7]

Prints milliseconds from the delivery (the end of an APPEND) to the moment at which the message lies in its folder.
"""

from __future__ import annotations

import argparse
import imaplib
import signal
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from mailsync.demo.big import OWNER
from mailsync.demo.company import OWN_DOMAIN
from mailsync.demo.letters import Letter, write
from mailsync.demo.throwaway import throwaway_folder
from tests.benchmarks.bench_filing import PASSWORD, say
from tests.benchmarks.filing_store import FilingDovecot
from tests.benchmarks.filing_world import FilingWorld

USER = "big"
LONGEST_WAIT = 60.0


def main() -> int:
    """Fill, file, start the daemon, deliver, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--sent", type=int, default=4_000)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--deliveries", type=int, default=7)
    size = parser.parse_args()
    world = FilingWorld(inbox=size.messages, sent=size.sent, customers=size.customers)
    with throwaway_folder() as folder:
        (folder / "dovecot").mkdir()
        with FilingDovecot(folder / "dovecot", {USER: PASSWORD}, "maildir") as dovecot:
            dovecot.fill(USER, world.messages(datetime.now(UTC)))
            command = prepare(folder, dovecot, world)
            daemon = subprocess.Popen([*command, "run"], stderr=subprocess.DEVNULL)
            try:
                times = [deliver(dovecot, world, number) for number in range(size.deliveries)]
            finally:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait(30)
    say(
        f"{size.messages + size.sent:,} messages: delivered to filed {statistics.median(times):.0f} ms median, "
        f"{min(times):.0f} to {max(times):.0f} ms in {len(times)} deliveries"
    )
    return 0


def prepare(folder: Path, dovecot: FilingDovecot, world: FilingWorld) -> list[str]:
    """Write the configuration, and file what is there; the command that mailsync is started with."""
    world.registry.write_registry(folder / "registry")
    (folder / "password").write_text(PASSWORD)
    config = folder / "mailsync.toml"
    config.write_text(f"""\
database = "sqlite:///mailsync.db"
state_dir = "state"
own_domains = ["{OWN_DOMAIN}"]
[registry]
source = "registry/"
[daemon]
watch = true
jitter_seconds = 0
[[accounts]]
name = "{USER}"
address = "{OWNER}"
confirmed = true
brakes = {{ max_changes = 1.0 }}
filing = {{ only_read = false, min_age_days = 0 }}
imap = {{ url = "{dovecot.url()}", user = "{USER}", password_file = "password" }}
""")
    command = [sys.executable, "-m", "mailsync", "--config", str(config)]
    for _ in range(2):
        subprocess.run([*command, "tidy", "--json"], check=False, stdout=subprocess.DEVNULL)
    return command


def deliver(dovecot: FilingDovecot, world: FilingWorld, number: int) -> float:
    """Deliver one message of a contact when the daemon has come to rest; milliseconds until it is filed."""
    time.sleep(8)
    contact = number * 7
    address = world.registry.contact(contact)[1]
    folder = world.folders()[address]
    raw = write(
        Letter(
            sender=world.registry.contact(contact),
            to=(("Big", OWNER),),
            subject=f"fresh {number}",
            date=datetime.now(UTC),
            message_id=f"<fresh{number}@big.example>",
            body="Hello",
        )
    )
    with imaplib.IMAP4("127.0.0.1", dovecot.port) as client:
        client.login(USER, PASSWORD)
        before = count(client, folder)
        client.append("INBOX", "()", imaplib.Time2Internaldate(time.time()), raw)
        started = time.perf_counter()
        while count(client, folder) == before:
            if time.perf_counter() - started > LONGEST_WAIT:
                raise SystemExit(f"the message was not filed into {folder}")
            time.sleep(0.005)
        took = (time.perf_counter() - started) * 1000
    say(f"  {folder}: {took:.0f} ms")
    return took


def count(client: imaplib.IMAP4, folder: str) -> int:
    """Messages in a folder, 0 where there is none yet."""
    kind, told = client.status(f'"{folder}"', "(MESSAGES)")
    return int(told[0].split()[-1].rstrip(b")")) if kind == "OK" else 0


if __name__ == "__main__":
    sys.exit(main())
