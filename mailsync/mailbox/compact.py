"""An `Envelope` as one short JSON text and back, for the index. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from mailsync.mailbox.headers import Address, Envelope


def pack(envelope: Envelope) -> str:
    """`envelope` as JSON: a list in the order of `_unpacked`; addresses as name, address, name, address …"""
    return json.dumps(_packed(envelope), ensure_ascii=False, separators=(",", ":"))


def unpack(text: str) -> Envelope:
    """What `pack` wrote. Raises ValueError for anything else."""
    return _unpacked(json.loads(text))


def _packed(envelope: Envelope) -> list[Any]:
    return [
        envelope.subject,
        _flat(envelope.from_),
        _flat(envelope.reply_to),
        _flat(envelope.to),
        _flat(envelope.cc),
        _flat(envelope.bcc),
        envelope.message_id,
        envelope.other_ids,
        envelope.in_reply_to,
        envelope.references,
        envelope.thread_index,
        envelope.date.isoformat() if envelope.date else None,
        envelope.automatic,
        envelope.bulk,
        _packed(envelope.returned) if envelope.returned else None,
    ]


def _unpacked(values: list[Any]) -> Envelope:
    (subject, from_, reply_to, to, cc, bcc, message_id, other_ids, in_reply_to, references, *rest) = values
    thread_index, date, automatic, bulk, returned = rest
    return Envelope(
        subject=subject,
        from_=_addresses(from_),
        reply_to=_addresses(reply_to),
        to=_addresses(to),
        cc=_addresses(cc),
        bcc=_addresses(bcc),
        message_id=message_id,
        other_ids=tuple(other_ids),
        in_reply_to=tuple(in_reply_to),
        references=tuple(references),
        thread_index=thread_index,
        date=datetime.fromisoformat(date) if date else None,
        automatic=automatic,
        bulk=bulk,
        returned=_unpacked(returned) if returned else None,
    )


def _flat(addresses: Sequence[Address]) -> list[str]:
    return [text for one in addresses for text in (one.name, one.address)]


def _addresses(flat: list[str]) -> tuple[Address, ...]:
    return tuple(map(_address, flat[::2], flat[1::2])) if flat else ()


@lru_cache(maxsize=65536)
def _address(name: str, address: str) -> Address:
    return Address(name=name, address=address)
