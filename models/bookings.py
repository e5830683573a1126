"""Bookings, the places they take, what happened to them, and what is owed to be told."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigKey, CreatedAt, Currency, IntKey, JsonObject, UuidKey
from models.venues import CancellationReason, Resource, Slot, Venue, one_of


class Status(StrEnum):
    """Where a booking stands; the moves between them are in booking/states.py."""

    PENDING = "pending"
    HELD = "held"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"


OCCUPYING = (
    Status.HELD,
    Status.CONFIRMED,
    Status.CHECKED_IN,
    Status.COMPLETED,
    Status.NO_SHOW,
)


class EventKind(StrEnum):
    """What an event tells: a transition by the name of the status it leads to, or a change."""

    PLACED = "placed"
    HELD = "held"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CHANGED = "changed"
    EXTENDED = "extended"


class Customer(Base):
    """A person known to one venue; links their bookings and is never overwritten by a form.

    `notes` are the venue's own, about the person, and as personal as the rest.
    One row a venue has `is_nobody`: it stands for all whose data is gone.
    """

    __tablename__ = "customers"
    __table_args__ = (
        CheckConstraint(
            "NOT is_nobody OR num_nonnulls(email, full_name, phone) = 0", name="nobody_is_nameless"
        ),
        Index("uq_customers_nobody", "venue_id", unique=True, postgresql_where="is_nobody"),
    )

    id: Mapped[IntKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    email: Mapped[str | None] = mapped_column(String(320))
    full_name: Mapped[str | None] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(40))
    notes: Mapped[str] = mapped_column(Text, server_default=text("''"))
    is_nobody: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[CreatedAt]

    venue: Mapped[Venue] = relationship()

    def __str__(self) -> str:
        return f"customer {self.id}"


# Found by words of the name, by the beginning of the address, by the last digits of the number.
Index("ix_customers_venue_id_id", Customer.venue_id, Customer.id)
Index(
    "ix_customers_name",
    func.to_tsvector(text("'simple'::regconfig"), func.coalesce(Customer.full_name, "")),
    postgresql_using="gin",
)
Index(
    "ix_customers_email",
    Customer.venue_id,
    text("lower(email) text_pattern_ops"),
)
Index(
    "ix_customers_phone",
    Customer.venue_id,
    text("reverse(regexp_replace(phone, '[^0-9]', '', 'g')) text_pattern_ops"),
)
Index("uq_customers_venue_id_email", Customer.venue_id, func.lower(Customer.email), unique=True)


def _stamped(status: Status, column: str) -> CheckConstraint:
    return CheckConstraint(
        f"(status = '{status}') = ({column} IS NOT NULL)", name=f"{status}_has_its_time"
    )


def _needs(statuses: tuple[Status, ...], columns: tuple[str, ...], name: str) -> CheckConstraint:
    listed = ", ".join(f"'{status}'" for status in statuses)
    given = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    return CheckConstraint(f"status NOT IN ({listed}) OR ({given})", name=name)


class Booking(Base):
    """One to many slots of one resource for a customer. `seq` is the arrival number.

    Statuses are written by booking/events.py alone. The contact is the one given with this very
    booking; `details` are what the form of its face asked beyond that, and personal as well.
    `hold_minutes` asks for a two-step booking. `expires_at` is the deadline of the present state,
    None where it has none. `is_bound` says whether the venue's policies bind this booking,
    `is_waited_for` that its caller hears the decision at once. `revision` counts its changes.
    `over_at` is the end of its last slot; from then on it grows stale. After `purged_at` nothing in
    the row tells of a person.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        UniqueConstraint("seq"),
        UniqueConstraint("reference"),
        UniqueConstraint("confirmation_code"),
        Index(
            "uq_bookings_idempotency",
            "idempotency_scope",
            "idempotency_key",
            unique=True,
            postgresql_where="idempotency_key IS NOT NULL",
        ),
        Index("ix_bookings_pending", "resource_id", "seq", postgresql_where="status = 'pending'"),
        Index("ix_bookings_held", "resource_id", "expires_at", postgresql_where="status = 'held'"),
        Index(
            "ix_bookings_deadline",
            "expires_at",
            postgresql_where="status IN ('pending', 'held')",
        ),
        Index(
            "uq_bookings_decision",
            "resource_id",
            "decision_no",
            unique=True,
            postgresql_where="decision_no IS NOT NULL",
        ),
        Index("ix_bookings_venue_id_seq", "venue_id", "seq"),
        Index("ix_bookings_phone", "contact_phone", "seq"),
        Index(
            "ix_bookings_reason",
            "cancellation_reason_id",
            postgresql_where="cancellation_reason_id IS NOT NULL",
        ),
        Index("ix_bookings_address", "address_hash", postgresql_where="status = 'held'"),
        Index("ix_bookings_unpurged", "venue_id", "over_at", postgresql_where="purged_at IS NULL"),
        Index(
            "ix_bookings_requests",
            "venue_id",
            "over_at",
            postgresql_where="special_requests IS NOT NULL OR details <> '{}'::jsonb",
        ),
        Index(
            "ix_bookings_skeleton",
            "venue_id",
            "over_at",
            postgresql_where="purged_at IS NOT NULL"
            " AND (confirmation_code IS NOT NULL OR language IS NOT NULL)",
        ),
        CheckConstraint(
            "purged_at IS NULL OR (num_nonnulls(contact_email, contact_name, contact_phone,"
            " special_requests, user_id, address_hash, idempotency_key) = 0"
            " AND details = '{}'::jsonb)",
            name="purged_knows_nobody",
        ),
        CheckConstraint(one_of("status", Status), name="status_is_known"),
        CheckConstraint("reference ~ '^[A-Z0-9]{7}$'", name="reference_is_seven"),
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        CheckConstraint("guests > 0", name="guests_are_positive"),
        CheckConstraint("hold_minutes > 0", name="hold_minutes_are_positive"),
        CheckConstraint(
            "(decision_no IS NULL) = (decided_at IS NULL)", name="decision_is_numbered"
        ),
        CheckConstraint(
            "idempotency_key IS NULL OR (idempotency_scope IS NOT NULL AND body_hmac IS NOT NULL)",
            name="idempotency_key_is_scoped",
        ),
        CheckConstraint("status <> 'pending' OR decided_at IS NULL", name="pending_is_undecided"),
        CheckConstraint(
            "status IN ('pending', 'held') OR expires_at IS NULL", name="only_open_states_expire"
        ),
        CheckConstraint(
            "status NOT IN ('rejected', 'expired') OR reason IS NOT NULL",
            name="refusal_has_its_reason",
        ),
        _needs((Status.PENDING,), ("expires_at",), "pending_has_its_deadline"),
        _needs((Status.HELD,), ("expires_at", "held_at", "decided_at"), "held_has_its_times"),
        _needs(
            (Status.CONFIRMED, Status.CHECKED_IN, Status.COMPLETED, Status.NO_SHOW),
            ("confirmed_at", "decided_at"),
            "confirmed_has_its_times",
        ),
        _needs(
            (Status.CHECKED_IN, Status.COMPLETED), ("checked_in_at",), "checked_in_has_its_time"
        ),
        _needs((Status.REJECTED,), ("decided_at",), "rejected_was_decided"),
        _stamped(Status.CANCELLED, "cancelled_at"),
        _stamped(Status.EXPIRED, "expired_at"),
        _stamped(Status.COMPLETED, "completed_at"),
        _stamped(Status.NO_SHOW, "no_show_at"),
    )

    id: Mapped[UuidKey]
    seq: Mapped[int] = mapped_column(BigInteger, Identity(cache=1))
    reference: Mapped[str] = mapped_column(String(7))
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resources.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    quantity: Mapped[int]
    guests: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(12), server_default=text("'pending'"))
    reason: Mapped[str | None] = mapped_column(String(40))
    remaining: Mapped[int | None]
    contact_email: Mapped[str | None] = mapped_column(String(320))
    contact_name: Mapped[str | None] = mapped_column(String(200))
    contact_phone: Mapped[str | None] = mapped_column(String(40))
    special_requests: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(35))
    details: Mapped[JsonObject]
    confirmation_code: Mapped[str | None] = mapped_column(String(12))
    channel: Mapped[str] = mapped_column(String(40))
    hold_minutes: Mapped[int | None]
    is_bound: Mapped[bool] = mapped_column(server_default=text("true"))
    is_waited_for: Mapped[bool] = mapped_column(server_default=text("false"))
    total: Mapped[Decimal]
    currency: Mapped[Currency]
    cancellation_reason_id: Mapped[int | None] = mapped_column(
        ForeignKey("cancellation_reasons.id")
    )

    idempotency_scope: Mapped[str | None] = mapped_column(String(80))
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    body_hmac: Mapped[bytes | None] = mapped_column(LargeBinary)
    address_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    access_version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    decision_no: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    request_id: Mapped[str | None] = mapped_column(String(64))
    traceparent: Mapped[str | None] = mapped_column(String(60))

    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    held_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    no_show_at: Mapped[datetime | None]
    over_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]

    venue: Mapped[Venue] = relationship()
    resource: Mapped[Resource] = relationship()
    customer: Mapped[Customer] = relationship()
    cancellation_reason: Mapped[CancellationReason | None] = relationship()
    lines: Mapped[list["BookingSlot"]] = relationship(
        back_populates="booking", order_by="BookingSlot.id"
    )
    events: Mapped[list["BookingEvent"]] = relationship(
        back_populates="booking", order_by="BookingEvent.id"
    )

    def __str__(self) -> str:
        return self.reference


