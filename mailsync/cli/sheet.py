"""`customers show`: everything known about a customer, on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from mailsync.cli.context import Context
from mailsync.cli.options import Json
from mailsync.text import N_

if TYPE_CHECKING:
    from mailsync.lookup import Sheet
    from mailsync.lookup.sheet import LastMail

_ROLES = {"contact": N_("Contacts"), "forwarder": N_("Forwarders"), "inspector": N_("Inspectors")}
_MOST_FOLDERS = 8
_MOST_FINDINGS = 8


def show(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="A code, also an old one.")],
    as_json: Json = False,
) -> int:
    """Print everything known about a customer: codes, people, last mails, folders, open findings."""
    from mailsync import lookup
    from mailsync.cli.editing import today
    from mailsync.cli.show import json_line

    context: Context = ctx.obj
    found = lookup.sheet(context.desk, context.accounts(), code, today=today(context))
    if as_json:
        json_line(_as_json(context, found))
        return 0
    _Drawing(context, found).draw()
    return 0


class _Drawing:
    """The sheet on a terminal."""

    def __init__(self, context: Context, sheet: Sheet) -> None:
        self._context = context
        self._sheet = sheet
        self._zone = ZoneInfo(context.config.timezone)

    def draw(self) -> None:
        """Print it."""
        customer = self._sheet.customer
        head = f"{customer.full_code or customer.code}  {customer.company}"
        self._context.console.print(head, style="bold")
        if self._sheet.asked != customer.code:
            words = self._say(N_("{old} was merged into {code}"))
            self._context.console.print(words.format(old=self._sheet.asked, code=customer.code))
        self._facts()
        self._people()
        self._mail()
        self._history()
        self._findings()

    def _say(self, template: str) -> str:
        return self._context.translate(template)

    def _title(self, template: str) -> None:
        self._context.console.print(f"\n{self._say(template)}", style="bold")

    def _facts(self) -> None:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        for heading, text in self._lines():
            if text:
                grid.add_row(Text(self._say(heading), style="dim"), Text(text))
        self._context.console.print(grid)

    def _lines(self) -> Iterator[tuple[str, str | None]]:
        customer = self._sheet.customer
        yield N_("Code"), customer.code
        yield N_("Old codes"), ", ".join(customer.superseded)
        yield N_("Full code"), customer.full_code or self._proposed()
        yield N_("Short name"), customer.short_name
        yield N_("Country"), _country(customer.country, self._context.config.language)
        yield (
            N_("From"),
            " · ".join(filter(None, (self._origin(), _day(customer.first_contact)))),
        )
        yield N_("Stage"), " · ".join(filter(None, (customer.stage, _day(customer.stage_since))))
        yield N_("Grade"), customer.grade
        yield N_("Owner"), customer.owner
        yield N_("Retired"), self._say(N_("yes")) if customer.retired else None

    def _proposed(self) -> str:
        customer = self._sheet.customer
        if customer.proposed_tail is None:
            return ""
        words = self._say(N_("not fixed yet; {full_code} is proposed"))
        return words.format(full_code=f"{customer.code} {customer.proposed_tail}")

    def _origin(self) -> str | None:
        customer = self._sheet.customer
        if customer.show:
            return self._say(N_("show {show}")).format(show=customer.show)
        return customer.channel

    def _people(self) -> None:
        for role, title in _ROLES.items():
            people = [line for line in self._sheet.people if line.contact.role == role]
            if people:
                self._title(title)
            for line in people:
                contact = line.contact
                more = " · ".join(filter(None, (contact.title, contact.phone)))
                self._context.console.print(
                    f"  {line.entry}  <{', '.join(contact.addresses)}>" + (f"  {more}" if more else "")
                )
        if not self._sheet.people:
            self._title(N_("Contacts"))
            nobody = self._say(N_("Nobody is engaged with this customer"))
            self._context.console.print(f"  {nobody}")

    def _mail(self) -> None:
        from mailsync.report.speaker import short

        sheet = self._sheet
        self._title(N_("Mail"))
        if not sheet.messages:
            none = self._say(N_("No mail of this customer was read so far"))
            self._context.console.print(f"  {none}")
            return
        for heading, mail in ((N_("Last from them"), sheet.incoming), (N_("Last to them"), sheet.outgoing)):
            told = (
                f"{self._moment(mail.when)}  {mail.person}  “{short(mail.subject)}”  [{mail.account}]"
                if mail
                else "–"
            )
            self._context.console.print(f"  {self._say(heading)}: {told}")
        for folder in sheet.folders[:_MOST_FOLDERS]:
            mark = "✓" if folder.own else "·"
            words = self._say(N_("{count} mail(s)")).format(count=folder.messages)
            self._context.console.print(f"  {mark} {folder.mailbox}  {words}  [{folder.account}]")

    def _moment(self, when: datetime) -> str:
        return f"{when.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def _history(self) -> None:
        if not self._sheet.history:
            return
        self._title(N_("Last changes"))
        for about, entry in self._sheet.history:
            change = entry.change
            self._context.console.print(
                f"  {self._moment(entry.at)}  {entry.by}  {about} {self._context.field(change.field)}: "
                f"{change.before or '–'} → {change.after or '–'}"
            )

    def _findings(self) -> None:
        from mailsync.report.speaker import visible

        findings = self._sheet.findings
        if not findings:
            return
        self._title(N_("To be looked at"))
        for finding in findings[:_MOST_FINDINGS]:
            self._context.console.print(f"  {visible(finding.sentence.render(self._context.translate))}")
            if finding.command:
                self._context.console.print(f"      {visible(finding.command)}", style="dim")
        if len(findings) > _MOST_FINDINGS:
            words = self._say(N_("… and {count} more: `mailsync registry upkeep` has them all"))
            self._context.console.print(f"  {words.format(count=len(findings) - _MOST_FINDINGS)}")


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _country(code: str | None, language: str) -> str | None:
    """The country's name in the reader's language, with its code."""
    from babel import Locale

    if code is None:
        return None
    name = Locale.parse(language).territories.get(code)
    return f"{name} ({code})" if name else code


def _as_json(context: Context, sheet: Sheet) -> dict[str, Any]:
    customer = sheet.customer
    return {
        "code": customer.code,
        "asked": sheet.asked,
        "superseded": list(customer.superseded),
        "full_code": customer.full_code,
        "company": customer.company,
        "short_name": customer.short_name,
        "country": customer.country,
        "show": customer.show,
        "channel": customer.channel,
        "first_contact": _day(customer.first_contact),
        "stage": customer.stage,
        "stage_since": _day(customer.stage_since),
        "grade": customer.grade,
        "owner": customer.owner,
        "retired": customer.retired,
        "people": [
            {
                "entry": line.entry,
                "role": line.contact.role,
                "emails": list(line.contact.addresses),
                "phone": line.contact.phone,
                "title": line.contact.title,
            }
            for line in sheet.people
        ],
        "messages": sheet.messages,
        "last_incoming": _mail_json(sheet.incoming),
        "last_outgoing": _mail_json(sheet.outgoing),
        "folders": [
            {"account": one.account, "mailbox": one.mailbox, "messages": one.messages, "own": one.own}
            for one in sheet.folders
        ],
        "findings": [
            {
                "kind": one.kind,
                "sentence": one.sentence.render(context.translate),
                "command": one.command,
            }
            for one in sheet.findings
        ],
    }


def _mail_json(mail: LastMail | None) -> dict[str, str] | None:
    if mail is None:
        return None
    return {
        "when": mail.when.isoformat(),
        "subject": mail.subject,
        "person": mail.person,
        "account": mail.account,
    }
