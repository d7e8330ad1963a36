"""Where reports go: into files."""

from __future__ import annotations

import os
from datetime import tzinfo
from pathlib import Path

from mailsync.errors import CollectionError
from mailsync.report.parts import Report
from mailsync.text import N_


def keep_page(place: Path, page: str, report: Report, zone: tzinfo) -> Path:
    """Write `page` to the file `place` (`*.html`), or into the folder `place`, named after the newest run.

    Whole or not at all, readable by the owner only: it names customers. Raises `CollectionError`.
    """
    path = place if place.suffix == ".html" else place / f"report-{_stamp(report, zone)}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".new")
        half.touch(mode=0o600)
        half.write_text(page, encoding="utf-8")
        os.replace(half, path)  # noqa: PTH105 - the atomic step
    except OSError as error:
        raise CollectionError(
            N_("The report could not be written to {path}: {reason}. Name another file or folder."),
            path=path,
            reason=error.strerror or error,
        ) from error
    return path


def _stamp(report: Report, zone: tzinfo) -> str:
    started = max((run.started for run in report.runs if run.started), default=None)
    return f"{started.astimezone(zone):%Y-%m-%d-%H%M%S}" if started else "empty"
