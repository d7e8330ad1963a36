"""The people of a message, as far as they tell whose mail it is (DOMAIN 7.1). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mailsync.mailbox.headers import Address, Envelope, MailboxRole
from mailsync.registry.roster import Roster

_PROVIDERS = """
gmail.com googlemail.com msn.com passport.com icloud.com me.com mac.com aol.com aim.com mail.com email.com usa.com
web.de t-online.de freenet.de arcor.de online.de posteo.de mailbox.org 1und1.de orange.fr wanadoo.fr free.fr sfr.fr
laposte.net neuf.fr bbox.fr libero.it virgilio.it tiscali.it alice.it tin.it inwind.it iol.it email.it fastwebnet.it
terra.es telefonica.net ya.com sapo.pt clix.pt uol.com.br bol.com.br ig.com.br terra.com.br globo.com oi.com.br
mail.ru bk.ru list.ru inbox.ru internet.ru rambler.ru ukr.net i.ua meta.ua abv.bg mail.bg wp.pl o2.pl onet.pl op.pl
interia.pl poczta.fm seznam.cz centrum.cz email.cz azet.sk zoznam.sk freemail.hu citromail.hu indamail.hu
bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au xtra.co.nz btinternet.com ntlworld.com sky.com
virginmedia.com talktalk.net blueyonder.co.uk eircom.net comcast.net verizon.net att.net sbcglobal.net bellsouth.net
cox.net charter.net earthlink.net juno.com optonline.net rogers.com sympatico.ca shaw.ca telus.net videotron.ca
prodigy.net.mx rediffmail.com sify.com indiatimes.com in.com walla.com walla.co.il netvision.net.il bezeqint.net
emirates.net.ae eim.ae batelco.com.bh qatar.net.qa cyberia.net.lb mweb.co.za telkomsa.net vodamail.co.za
singnet.com.sg pacific.net.sg starhub.net.sg hinet.net seed.net.tw pchome.com.tw netvigator.com biznetvigator.com
163.com 126.com yeah.net 188.com vip.163.com vip.126.com qq.com vip.qq.com foxmail.com sina.com sina.cn vip.sina.com
sohu.com 139.com 189.cn wo.cn aliyun.com 21cn.com tom.com 263.net chinaren.com eyou.com
naver.com daum.net hanmail.net nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com biglobe.ne.jp ocn.ne.jp
proton.me protonmail.com pm.me zoho.com fastmail.com hey.com tutanota.com tuta.io hushmail.com bluewin.ch sunrise.ch
skynet.be telenet.be ziggo.nl kpnmail.nl xs4all.nl home.nl chello.nl planet.nl aon.at telia.com spray.se online.no
elisanet.fi luukku.com otenet.gr hol.gr superonline.com mynet.com turk.net ttmail.com
"""
PUBLIC_PROVIDERS = frozenset(_PROVIDERS.split())
#: Providers with one domain a country: `yahoo.co.uk`, `hotmail.fr`.
_FAMILIES = frozenset(
    ["yahoo", "ymail", "rocketmail", "hotmail", "outlook", "live", "gmx", "yandex", "zohomail", "tutamail"]
)

_MACHINES = frozenset(
    [
        "mailer-daemon",
        "postmaster",
        "noreply",
        "no-reply",
        "no_reply",
        "donotreply",
        "do-not-reply",
        "bounce",
        "bounces",
        "notification",
        "notifications",
    ]
)


def is_public_provider(domain: str) -> bool:
    """Whether anybody can have an address at `domain`, so that it names no company."""
    return domain in PUBLIC_PROVIDERS or domain.partition(".")[0] in _FAMILIES


def domain_of(address: str) -> str:
    return address.rpartition("@")[2]


def is_machine(address: str) -> bool:
    """Whether nobody reads what is sent to `address`."""
    return address.partition("@")[0].partition("+")[0] in _MACHINES


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPeople:
    """The company's own addresses and domains, normalised: never evidence (DOMAIN 7)."""

    addresses: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()  #: their subdomains are own as well

    def includes(self, address: str) -> bool:
        if address in self.addresses:
            return True
        domain = domain_of(address)
        while domain:
            if domain in self.domains:
                return True
            domain = domain.partition(".")[2]
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the registry knows of one outside address; one value an address."""

    address: str
    as_contact: frozenset[str] = frozenset()  #: codes of customers whose own contact this is
    as_service: frozenset[str] = frozenset()  #: codes of customers served as forwarder or inspector
    customers: frozenset[str] = field(init=False)  #: both

    def __post_init__(self) -> None:
        object.__setattr__(self, "customers", self.as_contact | self.as_service)

    @property
    def known(self) -> bool:
        """Engaged with somebody; an uncoded contact counts as unknown."""
        return bool(self.customers)

    @property
    def shared(self) -> bool:
        """A forwarder or inspector of several customers, and nobody's own contact."""
        return not self.as_contact and len(self.as_service) > 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """Who stands on the other side of a message. Messages between the same people share one."""

    outgoing: bool
    outside: tuple[Person, ...] = ()  #: one an address, in the order of the headers
    known: tuple[Person, ...] = ()  #: those engaged with a customer

    @property
    def internal(self) -> bool:
        """Own people only."""
        return self.outgoing and not self.outside


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Looks people up in roster and own people, once each."""

    roster: Roster
    own: OwnPeople
    _seen: dict[str, Person | None] = field(default_factory=dict)
    _sides: dict[tuple[bool, tuple[str, ...]], Side] = field(default_factory=dict)

    def person(self, address: str) -> Person | None:
        """What is known of an address; None for own people."""
        if address not in self._seen:
            self._seen[address] = self._look_up(address)
        return self._seen[address]

    def _look_up(self, address: str) -> Person | None:
        if not address or self.own.includes(address):
            return None
        contacts = self.roster.contacts_at(address)
        return Person(
            address=address,
            as_contact=frozenset(
                c for contact in contacts if contact.role == "contact" for c in contact.customers
            ),
            as_service=frozenset(
                c for contact in contacts if contact.role != "contact" for c in contact.customers
            ),
        )

    def engaged_recipients(self, envelope: Envelope) -> list[Person]:
        """The `known` people of a sent message's side, without the rest of it; who is addressed twice stands twice."""
        people = [self.person(one.address) for one in envelope.to + envelope.cc + envelope.bcc]
        return [person for person in people if person is not None and person.customers]

    def side(self, envelope: Envelope, role: MailboxRole) -> Side:
        """Outgoing: it lies in a Sent mailbox, or an own person wrote it.

        What an own address only relays (a group, a form on the web site) came from outside: its Reply-To says from whom.
        """
        if role == "sent" or (self._from_own(envelope) and not self._any_outside(envelope.reply_to)):
            return self._side(envelope.to + envelope.cc + envelope.bcc, outgoing=True)
        listed = envelope.from_ + envelope.reply_to + envelope.to + envelope.cc
        return self._side(listed, outgoing=False)

    def side_of_returned(self, returned: Envelope) -> Side:
        """Of a message that only a report knows: it was sent, under whatever name, unless own people received it from
        outside, as where the report is a receipt.
        """
        recipients = returned.to + returned.cc
        received = not self._from_own(returned) and any(self._is_own(one.address) for one in recipients)
        sent = self._any_outside(recipients + returned.bcc) and not received
        return self.side(returned, "sent" if sent else "inbox")

    def _from_own(self, envelope: Envelope) -> bool:
        return any(self._is_own(author.address) for author in envelope.from_)

    def _is_own(self, address: str) -> bool:
        return bool(address) and self.person(address) is None

    def _any_outside(self, addresses: Iterable[Address]) -> bool:
        return any(self.person(one.address) for one in addresses)

    def _side(self, addresses: Iterable[Address], *, outgoing: bool) -> Side:
        key = (outgoing, tuple([one.address for one in addresses]))
        side = self._sides.get(key)
        if side is None:
            people = map(self.person, dict.fromkeys(key[1]))
            outside = tuple(person for person in people if person)
            known = tuple(person for person in outside if person.known)
            side = self._sides[key] = Side(outgoing=outgoing, outside=outside, known=known)
        return side
