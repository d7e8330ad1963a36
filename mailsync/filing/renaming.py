"""Customers' folders that are not called as the template calls them now (DOMAIN 8). Pure.

A folder whose name mailsync itself gave is renamed; one that a person made or renamed keeps its name, and is filed into.
Where both names are taken, the mail moves instead.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailsync.filing.folders import FolderNames
from mailsync.mailbox.headers import Message
from mailsync.run.actions import Finding, FolderRename, Placement
from mailsync.run.renames import NamedFolders, Names
from mailsync.text import N_, Sentence

#: A renaming that the server refused so often is not tried again.
MOST_REFUSALS = 3


@dataclass(frozen=True, kw_only=True)
class Renaming:
    """What is to become of such folders."""

    renames: tuple[FolderRename, ...] = ()
    joins: Mapping[str, str] = field(default_factory=dict)  #: folder → customer whose mail moves out of it
    findings: tuple[Finding, ...] = ()
    before: Names = field(default_factory=Names)  #: names as the template has them → until they are renamed


def plan_renaming(folders: FolderNames, existing: Collection[str], named: NamedFolders) -> Renaming:
    """`existing`: every mailbox; `named`: those to which mailsync gave the names that they have."""
    there = frozenset(existing)
    ours = there & named.names
    wanted: dict[str, FolderRename] = {}  #: by the name that it is to have
    joins: dict[str, str] = {}
    for mailbox in sorted(ours):
        home = folders.home(mailbox)
        if home is None or home.called == mailbox:
            continue
        rename = _rename(folders, there, ours, mailbox, home.called, home.customer)
        if rename is None:
            joins[mailbox] = home.customer
        else:
            wanted.setdefault(rename.after, rename)
    given_up = {
        one.after
        for one in wanted.values()
        if named.refused.get((one.mailbox, one.after), 0) >= MOST_REFUSALS
    }
    return Renaming(
        renames=tuple(one for one in wanted.values() if one.after not in given_up),
        joins=joins,
        findings=tuple(_refused(one) for one in wanted.values() if one.after in given_up),
        before=Names(wanted.values()).reversed,
    )


def _rename(
    folders: FolderNames,
    there: Collection[str],
    ours: Collection[str],
    mailbox: str,
    called: str,
    customer: str,
) -> FolderRename | None:
    """The renaming that gives `mailbox` its name; None where every such name is taken."""
    for before, after in _steps(folders, mailbox, called):
        if before in ours and after not in there:
            return FolderRename(mailbox=before, after=after, separator=folders.separator, customer=customer)
    return None


def _steps(folders: FolderNames, mailbox: str, called: str) -> Iterator[tuple[str, str]]:
    """The customer's whole folder where the name differs in one level of it (`{code} {company}/{year}`), else this one."""
    before, after = [*folders.parents(mailbox), mailbox], [*folders.parents(called), called]
    for level, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            if level >= folders.code_level and mailbox.removeprefix(old) == called.removeprefix(new):
                yield old, new
            break
    yield mailbox, called


def _refused(rename: FolderRename) -> Finding:
    refused = N_("The server does not rename {before} to {after}; mail is filed in {before} as before")
    return Finding(
        kind="folder-name",
        subject=rename.mailbox,
        customer=rename.customer,
        sentence=Sentence.of(refused, before=rename.mailbox, after=rename.after),
    )


def renamed_by_hand(
    folders: FolderNames,
    existing: Collection[str],
    messages: Iterable[Message],
    placements: Sequence[Placement],
) -> dict[str, str]:
    """Folders that a person gave another name → code of the customer whose folder that was.

    The folder into which mailsync had filed is gone. Its mail is in a folder that has its UIDVALIDITY and UIDs (RFC 9051
    section 2.3.1.1: a renamed mailbox may keep them, no other has them), or in one that is the customer's own by its name.
    """
    lost = {
        (one.fingerprint, one.destination.uidvalidity, one.destination.uid): one.destination.mailbox
        for one in placements
        if not one.undone and one.customer is not None and one.destination.mailbox not in existing
    }
    if not lost:
        return {}
    codes = {mailbox: folders.code_in(mailbox) for mailbox in set(lost.values())}
    anywhere = {fingerprint: codes[mailbox] for (fingerprint, _, _), mailbox in lost.items()}
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for message in messages:
        mailbox, uidvalidity, uid = message.key
        if message.role != "other":
            continue
        former = lost.get((message.fingerprint, uidvalidity, uid))
        code = codes[former] if former else anywhere.get(message.fingerprint)
        by_name = folders.is_own(mailbox) and folders.code_in(mailbox) == code
        if code is not None and (former or by_name):
            found[mailbox][code] += 1
    return {mailbox: counted.most_common(1)[0][0] for mailbox, counted in found.items()}
