"""Customers that may be one: by address, domain, name, phone, and across scripts (DOMAIN 2). Pure.

Nothing is merged here: each pair is shown with what speaks for it, and a person decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import phonenumbers
from anyascii import anyascii
from rapidfuzz import fuzz, process

from mailsync.registry.abbreviation import without_legal_form
from mailsync.registry.roster import Contact, Customer, Roster
from mailsync.text import N_, Sentence

#: Words of companies' names that many have: alone they make nobody equal, and opposite ones keep apart.
_COMMON = {
    **dict.fromkeys(("import", "imports", "importing", "importer", "importers", "importadora", "jinkou"), "import"),
    **dict.fromkeys(("export", "exports", "exporting", "exporter", "exporters", "exportadora"), "export"),
    **dict.fromkeys(("trade", "trades", "trading", "traders", "handel", "handels", "comercial", "maoyi"), "trade"),
    **dict.fromkeys(("international", "intl", "global", "worldwide", "group", "gruppe", "holding", "holdings"), ""),
    **dict.fromkeys(("company", "co", "corp", "the", "and", "und", "et", "y", "of", "for", "enterprise"), ""),
    **dict.fromkeys(("enterprises", "industries", "industry", "industrial", "services", "solutions"), ""),
    **dict.fromkeys(("pty", "ltd", "llc", "ooo", "gmbh", "inc", "srl", "sarl", "spa", "ag", "bv", "kg"), ""),
    **dict.fromkeys(("products", "supply", "supplies", "logistics", "gongsi", "youxiangongsi"), ""),
}  # fmt: skip
#: Chinese names end in these; they are no part of what tells companies apart.
_CHINESE_FORMS = re.compile(r"(股份|有限|责任|公司|集团)+$")
#: Both spellings of German umlauts, `Müller` and `Mueller`, read alike.
_UMLAUTS = re.compile(r"(?<=[aou])e")
_WORD = re.compile(r"[a-z0-9]+")
#: Shorter names must be equal: one letter makes another company of `Hanso` and `Hansa`.
_SHORTEST_NEAR = 7
_LONG_WORD = 6
#: Of 100, as rapidfuzz counts: one letter in eight may differ, or (with other countries) one in twenty.
_NEAR, _NEAR_ABROAD = 88.0, 95.0
#: Numbers and domains that more customers share than this are a fair's, a hotel's or a platform's.
_MOST_SHARED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Two customers that may be one, the earlier code first."""

    codes: tuple[str, str]
    companies: tuple[str, str]
    evidence: tuple[Sentence, ...]  #: the strongest first
    strength: int  #: more is more likely

    @property
    def command(self) -> str:
        """What makes them one."""
        return f"mailsync customers merge {self.codes[0]} {self.codes[1]}"

    @property
    def distinct_command(self) -> str:
        """What says that they are two."""
        return f"mailsync customers distinct {self.codes[0]} {self.codes[1]}"


def duplicates(
    roster: Roster,
    *,
    company_domain: Callable[[str], bool],
    distinct: Collection[frozenset[str]] = (),
) -> tuple[Duplicate, ...]:
    """Candidates among the customers that are neither merged nor retired, the likeliest first.

    `company_domain`: whether a domain is one company's (no public mail provider, not our own). `distinct`: pairs of
    codes of which a person said that they are two.
    """
    customers = {customer.code: customer for customer in roster.customers if not customer.retired}
    found: defaultdict[tuple[str, str], list[tuple[int, Sentence]]] = defaultdict(list)
    order = {code: position for position, code in enumerate(customers)}
    for one, other, strength, sentence in _evidence(roster, customers, company_domain):
        pair = (one, other) if order[one] < order[other] else (other, one)
        if frozenset(pair) not in distinct:
            found[pair].append((strength, sentence))
    told = [
        Duplicate(
            codes=pair,
            companies=(customers[pair[0]].company, customers[pair[1]].company),
            evidence=tuple(sentence for _, sentence in sorted(evidence, key=lambda one: -one[0])),
            strength=sum(strength for strength, _ in evidence),
        )
        for pair, evidence in found.items()
    ]
    return tuple(sorted(told, key=lambda one: (-one.strength, order[one.codes[0]], order[one.codes[1]])))


_Evidence = Iterator[tuple[str, str, int, Sentence]]


def _evidence(
    roster: Roster, customers: Mapping[str, Customer], company_domain: Callable[[str], bool]
) -> _Evidence:
    own = [
        (code, contact)
        for contact in roster.contacts
        if contact.role == "contact" and not contact.retired
        for code in contact.customers
        if code in customers
    ]
    yield from _by_address(own)
    yield from _by_domain(own, company_domain)
    yield from _by_phone(own, customers)
    yield from _by_name(customers)


def _pairs(groups: Mapping[str, Iterable[str]], most: int | None = None) -> Iterator[tuple[str, str, str]]:
    """Of each group with several customers every pair, with what they share."""
    for shared, codes in groups.items():
        several = list(dict.fromkeys(codes))
        if len(several) > 1 and (most is None or len(several) <= most):
            yield from ((one, other, shared) for one, other in combinations(several, 2))


