"""What a run costs on the line: counted, so that it is the same on every machine. Never timed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BookUser, MailUser
from tests.system.company import Company, letter


@pytest.fixture
def company(tmp_path: Path, mail_user: MailUser, book_user: BookUser) -> Company:
    return Company.found(tmp_path, mail_user, book_user, letters=0)


def traffic(company: Company) -> dict[str, Any]:
    """What one `tidy` was counted."""
    (told,) = company.run("tidy", "--json").objects()
    assert told["errors"] == []
    counted: dict[str, Any] = told["traffic"]
    return counted


@pytest.mark.parametrize("many", [150, 1500])
def test_round_trips_do_not_grow_with_the_mail(company: Company, many: int) -> None:
    """Filed in the first run and known where they lie then; the second only asks for flags, the third for nothing."""
    company.mail.seed([letter(count) for count in range(many)])
    company.confirm()
    first, second, third = (traffic(company) for _ in range(3))
    assert [run["turns"] for run in (first, second, third)] == [15, 5, 3]
    assert [run["commands"] for run in (first, second, third)] == [27, 5, 3]
    assert second["rows"] == third["rows"] == 0 and third["bytes_up"] < 512


def test_the_counters_are_shown_when_asked_for(company: Company) -> None:
    assert "Round trips" not in company.run("plan").out
    shown = company.run("plan", "--stats").out
    assert "Round trips" in shown and "Bytes received" in shown
