"""Logging: human sentences on standard error, secrets blanked, control characters escaped."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")


class Redactor(logging.Filter):
    """Blanks every known secret in a record, also in its traceback, and escapes what could forge or hide a line."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: set[str] = set()

    def learn(self, secrets: Iterable[str]) -> None:
        self._secrets.update(secret for secret in secrets if len(secret) >= 3)

    def clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        line = _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), record.getMessage())
        record.msg, record.args = self.clean(line), ()
        if record.exc_info:
            record.exc_text = self.clean(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


def set_up(*, verbose: bool, redactor: Redactor) -> None:
    """Log to standard error: warnings and above, or everything of mailsync with `verbose`."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(redactor)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("mailsync").setLevel(logging.DEBUG if verbose else logging.INFO)
