"""Tables and their constraints, and nothing else."""

from models.base import Base
from models.bookings import (
    OCCUPYING,
    Booking,
    BookingEvent,
    BookingSlot,
    Customer,
    EventKind,
    Status,
)
from models.bulk import BulkItem, BulkJob, Deed, ItemState
from models.heartbeats import Heartbeat
from models.messages import (
    Breaker,
    MessageText,
    Notice,
    Notification,
    NotificationState,
    OneTimeLink,
    Purpose,
)
from models.people import ApiToken, Membership, Post, RefreshToken, Role, User, user_roles
from models.records import Act, AuditEvent, EventSeal, JobRun, RunState
from models.venues import (
    LONGEST_ON_SALE_HOURS,
    CancellationReason,
    CountedIn,
    Kind,
    Resource,
    Schedule,
    Slot,
    Told,
    Venue,
)

__all__ = [
    "LONGEST_ON_SALE_HOURS",
    "OCCUPYING",
    "Act",
    "ApiToken",
    "AuditEvent",
    "Base",
    "Booking",
    "BookingEvent",
    "BookingSlot",
    "Breaker",
    "BulkItem",
    "BulkJob",
    "CancellationReason",
    "CountedIn",
    "Customer",
    "Deed",
    "EventKind",
    "EventSeal",
    "Heartbeat",
    "ItemState",
    "JobRun",
    "Kind",
    "Membership",
    "MessageText",
    "Notice",
    "Notification",
    "NotificationState",
    "OneTimeLink",
    "Post",
    "Purpose",
    "RefreshToken",
    "Resource",
    "Role",
    "RunState",
    "Schedule",
    "Slot",
    "Status",
    "Told",
    "User",
    "Venue",
    "user_roles",
]
