"""The daemon: every account runs, a failing one stops nobody, signals end it within its grace."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from mailsync.daemon import systemd
from mailsync.daemon.bell import Bell
from mailsync.daemon.health import Health
from mailsync.daemon.jobs import JobRun, RunKeys
from mailsync.daemon.scheduler import Daemon, Schedule, utc_now
from mailsync.database import Base, connect
from mailsync.errors import AccountError, StorageError

NEVER = time(23, 59, 59)
WAIT = 20.0


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[RunKeys]:
    engine: sa.Engine = connect(f"sqlite:///{tmp_path}/jobs.db")
    Base.metadata.create_all(engine, tables=[Base.metadata.tables[JobRun.__tablename__]])
    yield RunKeys(engine)
    engine.dispose()


class World:
    """A daemon with its health; `over` replaces what a test is about."""

    def __init__(self, folder: Path, keys: RunKeys, *accounts: str, **over: object) -> None:
        self.health = Health(folder / "health.json", accounts=accounts, started=utc_now())
        self.reports: list[date] = []
        self.gave_up: list[int] = []
        schedule = Schedule(
            accounts=accounts,
            interval=timedelta(hours=1),
            jitter=timedelta(0),
            report_at=NEVER,
            **over.pop("schedule", {}),  # type: ignore[arg-type]
        )
        wired = {
            "run_account": lambda _name, _stop: 0,
            "daily_report": self.reports.append,
            "monthly_upkeep": lambda _first: None,
            **over,
        }
        self.daemon = Daemon(
            schedule,
            keys=keys,
            health=self.health,
            give_up=self.gave_up.append,
            **wired,  # type: ignore[arg-type]
        )


def terminate_when(ready: Event) -> Thread:
    """SIGTERM to this very process once `ready` is set."""

    def wait_and_send() -> None:
        assert ready.wait(WAIT)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = Thread(target=wait_and_send)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_run_under_way_come_to_its_end(tmp_path: Path, keys: RunKeys, number: int) -> None:
    seen: list[bool] = []

    def run(_account: str, stop: Event) -> int:
        os.kill(os.getpid(), number)
        seen.append(stop.wait(WAIT))
        return 130

    former = signal.getsignal(signal.SIGTERM)
    world = World(tmp_path, keys, "li.na", run_account=run)
    assert world.daemon.run() == 0
    assert seen == [True]
    assert world.health.of("li.na").exit_code == 130
    assert world.gave_up == []
    assert signal.getsignal(signal.SIGTERM) is former


def test_a_run_that_does_not_stop_is_left_after_the_grace(
    tmp_path: Path, keys: RunKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    started, release = Event(), Event()

    def run(_account: str, _stop: Event) -> int:
        started.set()
        assert release.wait(WAIT)
        return 0

    world = World(tmp_path, keys, "li.na", run_account=run, schedule={"grace": timedelta(milliseconds=50)})
    thread = terminate_when(started)
    assert world.daemon.run() == 0
    release.set()
    thread.join(WAIT)
    assert world.gave_up == [0]


def test_nothing_starts_once_the_daemon_is_stopping(tmp_path: Path, keys: RunKeys) -> None:
    """One worker, two accounts: the second waits in the queue while the first one is told to stop."""
    ran: list[str] = []

    def run(account: str, stop: Event) -> int:
        ran.append(account)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(WAIT)
        return 0

    world = World(tmp_path, keys, "li.na", "wang.fang", run_account=run, schedule={"workers": 1})
    world.daemon.run()
    assert len(ran) == 1


def test_what_happens_calls_a_run_at_once_or_after_the_one_under_way(tmp_path: Path, keys: RunKeys) -> None:
    ran: list[str] = []
    first, third = Event(), Event()

    def run(account: str, stop: Event) -> int:
        ran.append(account)
        if len(ran) == 1:
            for _ in range(5):
                world.daemon.nudge(account)  # however often: one more run
        elif len(ran) == 2:
            first.set()
        else:
            third.set()
        return 0

    world = World(tmp_path, keys, "li.na", run_account=run)

    def act() -> None:
        assert first.wait(WAIT)
        while "li.na" in world.daemon._under_way:
            Event().wait(0.01)
        world.daemon.nudge("li.na")
        assert third.wait(WAIT)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = Thread(target=act)
    thread.start()
    assert world.daemon.run() == 0
    thread.join(WAIT)
    assert ran == ["li.na"] * 3
    world.daemon.nudge("li.na")  # too late, and no harm


def test_one_failing_account_never_stops_the_others(tmp_path: Path, keys: RunKeys) -> None:
    done = Event()
    ends: dict[str, Callable[[], int]] = {
        "broken": lambda: 1 // 0,
        "refused": lambda: _refuse(),
        "well": lambda: 0,
    }
    over: list[str] = []

    def run(account: str, _stop: Event) -> int:
        over.append(account)
        if len(over) == len(ends):
            done.set()
        return ends[account]()

    world = World(tmp_path, keys, *ends, run_account=run, schedule={"workers": 1})
    thread = terminate_when(done)
    world.daemon.run()
    thread.join(WAIT)
    kept = {name: world.health.of(name) for name in ends}
    assert {name: one.exit_code for name, one in kept.items()} == {"broken": 1, "refused": 12, "well": 0}
    assert kept["refused"].error == "login refused for refused"
    assert kept["broken"].error == "unexpected ZeroDivisionError, see the log"
    assert all(one.finished for one in kept.values())


def _refuse() -> int:
    raise AccountError("login refused for {account}", account="refused")


def at(hour: int, minute: int = 0) -> Callable[[], datetime]:
    return lambda: datetime(2026, 11, 25, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)


@pytest.mark.parametrize(
    ("hour", "minute", "made"), [(7, 29, False), (7, 30, True), (23, 0, True), (0, 5, False)]
)
def test_the_report_is_made_once_from_its_hour_on(
    tmp_path: Path, keys: RunKeys, hour: int, minute: int, made: bool
) -> None:
    daemon, reports = reporting(tmp_path, keys, at(hour, minute))
    daemon.report_if_due()
    daemon.report_if_due()
    assert reports == ([date(2026, 11, 25)] if made else [])


def reporting(
    folder: Path,
    keys: RunKeys,
    clock: Callable[[], datetime],
    *,
    fails: bool = False,
    upkeeps: list[date] | None = None,
) -> tuple[Daemon, list[date]]:
    reports: list[date] = []

    def report(day: date) -> None:
        reports.append(day)
        if fails:
            raise StorageError("no disk")

    schedule = Schedule(accounts=(), report_at=time(7, 30), zone=ZoneInfo("Asia/Shanghai"))
    health = Health(folder / "health.json", accounts=(), started=clock())
    daemon = Daemon(
        schedule,
        run_account=lambda *_: 0,
        daily_report=report,
        monthly_upkeep=[].append if upkeeps is None else upkeeps.append,
        keys=keys,
        health=health,
        clock=clock,
    )
    return daemon, reports


def test_the_upkeep_is_told_once_a_month_by_whoever_is_first(tmp_path: Path, keys: RunKeys) -> None:
    days = [datetime(2026, 11, 25, 1, tzinfo=UTC), datetime(2026, 11, 30, 1, tzinfo=UTC)]
    days += [datetime(2026, 12, 3, 1, tzinfo=UTC), datetime(2026, 12, 4, 1, tzinfo=UTC)]
    told: list[date] = []
    for day in days:  # a machine that was off on the 1st catches up, and another process does not do it again
        for _ in range(2):
            reporting(tmp_path, keys, lambda day=day: day, upkeeps=told)[0].report_if_due()
    assert told == [date(2026, 11, 1), date(2026, 12, 1)]


def test_a_failed_report_is_tried_again(tmp_path: Path, keys: RunKeys) -> None:
    made: list[date] = []
    for clock in (at(8, 0), at(8, 1), at(8, 20)):
        daemon, reports = reporting(tmp_path, keys, clock, fails=True)
        daemon.report_if_due()
        made += reports
    assert len(made) == 2


def test_the_watchdog_is_fed_only_while_work_is_possible(
    tmp_path: Path, keys: RunKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[str] = []
    monkeypatch.setattr(systemd, "notify", lambda state: states.append(state))

    def lost() -> None:
        raise StorageError("the database is gone")

    for probe in (lost, lambda: None):
        ready = Event()
        world = World(tmp_path, keys, "li.na", run_account=lambda _n, _s, r=ready: r.set() or 0, probe=probe)
        thread = terminate_when(ready)
        world.daemon.run()
        thread.join(WAIT)
    assert states == ["READY=1", "STOPPING=1", "READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_notify_sends_a_datagram(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd_end:
        systemd_end.bind(path)
        assert systemd.notify("READY=1", {"NOTIFY_SOCKET": path})
        assert systemd_end.recv(100) == b"READY=1"
    assert not systemd.notify("READY=1", {})
    assert not systemd.notify("READY=1", {"NOTIFY_SOCKET": path + "gone"})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "30000000"}, timedelta(seconds=15)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, timedelta(seconds=15)),
    ],
)
def test_watchdog_interval(environ: dict[str, str], expected: timedelta | None) -> None:
    assert systemd.watchdog_interval(environ) == expected


def test_a_bell_rung_before_is_heard_and_never_blocks_the_ringer() -> None:
    with Bell() as bell:
        assert not bell.wait(timedelta(0))
        for _ in range(100_000):
            bell.ring()
        assert bell.wait(timedelta(0))
