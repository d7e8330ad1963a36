"""Whose card is it: the entries a book should have, and the cards that are there for them (DOMAIN 4 and 5). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID, uuid5

from mailsync.addressbook import contentlines, rewriting
from mailsync.addressbook.cards import CardMeaning, ShelfCard, guess_meaning, meaning_of
from mailsync.addressbook.contentlines import CardText
from mailsync.addressbook.display_name import display_name, split_display_name
from mailsync.addressbook.scope import BookSettings, Scope
from mailsync.errors import ItemError
from mailsync.registry.roster import Contact, Customer, Roster
from mailsync.text import Sentence, one_line

#: UIDs of new cards are derived from it, the contact and the code: a repeat finds the first.
_NAMESPACE = UUID("8a6e0804-2bd0-4672-b79d-d97027f9071a")
_ALL_CODES = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One entry a book should have: a contact under one code, or under all its codes."""

    contact: Contact
    customer: Customer
    codes: tuple[str, ...]
    fn: str
    uid: str  #: of the card, where it has to be created
    renewed_uid: str  #: of the card that takes the place of one with other addresses
    former_uids: frozenset[str]  #: the same for superseded codes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCard:
    """A card of the book, read."""

    card: ShelfCard
    meaning: CardMeaning  #: a guess where there is a problem
    text: CardText | None = None  #: None where there is a problem
    problem: Sentence | None = None  #: why it cannot be read

    @property
    def fn(self) -> str:
        return self.meaning.fn

    @property
    def uid(self) -> str:
        return self.meaning.uid

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.meaning.addresses


@dataclass(slots=True)
class Matches:
    """Which card stands for which target, and what is to be said of the others."""

    kept: dict[str, list[ReadCard]] = field(
        default_factory=lambda: defaultdict(list)
    )  #: target's UID → cards
    targets: dict[str, Target] = field(default_factory=dict)  #: href → target
    duplicates: dict[str, ReadCard] = field(default_factory=dict)  #: href → the card kept in its place
    conflicts: set[str] = field(default_factory=set)  #: hrefs of cards with several people's addresses
    reused: set[str] = field(default_factory=set)  #: hrefs of our cards that somebody made another person's
    elsewhere: set[str] = field(default_factory=set)  #: hrefs of cards that another scope keeps
    withheld: set[str] = field(default_factory=set)  #: contact ids whose first entry is not to be added


def read_card(card: ShelfCard) -> ReadCard:
    """Read a card; one that cannot be read keeps its reason."""
    try:
        text = contentlines.read(card.data)
    except ItemError as error:
        return ReadCard(card=card, meaning=guess_meaning(card.data), problem=error.sentence)
    return ReadCard(card=card, meaning=meaning_of(text), text=text)


def targets(roster: Roster, settings: BookSettings) -> list[Target]:
    """The entries the book should have: contacts in the roster's order, each one's earliest engagement first."""
    found = []
    for contact in roster.contacts:
        customers = [
            customer
            for code in contact.customers
            if (customer := roster.customer(code)) is not None and settings.scope.covers(customer)
        ]
        if not customers:
            continue
        if settings.entry_per_engagement:
            found += [_target(contact, customer, (customer.code,), customer.code) for customer in customers]
        else:
            codes = tuple(customer.code for customer in customers)
            # Two scopes of one book must not mean the same card.
            key = _ALL_CODES if settings.scope == Scope() else customers[0].code
            found.append(_target(contact, customers[0], codes, key))
    return found


def _target(contact: Contact, customer: Customer, codes: tuple[str, ...], key: str) -> Target:
    former = customer.superseded if key != _ALL_CODES else ()
    return Target(
        contact=contact,
        customer=customer,
        codes=codes,
        fn=display_name(" ".join(codes), contact, customer),
        uid=card_uid(contact, key),
        renewed_uid=card_uid(contact, key, contact.addresses),
        former_uids=frozenset(card_uid(contact, code) for code in former),
    )