Index("ix_bookings_email", func.lower(Booking.contact_email), Booking.seq)


class BookingSlot(Base):
    """The units that a booking takes of one slot, at the price of the day it was placed.

    A change that adds units adds a line at the price of that day, so a slot can have two lines.
    A released line takes nothing any more.
    """

    __tablename__ = "booking_slots"
    __table_args__ = (
        CheckConstraint("units > 0", name="units_are_positive"),
        CheckConstraint("unit_price >= 0", name="unit_price_is_not_negative"),
    )

    id: Mapped[BigKey]
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), index=True)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("slots.id"), index=True)
    units: Mapped[int]
    unit_price: Mapped[Decimal]
    currency: Mapped[Currency]
    released_at: Mapped[datetime | None]

    booking: Mapped[Booking] = relationship(back_populates="lines")
    slot: Mapped[Slot] = relationship()


class BookingEvent(Base):
    """One transition or change of a booking; written with it, appended and never changed."""

    __tablename__ = "booking_events"
    __table_args__ = (
        CheckConstraint(one_of("kind", EventKind), name="kind_is_known"),
        CheckConstraint(one_of("status", Status), name="status_is_known"),
        Index("ix_booking_events_venue_id_id", "venue_id", "id"),
    )

    id: Mapped[BigKey]
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), index=True)
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    kind: Mapped[str] = mapped_column(String(12))
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(60))
    details: Mapped[JsonObject]
    at: Mapped[datetime]

    booking: Mapped[Booking] = relationship(back_populates="events")
