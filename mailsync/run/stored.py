"""Actions as JSON and back, for the journal. Pure.

Bytes are base64; texts that carry raw bytes (surrogateescape) are base64 too, so that every database keeps them.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any

from mailsync.run.actions import (
    Action,
    CardCreate,
    CardDelete,
    CardRename,
    CardReplace,
    FolderCreate,
    FolderRename,
    FormerProperties,
    MessageRemove,
    MessageTransfer,
    NameProperties,
    Place,
    Placement,
)

_CLASSES: Mapping[str, type[Action]] = {
    "card-rename": CardRename,
    "card-restore": CardRename,
    "card-create": CardCreate,
    "card-delete": CardDelete,
    "card-replace": CardReplace,
    "message-move": MessageTransfer,
    "message-copy": MessageTransfer,
    "message-remove": MessageRemove,
    "folder-create": FolderCreate,
    "folder-rename": FolderRename,
}


def to_json(action: Action) -> dict[str, Any]:
    """The action's full values."""
    return {field.name: _plain(getattr(action, field.name)) for field in dataclasses.fields(action)}


def from_json(stored: Mapping[str, Any]) -> Action:
    """The action that `to_json` wrote."""
    return _CLASSES[stored["kind"]](**{name: _value(value) for name, value in stored.items()})


#: The columns that make a placement.
PLACEMENT = ("action", "state", "fence_uidvalidity", "destination_uid", "undo_of")


def placement(
    action: Mapping[str, Any], state: str, uidvalidity: int, uid: int, undo_of: int | None
) -> Placement:
    """What a row tells of where a message was put."""
    return Placement(
        # where the original could not be removed, the message stands in both mailboxes: a copy
        kind="message-copy" if state == "conflict" else action["kind"],
        fingerprint=action["fingerprint"],
        source=Place(action["mailbox"], action["uidvalidity"], action["uid"]),
        destination=Place(action["destination"], uidvalidity, uid),
        customer=action["customer"],
        undo=undo_of is not None,
        undone=state == "undone",
    )


def readable(text: str | None) -> str | None:
    """`text` as a database column can hold it: no lone surrogates, no NUL."""
    return None if text is None else text.encode(errors="replace").decode().replace("\x00", "?")


def _plain(value: object) -> Any:
    match value:
        case bytes():
            return {"base64": base64.b64encode(value).decode()}
        case tuple():
            return list(value)
        case FormerProperties():
            lines = [_plain(line.encode(errors="surrogateescape")) for line in value.lines]
            former = {"lines": lines, "drop_categories": list(value.drop_categories)}
            return {"former": {**former, "version": value.version}}
        case NameProperties():
            fields = dataclasses.fields(value)
            return {"names": {field.name: _plain(getattr(value, field.name)) for field in fields}}
        case _:
            return value


def _value(stored: Any) -> Any:
    match stored:
        case {"base64": text}:
            return base64.b64decode(text)
        case list():
            return tuple(_value(item) for item in stored)
        case {"former": {"lines": lines, "drop_categories": codes, **more}}:
            texts = tuple(_value(line).decode(errors="surrogateescape") for line in lines)
            return FormerProperties(
                lines=texts, drop_categories=tuple(codes), version=str(more.get("version", ""))
            )
        case {"names": dict(names)}:
            return NameProperties(**{name: _value(value) for name, value in names.items()})
        case _:
            return stored
