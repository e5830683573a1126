"""How things read on the screen: statuses, times in the venue's zone, a booking's history."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from booking.api_tokens import Scope
from booking.rule import Reason
from models import (
    Booking,
    BookingEvent,
    CountedIn,
    EventKind,
    Kind,
    Notice,
    NotificationState,
    Post,
    Status,
    Told,
)

STATUS_WORDS = {
    Status.PENDING: "Waiting",
    Status.HELD: "Held",
    Status.CONFIRMED: "Confirmed",
    Status.REJECTED: "Rejected",
    Status.EXPIRED: "Expired",
    Status.CANCELLED: "Cancelled",
    Status.CHECKED_IN: "Checked in",
    Status.COMPLETED: "Completed",
    Status.NO_SHOW: "No-show",
}

KIND_WORDS = {
    Kind.RESTAURANT: "Restaurant",
    Kind.BOATS: "Boats",
    Kind.HOTEL: "Hotel",
}

REASON_WORDS = {
    Reason.FULL: "not enough places were left",
    Reason.CLOSED: "the slot was closed",
    Reason.NOTICE: "too short notice",
    Reason.HORIZON: "too far ahead",
    Reason.TOO_LARGE: "too many at once",
    Reason.TOO_MANY_HOLDS: "too many open holds",
    Reason.NOT_DECIDED: "not decided in time",
    Reason.NOT_CONFIRMED: "not confirmed in time",
    Reason.WITHDRAWN: "taken back by whoever asked",
    Reason.INTERNAL: "a fault of ours",
}

NOTICE_WORDS = {
    Notice.RECEIVED: "Request received",
    Notice.HELD: "Places held",
    Notice.HOLD_EXPIRES: "Hold ends soon",
    Notice.CONFIRMED: "Confirmed",
    Notice.REJECTED: "Rejected",
    Notice.EXPIRED: "Expired",
    Notice.CHANGED: "Changed",
    Notice.CANCELLED: "Cancelled",
    Notice.REMINDER: "Reminder",
    Notice.VENUE_NEW: "To the venue: new booking",
    Notice.VENUE_CHANGED: "To the venue: changed",
    Notice.VENUE_CANCELLED: "To the venue: cancelled",
    Notice.VENUE_DIGEST: "To the venue: the day",
    Notice.SLOT_FILLING: "To the venue: slot nearly full",
    Notice.SIGN_IN: "Link to sign in",
    Notice.RESET: "Link to a new password",
    Notice.PROOF: "Link to prove an address",
    Notice.REPORT_READY: "Report ready",
    Notice.INVITATION: "Invitation to a venue",
    Notice.PRIVACY: "A person's data",
}

MESSAGE_STATE_WORDS = {
    NotificationState.QUEUED: "Waiting",
    NotificationState.SENT: "Sent",
    NotificationState.DROPPED: "Not needed",
    NotificationState.REFUSED: "Refused",
    NotificationState.DEAD: "Given up",
}

RESOURCE_WORDS = {
    Kind.RESTAURANT: "dining room",
    Kind.BOATS: "boat",
    Kind.HOTEL: "room type",
}

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

COUNTED_WORDS = {
    CountedIn.PARTIES: "parties: a booking takes one place, however many people",
    CountedIn.SEATS: "seats: a booking takes a place for each person",
    CountedIn.ROOMS: "rooms, by the night",
}

_ATTRIBUTE_WORDS = {"has_ac": "air conditioning", "capacity": "seats on board"}

TOLD_WORDS = {
    Told.AT_ONCE: "at once",
    Told.DAILY: "once a day",
    Told.NEVER: "not at all",
}

SCOPE_WORDS = {
    Scope.BOOKINGS_READ: "read the bookings",
    Scope.BOOKINGS_WRITE: "make and change bookings",
}

POST_WORDS = {Post.OWNER: "Owner", Post.STAFF: "Staff"}

CHANNEL_WORDS = {
    "api": "API",
    "web": "Web page",
    "walk_in": "Walked in",
    "phone": "By telephone",
    "email": "By e-mail",
}

LANGUAGE_WORDS = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}

_EVENT_WORDS = {
    EventKind.PLACED: "Request received",
    EventKind.HELD: "Places held",
    EventKind.CONFIRMED: "Confirmed",
    EventKind.REJECTED: "Rejected",
    EventKind.EXPIRED: "Expired",
    EventKind.CANCELLED: "Cancelled, places given back",
    EventKind.CHECKED_IN: "Checked in",
    EventKind.COMPLETED: "Completed",
    EventKind.NO_SHOW: "Nobody came",
    EventKind.CHANGED: "Changed",
    EventKind.EXTENDED: "Given more time",
}

_ACTOR_WORDS = {
    "customer": "the customer",
    "integration": "a connected system",
    "decider": "the engine",
    "sweeper": "the engine",
    "system": "the engine",
    "staff": "the venue",
}


def quantity_words(booking: Booking) -> str:
    """Write what a booking takes: `4 people`, `2 seats`, `1 room, 3 guests`."""
    one, many = {
        CountedIn.PARTIES: ("person", "people"),
        CountedIn.SEATS: ("seat", "seats"),
        CountedIn.ROOMS: ("room", "rooms"),
    }[CountedIn(booking.resource.counted_in)]
    said = f"{booking.quantity} {one if booking.quantity == 1 else many}"
    return said if booking.guests is None else f"{said}, {booking.guests} guests"


def day(value: date) -> str:
    """Write a day: `Fri 21 Nov 2026`."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def weekdays(days: list[int]) -> str:
    """Write days of the week, 1 for Monday: `every day`, `Fri, Sat`."""
    if len(set(days)) == len(WEEKDAYS):
        return "every day"
    return ", ".join(WEEKDAYS[day - 1] for day in sorted(set(days)))


