"""The forms and queries of this face, field by field, and how one is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from webapp.requests import MAX_BODY_BYTES
from webapp.restaurant.refusals import ENTRIES, BadFields, entry, missing
from webapp.restaurant.values import (
    BadValue,
    read_boolean,
    read_date,
    read_email,
    read_integer,
    read_text,
    read_time,
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form: its name there and here, how it is read, and whether it has to be."""

    name: str
    key: str
    read: Callable[[str], Any] = read_text
    is_required: bool = False


def _required(name: str, key: str, read: Callable[[str], Any] = read_text) -> Field:
    return Field(name, key, read, is_required=True)


def _customer(name: str, key: str, read: Callable[[str], Any] = read_text) -> Field:
    return Field(f"Customer[{name}]", f"customer.{key}", read)


_DATE = _required("VisitDate", "visit_date", read_date)
_TIME = _required("VisitTime", "visit_time", read_time)
_PARTY = _required("PartySize", "party_size", read_integer)
_CHANNEL = _required("ChannelCode", "channel_code")
_REQUESTS = Field("SpecialRequests", "special_requests")
_LEAVE_TIME = Field("IsLeaveTimeConfirmed", "is_leave_time_confirmed", read_boolean)

SEARCH = (_DATE, _PARTY, _CHANNEL)

BOOKING = (
    _DATE,
    _TIME,
    _PARTY,
    _CHANNEL,
    _REQUESTS,
    _LEAVE_TIME,
    Field("RoomNumber", "room_number"),
    _customer("Title", "title"),
    _customer("FirstName", "first_name"),
    _customer("Surname", "surname"),
    _customer("MobileCountryCode", "mobile_country_code"),
    _customer("Mobile", "mobile"),
    _customer("PhoneCountryCode", "phone_country_code"),
    _customer("Phone", "phone"),
    _customer("Email", "email", read_email),
    _customer("ReceiveEmailMarketing", "receive_email_marketing", read_boolean),
    _customer("ReceiveSmsMarketing", "receive_sms_marketing", read_boolean),
    _customer(
        "ReceiveRestaurantEmailMarketing", "receive_restaurant_email_marketing", read_boolean
    ),
    _customer("ReceiveRestaurantSmsMarketing", "receive_restaurant_sms_marketing", read_boolean),
    _customer("GroupEmailMarketingOptInText", "group_email_marketing_opt_in_text"),
    _customer("GroupSmsMarketingOptInText", "group_sms_marketing_opt_in_text"),
    _customer("RestaurantEmailMarketingOptInText", "restaurant_email_marketing_opt_in_text"),
    _customer("RestaurantSmsMarketingOptInText", "restaurant_sms_marketing_opt_in_text"),
)

CHANGE = (
    Field("VisitDate", "visit_date", read_date),
    Field("VisitTime", "visit_time", read_time),
    Field("PartySize", "party_size", read_integer),
    _REQUESTS,
    _LEAVE_TIME,
)

UPDATE = (_DATE, _TIME, _PARTY, _REQUESTS)

CANCEL = (
    _required("micrositeName", "microsite_name"),
    _required("bookingReference", "booking_reference"),
    _required("cancellationReasonId", "cancellation_reason_id", read_integer),
)

LISTING = (
    Field("status", "status"),
    Field("date_from", "date_from", read_date),
    Field("date_to", "date_to", read_date),
    Field("limit", "limit", read_integer),
    Field("offset", "offset", read_integer),
    Field("cursor", "cursor"),
)


def read_form(fields: tuple[Field, ...], *, wrong_before: ENTRIES) -> dict[str, Any]:
    """Return the values of a form by their keys, None for what was not given.

    Raises BadFields with `wrong_before` and all that is wrong here, in the order of the form.
    """
    return _read("body", fields, _whole_form(), wrong_before)


def read_query(fields: tuple[Field, ...], *, wrong_before: ENTRIES) -> dict[str, Any]:
    """Return the values of the query in the same way."""
    return _read("query", fields, request.args, wrong_before)


def _whole_form() -> MultiDict[str, str]:
    """Return the form. Raises RequestEntityTooLarge for one in chunks that is too long."""
    # Such a body is cut off at the limit without a word, and half a form is another wish.
    if request.content_length is None and len(request.get_data()) >= MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return request.form


def _read(
    where: str, fields: tuple[Field, ...], given: MultiDict[str, str], wrong: ENTRIES
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    wrong = list(wrong)
    # Where a field is repeated, the last one counts.
    last: Mapping[str, str] = {name: values[-1] for name, values in given.lists() if values}
    for field in fields:
        # An empty value is the same as none: clients send all of their inputs, filled in or not.
        text = last.get(field.name) or None
        found[field.key] = None
        if text is None:
            if field.is_required:
                wrong.append(missing(where, field.name))
            continue
        try:
            found[field.key] = field.read(text)
        except BadValue as error:
            wrong.append(entry(error.kind, where, field.name, str(error), text))
    if wrong:
        raise BadFields(wrong)
    return found
