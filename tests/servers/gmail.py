"""A small Gmail: one store of messages, each with labels; a mailbox is what carries its label. Expunge archives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.scripted_imap import ScriptedImap

ALL = "[Gmail]/All Mail"
_CAPABILITIES = "IMAP4rev1 AUTH=PLAIN X-GM-EXT-1 MOVE UIDPLUS NAMESPACE SPECIAL-USE CHILDREN"
_USES = {
    ALL: "\\All",
    "[Gmail]/Starred": "\\Flagged",
    "[Gmail]/Important": "\\Important",
    "[Gmail]/Sent Mail": "\\Sent",
    "[Gmail]/Trash": "\\Trash",
}


@dataclass
class Mail:
    raw: bytes
    flags: set[str]
    date: str
    labels: dict[str, int] = field(default_factory=dict)  #: mailbox → UID there


class FakeGmail(ScriptedImap):
    """`dies_after_move`: the line breaks when MOVE is done and before it is answered. `says_uids`: COPYUID."""

    def __init__(self, *, says_uids: bool = True) -> None:
        super().__init__(capabilities=_CAPABILITIES)
        self.mails: list[Mail] = []
        self.uidnext = dict.fromkeys(["INBOX", *_USES], 1)
        self.says_uids, self.dies_after_move = says_uids, False
        self.selected = ""

    def deliver(self, raw: bytes, *labels: str, date: str = "01-Jan-2026 10:00:00 +0000") -> None:
        mail = Mail(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), {"\\Seen"}, date)
        self.mails.append(mail)
        for label in (ALL, "[Gmail]/Important", *labels):
            self.label(mail, label)

    def label(self, mail: Mail, label: str) -> int:
        """A label that the message carries already changes nothing."""
        if label not in mail.labels:
            mail.labels[label] = self.uidnext.setdefault(label, 1)
            self.uidnext[label] += 1
        return mail.labels[label]

    def labels(self) -> list[set[str]]:
        """Of each message, those that people see."""
        return [{name for name in mail.labels if not name.startswith("[Gmail]")} for mail in self.mails]

    def _answer(self, rest: bytes) -> bytes | None:
        text = rest.decode()
        words = text.split()
        verb = "_".join(words[: 2 if words[0] == "UID" else 1]).lower()
        does = getattr(self, f"_do_{verb}", None)
        answer = does(text) if does else super()._answer(rest)
        return answer.encode("latin-1") if isinstance(answer, str) else answer

    def _do_namespace(self, text: str) -> str:
        return '* NAMESPACE (("" "/")) NIL NIL\r\n'

    def _do_list(self, text: str) -> str:
        wanted = _last(text)
        return "".join(
            f'* LIST (\\HasNoChildren {_USES.get(name, "")}) "/" "{name}"\r\n'
            for name in self.uidnext
            if wanted in ("*", name)
        )

    def _do_lsub(self, text: str) -> str:
        return self._do_list(text).replace("* LIST", "* LSUB")

    def _do_create(self, text: str) -> str:
        self.uidnext.setdefault(_last(text), 1)
        return ""

    def _do_status(self, text: str) -> str:
        name = _named(text.removeprefix("STATUS "))
        if name not in self.uidnext:
            return "TAG NO [NONEXISTENT] no such mailbox\r\n"
        counted = {"UIDVALIDITY": 7, "UIDNEXT": self.uidnext[name], "MESSAGES": len(self._held(name))}
        asked = text.rpartition("(")[2].rstrip(")").split()
        return f'* STATUS "{name}" ({" ".join(f"{item} {counted[item]}" for item in asked if item in counted)})\r\n'

    def _do_select(self, text: str) -> str:
        name = _last(text)
        if name not in self.uidnext:
            return "TAG NO [NONEXISTENT] no such mailbox\r\n"
        self.selected = name
        return f"* {len(self._held(name))} EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT {self.uidnext[name]}]\r\n"

    _do_examine = _do_select

    def _do_uid_search(self, text: str) -> str:
        return f"* SEARCH {' '.join(map(str, self._held(self.selected)))}\r\n"

    def _do_uid_fetch(self, text: str) -> str:
        fields = re.search(r"HEADER\.FIELDS \((.*?)\)", text)
        out = ""
        for number, (uid, mail) in enumerate(self._held(self.selected).items(), 1):
            if uid not in self._uids(text):
                continue
            out += f"* {number} FETCH (UID {uid} FLAGS ({' '.join(mail.flags)})"
            if fields:
                head = _header(mail.raw, fields[1].lower().split())
                out += f' INTERNALDATE "{mail.date}" RFC822.SIZE {len(mail.raw)}'
                out += f" BODY[HEADER.FIELDS ({fields[1]})]<0> {{{len(head)}}}\r\n{head}"
            out += ")\r\n"
        return out

    def _do_uid_copy(self, text: str) -> str:
        return self._transfer(text, moved=False)

    def _do_uid_move(self, text: str) -> str:
        answer = self._transfer(text, moved=True)
        if self.dies_after_move:
            self.dies_after_move = False
            return "HANG UP"
        return answer

    def _do_uid_expunge(self, text: str) -> str:
        for uid in self._uids(text):
            self._held(self.selected)[uid].labels.pop(self.selected, None)
        return ""

    def _transfer(self, text: str, *, moved: bool) -> str:
        destination, pairs, gone = _last(text), [], ""
        for uid in sorted(self._uids(text) & self._held(self.selected).keys()):
            mail = self._held(self.selected)[uid]
            pairs.append((uid, self.label(mail, destination)))
            if moved:
                gone += f"* {list(self._held(self.selected)).index(uid) + 1} EXPUNGE\r\n"
                del mail.labels[self.selected]
        old, new = (",".join(str(pair[at]) for pair in pairs) for at in (0, 1))
        said = f"* OK [COPYUID 7 {old} {new}] \r\n" if self.says_uids and pairs else ""
        return said + gone

    def _held(self, name: str) -> dict[int, Mail]:
        held = {mail.labels[name]: mail for mail in self.mails if name in mail.labels}
        return dict(sorted(held.items()))

    def _uids(self, text: str) -> set[int]:
        found: set[int] = set()
        for part in text.split()[2].split(","):
            low, _, high = part.partition(":")
            top = max(self._held(self.selected), default=0)
            first, last = (top if end == "*" else int(end) for end in (low, high or low))
            found |= set(range(min(first, last), max(first, last) + 1))
        return found


def _named(text: str) -> str:
    quoted = re.match(r'"([^"]*)"', text)
    return quoted[1] if quoted else text.split()[0]


def _last(text: str) -> str:
    text = re.sub(r" \(CONDSTORE\)$", "", text)
    quoted = re.search(r'"([^"]*)"$', text)
    return quoted[1] if quoted else text.split()[-1]


def _header(raw: bytes, fields: list[str]) -> str:
    lines = re.split(r"\r\n(?![ \t])", raw.decode("latin-1").partition("\r\n\r\n")[0])
    kept = [line for line in lines if line.partition(":")[0].lower() in fields]
    return "".join(f"{line}\r\n" for line in kept) + "\r\n"
