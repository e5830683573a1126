"""A restaurant in London with one sitting for three parties, and a worker that decides at once."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from booking import holds
from booking.decide import decide_pending
from models import CountedIn, Resource, Slot, Venue
from settings import settings
from tests.factories import make_resource, make_slot, make_venue
from tests.restaurant.asking import TOKEN, Asking
from webapp.restaurant import access, cors

LONDON = ZoneInfo("Europe/London")
ORIGIN = "http://localhost:5173"


@pytest.fixture(autouse=True)
def _accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token and the origin that this installation accepts."""
    own = replace(settings, consumer_tokens=(TOKEN,), consumer_origins=(ORIGIN,))
    monkeypatch.setattr(access, "settings", own)
    monkeypatch.setattr(cors, "settings", own)


@pytest.fixture
def decided_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decide each hold as soon as it is placed."""
    monkeypatch.setattr(holds, "ring", decide_pending)


@pytest.fixture
def restaurant(db: Session) -> Venue:
    """The Hungry Unicorn."""
    return make_venue(slug="TheHungryUnicorn", time_zone="Europe/London")


@pytest.fixture
def room(restaurant: Venue) -> Resource:
    """Its dining room, for parties of up to eight."""
    return make_resource(restaurant, counted_in=CountedIn.PARTIES, max_quantity=8)


@pytest.fixture
def day() -> date:
    """A day next week in London."""
    return (datetime.now(LONDON) + timedelta(days=7)).date()


@pytest.fixture
def lunch(room: Resource, day: date) -> Slot:
    """Lunch at noon, for three parties."""
    return make_sitting(room, day, time(12))


@pytest.fixture
def dinner(room: Resource, day: date) -> Slot:
    """Dinner at 19:30, for three parties."""
    return make_sitting(room, day, time(19, 30))


@pytest.fixture
def ask(client: FlaskClient) -> Asking:
    """A client of the restaurant API with a good token."""
    return Asking(client)


def make_sitting(room: Resource, day: date, at: time, **given: object) -> Slot:
    """Make a slot at a time of London's day, for three parties."""
    starts_at = datetime.combine(day, at, LONDON).astimezone(UTC)
    values = {"starts_at": starts_at, "local_on": day, "capacity": 3}
    return make_slot(room, **values | given)
