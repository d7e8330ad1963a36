"""What a first filing of a whole mailbox costs, beside the bare client of `floor_mail` and, if wanted, imapfilter.

    python -m tests.benchmarks.bench_filing [--world 10k] [--rounds 3] [--format mdbox] [--peer imapfilter]

In each round all take turns on fresh copies of the same mail, whose headers Dovecot has in its cache. Processor time of
client and server together is the figure to trust; wall time depends on what else the machine does. `TMPDIR=/dev/shm`
keeps the mail in memory. mailsync has its registry imported before: that is measured by itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from mailsync.demo.big import OWNER
from mailsync.demo.company import OWN_DOMAIN
from mailsync.demo.throwaway import throwaway_folder
from tests.benchmarks.far import far
from tests.benchmarks.filing_measure import Cost, measure
from tests.benchmarks.filing_peers import IMAPFILTER_WAYS, Login, imapfilter, write_imapfilter
from tests.benchmarks.filing_store import FilingDovecot, MailFormat
from tests.benchmarks.filing_world import FilingWorld

PASSWORD = "bench-password"
SEED = "seed"
WORLDS = {"10k": FilingWorld(), "50k": FilingWorld(inbox=50_000, sent=20_000)}
FLOOR, MAILSYNC = "floor", "mailsync"
FAR, FAR_AGAIN = "far", "far second"
IMPORT, PROFILED = "registry import", "profiled"
#: Runs after the first: the second one may look at what was filed, the third one finds nothing new anywhere.
AGAIN = ("mailsync second", "mailsync third")
#: Whose mail is a fresh copy in each round.
COPIES = (FLOOR, MAILSYNC, FAR, *IMAPFILTER_WAYS)
#: `tidy` ends with 3 where something is to be decided.
DONE = {0, 3}
NAME_WIDTH = 20
HEADINGS = "  wall s client s server s  total s      MiB    filed"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One program's turn."""

    cost: Cost
    filed: int  #: messages that left INBOX and Sent


@dataclass(kw_only=True)
class Bench:
    """The world on a running server, and what was measured so far: program → a figure for each round."""

    folder: Path
    dovecot: FilingDovecot
    world: FilingWorld
    figures: dict[str, list[Figure]] = field(default_factory=dict)

    def turn(self, name: str, command: Sequence[str | Path], user: str, **environment: str) -> Path:
        """Run one program on `user`'s mail, note and print its figure. Answers the file with what it printed."""
        before = self.dovecot.left(user)
        output = self.folder / f"{user} {name}.txt"
        cost = measure(command, output, self.dovecot.process_group, environment)
        figure = Figure(cost=cost, filed=before - self.dovecot.left(user))
        if cost.exit_code not in DONE:
            raise SystemExit(f"{name} ended with {cost.exit_code}:\n{output.read_text()[-2000:]}")
        self.figures.setdefault(name, []).append(figure)
        say(row(name, figure.cost, figure.filed))
        return output

    def fresh(self, user: str) -> None:
        """Give `user` the mail that is to be filed."""
        self.dovecot.copy(SEED, user)
        self.dovecot.warm(user)

    def check_and_drop(self, user: str) -> None:
        """All that belongs to customers must lie in their folders now, whoever filed it."""
        folders = self.world.folders().values()
        found, wanted = self.dovecot.filed(user, folders), self.world.belonging()
        if found != wanted:
            raise SystemExit(f"{user}: {found:,} messages are filed, {wanted:,} should be")
        self.dovecot.drop(user)


