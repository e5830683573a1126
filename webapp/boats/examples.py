"""The examples of the boats API in the document."""

from typing import Any

DEPARTURE: dict[str, Any] = {
    "id": "5b9a9a0e-6f0c-4c0a-9b3e-0a3f6f8d2c11",
    "departure_id": "d2a4f6b8-1c3e-4f5a-8b7c-9d0e1f2a3b4c",
    "name": "SeaExpress 1",
    "capacity": 50,
    "available_seats": 12,
    "has_ac": True,
    "price_per_seat": 25.0,
    "departure_time": "2030-03-15T09:00:00Z",
    "destination": "Island Paradise",
    "currency": "USD",
}
DEPARTURES = {"boats": [DEPARTURE], "next_cursor": None}
ONE_DEPARTURE = {
    name: DEPARTURE[name]
    for name in (
        "departure_id",
        "available_seats",
        "price_per_seat",
        "departure_time",
        "destination",
        "currency",
    )
} | {"boat": {name: DEPARTURE[name] for name in ("id", "name", "capacity", "has_ac")}}
REQUEST = {
    "departure_id": DEPARTURE["departure_id"],
    "seats_requested": 2,
    "customer": {
        "email": "john@example.com",
        "full_name": "John Doe",
        "phone": "+442079460958",
    },
}
BOOKING: dict[str, Any] = {
    "booking_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "status": "confirmed",
    "confirmation_code": "JKB-ABC234",
    "departure": {
        "boat_name": "SeaExpress 1",
        "departure_time": "2030-03-15T09:00:00Z",
        "destination": "Island Paradise",
    },
    "seats_booked": 2,
    "total_price": 50.0,
    "customer": {"email": "john@example.com", "full_name": "John Doe"},
}
ROWS = {
    "bookings": [
        {
            "booking_id": BOOKING["booking_id"],
            "confirmation_code": BOOKING["confirmation_code"],
            "departure_time": "2030-03-15T09:00:00Z",
            "destination": "Island Paradise",
            "seats_booked": 2,
            "status": "confirmed",
            "created_at": "2030-03-01T10:12:00Z",
        }
    ]
}
ERRORS: dict[int, dict[str, Any]] = {
    400: {
        "error": "insufficient_capacity",
        "message": "Only 1 seat available, but 2 requested",
        "available_seats": 1,
    },
    401: {"error": "proof_required", "message": "Sign in, follow the link that we mail you, ..."},
    403: {"error": "out_of_scope", "message": "The token lacks the scope bookings:write."},
    404: {"error": "not_found", "message": "There is no such departure."},
    409: {"error": "idempotency_conflict", "message": "This key was used with another body."},
    410: {"error": "departed", "message": "This departure has left already."},
    413: {"error": "request_entity_too_large", "message": "A body has 64 KB at most."},
    415: {"error": "unsupported_media_type", "message": "The body must be application/json."},
    429: {"error": "too_many_requests", "message": "Too many requests; try again in 17 seconds."},
    500: {"error": "internal_server_error", "message": "Something went wrong; it is noted."},
    503: {"error": "not_decided", "message": "Nothing was booked: please try again."},
}
