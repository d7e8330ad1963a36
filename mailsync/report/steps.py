"""What to do next, in words: the part of a report a busy person reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailsync.report.parts import Report, RunLine
from mailsync.text import N_, Sentence


def next_steps(report: Report) -> list[Sentence]:
    """Sentences, the most urgent first; one of them says so when nothing is to be done."""
    steps = [*_leaks(report), *_runs(report), *_errors(report), *_people(report), *_undo(report)]
    if not steps and (failed := [run for run in report.newest if run.exit_code]):
        steps = [_unfinished(run) for run in failed]
    return steps or [Sentence.of(N_("Nothing to do: everything is in order."))]


def _leaks(report: Report) -> Iterator[Sentence]:
    if report.leaks:
        yield Sentence.of(
            N_(
                "{count} mail(s) went to people of more than one customer. Talk to the rep today: "
                "one customer can now see another."
            ),
            count=len(report.leaks),
        )


def _runs(report: Report) -> Iterator[Sentence]:
    for run in report.newest:
        if step := _after(run):
            yield step


def _after(run: RunLine) -> Sentence | None:
    """What the end of a run asks for (exit codes of DESIGN 6)."""
    if run.undoes:
        return Sentence.of(
            N_("Run {run} was taken back. Until you type “mailsync tidy”, the daemon only plans here."),
            run=run.undoes,
        )
    if run.held:
        return Sentence.of(
            N_("{account}: held by a brake, nothing was changed. Read why under “What could not be done”."),
            account=run.account,
        )
    if run.unconfirmed and run.plan_hash:
        return Sentence.of(
            N_("{account}: this is only a plan. If it is right, type: mailsync confirm {account} {hash}"),
            account=run.account,
            hash=run.plan_hash,
        )
    if run.plan_only and run.planned:
        return Sentence.of(
            N_("{account}: this is only a plan. To carry it out, type: mailsync tidy --account {account}"),
            account=run.account,
        )
    return _after_failure(run)


def _after_failure(run: RunLine) -> Sentence | None:
    match run.exit_code:
        case 12:
            return Sentence.of(
                N_("{account}: login refused or server away. Type: mailsync check"), account=run.account
            )
        case 11:
            return Sentence.of(
                N_("{account}: another run was under way; this one did nothing."), account=run.account
            )
        case 10:
            return Sentence.of(
                N_("{account}: the registry is missing or empty. Type: mailsync registry import PATH"),
                account=run.account,
            )
        case 30:
            return Sentence.of(
                N_("{account}: the database cannot be used. Look at the disk and at mailsync's log."),
                account=run.account,
            )
        case 2:
            return Sentence.of(
                N_("{account}: its configuration or secret is wrong. Type: mailsync check"),
                account=run.account,
            )
        case 1:
            return Sentence.of(
                N_(
                    "{account}: ended unexpectedly. Look at mailsync's log; the next run picks up where it stopped."
                ),
                account=run.account,
            )
    return None


def _errors(report: Report) -> Iterator[Sentence]:
    failed = [note for note in report.obstacles if note.severity == "error"]
    if errors := sum(1 for note in failed if note.kind not in ("brake", "unconfirmed")):
        yield Sentence.of(
            N_("{count} thing(s) failed. Read why under “What could not be done”."), count=errors
        )


def _unfinished(run: RunLine) -> Sentence:
    return Sentence.of(
        N_("{account}: the last run did not end well (exit code {code}). Type: mailsync check"),
        account=run.account,
        code=run.exit_code,
    )


def _people(report: Report) -> Iterator[Sentence]:
    """What only a person can decide or do better next time."""
    if conflicts := sum(1 for note in report.obstacles if note.severity == "conflict"):
        yield Sentence.of(
            N_("{count} thing(s) could not be done as wished and were left alone. Each says why below."),
            count=conflicts,
        )
    if wrong := len(report.offenders) - len(report.leaks):
        yield Sentence.of(
            N_("{count} subject(s) break the rule. Use the suggested subject in the next reply."), count=wrong
        )
    if report.ambiguous:
        yield Sentence.of(
            N_(
                "{count} mail(s) may belong to several customers. Move them by hand, or reply with the code in front."
            ),
            count=len(report.ambiguous),
        )
    if report.candidates:
        yield Sentence.of(
            N_(
                "{count} unknown person(s) or card(s) may belong to a customer. Add them to the registry if so."
            ),
            count=len(report.candidates),
        )


def _undo(report: Report) -> Iterator[Sentence]:
    written = [run for run in report.runs if run.done and not run.undoes]
    if len(written) == 1:
        yield Sentence.of(N_("To take everything back, type: mailsync undo {run}"), run=written[0].run)
    elif written:
        yield Sentence.of(
            N_("Each run can be taken back: mailsync journal lists them, mailsync undo RUN does it.")
        )
