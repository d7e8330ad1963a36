"""The roster as other rooms ask it."""

from __future__ import annotations

from mailsync.registry.roster import Contact, Customer, Roster

GIBSON = Customer(
    code="D12",
    superseded=("F03",),
    company="Gibson Importing Pty Ltd",
    short_name="Gibson Importing",
    country="AU",
    abbreviation="GI",
    full_code="D12 AUGI",
)
ROSSI = Customer(code="J6", company="Rossi S.p.A.", country="IT")
MUELLER = Customer(code="012", company="Müller GmbH", abbreviation="MU")
JANE = Contact(id="1", role="contact", name="Jane", addresses=("jane@gibson.example",), customers=("D12",))
WANG = Contact(
    id="2", role="forwarder", addresses=("wang@sd.example", "ops@sd.example"), customers=("D12", "J6")
)
OPS = Contact(id="3", role="forwarder", addresses=("ops@sd.example",), customers=("J6",))
LEAD = Contact(id="4", role="contact", addresses=("lead@xn--mnchen-3ya.example",))
ROSTER = Roster(
    customers=(GIBSON, ROSSI, MUELLER), contacts=(JANE, WANG, OPS, LEAD), show_letters=frozenset("DFJ")
)


def test_a_code_finds_its_customer_in_any_written_form() -> None:
    for written in ("D12", "d12", "Ｄ１２", "D 12", "D012"):
        match = ROSTER.match(written)
        assert match is not None
        assert (match.customer, match.code, match.superseded) == (GIBSON, "D12", False)
    for written in ("J6", "J06"):
        match = ROSTER.match(written)
        assert match is not None
        assert match.code == "J6"
    assert ROSTER.customer("12") is MUELLER


def test_a_superseded_code_still_finds_its_customer() -> None:
    match = ROSTER.match("f3")
    assert match is not None
    assert (match.customer, match.code, match.superseded) == (GIBSON, "F03", True)


def test_a_customers_own_code_wins_over_a_superseded_one() -> None:
    other = Customer(code="D13", superseded=("D12",), company="Other")
    for customers in ((GIBSON, other), (other, GIBSON)):
        match = Roster(customers=customers).match("D12")
        assert match is not None
        assert match.customer is GIBSON


def test_what_is_nobodys_code_finds_nobody() -> None:
    for written in ("D99", "", "I12", "Gibson", "D12 AUGI"):
        assert ROSTER.match(written) is None
        assert ROSTER.customer(written) is None


def test_people_are_found_by_address_whatever_its_spelling() -> None:
    assert ROSTER.contacts_at("JANE@Gibson.Example") == (JANE,)
    assert ROSTER.contacts_at("lead@MÜNCHEN.example") == (LEAD,)
    assert ROSTER.contacts_at("ops@sd.example") == (WANG, OPS)
    assert ROSTER.contacts_at("nobody@sd.example") == ()


def test_people_stand_under_each_customer_they_serve() -> None:
    assert ROSTER.people_by_customer == {"D12": (JANE, WANG), "J6": (WANG, OPS)}


def test_names_and_tails() -> None:
    assert (GIBSON.name, ROSSI.name) == ("Gibson Importing", "Rossi S.p.A.")
    assert (GIBSON.tail, ROSSI.tail) == ("AUGI", None)
    assert (GIBSON.proposed_tail, ROSSI.proposed_tail, MUELLER.proposed_tail) == ("AUGI", None, None)


def test_an_empty_roster_answers() -> None:
    empty = Roster()
    assert empty.match("D12") is None
    assert empty.contacts_at("a@b.example") == ()
    assert empty.people_by_customer == {}
