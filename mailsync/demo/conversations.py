"""The ordinary days of the sample company: orders, complaints and shipments between reps, customers and those around
them, with the mistakes people make in subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from mailsync.demo.company import REPS, Rep, SampleCustomer, SamplePerson, company
from mailsync.demo.desk import INBOX, OLD_SENT, SENT, Desk, Post, person_of
from mailsync.demo.letters import Person, Style
from mailsync.demo.subjects import MISTAKES, SubjectWriter

CONVERSATIONS_PER_CUSTOMER = 4
#: The share of conversations in which a rep writes the subject as it should be.
DISCIPLINE = {"li.na": 0.85, "wang.wei": 0.65, "chen.jie": 0.45}
#: Reply marks of each rep's mail client, and how it writes what is not ASCII.
MARKS = {"li.na": ("Re: ", "回复："), "wang.wei": ("答复: ", "RE: "), "chen.jie": ("Re: ", "RE[2]: ")}
STYLES: dict[str, Style] = {"li.na": "utf8-b", "wang.wei": "gb2312-b", "chen.jie": "utf8-q"}
#: Marks that the customers' clients and gateways put in front, by the end of the customer's domain.
CUSTOMER_MARKS = {
    "nordlicht.example": "AW: ",
    "vanderberg.example": "Antw: ",
    "hansenmoller.example": "SV: ",
    "oresund.example": "SV: ",
    "castilla.example": "RV: ",
    "pacificrim.example": "[EXTERNAL] Re: ",
    "maplehome.example": "RE: [EXTERNAL] ",
    "maison-riviere.example": "TR: ",
    "yongxing.example": "回覆: ",
}
#: Up to this many days ago; the last days belong to fresh mail (see `oddities`).
OLDEST_DAYS, YOUNGEST_DAYS = 420, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Everyday:
    """Writes the ordinary conversations onto the desk."""

    desk: Desk
    subjects: SubjectWriter

    def write(self) -> None:
        for rep in REPS:
            mistakes = cycle(MISTAKES)
            for customer in company().owned_by(rep.address):
                for number in range(CONVERSATIONS_PER_CUSTOMER):
                    right = self.desk.rng.random() < DISCIPLINE[rep.name]
                    verdict = "ok" if right else _possible(next(mistakes), customer)
                    self._order(rep, customer, verdict, number)
                if customer.superseded:
                    self._order(rep, customer, "superseded", 0)

    def _order(self, rep: Rep, customer: SampleCustomer, verdict: str, number: int) -> None:
        """Four to seven messages to and fro. The customer rarely knows of the code before the rep has used it."""
        rng, topic = self.desk.rng, self.subjects.topic()
        people = company().contacts(customer.code)
        partner = person_of(rng.choice(people))
        others = _others_around(customer, people)
        days = rng.uniform(YOUNGEST_DAYS, OLDEST_DAYS)
        sent = OLD_SENT if days > OLDEST_DAYS / 2 else SENT
        subject = self.subjects.write(customer, verdict, topic)
        post: Post | None = None
        if number % 2:
            post = self._incoming(rep, customer, partner, None, topic, days)
            subject = f"{rng.choice(MARKS[rep.name])}{subject}"
        for turn in range(rng.randint(2, 3)):
            days -= rng.uniform(0.2, 1.4)
            copied = [person_of(rng.choice(others))] if others and rng.random() < 0.3 else []
            post = self._outgoing(rep, customer, partner, post, subject, days, sent, verdict, copied)
            days -= rng.uniform(0.1, 1.2)
            mark = CUSTOMER_MARKS.get(customer.domain, "Re: ")
            post = self._incoming(rep, customer, partner, post, f"{mark}{_core(subject, turn)}", days)
            subject = f"{MARKS[rep.name][0]}{_core(subject, turn)}"

    def _incoming(
        self,
        rep: Rep,
        customer: SampleCustomer,
        partner: Person,
        parent: Post | None,
        subject: str,
        days: float,
    ) -> Post:
        return self.desk.post(
            rep,
            INBOX,
            sender=partner,
            to=[person_of(rep)],
            subject=subject,
            date=self.desk.ago(days),
            customer=customer.code,
            evidence="participant",
            parent=parent,
            style="gb2312-b" if customer.code == "015" else "utf8-q",
        )

    def _outgoing(
        self,
        rep: Rep,
        customer: SampleCustomer,
        partner: Person,
        parent: Post | None,
        subject: str,
        days: float,
        sent: str,
        verdict: str,
        copied: Sequence[Person],
    ) -> Post:
        # wang.wei writes with Outlook, which drops References when the subject of a reply is edited.
        outlook = rep.name == "wang.wei"
        return self.desk.post(
            rep,
            sent,
            sender=person_of(rep),
            to=[partner],
            cc=copied,
            subject=subject,
            date=self.desk.ago(days),
            customer=customer.code,
            evidence="participant",
            verdict=verdict,
            parent=parent,
            threading="thread-index" if outlook else "references",
            style=STYLES[rep.name],
        )


def _possible(mistake: str, customer: SampleCustomer) -> str:
    """Only who has superseded codes can be written to under one."""
    return "missing" if mistake == "superseded" and not customer.superseded else mistake


def _others_around(customer: SampleCustomer, people: Sequence[SamplePerson]) -> list[SamplePerson]:
    around = [person for person in company().people if customer.code in person.codes]
    return [person for person in around if person.shared] + list(people[1:])


def _core(subject: str, turn: int) -> str:
    """The subject without the rep's mark; people's clients pile them up only sometimes."""
    if turn % 2:
        return subject
    for marks in MARKS.values():
        for mark in marks:
            subject = subject.removeprefix(mark)
    return subject
