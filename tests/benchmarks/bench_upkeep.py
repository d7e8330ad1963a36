"""How long duplicates take among 500 and 2,500 customers: `python tests/benchmarks/bench_upkeep.py`. Growth is the ratio
of the two, in one run."""

from __future__ import annotations

import random
import sys
import time

from mailsync.registry.duplicates import _read, duplicates
from mailsync.registry.roster import Contact, Customer, Roster

FIRST = [
    "Gib",
    "Ros",
    "Kur",
    "Han",
    "Del",
    "Nor",
    "Sol",
    "Mar",
    "Ber",
    "Tan",
    "Vel",
    "Pol",
    "Ser",
    "Cal",
    "Dra",
]
SECOND = [
    "son",
    "si",
    "z",
    "sa",
    "ta",
    "thern",
    "aris",
    "ina",
    "mann",
    "aka",
    "vet",
    "aris",
    "geti",
    "der",
    "kon",
]
WHAT = [
    "Importing",
    "Trading GmbH",
    "Exports Ltd",
    "Home",
    "Textiles",
    "Foods",
    "Tools S.p.A.",
    "进口",
    "Group",
]


def house(count: int) -> Roster:
    chance = random.Random(7)
    customers, contacts = [], []
    for number in range(count):
        words = [f"{chance.choice(FIRST)}{chance.choice(SECOND)}" for _ in range(chance.randint(1, 2))]
        company = " ".join([*words, chance.choice(WHAT)])
        code = f"D{number + 1}"
        customers.append(
            Customer(code=code, company=company, country=chance.choice(["AU", "DE", "IT", None]))
        )
        for person in range(3):
            address = f"p{person}@{'-'.join(words).lower()}{number % 400}.example"
            contacts.append(
                Contact(
                    id=address,
                    role="contact",
                    addresses=(address,),
                    customers=(code,),
                    phone=f"+61 2 5550 {number:04d}",
                )
            )
    return Roster(customers=tuple(customers), contacts=tuple(contacts))


def seconds(roster: Roster) -> tuple[float, int]:
    _read.cache_clear()
    start = time.perf_counter()
    found = duplicates(roster, company_domain=lambda _: True)
    return time.perf_counter() - start, len(found)


def main() -> None:
    small, large = seconds(house(500)), seconds(house(2500))
    sys.stdout.write(
        f"500 customers: {small[0]:.2f} s ({small[1]} pairs); 2,500: {large[0]:.2f} s ({large[1]} pairs)\n"
    )
    sys.stdout.write(f"5 times the customers take {large[0] / small[0]:.1f} times as long\n")


if __name__ == "__main__":
    main()
