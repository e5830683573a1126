"""What this face reads. Fields that it does not know are passed over and never stored."""

import math
import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from booking.passwords import LONGEST
from webapp.api.auth_schemas import Password
from webapp.api.fields import LARGEST_INTEGER, Email, Id, Text
from webapp.api.parsing import JSON_TYPE, StrictParser, known_parameters
from webapp.api.schemas import said

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST_PRICE = Decimal("9999999999.99")
_CENT = Decimal("0.01")


class TolerantParser(StrictParser):
    """Passes over what it does not know; a body that is not JSON by its type counts as empty."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": EXCLUDE, "query": EXCLUDE}  # noqa: RUF012
    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Request, schema: Any) -> Any:
        """Return the body. Raises an HTTPException for one that is no JSON."""
        return super().load_json(req, schema) if req.mimetype == JSON_TYPE else {}

    def load_querystring(self, req: Request, schema: Any) -> Any:
        """Return the parameters that the call knows. Raises InvalidInput for one given twice."""
        return known_parameters(req, schema)


class Blueprint(SmorestBlueprint):
    """A blueprint whose arguments are read tolerantly."""

    ARGUMENTS_PARSER = TolerantParser()


class Day(fields.Date):
    """A calendar date, `2030-11-23`, and nothing else."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise ValidationError("Date must be written as YYYY-MM-DD")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValidationError("There is no such day") from None


class Words(Text):
    """A text of so many characters at least, counted without the spaces around it."""

    def __init__(self, *, least: int, longest: int, **kwargs: Any) -> None:
        metadata = {"minLength": least} | kwargs.pop("metadata", {})
        super().__init__(longest=longest, may_be_empty=True, metadata=metadata, **kwargs)
        self.least = least

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if len(text) < self.least:
            raise ValidationError(f"At least {self.least} characters")
        return text


class Price(fields.Field[Decimal]):
    """A JSON number above zero, rounded half up to two decimals."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("Must be a number")
        if not math.isfinite(value) or not 0 < value <= _LARGEST_PRICE:
            raise ValidationError("Must be above 0 and below 10,000,000,000")
        # The shortest text of a float is what the caller has written.
        price = Decimal(str(value)).quantize(_CENT, ROUND_HALF_UP)
        if not 0 < price <= _LARGEST_PRICE:
            raise ValidationError("Must be above 0 and below 10,000,000,000")
        return price


class Count(fields.Field[int]):
    """A whole JSON number, 1 or more; `2.0` is one too."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("Must be a whole number")
        if value != value // 1 or not 1 <= value <= LARGEST_INTEGER:
            raise ValidationError(f"Must be a whole number from 1 to {LARGEST_INTEGER}")
        return int(value)


class NewPassword(Password):
    """A password of six characters or more; every byte of it counts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(least=6, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        if len(text) < 6:
            raise ValidationError("At least 6 characters")
        return text


class GuestRegisterRequest(Schema):
    """Who wants an account."""

    email = Email(required=True)
    password = NewPassword(required=True, metadata=said(f"6 to {LONGEST} characters."))
    name = Words(least=2, longest=200)


class GuestLoginRequest(Schema):
    """Who signs in."""

    email = Email(required=True)
    password = Password(required=True)


class _Stay(Schema):
    check_in = Day(data_key="checkIn", required=True, metadata=said("The day of arrival."))
    check_out = Day(data_key="checkOut", required=True, metadata=said("The day of leaving."))

    @validates_schema
    def check_order(self, stay: dict[str, Any], **_: Any) -> None:
        """Refuse a stay that ends before it begins, or on the same day."""
        if stay["check_out"] <= stay["check_in"]:
            raise ValidationError("Must be after checkIn", "checkOut")


class RoomsQuery(_Stay):
    """Which nights, and where."""

    location = Text(
        longest=200,
        may_be_empty=True,
        load_default="",
        metadata=said("A part of the place, in any case."),
    )


class RoomRequest(Schema):
    """A room type that is to be let."""

    name = Words(least=2, longest=200, required=True)
    description = Text(longest=2000, lines=True, may_be_empty=True)
    price = Price(data_key="price_per_night", required=True, metadata={"type": "number"})
    location = Words(least=2, longest=200, required=True)
    capacity = Count(data_key="total_inventory", required=True, metadata={"type": "integer"})


class StayRequest(_Stay):
    """Which room, and for which nights."""

    room_id = Id(data_key="roomId", required=True)


class UserBody(Schema):
    """An account as this API shows it."""

    id = fields.String()
    email = fields.String()
    name = fields.String(allow_none=True)
    role = fields.String(metadata=said("`USER` or `ADMIN`."))


class TokenBody(Schema):
    """An account that has just come in, with its token for a day."""

    user = fields.Nested(UserBody)
    token = fields.String()


class HotelRoomBody(Schema):
    """A room type."""

    id = fields.String()
    name = fields.String()
    description = fields.String(allow_none=True)
    price_per_night = fields.String(metadata=said("A decimal amount."))
    location = fields.String()
    total_inventory = fields.Integer()


class FreeRoomBody(HotelRoomBody):
    """A room type that can be booked for every night of a stay."""

    available_units = fields.Integer()
    currency = fields.String()
    total_price = fields.String()


class StayBody(Schema):
    """A booking."""

    id = fields.String()
    user_id = fields.String(allow_none=True)
    room_id = fields.String()
    check_in = fields.String(metadata=said("The date as midnight UTC."))
    check_out = fields.String(metadata=said("The date as midnight UTC."))
    status = fields.String(metadata=said("`CONFIRMED` or `CANCELLED`."))
    created_at = fields.String()


class StayAnswerBody(Schema):
    """What became of a call about a booking."""

    message = fields.String()
    booking = fields.Nested(StayBody)


class BookedRoomBody(Schema):
    """The room of a booking."""

    name = fields.String()
    location = fields.String()
    price_per_night = fields.String()


class MyStayBody(StayBody):
    """A booking of one's list."""

    room = fields.Nested(BookedRoomBody)


class RoomPlatformError(Schema):
    """A refusal; `message` is one sentence for people."""

    status = fields.String(required=True)
    message = fields.String(required=True)
