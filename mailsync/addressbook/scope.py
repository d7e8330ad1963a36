"""Which customers a book shows, and how its cards are written (DOMAIN 5). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mailsync.errors import UsageError
from mailsync.registry import codes
from mailsync.registry.roster import Customer
from mailsync.text import N_, normalise_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """All customers, or those of some owners, or some codes."""

    owners: frozenset[str] | None = None  #: normalised addresses of reps
    codes: frozenset[str] | None = None  #: comparison keys (`registry.codes`)

    def covers(self, customer: Customer) -> bool:
        if self.owners is not None:
            return customer.owner in self.owners
        if self.codes is not None:
            return any(codes.key(code) in self.codes for code in (customer.code, *customer.superseded))
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSettings:
    """How one book is kept."""

    url: str  #: the collection's URL
    scope: Scope = Scope()
    create_missing: bool = True
    nickname: bool = True
    categories: bool = True
    names_into_n: bool = True
    entry_per_engagement: bool = True  #: else one entry with all codes in front
    stores_through_vobject: bool = False  #: the server rewrites each card it stores (`profile.Profile`)


def parse_scope(text: str) -> Scope:
    """Read `all`, `owner:a@x,b@x` or `codes:D12,E05` (FORMATS 2). Raises `UsageError`."""
    kind, _, listed = text.strip().partition(":")
    items = [item.strip() for item in listed.split(",") if item.strip()]
    if kind == "all" and not listed:
        return Scope()
    if kind == "owner" and items:
        return Scope(owners=frozenset(normalise_address(item) for item in items))
    if kind == "codes" and items:
        return Scope(codes=frozenset(_key(item) for item in items))
    raise UsageError(
        N_("the scope “{text}” is none of: all, owner:a@x,b@x, codes:D12,E05"),
        text=text,
    )


def _key(text: str) -> str:
    try:
        return codes.parse(text).key
    except codes.CodeError as error:
        raise UsageError(N_("the scope names a wrong code: {reason}"), reason=error) from error
