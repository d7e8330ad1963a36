"""The configuration: every key documented, every problem named, secrets only from outside."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mailsync import config
from mailsync.errors import ConfigError, UsageError

EXAMPLE = Path(__file__).parents[2] / "config" / "mailsync.example.toml"
MINIMAL = """
[[accounts]]
name = "li.na"
address = "li.na@ourcompany.example"
imap = { url = "imaps://mail.example", user = "li.na", password_file = "secret" }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mailsync.toml"
    path.write_text(text, encoding="utf-8")
    return path


def keys_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        found.add(prefix + name)
        for inner in re.findall(r"mailsync\.config\.(?:[a-z]\w*\.)*([A-Z]\w*)", str(field.annotation)):
            nested = getattr(config, inner)
            if issubclass(nested, BaseModel):
                found |= keys_of(nested, f"{prefix}{name}.")
    return found


def documented(raw: Any, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for item in raw if isinstance(raw, list) else [raw]:
        for key, value in item.items() if isinstance(item, dict) else ():
            found |= {prefix + key} | documented(value, f"{prefix}{key}.")
    return found


def test_the_example_is_valid_and_names_every_key() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    in_comments = set(
        re.findall(
            r"\b(accounts_file|ca_file|password_command|password_env|token_command|data_dir|certificate_file|key_file)\b",
            text,
        )
    )
    keys = {key for key in keys_of(config.Config) if key.rpartition(".")[2] not in in_comments}
    optional = re.compile(
        r"^((accounts\.calendar|accounts\.books|books|accounts\.imap)\.insecure|server\.name)$"
    )
    named = documented(tomllib.loads(text)) | documented(tomllib.loads(sql_example()))
    assert {key for key in keys - named if not optional.match(key)} == set()
    assert config.load(EXAMPLE).accounts[0].name == "li.na"


def sql_example() -> str:
    """The part of the example that stands in comments, for it takes the place of another."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    start = lines.index("# [registry]")
    block = itertools.takewhile(lambda line: line.startswith("# "), lines[start:])
    return "\n".join(line.removeprefix("# ") for line in block)


def test_the_example_of_an_sql_source_is_valid(tmp_path: Path) -> None:
    registry = config.load(write(tmp_path, sql_example())).registry
    assert registry.sql_url == "postgresql://reader@erp.ourcompany.example/erp"
    assert registry.sql.people is not None and registry.sql.people.columns["codes"] == "cust_no"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pass word\n")
    loaded = config.load(
        write(tmp_path, 'database = "sqlite:///var/a.db"\n[registry]\nsource="reg"\n' + MINIMAL)
    )
    assert loaded.database == f"sqlite:///{tmp_path}/var/a.db"
    assert loaded.registry.source == str(tmp_path / "reg")
    assert loaded.state_dir == tmp_path / "var"
    assert loaded.accounts[0].imap.password() == "pass word"


@pytest.mark.parametrize(
    "text, words",
    [
        ("colour = 1\n", ["colour", "unknown key"]),
        ("language = 'fr'\n" + MINIMAL.replace("imaps:", "ftp:"), ["language", "accounts.0.imap.url"]),
        (MINIMAL.replace("imaps:", "imap:"), ["accounts.0.imap", "clear text", "insecure = true"]),
        (MINIMAL + MINIMAL, ["unique", "li.na"]),
        (
            MINIMAL.replace(', password_file = "secret"', ""),
            ["exactly one of password_file", "token_command"],
        ),
        (MINIMAL.replace('"secret"', '"secret", token_command = "a"'), ["exactly one of password_file"]),
        (
            MINIMAL.replace('password_file = "secret"', 'token_command = "a \'b"'),
            ["token_command", "command line"],
        ),
        (
            MINIMAL.replace('password_file = "secret"', 'token_command = " "'),
            ["token_command", "command line"],
        ),
        (MINIMAL.replace("li.na@ourcompany.example", "li.na"), ["no e-mail address"]),
        ("timezone = 'Mars/Base'\n", ["timezone", "Mars/Base"]),
        ("[defaults.filing]\nfolder = 'X/{colour}'\n", ["{colour}"]),
        ("[defaults.filing]\nfolder = 'X/{company}'\n", ["{code}"]),
        ("[defaults.brakes]\nmax_changes = 7\n", ["max_changes"]),
        ("this is no toml", ["no TOML"]),
        ("database = 'mysql://h/x'\n", ["database", "mysql://h/x", "postgresql://"]),
        ("[registry]\nsource = 'sql:postgresql://erp/db'\n", ["registry", "[registry.sql.customers]"]),
        ("[registry]\nsource = 'sql:postgresql://u:p4ss@erp/db'\n", ["registry.source", "password_file"]),
        ("[registry]\nsource = 'r'\n[registry.sql.people]\nquery = 'SELECT 1'\n", ["registry", "sql:"]),
        ("[registry.sql.people]\nquery = 'DELETE FROM people'\n", ["registry.sql.people.query", "SELECT"]),
        (
            "[registry]\nsource = 'sql:x://h/d'\npassword_file = 'a'\npassword_env = 'B'\n"
            "[registry.sql.people]\nquery = 'SELECT 1'\n",
            ["at most one of password_file"],
        ),
        (
            MINIMAL + 'filing = { mode = "x", oops = 1 }\nbrakes = { max_changes = 3 }\n',
            ["accounts.0.filing.mode", "accounts.0.filing.oops", "accounts.0.brakes.max_changes"],
        ),
    ],
)
def test_every_problem_is_named_with_its_path(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, text))
    assert [word for word in words if word not in str(caught.value)] == []


def test_accounts_come_from_a_csv_too(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(
        "name,address,aliases,imap_url,imap_user,imap_password_file,imap_authorization,"
        "book_url,book_user,book_password_file\n"
        "wang,wang@x.example,a@x.example;b@x.example,imaps://m.example,boss,s,wang,https://d.example/,wang,s\n"
    )
    loaded = config.load(write(tmp_path, 'accounts_file = "accounts.csv"\n' + MINIMAL))
    assert [account.name for account in loaded.accounts] == ["li.na", "wang"]
    assert loaded.accounts[1].aliases == ("a@x.example", "b@x.example")
    assert loaded.accounts[1].books[0].password_file == tmp_path / "s"
    assert loaded.accounts[1].imap.authorization == "wang"


@pytest.mark.parametrize(
    "table, words",
    [
        (
            "name;address;imap_url;imap_user;imap_password_file\n李;l@x.example;imaps://m.example;l;s\n;;;;\n",
            [],
        ),
        ("name,address,calender_url\n", ["unknown columns", "calender_url"]),
    ],
)
def test_the_accounts_csv_may_come_from_excel(tmp_path: Path, table: str, words: list[str]) -> None:
    (tmp_path / "accounts.csv").write_bytes(table.encode("gb18030"))
    path = write(tmp_path, 'accounts_file = "accounts.csv"\n')
    if not words:
        assert [account.name for account in config.load(path).accounts] == ["李"]
        return
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        config.load(tmp_path / "nowhere.toml")


def test_an_unreadable_secret_names_the_file(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, MINIMAL))
    with pytest.raises(ConfigError, match="secret cannot be read"):
        loaded.accounts[0].imap.password()
