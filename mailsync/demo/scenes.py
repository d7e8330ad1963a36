"""Scenes of the sample mail in which the people around customers appear: forwarders, inspectors, banks, strangers."""

from __future__ import annotations

from dataclasses import dataclass

from mailsync.demo.company import REPS, Rep, company
from mailsync.demo.desk import INBOX, SENT, Desk, Post, person_of
from mailsync.demo.letters import Person

LI, WANG, CHEN = REPS
BANK: Person = ("Trade Finance", "lc@harbourbank.example")
COURIER: Person = ("Track & Trace", "track@fastcourier.example")


def _who(identity: str) -> Person:
    return person_of(company().person(identity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """Writes the scenes onto the desk, one method a scene."""

    desk: Desk

    def write(self) -> None:
        self._shared_forwarders()
        self._deciding_together()
        self._leaks()
        self._threads_with_strangers()
        self._outlook()
        self._relays_and_reports()
        self._strangers()
        self._filed_by_hand()
        self._piles_of_marks()

    def _sent(
        self, rep: Rep, to: list[Person], subject: str, days: float, customer: str | None, evidence: str,
        verdict: str, parent: Post | None = None,
    ) -> Post:  # fmt: skip
        return self.desk.post(
            rep, SENT, sender=person_of(rep), to=to, subject=subject, date=self.desk.ago(days),
            customer=customer, evidence=evidence, verdict=verdict, parent=parent,
        )  # fmt: skip

    def _received(
        self, rep: Rep, sender: Person, subject: str, days: float, customer: str | None, evidence: str,
        parent: Post | None = None, cc: tuple[Person, ...] = (),
    ) -> Post:  # fmt: skip
        return self.desk.post(
            rep, INBOX, sender=sender, to=[person_of(rep)], cc=cc, subject=subject, date=self.desk.ago(days),
            customer=customer, evidence=evidence, parent=parent,
        )  # fmt: skip

    def _shared_forwarders(self) -> None:
        """One forwarder serves several customers: the code decides, and the conversation; nothing else does."""
        shunda, docs, ningbo, elena = _who("p60"), _who("p61"), _who("p63"), _who("p65")
        for days, code, tail in ((200, "D12", " AUGI"), (170, "A01", ""), (140, "D13", ""), (120, "A12", "")):
            asked = self._sent(LI, [shunda, docs] if code in ("D12", "A01") else [shunda],
                               f"{code}{tail} booking", days, code, "code", "ok")  # fmt: skip
            self._received(LI, shunda, f"回复: {code}{tail} booking", days - 0.5, code, "code", asked)
            # The subject is changed midway, the conversation is the same.
            self._received(LI, docs, "SO confirmed", days - 1, code, "thread", asked)
        for days, code in ((210, "A04"), (180, "D18"), (150, "E02"), (130, "001")):
            asked = self._sent(WANG, [ningbo], f"{code} sea freight", days, code, "code", "ok")
            self._received(WANG, ningbo, f"回复: {code} sea freight", days - 0.4, code, "code", asked)
        self._received(LI, shunda, "rates from next month", 90, None, "ambiguous|none")
        self._sent(LI, [shunda], "rates please", 91, None, "ambiguous|none", "missing")
        self._sent(LI, [shunda], "D99 booking", 92, None, "ambiguous|none", "unknown_code")
        self._sent(LI, [shunda], "d12 booking amended", 93, "D12", "code", "malformed")
        self._sent(LI, [shunda], "F03 booking amended", 94, "D12", "code", "superseded")
        # A code of a customer he is not engaged with yet: the code decides, the engagement is a candidate.
        self._sent(WANG, [ningbo], "D100 first container", 95, "D100", "code", "ok")
        self._sent(CHEN, [elena], "E08 pickup in Gdynia", 96, "E08", "code", "ok")
        self._received(CHEN, elena, "arrival notice", 97, None, "ambiguous|none")

    def _deciding_together(self) -> None:
        """A forwarder with one customer only, and two shared people with one customer in common."""
        can, tom, lea = _who("p64"), _who("p62"), _who("p70")
        self._sent(CHEN, [can], "007 TRIZ customs papers", 80, "007", "participant", "ok")
        self._sent(CHEN, [can], "customs papers", 79, "007", "participant", "missing")
        self._received(CHEN, can, "Re: customs papers", 78.5, "007", "participant")
        self._received(LI, tom, "test report for the release", 77, "D12", "participant", cc=(lea,))
        self._sent(LI, [tom, lea], "release of the goods", 76, "D12", "participant", "missing")
        # A customer's person and a shared one: the customer's person decides.
        self._received(LI, _who("p14"), "container dates", 75, "D13", "participant", cc=(tom,))

    def _leaks(self) -> None:
        """Two customers in one message."""
        jane, aroha = _who("p11"), _who("p14")
        giulia, zofia = _who("p26"), _who("p28")
        self._sent(LI, [jane, aroha], "new price list", 70, None, "ambiguous", "cross_customer")
        self._sent(LI, [jane, aroha], "D12 new price list", 69, "D12", "code", "cross_customer")
        self._sent(CHEN, [giulia, zofia], "offer", 68, None, "ambiguous", "cross_customer")
        self._received(LI, jane, "shared container?", 67, None, "ambiguous", cc=(aroha,))

    def _threads_with_strangers(self) -> None:
        """Bank and courier inside a customer's conversation, also where they change the subject."""
        for rep, code, person, days in (
            (LI, "D12", "p12", 60), (LI, "F01", "p33", 64), (WANG, "D18", "p16", 62), (CHEN, "E05", "p27", 58),
        ):  # fmt: skip
            root = self._sent(rep, [_who(person)], f"{code} L/C draft", days, code, "participant", "ok")
            bank = self._received(rep, BANK, "documents received", days - 1, code, "thread", root)
            self._sent(rep, [BANK], "Re: documents received", days - 1.5, code, "thread", "missing", bank)
            self._received(rep, COURIER, "your shipment is on its way", days - 2, code, "thread", bank)
        # An old message of D12 was answered to begin something with E05's people: they are E05's.
        old = self._sent(CHEN, [_who("p18")], "D21 tiles", 57, "D21", "participant", "ok")
        self._received(CHEN, _who("p26"), "Re: D21 tiles", 56, "E05", "participant", old)

    def _outlook(self) -> None:
        """Outlook drops References when the subject is edited; its Thread-Index stays."""
        linda, stranger = _who("p17"), ("Sam Ito", "sam.ito@design-lab.example")
        root = self.desk.post(
            WANG, INBOX, sender=linda, to=[person_of(WANG)], subject="colour chart", date=self.desk.ago(47),
            customer="D18", evidence="participant", threading="thread-index",
        )  # fmt: skip
        for number, subject in enumerate(("colours, second round", "final colours")):
            self.desk.post(
                WANG, INBOX, sender=stranger, to=[person_of(WANG)], subject=subject,
                date=self.desk.ago(46 - number), customer="D18", evidence="thread", parent=root,
                threading="thread-index",
            )  # fmt: skip
        self.desk.post(
            WANG, SENT, sender=person_of(WANG), to=[stranger], subject="D18 final colours",
            date=self.desk.ago(44), customer="D18", evidence="code", verdict="ok", parent=root,
            threading="thread-index",
        )  # fmt: skip

    def _relays_and_reports(self) -> None:
        """A relay replaced the Message-ID: answers name the former one. And mail that came back."""
        thandi = _who("p38")
        former = "<original.7781@capeharvest.example>"
        relayed = self.desk.post(
            LI, INBOX, sender=thandi, to=[person_of(LI)], subject="pallets", date=self.desk.ago(38),
            customer="F14", evidence="participant", message_id="<0100018f.relay@mail-relay.example>",
            extra=[("X-Google-Original-Message-ID", former)],
        )  # fmt: skip
        self.desk.post(
            LI, INBOX, sender=("Depot", "depot@capedepot.example"), to=[person_of(LI)], subject="pallets returned",
            date=self.desk.ago(37), customer="F14", evidence="thread", parent=relayed, threading="none",
            extra=[("In-Reply-To", former)],
        )  # fmt: skip
        for rep, code, person in ((LI, "D12", "p12"), (WANG, "E02", "p24"), (CHEN, "E08", "p29")):
            sent = self._sent(rep, [_who(person)], f"{code} statement", 36, code, "participant", "ok")
            self.desk.bounce(sent, _who(person)[1], date=self.desk.ago(35.9))
            lost = self._sent(
                rep, [("", "old.address@nobody.example")], "greetings", 34, None, "none", "not_applicable"
            )
            self.desk.bounce(lost, "old.address@nobody.example", date=self.desk.ago(33.9), known=False)

    def _strangers(self) -> None:
        """Unknown people alone: only a code in its right form counts. Uncoded leads are unknown people too."""
        trucks: Person = ("Speedy Trucks", "dispatch@speedytrucks.example")
        self._received(LI, trucks, "D12 container at gate 4", 32, "D12", "code")
        self._received(LI, trucks, "D12 AUGI container empty", 31, "D12", "code")
        self._received(LI, trucks, "d13 container", 30, None, "none")
        self._received(LI, trucks, "D88 container", 29, None, "none")
        for number, lead in enumerate(("p80", "p81", "p82", "p83", "p84")):
            rep = REPS[number % 3]
            first = self._received(rep, _who(lead), "inquiry about garden tools", 28 - number, None, "none")
            self._sent(rep, [_who(lead)], "Re: inquiry about garden tools", 27.5 - number, None, "none",
                       "not_applicable", first)  # fmt: skip
        # Suggestions only: a new colleague at a customer's domain, and the same subject from the same stranger.
        self._received(
            LI, ("Noah Field", "noah.field@gibson.example"), "introducing myself", 22, None, "none"
        )
        self._received(LI, trucks, "waiting fee", 21, None, "none")
        # A second address, as people have it at home.
        self.desk.post(
            LI, INBOX, sender=person_of(company().person("p11"), 1), to=[person_of(LI)], subject="from home",
            date=self.desk.ago(20), customer="D12", evidence="participant",
        )  # fmt: skip

    def _filed_by_hand(self) -> None:
        """A rep moved a surveyor's message into the customer's folder: its conversation belongs there."""
        surveyor: Person = ("Marine Survey", "office@marinesurvey.example")
        folder = company().customer("D13").mailbox
        root = self.desk.post(
            LI, folder, sender=surveyor, to=[person_of(LI)], subject="survey appointment",
            date=self.desk.ago(18), customer="D13", evidence="filed", stays=True,
        )  # fmt: skip
        self._received(LI, surveyor, "Re: survey appointment", 17, "D13", "filed", root)

    def _piles_of_marks(self) -> None:
        """Marks and tags of every kind in front of a right, and of a missing code."""
        jane = _who("p11")
        self._sent(
            LI, [jane], "答复: [External] Re: RE[2]: 回复：D12 samples", 16, "D12", "participant", "ok"
        )
        self._sent(
            LI, [jane], "Fw: 转发：AW: [EXTERNAL] WG: SV: D12 AUGI order 7", 15, "D12", "participant", "ok"
        )
        self._sent(LI, [jane], "Re:Re:Re:Re:Re:Re:Re:Re:Re:Re:Re:Re:Re:Re:Re:Re: samples", 14, "D12",
                   "participant", "missing")  # fmt: skip
        self._sent(LI, [jane], "D12 DEGI order 8", 13, "D12", "participant", "malformed")
        self._sent(LI, [_who("p14")], "D13 NZKO samples", 12.5, "D13", "participant", "ok")
        self._sent(LI, [jane], "D12 ITEMS list", 12.2, "D12", "participant", "ok")
