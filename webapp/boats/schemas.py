"""What this face reads and writes. Fields that it does not know are passed over."""

import re
from datetime import date
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, pre_load

from webapp.api.fields import Day, Email, Id, Phone, QueryWhole, Text, Whole, Word

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# No calendar of ours reaches further, and no zone's midnight overflows here.
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2200, 12, 31)


class _Tolerant(Schema):
    class Meta:
        unknown = EXCLUDE


class AnyDay(Day):
    """A calendar date of any year: it is no mistake to ask where nothing can be found."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> date:
        try:
            day = date.fromisoformat(value) if _DATE.fullmatch(str(value)) else None
        except ValueError:
            day = None
        if day is None:
            return super()._deserialize(value, *args, **kwargs)
        return min(max(day, _FIRST_DAY), _LAST_DAY)


class PassengerRequest(_Tolerant):
    """Who books."""

    email = Email(required=True)
    full_name = Text(longest=200, load_default=None, allow_none=True)
    phone = Phone(load_default=None, allow_none=True)


class SeatsRequest(_Tolerant):
    """Seats on a departure."""

    departure_id = Id(required=True)
    seats_requested = Whole(required=True)
    customer = fields.Nested(PassengerRequest, required=True)


class SeatsCancelRequest(_Tolerant):
    """The proof that a cancellation needs, and why it is made."""

    email = Email(load_default=None, allow_none=True)
    token = Text(longest=200, load_default=None, allow_none=True)
    reason_id = Whole(load_default=None, allow_none=True)


class DeparturesQuery(_Tolerant):
    """Which departures."""

    destination = Text(longest=200, load_default=None, may_be_empty=True)
    date = AnyDay(load_default=None)
    date_from = AnyDay(load_default=None)
    date_to = AnyDay(load_default=None)
    operator = Word(longest=63, load_default=None)
    limit = QueryWhole(load_default=500, most=1000)
    cursor = Text(longest=400, load_default=None)


class LookupQuery(_Tolerant):
    """Whose bookings, and the proof."""

    email = Email(load_default=None)
    phone = Phone(load_default=None)
    confirmation_code = Text(longest=12, load_default=None)
    token = Text(longest=200, load_default=None)

    @pre_load
    def restore_plus(self, given: dict[str, str], **_: Any) -> dict[str, str]:
        """Take a space for the plus sign that it was before somebody forgot to encode it."""
        restored = dict(given)
        if (phone := given.get("phone", "")).startswith(" "):
            restored["phone"] = f"+{phone[1:]}"
        if " " in (email := given.get("email", "")).strip():
            restored["email"] = email.strip().replace(" ", "+")
        return restored


class DepartureEntry(Schema):
    """A boat and one of its departures; seats and money are numbers."""

    id = fields.UUID(required=True, metadata={"description": "The boat."})
    departure_id = fields.UUID(required=True)
    name = fields.String(required=True)
    capacity = fields.Integer(required=True)
    available_seats = fields.Integer(required=True)
    has_ac = fields.Boolean(required=True)
    price_per_seat = fields.Float(required=True)
    departure_time = fields.String(required=True, metadata={"format": "date-time"})
    destination = fields.String(required=True)
    currency = fields.String(required=True)


class DepartureList(Schema):
    """Departures by time."""

    boats = fields.List(fields.Nested(DepartureEntry), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class BoatBody(Schema):
    """A boat."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    capacity = fields.Integer(required=True)
    has_ac = fields.Boolean(required=True)


class DepartureBody(Schema):
    """One departure with its boat."""

    departure_id = fields.UUID(required=True)
    boat = fields.Nested(BoatBody, required=True)
    available_seats = fields.Integer(required=True)
    price_per_seat = fields.Float(required=True)
    departure_time = fields.String(required=True, metadata={"format": "date-time"})
    destination = fields.String(required=True)
    currency = fields.String(required=True)


class BookedDepartureBody(Schema):
    """The departure of a booking."""

    boat_name = fields.String(required=True)
    departure_time = fields.String(required=True, metadata={"format": "date-time"})
    destination = fields.String(required=True)


class BookedCustomerBody(Schema):
    """Who booked."""

    email = fields.String(required=True, allow_none=True)
    full_name = fields.String(required=True, allow_none=True)


class SeatsBody(Schema):
    """A booking of seats."""

    booking_id = fields.UUID(required=True)
    status = fields.String(required=True)
    confirmation_code = fields.String(required=True)
    departure = fields.Nested(BookedDepartureBody, required=True)
    seats_booked = fields.Integer(required=True)
    total_price = fields.Float(required=True)
    customer = fields.Nested(BookedCustomerBody, required=True)


class SeatsRow(Schema):
    """A row of a lookup."""

    booking_id = fields.UUID(required=True)
    confirmation_code = fields.String(required=True)
    departure_time = fields.String(required=True, metadata={"format": "date-time"})
    destination = fields.String(required=True)
    seats_booked = fields.Integer(required=True)
    status = fields.String(required=True)
    created_at = fields.String(required=True, metadata={"format": "date-time"})


class SeatsList(Schema):
    """A person's bookings, newest first."""

    bookings = fields.List(fields.Nested(SeatsRow), required=True)


class BoatsError(Schema):
    """An error: a code for programs and a sentence for people."""

    error = fields.String(required=True)
    message = fields.String(required=True)
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="fields")
    available_seats = fields.Integer()
