"""One run an account: two processes, dead owners, superseded runs, schedule."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailsync.errors import AccountLocked
from mailsync.run.lease import LENGTH, Leases, Owner

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_token_rises_at_every_start(database: sa.Engine, clock: Clock, tmp_path: Path) -> None:
    leases = Leases(database, clock, tmp_path)
    with leases.hold("li.na") as first:
        leases.check("li.na", first)
    with leases.hold("li.na") as second:
        assert second == first + 1
    with leases.hold("wang.wei") as other:
        assert other == 1


def test_a_second_run_on_this_machine_is_told_who_holds_it(
    database: sa.Engine, clock: Clock, tmp_path: Path
) -> None:
    leases, owner = Leases(database, clock, tmp_path), Owner.me()
    with (
        leases.hold("li.na"),
        pytest.raises(AccountLocked, match=f"process {owner.pid} on {owner.host}"),
        Leases(database, clock, tmp_path).hold("li.na"),
    ):
        pass
    with leases.hold("li.na"):
        pass


def test_another_machine_waits_for_the_lease_to_end(
    database: sa.Engine, clock: Clock, tmp_path: Path
) -> None:
    far = Owner(host="far-away", pid=1, started="1@boot")
    there = Leases(database, clock, tmp_path / "there", owner=far)
    here = Leases(database, clock, tmp_path / "here")
    frozen = there.hold("li.na")
    token = frozen.__enter__()
    with pytest.raises(AccountLocked, match="process 1 on far-away"), here.hold("li.na"):
        pass
    clock.now += LENGTH - timedelta(seconds=1)
    there.check("li.na", token)  # a sign of life
    clock.now += timedelta(seconds=2)
    with pytest.raises(AccountLocked), here.hold("li.na"):
        pass
    clock.now += LENGTH
    with here.hold("li.na") as newer:
        # the frozen process wakes up and finds the door closed
        with pytest.raises(AccountLocked, match="this one gives up"):
            there.check("li.na", token)
        frozen.__exit__(None, None, None)
        here.check("li.na", newer)


def test_a_dead_owner_on_this_machine_is_followed_at_once(
    database: sa.Engine, clock: Clock, tmp_path: Path
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    dead = Owner(host=Owner.me().host, pid=ended.pid, started="123@boot")
    abandoned = Leases(database, clock, tmp_path / "elsewhere", owner=dead).hold("li.na")
    abandoned.__enter__()
    with Leases(database, clock, tmp_path).hold("li.na") as token:
        assert token == 2
    abandoned.__exit__(None, None, None)


def test_a_pid_that_came_again_is_another_process() -> None:
    me = Owner.me()
    assert not me.is_dead(me.host)
    assert Owner(host=me.host, pid=me.pid, started="earlier").is_dead(me.host)
    assert not Owner(host="other", pid=me.pid, started="earlier").is_dead(me.host)


def test_two_processes(tmp_path: Path, clock: Clock) -> None:
    """A real second process holds the account; when it is killed, the kernel frees the lock."""
    from mailsync.database import connect
    from mailsync.migrations import upgrade

    url = f"sqlite:///{tmp_path / 'x.db'}"
    engine = connect(url)
    upgrade(engine)
    script = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from mailsync.database import connect; from mailsync.run.lease import Leases\n"
        "leases = Leases(connect(sys.argv[1]), lambda: datetime.now(UTC), Path(sys.argv[2]))\n"
        "with leases.hold('li.na'):\n    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, url, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        leases = Leases(engine, lambda: datetime.now(UTC), tmp_path)
        with pytest.raises(AccountLocked, match=f"process {other.pid} on"), leases.hold("li.na"):
            pass
        other.kill()
        other.wait()
        with leases.hold("li.na") as token:
            assert token == 2
    engine.dispose()


def test_the_schedule(database: sa.Engine, clock: Clock, tmp_path: Path) -> None:
    leases = Leases(database, clock, tmp_path)
    assert leases.next_due("li.na") is None
    leases.set_next_due("li.na", NOW)
    assert leases.next_due("li.na") == NOW
    with leases.hold("li.na"):
        leases.set_next_due("li.na", None)
    assert leases.next_due("li.na") is None
