"""Which booking a caller may see or change.

By the booking's own token, as the account that it belongs to, as an integration of its venue, or
as somebody of its venue who is signed in.
"""

import re
from dataclasses import dataclass, replace
from uuid import UUID

from booking.access import named_booking, opens
from booking.accounts import owns
from booking.actors import CUSTOMER, Actor
from booking.api_tokens import Scope
from booking.errors import BookingNotFound
from booking.views import BookingView, read_booking
from webapp.api.headers import bearer_token
from webapp.api.identity import Caller, current_caller
from webapp.people import may_see, signed_in
from webapp.problems import SignInNeeded, TokenRefused

_REFERENCE = re.compile(r"[A-Z0-9]{7}")


@dataclass(frozen=True, slots=True)
class Opened:
    """A booking that the caller may change, and who does it."""

    booking: BookingView
    by: Actor


@dataclass(frozen=True, slots=True)
class Whose:
    """The bookings that a list shows: of venues (None for all of them), or an account's own."""

    venue_ids: list[int] | None = None
    account_id: UUID | None = None
    proven_email: str | None = None

    def at(self, venue_id: int) -> "Whose":
        """Return those of them that are at one venue."""
        return replace(self, venue_ids=[venue_id] if self.includes(venue_id) else [])

    def includes(self, venue_id: int) -> bool:
        """Tell whether a venue is among them."""
        return self.venue_ids is None or venue_id in self.venue_ids


def opened_booking(reference: str) -> Opened:
    """Return the booking that the caller may change. Raises BookingNotFound or OutOfScope.

    Without an account's or an integration's token the reference itself is never looked up: the
    booking is the one that the token names, so a wrong token and an unknown reference cost the
    same and are answered alike.
    """
    caller = _known_caller()
    if caller is None:
        return Opened(_booking_of_token(reference), CUSTOMER)
    if caller.integration is not None:
        caller.integration.require(Scope.BOOKINGS_WRITE)
    booking = _booking_of(caller, reference)
    if caller.account is not None and not _is_own(caller, booking):
        raise BookingNotFound
    return Opened(booking, caller.actor)


def visible_booking(reference: str) -> BookingView:
    """Return the booking if the caller's token, or the session of its venue or customer, shows it.

    Raises BookingNotFound or OutOfScope. A session only reads: a page of another site could use it
    to write.
    """
    caller = _known_caller()
    if caller is not None:
        if caller.integration is not None:
            caller.integration.require(Scope.BOOKINGS_READ)
        return _booking_of(caller, reference)
    if bearer_token() or not _REFERENCE.fullmatch(reference):
        return _booking_of_token(reference)
    person = signed_in()
    if person is None:
        raise BookingNotFound
    user_id, realm = person
    booking = read_booking(reference=reference)
    if booking.user_id != user_id and not may_see(realm, booking.venue_id):
        raise BookingNotFound
    return booking


def listed_bookings() -> Whose:
    """Return whose bookings the caller's list shows. Raises SignInNeeded, TokenRefused, OutOfScope.

    Somebody of a venue sees the venue's, anybody else their own.
    """
    caller = current_caller()
    if caller is None:
        return _whose_session()
    if caller.integration is not None:
        caller.integration.require(Scope.BOOKINGS_READ)
    venue_ids = _venues_read_by(caller)
    if venue_ids or caller.account is None:
        return Whose(venue_ids=venue_ids)
    account = caller.account
    return Whose(
        account_id=account.id, proven_email=account.email if account.is_confirmed else None
    )


def _whose_session() -> Whose:
    person = signed_in()
    if person is None:
        raise TokenRefused if bearer_token() else SignInNeeded
    user_id, realm = person
    if realm.is_empty:
        return Whose(account_id=user_id)
    return Whose(venue_ids=None if realm.is_operator else list(realm.posts))


def _venues_read_by(caller: Caller) -> list[int]:
    """Return the venues whose bookings a caller reads.

    A password alone does not read a venue's bookings where its owner has asked for a second factor.
    """
    if caller.integration is not None:
        return [caller.integration.venue_id]
    if caller.account is None or caller.account.has_second_factor:
        return []
    return [post.venue_id for post in caller.account.posts]


def _known_caller() -> Caller | None:
    """A token that is not good opens nothing, like an unknown reference."""
    try:
        return current_caller()
    except TokenRefused:
        raise BookingNotFound from None


def _booking_of(caller: Caller, reference: str) -> BookingView:
    if not _REFERENCE.fullmatch(reference):
        raise BookingNotFound
    booking = read_booking(reference=reference)
    if not _is_own(caller, booking) and booking.venue_id not in _venues_read_by(caller):
        raise BookingNotFound
    return booking


def _is_own(caller: Caller, booking: BookingView) -> bool:
    account = caller.account
    return account is not None and owns(account, user_id=booking.user_id, email=booking.email)


def _booking_of_token(reference: str) -> BookingView:
    token = bearer_token()
    booking_id = named_booking(token)
    if booking_id is None:
        raise BookingNotFound
    booking = read_booking(booking_id=booking_id)
    if booking.reference != reference or not opens(token, booking):
        raise BookingNotFound
    return booking
