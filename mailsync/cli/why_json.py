"""What `why` found, for a program: one JSON object a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mailsync.cli.context import Context
from mailsync.cli.show import json_line
from mailsync.lookup.naming import Hit
from mailsync.lookup.why import AddressWhy, Choice, Letter, MessageWhy, PersonSeen, Why

#: Messages of one list.
_MOST = 100


def write(context: Context, told: Why, command: Callable[[Hit], str]) -> None:
    """One object with `what`: `message` or `address`; of a choice one object each, `choice`."""
    match told.found:
        case MessageWhy():
            json_line(_message(context, told.found))
        case AddressWhy():
            json_line(_address(context, told.found))
        case Choice():
            for hit in told.found.hits:
                place = {
                    "account": hit.account.name,
                    **_place(hit),
                    "mailbox": hit.message.key.mailbox,
                }
                json_line({"what": "choice", **place, "command": command(hit)})
            for address in told.found.addresses:
                json_line({"what": "choice", "address": address})


def _message(context: Context, found: MessageWhy) -> dict[str, Any]:
    made = found.letter.attribution
    return {
        "what": "message",
        **_letter(found.letter),
        "candidates": list(made.candidates),
        "note": made.note.render(context.translate) if made.note else None,
        "weighed": [
            {
                "evidence": row.evidence,
                "decides": row.decides,
                "customer": row.customer,
                "named": list(row.named),
                "sentence": row.sentence.render(context.translate),
                "by": [{"mailbox": key.mailbox, "uid": key.uid} for key in row.by[:_MOST]],
            }
            for row in found.weighed
        ],
        "conversation": {
            "messages": len(found.conversation),
            "neighbours": [
                {**_letter(letter), "tells": letter.tells}
                for letter in found.conversation
                if letter.tells or letter.message.key != found.letter.message.key
            ][:_MOST],
        },
        "people": [{"field": one.field, **_person(one), "counts": one.counts} for one in found.people],
        "codes": [
            {
                "written": one.written,
                "spelling": one.spelling,
                "first": one.first,
                "codes": list(one.codes),
                "customers": list(one.customers),
            }
            for one in found.codes
        ],
    }


def _address(context: Context, found: AddressWhy) -> dict[str, Any]:
    return {
        "what": "address",
        **_person(found.person),
        "registered": [
            {
                "name": one.name,
                "role": one.role,
                "company": one.company,
                "customers": list(one.customers),
                "emails": list(one.addresses),
                "retired": one.retired,
            }
            for one in found.person.contacts
        ],
        "cards": [
            {"book_of": card.owner, "href": card.href, "name": card.meaning.fn, "written": card.written}
            for card in found.cards
        ],
        "total": len(found.letters),
        "counts": [
            {"customer": customer, "evidence": evidence, "messages": count}
            for (customer, evidence), count in found.counts.items()
        ],
        "messages": [_letter(letter) for letter in found.letters[:_MOST]],
        "findings": [
            {
                "kind": one.kind,
                "customer": one.customer,
                "sentence": one.sentence.render(context.translate),
                "command": one.command,
            }
            for one in found.findings
        ],
    }


def _person(person: PersonSeen) -> dict[str, Any]:
    return {
        "address": person.address,
        "name": person.name,
        "standing": person.standing,
        "customers": list(person.customers),
    }


def _letter(letter: Letter) -> dict[str, Any]:
    made = letter.attribution
    return {
        "account": letter.account,
        **_place(letter),
        "mailbox": letter.mailbox,
        "customer": made.customer,
        "evidence": made.evidence,
    }


def _place(one: Letter | Hit) -> dict[str, Any]:
    message = one.message
    return {
        "uidvalidity": message.key.uidvalidity,
        "uid": message.key.uid,
        "message_id": message.envelope.message_id,
        "date": message.when.isoformat(),
        "subject": message.envelope.subject,
    }