def _by_address(own: list[tuple[str, Contact]]) -> _Evidence:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for code, contact in own:
        for address in contact.addresses:
            groups[address].append(code)
    for one, other, address in _pairs(groups):
        yield one, other, 100, Sentence.of(N_("both have the address {address}"), address=address)


def _by_domain(own: list[tuple[str, Contact]], company_domain: Callable[[str], bool]) -> _Evidence:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for code, contact in own:
        for address in contact.addresses:
            domain = address.rpartition("@")[2]
            if company_domain(domain):
                groups[domain].append(code)
    for one, other, domain in _pairs(groups, _MOST_SHARED):
        yield one, other, 50, Sentence.of(N_("both have people at {domain}"), domain=domain)


def _by_phone(own: list[tuple[str, Contact]], customers: Mapping[str, Customer]) -> _Evidence:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for code, contact in own:
        for number in phones(contact.phone, customers[code].country):
            groups[number].append(code)
    for one, other, number in _pairs(groups, _MOST_SHARED):
        yield one, other, 60, Sentence.of(N_("both have the phone {number}"), number=number)


def phones(text: str | None, country: str | None) -> tuple[str, ...]:
    """The telephone numbers of a cell in their international form (E.164); `country` reads national ones."""
    found = []
    for part in re.split(r"[;,/\n]+", text or ""):
        try:
            number = phonenumbers.parse(part, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            found.append(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """A company's name, read for comparison."""

    words: tuple[str, ...]  #: what tells it apart, in Latin letters
    trades: frozenset[str]  #: import, export, trade
    foreign: bool  #: it was written in another script

    @property
    def plain(self) -> str:
        """Without blanks: `Home Land` may be written as one word."""
        return "".join(self.words)


@lru_cache(maxsize=8192)
def _read(company: str) -> _Name:
    bare = _CHINESE_FORMS.sub("", without_legal_form(unicodedata.normalize("NFKC", company)))
    foreign = any(letter.isalpha() and "LATIN" not in unicodedata.name(letter, "") for letter in bare)
    words = _WORD.findall(anyascii(bare).lower().replace("'", "").replace(".", ""))
    telling = [word for word in words if word not in _COMMON]
    trades = frozenset(_COMMON[word] for word in words if _COMMON.get(word))
    told = tuple(_UMLAUTS.sub("", word) for word in telling or words)
    return _Name(words=told, trades=trades, foreign=foreign)


def _by_name(customers: Mapping[str, Customer]) -> _Evidence:
    names = {code: _read(customer.company) for code, customer in customers.items()}
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for code, name in names.items():
        if name.plain:
            groups[name.plain].append(code)
    for one, other, _ in _pairs(groups):
        if compatible(names[one], names[other]):
            yield one, other, 90, _same_name(customers[one], customers[other], names[one], names[other])
    for one_plain, other_plain, score in _near(groups):
        for one in groups[one_plain]:
            for other in groups[other_plain]:
                least = _NEAR_ABROAD if _abroad(customers[one], customers[other]) else _NEAR
                if score >= least and _near_words(names[one], names[other]):
                    yield (
                        one, other, 40,
                        Sentence.of(
                            N_("the names are nearly one: “{one}” and “{other}”"),
                            one=customers[one].company, other=customers[other].company,
                        ),
                    )  # fmt: skip


def _near_words(one: _Name, other: _Name) -> bool:
    """Whether no single word makes them two: one letter turns foods into woods, and is a slip in a long word."""
    if not compatible(one, other):
        return False
    return len(one.words) != len(other.words) or all(
        word == its or (len(word) >= _LONG_WORD and fuzz.ratio(word, its) >= _NEAR)
        for word, its in zip(one.words, other.words, strict=True)
    )


def compatible(one: _Name, other: _Name) -> bool:
    """Whether what they trade in does not speak against them: an importer is no exporter."""
    return not one.trades or not other.trades or bool(one.trades & other.trades)


def _same_name(one: Customer, other: Customer, read: _Name, other_read: _Name) -> Sentence:
    template = (
        N_("the names read alike across scripts: “{one}” and “{other}”")
        if read.foreign != other_read.foreign
        else N_("the names are one but for legal form and spelling: “{one}” and “{other}”")
    )
    return Sentence.of(template, one=one.company, other=other.company)


def _near(names: Iterable[str]) -> Iterator[tuple[str, str, float]]:
    """Pairs of long names of which few letters differ. Only those with one beginning or one end are compared."""
    blocks: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        if len(name) >= _SHORTEST_NEAR:
            blocks[f"<{name[:3]}"].append(name)
            blocks[f">{name[-3:]}"].append(name)
    seen: set[tuple[str, str]] = set()
    for block in blocks.values():
        for position, name in enumerate(block):
            rest = block[position + 1 :]
            for other, score, _ in process.extract(
                name, rest, scorer=fuzz.ratio, score_cutoff=_NEAR, limit=None
            ):
                pair = (min(name, other), max(name, other))
                if pair not in seen:
                    seen.add(pair)
                    yield *pair, score


def _abroad(one: Customer, other: Customer) -> bool:
    return bool(one.country and other.country and one.country != other.country)
