"""The built-in address-book server: who may log in, and running it by itself."""

from __future__ import annotations

import secrets
import sys
from datetime import timedelta
from typing import Annotated

import typer

from mailsync.cli.context import Context
from mailsync.cli.settings import books_server
from mailsync.text import N_

app = typer.Typer(
    no_args_is_help=True,
    help="The built-in address-book server, for companies whose mail server has none.",
)

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="A login name, such as li.na.")]


@app.command()
def password(
    ctx: typer.Context,
    user: UserArgument,
    generate: Annotated[bool, typer.Option("--generate", help="Make one up and show it once.")] = False,
) -> int:
    """Let somebody log in, or give them a new password; it is asked for, or read from standard input."""
    context: Context = ctx.obj
    server = books_server(context.config)
    word = secrets.token_urlsafe(12) if generate else _asked()
    done = server.set_password(user, word)
    said = (
        N_("{user} may log in now. What a mail client asks for:")
        if done == "new"
        else N_("{user} has a new password. What a mail client asks for:")
    )
    _say(context, said, user=user)
    _say(context, N_("  address (CardDAV): {url}"), url=server.url)
    _say(context, N_("  address, where it wants that of one book: {url}"), url=server.book_url)
    _say(context, N_("  user: {user}"), user=user)
    if generate:
        _say(context, N_("  password: {word}"), word=word)
    return 0


@app.command()
def users(ctx: typer.Context) -> int:
    """List who may log in."""
    context: Context = ctx.obj
    server = books_server(context.config)
    for user in server.users():
        context.console.print(user)
    if not server.users():
        _say(context, N_("Nobody yet. Type: mailsync server password USER"))
    return 0


@app.command()
def remove(ctx: typer.Context, user: UserArgument) -> int:
    """Lock somebody out; the books they made stay."""
    context: Context = ctx.obj
    books_server(context.config).remove(user)
    _say(context, N_("{user} may not log in any more"), user=user)
    return 0


@app.command()
def start(ctx: typer.Context) -> int:
    """Run the server by itself until Ctrl-C; `mailsync run` runs it too."""
    from mailsync.daemon.bell import Bell, rung_by_signals
    from mailsync.daemon.books_child import serving

    context: Context = ctx.obj
    server = books_server(context.config)
    with Bell() as bell, rung_by_signals(bell), serving(server):
        _say(context, N_("Address books at {url}; Ctrl-C ends it"), url=server.url)
        while not bell.wait(timedelta(hours=1)):
            pass
    return 0


def _asked() -> str:
    if sys.stdin.isatty():
        word: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return word
    return sys.stdin.readline().rstrip("\r\n")


def _say(context: Context, template: str, **fields: object) -> None:
    context.console.print(context.translate(template).format(**fields))
