"""The sample trading company: who is who, as its people would have typed it. All of it is made up."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

OWN_DOMAIN = "ourcompany.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rep:
    """A sales rep of the company."""

    name: str  #: login and account name
    shown: str

    @property
    def address(self) -> str:
        return f"{self.name}@{OWN_DOMAIN}"


REPS = (
    Rep(name="li.na", shown="Li Na"),
    Rep(name="wang.wei", shown="王薇"),
    Rep(name="chen.jie", shown="Chen Jie (Sales)"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCustomer:
    """A customer of the sample company; merged ones are left out here and named in `superseded`."""

    code: str
    superseded: tuple[str, ...]
    full_code: str | None
    owner: str  #: the rep's address
    folder: str  #: the folder's last part, decided by hand
    domain: str

    @property
    def mailbox(self) -> str:
        return f"Customers/{self.folder}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePerson:
    """A person of the registry, with the display name decided by hand."""

    id: str
    codes: tuple[str, ...]  #: of surviving customers, the earliest first; empty: uncoded
    role: str
    name: str
    addresses: tuple[str, ...]
    company: str
    shown: str  #: `Jane Roe/Gibson Importing/AU`

    @property
    def shared(self) -> bool:
        """Forwarders and inspectors, who may serve several customers."""
        return self.role != "contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The sample company's customers in the order of their codes, and its people."""

    customers: tuple[SampleCustomer, ...]
    people: tuple[SamplePerson, ...]

    def customer(self, code: str) -> SampleCustomer:
        return next(customer for customer in self.customers if customer.code == code)

    def person(self, identity: str) -> SamplePerson:
        return next(person for person in self.people if person.id == identity)

    def contacts(self, code: str) -> list[SamplePerson]:
        """The customer's own people."""
        return [person for person in self.people if not person.shared and code in person.codes]

    def owned_by(self, address: str) -> list[SampleCustomer]:
        return [customer for customer in self.customers if customer.owner == address]


@cache
def company() -> Company:
    """Read the tables of this package."""
    rows = list(table("customers"))
    survivor = {row["code"]: row["merged_into"] or row["code"] for row in rows}
    order = {row["code"]: place for place, row in enumerate(rows)}
    customers = tuple(
        SampleCustomer(
            code=row["code"],
            superseded=tuple(code for code, kept in survivor.items() if kept == row["code"] != code),
            full_code=row["full_code"] or None,
            owner=row["owner"],
            folder=row["folder"],
            domain=row["domain"],
        )
        for row in rows
        if not row["merged_into"]
    )
    return Company(
        customers=customers, people=tuple(_person(row, survivor, order) for row in table("people"))
    )


def table(name: str) -> Iterator[dict[str, str]]:
    """The rows of one of this package's tables."""
    text = (resources.files(__name__) / f"{name}.tsv").read_text(encoding="utf-8")
    yield from csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)


def lines() -> list[str]:
    """Sentences that messages are made of."""
    return [row["line"] for row in table("lines")]


def write_registry(folder: Path) -> None:
    """Write the registry as a folder of files such as people keep: one in UTF-8, one with semicolons and a byte-order
    mark, one in GB18030 with Chinese headings (FORMATS 1)."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "shows.csv", list(table("shows")), ",", "utf-8")
    customers = [{key: cell for key, cell in row.items() if key not in _OURS} for row in table("customers")]
    _write(folder / "customers.csv", customers, ";", "utf-8-sig")
    people = [
        {_CHINESE.get(key, key): cell for key, cell in row.items() if key not in _OURS}
        for row in table("people")
    ]
    _write(folder / "people.csv", people, ",", "gb18030")


#: Columns of our tables that are the demo's own.
_OURS = frozenset({"folder", "domain", "shown"})
_CHINESE = {
    "codes": "客户编号",
    "role": "角色",
    "name": "姓名",
    "company": "公司",
    "region": "国家地区",
    "email": "邮箱",
    "phone": "电话",
    "title": "职位",
}


def _person(row: dict[str, str], survivor: dict[str, str], order: dict[str, int]) -> SamplePerson:
    written = row["codes"].replace(",", " ").replace(";", " ").split()
    return SamplePerson(
        id=row["id"],
        codes=tuple(sorted({survivor[code] for code in written}, key=order.__getitem__)),
        role=row["role"],
        name=row["name"],
        addresses=tuple(address for address in (row["email"], row["email2"]) if address),
        company=row["company"],
        shown=row["shown"],
    )


def _write(path: Path, rows: list[dict[str, str]], delimiter: str, encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
