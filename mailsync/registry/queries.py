"""Where an SQL source is, and what it is asked (FORMATS 2). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mailsync.registry.headings import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One table: the statement, and heading of the registry files → column of its answer."""

    statement: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSource:
    """A database that holds the registry."""

    url: str  #: without a password
    password: Callable[[], str] | None
    queries: Mapping[Kind, Query]
    timeout: float  #: seconds that one query may take

    def __str__(self) -> str:
        return f"sql:{self.url}"
