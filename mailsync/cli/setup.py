"""`init` and `demo`: the first steps of a newcomer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mailsync import config as configuration
from mailsync.cli.context import Context
from mailsync.errors import ConfigError, UsageError
from mailsync.text import N_

_TEMPLATE = """# Written by `mailsync init`. All keys: config/mailsync.example.toml
database = "sqlite:///var/mailsync.db"
state_dir = "var"
language = "{language}"
timezone = "{timezone}"
own_domains = ["{domain}"]

[[accounts]]
name = "{name}"
address = "{address}"
imap = {{ url = "{imap}", user = "{user}", password_file = "{password_file}" }}
{books}"""
_BOOKS = 'books = [ {{ url = "{url}", user = "{user}", password_file = "{password_file}", scope = "all", create_missing = true }} ]\n'


def init(
    ctx: typer.Context,
    address: Annotated[
        str, typer.Option(prompt="Your mail address", help="Mail address of the first account.")
    ],
    imap: Annotated[
        str, typer.Option(prompt="IMAP server (imaps://host)", help="imaps://host, or imap://localhost.")
    ],
    user: Annotated[str, typer.Option(prompt="Login name there", help="Login name at the mail server.")],
    password_file: Annotated[
        str, typer.Option(prompt="File that holds the password", help="A file with nothing but the password.")
    ],
    book: Annotated[
        str,
        typer.Option(
            prompt="CardDAV server (https://host/, empty for none)", prompt_required=True, help="CardDAV URL."
        ),
    ] = "",
    language: Annotated[
        str, typer.Option(prompt="Language of reports (en, zh_CN)", help="en or zh_CN.")
    ] = "zh_CN",
    timezone: Annotated[str, typer.Option(help="Time zone of reports.")] = "Asia/Shanghai",
) -> int:
    """Ask for the first account and write the configuration file."""
    context: Context = ctx.obj
    path = context.config_path or configuration.SEARCH[0]
    if path.exists():
        raise UsageError(N_("{path} exists already; edit it, or name another file with --config"), path=path)
    answers = [address, imap, user, password_file, book, language, timezone]
    if any(character in answer for answer in answers for character in '"\\\n\r'):
        raise UsageError(N_("Quotes, backslashes and line breaks cannot stand in these answers"))
    password_file = str(Path(password_file).expanduser().absolute())
    books = _BOOKS.format(url=book, user=user, password_file=password_file) if book else ""
    text = _TEMPLATE.format(
        language=language,
        timezone=timezone,
        domain=address.rpartition("@")[2],
        name=address.partition("@")[0],
        address=address,
        imap=imap,
        user=user,
        password_file=password_file,
        books=books,
    )
    _write_checked(path, text)
    context.console.print(
        context.translate(
            N_("{path} written. Next: `mailsync check`, then `mailsync registry import PATH`")
        ).format(path=path)
    )
    return 0


def _write_checked(path: Path, text: str) -> None:
    """Write a configuration that is known to be right; a wrong one leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    try:
        configuration.load(draft)
        draft.rename(path)
    except ConfigError as error:
        raise ConfigError(error.problems, str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


def demo(
    once: Annotated[bool, typer.Option("--once", help="End by itself instead of staying up.")] = False,
    language: Annotated[str, typer.Option("--language", help="en or zh_CN.")] = "en",
) -> int:
    """Run the whole main job on throw-away real servers with a sample trading company."""
    from mailsync.demo import story

    return story.tell(once=once, language=language, out=sys.stdout)
