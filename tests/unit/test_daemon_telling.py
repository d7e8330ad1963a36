"""What the daemon's log says of a run that takes long."""

from __future__ import annotations

import pytest

from mailsync.daemon.telling import Telling
from mailsync.text import Sentence

WRITING = Sentence.of("Writing")


def test_a_line_a_minute_with_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    tell = Telling("li.na", clock=lambda: now[0])
    caplog.set_level("INFO")
    for second in range(0, 301, 10):
        now[0] = float(second)
        tell(WRITING, second * 2, 3000)
    assert caplog.messages == [
        "li.na: Writing: 120 of 3000, 24 min left",
        "li.na: Writing: 240 of 3000, 23 min left",
        "li.na: Writing: 360 of 3000, 22 min left",
        "li.na: Writing: 480 of 3000, 21 min left",
        "li.na: Writing: 600 of 3000, 20 min left",
    ]


def test_short_stages_say_nothing_and_each_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    tell = Telling("li.na", clock=lambda: now[0])
    caplog.set_level("INFO")
    for stage in range(5):
        now[0] += 59
        tell(Sentence.of(f"Stage {stage}"), 0, 10)
    tell(Sentence.of("Stage 4"), 5, 10)
    assert caplog.messages == []
    now[0] += 61
    tell(Sentence.of("Stage 4"), 5, 0)
    assert caplog.messages == []
