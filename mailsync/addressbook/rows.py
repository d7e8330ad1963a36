"""The shelf's tables, and what is remembered of a card when mailsync or somebody else has written it (database).

Everything here works on one row; `shelf` says which.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailsync.addressbook import rewriting
from mailsync.addressbook.cards import ShelfCard, guess_meaning
from mailsync.addressbook.contentlines import same_but_for_line_ends, split
from mailsync.addressbook.names import is_our_n
from mailsync.database import Base
from mailsync.errors import ItemError
from mailsync.run.actions import (
    CardAction,
    CardCreate,
    CardRename,
    CardReplace,
    CardState,
    FormerProperties,
    NameProperties,
)


class ShelfBook(Base):
    """A book and where reading it resumes."""

    __tablename__ = "shelf_books"
    __table_args__ = (sa.UniqueConstraint("owner", "url"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]  #: account, or `book:NAME` of a company book
    url: Mapped[str]
    sync_token: Mapped[str | None]
    profile: Mapped[dict[str, Any] | None]  #: `profile.Profile`; None: nothing is known yet
    accepted: Mapped[int] = mapped_column(default=0)  #: cards when a run was last permitted to write here
    access: Mapped[str | None]  #: the configured place it was found at or behind; None: found at none now
    missing: Mapped[bool] = mapped_column(default=False)  #: not found there the last time


class ShelfRow(Base):
    """A card and what mailsync did to it."""

    __tablename__ = "shelf_cards"
    __table_args__ = (sa.UniqueConstraint("book_id", "href"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey(ShelfBook.id, ondelete="CASCADE"))
    href: Mapped[str]
    etag: Mapped[str]
    uid: Mapped[str]
    data: Mapped[bytes]
    gone: Mapped[bool] = mapped_column(
        default=False
    )  #: not listed any more, which no permitted run has seen yet
    former: Mapped[
        dict[str, Any] | None
    ]  #: {"lines": [base64 …], "drop_categories": […], "past_codes": […], "version"}
    created: Mapped[bool] = mapped_column(default=False)
    contact: Mapped[str | None]
    codes: Mapped[str] = mapped_column(default="")  #: with blanks between
    written: Mapped[str | None]
    written_addresses: Mapped[str] = mapped_column(default="")  #: with blanks between
    names: Mapped[str] = mapped_column(default="")  #: digest of all name properties as we left them
    drift: Mapped[int] = mapped_column(default=0)


def card_of(row: ShelfRow) -> ShelfCard:
    return ShelfCard(
        href=row.href,
        etag=row.etag,
        data=row.data,
        former=_former_value(row.former),
        created=row.created,
        contact=row.contact,
        codes=tuple(row.codes.split()),
        written=row.written,
        written_addresses=tuple(row.written_addresses.split()),
        drift=row.drift,
    )


def _former_value(stored: dict[str, Any] | None) -> FormerProperties | None:
    if stored is None:
        return None
    return FormerProperties(
        lines=tuple(_unpacked(line) for line in stored["lines"]),
        drop_categories=tuple(stored["drop_categories"]),
        version=stored.get("version", ""),
    )


def note_action(row: ShelfRow, action: CardAction, before: bytes | None, held: CardState) -> None:
    """What the row remembers once `action` is done and the server holds `held`; `before`: the card's former bytes."""
    repeated = row.etag == held.etag
    row.etag, row.data, row.gone = held.etag, held.data, False
    row.uid = guess_meaning(held.data).uid
    match action:
        case CardCreate():
            row.created, row.written_addresses = True, ""
            _remember(row, action.contact, action.codes, action.after)
        case CardRename(edit=NameProperties() as edit):
            if not repeated:
                row.drift = row.drift + 1 if row.written == action.after else 0
            row.former = _former(row, before, edit)
            _remember(row, action.contact, action.codes, action.after)
        case CardRename():
            _keep_codes(row, ())
            row.codes, row.drift = "", 0  # the former names stay known: the restore may be undone
        case CardReplace():
            _settle_undo(row)


def note_edit(row: ShelfRow, state: CardState) -> None:
    """What the row remembers once somebody else wrote the card, or it is seen for the first time."""
    row.href, row.etag, row.data, row.gone = state.href, state.etag, state.data, False
    row.uid = guess_meaning(state.data).uid
    if row.drift and row.names == _names(row):
        row.drift = 0  # somebody saved the card and kept all our names: peace


def hand_over(old: ShelfRow, new: ShelfRow) -> None:
    """Let `new` remember what `old` does: a client moved the card."""
    new.former, new.created, new.contact = old.former, old.created, old.contact
    new.codes, new.written, new.drift = old.codes, old.written, old.drift
    new.written_addresses, new.names = old.written_addresses, old.names


