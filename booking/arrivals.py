"""The one statement that writes a hold: customer, booking, lines and event, or nothing at all."""

from typing import Any

from sqlalchemy import (
    CTE,
    DateTime,
    Interval,
    Numeric,
    Select,
    String,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from models import Base, Booking, BookingSlot, Customer, EventKind, Status

_GIVEN = (
    "id",
    "reference",
    "venue_id",
    "resource_id",
    "user_id",
    "quantity",
    "guests",
    "contact_email",
    "contact_name",
    "contact_phone",
    "special_requests",
    "details",
    "confirmation_code",
    "language",
    "channel",
    "hold_minutes",
    "is_bound",
    "is_waited_for",
    "total",
    "currency",
    "idempotency_scope",
    "idempotency_key",
    "body_hmac",
    "address_hash",
    "request_id",
    "traceparent",
)


def _parameter(name: str, of: Any) -> Any:
    """A parameter with the type of a column, said to the server as well."""
    return cast(bindparam(name, type_=of.type), of.type)


def _write_customer() -> CTE:
    """Find the venue's customer with this address, or make one; an existing row stays as it is.

    No row comes out when another transaction makes the same customer at this moment.
    """
    venue_id = _parameter("venue_id", Customer.venue_id)
    email = _parameter("contact_email", Customer.email)
    known = (
        select(Customer.id)
        .where(Customer.venue_id == venue_id, func.lower(Customer.email) == func.lower(email))
        .cte("known")
    )
    made = (
        insert(Base.metadata.tables["customers"])
        .from_select(
            ["venue_id", "email", "full_name", "phone"],
            select(
                venue_id,
                email,
                _parameter("contact_name", Customer.full_name),
                _parameter("contact_phone", Customer.phone),
            ).where(~select(known.c.id).exists()),
        )
        .on_conflict_do_nothing()
        .returning(Customer.id)
        .cte("made")
    )
    return union_all(select(known.c.id), select(made.c.id)).cte("customer")


def _write_booking(customer: CTE) -> CTE:
    """Write the booking; no row comes out when its key or its reference is taken."""
    given = [_parameter(name, Booking.__table__.c[name]) for name in _GIVEN]
    deadline = func.clock_timestamp() + cast(bindparam("patience"), Interval)
    return (
        insert(Base.metadata.tables["bookings"])
        .from_select(
            [*_GIVEN, "customer_id", "expires_at"], select(*given, customer.c.id, deadline)
        )
        .on_conflict_do_nothing()
        .returning(
            Booking.id,
            Booking.venue_id,
            Booking.seq,
            Booking.customer_id,
            Booking.access_version,
            Booking.expires_at,
            Booking.created_at,
            Booking.updated_at,
        )
        .cte("booking")
    )


def _write_lines(booking: CTE) -> CTE:
    slots = (
        func.unnest(
            cast(bindparam("slot_ids"), ARRAY(Uuid)), cast(bindparam("unit_prices"), ARRAY(Numeric))
        )
        .table_valued(column("id", Uuid), column("price", Numeric), name="line")
        .render_derived()
    )
    return (
        insert(Base.metadata.tables["booking_slots"])
        .from_select(
            ["booking_id", "slot_id", "units", "unit_price", "currency"],
            select(
                booking.c.id,
                slots.c.id,
                _parameter("units", BookingSlot.units),
                slots.c.price,
                _parameter("currency", BookingSlot.currency),
            ).join_from(booking, slots, literal(True)),
        )
        .cte("lines")
    )


def _write_event(booking: CTE) -> CTE:
    return (
        insert(Base.metadata.tables["booking_events"])
        .from_select(
            ["booking_id", "venue_id", "kind", "status", "actor", "at"],
            select(
                booking.c.id,
                booking.c.venue_id,
                literal(EventKind.PLACED, String),
                literal(Status.PENDING, String),
                cast(bindparam("actor"), String),
                cast(booking.c.created_at, DateTime(timezone=True)),
            ),
        )
        .cte("event")
    )


def _hold() -> Select[Any]:
    booking = _write_booking(_write_customer())
    return (
        select(
            booking.c.seq,
            booking.c.customer_id,
            booking.c.access_version,
            booking.c.expires_at,
            booking.c.created_at,
            booking.c.updated_at,
        )
        .add_cte(_write_lines(booking))
        .add_cte(_write_event(booking))
    )


INSERT_HOLD = _hold()
