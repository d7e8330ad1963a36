"""Words for the stable keys of results: verdicts, changes, exit codes, kinds of findings. Pure."""

from __future__ import annotations

from typing import Literal

from mailsync.text import N_

VERDICTS = {
    "cross_customer": N_("went to several customers"),
    "wrong_customer": N_("another customer's code"),
    "unknown_code": N_("a code nobody has"),
    "superseded": N_("an old code"),
    "malformed": N_("code not written as registered"),
    "misplaced": N_("code not at the front"),
    "missing": N_("no code"),
}

CARD_CHANGES = {
    "card-rename": N_("renamed"),
    "card-create": N_("added"),
    "card-restore": N_("former name back"),
    "card-delete": N_("taken away"),
    "card-replace": N_("put back"),
}

CARD_ACTIONS = {
    "none": N_("right already"),
    "rename": N_("name was not right"),
    "create": N_("entry was missing"),
    "restore": N_("engagement had ended"),
    "conflict": N_("left alone, needs a look"),
    "duplicate": N_("second card of an address, left alone"),
    "unmatched": N_("nobody in the registry, left alone"),
}

EXITS = {
    "0": N_("done"),
    "1": N_("ended unexpectedly"),
    "2": N_("configuration or secret wrong"),
    "3": N_("done, some things left alone"),
    "10": N_("registry missing or empty"),
    "11": N_("another run was under way"),
    "12": N_("login refused or server away"),
    "20": N_("held: not yet confirmed, or a brake"),
    "30": N_("database unusable"),
    "130": N_("interrupted"),
}

KINDS = {
    "abandoned": N_("given up"),
    "address-differs": N_("address differs"),
    "brake": N_("brake"),
    "card-conflict": N_("card left alone"),
    "conflict": N_("conflict"),
    "duplicate": N_("second card"),
    "error": N_("error"),
    "failed": N_("failed"),
    "folder-left": N_("folder left"),
    "folder-name": N_("folder name"),
    "foreign-href": N_("address book"),
    "interrupted": N_("interrupted run"),
    "mailbox": N_("folder"),
    "misfiled": N_("in another folder"),
    "missing-card": N_("card missing"),
    "open": N_("not finished"),
    "read-only-book": N_("read-only book"),
    "registry-retired": N_("gone from the registry's source"),
    "registry-row": N_("registry"),
    "report-only": N_("report only"),
    "server": N_("server"),
    "stays": N_("stays"),
    "shrunken-mailbox": N_("folder emptied"),
    "undo-left": N_("not taken back"),
    "unreadable-message": N_("mail unreadable"),
    "unknown-part": N_("name incomplete"),
    "upkeep-bounced": N_("Addresses that bounced"),
    "upkeep-code-in-address": N_("Codes inside addresses of others"),
    "upkeep-code-in-code": N_("Codes inside other codes"),
    "upkeep-crowd": N_("More people than a mail program shows"),
    "upkeep-duplicate": N_("Customers that may be one"),
    "upkeep-lively": N_("Leads that behave like customers"),
    "upkeep-no-contact": N_("Customers without a contact"),
    "upkeep-no-country": N_("Customers without a country"),
    "upkeep-no-full-code": N_("Orders without a full code"),
    "upkeep-no-owner": N_("Customers without an owner"),
    "upkeep-silent": N_("Contacts without mail for a year"),
    "candidate": N_("People who are not registered"),
    "vanished-book": N_("book gone"),
    "wrong-code": N_("wrong code"),
}

#: Shares from which a bar is shown as good, and below which as bad.
GOOD, BAD = 0.9, 0.7


def kind_of(kind: str) -> str:
    """The key of `KINDS` for a finding's kind: `message-move-failed`, of an action, is `failed`."""
    last = kind.rpartition("-")[2]
    return kind if kind in KINDS or last not in KINDS else last


def percent(share: float) -> str:
    """`0.837` → `83 %`: rounded down, so that 100 % means all."""
    return f"{int(share * 100 + 1e-9)} %"


def tone_of(share: float) -> Literal["good", "plain", "bad"]:
    """How a share is shown."""
    if share >= GOOD:
        return "good"
    return "bad" if share < BAD else "plain"
