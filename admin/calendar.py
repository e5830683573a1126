"""The calendar of a resource: month, week and day, with what is taken and left in each slot."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, request
from flask_admin import BaseView, expose
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from admin import words
from admin.calendar_reads import Span, frame_of, read_slots, read_sums
from admin.database import db
from admin.forms import VenueFilters
from admin.setting_up import get_resource
from admin.slots import status_badge
from admin.tenancy import current_realm, shown_realm
from admin.views import Guarded
from models import Resource, Venue

_MOST_RESOURCES = 500
_FIRST_YEAR, _LAST_YEAR = 2000, 2200


class CalendarView(Guarded, BaseView):
    """One page: the address says which resource, how many days and around which."""

    def __init__(self) -> None:
        super().__init__(name="Calendar", endpoint="admin_calendar", url="calendar")

    @expose("/")
    def index(self) -> Any:
        """Show the days; without a resource in the address, the first one there is."""
        resources = _resources()
        resource = _chosen(resources)
        if resource is None:
            return self.render("house/calendar.html", resource=None)
        zone = resource.venue.time_zone
        today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
        frame = frame_of(_span(), _on() or today)
        is_month = frame.span is Span.MONTH
        return self.render(
            "house/calendar.html",
            resource=resource,
            resources=resources,
            frame=frame,
            spans=list(Span),
            sums=read_sums(resource.id, frame) if is_month else {},
            slots={} if is_month else read_slots(resource.id, frame),
            today=today,
            now=datetime.now(UTC),
            may_change=current_realm().may_manage(resource.venue_id),
            status_badge=status_badge,
            zone=zone,
            words=words,
        )


def _resources() -> list[Resource]:
    """Return what can be looked at, by venue and in the owner's order."""
    query = (
        select(Resource)
        .join(Resource.venue)
        .options(contains_eager(Resource.venue))
        .where(shown_realm().limit(Venue.id), Resource.retired_at.is_(None))
        .order_by(Venue.name, Venue.id, Resource.position, Resource.name)
        .limit(_MOST_RESOURCES)
    )
    if (venue_id := _venue_id()) is not None:
        query = query.where(Venue.id == venue_id)
    return list(db.session.scalars(query))


def _chosen(resources: list[Resource]) -> Resource | None:
    if given := request.args.get("resource"):
        return get_resource(given, to_manage=False)
    return resources[0] if resources else None


def _venue_id() -> int | None:
    """Return the venue of the address, one of the realm; any other is 400."""
    filters = VenueFilters(request.args)
    if not filters.validate():
        abort(400)
    chosen = filters.chosen("venue")
    return None if chosen is None else int(chosen)


def _span() -> Span:
    given = request.args.get("view", Span.MONTH)
    if given not in list(Span):
        abort(400)
    return Span(given)


def _on() -> date | None:
    given = request.args.get("on")
    if not given:
        return None
    try:
        on = date.fromisoformat(given)
    except ValueError:
        abort(400)
    if not _FIRST_YEAR <= on.year <= _LAST_YEAR:
        abort(400)
    return on
