"""The daemon: runs each account again and again, reports once a day, and stops cleanly when told to."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from threading import Condition, Event

from apscheduler import events
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from mailsync.daemon import systemd
from mailsync.daemon.bell import Bell, rung_by_signals
from mailsync.daemon.health import BEAT, Health
from mailsync.daemon.jobs import RunKeys
from mailsync.errors import MailsyncError

logger = logging.getLogger(__name__)

RunAccount = Callable[[str, Event], int]
DailyReport = Callable[[date], None]
MonthlyUpkeep = Callable[[date], None]

_REPORT = "daily report"
_UPKEEP = "monthly upkeep"
_ACCOUNT = "account:"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is to be run, and when."""

    accounts: tuple[str, ...]
    interval: timedelta = timedelta(minutes=10)
    jitter: timedelta = timedelta(seconds=30)  #: spreads the accounts, so that they do not all log in at once
    report_at: time = time(7, 30)
    zone: tzinfo = UTC  #: of `report_at`
    workers: int = 4  #: accounts at one time
    grace: timedelta = timedelta(seconds=10)  #: what a run under way gets to come to its end


class Daemon:
    """One per machine and configuration.

    `run_account(account, stop)` makes one run and returns its exit code; it looks at `stop` between actions and
    comes to its end soon after it is set. `daily_report(day)` is called once a local date, `monthly_upkeep(first)` once
    a month, with its first day. `probe` raises
    `MailsyncError` while no work is possible: systemd's watchdog is then not fed. `give_up` ends the process
    when a run does not stop in time: its open intents are recovered at the next start (DESIGN 5).
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        run_account: RunAccount,
        daily_report: DailyReport,
        monthly_upkeep: MonthlyUpkeep,
        keys: RunKeys,
        health: Health,
        probe: Callable[[], None] = lambda: None,
        clock: Callable[[], datetime] = utc_now,
        give_up: Callable[[int], None] = os._exit,
    ) -> None:
        self._schedule = schedule
        self._run_account = run_account
        self._daily_report = daily_report
        self._monthly_upkeep = monthly_upkeep
        self._keys = keys
        self._health = health
        self._probe = probe
        self._clock = clock
        self._give_up = give_up
        self._stop = Event()
        self._idle = Condition()
        self._under_way: set[str] = set()
        self._again: set[str] = set()
        self._scheduler = self._build_scheduler()

    def run(self) -> int:
        """Run until SIGTERM or SIGINT; the exit code of the process. Call it in the main thread."""
        with Bell() as bell, rung_by_signals(bell):
            self._scheduler.start()
            systemd.notify("READY=1")
            logger.info("The daemon is up: %d account(s) %s", len(self._schedule.accounts), self._rhythm())
            pause = min(BEAT, systemd.watchdog_interval() or BEAT)
            self._beat()
            while not bell.wait(pause):
                self._beat()
            self._end()
        return 0

    def report_if_due(self) -> None:
        """Make the daily report, and on a month's first day at work its upkeep, when the hour has come and nobody made
        it yet; called every minute."""
        now = self._clock()
        local = now.astimezone(self._schedule.zone)
        if local.time() < self._schedule.report_at:
            return
        self._make(_REPORT, local.date(), now, self._daily_report)
        self._make(_UPKEEP, local.date().replace(day=1), now, self._monthly_upkeep)

    def _make(self, name: str, day: date, now: datetime, make: Callable[[date], None]) -> None:
        """Make a report unless somebody made that of `day`."""
        with self._noted(name) as may_start:
            if not may_start or not self._keys.take(name, day, now):
                return
            try:
                make(day)
            except MailsyncError as error:
                logger.error("The %s failed: %s", name, error)
                self._health.report(str(error))
                return
            self._keys.finish(name, day, self._clock())
            self._health.report(None)

    def nudge(self, account: str) -> None:
        """Something happened there: run `account` now, or once more after the run that is under way."""
        with self._idle:
            if self._stop.is_set():
                return
            if account in self._under_way:
                self._again.add(account)
                return
        self._scheduler.modify_job(_ACCOUNT + account, next_run_time=utc_now())

    def run_once(self, account: str) -> None:
        """One run of `account`, its outcome noted, and others while it is nudged meanwhile. What it did not expect goes
        on to the scheduler's listener."""
        with self._noted(account) as may_start:
            if not may_start:
                return
            self._run_and_note(account)
            while self._is_nudged(account):
                self._run_and_note(account)

    def _is_nudged(self, account: str) -> bool:
        with self._idle:
            nudged = account in self._again and not self._stop.is_set()
            self._again.discard(account)
            return nudged

    def _run_and_note(self, account: str) -> None:
        started = self._clock()
        self._health.note(account, started=started)
        code, error = self._outcome(account)
        finished = self._clock()
        due = self._next_due(account)
        self._health.note(account, finished=finished, exit_code=code, error=error, next_due=due)
        seconds = (finished - started).total_seconds()
        logger.info("%s: run ended with %d after %.1f s; next at %s", account, code, seconds, due)
        self._write_health()

    def _outcome(self, account: str) -> tuple[int, str | None]:
        try:
            return self._run_account(account, self._stop), None
        except MailsyncError as error:
            logger.error("%s: %s", account, error)
            return error.exit_code, str(error)

    @contextmanager
    def _noted(self, job: str) -> Iterator[bool]:
        """Counts `job` as under way; yields False where the daemon is stopping and nothing may start."""
        with self._idle:
            may_start = not self._stop.is_set()
            if may_start:
                self._under_way.add(job)
        try:
            yield may_start
        finally:
            with self._idle:
                self._under_way.discard(job)
                self._idle.notify_all()

    def _build_scheduler(self) -> BackgroundScheduler:
        schedule = self._schedule
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": ThreadPoolExecutor(max(1, schedule.workers)),
                "report": ThreadPoolExecutor(1),
            },
            # None: a late run is made up for, once; the library's own default of one second drops it.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        scheduler.add_listener(
            self._on_trouble,
            events.EVENT_JOB_ERROR | events.EVENT_JOB_MAX_INSTANCES | events.EVENT_JOB_MISSED,
        )
        now = utc_now()
        for account in schedule.accounts:
            trigger = IntervalTrigger(
                seconds=max(1, round(schedule.interval.total_seconds())),
                jitter=round(schedule.jitter.total_seconds()) or None,
                timezone=UTC,
            )
            scheduler.add_job(
                self.run_once, trigger, args=[account], id=_ACCOUNT + account, next_run_time=now
            )
        every_minute = IntervalTrigger(minutes=1, timezone=UTC)
        scheduler.add_job(self.report_if_due, every_minute, id=_REPORT, executor="report", next_run_time=now)
        return scheduler

    def _on_trouble(self, event: events.JobEvent) -> None:
        account = event.job_id.removeprefix(_ACCOUNT)
        failure = getattr(event, "exception", None)
        # Only the kind of an unexpected error: its words may hold what no file should (the log blanks secrets).
        words = f"unexpected {type(failure).__name__}, see the log" if failure else "skipped"
        if event.job_id == _REPORT:
            self._health.report(words)
        elif failure:
            finished, due = self._clock(), self._next_due(account)
            self._health.note(account, finished=finished, exit_code=1, error=words, next_due=due)
        else:
            self._health.skipped(account)
        self._write_health()

    def _next_due(self, account: str) -> datetime | None:
        job = self._scheduler.get_job(_ACCOUNT + account)
        due: datetime | None = getattr(job, "next_run_time", None)
        return due

    def _beat(self) -> None:
        """A sign of life that proves that work is possible, not only that a thread is alive."""
        self._write_health()
        try:
            self._probe()
        except MailsyncError as error:
            logger.error("No work is possible now: %s", error)
            return
        systemd.notify("WATCHDOG=1")

    def _write_health(self) -> None:
        try:
            self._health.write(self._clock())
        except OSError as error:
            logger.error("The health file could not be written: %s", error)

    def _end(self) -> None:
        """Nothing new starts; what is under way gets its grace; then the process ends whatever happens."""
        systemd.notify("STOPPING=1")
        self._stop.set()
        self._scheduler.shutdown(wait=False)
        grace = self._schedule.grace.total_seconds()
        with self._idle:
            ended = self._idle.wait_for(lambda: not self._under_way, timeout=grace)
            left = sorted(self._under_way)
        self._write_health()
        if ended:
            logger.info("The daemon has stopped.")
            return
        logger.warning(
            "Stopped after %g s with %s under way: the next start recovers it.", grace, ", ".join(left)
        )
        logging.shutdown()
        self._give_up(0)

    def _rhythm(self) -> str:
        schedule = self._schedule
        return f"every {schedule.interval}, daily report at {schedule.report_at:%H:%M} ({schedule.zone})"
