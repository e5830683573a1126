"""The examples of the restaurant API in the document: one table, from search to cancellation."""

from typing import Any

SEARCH_FORM = {"VisitDate": "2030-11-27", "PartySize": 2, "ChannelCode": "ONLINE"}
BOOKING_FORM = SEARCH_FORM | {
    "VisitTime": "12:00:00",
    "SpecialRequests": "High chair",
    "Customer[FirstName]": "Pia",
    "Customer[Surname]": "Lund",
    "Customer[Email]": "pia.lund@example.com",
    "Customer[Mobile]": "07000",
}
CHANGE_FORM = {"VisitTime": "12:30", "PartySize": 4}
UPDATE_FORM = {"VisitDate": "2030-11-27", "VisitTime": "12:30", "PartySize": 4}
CANCEL_FORM = {
    "micrositeName": "TheHungryUnicorn",
    "bookingReference": "F0V9MGD",
    "cancellationReasonId": 1,
}

SLOTS: dict[str, Any] = {
    "restaurant": "TheHungryUnicorn",
    "restaurant_id": 1,
    "visit_date": "2030-11-27",
    "party_size": 2,
    "channel_code": "ONLINE",
    "available_slots": [
        {"time": "12:00:00", "available": True, "max_party_size": 8, "current_bookings": 0}
    ],
    "total_slots": 1,
}

_NAMES: dict[str, Any] = {
    "booking_reference": "F0V9MGD",
    "booking_id": 477,
    "restaurant": "TheHungryUnicorn",
}
_CUSTOMER: dict[str, Any] = {
    "id": 452,
    "title": None,
    "first_name": "Pia",
    "surname": "Lund",
    "email": "pia.lund@example.com",
    "mobile": "07000",
}
CREATED: dict[str, Any] = _NAMES | {
    "visit_date": "2030-11-27",
    "visit_time": "12:00:00",
    "party_size": 2,
    "channel_code": "ONLINE",
    "special_requests": "High chair",
    "is_leave_time_confirmed": None,
    "room_number": None,
    "customer": _CUSTOMER,
    "status": "confirmed",
    "created_at": "2030-11-20T07:48:33.188960",
}
BOOKING: dict[str, Any] = CREATED | {
    "is_leave_time_confirmed": False,
    "customer": _CUSTOMER | {"phone": "02000"},
    "cancellation_reason": None,
    "updated_at": "2030-11-20T07:48:33.288962",
}
CHANGED: dict[str, Any] = _NAMES | {
    "updates": {"visit_time": "12:30:00", "party_size": 4},
    "status": "updated",
    "updated_at": "2030-11-20T07:48:33.195093",
    "message": "Booking F0V9MGD has been successfully updated",
}
CANCELLED: dict[str, Any] = _NAMES | {
    "microsite_name": "TheHungryUnicorn",
    "cancellation_reason_id": 1,
    "cancellation_reason": "Customer Request",
    "status": "cancelled",
    "cancelled_at": "2030-11-20T07:48:33.200962",
    "message": "Booking F0V9MGD has been successfully cancelled",
}
UPDATED: dict[str, Any] = {
    "message": "Booking updated successfully",
    "booking_reference": "F0V9MGD",
    "visit_date": "2030-11-27",
    "visit_time": "12:30:00",
    "party_size": 4,
    "special_requests": "High chair",
}
REASON = {
    "id": 1,
    "reason": "Customer Request",
    "description": "Customer requested cancellation",
}
ROW: dict[str, Any] = _NAMES | {
    "visit_date": "2030-11-27",
    "visit_time": "12:00:00",
    "party_size": 2,
    "status": "confirmed",
    "customer": {name: _CUSTOMER[name] for name in ("id", "first_name", "surname", "email")}
    | {"mobile": "07000"},
    "created_at": "2030-11-20T07:48:33.188960",
    "updated_at": "2030-11-20T07:48:33.288962",
}
