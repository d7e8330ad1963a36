"""Run keys: each daily job once a local date."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailsync.daemon.jobs import ATTEMPTS, RETRY_AFTER, JobRun, RunKeys
from mailsync.database import Base, connect

DAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = connect(f"sqlite:///{tmp_path}/jobs.db")
    Base.metadata.create_all(engine, tables=[Base.metadata.tables[JobRun.__tablename__]])
    yield engine
    engine.dispose()


def test_a_finished_job_is_given_once_a_day(engine: sa.Engine) -> None:
    keys = RunKeys(engine)
    assert keys.take("report", DAY, NOW)
    keys.finish("report", DAY, NOW)
    assert not keys.take("report", DAY, NOW + 10 * RETRY_AFTER)
    assert keys.take("report", date(2026, 11, 26), NOW)
    assert keys.take("backup", DAY, NOW)


def test_an_unfinished_job_is_given_again_later_but_not_for_ever(engine: sa.Engine) -> None:
    keys = RunKeys(engine)
    taken = [keys.take("report", DAY, NOW + RETRY_AFTER * quarter / 2) for quarter in range(20)]
    assert taken[:4] == [True, False, True, False]
    assert taken.count(True) == ATTEMPTS


def test_of_many_takers_one_gets_it(engine: sa.Engine) -> None:
    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(lambda _: RunKeys(engine).take("report", DAY, NOW), range(12)))
    assert taken.count(True) == 1
