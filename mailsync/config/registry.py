"""Where the registry comes from: a folder, a workbook, or the tables of an ERP (FORMATS 2)."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from mailsync.config.base import Strict, WithPassword

_SQL = "sql:"


class SqlTable(Strict):
    """One table of the registry as a query answers it."""

    query: str
    columns: dict[str, str] = Field(default_factory=dict)

    @field_validator("query")
    @classmethod
    def _only_reads(cls, query: str) -> str:
        if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE):
            raise ValueError("the query must begin with SELECT (or WITH): the source is only read")
        return query


class SqlTables(Strict):
    """The registry's tables in a database."""

    shows: SqlTable | None = None
    customers: SqlTable | None = None
    people: SqlTable | None = None


class Registry(WithPassword):
    """The registry's source, read at each run."""

    source: str | None = None
    sql: SqlTables = SqlTables()
    timeout_seconds: Annotated[float, Field(gt=0)] = 60

    @field_validator("source")
    @classmethod
    def _no_secret_in_it(cls, source: str | None) -> str | None:
        if source is not None and source.startswith(_SQL) and urlsplit(source.removeprefix(_SQL)).password:
            raise ValueError(
                "a URL must not carry a password; use password_file, password_command or password_env"
            )
        return source

    @model_validator(mode="after")
    def _whole(self) -> Registry:
        sql = self.source is not None and self.source.startswith(_SQL)
        asked = [table for table in (self.sql.customers, self.sql.people, self.sql.shows) if table]
        if sql and not (self.sql.customers or self.sql.people):
            raise ValueError(
                'an sql: source needs a query: add [registry.sql.customers] with query = "SELECT …"'
            )
        if not sql and asked:
            raise ValueError(
                "[registry.sql] is for a source that begins with sql:, such as sql:postgresql://erp/db"
            )
        if self.passwords_named > 1:
            raise ValueError("give at most one of password_file, password_command, password_env")
        return self

    @property
    def sql_url(self) -> str | None:
        """The database's URL, where the source is one."""
        if self.source is None or not self.source.startswith(_SQL):
            return None
        return self.source.removeprefix(_SQL)
