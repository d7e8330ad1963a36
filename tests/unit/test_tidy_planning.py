"""In which order cards are written."""

from __future__ import annotations

from datetime import UTC, datetime

from mailsync.registry.roster import Customer, Roster
from mailsync.run.actions import CardDelete, CardRename, NameProperties
from mailsync.tidy.planning import in_order_of_need


def rename(*codes: str) -> CardRename:
    return CardRename(
        book="https://dav.example/b/",
        href=f"/b/{'-'.join(codes)}.vcf",
        uid="u",
        etag='"1"',
        before="x",
        after="y",
        codes=codes,
        edit=NameProperties(fn="y"),
    )


def test_customers_with_new_mail_come_first_then_by_stage_then_the_rest() -> None:
    stages = {"D01": "lead", "D02": "order", "D03": "dormant", "D04": None, "D05": "lead", "D06": "order"}
    roster = Roster(
        customers=tuple(Customer(code=code, company=code, stage=stage) for code, stage in stages.items())
    )
    gone = CardDelete(book="https://dav.example/b/", href="/b/gone.vcf", uid="u", etag='"1"', before="x")
    actions = [gone, *(rename(code) for code in stages), rename("D05", "D01")]
    newest = {"D03": datetime(2026, 11, 1, tzinfo=UTC), "D05": datetime(2026, 11, 2, tzinfo=UTC)}
    ordered = [
        one.codes if isinstance(one, CardRename) else () for one in in_order_of_need(actions, roster, newest)
    ]
    assert ordered == [("D05",), ("D05", "D01"), ("D03",), ("D02",), ("D06",), ("D01",), (), ("D04",)]
