"""Examples for the OpenAPI document: one room, from its first day to a cancelled stay."""

from typing import Any

ERROR = {"status": "error", "message": "checkIn: Date must be written as YYYY-MM-DD"}
REGISTER = {
    "email": "ada@example.org",
    "password": "a long one that nobody guesses",
    "name": "Ada Guest",
}
LOGIN = {"email": "ada@example.org", "password": "a long one that nobody guesses"}
TOKEN = {
    "user": {
        "id": "5f0a7c1e-52d4-4a51-8f6e-1c0b9d2e3a47",
        "email": "ada@example.org",
        "name": "Ada Guest",
        "role": "USER",
    },
    "token": "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEzOTFmMGM3IiwidHlwIjoiYXQrand0In0.e30.c2ln",
}
ROOM: dict[str, Any] = {
    "id": "1766b0c9-1a2b-4c3d-8e4f-5a6b7c8d9e0f",
    "name": "Sea View",
    "description": None,
    "price_per_night": "120.50",
    "location": "Haifa",
    "total_inventory": 2,
}
FREE_ROOM = ROOM | {"available_units": 1, "currency": "ILS", "total_price": "241.00"}
ROOM_REQUEST = {
    "name": "Sea View",
    "price_per_night": 120.5,
    "location": "Haifa",
    "total_inventory": 2,
}
STAY_REQUEST = {"roomId": ROOM["id"], "checkIn": "2030-11-21", "checkOut": "2030-11-23"}
_STAY = {
    "id": "c0d7a1f2-3b4c-4d5e-9f60-718293a4b5c6",
    "user_id": "5f0a7c1e-52d4-4a51-8f6e-1c0b9d2e3a47",
    "room_id": ROOM["id"],
    "check_in": "2030-11-21T00:00:00.000Z",
    "check_out": "2030-11-23T00:00:00.000Z",
    "status": "CONFIRMED",
    "created_at": "2030-11-20T08:07:28.711Z",
}
BOOKED = {"message": "Booking confirmed", "booking": _STAY}
CANCELLED = {"message": "Booking cancelled", "booking": _STAY | {"status": "CANCELLED"}}
MY_STAY = _STAY | {
    "room": {"name": "Sea View", "location": "Haifa", "price_per_night": "120.50"},
}
