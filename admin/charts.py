"""Figures behind the charts of the first page: the next days' occupancy, and when bookings come."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, cast, extract, func, select

from admin.coming import today_of_venue
from admin.database import db
from admin.tenancy import Realm
from models import Booking, Resource, Slot, Venue

DAYS = 14
_DAYS_BACK = timedelta(days=7)
_MOST_VENUES = 8
_MOST_BOOKINGS = 5000
_MOST_CHANNELS = 6

# A chart, in plain lists: the labels along it, and of each series its name and its numbers.
Chart = dict[str, Any]


def read_occupancy(realm: Realm, now: datetime, first_day: date) -> Chart:
    """Return how full each venue is on the next 14 days, in percent, a series a venue.

    `first_day` is how today is called; each venue has its own.
    """
    today = today_of_venue(now)
    venues = (
        select(Venue.id)
        .where(realm.limit(Venue.id))
        .order_by(Venue.name)
        .limit(_MOST_VENUES)
        .subquery()
    )
    ahead = (Slot.local_on - today).label("ahead")
    rows = db.session.execute(
        select(
            Venue.id,
            Venue.name,
            ahead,
            func.sum(Slot.capacity - Slot.remaining),
            func.sum(Slot.capacity),
        )
        .join(venues, venues.c.id == Venue.id)
        .join(Resource, (Resource.venue_id == Venue.id) & Resource.retired_at.is_(None))
        .join(
            Slot,
            (Slot.resource_id == Resource.id)
            & Slot.local_on.between(today, today + cast(DAYS - 1, Integer)),
        )
        .group_by(Venue.id, Venue.name, ahead)
    ).all()
    percent: dict[tuple[str, int], list[int]] = {}
    for venue_id, name, day, taken, places in rows:
        filled = percent.setdefault((name, venue_id), [0] * DAYS)
        filled[day] = round(100 * taken / places) if places else 0
    return {
        "labels": [_day_name(first_day + timedelta(days=day)) for day in range(DAYS)],
        "series": [{"name": name, "values": percent[name, id_]} for name, id_ in sorted(percent)],
        "unit": "%",
    }


def read_arrivals(realm: Realm, now: datetime) -> Chart:
    """Return at which hour of the venue's day bookings came in, by channel, over a week.

    Of a venue that has more than some thousands a week, the newest of them.
    """
    newest = (
        select(Booking.venue_id, Booking.channel, Booking.created_at)
        .where(realm.limit(Booking.venue_id))
        .order_by(Booking.seq.desc())
        .limit(_MOST_BOOKINGS)
        .subquery()
    )
    hour = cast(extract("hour", func.timezone(Venue.time_zone, newest.c.created_at)), Integer)
    rows = db.session.execute(
        select(hour, newest.c.channel, func.count())
        .join(Venue, Venue.id == newest.c.venue_id)
        .where(newest.c.created_at > now - _DAYS_BACK)
        .group_by(hour, newest.c.channel)
    ).all()
    totals: Counter[str] = Counter()
    for _, channel, number in rows:
        totals[channel] += number
    shown = [channel for channel, _ in totals.most_common(_MOST_CHANNELS)]
    by_channel = {channel: [0] * 24 for channel in (*shown, "other")}
    for at, channel, number in rows:
        by_channel[channel if channel in shown else "other"][at] += number
    return {
        "labels": [f"{each:02}" for each in range(24)],
        "series": [
            {"name": name.replace("_", " "), "values": values}
            for name, values in by_channel.items()
            if any(values)
        ],
        "unit": "",
    }


def _day_name(day: date) -> str:
    return f"{day:%a} {day.day}"
