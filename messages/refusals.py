"""What the engine refuses, as one says it to a customer in their language."""

from booking.errors import (
    BookingError,
    CannotTake,
    DeadlinePassed,
    InvalidRequest,
    NotCancellable,
    NotChangeable,
    NotConfirmable,
    QuantityTooLarge,
    TooManyGuests,
)
from messages.languages import Voice
from messages.letters import refusal


def refusal_of(v: Voice, error: BookingError) -> str:
    """Say why something was refused."""
    match error:
        case CannotTake():
            return refusal(v, error.reason)
        case QuantityTooLarge():
            return number_expected(v, error.largest)
        case TooManyGuests():
            return v.t("No more than %(most)s guests fit in.", most=error.largest)
        case InvalidRequest():
            return refusal(v, "closed")
        case NotChangeable():
            return v.t("This booking can no longer be changed.")
        case NotCancellable():
            return v.t("This booking can no longer be cancelled.")
        case NotConfirmable() | DeadlinePassed():
            return v.t("This booking can no longer be confirmed.")
    return refusal(v, None)


def number_expected(v: Voice, most: int) -> str:
    """Say which numbers there are."""
    return v.t("Give a number from 1 to %(most)s.", most=most)
