"""The forms of the screens: what a filter may say, and what may be changed."""

from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import (
    DateField,
    Field,
    Form,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, Optional, Regexp

from admin.database import db
from admin.tenancy import shown_realm
from admin.words import (
    LANGUAGE_WORDS,
    MESSAGE_STATE_WORDS,
    NOTICE_WORDS,
    STATUS_WORDS,
    TOLD_WORDS,
)
from messages.languages import languages
from models import CancellationReason, Resource, Venue

_MOST_CHOICES = 500


def stripped(text: str | None) -> str:
    """Return what was typed in without the blanks around it; what was left out is empty."""
    return (text or "").strip()


def printable(_form: Any, given: Field) -> None:
    """Refuse what is no letter, sign or blank: the database keeps no zero byte."""
    if given.data and not str(given.data).isprintable():
        raise ValidationError("Only letters, signs and blanks.")


_STATUS_CHOICES = [
    SelectChoice("", "Any"),
    *(SelectChoice(str(status), said) for status, said in STATUS_WORDS.items()),
]


class Filters(Form):
    """What narrows a list: read from the address, so that a list can be bookmarked.

    Only what belongs to whoever is signed in can be chosen; any other value is refused.
    """

    def chosen(self, name: str) -> Any:
        """Return what was chosen, or None."""
        return self._fields[name].data or None

    @property
    def visible(self) -> list[Field]:
        """The fields that leave a choice."""
        return [f for f in self if not isinstance(f, SelectField) or len(f.choices) > 2]


class VenueFilters(Filters):
    """One venue of several."""

    venue = SelectField("Venue", default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.venue.choices = [SelectChoice("", "All venues"), *_venue_choices()]


class ResourceFilters(VenueFilters):
    """One resource of several."""

    resource = SelectField("Resource", default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.resource.choices = [SelectChoice("", "All resources"), *resource_choices()]


class SlotFilters(ResourceFilters):
    """Without a day, the slots that have not ended yet."""

    day = DateField("Day", validators=[Optional()])


class BookingFilters(ResourceFilters):
    """The day is that of any slot of the booking."""

    status = SelectField("Status", default="", choices=_STATUS_CHOICES)
    day = DateField("Day", validators=[Optional()])
    reference = StringField(
        "Reference",
        filters=[lambda text: (text or "").strip().upper()],
        validators=[Optional(), Regexp(r"^[A-Z0-9]{1,7}$", message="Letters and digits only.")],
    )
    name = StringField(
        "Name, phone or e-mail",
        filters=[stripped],
        validators=[Optional(), Length(max=200), Regexp(r"^[^\x00]*$")],
    )
    channel = StringField(
        "Channel",
        filters=[stripped],
        validators=[Optional(), Regexp(r"^[A-Za-z0-9_.-]{1,40}$")],
        render_kw={"list": "channels"},
    )


class CustomerFilters(VenueFilters):
    """Beginnings of names or of an address, or the end of a number."""

    q = StringField(
        "Name, e-mail or phone", filters=[stripped], validators=[Length(max=200), printable]
    )


class MessageFilters(VenueFilters):
    """The messages of a state or a kind."""

    state = SelectField(
        "State",
        default="",
        choices=[
            SelectChoice("", "Any"),
            *(SelectChoice(str(key), said) for key, said in MESSAGE_STATE_WORDS.items()),
        ],
    )
    kind = SelectField(
        "Kind",
        default="",
        choices=[
            SelectChoice("", "Any"),
            *(SelectChoice(str(key), said) for key, said in NOTICE_WORDS.items()),
        ],
    )


class CorrespondenceForm(FlaskForm):
    """How a venue writes and hears; the engine checks what is typed in."""

    language = SelectField("Language where the customer's is not known")
    colour = StringField("Colour", render_kw={"type": "color"})
    contact_email = StringField("Address at which the venue hears", filters=[stripped])
    told_of_bookings = SelectField(
        "Hears of bookings",
        choices=[SelectChoice(str(key), said) for key, said in TOLD_WORDS.items()],
    )
    digest_hour = IntegerField("Hour of the daily summary", validators=[InputRequired()])
    fullness_percent = IntegerField(
        "Hears when a slot is full to so many percent (empty: never)", validators=[Optional()]
    )
    reminder_hours = IntegerField(
        "Reminds customers so many hours before (empty: never)", validators=[Optional()]
    )
    hold_warning_minutes = IntegerField(
        "Warns so many minutes before a hold ends", validators=[InputRequired()]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.language.choices = [
            SelectChoice(tag, LANGUAGE_WORDS.get(tag, tag)) for tag in languages()
        ]

    def values(self) -> dict[str, object]:
        """Return what was typed in, by column."""
        return {f.short_name: f.data for f in self if f.type != "CSRFTokenField"}


class WordsForm(FlaskForm):
    """A venue's own words at the head of a message."""

    words = TextAreaField("Your own words, in place of ours", render_kw={"rows": 6})


class StepForm(FlaskForm):
    """A booking that is taken a step further."""

    id = HiddenField(validators=[InputRequired()])


class CancelForm(StepForm):
    """A cancellation, with a reason that this venue knows."""

    reason = SelectField("Reason", default="")

    def __init__(self, venue_id: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reason.choices = [SelectChoice("", "No reason given"), *_reason_choices(venue_id)]

    @property
    def reason_id(self) -> int | None:
        """The id of the chosen reason."""
        return int(self.reason.data) if self.reason.data else None


def _venue_choices() -> list[SelectChoice]:
    rows = db.session.execute(
        select(Venue.id, Venue.name)
        .where(shown_realm().limit(Venue.id))
        .order_by(Venue.name)
        .limit(_MOST_CHOICES)
    )
    return [SelectChoice(str(venue_id), name) for venue_id, name in rows]


def resource_choices() -> list[SelectChoice]:
    rows = db.session.execute(
        select(Resource.id, Venue.name, Resource.name)
        .join(Resource.venue)
        .where(shown_realm().limit(Resource.venue_id))
        .order_by(Venue.name, Resource.position, Resource.name)
        .limit(_MOST_CHOICES)
    )
    return [SelectChoice(str(id_), f"{venue} – {name}") for id_, venue, name in rows]


def _reason_choices(venue_id: int) -> list[SelectChoice]:
    rows = db.session.execute(
        select(CancellationReason.id, CancellationReason.reason)
        .where((CancellationReason.venue_id == venue_id) | CancellationReason.venue_id.is_(None))
        .order_by(CancellationReason.id)
        .limit(_MOST_CHOICES)
    )
    return [SelectChoice(str(reason_id), reason) for reason_id, reason in rows]
