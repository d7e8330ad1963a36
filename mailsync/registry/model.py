"""Tables of the registry (DOMAIN 2 and 3). Rows are never erased: what ends gets an end time, codes stay for ever.

A merged customer keeps its own row and code; `merged_into_id` points to the survivor, so that a merge can be taken
back. Companies of customers stand in `customers`; `parties` holds every company that people were registered under.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from mailsync.database import Base


class Show(Base):
    """A trade show. Without a letter, or with `coded` off, its visitors get no show codes."""

    __tablename__ = "shows"

    id: Mapped[int] = mapped_column(primary_key=True)
    letter: Mapped[str | None] = mapped_column(sa.String(2), unique=True)
    name: Mapped[str | None] = mapped_column(sa.Text)
    held_on: Mapped[date | None]
    city: Mapped[str | None] = mapped_column(sa.Text)
    coded: Mapped[bool]


class Customer(Base):
    """A company that buys, or may buy."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    company: Mapped[str] = mapped_column(sa.Text)
    short_name: Mapped[str | None] = mapped_column(sa.Text)
    country: Mapped[str | None] = mapped_column(sa.String(2))  #: ISO 3166-1 alpha-2
    abbreviation: Mapped[str | None] = mapped_column(sa.String(4))
    abbreviation_proposed: Mapped[
        bool
    ]  #: made up by mailsync; follows the company's name until somebody sets it
    full_code: Mapped[str | None] = mapped_column(
        sa.Text
    )  #: fixed with the first order, never changed by mailsync
    channel: Mapped[str | None] = mapped_column(sa.Text)
    show_id: Mapped[int | None] = mapped_column(sa.ForeignKey("shows.id"))
    first_contact: Mapped[date | None]
    stage: Mapped[str | None] = mapped_column(sa.String(8))
    stage_since: Mapped[date | None]  #: the day on which the customer came to its stage
    grade: Mapped[str | None] = mapped_column(sa.String(1))  #: A–E
    owner: Mapped[str | None] = mapped_column(sa.Text)  #: the rep's address, normalised
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customers.id"), index=True)
    from_source: Mapped[bool]  #: the last run of the registry source delivered this row
    retired: Mapped[datetime | None]  #: the source stopped delivering it; its codes stay


class Code(Base):
    """A code and the customer it was given to: permanent, never reused, also when its customer was merged."""

    __tablename__ = "codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(
        sa.String(16), unique=True
    )  #: what codes are compared by, `registry.codes`
    text: Mapped[str] = mapped_column(sa.Text)  #: the registry form
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"), index=True)
    allocated: Mapped[datetime]  #: the earliest code leads; show order and number break ties


class Party(Base):
    """A company, by the name people wrote for it."""

    __tablename__ = "parties"
    __table_args__ = (sa.UniqueConstraint("kind", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(16))  #: "customer", "forwarder", "inspector"
    name: Mapped[str] = mapped_column(sa.Text)
    short_name: Mapped[str | None] = mapped_column(sa.Text)
    country: Mapped[str | None] = mapped_column(sa.String(2))  #: ISO 3166-1 alpha-2


class Contact(Base):
    """A person, or a department mailbox, at a party."""

    __tablename__ = "contacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(
        sa.Text, unique=True
    )  #: names the contact for ever; entries are derived from it
    external_id: Mapped[str | None] = mapped_column(sa.Text, unique=True)  #: the `id` of registry files
    role: Mapped[str] = mapped_column(sa.String(16))  #: "contact", "forwarder", "inspector"
    name: Mapped[str] = mapped_column(sa.Text)
    party_id: Mapped[int | None] = mapped_column(sa.ForeignKey("parties.id"), index=True)
    region: Mapped[str | None] = mapped_column(sa.Text)  #: as written
    phone: Mapped[str | None] = mapped_column(sa.Text)
    title: Mapped[str | None] = mapped_column(sa.Text)
    from_source: Mapped[bool]  #: the last run of the registry source delivered this row
    retired: Mapped[datetime | None]  #: the source stopped delivering it; its engagements ended then


class Address(Base):
    """An e-mail address of a contact. Two people may share one, so it is no key."""

    __tablename__ = "addresses"
    __table_args__ = (sa.UniqueConstraint("contact_id", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id"))
    address: Mapped[str] = mapped_column(sa.Text, index=True)  #: normalised, `text.normalise_address`
    position: Mapped[int]  #: 0 is the main address


class Engagement(Base):
    """A contact serving a customer."""

    __tablename__ = "engagements"
    __table_args__ = (sa.UniqueConstraint("contact_id", "customer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(sa.ForeignKey("contacts.id"))
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"), index=True)
    started: Mapped[datetime]
    ended: Mapped[datetime | None]


class HistoryEntry(Base):
    """One field of the registry that somebody changed: who, when, from, to. Never changed, never erased."""

    __tablename__ = "registry_history"
    __table_args__ = (sa.Index("ix_registry_history_about", "kind", "row_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]  #: when it was recorded
    effective: Mapped[date | None]  #: the day it holds from, where somebody said one
    by: Mapped[str] = mapped_column(sa.Text)  #: a person's login or address, or the file it came from
    cause: Mapped[str] = mapped_column(sa.String(16))  #: `registry.history.Cause`
    kind: Mapped[str] = mapped_column(sa.String(16))  #: "show", "customer", "contact"
    row_id: Mapped[int]
    field: Mapped[str] = mapped_column(sa.String(32))  #: heading of the registry files, or "added"
    before: Mapped[str | None] = mapped_column(sa.Text)
    after: Mapped[str | None] = mapped_column(sa.Text)


class Merge(Base):
    """One customer merged into another, and, where it was taken back, when and by whom."""

    __tablename__ = "merges"

    id: Mapped[int] = mapped_column(primary_key=True)
    loser_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"), index=True)
    survivor_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.Text)
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(sa.Text)
    taken: Mapped[dict[str, Any]]  #: fields that the survivor took over: name → [before, after]


class DistinctPair(Base):
    """Two customers that look like one, of whom a person said that they are two."""

    __tablename__ = "distinct_customers"
    __table_args__ = (sa.UniqueConstraint("one_id", "other_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    one_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))  #: the lower id
    other_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.Text)


class SourceReading(Base):
    """The last reading of a registry source, so that an unchanged one is not read again."""

    __tablename__ = "source_readings"

    source: Mapped[str] = mapped_column(sa.String(255), primary_key=True)  #: as configured
    signature: Mapped[str] = mapped_column(sa.Text)  #: what changes when the source does
    read: Mapped[datetime]
    told: Mapped[dict[str, Any]]  #: what was wrong with it, to be said again until it changes
