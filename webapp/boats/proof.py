"""Whose bookings a caller may see: only a proven person's own.

Proof is the customer's own login, the token of a link that was mailed to the address, or the
confirmation code of a booking, which opens what was booked with the very same contact. Without any
of them the answer is always the same, and an address that has bookings gets a link by mail.
"""

import re
from typing import Any, NoReturn

from booking.accounts import AccountView, owns
from booking.errors import BookingError, BookingNotFound
from booking.links import look_at_link
from booking.views import BookingView, read_booking, read_bookings
from models import Kind, Purpose, Status
from webapp.api.identity import current_caller
from webapp.boats.answers import FaceError
from webapp.lost_links import mail_link_later

MOST_ROWS = 200
# What was refused, or not decided in time, is no booking to whoever was told so.
MADE = [status for status in Status if status not in (Status.REJECTED, Status.EXPIRED)]
_CODE = re.compile(r"[A-Z]{2,5}-[A-Z0-9]{6}")
LINK_PATH = "/api/bookings"


def proven_bookings(query: dict[str, Any]) -> list[BookingView]:
    """Return the bookings of whoever is proven, newest first. Raises FaceError without proof."""
    email, phone = query["email"], query["phone"]
    account = _account()
    if account is not None and (email or account.email).lower() == account.email.lower():
        return read_bookings(
            kind=Kind.BOATS,
            user_id=account.id,
            proven_email=account.email if account.is_confirmed else None,
            phone=phone,
            statuses=MADE,
            limit=MOST_ROWS,
        )
    proven = _email_of_token(query["token"])
    if not (email or phone or proven):
        message = "Give an email or a phone"
        raise FaceError(400, "validation_error", message, fields={"email": message})
    if query["confirmation_code"] is not None:
        booking = _booking_by_code(query["confirmation_code"])
        if booking is None or not _belongs(booking, email, phone):
            _refuse(email, phone)
        return _of_the_same_contact(booking)
    if proven is None or (email and proven.lower() != email.lower()):
        _refuse(email, phone)
    return read_bookings(kind=Kind.BOATS, email=proven, phone=phone, statuses=MADE, limit=MOST_ROWS)


def cancellable_booking(code: str, proof: dict[str, Any]) -> BookingView:
    """Return the booking of a code if the proof given with it is right. Raises FaceError."""
    booking = _booking_by_code(code)
    account = _account()
    if booking and account and owns(account, user_id=booking.user_id, email=booking.email):
        return booking
    email = _email_of_token(proof["token"]) or proof["email"]
    if booking is None or email is None or not _belongs(booking, email, None):
        _refuse(None, None)
    return booking


def _account() -> AccountView | None:
    caller = current_caller()
    return caller.account if caller else None


def _booking_by_code(code: str) -> BookingView | None:
    if not _CODE.fullmatch(code.upper()):
        return None
    try:
        return read_booking(confirmation_code=code.upper())
    except BookingNotFound:
        return None


def _of_the_same_contact(booking: BookingView) -> list[BookingView]:
    """Return a booking, whatever became of it, and what the very same person has booked besides.

    A code is told to whoever books, and anybody can book in another's name with another's address.
    So it opens no booking whose contact differs in anything, and none of an account.
    """
    others = read_bookings(
        kind=Kind.BOATS,
        email=booking.email,
        phone=booking.phone,
        statuses=MADE,
        limit=MOST_ROWS,
    )
    alike = {other.id: other for other in others if _contact(other) == _contact(booking)}
    found = alike | {booking.id: booking}
    return sorted(found.values(), key=lambda one: one.seq, reverse=True)


def _contact(booking: BookingView) -> tuple[object, ...]:
    email = (booking.email or "").lower()
    return email, booking.phone, booking.full_name, booking.user_id


def _belongs(booking: BookingView, email: str | None, phone: str | None) -> bool:
    if email is not None and (booking.email or "").lower() != email.lower():
        return False
    return phone is None or booking.phone == phone


def _email_of_token(token: str | None) -> str | None:
    if token is None:
        return None
    try:
        return look_at_link(token=token, purpose=Purpose.SIGN_IN).email
    except BookingError:
        return None


def _refuse(email: str | None, phone: str | None) -> NoReturn:
    mail_link_later(
        email=email,
        phone=phone,
        path=LINK_PATH,
        kind=Kind.BOATS,
    )
    raise FaceError(
        401,
        "proof_required",
        "Sign in, follow the link that we mail you, or give the confirmation_code of a booking.",
    )
