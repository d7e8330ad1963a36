"""Options that several verbs share, and what was typed as cells of registry files."""

from __future__ import annotations

from typing import Annotated

import typer

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, change nothing.")]
Json = Annotated[bool, typer.Option("--json", help="JSON lines, one object a line.")]
By = Annotated[
    str | None, typer.Option("--by", help="Who changes it, for the history (default: your login).")
]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Although the company or address is registered already.")
]


def cells(**options: str | list[str] | None) -> dict[str, str]:
    """Options that were given, by the headings of registry files; several values are joined."""
    given: dict[str, str] = {}
    for field, value in options.items():
        if value:
            given[field] = "; ".join(value) if isinstance(value, list) else value
    return given
