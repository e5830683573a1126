"""The forms of reports: only one's own venues, and what they have use for, can be chosen."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import DateField, IntegerField, SelectChoice, SelectField
from wtforms.validators import InputRequired, NumberRange

from admin.database import db
from admin.forms import VenueFilters
from admin.report_words import EVERY_WORDS, FORMAT_WORDS
from admin.tenancy import current_realm
from models import Every, FileFormat, ReportKind, Resource, Venue
from reports.kinds import TYPES

_MOST_CHOICES = 500


class ReportFilters(VenueFilters):
    """The reports of a venue or of a kind."""

    kind = SelectField(
        "Report",
        default="",
        choices=[
            SelectChoice("", "Any"),
            *(SelectChoice(str(kind), each.title) for kind, each in TYPES.items()),
        ],
    )


class _ReportForm(FlaskForm):
    """What every report needs to know."""

    venue = SelectField("Venue")
    kind = SelectField("Report")
    resource_id = SelectField("Of", default="")
    format = SelectField(
        "File",
        choices=[SelectChoice(str(key), said) for key, said in FORMAT_WORDS.items()],
        default=FileFormat.XLSX,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        posts = current_realm().posts
        venues = db.session.execute(
            select(Venue.id, Venue.name, Venue.kind)
            .where(Venue.id.in_(posts))
            .order_by(Venue.name)
            .limit(_MOST_CHOICES)
        ).all()
        self.venue.choices = [SelectChoice(str(id_), name) for id_, name, _ in venues]
        self.kind.choices = [
            SelectChoice(str(kind), each.title)
            for kind, each in TYPES.items()
            if any(each.suits(trade) and each.is_for(posts[id_]) for id_, _, trade in venues)
        ]
        self.resource_id.choices = [SelectChoice("", "Everything"), *_resources(list(posts))]

    @property
    def venue_id(self) -> int:
        """The chosen venue."""
        return int(self.venue.data)

    @property
    def chosen_kind(self) -> ReportKind:
        """The chosen kind."""
        return ReportKind(self.kind.data)

    @property
    def chosen_format(self) -> FileFormat:
        """The chosen format."""
        return FileFormat(self.format.data)

    @property
    def chosen_resource(self) -> UUID | None:
        """The chosen resource, None for all of them."""
        return UUID(self.resource_id.data) if self.resource_id.data else None


class AskForm(_ReportForm):
    """A report of some days."""

    first_on = DateField("First day", validators=[InputRequired("Give a day.")])
    last_on = DateField("Last day", validators=[InputRequired("Give a day.")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        today = datetime.now(UTC).date()
        usual = {"first_on": today - timedelta(days=30), "last_on": today}
        super().__init__(*args, **usual | kwargs)


class RepeatForm(_ReportForm):
    """A report that is made by itself."""

    every = SelectField(
        "Made", choices=[SelectChoice(str(key), said) for key, said in EVERY_WORDS.items()]
    )
    at_hour = IntegerField(
        "At the hour of the venue's clock",
        default=6,
        validators=[
            InputRequired("Give an hour."),
            NumberRange(0, 23, "An hour is a number from 0 to 23."),
        ],
    )

    @property
    def chosen_every(self) -> Every:
        """How often."""
        return Every(self.every.data)


def _resources(venue_ids: list[int]) -> list[SelectChoice]:
    rows = db.session.execute(
        select(Resource.id, Venue.name, Resource.name)
        .join(Resource.venue)
        .where(Resource.venue_id.in_(venue_ids))
        .order_by(Venue.name, Resource.position, Resource.name)
        .limit(_MOST_CHOICES)
    )
    return [SelectChoice(str(id_), f"{venue} – {name}") for id_, venue, name in rows]
