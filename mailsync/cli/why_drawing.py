"""What `why` found, on a terminal. Texts of mails and cards are shown, never obeyed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from mailsync.cli.context import Context
from mailsync.lookup.naming import Hit
from mailsync.lookup.why import AddressWhy, Choice, CodeSeen, Letter, MessageWhy, PersonSeen, Why
from mailsync.report.speaker import short, visible
from mailsync.text import N_

Command = Callable[[Hit], str]

#: Lines of each list.
_MOST = 8
_LONGEST_SUBJECT = 60

_EVIDENCE = {
    "participant": N_("people"),
    "filed": N_("by hand"),
    "code": N_("code"),
    "thread": N_("conversation"),
    "none": N_("nobody's"),
    "ambiguous": N_("undecided"),
}
_DECISION = {
    "participant": N_("Its people decide: {customer}"),
    "filed": N_("A person filed a message of this conversation under {customer}: that decides"),
    "code": N_("The code in the subject decides: {customer}"),
    "thread": N_("The conversation it belongs to decides: {customer}"),
    "ambiguous": N_("Nothing decides between several customers"),
    "none": N_("No registered person, no code, no customer's conversation: nobody's"),
}
_STANDING = {
    "own": N_("our own"),
    "contact": N_("contact of {customers}"),
    "forwarder": N_("forwarder of {customers}"),
    "inspector": N_("inspector of {customers}"),
    "uncoded": N_("registered, without a code"),
    "unknown": N_("not registered"),
}
_SPELLING = {
    "canonical": N_("the code of {customers}"),
    "superseded": N_("an old code of {customers}"),
    "malformed": N_("the code of {customers}, not written as registered"),
    "unknown": N_("a code nobody has"),
    "doubtful": N_("the code of {customers}, or plain text"),
}


def draw(context: Context, told: Why, command: Command) -> None:
    """Print what was found."""
    drawing = _Drawing(context, told, command)
    match told.found:
        case MessageWhy():
            drawing.message(told.found)
        case AddressWhy():
            drawing.address(told.found)
        case Choice():
            drawing.choice(told.found)


class _Drawing:
    def __init__(self, context: Context, told: Why, command: Command) -> None:
        self._context = context
        self._roster = told.roster
        self._command = command
        self._zone = ZoneInfo(context.config.timezone)

    # ----- the three pages

    def message(self, found: MessageWhy) -> None:
        """Whose it is, then what speaks for it."""
        letter = found.letter
        made = letter.attribution
        head = self._say(_DECISION[made.evidence], customer=self._customer(made.customer))
        self._print(head, style="bold")
        self._print(f"“{short(letter.message.envelope.subject)}”")
        place = (letter.account, letter.mailbox, f"UID {letter.message.key.uid}")
        self._print(" · ".join((*place, self._moment(letter.message.when))), style="dim")
        if made.note:
            self._print(f"! {made.note.render(self._context.translate)}", style="yellow")
        if made.evidence == "ambiguous":
            self._print(self._say(N_("→ Move it by hand, or answer with the code in front")))
        self._title(N_("Evidence, the strongest first"))
        self._grid(
            (
                _mark(row.decides, bool(made.customer and row.named and made.customer not in row.named)),
                self._say(_EVIDENCE[row.evidence]),
                " ".join(row.named) or "–",
                row.sentence.render(self._context.translate),
            )
            for row in found.weighed
        )
        if len(found.conversation) > 1:
            self._conversation(found)
        self._title(N_("Who takes part"))
        self._grid((one.field, _person(one), self._standing(one)) for one in found.people[:_MOST])
        self._more(len(found.people) - _MOST)
        if found.codes:
            self._title(N_("Codes in the subject"))
            self._grid((f"“{one.written}”", self._code(one)) for one in found.codes)

    def address(self, found: AddressWhy) -> None:
        """Who it is, then cards, mail and findings."""
        self._print(_person(found.person), style="bold")
        self._grid(self._registered(found.person))
        self._title(N_("Cards"), len(found.cards))
        self._grid(
            (f"{'✓' if card.written else '·'} {card.meaning.fn or '?'}", f"[{card.owner}]")
            for card in found.cards[:_MOST]
        )
        self._more(len(found.cards) - _MOST)
        self._title(N_("Mail"), len(found.letters))
        if not found.mail_read:
            self._print(self._say(N_("No mail was read so far: type `mailsync plan` first")))
        if len(found.letters) > _MOST:
            counts = found.counts.items()
            self._print(" · ".join(f"{self._whose(*whose)} {count}" for whose, count in counts))
        self._letters(found.letters[:_MOST])
        self._more(len(found.letters) - _MOST)
        self._findings(found)

    def choice(self, found: Choice) -> None:
        """What may be meant, each with the command that names it."""
        count = len(found.hits) + len(found.addresses)
        head = N_("{count} messages fit; type one of these:")
        if found.addresses:
            head = N_("The card has {count} addresses; type one of these:")
        self._print(self._say(head, count=count), style="bold")
        for hit in found.hits[:_MOST]:
            message = hit.message
            self._print(
                f"{self._moment(message.when)}  “{short(message.envelope.subject)}”  {message.key.mailbox}"
            )
            self._print(f"    {self._command(hit)}", style="dim")
        for address in found.addresses[:_MOST]:
            self._print(f"    {shlex.join(('mailsync', 'why', address))}", style="dim")
        if count > _MOST:
            self._print(self._say(N_("… and {count} more: type more words"), count=count - _MOST))

    # ----- their parts

    def _conversation(self, found: MessageWhy) -> None:
        self._title(N_("Conversation"), len(found.conversation))
        itself = found.conversation.index(found.letter) if found.letter in found.conversation else 0
        telling = [at for at, one in enumerate(found.conversation) if one.tells]
        shown = _around(itself, len(found.conversation), telling)
        self._letters([found.conversation[at] for at in shown], itself=found.letter)
        self._more(len(found.conversation) - len(shown))

    def _letters(self, letters: Sequence[Letter], itself: Letter | None = None) -> None:
        several = len({letter.account for letter in letters}) > 1
        self._grid(
            (
                "▸" if letter == itself else _mark(letter.tells, False),
                self._moment(letter.message.when),
                self._whose(letter.attribution.customer, letter.attribution.evidence),
                f"“{_cut(short(letter.message.envelope.subject))}”",
                f"{letter.mailbox} [{letter.account}]" if several else letter.mailbox,
            )
            for letter in letters
        )

    def _registered(self, person: PersonSeen) -> Iterator[Sequence[str]]:
        if person.standing == "own" or not person.contacts:
            yield self._say(N_("Registry")), self._standing(person)
        for contact in person.contacts:
            about = (
                contact.name,
                contact.title,
                contact.company,
                contact.region or contact.country,
                contact.phone,
            )
            yield self._say(N_("Registry")), " · ".join(text for text in about if text)
            for code in contact.customers:
                yield "", self._say(_STANDING[contact.role], customers=self._customer(code))
            if not contact.customers:
                yield "", self._say(_STANDING["uncoded"])
            if contact.retired:
                yield "", self._say(N_("Retired"))
            if others := [one for one in contact.addresses if one != person.address]:
                yield self._say(N_("Other addresses")), ", ".join(others)

    def _findings(self, found: AddressWhy) -> None:
        if found.findings:
            self._title(N_("To be looked at"), len(found.findings))
        for finding in found.findings[:_MOST]:
            self._print(finding.sentence.render(self._context.translate))
            if finding.command:
                self._print(f"    {finding.command}", style="dim")
        self._more(len(found.findings) - _MOST)

    def _standing(self, person: PersonSeen) -> str:
        said = self._say(_STANDING[person.standing], customers=self._customers(person.customers))
        if person.customers and person.standing != "own" and not person.counts and person.field:
            ignored = self._say(N_("(does not count here)"))
            return f"{said} {ignored}"
        return said

    def _code(self, code: CodeSeen) -> str:
        said = self._say(_SPELLING[code.spelling], customers=self._customers(code.customers))
        behind = self._say(N_("(not at the front)"))
        return said if code.first else f"{said} {behind}"

    def _whose(self, customer: str | None, evidence: str) -> str:
        words = self._say(_EVIDENCE[evidence])
        return f"{customer} {words}" if customer else words

    def _customer(self, code: str | None) -> str:
        known = self._roster.customer(code) if code else None
        return f"{code} {known.name}" if known else code or ""

    def _customers(self, codes: Sequence[str]) -> str:
        return self._customer(codes[0]) if len(codes) == 1 else ", ".join(codes)

    # ----- words and lines

    def _say(self, template: str, **fields: object) -> str:
        return self._context.translate(template).format(**fields)

    def _moment(self, when: datetime) -> str:
        return f"{when.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def _print(self, text: str, *, style: str = "") -> None:
        indent = len(text) - len(text.lstrip(" "))
        self._context.console.print(Text(" " * indent + visible(text), style=style))

    def _title(self, template: str, count: int | None = None) -> None:
        self._context.console.print()
        self._print(self._say(template) + ("" if count is None else f" ({count})"), style="bold")

    def _more(self, count: int) -> None:
        if count > 0:
            self._print(self._say(N_("… and {count} more"), count=count), style="dim")

    def _grid(self, rows: Iterable[Sequence[str]]) -> None:
        """Columns, as wide as what stands in them."""
        records = [[short(cell) for cell in row] for row in rows]
        if not records:
            return
        grid = Table.grid(padding=(0, 1))
        for _ in records[0]:
            grid.add_column(overflow="fold", min_width=1)
        for record in records:
            grid.add_row(*(Text(cell) for cell in record))
        self._context.console.print(grid, soft_wrap=False)


def _mark(good: bool, bad: bool) -> str:
    return "✓" if good else "!" if bad else " "


def _person(person: PersonSeen) -> str:
    return f"{person.name} <{person.address}>" if person.name else person.address


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SUBJECT else f"{text[: _LONGEST_SUBJECT - 1]}…"


def _around(place: int, count: int, telling: Sequence[int]) -> list[int]:
    """Which of `count` messages are shown: the one at `place`, those that tell, then its nearest neighbours."""
    order = sorted(range(count), key=lambda at: (at != place, at not in telling, abs(at - place)))
    return sorted(order[:_MOST])
