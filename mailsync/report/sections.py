"""The report laid out: its figures, its next steps, its tables. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import TypeVar

from mailsync.report import wording
from mailsync.report.layout import Cell, Layout, Section, Table, Tile, Tone
from mailsync.report.parts import CardChange, Changes, Filed, Note, Offender, Report, RunLine, Share
from mailsync.report.speaker import Speaker, short, visible
from mailsync.report.steps import next_steps
from mailsync.text import N_, Sentence

Row = TypeVar("Row")

_REP, _WHAT = N_("Rep"), N_("What")
#: Message-IDs, places of messages, hrefs: they say nothing to people, and the sentence names the thing.
_MACHINE_NAME = re.compile(r"^<.*>$|;UID|^/|://")


def lay_out(report: Report, *, language: str, zone: tzinfo, rows: int) -> Layout:
    """`report` in `language` ("en" or "zh_CN"), times in `zone`, at most `rows` rows of each table."""
    speaker = Speaker(report, language, zone)
    planned = report.only_plans
    return Layout(
        language=language,
        title=speaker.say(N_("mailsync: plan") if planned else N_("mailsync: report")),
        subtitle=_subtitle(report, speaker),
        banner=speaker.say(N_("This is a plan. Nothing was changed yet.")) if planned else "",
        tiles=_tiles(report, speaker),
        steps_title=speaker.say(N_("What to do next")),
        steps=tuple(speaker.sentence(step) for step in next_steps(report)),
        sections=tuple(
            replace(section, tables=tuple(_cut(table, speaker, rows) for table in section.tables))
            for section in _sections(report, speaker)
        ),
        footer=speaker.say(N_("Written by mailsync. Nothing is ever deleted; every run can be undone.")),
    )


def _subtitle(report: Report, speaker: Speaker) -> str:
    times = [moment for run in report.runs for moment in (run.started, run.finished) if moment]
    accounts = list(dict.fromkeys(speaker.rep(run.account) for run in report.runs))
    who = " · ".join(accounts[:6]) + (f" … ({len(accounts)})" if len(accounts) > 6 else "")
    if not times:
        return who
    first, last = speaker.moment(min(times)), speaker.moment(max(times))
    return f"{who} · {first}" if first == last else f"{who} · {first} – {last}"


def _tiles(report: Report, speaker: Speaker) -> tuple[Tile, ...]:
    judged = report.overall.judged > 0
    share = report.overall.share if judged else None
    trouble = len(report.leaks) + len(report.obstacles)
    return (
        *_change_tiles(report, speaker),
        Tile(
            figure="–" if share is None else wording.percent(share),
            label=speaker.say(N_("of subjects start with the right code")),
            tone="muted" if share is None else wording.tone_of(share),
            share=share,
        ),
        Tile(
            figure=str(trouble),
            label=speaker.say(N_("things need a look")),
            tone="bad" if trouble else "good",
        ),
    )


def _change_tiles(report: Report, speaker: Speaker) -> tuple[Tile, Tile]:
    if report.only_plans:
        changes, mails, cards = report.planned, N_("mails to file"), N_("cards to put right")
    elif report.only_undos:
        changes, mails, cards = report.taken_back, N_("mails put back"), N_("cards put back")
    else:
        changes, mails, cards = report.done, N_("mails filed"), N_("cards put right")
    return (
        Tile(figure=str(changes.messages), label=speaker.say(mails)),
        Tile(figure=str(len(changes.cards)), label=speaker.say(cards)),
    )


def _sections(report: Report, speaker: Speaker) -> Iterator[Section]:
    yield from _leaks(report, speaker)
    yield from _notes(speaker, N_("What could not be done"), report.obstacles, tone="bad", kinds=True)
    yield from _compliance(report, speaker)
    yield from _filed(speaker, N_("Filed in customers' folders"), report.done)
    yield from _filed(speaker, N_("To be filed in customers' folders"), report.planned)
    yield from _filed(speaker, N_("Taken back: mails, by the folder they went back to"), report.taken_back)
    yield from _one_by_one(report, speaker)
    yield from _offenders(report, speaker)
    yield from _cards(speaker, N_("Address book"), report.done)
    yield from _cards(speaker, N_("Address book: to be changed"), report.planned)
    yield from _cards(speaker, N_("Taken back: cards"), report.taken_back)
    yield from _card_counts(report, speaker)
    yield from _notes(speaker, N_("May belong to several customers: not moved"), report.ambiguous)
    yield from _notes(speaker, N_("Suggestions: not filed, you decide"), report.suggestions)
    yield from _notes(speaker, N_("Candidates for the registry"), report.candidates)
    yield from _notes(speaker, N_("Also worth knowing"), report.findings, kinds=True)
    yield _runs(report, speaker)


def _table(
    speaker: Speaker, headings: Sequence[str], rows: Iterable[Row], cells: Callable[[Row], Iterable[Cell]]
) -> Table:
    """A table of `rows`; equal ones stand once, with their number. With one account its column says nothing."""
    drawn = Counter(tuple(cells(row)) for row in rows)
    kept = [at for at, one in enumerate(headings) if one != _REP or not speaker.one_account]
    kept_headings = [headings[at] for at in kept]
    return Table(
        headings=tuple(map(speaker.say, kept_headings)),
        rows=tuple(
            tuple(cells[at] for at in kept) for cells in (_numbered(row, drawn[row]) for row in drawn)
        ),
        sentences=kept_headings.index(_WHAT) if _WHAT in kept_headings else None,
    )


def _numbered(row: tuple[Cell, ...], number: int) -> tuple[Cell, ...]:
    return row if number == 1 else (*row[:-1], replace(row[-1], text=f"{row[-1].text} ×{number}"))


def _cut(table: Table, speaker: Speaker, most: int) -> Table:
    hidden = len(table.rows) - most
    if hidden <= 0:
        return table
    more = speaker.say(N_("… and {count} more: mailsync report --json has them all"), count=hidden)
    return replace(table, rows=table.rows[:most], left_out=more)


def _leaks(report: Report, speaker: Speaker) -> Iterator[Section]:
    if not report.leaks:
        return

    def cells(one: Offender) -> Iterator[Cell]:
        yield from _sent(speaker, one)
        yield Cell(text=_customers(speaker, one) or "–", tone="bad")

    headings = [_REP, N_("Subject as sent"), N_("Customers")]
    yield Section(
        title=speaker.say(N_("Leaks: one mail to several customers")),
        note=speaker.say(N_("The people of one customer can see the names of another.")),
        tone="bad",
        tables=(_table(speaker, headings, report.leaks, cells),),
    )


def _offenders(report: Report, speaker: Speaker) -> Iterator[Section]:
    def cells(one: Offender) -> Iterator[Cell]:
        yield from _sent(speaker, one)
        if one.suggestion:
            yield Cell(text=short(one.suggestion), tone="good")
        else:
            yield Cell(text=_customers(speaker, one) or "–", tone="muted")
        yield Cell(text=speaker.word(wording.VERDICTS, one.verdict), tone="bad")

    headings = [_REP, N_("Subject as sent"), N_("Suggested subject"), N_("What is wrong")]
    if rest := report.offenders[len(report.leaks) :]:
        yield Section(
            title=speaker.say(N_("Subjects to correct")),
            note=speaker.say(
                N_("Reply with the suggested subject: then everything about a customer is found by its code.")
            ),
            tables=(_table(speaker, headings, rest, cells),),
        )


def _customers(speaker: Speaker, one: Offender) -> str:
    return " · ".join(map(speaker.customer, one.candidates))


def _sent(speaker: Speaker, one: Offender) -> Iterator[Cell]:
    yield Cell(text=speaker.rep(one.account), tone="muted")
    yield Cell(text=short(one.subject) or speaker.say(N_("(no subject)")))


def _filed(speaker: Speaker, title: str, changes: Changes) -> Iterator[Section]:
    def cells(one: Filed) -> Iterator[Cell]:
        yield Cell(text=visible(one.folder))
        yield Cell(text=speaker.rep(one.account), tone="muted")
        yield Cell(text=str(one.count))

    if changes.filed:
        table = _table(speaker, [N_("Folder"), _REP, N_("Mails")], changes.filed, cells)
        yield Section(title=speaker.say(title), tables=(table,))


def _one_by_one(report: Report, speaker: Speaker) -> Iterator[Section]:
    """Each message of a plan: a person who confirms it must be able to see what will move."""

    def cells(one: tuple[str, Sentence]) -> Iterator[Cell]:
        yield Cell(text=speaker.rep(one[0]), tone="muted")
        yield Cell(text=speaker.sentence(one[1]))

    if planned := report.planned.messages_said:
        table = _table(speaker, [_REP, _WHAT], planned, cells)
        yield Section(title=speaker.say(N_("Mail by mail")), tables=(table,))


def _cards(speaker: Speaker, title: str, changes: Changes) -> Iterator[Section]:
    def cells(one: CardChange) -> Iterator[Cell]:
        yield Cell(text=visible(one.before or "–"), tone="muted")
        yield Cell(text=visible(one.after or "–"))
        yield Cell(text=speaker.word(wording.CARD_CHANGES, one.kind), tone="muted")

    if changes.cards:
        table = _table(speaker, [N_("Before"), N_("Now"), N_("Change")], changes.cards, cells)
        yield Section(title=speaker.say(title), tables=(table,))


def _card_counts(report: Report, speaker: Speaker) -> Iterator[Section]:
    counts = report.card_actions
    order = [*wording.CARD_ACTIONS, *(key for key in counts if key not in wording.CARD_ACTIONS)]

    def cells(action: str) -> Iterator[Cell]:
        yield Cell(text=speaker.word(wording.CARD_ACTIONS, action))
        yield Cell(text=str(counts[action]))

    if present := [action for action in order if counts.get(action)]:
        table = _table(speaker, [N_("Cards"), N_("Number")], present, cells)
        yield Section(title=speaker.say(N_("All cards that were read")), tables=(table,))


def _compliance(report: Report, speaker: Speaker) -> Iterator[Section]:
    overall = report.overall
    if overall.judged:
        yield Section(
            title=speaker.say(N_("Subjects that start with the right code")),
            note=speaker.say(
                N_("{ok} of {judged} mails sent to customers' people."), ok=overall.ok, judged=overall.judged
            ),
            tables=tuple(
                _shares(speaker, heading, shares, name)
                for heading, shares, name in (
                    (_REP, report.by_account, speaker.rep),
                    (N_("Customer"), report.by_customer, speaker.customer),
                )
                if heading != _REP or not speaker.one_account
            ),
        )


def _shares(speaker: Speaker, heading: str, shares: Sequence[Share], name: Callable[[str], str]) -> Table:
    def cells(one: Share) -> Iterator[Cell]:
        yield Cell(text=name(one.key))
        yield Cell(text=f"{one.ok}/{one.judged}", tone="muted")
        yield Cell(text=wording.percent(one.share), tone=wording.tone_of(one.share), share=one.share)

    return _table(speaker, [heading, N_("Right"), N_("Share")], shares, cells)


def _notes(
    speaker: Speaker, title: str, notes: Sequence[Note], *, tone: Tone = "plain", kinds: bool = False
) -> Iterator[Section]:
    def cells(note: Note) -> Iterator[Cell]:
        yield Cell(text=speaker.rep(note.account), tone="muted")
        yield Cell(text=speaker.customer(note.customer) or "–")
        yield Cell(text=_note_words(speaker, note))
        if kinds:
            yield Cell(text=speaker.word(wording.KINDS, wording.kind_of(note.kind)), tone="muted")

    headings = [_REP, N_("Customer"), _WHAT, *([N_("Kind")] if kinds else [])]
    if notes:
        yield Section(title=speaker.say(title), tone=tone, tables=(_table(speaker, headings, notes, cells),))


def _note_words(speaker: Speaker, note: Note) -> str:
    """The sentence, after what it is about where it does not name that itself."""
    words = speaker.sentence(note.sentence)
    if note.command:
        words = speaker.say(N_("{words}. To do it, type: {command}"), words=words, command=note.command)
    about = speaker.sentence(note.wish) if note.wish else visible(note.subject)
    if not about or about in words or (not note.wish and _MACHINE_NAME.search(about)):
        return words
    return f"{about}: {words}"


def _runs(report: Report, speaker: Speaker) -> Section:
    def cells(run: RunLine) -> Iterator[Cell]:
        yield Cell(text=visible(run.run), tone="muted")
        yield Cell(text=speaker.rep(run.account))
        yield Cell(text=speaker.moment(run.started))
        ended = speaker.word(wording.EXITS, str(run.exit_code))
        yield Cell(text=ended, tone="good" if run.exit_code == 0 else "plain")

    headings = [N_("Run"), _REP, N_("Started"), N_("Result")]
    table = _table(speaker, headings, report.runs[::-1], cells)
    return Section(title=speaker.say(N_("Runs")), tables=(table,))