def _remember(row: ShelfRow, contact: str | None, codes: Sequence[str], fn: str) -> None:
    _keep_codes(row, codes)
    if not (row.created and row.written_addresses):
        row.written_addresses = " ".join(guess_meaning(row.data).addresses)
    row.contact, row.codes, row.written = contact, " ".join(codes), fn
    row.names = _names(row)


def _keep_codes(row: ShelfRow, new: Sequence[str]) -> None:
    """Note the codes the card had from us until now: an undo may bring them back."""
    if row.former is not None:
        past = dict.fromkeys((*_past_codes(row.former), *row.codes.split()))
        row.former = {**row.former, "past_codes": [code for code in past if code not in new]}


def _names(row: ShelfRow) -> str:
    """A digest of the properties mailsync keeps, as the card has them now."""
    meaning = guess_meaning(row.data)
    kept = sorted(code for code in row.codes.split() if code in meaning.categories)
    names = (meaning.fn, meaning.family, meaning.given, meaning.nickname, *kept)
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()


def _past_codes(former: dict[str, Any]) -> list[str]:
    return list(former.get("past_codes", ()))


def _former(row: ShelfRow, before: bytes | None, edit: NameProperties) -> dict[str, Any] | None:
    """What a restore will need after `edit`: the newest names people gave, the categories added by us."""
    former = row.former
    restored = not row.codes and guess_meaning(before or b"").fn != row.written
    if former is None or restored:
        try:
            taken = rewriting.taken_from(before or b"")
        except ItemError:
            return None  # nothing is known of the card before us: then nothing is promised either
        lines, former = list(taken.lines), {"drop_categories": [], "version": taken.version}
    else:
        lines = _newest_lines(row, [_unpacked(line) for line in former["lines"]], before)
    kept = [code for code in former["drop_categories"] if code not in edit.drop_categories]
    added = [code for code in edit.add_categories if code not in kept]
    return {
        "lines": [_packed(line) for line in lines],
        "drop_categories": [*kept, *added],
        "past_codes": _past_codes(former),
        "version": former.get("version", ""),
    }


def _newest_lines(row: ShelfRow, lines: list[str], before: bytes | None) -> list[str]:
    """The former lines, but FN and N as people gave them after us; a nickname stands behind the code until then."""
    meaning, codes = guess_meaning(before or b""), row.codes.split()
    try:
        now = rewriting.taken_from(before or b"").lines
    except ItemError:
        return lines
    theirs = set()
    if row.written is None or not codes:
        return lines
    if meaning.fn != row.written and meaning.fn.partition(" ")[0] not in codes:
        theirs.add(b"FN")
    if not is_our_n(meaning, row.written, codes):
        theirs.add(b"N")
    chosen = [(name, now if name in theirs else lines) for name in rewriting.NAME_PROPERTIES]
    return [line for name, some in chosen for line in some if _name_of(line) == name]


def _name_of(line: str) -> bytes:
    return next(split(line.encode("utf-8", "surrogateescape"))).name


def _packed(line: str) -> str:
    # A card may hold bytes that are no text; not every database keeps those in JSON.
    return base64.b64encode(line.encode("utf-8", "surrogateescape")).decode("ascii")


def _unpacked(line: str) -> str:
    return base64.b64decode(line).decode("utf-8", "surrogateescape")


def _settle_undo(row: ShelfRow) -> None:
    """After an undo the memory goes, where the card is again as it was before our first rewrite; else it is of the
    rewrite before the one that was taken back."""
    row.drift = 0
    former = _former_value(row.former)
    try:
        as_before = former is not None and same_but_for_line_ends(rewriting.edit(row.data, former), row.data)
    except ItemError:
        as_before = True
    if as_before and not row.created:
        row.former, row.contact, row.codes, row.written = None, None, "", None
        row.names = row.written_addresses = ""
    else:
        _recall(row)


def _recall(row: ShelfRow) -> None:
    """Remember the rewrite that stands in the card: its name, and which codes in it are ours."""
    meaning, former = guess_meaning(row.data), row.former or {}
    ours = dict.fromkeys((*row.codes.split(), *former.get("drop_categories", ()), *_past_codes(former)))
    codes = []
    for word in meaning.fn.split():
        if word not in ours:
            break
        codes.append(word)
    if not codes:
        return  # a person's name stands there
    row.written, row.codes = meaning.fn, " ".join(codes)
    if row.former is not None:
        row.former = {
            **row.former,
            "drop_categories": [code for code in ours if code in meaning.categories],
            "past_codes": [code for code in ours if code not in codes],
        }
    row.names = _names(row)
