"""The one statement that writes holds: for each its customer, booking, lines and event, or nothing.

It takes any number of holds, as JSON: one parameter, however many fields and rows they have.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    DateTime,
    Integer,
    Interval,
    Numeric,
    Row,
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
from sqlalchemy.dialects.postgresql import JSON, JSONB, distinct_on, insert
from sqlalchemy.orm import Session

from models import Base, Booking, Customer, EventKind, Status

# What is written of a booking as it was given.
_GIVEN: dict[str, Any] = {
    "id": Uuid,
    "reference": String,
    "venue_id": Integer,
    "resource_id": Uuid,
    "user_id": Uuid,
    "quantity": Integer,
    "guests": Integer,
    "contact_email": String,
    "contact_name": String,
    "contact_phone": String,
    "special_requests": String,
    "details": JSONB,
    "confirmation_code": String,
    "language": String,
    "channel": String,
    "hold_minutes": Integer,
    "is_bound": Boolean,
    "is_waited_for": Boolean,
    "total": Numeric,
    "currency": String,
    "idempotency_scope": String,
    "idempotency_key": String,
    "body_hmac": Booking.__table__.c.body_hmac.type,
    "address_hash": Booking.__table__.c.address_hash.type,
    "request_id": String,
    "traceparent": String,
    "over_at": DateTime(timezone=True),
}
_BESIDES: dict[str, Any] = {"turn": Integer, "patience": Interval, "actor": String}
_LINE: dict[str, Any] = {
    "booking_id": Uuid,
    "slot_id": Uuid,
    "units": Integer,
    "unit_price": Numeric,
    "currency": String,
}


def insert_holds(tx: Session, new: Iterable[Mapping[str, Any]]) -> dict[str, Row[Any]]:
    """Write holds in their order and return by id what the database has added to each.

    A hold whose key, customer or reference another transaction is writing at this moment is left
    out. Of holds without an address there may be one a venue.
    """
    holds = [{**hold, "turn": turn} for turn, hold in enumerate(new)]
    lines = [line for hold in holds for line in hold.pop("lines")]
    given = {"holds": _json(holds), "lines": _json(lines)}
    return {str(row.id): row for row in tx.connection().execute(_INSERT, given)}


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, default=_plain)


def _plain(value: object) -> str:
    """Write what JSON has no word for as PostgreSQL reads it."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _table(name: str, columns: Mapping[str, Any]) -> Any:
    return (
        func.json_to_recordset(cast(bindparam(name, type_=String), JSON))
        .table_valued(*(column(each, of) for each, of in columns.items()), name=name)
        .render_derived(with_types=True)
    )


def _customers(new: CTE) -> CTE:
    """Find each venue's customers with these addresses, or make them; who is there stays as is.

    No row comes out when another transaction makes the same customer at this moment. They are made
    in the order of their addresses, so that two who make the same ones do not wait for each other.
    """
    address = func.lower(new.c.contact_email)
    known = (
        select(Customer.id, Customer.venue_id, Customer.email)
        .join_from(new, Customer, Customer.venue_id == new.c.venue_id)
        .where(func.lower(Customer.email) == address)
        .distinct()
        .cte("known")
    )
    is_known = (
        select(known.c.id)
        .where(known.c.venue_id == new.c.venue_id, func.lower(known.c.email) == address)
        .exists()
    )
    made = (
        insert(Base.metadata.tables["customers"])
        .from_select(
            ["venue_id", "email", "full_name", "phone"],
            select(new.c.venue_id, new.c.contact_email, new.c.contact_name, new.c.contact_phone)
            .where(~is_known)
            .ext(distinct_on(new.c.venue_id, address))
            .order_by(new.c.venue_id, address, new.c.turn),
        )
        .on_conflict_do_nothing()
        .returning(Customer.id, Customer.venue_id, Customer.email)
        .cte("made")
    )
    return union_all(select(known), select(made)).cte("customer")


def _bookings(new: CTE, customer: CTE) -> CTE:
    """Write the bookings; no row comes out for one whose key or reference is taken."""
    deadline = func.clock_timestamp() + new.c.patience
    return (
        insert(Base.metadata.tables["bookings"])
        .from_select(
            [*_GIVEN, "customer_id", "expires_at"],
            select(*(new.c[name] for name in _GIVEN), customer.c.id, deadline)
            .join_from(
                new,
                customer,
                (customer.c.venue_id == new.c.venue_id)
                & func.lower(customer.c.email).is_not_distinct_from(
                    func.lower(new.c.contact_email)
                ),
            )
            .order_by(new.c.turn),
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


def _lines(booking: CTE) -> CTE:
    line = _table("lines", _LINE)
    return (
        insert(Base.metadata.tables["booking_slots"])
        .from_select(
            list(_LINE),
            select(*(line.c[name] for name in _LINE)).join_from(
                line, booking, booking.c.id == line.c.booking_id
            ),
        )
        .cte("line")
    )


def _events(new: CTE, booking: CTE) -> CTE:
    return (
        insert(Base.metadata.tables["booking_events"])
        .from_select(
            ["booking_id", "venue_id", "kind", "status", "actor", "at"],
            select(
                booking.c.id,
                booking.c.venue_id,
                literal(EventKind.PLACED, String),
                literal(Status.PENDING, String),
                new.c.actor,
                cast(booking.c.created_at, DateTime(timezone=True)),
            )
            .join_from(booking, new, new.c.id == booking.c.id)
            .order_by(cast(booking.c.seq, BigInteger)),
        )
        .cte("event")
    )


def _insert() -> Select[Any]:
    given = _table("holds", _GIVEN | _BESIDES)
    new = select(given).cte("new")
    booking = _bookings(new, _customers(new))
    return select(booking).add_cte(_lines(booking)).add_cte(_events(new, booking))


_INSERT = _insert()
