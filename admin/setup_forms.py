"""The forms in which owners set up what is booked: resources, slots and schedules."""

import re
from collections.abc import Iterable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    DecimalField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from admin import words
from admin.forms import printable
from booking.catalogue import EVERY_DAY, LARGEST_CAPACITY, Pattern
from booking.replanning import Existing
from models import Schedule

_NUMBER = InputRequired("Give a number.")
_AT_LEAST_ONE = NumberRange(1, LARGEST_CAPACITY, "A number from 1 to 1,000,000.")
_PLACES = NumberRange(0, LARGEST_CAPACITY, "The capacity is a number from 0 to 1,000,000.")
_MONEY = NumberRange(0, 99_999_999, "A price is from 0 to 99,999,999.")
_MOST_EXCEPTIONS = 1000
_EXISTING_CHOICES = [
    SelectChoice(Existing.ADAPT, "Bring them in line: add, change, close or delete"),
    SelectChoice(Existing.ADD, "Leave them as they are, and add what is missing"),
    SelectChoice(Existing.LEAVE, "Leave them; the pattern counts for the days after them"),
]


def _stripped(text: str | None) -> str:
    return (text or "").strip()


class TimesField(StringField):
    """Times of the day: `12:00, 19:30`."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return ", ".join(f"{at:%H:%M}" for at in self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        parts = re.split(r"[\s,;]+", valuelist[0].strip()) if valuelist else []
        self.data = sorted({_time(part) for part in parts if part})


class DatesField(TextAreaField):
    """Days, one a line: `2027-12-25`, or `2027-12-24 to 2027-12-26` for all of them."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "\n".join(day.isoformat() for day in self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        lines = valuelist[0].splitlines() if valuelist else []
        days = {day for line in lines if line.strip() for day in _days(line)}
        if len(days) > _MOST_EXCEPTIONS:
            raise ValueError("At most 1,000 days.")
        self.data = sorted(days)


class ResourceForm(FlaskForm):
    """What is said of a resource, whatever its kind."""

    name = StringField(
        "Name", [InputRequired("Give it a name."), Length(max=200)], filters=[_stripped]
    )
    counted_in = SelectField("Places are counted in")
    max_quantity = IntegerField("Largest booking", [_NUMBER, _AT_LEAST_ONE])
    people_per_room = IntegerField(
        "People in a room", [_NUMBER, NumberRange(1, 1000, "A number from 1 to 1,000.")]
    )


class SlotForm(FlaskForm):
    """What of a slot can be edited at any time."""

    capacity = IntegerField("Capacity", [_NUMBER, _PLACES])
    price = DecimalField("Price of one place", [Optional(), _MONEY])
    reason = StringField(
        "Reason, for the record", [Length(max=300), printable], filters=[_stripped]
    )


class NewSlotForm(FlaskForm):
    """One slot beside those of the schedules, by the clock of the venue."""

    day = DateField("Day", [InputRequired("Give a day.")])
    start = TimeField("Begins at", [InputRequired("Give a time.")])
    minutes = IntegerField("Lasts, in minutes", [_NUMBER])
    checkout = TimeField("The guest leaves at", [InputRequired("Give a time.")])
    capacity = IntegerField("Capacity", [_NUMBER, _PLACES])
    price = DecimalField("Price of one place", [Optional(), _MONEY])
    max_quantity = IntegerField("Largest booking (empty: the resource's)", [Optional()])


class ScheduleForm(FlaskForm):
    """A pattern from which slots are made ahead."""

    name = StringField(
        "Name", [InputRequired("Give it a name."), Length(max=200)], filters=[_stripped]
    )
    weekdays = SelectMultipleField(
        "Weekdays",
        choices=[SelectChoice(day, words.WEEKDAYS[day - 1]) for day in EVERY_DAY],
        coerce=int,
        default=list(EVERY_DAY),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    start_times = TimesField(
        "Begins at", description="One time or several: 12:00, 13:30, 19:00. Nights have one."
    )
    minutes = IntegerField("Lasts, in minutes", [_NUMBER])
    checkout = TimeField("The guest leaves at", [InputRequired("Give a time.")])
    valid_from = DateField("Season from (empty: now)", [Optional()])
    valid_until = DateField("Season until (empty: no end)", [Optional()])
    exceptions = DatesField(
        "Not on these days",
        description="One a line: 2027-12-25, or 2027-12-24 to 2027-12-26.",
        render_kw={"rows": 3},
    )
    capacity = IntegerField("Capacity of each slot", [_NUMBER, _PLACES])
    price = DecimalField("Price of one place", [Optional(), _MONEY])
    max_quantity = IntegerField("Largest booking (empty: the resource's)", [Optional()])


class ExistingForm(FlaskForm):
    """What becomes of the slots that a schedule has made already."""

    existing = RadioField(
        "The slots that are there already",
        choices=_EXISTING_CHOICES,
        default=str(Existing.ADAPT),
    )


def pattern_of(form: Any, attributes: dict[str, Any]) -> Pattern:
    """Return what was typed in, as the engine takes it."""
    return Pattern(
        name=form.name.data,
        start_times=tuple(form.start_times.data or ()),
        capacity=form.capacity.data,
        price=form.price.data or Decimal(0),
        minutes=form.minutes.data if form.minutes else None,
        checkout=form.checkout.data if form.checkout else None,
        weekdays=tuple(form.weekdays.data or ()),
        valid_from=form.valid_from.data,
        valid_until=form.valid_until.data,
        exceptions=tuple(form.exceptions.data or ()),
        max_quantity=form.max_quantity.data,
        attributes=attributes,
    )


def fields_of(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as the form takes its first values."""
    return {
        "name": schedule.name,
        "weekdays": schedule.weekdays,
        "start_times": schedule.start_times,
        "minutes": schedule.duration_minutes,
        "checkout": schedule.checkout_time,
        "valid_from": schedule.valid_from,
        "valid_until": schedule.valid_until,
        "exceptions": schedule.exceptions,
        "capacity": schedule.capacity,
        "price": schedule.price,
        "max_quantity": schedule.max_quantity,
    }


def keep_unit(form: Any, *, is_night: bool) -> None:
    """Drop the field of the two that this resource has no use for: minutes, or the way out."""
    form.__delitem__("minutes" if is_night else "checkout")


def _time(part: str) -> time:
    if not re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", part):
        raise ValueError(f"{part[:20]} is no time; write 19:30.")
    hour, minute = part.split(":")
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{part} is no time of the day.")
    return time(int(hour), int(minute))


def _days(line: str) -> Iterable[date]:
    first, _, last = (part.strip() for part in line.partition(" to "))
    try:
        begin = date.fromisoformat(first)
        end = date.fromisoformat(last) if last else begin
    except ValueError:
        raise ValueError(f"{line.strip()[:30]} is no day; write 2027-12-25.") from None
    if not 0 <= (end - begin).days < _MOST_EXCEPTIONS:
        raise ValueError(f"{line.strip()[:30]} is no span of days.")
    return [begin + timedelta(days=count) for count in range((end - begin).days + 1)]
