"""What the engine refuses, as one tree.

BookingError
├── NotFound
│   ├── VenueNotFound
│   ├── ResourceNotFound
│   ├── SlotNotFound
│   ├── ScheduleNotFound
│   ├── BookingNotFound
│   ├── ReasonNotFound
│   ├── CustomerNotFound
│   ├── ReportNotFound
│   ├── TokenNotFound
│   ├── JobNotFound
│   ├── LegalHoldNotFound
│   └── PrivacyRequestNotFound
├── AccessRefused                  who calls is not who they say, or may not
│   ├── WrongCredentials
│   ├── RefreshRefused
│   └── OutOfScope
├── EmailTaken
├── InvalidRequest                 names its field
│   ├── QuantityTooLarge
│   ├── TotalTooLarge
│   ├── TooManyGuests
│   ├── GuestsNotCounted
│   ├── SlotsOfTwoResources
│   ├── SlotsRepeated
│   ├── SlotsApart
│   ├── SlotHasStarted
│   ├── HoldTooLong
│   ├── CapacityBelowTaken
│   ├── PriceInvalid
│   ├── SlotExists
│   ├── NothingToChange
│   ├── PasswordTooWeak
│   ├── ScopesUnknown
│   ├── ReasonMissing
│   ├── TooManyAtOnce
│   ├── ReportInvalid              names its field
│   └── CatalogueInvalid           names the field of a venue, resource or schedule
├── IdempotencyKeyReused
├── NotNow                         the state of the booking forbids it
│   ├── NotCancellable
│   ├── NotConfirmable
│   ├── NotExtendable
│   ├── NotChangeable
│   ├── NotAtTheDoor
│   ├── SlotHasBookings
│   ├── TooManyReports
│   └── DeadlinePassed
├── LinkGone                       a one-time link that is used, too old or unknown
├── CannotTake                     the rule said no to a change; carries the reason
└── TooBusy                        more is pending than can be decided in time
    └── SignInBusy
"""

from uuid import UUID


class BookingError(Exception):
    """The engine refused."""

    code = "refused"

    def __str__(self) -> str:
        return self.args[0] if self.args else (type(self).__doc__ or "").strip()


class NotFound(BookingError):
    """There is no such thing."""

    code = "not_found"


class VenueNotFound(NotFound):
    """There is no such venue."""

    code = "venue_not_found"


class ResourceNotFound(NotFound):
    """There is no such resource."""

    code = "resource_not_found"


class SlotNotFound(NotFound):
    """There is no such slot."""

    code = "slot_not_found"


class ScheduleNotFound(NotFound):
    """There is no such schedule."""

    code = "schedule_not_found"


class BookingNotFound(NotFound):
    """There is no such booking."""

    code = "booking_not_found"


class ReportNotFound(NotFound):
    """There is no such report."""

    code = "report_not_found"


class ReasonNotFound(NotFound):
    """There is no such cancellation reason."""

    code = "reason_not_found"


class CustomerNotFound(NotFound):
    """There is no such customer."""

    code = "customer_not_found"


class TokenNotFound(NotFound):
    """There is no such token."""

    code = "token_not_found"


class JobNotFound(NotFound):
    """There is no such job."""

    code = "job_not_found"


class LegalHoldNotFound(NotFound):
    """There is no such legal hold."""

    code = "legal_hold_not_found"


class PrivacyRequestNotFound(NotFound):
    """There is no such request."""

    code = "privacy_request_not_found"


class AccessRefused(BookingError):
    """This is not open to you."""

    code = "access_refused"


class WrongCredentials(AccessRefused):
    """This e-mail address and password do not belong together."""

    code = "wrong_credentials"


class RefreshRefused(AccessRefused):
    """This refresh token is used, revoked or too old; sign in again."""

    code = "refresh_refused"


class OutOfScope(AccessRefused):
    """The token may not do this."""

    code = "out_of_scope"


class EmailTaken(BookingError):
    """There is an account with this e-mail address already."""

    code = "email_taken"


class InvalidRequest(BookingError):
    """The request can never succeed as it stands."""

    code = "invalid_request"
    field = "slot_ids"


class QuantityTooLarge(InvalidRequest):
    """The quantity is above the largest that can be booked at once."""

    code = "quantity_too_large"
    field = "quantity"

    def __init__(self, largest: int) -> None:
        super().__init__(f"At most {largest} can be booked at once.")
        self.largest = largest


class TotalTooLarge(InvalidRequest):
    """The total price would be beyond ten thousand million."""

    code = "total_too_large"
    field = "quantity"


