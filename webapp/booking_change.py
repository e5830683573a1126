"""Changing a booking behind its mailed link: another time or number, without JavaScript.

Looking for what is free is a GET and changes nothing; the change itself is a POST.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from booking.alternatives import Alternative, Alternatives, find_alternatives
from booking.changes import CHANGEABLE, Change, change_booking
from booking.correspondence import Sender, Subject
from booking.errors import BookingError, InvalidRequest, NotChangeable
from messages.languages import Voice
from messages.refusals import number_expected, refusal_of
from models import CountedIn
from webapp.api.fields import Day, Id, QueryWhole
from webapp.booking_page import back_to, opened_booking, render, voice_for

MOST_NIGHTS = 62
_MOST_PEOPLE = 10_000
_MOST_SLOTS = 366

blueprint = Blueprint("booking_change", __name__, url_prefix="/bookings")


@dataclass(slots=True)
class Wish:
    """What the form says, and by field what is wrong with it."""

    on: date
    nights: int
    quantity: int
    guests: int | None
    slot_ids: tuple[UUID, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def until(self) -> date:
        """The day of leaving."""
        return self.on + timedelta(days=self.nights)

    @property
    def days(self) -> str:
        """The days as the form gives them back, to tell whether they have been changed since."""
        return f"{self.on} {self.until}"


@blueprint.get("/<string:reference>/change")
def show_change(reference: str) -> Response:
    """Show what the booking could be changed to; nothing is changed."""
    sender, booking = opened_booking(reference)
    wish = _read_wish(voice_for(sender, booking), sender, booking, request.args)
    return _page(sender, booking, wish)


@blueprint.post("/<string:reference>/change")
def take_change(reference: str) -> AnyResponse:
    """Change the booking, or show beside the field why it cannot be."""
    sender, booking = opened_booking(reference)
    v = voice_for(sender, booking)
    wish = _read_wish(v, sender, booking, request.form)
    # Where other days were written since they were shown, what is chosen is of the days before.
    if request.form.get("shown", wish.days) == wish.days:
        wish.slot_ids = _read_slots(request.form.get("slots", ""))
    if not wish.slot_ids:
        wish.errors.setdefault("slots", v.t("Choose one of these."))
    if wish.errors:
        return _page(sender, booking, wish)
    change = Change(slot_ids=wish.slot_ids, quantity=wish.quantity, guests=wish.guests)
    try:
        change_booking(booking_id=booking.id, change=change)
    except BookingError as error:
        at = error.field if isinstance(error, InvalidRequest) else "slots"
        wish.errors["" if isinstance(error, NotChangeable) else at] = refusal_of(v, error)
        return _page(sender, booking, wish)
    return back_to(booking)


def _page(sender: Sender, booking: Subject, wish: Wish) -> Response:
    v = voice_for(sender, booking)
    found = find_alternatives(
        booking_id=booking.id, on=wish.on, nights=wish.nights, quantity=wish.quantity
    )
    if wish.quantity > found.largest or "quantity" in wish.errors:
        wish.errors["quantity"] = number_expected(v, found.largest)
    is_changeable = booking.status in CHANGEABLE
    if not is_changeable:
        wish.errors[""] = refusal_of(v, NotChangeable())
    choices = found.on_the_day or found.near
    return render(
        "booking_change.html",
        sender,
        booking,
        status=422 if wish.errors else 200,
        heading=v.t("Change the booking"),
        is_changeable=is_changeable,
        wish=wish,
        found=found,
        choices=[(each, _said(v, sender, booking, found, each)) for each in choices],
        words=_words(v, booking, wish, found),
    )


def _words(v: Voice, booking: Subject, wish: Wish, found: Alternatives) -> dict[str, str]:
    """Return what stands at the fields and buttons."""
    return {
        "on": v.t("Arrival") if found.is_stay else v.t("Day"),
        "until": v.t("Departure"),
        "quantity": {
            CountedIn.PARTIES: v.t("People"),
            CountedIn.SEATS: v.t("Seats"),
            CountedIn.ROOMS: v.t("Rooms"),
        }[booking.counted_in],
        "guests": v.t("Guests"),
        "look": v.t("Show what is free"),
        "choices": v.day(wish.on)
        if found.on_the_day
        else v.t("Nothing is free then. This is near:"),
        "nothing": v.t("Nothing is free on that day or near it."),
        "present": v.t("as it is now"),
        "save": v.t("Save the change"),
        "back": v.t("Back to the booking"),
    }


def _said(
    v: Voice, sender: Sender, booking: Subject, found: Alternatives, each: Alternative
) -> str:
    """Write an alternative: only the time where the day has been said, and the price if any."""
    zone = sender.time_zone
    if found.is_stay:
        begins, ends = (at.astimezone(ZoneInfo(zone)) for at in (each.starts_at, each.ends_at))
        said = f"{v.day(begins.date())} – {v.day(ends.date())}"
    elif found.on_the_day and len(each.slot_ids) == 1:
        said = v.clock(each.starts_at, zone)
    else:
        said = v.moment(each.starts_at, zone)
    return f"{said} · {v.money(each.total, booking.currency)}" if each.total else said


def _read_wish(v: Voice, sender: Sender, booking: Subject, given: MultiDict[str, str]) -> Wish:
    """Read the form; what is missing stays as it is, and so does what cannot be read."""
    zone = ZoneInfo(sender.time_zone)
    on, until = (at.astimezone(zone).date() for at in (booking.starts_at, booking.ends_at))
    wish = Wish(on, max(1, (until - on).days), booking.quantity, booking.guests)
    wish.on = _read_day(v, given, "on", wish, wish.on)
    until = _read_day(v, given, "until", wish, wish.until)
    wish.quantity = _read_number(v, given, "quantity", wish, wish.quantity)
    if booking.counted_in is CountedIn.ROOMS:
        if given.get("guests"):
            wish.guests = _read_number(v, given, "guests", wish, wish.guests or 1)
        nights = (until - wish.on).days
        if 1 <= nights <= MOST_NIGHTS:
            wish.nights = nights
        else:
            wish.errors.setdefault(
                "until",
                v.t("Leave after you arrive, %(most)s nights later at most.", most=MOST_NIGHTS),
            )
    return wish


def _read_day(v: Voice, given: MultiDict[str, str], name: str, wish: Wish, else_: date) -> date:
    try:
        return Day().deserialize(given[name].strip()) if given.get(name) else else_
    except ValidationError:
        wish.errors[name] = v.t("Give a day, such as %(day)s.", day=else_.isoformat())
        return else_


def _read_number(v: Voice, given: MultiDict[str, str], name: str, wish: Wish, else_: int) -> int:
    try:
        number = QueryWhole(most=_MOST_PEOPLE)
        return int(number.deserialize(given.get(name, str(else_)).strip()))
    except ValidationError:
        wish.errors[name] = number_expected(v, _MOST_PEOPLE)
        return else_


def _read_slots(given: str) -> tuple[UUID, ...]:
    """Read the ids of the chosen slots; nothing when they are none."""
    try:
        found = tuple(Id().deserialize(each) for each in given.split(",")[:_MOST_SLOTS])
    except ValidationError:
        return ()
    return found
