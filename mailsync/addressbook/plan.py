"""Roster × cards of one book → what to do with each card (DOMAIN 4 and 5). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from mailsync.addressbook import contentlines, rewriting
from mailsync.addressbook.cards import ShelfCard, read_meaning, survives_vobject
from mailsync.addressbook.entries import BookPlan, Draft
from mailsync.addressbook.matching import Matcher, Matches, ReadCard, Target, read_card, targets
from mailsync.addressbook.missing import Present, plan_missing
from mailsync.addressbook.names import (
    bears_our_names,
    former_names,
    is_outdated,
    is_right,
    uncoded_names,
    wanted_names,
)
from mailsync.addressbook.scope import BookSettings, Scope
from mailsync.registry.roster import Roster
from mailsync.run.actions import (
    CardDelete,
    CardRename,
    Finding,
    FormerProperties,
    NameProperties,
)
from mailsync.text import N_, Sentence

#: After so many rewrites in a row that somebody undid, mailsync stops and reports it (DESIGN 5).
MOST_DRIFT = 3


def plan_book(roster: Roster, cards: Sequence[ShelfCard], settings: BookSettings) -> BookPlan:
    """What closes the difference between the registry and these cards, which are all cards of the book."""
    return _Planner(roster, settings).plan(cards)


class _Planner:
    """Plans the cards that are there, one by one."""

    def __init__(self, roster: Roster, settings: BookSettings) -> None:
        self.roster = roster
        self.settings = settings
        self.draft = Draft(book=settings.url)
        self.renewed: set[str] = set()  #: UIDs of targets whose card another one replaces

    def plan(self, cards: Sequence[ShelfCard]) -> BookPlan:
        wanted = targets(self.roster, self.settings)
        read = [read_card(card) for card in cards]
        twins = _twins(read)
        usable = [card for card in read if card.problem is None and card.uid not in twins]
        has_other_scopes = self.settings.scope != Scope()
        matcher = Matcher(self.roster, wanted, self._is_right, has_other_scopes=has_other_scopes)
        matches = matcher.match(card for card in usable if not _left_alone(card))
        for card in read:
            self._plan_card(card, matches, twins)
        present = Present(
            hrefs=frozenset(card.card.href for card in read),
            unusable=[card for card in read if card.problem is not None or card.uid in twins],
            opted_out=frozenset(
                contact.id
                for card in usable
                if card.meaning.opted_out
                for contact in matcher.people(card) or ()
            ),
            renewed=frozenset(self.renewed),
        )
        plan_missing(wanted, matches, present, self.settings, self.draft)
        return self.draft.plan

    def _is_right(self, card: ReadCard, target: Target) -> bool:
        return is_right(card, wanted_names(card, target, self.settings, self.roster))

    # ----- cards that are there

    def _plan_card(self, card: ReadCard, matches: Matches, twins: frozenset[str]) -> None:
        href = card.card.href
        if card.problem is not None:
            self.draft.conflict(
                card,
                N_("The card {href} cannot be read: {reason}. Nothing was changed."),
                reason=card.problem,
            )
        elif card.uid in twins:
            self.draft.conflict(
                card, N_("The card {href} ({name}) has the same UID as another one: delete one of them")
            )
        elif href in matches.conflicts:
            self.draft.conflict(
                card,
                N_("The card {href} ({name}) has addresses of several people ({addresses}): split it"),
                addresses=", ".join(card.addresses),
            )
        elif href in matches.reused:
            self.draft.conflict(
                card,
                N_(
                    "The card {href} was kept for somebody else and is now “{name}” ({addresses}), whom the registry "
                    "does not know: register that address, or put this person on a new card and delete this one"
                ),
                addresses=", ".join(card.addresses),
            )
        elif href in matches.elsewhere:
            self.draft.enter(card, "none")
        elif href in matches.duplicates:
            self._duplicate(card, matches.targets[href], matches.duplicates[href])
        elif href in matches.targets:
            self._keep(card, matches.targets[href], matches)
        elif bears_our_names(card):
            self._end(card)
        else:
            self._unmatched(card)

    def _keep(self, card: ReadCard, target: Target, matches: Matches) -> None:
        alone = len(matches.kept[target.uid]) == 1
        if alone and self.settings.create_missing and card.card.etag and is_outdated(card, target):
            self._delete(card)
            self.renewed.add(target.uid)
        else:
            self._rename(card, target)

    def _rename(self, card: ReadCard, target: Target) -> None:
        self._compare_addresses(card, target)
        wanted = wanted_names(card, target, self.settings, self.roster)
        if is_right(card, wanted):
            self.draft.enter(card, "none", codes=target.codes)
        elif card.card.drift >= MOST_DRIFT and card.card.written == wanted.fn:
            self.draft.conflict(
                card,
                N_(
                    "The card {href} was renamed {count} times and always renamed back (now “{name}”): who does it?"
                ),
                codes=target.codes,
                count=card.card.drift,
            )
        elif self._may_write(card, wanted, target.codes):
            self.draft.enter(card, "rename", after=wanted.fn, codes=target.codes)
            self.draft.actions.append(
                CardRename(
                    book=self.settings.url,
                    href=card.card.href,
                    uid=card.uid,
                    etag=card.card.etag,
                    before=card.fn,
                    after=wanted.fn,
                    codes=target.codes,
                    edit=wanted,
                    contact=target.contact.id,
                )
            )

    def _compare_addresses(self, card: ReadCard, target: Target) -> None:
        """Say where a card, known by memory, has none of the addresses the registry has: either may be out of date."""
        known = target.contact.addresses
        if known and card.addresses and not set(known).intersection(card.addresses):
            self.draft.findings.append(
                Finding(
                    kind="address-differs",
                    subject=card.card.href,
                    customer=target.customer.code,
                    sentence=Sentence.of(
                        N_(
                            "The card “{name}” has {held}, the registry has {known}: one of them is out of date"
                        ),
                        name=target.fn,
                        held=", ".join(card.addresses),
                        known=", ".join(known),
                    ),
                )
            )

    def _may_write(
        self, card: ReadCard, edit: NameProperties | FormerProperties, codes: tuple[str, ...]
    ) -> bool:
        """Whether the card can be written safely; says why not."""
        if not card.card.etag:
            self.draft.conflict(
                card,
                N_("The card {href} ({name}) has no ETag: without it a person's edit could be overwritten"),
                codes=codes,
            )
            return False
        if self.settings.stores_through_vobject and not survives_vobject(
            rewriting.edit(card.card.data, edit)
        ):
            self.draft.conflict(
                card,
                N_(
                    "The server would damage the card {href} ({name}) by storing it again (a photo, for example); it is left as it is"
                ),
                codes=codes,
            )
            return False
        return True

    def _duplicate(self, card: ReadCard, target: Target, kept: ReadCard) -> None:
        if card.card.created and (card.card.codes != target.codes or not kept.card.created):
            # Ours, for a code that was merged into this one since, or beside a person's own card.
            self._delete(card)
            return
        self.draft.enter(card, "duplicate", codes=target.codes)
        self.draft.findings.append(
            Finding(
                kind="duplicate",
                subject=card.card.href,
                customer=target.customer.code,
                sentence=Sentence.of(
                    N_(
                        "The card {href} ({name}) has the same address as {kept} ({kept_name}): delete one of them"
                    ),
                    href=card.card.href,
                    name=card.fn,
                    kept=kept.card.href,
                    kept_name=kept.fn,
                ),
            )
        )

    def _end(self, card: ReadCard) -> None:
        """The engagement a card was written for has ended, or left the book's scope, or the card was opted out."""
        if card.card.created and card.meaning.opted_out:
            edit = uncoded_names(card, self.roster)
        elif card.card.created or card.card.former is None:
            self._delete(card)
            return
        else:
            edit = former_names(card, card.card.former, self.roster)
        restored = rewriting.edit(card.card.data, edit)
        if contentlines.same_but_for_line_ends(restored, card.card.data):
            self._unmatched(card)
        elif self._may_write(card, edit, ()):
            after = read_meaning(restored).fn
            self.draft.enter(card, "restore", after=after)
            self.draft.actions.append(
                CardRename(
                    kind="card-restore",
                    book=self.settings.url,
                    href=card.card.href,
                    uid=card.uid,
                    etag=card.card.etag,
                    before=card.fn,
                    after=after,
                    codes=(),
                    edit=edit,
                    contact=card.card.contact,
                )
            )

    def _delete(self, card: ReadCard) -> None:
        if not card.card.etag:
            self.draft.conflict(card, N_("The card {href} ({name}) has no ETag: it is not deleted unseen"))
            return
        self.draft.enter(card, "restore", after="")
        self.draft.actions.append(
            CardDelete(
                book=self.settings.url,
                href=card.card.href,
                uid=card.uid,
                etag=card.card.etag,
                before=card.fn,
            )
        )

    def _unmatched(self, card: ReadCard) -> None:
        if _left_alone(card):
            self.draft.enter(card, "none")
            return
        self.draft.enter(card, "unmatched")
        known = [contact for address in card.addresses for contact in self.roster.contacts_at(address)]
        if not card.addresses:
            self.draft.findings.append(
                Finding(
                    kind="candidate",
                    subject=card.card.href,
                    sentence=Sentence.of(
                        N_("The card “{name}” has no e-mail address: nobody can say whose it is"),
                        name=card.fn,
                    ),
                )
            )
        elif not any(contact.customers for contact in known):
            template = (
                N_("The card “{name}” ({address}) belongs to a contact without a code")
                if known
                else N_("The card “{name}” ({address}) matches nobody in the registry")
            )
            self.draft.findings.append(
                Finding(
                    kind="candidate",
                    subject=card.addresses[0],
                    sentence=Sentence.of(template, name=card.fn, address=card.addresses[0]),
                )
            )


def _twins(cards: Iterable[ReadCard]) -> frozenset[str]:
    """UIDs that several cards of the book carry."""
    counts = Counter(card.uid for card in cards if card.uid and card.problem is None)
    return frozenset(uid for uid, count in counts.items() if count > 1)


def _left_alone(card: ReadCard) -> bool:
    """Distribution lists, and cards whose owner does not want a code."""
    return card.meaning.is_group or card.meaning.opted_out