def main() -> int:
    """Seed, let all take turns, print medians and ratios."""
    options = parsed()
    world = world_of(options)
    with throwaway_folder() as folder:
        (folder / "dovecot").mkdir()
        users = [SEED, PROFILED, *(f"{name}{turn}" for name in COPIES for turn in range(options.rounds))]
        with FilingDovecot(
            folder / "dovecot", dict.fromkeys(users, PASSWORD), options.mail_format
        ) as dovecot:
            bench = Bench(folder=folder, dovecot=dovecot, world=world)
            prepare(bench)
            say(f"{'':<{NAME_WIDTH}} {HEADINGS}")
            for turn in range(options.rounds):
                floor(bench, f"{FLOOR}{turn}", options)
                mailsync(bench, f"{MAILSYNC}{turn}")
                if options.far:
                    from_afar(bench, f"{FAR}{turn}", options.far)
                if turn == 0:
                    for way in options.peer:
                        peer(bench, way)
            summary(bench)
            if options.profile:
                profiled(bench, options.profile)
    return 0


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", choices=sorted(WORLDS), default="10k")
    parser.add_argument("--messages", type=int, help="in INBOX, instead of the world's")
    parser.add_argument("--sent", type=int, help="in Sent, instead of the world's")
    parser.add_argument("--customers", type=int, help="with five contacts each, instead of the world's")
    parser.add_argument("--format", dest="mail_format", choices=get_args(MailFormat), default="maildir")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, choices=(1, 2), default=2, help="of the bare client")
    parser.add_argument("--way", choices=("copy", "move"), default="copy", help="of the bare client")
    parser.add_argument("--peer", action="append", choices=sorted(IMAPFILTER_WAYS), default=[])
    parser.add_argument(
        "--far", type=float, default=0, metavar="MS", help="mailsync also with this round trip to the server"
    )
    parser.add_argument("--profile", type=Path, metavar="FILE", help="one more first run, under cProfile")
    return parser.parse_args()


def world_of(options: argparse.Namespace) -> FilingWorld:
    """The world that was asked for."""
    sizes = {"inbox": options.messages, "sent": options.sent, "customers": options.customers}
    return replace(WORLDS[options.world], **{name: size for name, size in sizes.items() if size is not None})


def prepare(bench: Bench) -> None:
    """Fill the mailboxes, and write what the programs read."""
    started = time.perf_counter()
    bench.dovecot.fill(SEED, bench.world.messages(datetime.now(UTC)))
    bench.dovecot.warm(SEED)
    bench.world.registry.write_registry(bench.folder / "registry")
    (bench.folder / "password").write_text(PASSWORD)
    (bench.folder / "folders.json").write_text(json.dumps(bench.world.folders()))
    say(
        f"seeded {bench.world.inbox:,} + {bench.world.sent:,} messages, of which {bench.world.belonging():,} belong to "
        f"{bench.world.customers:,} customers, in {time.perf_counter() - started:.1f} s"
    )


def floor(bench: Bench, user: str, options: argparse.Namespace) -> None:
    """The bare client's turn, with what it counted."""
    bench.fresh(user)
    output = bench.turn(
        FLOOR,
        [
            *(sys.executable, "-m", "tests.benchmarks.floor_mail", "--port", str(bench.dovecot.port)),
            *("--user", user, "--password", PASSWORD, "--connections", str(options.connections)),
            *("--way", options.way, "--customers", bench.folder / "folders.json"),
        ],
        user,
    )
    say(f"  {output.read_text().strip()}")
    bench.check_and_drop(user)


def mailsync(bench: Bench, user: str) -> None:
    """mailsync's turn: its first run, and two more with no new mail."""
    bench.fresh(user)
    command = mailsync_command(bench, user)
    bench.turn(IMPORT, [*command, "registry", "import", bench.folder / "registry"], user)
    bench.turn(MAILSYNC, [*command, "tidy"], user)
    for name in AGAIN:
        bench.turn(name, [*command, "tidy"], user)
    bench.check_and_drop(user)


def from_afar(bench: Bench, user: str, milliseconds: float) -> None:
    """mailsync's turn with a server far away: its first run and a second one."""
    bench.fresh(user)
    with far(bench.dovecot.port, milliseconds / 1000) as port:
        command = mailsync_command(bench, user, port)
        bench.turn(IMPORT, [*command, "registry", "import", bench.folder / "registry"], user)
        for name in (FAR, FAR_AGAIN):
            output = bench.turn(name, [*command, "tidy", "--json"], user)
            say(f"  {json.loads(output.read_text())['traffic']}")
    bench.check_and_drop(user)


