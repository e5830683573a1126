"""Examples for the OpenAPI document: one small booking, from the venue to the answer."""

from typing import Any

_RESOURCE_ID = "6d1f3d5e-4b8c-4b56-9d1e-0a5f7c2b9e10"
_SLOT_ID = "0b9a4c1e-7d52-4c0b-8f7a-31f6a2d4c855"

VENUE: dict[str, Any] = {
    "slug": "TheHungryUnicorn",
    "name": "The Hungry Unicorn",
    "kind": "restaurant",
    "time_zone": "Europe/London",
    "currency": "GBP",
    "attributes": {},
    "policies": {
        "notice_minutes": 0,
        "cutoff_minutes": 0,
        "cancel_cutoff_minutes": 0,
        "horizon_days": 366,
        "default_hold_minutes": 15,
        "max_hold_minutes": 60,
    },
    "resources": [
        {
            "id": _RESOURCE_ID,
            "name": "Dining room",
            "counted_in": "parties",
            "max_quantity": 8,
            "people_per_room": None,
            "attributes": {},
        }
    ],
    "links": {
        "self": "/api/v1/venues/TheHungryUnicorn",
        "slots": "/api/v1/venues/TheHungryUnicorn/slots",
    },
}
VENUE_PAGE = {"items": [VENUE], "next_cursor": None}

SLOT_PAGE = {
    "items": [
        {
            "id": _SLOT_ID,
            "resource_id": _RESOURCE_ID,
            "starts_at": "2026-12-04T19:00:00Z",
            "ends_at": "2026-12-04T21:00:00Z",
            "capacity": 12,
            "remaining": 5,
            "max_quantity": 8,
            "price": "0.00",
            "currency": "GBP",
            "attributes": {},
            "status": "open",
        }
    ],
    "next_cursor": None,
}

ROOM_PAGE = {
    "items": [
        {
            "resource_id": _RESOURCE_ID,
            "venue": "harbour-hotel",
            "name": "Double room",
            "attributes": {},
            "remaining": 3,
            "nights": [{"date": "2026-12-04", "slot_id": _SLOT_ID, "price": "120.00"}],
            "total": "120.00",
            "currency": "EUR",
            "slot_ids": [_SLOT_ID],
        }
    ],
    "next_cursor": None,
}

BOOKING_REQUEST = {
    "slot_ids": [_SLOT_ID],
    "quantity": 4,
    "customer": {
        "email": "ada@example.com",
        "full_name": "Ada Lovelace",
        "phone": "+442079460958",
    },
    "special_requests": "A table by the window, please.",
    "language": "en",
}

PENDING: dict[str, Any] = {
    "id": "3c0a2f9e-51a5-4f0e-9f3b-8d6a1f4f2b77",
    "reference": "K7M2QXD",
    "venue": "TheHungryUnicorn",
    "venue_name": "The Hungry Unicorn",
    "time_zone": "Europe/London",
    "resource": _RESOURCE_ID,
    "resource_name": "Dining room",
    "slots": [
        {
            "id": _SLOT_ID,
            "starts_at": "2026-12-04T19:00:00Z",
            "ends_at": "2026-12-04T21:00:00Z",
            "price": "0.00",
        }
    ],
    "quantity": 4,
    "guests": None,
    "customer": BOOKING_REQUEST["customer"],
    "email_refused": False,
    "special_requests": BOOKING_REQUEST["special_requests"],
    "channel": "api",
    "status": "pending",
    "reason": None,
    "remaining": None,
    "position": 0,
    "expected_seconds": 0.1,
    "expires_at": "2026-11-20T10:15:00.123456Z",
    "total": "0.00",
    "currency": "GBP",
    "created_at": "2026-11-20T10:00:00.123456Z",
    "decided_at": None,
    "links": {
        "self": "/api/v1/bookings/K7M2QXD",
        "events": "/api/v1/bookings/K7M2QXD/events",
        "cancel": "/api/v1/bookings/K7M2QXD/cancel",
    },
}
PLACED = PENDING | {"access_token": "WyIzYzBhMmY5ZTUxYTU0ZjBlOWYzYjhkNmExZjRmMmI3NyIsMV0.yd3b"}
CONFIRMED = PENDING | {
    "status": "confirmed",
    "position": None,
    "expected_seconds": None,
    "expires_at": None,
    "decided_at": "2026-11-20T10:00:00.187654Z",
    "links": PENDING["links"] | {"change": "/api/v1/bookings/K7M2QXD"},
}
CANCELLED = CONFIRMED | {"status": "cancelled", "links": {"self": "/api/v1/bookings/K7M2QXD"}}
HELD = CONFIRMED | {"status": "held", "expires_at": "2026-11-20T10:15:00.187654Z"}
BOOKING_PAGE = {"items": [CONFIRMED], "next_cursor": None}

