"""From the words of this face to slots: a room and two dates are the nights between them."""

from datetime import date, datetime, timedelta
from http import HTTPStatus
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.rooms import RoomStay, find_stays, nights_of, read_room
from webapp.hotel.answers import NOT_FREE, Refusal
from webapp.problems import InvalidInput

# No calendar goes further ahead.
_LONGEST = timedelta(days=1100)


def free_rooms(check_in: date, check_out: date, location: str) -> list[RoomStay]:
    """Return the rooms that can be booked for a whole stay."""
    if check_out - check_in > _LONGEST:
        return []
    return find_stays(check_in=check_in, check_out=check_out, location=location)


def slots_for(room_id: UUID, check_in: date, check_out: date) -> tuple[UUID, ...]:
    """Return the nights of a stay in a room.

    Raises ResourceNotFound, InvalidInput for a stay in the past, or Refusal when a night is not
    there to be booked.
    """
    room = read_room(room_id)
    if check_in < datetime.now(ZoneInfo(room.time_zone)).date():
        raise InvalidInput([("checkIn", "Is in the past")])
    if check_out - check_in > _LONGEST:
        raise Refusal(HTTPStatus.CONFLICT, NOT_FREE)
    nights = nights_of(room_id, check_in=check_in, check_out=check_out)
    if len(nights) < (check_out - check_in).days:
        raise Refusal(HTTPStatus.CONFLICT, NOT_FREE)
    return tuple(nights)
