"""The unusual mail of the sample company: everything DOMAIN 6 and 7 name that the ordinary days do not show."""

from __future__ import annotations

from dataclasses import dataclass

from mailsync.demo.company import REPS, Rep, company
from mailsync.demo.desk import INBOX, SENT, Desk, person_of
from mailsync.demo.letters import Person, Style

LI, WANG, CHEN = REPS
NEWS: tuple[Person, ...] = (
    ("Paper World", "news@paperworld.example"),
    ("Fair Calendar", "noreply@faircalendar.example"),
    ("Visa Service", "info@visaservice.example"),
    ("Office Supplies", "shop@officesupplies.example"),
)
BULK = (("List-Unsubscribe", "<mailto:leave@paperworld.example>"), ("Precedence", "bulk"))
#: Subjects that look like codes and are none, or are one and must not count in bulk mail.
BULK_SUBJECTS = (
    "A4 paper at the best price",
    "B2 visa in three days",
    "2019 samples sale",
    "D12 connectors in stock",
    "E05 approval news",
    "350 pcs minimum order",
    "F1 weekend tickets",
    "012 dialling code changes",
    "2024 fair calendar",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddities:
    """Writes the unusual mail onto the desk."""

    desk: Desk

    def write(self) -> None:
        for rep in REPS:
            self._bulk(rep)
            self._internal(rep)
            self._fresh(rep)
            self._waiting(rep)
            self._untouched(rep)
        self._encodings()
        self._senders()

    def _bulk(self, rep: Rep) -> None:
        for number, subject in enumerate(BULK_SUBJECTS):
            self.desk.post(
                rep,
                INBOX,
                sender=NEWS[number % len(NEWS)],
                to=[person_of(rep)],
                subject=subject,
                date=self.desk.ago(20 + 11 * number),
                extra=BULK[:1] if number % 2 else BULK[1:],
            )

    def _internal(self, rep: Rep) -> None:
        """Colleagues are never evidence; a code they write is."""
        colleague = ("Warehouse", "warehouse@ourcompany.example")
        code = company().owned_by(rep.address)[1].code
        mail = (
            ("lunch on Friday?", None, "none", "not_applicable"),
            ("Q3 report", None, "none", "not_applicable"),
            ("2024 holidays", None, "none", "not_applicable"),
            (f"{code} stock in hall 2", code, "code", "ok"),
            (f"Re: {code} labels are wrong", code, "code", "ok"),
            (f"{code.lower()} pallets", code, "code", "malformed"),
        )
        for number, (subject, customer, evidence, verdict) in enumerate(mail):
            if subject == f"{code.lower()} pallets" and code.isdigit():
                continue
            date = self.desk.ago(30 + 9 * number)
            sent = self.desk.post(
                rep, SENT, sender=person_of(rep), to=[colleague], subject=subject, date=date, customer=customer,
                evidence=evidence, verdict=verdict,
            )  # fmt: skip
            self.desk.post(
                rep, INBOX, sender=colleague, to=[person_of(rep)], subject=f"Re: {subject}",
                date=self.desk.ago(29 + 9 * number), customer=customer, evidence=evidence, parent=sent,
            )  # fmt: skip

    def _fresh(self, rep: Rep) -> None:
        """The last two days: attributed, but not yet filed, read or not."""
        for number, customer in enumerate(company().owned_by(rep.address)[:6]):
            partner = person_of(company().contacts(customer.code)[0])
            self.desk.post(
                rep, INBOX, sender=partner, to=[person_of(rep)], subject="question about the new order",
                date=self.desk.ago(0.2 + 0.3 * number), customer=customer.code, evidence="participant",
                flags=frozenset() if number % 2 else frozenset({"\\Seen"}),
            )  # fmt: skip

    def _waiting(self, rep: Rep) -> None:
        """In an old conversation: an unread and a flagged message wait, a read one of today follows at once."""
        for number, customer in enumerate(company().owned_by(rep.address)[:3]):
            partner = person_of(company().contacts(customer.code)[-1])
            root = self.desk.post(
                rep, SENT, sender=person_of(rep), to=[partner], subject=f"{customer.code} carton size",
                date=self.desk.ago(9 + number), customer=customer.code, evidence="participant", verdict="ok",
            )  # fmt: skip
            flags = ({"\\Seen", "\\Answered", "$Label1"}, set[str](), {"\\Seen", "\\Flagged"}, {"\\Seen"})
            for days, flag in zip((7.5, 6.5, 5.5, 0.5), flags, strict=True):
                root = self.desk.post(
                    rep, INBOX, sender=partner, to=[person_of(rep)], subject=f"Re: {customer.code} carton size",
                    date=self.desk.ago(days), customer=customer.code, evidence="participant", parent=root,
                    flags=frozenset(flag),
                )  # fmt: skip

    def _untouched(self, rep: Rep) -> None:
        """Junk, Trash and Drafts are never touched."""
        customer = company().owned_by(rep.address)[0]
        partner = person_of(company().contacts(customer.code)[0])
        me = person_of(rep)
        for mailbox, sender, to in (("Junk", partner, me), ("Trash", partner, me), ("Drafts", me, partner)):
            self.desk.post(
                rep, mailbox, sender=sender, to=[to], subject=f"{customer.code} old papers",
                date=self.desk.ago(60), customer=customer.code,
            )  # fmt: skip

    def _encodings(self) -> None:
        """Chinese subjects in every way they are written; the customer 015 writes nothing else."""
        huang = person_of(company().person("p48"))
        styles: tuple[Style, ...] = ("raw-gbk", "gb2312-b", "utf8-q", "utf8-b", "raw-utf8")
        for number, style in enumerate(styles):
            sent = self.desk.post(
                WANG, SENT, sender=person_of(WANG), to=[huang], subject="答复: 015 报价单和样品寄送安排",
                date=self.desk.ago(100 + number), customer="015", evidence="participant", verdict="ok",
                style=style,
            )  # fmt: skip
            self.desk.post(
                WANG, INBOX, sender=huang, to=[person_of(WANG)], subject="回复：答复: 015 报价单和样品寄送安排",
                date=self.desk.ago(99.5 + number), customer="015", evidence="participant", parent=sent,
                style=style,
            )  # fmt: skip

    def _senders(self) -> None:
        """Ways in which a message names its people, or fails to."""
        me = person_of(CHEN)
        giulia, marco = person_of(company().person("p26")), person_of(company().person("p27"))
        post = self.desk.post
        # A web platform writes for the customer: the customer stands in Reply-To only.
        post(
            CHEN, INBOX, sender=("Trade Platform", "noreply@platform.example"), to=[me], subject="You have a message",
            date=self.desk.ago(41), customer="E05", evidence="participant", extra=[("Reply-To", giulia[1])],
        )  # fmt: skip
        # The designer writes, the customer is only copied.
        post(
            CHEN, INBOX, sender=("Studio Blu", "hello@studioblu.example"), to=[me], cc=[marco],
            subject="artwork files", date=self.desk.ago(42), customer="E05", evidence="participant",
        )  # fmt: skip
        # Without a Message-ID, and one with a header of 100 kB.
        for number in range(4):
            post(
                CHEN, INBOX, sender=marco, to=[me], subject=f"scanned page {number + 1}",
                date=self.desk.ago(50 + number), customer="E05", evidence="participant", anonymous=True,
            )  # fmt: skip
        spam_report = "\r\n ".join(
            f"rule_{number:05d} does not apply to this message" for number in range(2300)
        )
        post(
            CHEN, INBOX, sender=giulia, to=[me], subject="Re: E05 ITRC order 7", date=self.desk.ago(55),
            customer="E05", evidence="participant", extra=[("X-Spam-Report", spam_report)],
        )  # fmt: skip
        # A copy to oneself: in INBOX and in Sent, with one Message-ID.
        mine = post(
            CHEN, SENT, sender=me, to=[giulia], cc=[me], subject="E05 price list", date=self.desk.ago(57),
            customer="E05", evidence="participant", verdict="ok",
        )  # fmt: skip
        post(
            CHEN, INBOX, sender=me, to=[giulia], cc=[me], subject="E05 price list", date=self.desk.ago(57),
            customer="E05", evidence="participant", message_id=mine.message_id,
            extra=[("Received", "from mx.ourcompany.example by store.ourcompany.example")],
        )  # fmt: skip
