"""What a mailbox is for: special use, names in many languages, configuration."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mailsync.mailbox.folders import AS_SPELT, NAMES, Folder, roles

VECTORS = Path(__file__).parents[1] / "vectors" / "folder_names.tsv"
NAMED = [
    (row["role"], row["name"])
    for row in csv.DictReader(VECTORS.read_text("utf-8").splitlines(), delimiter="\t")
]


def role(name: str, *flags: str, separator: str | None = "/") -> str:
    return roles([Folder(name=name, separator=separator, flags=frozenset(flags))])[name]


@pytest.mark.parametrize(("expected", "name"), NAMED)
def test_a_name_says_what_the_folder_is_for(expected: str, name: str) -> None:
    assert role(name) == expected
    assert role(name.upper()) == expected
    assert role(f"INBOX.{name}", separator=".") == expected
    assert role(f"[Gmail]/{name}") == ("all" if expected == "other" else expected)


@pytest.mark.parametrize("root", ["[Gmail]", "[Google Mail]"])
@pytest.mark.parametrize("name", ["All Mail", "Alle Nachrichten", "所有邮件", "已加星标", "Important", "x/y"])
def test_views_of_gmail_are_known_without_special_use(root: str, name: str) -> None:
    assert role(f"{root}/{name}") == "all"
    assert role(name.replace("/", "-")) == "other"


@pytest.mark.parametrize("wanted", ["sent", "drafts", "junk", "trash"])
def test_the_special_folders_are_known_in_fifteen_languages(wanted: str) -> None:
    rows = csv.DictReader(VECTORS.read_text("utf-8").splitlines(), delimiter="\t")
    assert len({row["language"].partition(",")[0] for row in rows if row["role"] == wanted}) >= 15


@pytest.mark.parametrize("name", ["Customers/Sent", "2024/已发送", "INBOX/2024/Sent"])
def test_deeper_down_it_is_a_persons_own_folder(name: str) -> None:
    assert role(name) == "other"


def test_no_name_means_two_things() -> None:
    names = [name.casefold() for known in NAMES.values() for name in known]
    assert [name for name in names if names.count(name) > 1 and len(set(_roles_of(name))) > 1] == []


def _roles_of(name: str) -> list[str]:
    return [role for role, known in NAMES.items() if name in {one.casefold() for one in known}]


def test_special_use_comes_before_the_name() -> None:
    assert role("Trash", "\\archive") == "archive"
    assert role("Anything", "\\sent") == "sent"
    assert role("All Mail", "\\all") == role("Starred", "\\flagged") == "all"
    assert role("INBOX", "\\hasnochildren") == "inbox"


def test_an_account_has_as_many_sent_folders_as_it_has() -> None:
    found = roles([Folder(name=name, separator="/") for name in ("Sent", "Sent Items", "已发送", "D12")])
    assert found == {"Sent": "sent", "Sent Items": "sent", "已发送": "sent", "D12": "other"}


def test_configuration_comes_before_everything() -> None:
    folders = [
        Folder(name="Sent", separator="/", flags=frozenset({"\\sent"})),
        Folder(name="Out", separator="/"),
    ]
    assert roles(folders, {"sent": ["Out"], "archive": ["Sent"]}) == {"Sent": "archive", "Out": "sent"}


def test_a_broken_spelling_is_the_servers_and_nobody_elses() -> None:
    names = [f"已发送{AS_SPELT}", f"送信&{AS_SPELT}"]
    found = roles([Folder(name=name, separator="/") for name in names], {"sent": ["送信&"]})
    assert found == dict.fromkeys(names, "sent")


@pytest.mark.parametrize("flag", ["\\noselect", "\\nonexistent"])
def test_what_cannot_be_opened_is_not_selectable(flag: str) -> None:
    assert not Folder(name="x", separator="/", flags=frozenset({flag})).selectable
