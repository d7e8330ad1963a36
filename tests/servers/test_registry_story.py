"""Ten scenarios in the life of a registry, from the first show to the un-merge, as people type them.

Each scenario goes on from where the one before ended. `says` are the words that must stand in the answer, `then` is
what the registry holds afterwards: code or full code, company, country, stage, old codes, people.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailsync.cli.main import run
from mailsync.registry.roster_load import load_roster

CARDS = """Name,Company,Job Title,E-mail Address,Mobile,Country
Lucia Rossi,Rossi S.p.A.,Buyer,lucia@rossi.example,+39 02 5550101,Italy
Ann Kurz,Kurz GmbH,Head of Purchasing,ann@kurz.example,+49 30 5550102,Germany
Tom Bauer,Kurz GmbH,Assistant,tom@kurz.example,+49 30 5550103,Germany
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, how it ends, and the words that must stand in its answer."""

    typed: str
    exit: int = 0
    says: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    title: str
    steps: tuple[Step, ...]
    then: tuple[str, ...]


STORY = (
    Scenario(
        title="1. The first show gets the first letter, the next show the next",
        steps=(
            Step(
                typed="shows add 'Canton Fair' --date 2026-04-15 --city Guangzhou", says=("A", "Canton Fair")
            ),
            Step(typed="shows add Ambiente --date 2026-02-06", says=("B", "Ambiente")),
            Step(typed="shows add 'Local fair' --uncoded", says=("Local fair",)),
            Step(typed="shows add K-Fair --letter I", exit=2, says=("I", "digit")),
        ),
        then=(),
    ),
    Scenario(
        title="2. Customers are numbered in the order of their cards; a refused one takes no number",
        steps=(
            Step(
                typed="customers add --show A --company 'Gibson Importing Pty Ltd' --country Australia"
                " --name 'Jane Roe' --email jane@gibson.example --owner li.na@our.example",
                says=("A01", "Gibson Importing Pty Ltd"),
            ),
            Step(
                typed="customers add --show A --company Nowhere --country Atlantis",
                exit=2,
                says=("Atlantis", "country"),
            ),
            Step(typed="customers add --show A --from cards.csv", says=("A02", "A03", "Rossi", "Kurz")),
        ),
        then=(
            "A01 Gibson Importing Pty Ltd AU lead: Jane Roe",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi",
            "A03 Kurz GmbH DE lead: Ann Kurz, Tom Bauer",
        ),
    ),
    Scenario(
        title="3. Other origins get channel numbers; a show without codes gives none",
        steps=(
            Step(
                typed="customers add --channel LinkedIn --company 顺达进口 --country 中国",
                says=("001", "顺达进口"),
            ),
            Step(typed="customers add --show 'Local fair' --company Somebody", exit=2, says=("--channel",)),
            Step(typed="customers add --show Z --company Somebody", exit=2, says=("Z", "shows add")),
        ),
        then=(
            "A01 Gibson Importing Pty Ltd AU lead: Jane Roe",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi",
            "A03 Kurz GmbH DE lead: Ann Kurz, Tom Bauer",
            "001 顺达进口 CN lead: ",
        ),
    ),
    Scenario(
        title="4. A customer grows from lead to order; the first order fixes the full code",
        steps=(
            Step(typed="customers edit A01 --stage prospect --on 2026-05-01", says=("prospect",)),
            Step(typed="customers edit A01 --stage sample --on 2026-06-01", says=("sample",)),
            Step(typed="customers edit A01 --stage order --on 2026-07-01 --dry-run", says=("A01 AUGI",)),
            Step(typed="customers edit A01 --stage order --on 2026-07-01", says=("A01 AUGI",)),
            Step(typed="customers edit 001 --stage order", exit=2, says=("--abbreviation",)),
            Step(typed="customers edit 001 --stage order --abbreviation SD", says=("001 CNSD",)),
        ),
        then=(
            "A01 AUGI Gibson Importing Pty Ltd AU order: Jane Roe",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi",
            "A03 Kurz GmbH DE lead: Ann Kurz, Tom Bauer",
            "001 CNSD 顺达进口 CN order: ",
        ),
    ),
    Scenario(
        title="5. Company, country and owner change; the full code does not, and the history tells who and when",
        steps=(
            Step(
                typed="customers edit A01 --company 'Gibson Trading Pty Ltd' --country NZ --owner wang@our.example"
                " --by boss",
                says=("Gibson Trading Pty Ltd", "A01 AUGI"),
            ),
            Step(
                typed="customers history A01",
                says=("boss", "li.na@our.example", "wang@our.example", "AU", "NZ", "2026-07-01"),
            ),
            Step(typed="customers edit A01 --country Atlantis", exit=2, says=("Atlantis",)),
        ),
        then=(
            "A01 AUGI Gibson Trading Pty Ltd NZ order: Jane Roe",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi",
            "A03 Kurz GmbH DE lead: Ann Kurz, Tom Bauer",
            "001 CNSD 顺达进口 CN order: ",
        ),
    ),
    Scenario(
        title="6. A forwarder serves two customers; an address already registered is not registered twice",
        steps=(
            Step(
                typed="contacts add --code A01 --code A02 --name 王伟 --company 顺达货代 --role forwarder --region SH"
                " --email wang@sd.example",
                says=("A01", "A02", "王伟"),
            ),
            Step(
                typed="contacts add --code A03 --name Wang --email WANG@sd.example",
                exit=2,
                says=("contacts edit", "--add-code"),
            ),
        ),
        then=(
            "A01 AUGI Gibson Trading Pty Ltd NZ order: Jane Roe, 王伟",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi, 王伟",
            "A03 Kurz GmbH DE lead: Ann Kurz, Tom Bauer",
            "001 CNSD 顺达进口 CN order: ",
        ),
    ),
    Scenario(
        title="7. The same company again at the next show: refused, then taken as another, then found as a duplicate",
        steps=(
            Step(
                typed="customers add --show B --company 'GIBSON TRADING' --country NZ --name Bob"
                " --email bob@gibson.example",
                exit=2,
                says=("A01", "--anyway"),
            ),
            Step(
                typed="customers add --show B --company 'GIBSON TRADING' --country NZ --name Bob"
                " --email bob@gibson.example --anyway",
                says=("B01",),
            ),
            Step(typed="customers duplicates", says=("A01", "B01", "gibson.example", "customers merge")),
        ),
        then=(
            "A01 AUGI Gibson Trading Pty Ltd NZ order: Jane Roe, 王伟",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi, 王伟",
            "A03 Kurz GmbH DE lead: Ann Kurz, Tom Bauer",
            "001 CNSD 顺达进口 CN order: ",
            "B01 GIBSON TRADING NZ lead: Bob",
        ),
    ),
    Scenario(
        title="8. Two are merged into the one with the earliest code, and both codes find it",
        steps=(
            Step(typed="customers merge B01 A01 --dry-run", says=("A01", "B01")),
            Step(typed="customers merge B01 A01", says=("A01", "B01")),
            Step(typed="customers merge B01 A01", exit=2, says=("B01", "A01")),
            Step(typed="customers show B01", says=("A01", "B01", "Gibson Trading Pty Ltd")),
        ),
        then=(
            "A01 AUGI Gibson Trading Pty Ltd NZ order [B01]: Jane Roe, 王伟, Bob",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi, 王伟",
            "A03 Kurz GmbH DE lead: Ann Kurz, Tom Bauer",
            "001 CNSD 顺达进口 CN order: ",
        ),
    ),
    Scenario(
        title="9. What was exported changes nothing when it is imported again",
        steps=(
            Step(typed="registry export out", says=("out",)),
            Step(typed="registry import out", says=("0 added, 0 changed, 0 retired",)),
            Step(typed="registry export out.xlsx", says=("out.xlsx",)),
            Step(typed="registry import out.xlsx", says=("0 added, 0 changed, 0 retired",)),
        ),
        then=(
            "A01 AUGI Gibson Trading Pty Ltd NZ order [B01]: Jane Roe, 王伟, Bob",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi, 王伟",
            "A03 Kurz GmbH DE lead: Ann Kurz, Tom Bauer",
            "001 CNSD 顺达进口 CN order: ",
        ),
    ),
    Scenario(
        title="10. The merge is taken back, until something new hangs on it; a code is never given twice",
        steps=(
            Step(typed="customers unmerge B01", says=("B01",)),
            Step(typed="customers merge A01 B01", says=("B01",)),
            Step(typed="contacts add --code B01 --name Kim --email kim@gibson.example", says=("A01", "Kim")),
            Step(typed="customers unmerge B01", exit=2, says=("Kim",)),
            Step(typed="customers retire A03", says=("A03",)),
            Step(typed="customers add --show A --company 'New One' --country FR", says=("A04",)),
            Step(typed="customers add --show B --company 'New Two' --country FR", says=("B02",)),
        ),
        then=(
            "A01 AUGI Gibson Trading Pty Ltd NZ order [B01]: Jane Roe, 王伟, Bob, Kim",
            "A02 Rossi S.p.A. IT lead: Lucia Rossi, 王伟",
            "A03 Kurz GmbH DE lead: ",
            "001 CNSD 顺达进口 CN order: ",
            "A04 New One FR lead: ",
            "B02 New Two FR lead: ",
        ),
    ),
)


@pytest.fixture
def folder(database: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to type in, with a configuration of the test's database."""
    url = database.url.render_as_string(hide_password=False)
    (tmp_path / "mailsync.toml").write_text(f'database = "{url}"\nlanguage = "en"\ntimezone = "UTC"\n')
    (tmp_path / "cards.csv").write_text(CARDS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAILSYNC_CONFIG", str(tmp_path / "mailsync.toml"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def test_the_story_of_a_registry(
    database: sa.Engine, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for scenario in STORY:
        for step in scenario.steps:
            code = run(shlex.split(step.typed))
            said = "".join(capfd.readouterr())
            assert code == step.exit, f"{scenario.title}\n$ mailsync {step.typed}\n{said}"
            missing = [words for words in step.says if words not in said]
            assert not missing, f"{scenario.title}\n$ mailsync {step.typed}\n{said}"
        assert held(database) == scenario.then, scenario.title


def held(database: sa.Engine) -> tuple[str, ...]:
    """The registry as lines."""
    with database.connect() as connection:
        roster = load_roster(connection)
    lines = []
    for customer in roster.customers:
        people = ", ".join(person.name for person in roster.people_by_customer.get(customer.code, ()))
        old = f" [{' '.join(customer.superseded)}]" if customer.superseded else ""
        lines.append(
            f"{customer.full_code or customer.code} {customer.company} {customer.country} {customer.stage}{old}: "
            f"{people}"
        )
    return tuple(lines)
