"""The command line: options all verbs share, and how errors end the process (DESIGN 6 and 7)."""

from __future__ import annotations

import io
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mailsync import __version__, log
from mailsync.cli import (
    contacts,
    customers,
    export,
    looking,
    registry,
    runs,
    serve,
    server,
    setup,
    shows,
    why,
)
from mailsync.cli.context import Context
from mailsync.errors import MailsyncError

app = typer.Typer(
    name="mailsync",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps each customer's code in address books, subjects and folders, beside any mail server.",
)
for _group, _name in (
    (registry.app, "registry"), (shows.app, "shows"), (customers.app, "customers"), (contacts.app, "contacts"),
    (server.app, "server"),
):  # fmt: skip
    app.add_typer(_group, name=_name)
for _verb in (
    setup.init, looking.check, runs.plan, runs.confirm, runs.tidy, serve.run, runs.undo, runs.restore, runs.journal, why.why,
    looking.who, export.export, runs.report, setup.demo,
):  # fmt: skip
    app.command()(_verb)


@app.callback()
def _shared(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="The configuration file.", show_default="see README")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log every step to standard error.")
    ] = False,
) -> None:
    redactor = log.Redactor()
    log.set_up(verbose=verbose, redactor=redactor)
    context = Context(config_path=config, redactor=redactor)
    ctx.obj = context
    ctx.call_on_close(context.close)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    if arguments == ["--version"]:
        sys.stdout.write(f"mailsync {__version__}\n")
        return 0
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a character shows `?` for it
            stream.reconfigure(errors="replace")
    # `--force` alone lifts any brake, `--force=HASH` only that of one plan; click has no optional values.
    spelled = ["--force=*" if argument == "--force" else argument for argument in arguments]
    try:
        code = app(args=spelled, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except MailsyncError as error:
        return _end(Context.current_language(), error)
    except typer.Exit as ended:
        return ended.exit_code
    except typer.TyperException as error:
        sys.stderr.write(
            f"{error}. `mailsync --help` lists the commands, `mailsync COMMAND --help` its options\n"
        )
        return 2
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("\ninterrupted\n")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        import sqlalchemy as sa

        from mailsync.database import unusable

        if isinstance(error, sa.exc.DBAPIError):
            return _end(Context.current_language(), unusable(error))
        logging.getLogger("mailsync").exception("Unexpected error; nothing more was done")
        return 1


def _end(language: str, error: MailsyncError) -> int:
    from mailsync.text import translator

    sys.stderr.write(f"{error.sentence.render(translator(language))}\n")
    return error.exit_code
