"""The venues and what is booked there: to be looked at."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import flash
from flask_admin.actions import action
from markupsafe import Markup
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Query, joinedload

from admin import words
from admin.forms import VenueFilters
from admin.tenancy import Realm, current_realm
from admin.views import OwnerView
from booking.feeds import renew_resource_feed, resource_feed_token
from models import Kind, Resource, Venue
from settings import settings

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
_RESOURCE_LABELS = {
    "counted_in": "Counted in",
    "max_quantity": "Largest booking",
    "people_per_room": "People in a room",
    "retired_at": "Retired",
    "feed": "Calendar feed",
    "attributes": "More",
}
_RESOURCE_DETAIL_FORMATS = {
    "feed": lambda v, c, resource, n: _feed_link(resource),
    "retired_at": lambda v, c, resource, n: words.local_time(
        resource.retired_at, resource.venue.time_zone
    ),
    "attributes": lambda v, c, resource, n: words.attributes_list(resource.attributes),
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


class ResourceView(OwnerView):
    """The dining rooms, boats and room types."""

    column_list = ("name", "venue", "counted_in", "max_quantity")
    column_details_list = (
        "name",
        "venue",
        "counted_in",
        "max_quantity",
        "people_per_room",
        "retired_at",
        "attributes",
        "feed",
    )
    filters_class = VenueFilters
    column_labels = _RESOURCE_LABELS
    column_formatters_detail = _RESOURCE_DETAIL_FORMATS
    ordering = (Resource.venue_id, Resource.position, Resource.name, Resource.id)
    eager = (joinedload(Resource.venue),)

    def __init__(self) -> None:
        super().__init__(Resource, name="Resources")

    def within(self, realm: Realm) -> ColumnElement[bool]:
        return realm.limit(Resource.venue_id)

    def venue_id_of(self, row: Resource) -> int:
        return row.venue_id

    def narrow(self, query: "Query[Any]", filters: Any) -> "Query[Any]":
        if (venue_id := filters.chosen("venue")) is not None:
            query = query.filter(Resource.venue_id == int(venue_id))
        return query

    @action("renew_feed", "New calendar link")
    def renew_feeds(self, resources: Sequence[Resource]) -> None:
        """Give the chosen resources new secret links; those given out before end."""
        for resource in resources:
            self.obey(partial(renew_resource_feed, resource_id=resource.id))
        flash("The calendar links given out before no longer work.", "success")


def _feed_link(resource: Resource) -> Markup:
    """Show the secret link to those who run the venue."""
    if not current_realm().may_manage(resource.venue_id):
        return Markup("–")
    url = f"{settings.base_url}/calendar/resources/{resource_feed_token(resource)}.ics"
    return Markup(
        '<a href="{}">{}</a><br><small>Secret: whoever has it sees the names.</small>'
    ).format(url, "Subscribe in a calendar")
