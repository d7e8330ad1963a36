"""How folders were called then and are called now, as the journal tells it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mailsync.run import stored
from mailsync.run.actions import FolderRename, Place, Placement


class Names:
    """Mailbox names before some renames → after them."""

    def __init__(self, renames: Iterable[FolderRename] = ()) -> None:
        self._renames = list(renames)
        self._known: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._renames)

    def now(self, mailbox: str) -> str:
        """The present name of what was called `mailbox`."""
        if mailbox not in self._known:
            name = mailbox
            for rename in self._renames:
                name = renamed(name, rename)
            self._known[mailbox] = name
        return self._known[mailbox]

    def put_before(self, rename: FolderRename) -> None:
        """Names are from now on those before this earlier one, too."""
        self._renames.insert(0, rename)
        self._known.clear()

    @property
    def reversed(self) -> Names:
        """Names after these renames → before them."""
        return Names(backwards(one) for one in self._renames[::-1])


def renamed(mailbox: str, rename: FolderRename) -> str:
    """The name of `mailbox` after one rename: it is the folder itself, lies below it, or has nothing to do with it."""
    if mailbox == rename.mailbox:
        return rename.after
    below = f"{rename.mailbox}{rename.separator}" if rename.separator else None
    if below and mailbox.startswith(below):
        return f"{rename.after}{rename.separator}{mailbox.removeprefix(below)}"
    return mailbox


def backwards(rename: FolderRename) -> FolderRename:
    """What takes it back."""
    return FolderRename(mailbox=rename.after, after=rename.mailbox, separator=rename.separator)


def placements(rows: Sequence[Sequence[Any]]) -> list[Placement]:
    """`rows` of the journal in their order (`stored.PLACEMENT`): messages filed by the names that mailboxes have after
    the last of the renamings among them."""
    found: list[Placement] = []
    names = Names()
    for row in reversed(rows):
        if row[0]["kind"] == "folder-rename":
            names.put_before(FolderRename(**row[0]))
        else:
            placement = stored.placement(*row)
            found.append(_named(placement, names) if names else placement)
    return found[::-1]


def _named(placement: Placement, names: Names) -> Placement:
    source, destination = (
        Place(names.now(place.mailbox), place.uidvalidity, place.uid)
        for place in (placement.source, placement.destination)
    )
    return replace(placement, source=source, destination=destination)


@dataclass(frozen=True, kw_only=True)
class NamedFolders:
    """The folders of an account whose names mailsync itself gave, as far as nobody else renamed them since."""

    names: frozenset[str] = frozenset()
    refused: Mapping[tuple[str, str], int] = field(
        default_factory=dict
    )  #: (name, wanted name) → how often the server did not do it


def named_folders(rows: Iterable[Sequence[Any]]) -> NamedFolders:
    """`rows` of the journal in their order: state, name, new name (None where the folder was made), separator."""
    names: set[str] = set()
    refused: Counter[tuple[str, str]] = Counter()
    for state, mailbox, after, separator in rows:
        if after is None:
            names.add(mailbox)
        elif state == "failed":
            refused[mailbox, after] += 1
        else:
            rename = FolderRename(mailbox=mailbox, after=after, separator=separator or None)
            names = {renamed(name, rename) for name in names}
    return NamedFolders(names=frozenset(names), refused=refused)
