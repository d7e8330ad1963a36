"""`run`: the daemon, and the question whether it is well."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from mailsync.cli.context import Context
from mailsync.cli.settings import books_server
from mailsync.errors import StorageError
from mailsync.text import N_
from mailsync.tidy.settings import Options

if TYPE_CHECKING:
    from mailsync.daemon.children import Child
    from mailsync.daemon.watch import Watched
    from mailsync.tidy.desk import Kept

logger = logging.getLogger(__name__)

#: The part of the interval between two runs that one of them may spend on the cards of one book.
CARDS_SHARE = 0.8


def run(
    ctx: typer.Context,
    health: Annotated[
        bool, typer.Option("--health", help="Only say whether the running daemon is well; exit 0 or 1.")
    ] = False,
) -> int:
    """The daemon: tidy every account again and again, report once a day, until SIGTERM."""
    from mailsync.daemon.health import Health, healthy
    from mailsync.daemon.jobs import RunKeys
    from mailsync.daemon.scheduler import Daemon, Schedule, utc_now
    from mailsync.daemon.watch import watching
    from mailsync.tidy.desk import Kept

    context: Context = ctx.obj
    config = context.config
    path = config.state_dir / "health.json"
    interval = timedelta(minutes=config.daemon.interval_minutes)
    if health:
        well, sentence = healthy(path, now=utc_now(), interval=interval)
        context.console.print(sentence.render(context.translate))
        return 0 if well else 1
    names = tuple(account.name for account in context.accounts())
    schedule = Schedule(
        accounts=names,
        interval=interval,
        jitter=timedelta(seconds=config.daemon.jitter_seconds),
        report_at=time.fromisoformat(config.daemon.daily_report),
        zone=ZoneInfo(config.timezone),
    )
    kept = Kept(list_every=timedelta(minutes=config.daemon.list_minutes))
    with _address_books(context) as child, closing(kept):
        daemon = Daemon(
            schedule,
            run_account=_runner(context, kept),
            daily_report=_reporter(context),
            monthly_upkeep=_upkeep(context),
            keys=RunKeys(context.engine),
            health=Health(path, accounts=names, started=utc_now(), books=child),
            probe=_probe(context),
        )

        def happened(account: str, mailboxes: frozenset[str]) -> None:
            kept.stir(account, mailboxes)
            daemon.nudge(account)

        with watching(_watched(context), happened):
            return daemon.run()


def _watched(context: Context) -> list[Watched]:
    """The accounts at which the daemon waits for mail."""
    from mailsync.daemon.watch import Watched
    from mailsync.tidy.reading import overrides
    from mailsync.tidy.servers import imap_login

    if not context.config.daemon.watch:
        return []
    return [
        Watched(account=account.name, login=partial(imap_login, account.mail), overrides=overrides(account))
        for account in context.accounts()
        if account.mail is not None
    ]


def _address_books(context: Context) -> AbstractContextManager[Child | None]:
    """The built-in address-book server beside the daemon, where it is enabled."""
    if not context.config.server.enabled:
        return nullcontext()
    from mailsync.daemon.books_child import serving

    return serving(books_server(context.config))


def _runner(context: Context, kept: Kept) -> Callable[[str, Event], int]:
    from mailsync.daemon.telling import Telling
    from mailsync.tidy import running

    desk = replace(context.desk, kept=kept)
    accounts = {account.name: account for account in context.accounts()}
    # A big book takes minutes to hours: mail must get its turn, and the account end its run within its interval.
    card_seconds = 60 * context.config.daemon.interval_minutes * CARDS_SHARE
    options = Options(by_hand=False, card_seconds=card_seconds)

    def run_account(name: str, stop: Event) -> int:
        result = running.run(desk, accounts[name], options, stop=stop.is_set, progress=Telling(name))
        for error in result["errors"]:
            level = logging.INFO if error["kind"] == "unconfirmed" else logging.ERROR
            logger.log(level, "%s: %s", name, error["sentence"])
        return int(result["exit_code"])

    return run_account


def _reporter(context: Context) -> Callable[[date], None]:
    from mailsync.cli import show

    def daily_report(day: date) -> None:
        since = datetime.combine(day - timedelta(days=1), time(), ZoneInfo(context.config.timezone))
        results = list(context.desk.results.since(since.astimezone(UTC)))
        page = show.web_page(context, results, context.house.reports / f"daily-{day.isoformat()}.html")
        logger.info("Daily report: %s", page)

    return daily_report


def _upkeep(context: Context) -> Callable[[date], None]:
    from mailsync.cli import upkeep

    def monthly_upkeep(first: date) -> None:
        page = upkeep.web_page(context, context.house.reports / f"upkeep-{first:%Y-%m}.html")
        logger.info("Upkeep of the registry: %s", page)

    return monthly_upkeep


def _probe(context: Context) -> Callable[[], None]:
    """Work is possible only while the database answers."""
    import sqlalchemy as sa

    def probe() -> None:
        try:
            with context.engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError as error:
            raise StorageError(N_("The database does not answer: {reason}"), reason=error.orig) from error

    return probe