def card_uid(contact: Contact, code: str, addresses: Sequence[str] = ()) -> str:
    """The UID of the card mailsync adds for this contact and this code; with `addresses`, in place of an earlier one."""
    return str(uuid5(_NAMESPACE, "\n".join((contact.id, code, *sorted(addresses)))))


class Matcher:
    """Brings cards and targets together.

    `is_right` says whether a card needs no change for a target; `has_other_scopes`, whether the book may also be kept
    for customers outside these targets.
    """

    def __init__(
        self,
        roster: Roster,
        wanted: Sequence[Target],
        is_right: Callable[[ReadCard, Target], bool],
        *,
        has_other_scopes: bool = False,
    ) -> None:
        self._roster = roster
        self._has_other_scopes = has_other_scopes
        self._is_right = is_right
        self._by_contact: dict[str, list[Target]] = defaultdict(list)
        for target in wanted:
            self._by_contact[target.contact.id].append(target)
        self._by_uid = {
            uid: target for target in wanted for uid in (*target.former_uids, target.renewed_uid, target.uid)
        }

    @cached_property
    def _contacts(self) -> Mapping[str, Contact]:
        return {contact.id: contact for contact in self._roster.contacts}

    def match(self, cards: Iterable[ReadCard]) -> Matches:
        """Match readable cards; groups and cards left alone by wish are for the caller to leave out."""
        matches = Matches()
        by_contact: dict[str, list[ReadCard]] = defaultdict(list)
        for card in sorted(cards, key=lambda card: card.card.href):
            people = self.people(card)
            if people is None:
                matches.conflicts.add(card.card.href)
                matches.withheld.update(
                    contact.id for address in card.addresses for contact in self._roster.contacts_at(address)
                )
            elif self._is_reused(card):
                matches.reused.add(card.card.href)
                matches.withheld.update(self._remembered_ids(card))
            elif self._is_elsewhere(card, people):
                matches.elsewhere.add(card.card.href)
            elif coded := [contact for contact in people if contact.id in self._by_contact]:
                by_contact[self._one_of(card, coded, by_contact)].append(card)
        for contact_id, theirs in by_contact.items():
            self._share_out(self._by_contact[contact_id], theirs, matches)
        return matches

    def people(self, card: ReadCard) -> tuple[Contact, ...] | None:
        """The contacts a card may stand for, in the roster's order; None: addresses of several people."""
        groups = [found for address in card.addresses if (found := self._roster.contacts_at(address))]
        if groups:
            # Two contacts may share a mailbox; then any of them may be meant.
            shared = set.intersection(*({contact.id for contact in group} for group in groups))
            return tuple(contact for contact in groups[0] if contact.id in shared) or None
        if not self._is_still_ours(card):
            return ()  # people write another person over an old card: neither its UID nor its href says whose it is
        if target := self._by_uid.get(card.uid):
            return (target.contact,)
        remembered = self._contacts.get(card.card.contact or "")
        return (remembered,) if remembered else ()

    def _is_still_ours(self, card: ReadCard) -> bool:
        """Whether what we remember is about this card: its addresses are none or those we knew, or its name is the
        one we gave, or the one from before us."""
        held = card.card
        if not card.addresses or set(card.addresses).intersection(held.written_addresses):
            return True
        if held.written is None and held.former is None:
            return split_display_name(card.fn, self._roster) is not None
        return card.fn in (one_line(held.written or ""), _former_fn(held))

    def _is_reused(self, card: ReadCard) -> bool:
        """Whether a card we wrote has another name and only addresses that nobody registered has."""
        contact = card.card.contact if card.card.codes else None
        ours = card.card.created or contact in self._contacts or card.uid in self._by_uid
        known = any(self._roster.contacts_at(address) for address in card.addresses)
        return ours and not known and not self._is_still_ours(card)

    def _remembered_ids(self, card: ReadCard) -> set[str]:
        target = self._by_uid.get(card.uid)
        return {target.contact.id if target else card.card.contact or ""}

    def _is_elsewhere(self, card: ReadCard, people: Sequence[Contact]) -> bool:
        """Whether this card, unknown to our memory, was written for a code that another scope of the book shows."""
        if not self._has_other_scopes or card.card.remembered or card.uid in self._by_uid:
            return False
        return any(
            self._is_for_other_code(card, contact) for contact in people if contact.id in self._by_contact
        )

    def _is_for_other_code(self, card: ReadCard, contact: Contact) -> bool:
        ours = {code for target in self._by_contact[contact.id] for code in target.codes}
        first, _, _ = card.fn.partition(" ")
        for text in (*contact.customers, *card.meaning.categories, first):
            match = self._roster.match(text)
            if match is None or match.customer.code in ours:
                continue
            codes = (match.customer.code, *match.customer.superseded)
            uids = {card_uid(contact, code, some) for code in codes for some in ((), contact.addresses)}
            engaged = match.customer.code in contact.customers
            if card.uid in uids or (
                engaged and card.fn == display_name(match.customer.code, contact, match.customer)
            ):
                return True
        return False

    def _one_of(self, card: ReadCard, people: Sequence[Contact], taken: Mapping[str, list[ReadCard]]) -> str:
        """The id of the contact this card stands for, of those who share its address."""
        ids = [contact.id for contact in people]
        if (target := self._by_uid.get(card.uid)) and target.contact.id in ids:
            return target.contact.id
        if card.card.contact in ids:
            return card.card.contact or ids[0]
        named = (one for one in ids if any(target.fn == card.fn for target in self._by_contact[one]))
        return next(named, None) or min(ids, key=lambda one: len(taken.get(one, ())))

    def _share_out(self, wanted: Sequence[Target], cards: Sequence[ReadCard], matches: Matches) -> None:
        """Give one contact's cards to its targets: own cards to the earliest code, added ones to theirs."""
        shares: dict[str, list[ReadCard]] = defaultdict(list)
        own = []
        for card in cards:
            if target := self._by_uid.get(card.uid) or self._as_created(card, wanted):
                shares[target.uid].append(card)
            elif not card.card.created:
                own.append(card)
        later = {target.fn: target for target in wanted[1:]}
        # A card people wrote themselves for a further engagement serves it, where the person's own card is there.
        spare = [card for card in own if card.fn in later]
        if len(spare) == len(own) and not shares[wanted[0].uid]:
            spare = spare[1:]
        for card in own:
            shares[later[card.fn].uid if card in spare else wanted[0].uid].append(card)
        for target in wanted:
            self._keep(target, shares[target.uid], matches)

    def _as_created(self, card: ReadCard, wanted: Sequence[Target]) -> Target | None:
        """The target a card that mailsync added was for, also where its code was superseded since."""
        if not card.card.created:
            return None
        customers = [self._roster.customer(code) for code in card.card.codes]
        codes = {customer.code for customer in customers if customer}
        return next((target for target in wanted if codes & set(target.codes)), None)

    def _keep(self, target: Target, cards: Sequence[ReadCard], matches: Matches) -> None:
        """Of several cards with one address keep the right one, else the one we wrote, else the lowest href; but a
        card that we added never stands before a person's own."""
        held: dict[str, ReadCard] = {}
        ranked = sorted(cards, key=lambda card: self._rank(card, target)) if len(cards) > 1 else cards
        for card in ranked:
            matches.targets[card.card.href] = target
            theirs = [address for address in card.addresses if address in target.contact.addresses]
            before = next((held[address] for address in theirs if address in held), None)
            if before is not None:
                matches.duplicates[card.card.href] = before
                continue
            matches.kept[target.uid].append(card)
            held.update(dict.fromkeys(theirs, card))

    def _rank(self, card: ReadCard, target: Target) -> tuple[bool, bool, bool, str]:
        added = card.card.created or card.uid in self._by_uid
        return added, not self._is_right(card, target), not card.card.remembered, card.card.href


def _former_fn(card: ShelfCard) -> str | None:
    """The name from before our first rewrite."""
    lines = [
        line
        for raw in (card.former.lines if card.former else ())
        for line in contentlines.split(raw.encode("utf-8", "surrogateescape"))
        if line.name == b"FN"
    ]
    line = rewriting.chosen(lines)
    return one_line(contentlines.unescape(line.text)) if line else None
