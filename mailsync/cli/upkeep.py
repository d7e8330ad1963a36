"""`registry upkeep` and `customers duplicates`: what the registry needs, and the command that settles it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailsync.cli.context import Context
from mailsync.cli.options import Json
from mailsync.text import N_

if TYPE_CHECKING:
    from mailsync.run.actions import Finding


def upkeep(
    ctx: typer.Context,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only this kind, such as duplicate (repeatable).")
    ] = None,
    page: Annotated[Path | None, typer.Option("--html", help="Write it as a web page.")] = None,
    as_json: Json = False,
) -> int:
    """Say what the registry needs: duplicates, gaps, dead addresses, people to add. Changes nothing."""
    from mailsync.cli.show import json_line

    context: Context = ctx.obj
    findings = _of_kinds(_found(context), kind)
    if as_json:
        for finding in findings:
            json_line(
                {
                    "kind": finding.kind,
                    "customer": finding.customer,
                    "subject": finding.subject,
                    "sentence": finding.sentence.render(context.translate),
                    "command": finding.command,
                }
            )
        return 0
    if page is not None:
        _write_page(context, findings, page)
        context.console.print(context.translate(N_("Written to {path}")).format(path=page))
        return 0
    _on_terminal(context, findings)
    return 0


def _of_kinds(findings: Sequence[Finding], kinds: list[str] | None) -> list[Finding]:
    from mailsync.errors import UsageError
    from mailsync.report.upkeep import ORDER

    wanted = {kind if kind in ORDER else f"upkeep-{kind}" for kind in kinds or ()}
    if unknown := wanted - set(ORDER):
        raise UsageError(
            N_("There is no kind “{kind}”; there are: {kinds}"),
            kind=min(unknown).removeprefix("upkeep-"),
            kinds=", ".join(kind.removeprefix("upkeep-") for kind in ORDER),
        )
    chosen = [finding for finding in findings if not wanted or finding.kind in wanted]
    return sorted(chosen, key=lambda finding: ORDER.index(finding.kind))


def _found(context: Context) -> list[Finding]:
    from mailsync import lookup
    from mailsync.cli.editing import today

    return lookup.upkeep(context.desk, context.accounts(), today=today(context))


def web_page(context: Context, path: Path) -> Path:
    """Write what the registry needs now as one page."""
    return _write_page(context, _found(context), path)


def _write_page(context: Context, findings: Sequence[Finding], path: Path) -> Path:
    from mailsync.cli.editing import today
    from mailsync.cli.show import write_page
    from mailsync.report import UpkeepLine, upkeep_html

    lines = [
        UpkeepLine(kind=finding.kind, sentence=finding.sentence, command=finding.command)
        for finding in findings
    ]
    return write_page(upkeep_html(lines, language=context.config.language, day=today(context)), path)


def _on_terminal(context: Context, findings: Sequence[Finding]) -> None:
    from mailsync.report.speaker import visible
    from mailsync.report.wording import KINDS

    last = None
    for finding in findings:
        if finding.kind != last:
            count = sum(one.kind == finding.kind for one in findings)
            gap = "" if last is None else "\n"
            context.console.print(f"{gap}{context.translate(KINDS[finding.kind])} ({count})", style="bold")
            last = finding.kind
        context.console.print(f"  {visible(finding.sentence.render(context.translate))}")
        if finding.command:
            context.console.print(f"      {visible(finding.command)}", style="dim")
    if not findings:
        context.console.print(context.translate(N_("Nothing: the registry is in order.")))


def duplicates(ctx: typer.Context, as_json: Json = False) -> int:
    """List customers that may be one, with what speaks for it. Merges nobody."""
    from mailsync import lookup
    from mailsync.cli.show import json_line
    from mailsync.registry.upkeep import duplicate_findings

    context: Context = ctx.obj
    candidates = lookup.duplicate_candidates(context.desk)
    if not as_json:
        _on_terminal(context, list(duplicate_findings(candidates)))
        return 0
    for one in candidates:
        json_line(
            {
                "codes": list(one.codes),
                "companies": list(one.companies),
                "evidence": [sentence.render(context.translate) for sentence in one.evidence],
                "strength": one.strength,
                "command": one.command,
            }
        )
    return 0
