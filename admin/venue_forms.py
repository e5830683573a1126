"""The forms of a venue's own pages: what it is, when it is closed, what it lets in."""

from zoneinfo import available_timezones

from babel.numbers import list_currencies
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from admin.forms import printable, stripped
from admin.words import KIND_WORDS, SCOPE_WORDS

_NUMBER = (InputRequired("Give a number."),)
_ZONES = [
    SelectChoice(zone, zone.replace("_", " "))
    for zone in sorted(available_timezones())
    if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/"))
] + [SelectChoice("UTC", "UTC")]
_CURRENCIES = [SelectChoice(code, code) for code in sorted(list_currencies())]


class SettingsForm(FlaskForm):
    """What binds customers and integrations, and how the venue is seen; the engine checks it."""

    name = StringField("Name", filters=[stripped])
    time_zone = SelectField("Time zone", choices=_ZONES)
    currency = SelectField("Currency", choices=_CURRENCIES)
    is_listed = BooleanField("Listed among the venues of this installation")
    notice_minutes = IntegerField("Notice: book so many minutes before the start", _NUMBER)
    cutoff_minutes = IntegerField("Booking ends so many minutes before the start", _NUMBER)
    cancel_cutoff_minutes = IntegerField("Cancelling ends so many minutes before", _NUMBER)
    horizon_days = IntegerField("Bookable so many days ahead", _NUMBER)
    patience_seconds = IntegerField("Requests wait at most so many seconds", _NUMBER)
    default_hold_minutes = IntegerField("A hold lasts so many minutes", _NUMBER)
    max_hold_minutes = IntegerField("The longest hold, in minutes", _NUMBER)
    max_holds_per_person = IntegerField("Open holds of one person", _NUMBER)
    max_holds_per_address = IntegerField("Open holds from one network address", _NUMBER)
    public_consumer_calls = BooleanField("Open the restaurant API's customer calls without a token")
    embed_origins = TextAreaField(
        "Sites that may embed the booking page, one on each line", render_kw={"rows": 3}
    )
    opening_hours = TextAreaField(
        "Opening hours, in words for your customers", render_kw={"rows": 4}
    )

    def values(self) -> dict[str, object]:
        """Return what was typed in, by column."""
        return {f.short_name: f.data for f in self if f.type != "CSRFTokenField"}


class ClosureForm(FlaskForm):
    """Days on which a venue is closed."""

    first_on = DateField("From", validators=[InputRequired("Give a day.")])
    last_on = DateField("To, and on that day", validators=[InputRequired("Give a day.")])
    reason = StringField("Why", filters=[stripped], validators=[Length(max=200), printable])


class TokenForm(FlaskForm):
    """What a program is called, and what it may do."""

    name = StringField(
        "What it is for",
        filters=[stripped],
        validators=[InputRequired("Give a name."), Length(1, 100, "Give a name."), printable],
    )
    scopes = SelectMultipleField(
        "It may",
        choices=[SelectChoice(str(scope), said) for scope, said in SCOPE_WORDS.items()],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class ReasonForm(FlaskForm):
    """A reason to cancel."""

    reason = StringField("Reason", filters=[stripped])
    description = StringField("More about it", filters=[stripped])


class GoneForm(FlaskForm):
    """One thing of a venue that is to go."""

    id = HiddenField(validators=[InputRequired()])


class NewVenueForm(FlaskForm):
    """A venue that is made, and who is asked to own it."""

    name = StringField("Name", filters=[stripped])
    slug = StringField("Short name, for addresses", filters=[stripped])
    kind = SelectField(
        "Kind", choices=[SelectChoice(str(kind), said) for kind, said in KIND_WORDS.items()]
    )
    time_zone = SelectField("Time zone", choices=_ZONES, default="UTC")
    currency = SelectField("Currency", choices=_CURRENCIES, default="EUR")
    owner = StringField("E-mail of its first owner", filters=[stripped])
