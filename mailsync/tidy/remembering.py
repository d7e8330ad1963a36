"""What is remembered of messages from run to run, so that a person's move back is known as one (DOMAIN 7.4). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mailsync.mailbox.following import Carried
from mailsync.mailbox.headers import Message, MessageKey
from mailsync.run.actions import Place
from mailsync.run.results import Decision
from mailsync.tidy.mail_plan import MailPlan

#: Of a place that a person took a message out of, back to INBOX or Sent: kept while it lies there.
TAKEN_OUT = "taken-out"


def decide_all(plan: MailPlan, messages: Sequence[Message]) -> dict[Place, Decision]:
    """What `plan` decided of each message, by where it lies."""
    attributions = plan.attributions.by_key
    verdicts = {verdict.key: verdict.verdict for verdict in plan.verdicts}
    return {
        Place(*message.key): Decision(
            customer=attributions[message.key].customer,
            evidence=attributions[message.key].evidence,
            verdict=verdicts.get(message.key),
            fingerprint=None if _is_source(message) else message.fingerprint,
        )
        for message in messages
        if message.key in attributions
    }


def followed(
    decided: Mapping[Place, Decision],
    messages: Sequence[Message],
    carried: Sequence[Carried],
    now: Callable[[str], str],
) -> dict[Place, Decision]:
    """What was decided, by where messages lie after this run filed them and renamed folders. `now`: former mailbox →
    present one; `carried` is told by these."""

    def there(place: Place | MessageKey) -> Place:
        return Place(now(place.mailbox), place.uidvalidity, place.uid)

    decided = {there(place): decision for place, decision in decided.items()}
    fingerprints = {there(message.key): message.fingerprint for message in messages}
    arrived = {
        Place(*one.destination): replace(
            decided[Place(*one.source)], verdict=None, fingerprint=fingerprints[Place(*one.source)]
        )
        for one in carried
        if Place(*one.source) in decided
    }
    left = {Place(*one.source) for one in carried if not one.stays}
    return {place: decision for place, decision in decided.items() if place not in left} | arrived


def seen_outside(former: Mapping[Place, Decision], messages: Sequence[Message]) -> dict[Place, str]:
    """Places outside INBOX and Sent → fingerprint of what may have come back from there: a message that an earlier
    run knew there, and that is new in INBOX or Sent. One that lay in both before was not moved."""
    new = {one.fingerprint for one in messages if _is_source(one) and Place(*one.key) not in former}
    return {
        place: decision.fingerprint
        for place, decision in former.items()
        if decision.fingerprint is not None
        and (decision.evidence == TAKEN_OUT or decision.fingerprint in new)
    }


def taken_out(remembered: Mapping[Place, str], messages: Sequence[Message]) -> dict[Place, Decision]:
    """What must not be forgotten though it is gone: of messages that lie in INBOX or Sent again."""
    present = {message.key for message in messages}
    back = {message.fingerprint for message in messages if _is_source(message)}
    return {
        place: Decision(customer=None, evidence=TAKEN_OUT, fingerprint=fingerprint)
        for place, fingerprint in remembered.items()
        if MessageKey(*place) not in present and fingerprint in back
    }


def _is_source(message: Message) -> bool:
    return message.role in ("inbox", "sent")
