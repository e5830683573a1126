"""The questions whose answers are people: who comes when, and the plain list of bookings."""

from typing import Any

from sqlalchemy import Select, func, literal, select, union_all

from models import OCCUPYING, Booking, BookingSlot, Resource, Slot
from reports.figures import PEOPLE, local, placed_at, slots_of
from reports.tables import Asked


def run_sheet(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Who sits when, as the dining room needs it."""
    return _comers(asked).order_by(
        Slot.starts_at, Resource.position, Resource.name, Booking.contact_name, Booking.seq
    )


def manifest(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Who is aboard of each departure."""
    return (
        _comers(asked)
        .add_columns(
            (Slot.attributes["destination"].astext).label("destination"),
            Booking.confirmation_code.label("code"),
            Booking.contact_email.label("email"),
        )
        .order_by(
            Slot.starts_at, Resource.position, Resource.name, Booking.contact_name, Booking.seq
        )
    )


def arrivals(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Who arrives and who leaves; the day of leaving is the one after the last night."""
    stays = (
        select(
            BookingSlot.booking_id,
            func.min(Slot.local_on).label("first_night"),
            (func.max(Slot.local_on) + 1).label("leaves_on"),
            func.count(Slot.id.distinct()).label("nights"),
        )
        .join(Slot, Slot.id == BookingSlot.slot_id)
        .join(Booking, Booking.id == BookingSlot.booking_id)
        .where(
            BookingSlot.released_at.is_(None),
            Booking.venue_id == asked.venue_id,
            Booking.status.in_(OCCUPYING),
        )
        .group_by(BookingSlot.booking_id)
        .subquery()
    )
    moves = union_all(
        *(
            select(
                stays.c.booking_id,
                stays.c.nights,
                on.label("day"),
                literal(word).label("movement"),
            ).where(on.between(asked.first_on, asked.last_on))
            for on, word in ((stays.c.first_night, "arrives"), (stays.c.leaves_on, "leaves"))
        )
    ).subquery()
    query = (
        select(
            moves.c.day.label("day"),
            moves.c.movement.label("movement"),
            Resource.name.label("resource"),
            Booking.contact_name.label("name"),
            Booking.quantity.label("rooms"),
            Booking.guests.label("guests"),
            moves.c.nights.label("nights"),
            Booking.contact_phone.label("phone"),
            Booking.special_requests.label("requests"),
            Booking.reference.label("reference"),
            func.replace(Booking.status, "_", " ").label("status"),
        )
        .select_from(moves)
        .join(Booking, Booking.id == moves.c.booking_id)
        .join(Resource, Resource.id == Booking.resource_id)
        .order_by(moves.c.day, moves.c.movement, Booking.contact_name, Booking.seq)
    )
    return query.where(Resource.id == asked.resource_id) if asked.resource_id else query


def bookings(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Every booking placed on these days, in the order of arrival."""
    span = (
        select(
            BookingSlot.booking_id,
            func.min(Slot.starts_at).label("starts_at"),
            func.max(Slot.ends_at).label("ends_at"),
        )
        .join(Slot, Slot.id == BookingSlot.slot_id)
        .where(BookingSlot.booking_id == Booking.id)
        .group_by(BookingSlot.booking_id)
        .lateral()
    )
    minute = "YYYY-MM-DD HH24:MI"
    return (
        select(
            Booking.reference.label("reference"),
            Booking.status.label("status"),
            Booking.reason.label("reason"),
            Resource.name.label("resource"),
            local(span.c.starts_at, asked, minute).label("starts"),
            local(span.c.ends_at, asked, minute).label("ends"),
            Booking.quantity.label("quantity"),
            Booking.guests.label("guests"),
            Booking.total.label("total"),
            Booking.currency.label("currency"),
            Booking.contact_name.label("name"),
            Booking.contact_email.label("email"),
            Booking.contact_phone.label("phone"),
            Booking.special_requests.label("requests"),
            Booking.channel.label("channel"),
            local(Booking.created_at, asked, minute).label("placed"),
        )
        .join(Resource, Resource.id == Booking.resource_id)
        .outerjoin(span, span.c.booking_id == Booking.id)
        .where(*placed_at(asked))
        .order_by(Booking.seq)
    )


def _comers(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Those who have their places, slot by slot; one line each, however many lines they took."""
    here = (
        select(BookingSlot.slot_id, BookingSlot.booking_id)
        .join(Slot, Slot.id == BookingSlot.slot_id)
        .join(Resource, Resource.id == Slot.resource_id)
        .where(BookingSlot.released_at.is_(None), *slots_of(asked))
        .distinct()
        .subquery()
    )
    return (
        select(
            Slot.local_on.label("day"),
            local(Slot.starts_at, asked, "HH24:MI").label("time"),
            Resource.name.label("resource"),
            Booking.contact_name.label("name"),
            PEOPLE.label("people"),
            Booking.contact_phone.label("phone"),
            Booking.special_requests.label("requests"),
            Booking.reference.label("reference"),
            func.replace(Booking.status, "_", " ").label("status"),
        )
        .select_from(here)
        .join(Booking, Booking.id == here.c.booking_id)
        .join(Slot, Slot.id == here.c.slot_id)
        .join(Resource, Resource.id == Slot.resource_id)
        .where(Booking.status.in_(OCCUPYING))
    )
