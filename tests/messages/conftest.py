"""What the tests of messages need: a venue that writes, a mail server, and a way to look in."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import Booking, Notification, Resource, Venue
from tests.factories import make_resource, make_venue, session
from tests.messages.mailserver import MailServer
from workers.post import Post, SmtpPost, read_server

TIMEOUT_SECONDS = 1.0


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that behaves until it is told otherwise."""
    made = MailServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def post(server: MailServer) -> Post:
    """The way to that server."""
    return SmtpPost(read_server(server.url), timeout=TIMEOUT_SECONDS)


@pytest.fixture
def venue(request: pytest.FixtureRequest) -> Venue:
    """A venue that tells its customers, and nobody else, of what happens."""
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")
    return make_venue(name="Café Bistro", time_zone="Europe/Lisbon")


@pytest.fixture
def resource(venue: Venue) -> Resource:
    """Its dining room."""
    return make_resource(venue, name="Dining room", counted_in="parties")


def messages_of(booking: Booking) -> list[Notification]:
    """Return the messages about a booking as they are now."""
    session().expire_all()
    query = select(Notification).where(Notification.booking_id == booking.id)
    return list(session().scalars(query.order_by(Notification.id)))


def all_messages() -> list[Notification]:
    """Return all messages as they are now."""
    session().expire_all()
    return list(session().scalars(select(Notification).order_by(Notification.id)))


def make_due(db: Session) -> None:
    """Let every pause and every lease be over."""
    db.execute(
        update(Notification)
        .where(Notification.state == "queued")
        .values(due_at=Notification.created_at)
    )
    db.commit()