def local_time(at: datetime | None, zone: str) -> Markup:
    """Write an instant as the clock at the venue shows it, and name the zone."""
    if at is None:
        return Markup("–")
    local = at.astimezone(ZoneInfo(zone))
    return Markup('<time datetime="{}" title="{}">{}, {:%H:%M}</time> <small>{}</small>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC", day(local.date()), local, zone_name(zone)
    )


def masked(text: str | None) -> str:
    """Write an address or a number so that who knows it knows it again: `a…@e…`, `…89`."""
    if not text:
        return "–"
    name, at, host = text.partition("@")
    if at:
        return f"{name[:1]}…@{host[:1]}…"
    return f"…{text[-2:]}" if len(text) > 4 else "…"


def now() -> datetime:
    """Return this moment, for a page that says how old it is."""
    return datetime.now(UTC)


def clock(at: datetime, zone: str) -> str:
    """Write the time of day that the clock at the venue shows: `19:30`."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def age(at: datetime, now: datetime) -> str:
    """Write how long ago that was, or how long it is until then: `40 s`, `12 min`, `3 h`."""
    seconds = abs(int((now - at).total_seconds()))
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and unit != "days"):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def number(count: int, one: str, many: str | None = None) -> str:
    """Write a number of things: `1 booking`, `12 bookings`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def minutes(count: int) -> str:
    """Write a length of time: `none`, `45 minutes`, `2 hours`, `1 day`."""
    for unit, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        if count and count % unit == 0:
            return f"{count // unit} {name}{'' if count == unit else 's'}"
    return "none"


def zone_name(zone: str) -> str:
    """Write a zone as people say it: `Europe/London` is `London`, `UTC` stays."""
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def badge(kind: str, words: str) -> Markup:
    """Write a small coloured label."""
    return Markup('<span class="mark mark-{}">{}</span>').format(kind, words)


def status_badge(status: str) -> Markup:
    """Write the status of a booking."""
    return badge(status, STATUS_WORDS[Status(status)])


def channel_words(channel: str) -> str:
    """Write how a booking came."""
    return CHANNEL_WORDS.get(channel, channel)


def reason_words(reason: str | None) -> str:
    """Write why a booking was refused or ended."""
    if reason is None:
        return ""
    return REASON_WORDS[Reason(reason)] if reason in list(Reason) else reason


def event_words(event: BookingEvent) -> str:
    """Write what happened, with the reason if there is one."""
    words = _EVENT_WORDS[EventKind(event.kind)]
    return f"{words}: {reason_words(event.reason)}" if event.reason else words


def actor_words(actor: str, names: dict[str, str]) -> str:
    """Write who did it; `names` are those of the venue's own people, by id."""
    kind, _, who = actor.partition(":")
    return names.get(who) or _ACTOR_WORDS.get(kind, kind)


def attributes_list(attributes: dict[str, object]) -> Markup:
    """Write a JSON object as a short list of its members."""
    if not attributes:
        return Markup("–")
    rows = Markup("").join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(
            _ATTRIBUTE_WORDS.get(name, name.replace("_", " ")), _plain(value)
        )
        for name, value in attributes.items()
    )
    return Markup('<dl class="plain">{}</dl>').format(rows)


def _plain(value: object) -> Markup:
    if isinstance(value, bool):
        return escape("yes" if value else "no")
    if isinstance(value, list):
        return escape(", ".join(str(item) for item in value))
    return escape(value)
