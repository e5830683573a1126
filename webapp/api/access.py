"""Which booking a caller may see: by its token, or as somebody of its venue who is signed in."""

import re

from booking.access import named_booking, opens
from booking.errors import BookingNotFound
from booking.views import BookingView, read_booking
from webapp.api.headers import bearer_token
from webapp.people import may_see, signed_in

_REFERENCE = re.compile(r"[A-Z0-9]{7}")


def opened_booking(reference: str) -> BookingView:
    """Return the booking that the caller's token opens. Raises BookingNotFound.

    The reference itself is never looked up: the booking is the one that the token names, so a
    wrong token and an unknown reference cost the same and are answered alike.
    """
    token = bearer_token()
    booking_id = named_booking(token)
    if booking_id is None:
        raise BookingNotFound
    booking = read_booking(booking_id=booking_id)
    if booking.reference != reference or not opens(token, booking):
        raise BookingNotFound
    return booking


def visible_booking(reference: str) -> BookingView:
    """Return the booking if its token, or the session of its venue or customer, shows it.

    Raises BookingNotFound. A session only reads: a page of another site could use it to write.
    """
    if bearer_token() or not _REFERENCE.fullmatch(reference):
        return opened_booking(reference)
    person = signed_in()
    if person is None:
        raise BookingNotFound
    user_id, realm = person
    booking = read_booking(reference=reference)
    if booking.user_id != user_id and not may_see(realm, booking.venue_id):
        raise BookingNotFound
    return booking
