"""The venues: to be looked at."""

from markupsafe import Markup
from sqlalchemy import ColumnElement

from admin import words
from admin.tenancy import Realm
from admin.views import OwnerView
from models import Kind, Venue

_VENUE_LABELS = {
    "slug": "Short name",
    "time_zone": "Time zone",
    "is_listed": "Listed",
    "notice_minutes": "Notice",
    "cutoff_minutes": "Booking ends before the start",
    "cancel_cutoff_minutes": "Cancelling ends before the start",
    "horizon_days": "Bookable ahead",
    "patience_seconds": "Requests wait at most",
    "default_hold_minutes": "A hold lasts",
    "max_hold_minutes": "Longest hold",
    "max_holds_per_person": "Open holds of one person",
    "max_holds_per_address": "Open holds from one address",
    "public_consumer_calls": "Restaurant API without a token",
    "embed_origins": "May embed the booking page",
    "attributes": "More",
}
_VENUE_FORMATS = {
    "kind": lambda v, c, venue, n: words.KIND_WORDS[Kind(venue.kind)],
    "is_listed": lambda v, c, venue, n: "yes" if venue.is_listed else "no",
}
_VENUE_DETAIL_FORMATS = {
    "notice_minutes": lambda v, c, venue, n: words.minutes(venue.notice_minutes),
    "cutoff_minutes": lambda v, c, venue, n: words.minutes(venue.cutoff_minutes),
    "cancel_cutoff_minutes": lambda v, c, venue, n: words.minutes(venue.cancel_cutoff_minutes),
    "horizon_days": lambda v, c, venue, n: f"{venue.horizon_days} days",
    "patience_seconds": lambda v, c, venue, n: f"{venue.patience_seconds} seconds",
    "default_hold_minutes": lambda v, c, venue, n: words.minutes(venue.default_hold_minutes),
    "max_hold_minutes": lambda v, c, venue, n: words.minutes(venue.max_hold_minutes),
    "public_consumer_calls": lambda v, c, venue, n: "yes" if venue.public_consumer_calls else "no",
    "embed_origins": lambda v, c, venue, n: ", ".join(venue.embed_origins) or "–",
    "opening_hours": lambda v, c, venue, n: Markup('<span class="wishes">{}</span>').format(
        venue.opening_hours or "–"
    ),
    "attributes": lambda v, c, venue, n: words.attributes_list(venue.attributes),
}


class VenueView(OwnerView):
    """The venues, with the policies that bind their customers."""

    column_list = ("name", "kind", "time_zone", "currency", "is_listed")
    column_details_list = (
        "name",
        "slug",
        "kind",
        "time_zone",
        "currency",
        "is_listed",
        "notice_minutes",
        "cutoff_minutes",
        "cancel_cutoff_minutes",
        "horizon_days",
        "patience_seconds",
        "default_hold_minutes",
        "max_hold_minutes",
        "max_holds_per_person",
        "max_holds_per_address",
        "public_consumer_calls",
        "embed_origins",
        "opening_hours",
        "attributes",
    )
    column_labels = _VENUE_LABELS
    column_formatters = _VENUE_FORMATS
    column_formatters_detail = _VENUE_FORMATS | _VENUE_DETAIL_FORMATS
    details_template = "house/venue.html"
    list_template = "house/venues.html"
    ordering = (Venue.name, Venue.id)

    def __init__(self) -> None:
        super().__init__(Venue, name="Venues")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Venue.id)

    def venue_id_of(self, row: Venue) -> int:
        return row.id