def mailsync_command(bench: Bench, user: str, port: int | None = None) -> list[str | Path]:
    """How mailsync is started, with a configuration and a database of its own."""
    home = bench.folder / f"home {user}"
    home.mkdir()
    config = home / "mailsync.toml"
    url = bench.dovecot.url()
    if port is not None:
        url = url.replace(f":{bench.dovecot.port}", f":{port}")
    config.write_text(f"""\
database = "sqlite:///mailsync.db"
state_dir = "state"
language = "en"
own_domains = ["{OWN_DOMAIN}"]
[[accounts]]
name = "{user}"
address = "{OWNER}"
confirmed = true
brakes = {{ max_changes = 1.0 }}
imap = {{ url = "{url}", user = "{user}", password_file = "../password" }}
""")
    return [sys.executable, "-m", "mailsync", "--config", config]


def peer(bench: Bench, way: str) -> None:
    """imapfilter's turn, where it is installed."""
    program = imapfilter()
    if program is None:
        say(f"{way}: left out, imapfilter is not installed (apt-get install imapfilter)")
        return
    user = f"{way}0"
    bench.fresh(user)
    rules = bench.folder / f"{way}.lua"
    login = Login(port=bench.dovecot.port, user=user, password=PASSWORD)
    write_imapfilter(rules, login, bench.world.folders(), by_customer=IMAPFILTER_WAYS[way])
    bench.turn(way, [program, "-c", rules], user, IMAPFILTER_HOME=str(bench.folder))
    bench.check_and_drop(user)


def profiled(bench: Bench, profile: Path) -> None:
    """One more first run of mailsync, which writes its profile; its figures are not counted."""
    bench.fresh(PROFILED)
    python, *rest = mailsync_command(bench, PROFILED)
    bench.turn(IMPORT, [python, *rest, "registry", "import", bench.folder / "registry"], PROFILED)
    bench.turn(PROFILED, [python, "-m", "cProfile", "-o", profile.resolve(), *rest, "tidy"], PROFILED)


def summary(bench: Bench) -> None:
    """Medians of all, and how many times the bare client's each is."""
    say("medians")
    medians = {name: median([one.cost for one in figures]) for name, figures in bench.figures.items()}
    for name, cost in medians.items():
        say(row(name, cost, bench.figures[name][0].filed))
    base = medians[FLOOR]
    if FAR in medians:
        say(f"from afar {medians[FAR].wall - medians[MAILSYNC].wall:.2f} s more wall time")
    for name in (MAILSYNC, *IMAPFILTER_WAYS):
        if name in medians:
            cost = medians[name]
            say(
                f"{name}/{FLOOR}: {cost.cpu / base.cpu:.2f} × processor time, {cost.wall / base.wall:.2f} × wall time"
            )


def median(costs: Sequence[Cost]) -> Cost:
    """Each figure's own median."""
    return Cost(
        wall=statistics.median(cost.wall for cost in costs),
        client_cpu=statistics.median(cost.client_cpu for cost in costs),
        server_cpu=statistics.median(cost.server_cpu for cost in costs),
        peak_mib=statistics.median(cost.peak_mib for cost in costs),
        exit_code=max(cost.exit_code for cost in costs),
    )


def row(name: str, cost: Cost, filed: int) -> str:
    """A line of the table: seconds, MiB, messages."""
    return (
        f"{name:<{NAME_WIDTH}} {cost.wall:>8.2f} {cost.client_cpu:>8.2f} {cost.server_cpu:>8.2f} {cost.cpu:>8.2f} "
        f"{cost.peak_mib:>8.0f} {filed:>8,}"
    )


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