class TooManyGuests(InvalidRequest):
    """So many guests do not fit into that number of rooms."""

    code = "too_many_guests"
    field = "guests"

    def __init__(self, largest: int) -> None:
        super().__init__(f"At most {largest} guests fit into that number of rooms.")
        self.largest = largest


class GuestsNotCounted(InvalidRequest):
    """Guests are given for rooms only; elsewhere the quantity is the number of people."""

    code = "guests_not_counted"
    field = "guests"


class SlotsOfTwoResources(InvalidRequest):
    """All slots of a booking belong to one resource."""

    code = "slots_of_two_resources"


class SlotsRepeated(InvalidRequest):
    """Each slot may be named once."""

    code = "slots_repeated"


class SlotsApart(InvalidRequest):
    """The nights of a stay follow one another without a gap."""

    code = "slots_apart"


class SlotHasStarted(InvalidRequest):
    """The slot has started already."""

    code = "slot_has_started"


class HoldTooLong(InvalidRequest):
    """The venue does not hold places that long."""

    code = "hold_too_long"
    field = "hold_minutes"

    def __init__(self, longest: int, *, field: str = "hold_minutes") -> None:
        super().__init__(f"The venue holds places for {longest} minutes at most.")
        self.longest = longest
        self.field = field


class CapacityBelowTaken(InvalidRequest):
    """The capacity cannot go below what is taken."""

    code = "capacity_below_taken"
    field = "capacity"

    def __init__(self, taken: int) -> None:
        super().__init__(f"{taken} are taken: the capacity cannot go below that.")
        self.taken = taken


class PriceInvalid(InvalidRequest):
    """A price is from 0 to 99,999,999, with two decimals at most."""

    code = "price_invalid"
    field = "price"


class SlotExists(InvalidRequest):
    """This resource has a slot that begins then already."""

    code = "slot_exists"
    field = "start"


class NothingToChange(InvalidRequest):
    """The change names nothing to change."""

    code = "nothing_to_change"
    field = "body"


class PasswordTooWeak(InvalidRequest):
    """This password would be guessed at once; take a longer or less common one."""

    code = "password_too_weak"
    field = "password"


class ScopesUnknown(InvalidRequest):
    """Give at least one scope, and only those that there are."""

    code = "scopes_unknown"
    field = "scopes"


class ReasonMissing(InvalidRequest):
    """Say why; it is kept with what is done."""

    code = "reason_missing"
    field = "reason"


class TooManyAtOnce(InvalidRequest):
    """Those are too many bookings for one job."""

    code = "too_many_at_once"

    def __init__(self, most: int) -> None:
        super().__init__(f"At most {most:,} bookings can be changed together.")
        self.most = most


class CatalogueInvalid(InvalidRequest):
    """A venue, resource or schedule cannot be as it is described."""

    code = "catalogue_invalid"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ReportInvalid(InvalidRequest):
    """A report cannot be made as it is asked for."""

    code = "report_invalid"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class IdempotencyKeyReused(BookingError):
    """This idempotency key was used with another body."""

    code = "idempotency_key_reused"


class NotNow(BookingError):
    """The booking is not in a state that allows this."""

    code = "not_now"


class NotCancellable(NotNow):
    """This booking can no longer be cancelled."""

    code = "not_cancellable"


class NotConfirmable(NotNow):
    """Only a booking that is held can be confirmed."""

    code = "not_confirmable"


class NotExtendable(NotNow):
    """Only a booking that is held can be given more time."""

    code = "not_extendable"


class NotChangeable(NotNow):
    """This booking can no longer be changed."""

    code = "not_changeable"


class NotAtTheDoor(NotNow):
    """The booking is not in the state that this step at the door needs."""

    code = "not_at_the_door"


class SlotHasBookings(NotNow):
    """A slot that was ever booked is closed, never deleted."""

    code = "slot_has_bookings"


class TooManyReports(NotNow):
    """So many reports of this venue are waiting already that no other is taken."""

    code = "too_many_reports"


class DeadlinePassed(NotNow):
    """The time to confirm has passed; the places were given back."""

    code = "deadline_passed"


class LinkGone(BookingError):
    """This link has been used already, or its time has passed."""

    code = "link_gone"


class CannotTake(BookingError):
    """The change does not fit; nothing was changed."""

    code = "cannot_take"

    def __init__(self, reason: str, remaining: int | None, slot_id: UUID | None) -> None:
        super().__init__(f"The change was refused ({reason}); nothing was changed.")
        self.code = reason
        self.reason = reason
        self.remaining = remaining
        self.slot_id = slot_id


class TooBusy(BookingError):
    """More is waiting to be decided than the venue can decide in time; nothing was booked."""

    code = "too_busy"


class SignInBusy(TooBusy):
    """Too many sign in at this moment; try again."""

    code = "sign_in_busy"
