"""What a DAV server's answers mean when they are not the wished ones, and the one question all rooms ask."""

from __future__ import annotations

from collections.abc import Sequence

from mailsync.addressbook import davxml
from mailsync.addressbook.transport import Answer, Session
from mailsync.errors import AccountError, CollectionError, ItemError
from mailsync.run.ports import PreconditionFailed
from mailsync.text import N_, one_line

XML = "application/xml; charset=utf-8"


class NotThere(CollectionError):
    """What was asked for is not there, or not supported there."""


class ServerFailed(AccountError):
    """The server failed on what was asked (HTTP 5xx); on less it may not."""


def propfind(session: Session, url: str, properties: Sequence[str], depth: int) -> Answer:
    """PROPFIND (RFC 4918 9.1), whatever the answer."""
    return session.request(
        "PROPFIND",
        url,
        body=davxml.propfind(properties),
        headers={"Depth": str(depth), "Content-Type": XML},
    )


def no_multistatus(answer: Answer) -> CollectionError | AccountError:
    """The error for an answer that should have been 207."""
    if answer.status >= 500 and answer.status != 501:
        return ServerFailed(
            N_("{url} failed (HTTP {status}): the server has a problem, the next run tries again"),
            url=answer.url,
            status=answer.status,
        )
    if answer.status == 403 and not davxml.error_condition(answer.body):
        return NotThere(
            N_("{url} may not be read with this login (HTTP 403): give it the right to"), url=answer.url
        )
    if answer.status == 200:
        return NotThere(
            N_("{url} answered with a page instead of an address book: is it the right URL?"), url=answer.url
        )
    return NotThere(
        N_("there is no address book at {url} (HTTP {status}): check the URL"),
        url=answer.url,
        status=answer.status,
    )


def refusal(answer: Answer, href: str) -> ItemError | CollectionError:
    """The error for a card the server did not take or give."""
    conditions = davxml.error_condition(answer.body)
    if 300 <= answer.status < 400:
        return CollectionError(
            N_("{url} redirects instead of answering (HTTP {status}): configure the address it points to"),
            url=answer.url,
            status=answer.status,
        )
    if "no-uid-conflict" in conditions:
        return ItemError(N_("{href} was refused: another card of the book has its UID"), href=href)
    reason = ", ".join(sorted(conditions)) or one_line(answer.body[:200].decode("utf-8", "replace"))
    return ItemError(
        N_("{href} was refused by the server (HTTP {status}): {reason}"),
        href=href,
        status=answer.status,
        reason=reason or "-",
    )


def changed_meanwhile(href: str) -> PreconditionFailed:
    return PreconditionFailed(
        N_("{href} was changed meanwhile; it is read again and planned anew"), href=href
    )
