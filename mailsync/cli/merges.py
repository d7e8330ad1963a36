"""`customers merge | unmerge | distinct`: two that are one, and two that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mailsync.cli.context import Context
from mailsync.cli.options import By, DryRun, Json
from mailsync.text import N_, Sentence

if TYPE_CHECKING:
    from mailsync.registry.merging import Merged


def merge(
    ctx: typer.Context,
    codes: Annotated[list[str], typer.Argument(help="Two codes or more, in any order.")],
    dry_run: DryRun = False,
    as_json: Json = False,
    by: By = None,
) -> int:
    """Make two customers one: the earliest code stays, every code still finds it. `unmerge` takes it back."""
    from mailsync.registry.merging import merge_customers

    context: Context = ctx.obj
    merged = merge_customers(context.engine, codes, by=context.person(by), dry_run=dry_run)
    for one in merged:
        said = Sentence.of(
            N_("{code} {company} is merged into {survivor} {survivor_company}, the earlier code; {people} person(s) "
               "come along"),
            code=one.code, company=one.company, survivor=one.survivor, survivor_company=one.survivor_company,
            people=one.people,
        )  # fmt: skip
        _tell(context, one, said, as_json=as_json, written=not dry_run)
    if not as_json:
        _close(context, dry_run)
    return 0


def unmerge(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="The code that was merged into another.")],
    dry_run: DryRun = False,
    as_json: Json = False,
    by: By = None,
) -> int:
    """Take a merge back, as long as nothing new hangs on it."""
    from mailsync.registry.merging import unmerge_customer

    context: Context = ctx.obj
    one = unmerge_customer(context.engine, code, by=context.person(by), dry_run=dry_run)
    said = Sentence.of(
        N_("{code} {company} is a customer of its own again, with {people} person(s); {survivor} {survivor_company} "
           "goes on without it"),
        code=one.code, company=one.company, survivor=one.survivor, survivor_company=one.survivor_company,
        people=one.people,
    )  # fmt: skip
    _tell(context, one, said, as_json=as_json, written=not dry_run)
    for name in one.kept:
        kept = Sentence.of(
            N_("{code}, {field}: changed since the merge, and stays"),
            code=one.survivor,
            field=context.field(name.removesuffix("_id")),
        )
        if not as_json:
            context.console.print(kept.render(context.translate))
    if not as_json:
        _close(context, dry_run)
    return 0


def _tell(context: Context, one: Merged, said: Sentence, *, as_json: bool, written: bool) -> None:
    from mailsync.cli.show import json_line

    if as_json:
        json_line(one.to_json() | {"written": written})
        return
    context.console.print(said.render(context.translate))
    for name, (before, after) in one.taken.items():
        if name != "show_id":
            change = Sentence.of(
                N_("{about}, {field}: {before} → {after}"), about=one.survivor, field=context.field(name.removesuffix("_id")), before=before or "–",
                after=after or "–",
            )  # fmt: skip
            context.console.print(change.render(context.translate))


def _close(context: Context, dry_run: bool) -> None:
    words = (
        N_("Nothing was written")
        if dry_run
        else N_("The next `mailsync tidy` brings folders and address books after it")
    )
    context.console.print(context.translate(words))


def distinct(
    ctx: typer.Context,
    one: Annotated[str, typer.Argument(metavar="CODE")],
    other: Annotated[str, typer.Argument(metavar="CODE")],
    by: By = None,
) -> int:
    """Say that two customers that look like one are two: they are not reported as duplicates again."""
    from mailsync.registry.merging import say_distinct

    context: Context = ctx.obj
    first, second = say_distinct(context.engine, one, other, by=context.person(by))
    words = context.translate(N_("{one} and {other} are two customers, and are not reported as one again"))
    context.console.print(words.format(one=first, other=second))
    return 0
