"""Why messages stay: counted, and told in a line for each reason."""

from __future__ import annotations

from mailsync.filing.history import Stay
from mailsync.filing.plan import FilingSettings
from mailsync.filing.stays import count_stays, tell_stays
from mailsync.mailbox.headers import MessageKey

REASONS: tuple[Stay, ...] = (
    "unread",
    "young",
    "unread",
    "copied",
    "by-hand",
    "report-only",
    "flagged",
    "deleted",
)
STAYS = {MessageKey("INBOX", 1, uid): reason for uid, reason in enumerate(REASONS)}


def test_reasons_are_counted() -> None:
    assert count_stays(STAYS) == {
        "by-hand": 1,
        "copied": 1,
        "deleted": 1,
        "flagged": 1,
        "report-only": 1,
        "unread": 2,
        "young": 1,
    }
    assert count_stays({}) == {}


def test_each_reason_is_told_once_and_not_what_is_told_elsewhere() -> None:
    told = tell_stays(STAYS, FilingSettings(min_age_days=5))
    assert {finding.kind for finding in told} == {"stays"}
    assert [finding.subject for finding in told] == ["unread", "flagged", "young", "deleted", "copied"]
    assert str(told[0].sentence) == "2 message(s) of customers wait: unread"
    assert "less than 5 days old" in str(told[2].sentence)


def test_in_mode_copy_originals_stay_as_a_matter_of_course() -> None:
    assert "copied" not in {finding.subject for finding in tell_stays(STAYS, FilingSettings(mode="copy"))}
