"""The reports there are, by kind."""

from models import Kind, Post, ReportKind
from reports import figures, lists
from reports.tables import Cell, ChartOf, Column, ReportType

_DAY = Column("day", "Day", Cell.DAY, 11)
_TIME = Column("time", "Time", width=6)
_RESOURCE = Column("resource", "What", width=16)
_BOOKINGS = Column("bookings", "Bookings", Cell.NUMBER, 8)
_PEOPLE = Column("people", "People", Cell.NUMBER, 7)
_NAME = Column("name", "Name", width=22)
_PHONE = Column("phone", "Phone", width=15)
_REQUESTS = Column("requests", "Requests", width=26)
_REFERENCE = Column("reference", "Reference", width=10)
_STATUS = Column("status", "Status", width=11)


def _count(name: str, title: str) -> Column:
    return Column(name, title, Cell.NUMBER, 9)


def _percent(name: str, title: str) -> Column:
    return Column(name, title, Cell.PERCENT, 9)


_ALL = (
    ReportType(
        ReportKind.OCCUPANCY,
        "Occupancy and covers",
        "How full each day was, by resource: places, bookings and people.",
        (
            _DAY,
            _RESOURCE,
            _count("slots", "Slots"),
            _count("capacity", "Places"),
            _count("taken", "Taken"),
            _percent("percent", "Taken, %"),
            _BOOKINGS,
            _PEOPLE,
        ),
        figures.occupancy,
        (
            ChartOf("Taken, %", "day", "taken", by="resource", over="capacity", is_line=True),
            ChartOf("People", "day", "people", by="resource"),
        ),
    ),
    ReportType(
        ReportKind.REVENUE,
        "Revenue",
        "What was sold for each day, at the prices at which it was sold. Cancelled ones are out.",
        (
            _DAY,
            _RESOURCE,
            Column("currency", "Currency", width=8),
            _BOOKINGS,
            _count("units", "Places"),
            Column("revenue", "Revenue", Cell.MONEY, 11),
        ),
        figures.revenue,
        (ChartOf("Revenue", "day", "revenue", by="resource"),),
    ),
    ReportType(
        ReportKind.SOURCES,
        "Sources and lead times",
        "Through what channel bookings came, and how long before their day.",
        (
            Column("channel", "Channel", width=16),
            Column("lead", "Placed before", width=16),
            _count("requests", "Requests"),
            _BOOKINGS,
            _PEOPLE,
        ),
        figures.sources,
        (
            ChartOf("Bookings by lead time", "lead", "bookings", by="channel"),
            ChartOf("Bookings by channel", "channel", "bookings"),
        ),
    ),
    ReportType(
        ReportKind.CANCELLATIONS,
        "Cancellations and no-shows",
        "How many of those who had their places cancelled, late or in time, or did not come.",
        (
            _DAY,
            _RESOURCE,
            _BOOKINGS,
            _count("cancelled", "Cancelled"),
            _count("late", "Of these late"),
            _count("no_shows", "No-shows"),
            _percent("cancelled_percent", "Cancelled, %"),
            _percent("no_show_percent", "No-shows, %"),
        ),
        figures.cancellations,
        (
            ChartOf("Cancelled, %", "day", "cancelled", over="bookings", is_line=True),
            ChartOf("No-shows", "day", "no_shows", by="resource"),
        ),
    ),
    ReportType(
        ReportKind.REFUSALS,
        "Refusals and contested slots",
        "Which slots were asked for in vain, how often and why; the most contested first.",
        (
            _DAY,
            _TIME,
            _RESOURCE,
            Column("reason", "Reason", width=14),
            _count("refused", "Refused"),
            _PEOPLE,
            _count("capacity", "Places"),
            _count("remaining", "Left now"),
        ),
        figures.refusals,
        (
            ChartOf("Refused, by reason", "reason", "refused"),
            ChartOf("Refused, by day", "day", "refused", by="reason"),
        ),
    ),
    ReportType(
        ReportKind.SUCCESS,
        "Success rate",
        "What became of the requests of each day, and how long a decision took.",
        (
            _DAY,
            _count("requests", "Requests"),
            _count("won", "Got places"),
            _count("rejected", "Rejected"),
            _count("expired", "Expired"),
            _count("withdrawn", "Withdrawn"),
            _count("waiting", "Waiting"),
            _percent("percent", "Got places, %"),
            _count("median_seconds", "Decided in, s"),
        ),
        figures.success,
        (
            ChartOf("Got places, %", "day", "won", over="requests", is_line=True),
            ChartOf("Requests", "day", "requests"),
        ),
    ),
    ReportType(
        ReportKind.MAIL,
        "Mail delivery",
        "What became of the messages that were owed each day, by kind.",
        (
            _DAY,
            Column("kind", "Message", width=16),
            _count("owed", "Owed"),
            _count("queued", "Waiting"),
            _count("sent", "Sent"),
            _count("dropped", "Not needed"),
            _count("refused", "Refused"),
            _count("dead", "Given up"),
            _count("median_seconds", "Sent in, s"),
        ),
        figures.mail,
        (
            ChartOf("Messages, by kind", "day", "owed", by="kind"),
            ChartOf("Refused by mail servers", "day", "refused"),
        ),
    ),
    ReportType(
        ReportKind.RUN_SHEET,
        "Run sheet",
        "Who sits when, as the dining room needs it.",
        (_DAY, _TIME, _RESOURCE, _NAME, _PEOPLE, _PHONE, _REQUESTS, _REFERENCE, _STATUS),
        lists.run_sheet,
        names_people=True,
        staff_may=True,
        only_for=Kind.RESTAURANT,
    ),
    ReportType(
        ReportKind.MANIFEST,
        "Passenger manifest",
        "Who is aboard of each departure.",
        (
            _DAY,
            _TIME,
            Column("resource", "Boat", width=14),
            Column("destination", "To", width=14),
            _NAME,
            Column("people", "Seats", Cell.NUMBER, 6),
            _PHONE,
            Column("email", "E-mail", width=22),
            Column("code", "Code", width=9),
            _REFERENCE,
            _STATUS,
        ),
        lists.manifest,
        names_people=True,
        staff_may=True,
        only_for=Kind.BOATS,
    ),
    ReportType(
        ReportKind.ARRIVALS,
        "Arrivals and departures",
        "Who arrives and who leaves, day by day.",
        (
            _DAY,
            Column("movement", "Movement", width=9),
            Column("resource", "Room type", width=14),
            _NAME,
            _count("rooms", "Rooms"),
            _count("guests", "Guests"),
            _count("nights", "Nights"),
            _PHONE,
            _REQUESTS,
            _REFERENCE,
            _STATUS,
        ),
        lists.arrivals,
        names_people=True,
        staff_may=True,
        only_for=Kind.HOTEL,
    ),
    ReportType(
        ReportKind.BOOKINGS,
        "All bookings",
        "Every booking placed on these days, in the order of arrival.",
        (
            _REFERENCE,
            _STATUS,
            Column("reason", "Reason"),
            _RESOURCE,
            Column("starts", "From", width=15),
            Column("ends", "Until", width=15),
            _count("quantity", "Quantity"),
            _count("guests", "Guests"),
            Column("total", "Total", Cell.MONEY, 9),
            Column("currency", "Currency", width=7),
            _NAME,
            Column("email", "E-mail", width=22),
            _PHONE,
            _REQUESTS,
            Column("channel", "Channel"),
            Column("placed", "Placed", width=15),
        ),
        lists.bookings,
        names_people=True,
    ),
)

TYPES = {each.kind: each for each in _ALL}


def kinds_for(post: Post) -> list[ReportKind]:
    """Return the kinds that somebody with this post at a venue may have."""
    return [each.kind for each in _ALL if each.is_for(post)]
