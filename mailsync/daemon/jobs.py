"""Once a day and no more: the run keys (job, local date) of daily jobs, kept in the database."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from mailsync.database import Base

#: A job that failed is tried again after this long, and so many times a day.
RETRY_AFTER = timedelta(minutes=15)
ATTEMPTS = 3


class JobRun(Base):
    """One daily job on one local date."""

    __tablename__ = "job_runs"

    job: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    started: Mapped[datetime]
    finished: Mapped[datetime | None]
    attempts: Mapped[int]


class RunKeys:
    """Gives each (job, local date) to one taker. Safe between threads and machines: the database decides.

    A job whose process died half way is given again after `RETRY_AFTER`, at most `ATTEMPTS` times a day.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def take(self, job: str, day: date, now: datetime) -> bool:
        """Whether the caller is to run `job` for `day` now."""
        try:
            with Session(self._engine) as session, session.begin():
                known = session.get(JobRun, (job, day), with_for_update=True)
                if known is None:
                    session.add(JobRun(job=job, day=day, started=now, attempts=1))
                    return True
                if known.finished or known.attempts >= ATTEMPTS or now < known.started + RETRY_AFTER:
                    return False
                known.started, known.attempts = now, known.attempts + 1
                return True
        except IntegrityError:  # another process took it between our look and our insert
            return False

    def finish(self, job: str, day: date, now: datetime) -> None:
        """The job of that day is done and is not given again."""
        with Session(self._engine) as session, session.begin():
            session.execute(
                sa.update(JobRun).where(JobRun.job == job, JobRun.day == day).values(finished=now)
            )
