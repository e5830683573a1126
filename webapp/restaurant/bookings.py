"""Which bookings there are for this face: those that were made, whatever became of them since."""

import re

from booking.errors import BookingNotFound
from booking.views import BookingView, read_booking
from booking.visits import VISITS
from webapp.restaurant.access import Restaurant
from webapp.restaurant.refusals import NO_BOOKING, Refused

_REFERENCE = re.compile(r"[A-Z0-9]{7}", re.ASCII)


def booking_of(restaurant: Restaurant, reference: str) -> BookingView:
    """Return a booking of this restaurant. Raises Refused when there is none.

    What is still waiting, or was refused, is no booking here: nobody was told its reference.
    """
    if _REFERENCE.fullmatch(reference):
        try:
            booking = read_booking(reference=reference)
        except BookingNotFound:
            pass
        else:
            if booking.venue_id == restaurant.id and booking.status in VISITS:
                return booking
    raise Refused(NO_BOOKING, 404)
