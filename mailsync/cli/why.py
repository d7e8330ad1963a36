"""`why`: which evidence decided about a message, and what hangs on an address."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from mailsync.cli.context import Context
from mailsync.cli.options import Json

if TYPE_CHECKING:
    from mailsync.lookup.naming import Hit


def why(
    ctx: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="MESSAGE|ADDRESS|CARD",
            help="A Message-ID, a folder and UID (INBOX 7), words of a subject; an e-mail address; a card's href or UID.",
        ),
    ],
    account: Annotated[
        list[str] | None, typer.Option("--account", help="Only this account (repeatable).")
    ] = None,
    as_json: Json = False,
) -> int:
    """Say which evidence decided about a message, and what hangs on an address or a card. Asks no server."""
    from mailsync import lookup
    from mailsync.cli import why_drawing, why_json
    from mailsync.cli.editing import today

    context: Context = ctx.obj
    accounts = context.accounts(account)
    told = lookup.why(context.desk, accounts, " ".join(what), today=today(context))
    alone = sum(one.mail is not None for one in context.accounts()) == 1

    def command(hit: Hit) -> str:
        return shlex.join(("mailsync", "why", *(hit.words[2:] if alone else hit.words)))

    if as_json:
        why_json.write(context, told, command)
    else:
        why_drawing.draw(context, told, command)
    return 2 if isinstance(told.found, lookup.Choice) else 0
