"""The forms of the desk: what somebody wants, who it is, and what is changed for many together."""

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    Form,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import (
    Email,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    Regexp,
    ValidationError,
)

from admin.forms import CancelForm, printable, resource_choices
from admin.places import MOST_NIGHTS, slot_ids_in
from admin.words import CHANNEL_WORDS

AT_THE_DESK = ("walk_in", "phone", "email")

_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_LARGEST = 1_000_000


def _stripped(text: str | None) -> str | None:
    return (text or "").strip() or None


def _names_slots(form: Form, field: Any) -> None:
    try:
        found = slot_ids_in(field.data)
    except ValueError:
        found = ()
    if not 0 < len(found) <= MOST_NIGHTS:
        raise ValidationError("Choose a time.")


class WantedForm(Form):
    """What is looked for: a resource, a day, how many, and of rooms for how many nights."""

    resource = SelectField("Where", validators=[InputRequired("Choose where.")])
    day = DateField("Day", validators=[InputRequired("Choose a day.")])
    quantity = IntegerField(
        "How many",
        default=2,
        validators=[InputRequired("Give a number."), NumberRange(1, _LARGEST, "At least one.")],
    )
    nights = IntegerField(
        "Nights (rooms)",
        default=1,
        validators=[Optional(), NumberRange(1, MOST_NIGHTS, f"From 1 to {MOST_NIGHTS} nights.")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.resource.choices = [SelectChoice("", "Choose…"), *resource_choices()]


class DeskForm(FlaskForm):
    """A booking that somebody at the desk takes for a guest; the key makes it one booking."""

    key = HiddenField(validators=[InputRequired(), Regexp(_UUID)])
    slots = StringField("Time", validators=[_names_slots])
    quantity = IntegerField(
        "How many",
        validators=[InputRequired("Give a number."), NumberRange(1, _LARGEST, "At least one.")],
    )
    guests = IntegerField(
        "Guests in the rooms", validators=[Optional(), NumberRange(1, _LARGEST, "At least one.")]
    )
    full_name = StringField(
        "Name", filters=[_stripped], validators=[InputRequired("Give a name."), Length(max=200)]
    )
    email = StringField(
        "E-mail (if they want messages)",
        filters=[_stripped],
        validators=[Optional(), Email("This is no e-mail address."), Length(max=320)],
    )
    phone = StringField(
        "Phone",
        filters=[_stripped],
        validators=[
            Optional(),
            Length(max=40),
            Regexp(r"^[0-9+()/. -]+$", message="Digits, spaces and + only."),
        ],
    )
    special_requests = TextAreaField(
        "Wishes", filters=[_stripped], validators=[Length(max=2000)], render_kw={"rows": 2}
    )
    channel = SelectField(
        "Came", choices=[SelectChoice(name, CHANNEL_WORDS[name]) for name in AT_THE_DESK]
    )
    reason = StringField(
        "Why one more", filters=[_stripped], validators=[Optional(), Length(max=300), printable]
    )


class ChangeForm(FlaskForm):
    """What is to be different about one booking."""

    id = HiddenField(validators=[InputRequired()])
    slots = StringField("Time", validators=[_names_slots])
    quantity = IntegerField(
        "How many",
        validators=[InputRequired("Give a number."), NumberRange(1, _LARGEST, "At least one.")],
    )
    guests = IntegerField(
        "Guests in the rooms", validators=[Optional(), NumberRange(1, _LARGEST, "At least one.")]
    )
    special_requests = TextAreaField(
        "Wishes", filters=[_stripped], validators=[Length(max=2000)], render_kw={"rows": 2}
    )


class TogetherForm(CancelForm):
    """What is done to many bookings; `id` is the job's own, made before it is sent."""

    id = HiddenField(validators=[InputRequired(), Regexp(_UUID)])
    deed = SelectField(
        "What",
        default="cancel",
        choices=[SelectChoice("cancel", "Cancel them"), SelectChoice("move", "Move them")],
    )
    to_slot = SelectField("Move to", default="", validate_choice=False)
    message = TextAreaField(
        "Message to all of them",
        filters=[_stripped],
        validators=[Length(max=2000)],
        render_kw={"rows": 5},
    )
