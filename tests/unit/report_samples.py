"""Results of a small trading company, as tidy writes them (FORMATS 3), with texts that try to break a page."""

from __future__ import annotations

from typing import Any

from mailsync.report.build import build
from mailsync.report.parts import CustomerName, Report
from mailsync.text import N_, Sentence

HOSTILE = (
    '<img src=x onerror="alert(1)">',
    "{{7*7}}",
    "safe \u202egpj.exe",
    "[bold]x[/bold]",
    "a\x1b[2Jb\r\nc",
)


def parts(template: str, **fields: object) -> dict[str, Any]:
    """The sentence of a row, in words and taken apart."""
    sentence = Sentence.of(template, **fields)
    return {"sentence": str(sentence), "sentence_parts": sentence.to_json()}


def move(subject: str, folder: str, state: str = "done") -> dict[str, Any]:
    """A message's action."""
    said = parts(
        N_("Move “{subject}” from {before} to {after}"), subject=subject, before="INBOX", after=folder
    )
    target = f"INBOX;UIDVALIDITY=1/;UID={len(subject)}"
    return {
        "kind": "message-move",
        "target": target,
        "before": "INBOX",
        "after": folder,
        "state": state,
        **said,
    }


def rename(before: str, after: str, state: str = "done") -> dict[str, Any]:
    """A card's action."""
    said = parts(N_("Rename the card “{before}” to “{after}”"), before=before, after=after)
    target = f"/li.na/contacts/{len(before)}.vcf"
    return {"kind": "card-rename", "target": target, "before": before, "after": after, "state": state, **said}


def sent(
    uid: int, subject: str, verdict: str, customer: str | None = None, suggestion: str | None = None
) -> dict[str, Any]:
    """A row of the audit."""
    return {
        "mailbox": "Sent",
        "uid": uid,
        "message_id": f"<{uid}@x>",
        "subject": subject,
        "verdict": verdict,
        "customer": customer,
        "suggestion": suggestion,
    }


def note(kind: str, subject: str, words: str, customer: str | None = None) -> dict[str, Any]:
    """A finding, conflict or error without template."""
    return {"kind": kind, "subject": subject, "sentence": words, "customer": customer}


def result(account: str = "li.na", run: str = "r1", **over: Any) -> dict[str, Any]:
    """A run that found and did nothing, but for `over`."""
    return {
        "run": run,
        "account": account,
        "started": "2026-11-25T01:00:00+00:00",
        "finished": "2026-11-25T01:02:00+00:00",
        "dry_run": False,
        "exit_code": 0,
        "counts": {},
        "plan_hash": "0123456789ab",
        "attributions": [],
        "audit": [],
        "cards": [],
        "actions": [],
        "findings": [],
        "conflicts": [],
        "errors": [],
        **over,
    }


CUSTOMERS = {
    "D12": CustomerName(name="Gibson Importing", owner="li.na@ourcompany.example"),
    "D13": CustomerName(name="Ödegård Møbler", owner="li.na@ourcompany.example"),
    "E05": CustomerName(name="山田商事", owner="wang.fang@ourcompany.example"),
}


def company() -> Report:
    """Two reps and the company's book, one run each."""
    return build(
        _results(), customers=CUSTOMERS, names={"li.na": "Li Na 李娜", "wang.fang": "Wang Fang 王芳"}
    )


def _results() -> list[dict[str, Any]]:
    gibson, moebler, yamada = (
        "Customers/D12 Gibson Importing",
        "Customers/D13 Ödegård Møbler",
        "Customers/E05 山田商事",
    )
    first = result(
        exit_code=3,
        actions=[
            *(move(f"D12 order {number}", gibson) for number in range(14)),
            *(move(f"D13 sample {number}", moebler) for number in range(5)),
            move("D13 new price list", moebler, "conflict"),
            rename("Jane Roe", "D12 Jane Roe/Gibson Importing/AU"),
            rename("王伟", "D12 王伟/顺达货代/SH"),
            rename(HOSTILE[0], "D12 x/Gibson Importing/AU"),
        ],
        cards=[
            {"book": "b", "href": f"/{number}", "action": action, "before": f"Friend {number}"}
            for number, action in enumerate(["none"] * 40 + ["rename"] * 3 + ["unmatched"] * 6 + ["conflict"])
        ],
        audit=[
            *(sent(number, f"D12 order {number}", "ok", "D12") for number in range(20)),
            *(sent(30 + number, f"D13 order {number}", "ok", "D13") for number in range(2)),
            sent(50, "Price list for both of you", "cross_customer") | {"candidates": ["D12", "D13"]},
            sent(51, "New samples", "missing", "D13", "D13 New samples"),
            sent(52, "Re: d12 shipment 交期确认", "malformed", "D12", "Re: D12 shipment 交期确认"),
            sent(53, HOSTILE[0], "missing", "D12", f"D12 {HOSTILE[0]}"),
            sent(54, HOSTILE[2], "misplaced", "D12", f"D12 {HOSTILE[2]}"),
            sent(55, "Lunch?", "not_applicable"),
        ],
        conflicts=[
            note("photo", "/li.na/contacts/9.vcf", "The server would damage this card; it was left", "D12")
        ],
        findings=[
            note("candidate", "bob@gibson.example", "Writes inside D12's conversations", "D12"),
            note("candidate", HOSTILE[0], HOSTILE[1]),
            note("ambiguous", "<77@x>", "“Container space” may be about D12 or D13"),
            note("suggestion", "<78@x>", "The domain gibson.example is D12's", "D12"),
            note("upkeep", "D13", "No country in the registry", "D13"),
        ],
    )
    second = result(
        "wang.fang",
        "r2",
        actions=[move(f"E05 报价 {number}", yamada) for number in range(7)],
        audit=[
            *(sent(number, f"E05 {number}", "ok", "E05") for number in range(6)),
            sent(9, "报价单", "missing", "E05", "E05 报价单"),
            sent(10, "F03 order", "superseded", "E05", "E05 order"),
            sent(11, "x" * 300, "missing", "E05", "E05 " + "x" * 300),
        ],
    )
    return [first, second, result("book:company", "r3")]
