"""Why customers' messages stay where they are (DOMAIN 8), a line for each reason. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mailsync.filing.history import Stay
from mailsync.filing.plan import FilingSettings
from mailsync.mailbox.headers import MessageKey
from mailsync.run.actions import Finding
from mailsync.text import N_, Sentence

#: What "by-hand" and "report-only" mean is told elsewhere: of each message, of each folder.
_LINES: dict[Stay, str] = {
    "unread": N_("{count} message(s) of customers wait: unread"),
    "flagged": N_("{count} message(s) of customers wait: flagged"),
    "young": N_("{count} message(s) of customers wait: less than {days} days old"),
    "deleted": N_("{count} message(s) of customers stay: marked as deleted"),
    "copied": N_("{count} message(s) of customers stay: mailsync copied them into their folders before"),
}


def count_stays(stays: Mapping[MessageKey, Stay]) -> dict[str, int]:
    """Reason → how many messages stay for it."""
    return dict(sorted(Counter(stays.values()).items()))


def tell_stays(stays: Mapping[MessageKey, Stay], settings: FilingSettings) -> list[Finding]:
    """One finding a reason; in mode copy the original of a copy stays as a matter of course."""
    counts = Counter(stays.values())
    return [
        Finding(
            kind="stays",
            subject=reason,
            sentence=Sentence.of(line, count=counts[reason], days=settings.min_age_days)
            if reason == "young"
            else Sentence.of(line, count=counts[reason]),
        )
        for reason, line in _LINES.items()
        if counts[reason] and not (reason == "copied" and settings.mode == "copy")
    ]
