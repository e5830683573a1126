"""Tables and their constraints, and nothing else."""

from models.base import Base
from models.bookings import (
    OCCUPYING,
    Booking,
    BookingEvent,
    BookingSlot,
    Customer,
    EventKind,
    Notice,
    Notification,
    NotificationState,
    Status,
)
from models.heartbeats import Heartbeat
from models.people import Membership, Post, Role, User, user_roles
from models.venues import CancellationReason, CountedIn, Kind, Resource, Schedule, Slot, Venue

__all__ = [
    "OCCUPYING",
    "Base",
    "Booking",
    "BookingEvent",
    "BookingSlot",
    "CancellationReason",
    "CountedIn",
    "Customer",
    "EventKind",
    "Heartbeat",
    "Kind",
    "Membership",
    "Notice",
    "Notification",
    "NotificationState",
    "Post",
    "Resource",
    "Role",
    "Schedule",
    "Slot",
    "Status",
    "User",
    "Venue",
    "user_roles",
]
