"""What the engine refuses, as one says it to the person who asked."""

from booking.errors import (
    BookingError,
    HoldTooLong,
    NotExtendable,
    PasswordTooWeak,
    SlotNotFound,
    TooBusy,
    WrongCredentials,
)
from messages.languages import Voice
from messages.refusals import refusal_of


def in_words(v: Voice, error: BookingError) -> str:
    """Say why something was refused, in the reader's language."""
    match error:
        case SlotNotFound():
            return v.t("This time is no longer offered.")
        case TooBusy():
            return v.t("Too many are booking at this moment. Nothing was booked; please try again.")
        case NotExtendable() | HoldTooLong():
            return v.t("It cannot be held any longer.")
        case PasswordTooWeak():
            return v.t("This password is too short or too easily guessed. Please take another one.")
        case WrongCredentials():
            return v.t("This e-mail address and password do not belong together.")
    return refusal_of(v, error)
