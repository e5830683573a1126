"""The cookies of the customers' pages: each opens one thing, and only where it is needed."""

from flask import request
from werkzeug.wrappers import Response

from settings import settings

BOOKING = "holdfast_booking"
ACCOUNT = "holdfast_account"
DAYS = 90
_A_DAY = 24 * 3600


def open_booking(answer: Response, reference: str, token: str) -> None:
    """Let this browser open one booking; it says so below the booking's own address only."""
    answer.set_cookie(
        BOOKING,
        token,
        max_age=DAYS * _A_DAY,
        path=f"/bookings/{reference}",
        httponly=True,
        samesite="Lax",
        secure=settings.secure_cookies,
    )


def booking_token() -> str:
    """Return the token by which a booking is opened: of the link or form, or of its cookie."""
    return request.values.get("token", "") or request.cookies.get(BOOKING, "")


def sign_in(answer: Response, token: str, *, days: int) -> None:
    """Let this browser be an account's."""
    answer.set_cookie(
        ACCOUNT,
        token,
        max_age=days * _A_DAY,
        httponly=True,
        samesite="Lax",
        secure=settings.secure_cookies,
    )


def sign_out(answer: Response) -> None:
    """Forget whose browser this is."""
    answer.delete_cookie(ACCOUNT, httponly=True, samesite="Lax", secure=settings.secure_cookies)
