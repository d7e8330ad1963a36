"""The house as drawn: who may import whom, which protocol library lives in which room, how large things get."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mailsync"
EVERYWHERE = {"errors", "log", "text"}
#: Modules that own tables and may therefore import `database`; migrations read every one of them.
DATABASE_MODULES = {
    "registry.model",
    "registry.rows",
    "addressbook.places",
    "addressbook.rows",
    "addressbook.shelf",
    "mailbox.profiles",
    "mailbox.rows",
    "run.journal",
    "run.results",
    "run.confirmations",
    "run.lease",
    "daemon.jobs",
}
#: What each room may import beside itself and EVERYWHERE: rooms, or single modules of a room (DESIGN 3).
ALLOWED: dict[str, set[str]] = {
    "registry": {"run.actions"},
    "run": set(),
    "mailbox": {"run.actions", "run.ports"},
    "addressbook": {"registry.roster", "registry.codes", "run.actions", "run.ports"},
    "conversations": {"registry.roster", "registry.codes", "mailbox.headers", "run.actions"},
    "filing": {"conversations", "registry.roster", "registry.codes", "run", "mailbox.headers"},
    "audit": {"conversations", "registry.roster", "registry.codes", "run.actions", "mailbox.headers"},
    "report": {"run.journal", "run.results"},
    "tidy": {
        "registry", "addressbook", "mailbox", "conversations", "filing", "audit", "run", "report", "database",
        "migrations",
    },
    "lookup": {
        "registry", "addressbook", "mailbox", "conversations", "filing", "audit", "run", "report", "tidy", "database",
    },
    "daemon": {
        "tidy", "lookup", "run.journal", "run.undo", "run.results", "report", "registry", "config", "database",
        "mailbox.imap", "mailbox.watching", "web",
    },
    "cli": {
        "tidy", "lookup", "run", "report", "registry", "config", "daemon", "demo", "database", "migrations",
    },
    "migrations": {"registry", "addressbook", "mailbox", "run", "daemon", "database"},
    "config": set(),
    "demo": {"registry.codes", "daemon.books_server"},
    "database": set(),
    "errors": set(),
    "log": set(),
    "text": set(),
    "__main__": {"cli"},
}  # fmt: skip
#: Protocol libraries and the only modules that may import them.
PROTOCOLS = {
    "imapclient": {"mailbox"},
    "imaplib": {"mailbox", "demo.snapshots"},  # the demo looks with other eyes than the product's
    "httpx": {"addressbook.transport"},
    "vobject": {"addressbook.cards", "addressbook.export", "daemon.as_nobody"},  # loaded there for Radicale
    "apscheduler": {"daemon"},
    "alembic": {"migrations"},
    "openpyxl": {"registry"},
    "xlsxwriter": {"registry"},
    "python_calamine": {"registry"},
    "rapidfuzz": {"registry"},
    "phonenumbers": {"registry"},
}
PURE = [
    "registry.codes", "registry.roster", "registry.sequence", "registry.names", "registry.cards", "registry.duplicates",
    "registry.upkeep", "addressbook.clients", "addressbook.profile", "addressbook.display_name", "addressbook.contentlines", "addressbook.plan",
    "conversations.subject", "conversations.copies", "conversations.kin", "conversations.threads", "conversations.attribution",
    "conversations.contents", "conversations.explaining", "filing.by_hand", "filing.folders", "filing.history", "filing.merged",
    "filing.plan", "filing.renaming", "audit.plan", "run.actions", "run.brakes", "run.renames", "report.build",
]  # fmt: skip
IMPURE = {
    "sqlalchemy",
    "httpx",
    "imapclient",
    "socket",
    "logging",
    "subprocess",
    "os",
    "time",
    "random",
    "mailsync.database",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if "versions" in path.parts:
            continue
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        if name != "__init__":
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = dict(modules())


@cache
def inner(module: str) -> frozenset[str]:
    """Modules of this package that a module imports, as `room.module`; names inside modules are cut off."""
    found = set()
    for name in imports(MODULES[module]):
        if not name.startswith("mailsync."):
            continue
        parts = name.removeprefix("mailsync.").split(".")
        while parts and ".".join(parts) not in MODULES:
            parts.pop()
        if parts:
            found.add(".".join(parts))
    return frozenset(found)


def may(importer: str, imported: str) -> bool:
    room = importer.partition(".")[0]
    other = imported.partition(".")[0]
    if other == room or imported in EVERYWHERE:
        return True
    if imported == "database" and importer in DATABASE_MODULES | _REGISTRY_STORES:
        return True
    return bool({imported, other} & ALLOWED[room])


#: The registry's own modules that read and write its tables.
_REGISTRY_STORES = {"registry.exchange", "registry.roster_load", "registry.source", "registry.upsert"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_imports_only_what_its_room_may(name: str) -> None:
    assert {other for other in inner(name) if not may(name, other)} == set()


@pytest.mark.parametrize("library", sorted(PROTOCOLS))
def test_a_protocol_library_lives_in_one_room(library: str) -> None:
    users = {
        name
        for name, tree in MODULES.items()
        if any(one == library or one.startswith(f"{library}.") for one in imports(tree))
    }
    strangers = {name for name in users if not {name, name.partition(".")[0]} & PROTOCOLS[library]}
    assert strangers == set()


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_touches_no_world(name: str) -> None:
    assert name in MODULES
    assert {one for one in imports(MODULES[name]) if one.split(".")[0] in IMPURE or one in IMPURE} == set()


def test_there_is_no_import_cycle() -> None:
    graph = {name: inner(name) for name in MODULES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join([*path, name])
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("name", sorted(MODULES))
def test_functions_and_modules_stay_small(name: str) -> None:
    tree = MODULES[name]
    length = max((node.end_lineno or 0 for node in tree.body), default=0)
    assert length <= 400, f"{name} has {length} lines"
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [
        f"{one.name}: {size}" for one in functions if (size := (one.end_lineno or 0) - one.lineno + 1) > 60
    ] == []


@pytest.mark.parametrize("name", sorted(MODULES))
def test_only_main_and_the_item_loop_catch_everything(name: str) -> None:
    broad = [
        node.lineno
        for node in ast.walk(MODULES[name])
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
    ]
    assert broad == [] or name in {"tidy.running", "cli.main", "daemon.scheduler"}
