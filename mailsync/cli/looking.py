"""`check`, `who`: what only looks."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.errors import worst_exit
from mailsync.text import N_

_MARKS = {"ok": "✓", "note": "·", "warning": "!", "error": "✗"}


def check(
    ctx: typer.Context,
    account: Annotated[
        list[str] | None, typer.Option("--account", help="Only this account (repeatable).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one object per line said.")] = False,
) -> int:
    """Say of configuration, registry and each server what it can do and what is wrong. Writes to no server."""
    from mailsync import lookup

    context: Context = ctx.obj
    codes = []
    for line in lookup.check(context.desk, context.accounts(account)):
        said = line.sentence.render(context.translate)
        if as_json:
            sys.stdout.write(
                json.dumps({"level": line.level, "about": line.about, "sentence": said}, ensure_ascii=False)
                + "\n"
            )
        else:
            context.console.print(f"{_MARKS[line.level]} {line.about}: {said}")
        codes.append(line.exit_code)
    return worst_exit(codes)


def who(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="What is typed into a To: box, such as D12.")],
    client: Annotated[
        str,
        typer.Option("--as", help="thunderbird, roundcube, sogo, nextcloud, evolution, android, ios, khard."),
    ] = "thunderbird",
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one object per entry.")] = False,
) -> int:
    """List whom a mail client offers for a typed text, in its order, from the address books as last read."""
    from mailsync import lookup

    context: Context = ctx.obj
    found = lookup.who(context.engine, context.accounts(), text, client=client)
    for offer in found.offers:
        if as_json:
            sys.stdout.write(json.dumps(offer.to_json(), ensure_ascii=False) + "\n")
        else:
            context.console.print(f"{offer.name} <{offer.address}>   [{', '.join(offer.owners)}]")
    if as_json:
        return 0
    if not found.offers:
        words = context.translate(N_("No address book read so far offers anybody for “{text}” in {client}"))
        context.console.print(words.format(text=text, client=found.client))
    for offer in found.hidden:
        words = context.translate(N_("! {client} does not show {name} for “{text}”"))
        context.console.print(words.format(client=found.client, name=offer.name, text=text))
    return 0
