"""What mailsync did with messages before, and what people made of it (DOMAIN 7.4). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from mailsync.filing.by_hand import Owners
from mailsync.mailbox.headers import Message, MessageKey
from mailsync.run.actions import Place, Placement

#: Why a customer's message stays where it is, for now or for good.
Stay = Literal["unread", "flagged", "young", "by-hand", "copied", "deleted", "report-only"]


class History:
    """What mailsync did with messages before, and what people made of it."""

    def __init__(
        self,
        messages: Iterable[Message],
        placements: Iterable[Placement],
        remembered: Mapping[Place, str],
        owners: Owners,
    ) -> None:
        self._copied: set[MessageKey] = set()
        self._renumbered: Counter[tuple[str, str]] = Counter()
        self._brought_back: set[MessageKey] = set()
        placed: Counter[tuple[str, str]] = Counter()
        ours: set[Place] = set()  #: places that an undo emptied
        present = {message.key for message in messages}
        for placement in placements:
            if placement.undo:
                self._brought_back.add(MessageKey(*placement.destination))
                ours.add(placement.source)
            elif placement.undone:
                ours.add(placement.destination)
            elif placement.kind == "message-copy":
                source = MessageKey(*placement.source)
                self._copied.add(source)
                if source not in present:
                    self._renumbered[placement.fingerprint, source.mailbox] += 1
            else:
                placed[placement.fingerprint, owners.place(placement.destination.mailbox)] += 1
                if owners.of(placement.source.mailbox) is not None:  # carried on from there after a merge
                    placed[placement.fingerprint, owners.place(placement.source.mailbox)] -= 1
        outside = [message for message in messages if not is_source(message)]
        placed.subtract((message.fingerprint, owners.place(message.key.mailbox)) for message in outside)
        self._left_ours: Counter[str] = Counter()
        for (fingerprint, _), missing in placed.items():
            self._left_ours[fingerprint] += max(missing, 0)
        gone = Counter(
            fingerprint
            for place, fingerprint in remembered.items()
            if MessageKey(*place) not in present and place not in ours
        )
        gone.subtract(message.fingerprint for message in outside if Place(*message.key) not in remembered)
        #: messages that left a folder by a person's hand: none of these is planned again
        self._taken_out = self._left_ours | gone

    def stay(self, message: Message) -> Stay | None:
        """Why a message that lies in INBOX or Sent is not filed for what happened to it before."""
        if message.key in self._copied:
            return "copied"
        if self._renumbered[message.fingerprint, message.key.mailbox] > 0:
            # the server numbered the mailbox anew (UIDVALIDITY): the original has another key now
            self._renumbered[message.fingerprint, message.key.mailbox] -= 1
            return "copied"
        if message.key in self._brought_back:
            return None
        if self._taken_out[message.fingerprint] > 0:
            # It lay in a folder and does so no more: a person took it out, and it stays where the person put it.
            # Of equal messages only as many stay as were taken out; the others are other deliveries.
            self._taken_out[message.fingerprint] -= 1
            return "by-hand"
        return None

    def was_filed(self, message: Message) -> bool:
        """Whether a message outside INBOX and Sent is one that mailsync filed in another folder."""
        return self._left_ours[message.fingerprint] > 0


def is_source(message: Message) -> bool:
    """Whether a message lies where it is filed from: in INBOX or Sent."""
    return message.role in ("inbox", "sent")