REGISTER_REQUEST = {
    "email": "ada@example.com",
    "password": "a long one that nobody guesses",
    "full_name": "Ada Lovelace",
}
REGISTERED = {
    "email": "ada@example.com",
    "full_name": "Ada Lovelace",
    "message": "Sign in with your password. We have mailed you a link that proves your address.",
}
LOGIN_REQUEST = {"email": "ada@example.com", "password": "a long one that nobody guesses"}
REFRESH_REQUEST = {"refresh_token": "yVwq0mJx3S0o8C2l5Yb9dPZp4rGk7uTnQeHf6sKiXaM"}
ACCOUNT: dict[str, Any] = {
    "id": "5f0a7c1e-52d4-4a51-8f6e-1c0b9d2e3a47",
    "email": "ada@example.com",
    "full_name": "Ada Lovelace",
    "email_is_proven": True,
    "posts": [],
    "created_at": "2026-11-20T10:00:00.123456Z",
}
TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEzOTFmMGM3IiwidHlwIjoiYXQrand0In0.e30.c2ln",
    "token_type": "Bearer",
    "expires_in": 900,
    "refresh_token": REFRESH_REQUEST["refresh_token"],
    "refresh_expires_in": 2_592_000,
    "account": ACCOUNT,
}

EVENT_PAGE = {
    "items": [
        {
            "number": 48211,
            "booking_id": "4c7d7b7e-9f0b-4f1e-8f6e-8b8e7f6f9b11",
            "reference": "K7M2QXD",
            "kind": "confirmed",
            "status": "confirmed",
            "reason": None,
            "actor": "decider",
            "details": {},
            "at": "2026-11-20T18:30:00.123456Z",
            "digest": "9f2c4e0a" * 8,
        }
    ],
    "next_after": 48211,
}

PRIVACY_ASKED = {"email": "ann@example.com", "venue": "TheHungryUnicorn", "language": "en"}
PRIVACY_TOKEN = {"token": "h7Yb2dQnJ0m8vQ3c1xS5tK9wL4pR6zA8eF2gU7iO1yE"}
PRIVACY_PREVIEW = {
    "email": "ann@example.com",
    "venue": "TheHungryUnicorn",
    "erasable": 3,
    "coming": [
        {
            "reference": "K7M2QXD",
            "venue": "The Hungry Unicorn",
            "over_at": "2026-12-04T22:00:00Z",
        }
    ],
    "held": 0,
    "has_account": False,
    "works_here": False,
}
PRIVACY_EXPORT = {
    "email": "ann@example.com",
    "venue": "TheHungryUnicorn",
    "account": [],
    "customers": [{"id": 7, "email": "ann@example.com", "full_name": "Ann", "phone": None}],
    "bookings": [{"reference": "K7M2QXD", "status": "confirmed", "contact_name": "Ann"}],
    "places": [],
    "events": [],
    "messages": [],
}
ERASURE_ASKED = {**PRIVACY_TOKEN, "on_future": "keep"}
ERASURE = {
    "id": "6a3c6b62-6a57-4f2e-9a6f-0f1f4b1b5a11",
    "state": "open",
    "waits_for": None,
    "created_at": "2026-11-20T10:00:00Z",
    "due_at": "2026-11-21T10:00:00Z",
    "done_at": None,
}

REPORT_REQUEST = {
    "kind": "occupancy",
    "format": "xlsx",
    "first_on": "2026-10-01",
    "last_on": "2026-10-31",
}
REPORT: dict[str, Any] = {
    "id": "0d5f3e0a-6a53-4c0f-9a53-0f1a4f6a7b21",
    "kind": "occupancy",
    "format": "xlsx",
    "first_on": "2026-10-01",
    "last_on": "2026-10-31",
    "resource_id": None,
    "state": "waiting",
    "error": None,
    "rows_done": 0,
    "rows_total": None,
    "bytes": 0,
    "created_at": "2026-11-20T10:00:00.123456Z",
    "finished_at": None,
    "expires_at": None,
    "links": {
        "self": "/api/v1/venues/TheHungryUnicorn/reports/0d5f3e0a-6a53-4c0f-9a53-0f1a4f6a7b21"
    },
}
REPORT_PAGE = {"items": [REPORT], "next_cursor": None}
