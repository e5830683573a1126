"""Two venues side by side: whoever signs in here belongs to the first."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import time

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from models import Booking, Notification, Resource, Schedule, Slot, User, Venue
from models.database import engine
from tests.admin.visiting import Visitor, make_person
from tests.factories import (
    make_booking,
    make_resource,
    make_schedule,
    make_slot,
    make_venue,
    session,
)


@dataclass
class House:
    """A venue with a bit of everything."""

    venue: Venue
    resource: Resource
    schedule: Schedule
    slot: Slot
    booking: Booking
    message: Notification


def make_house(name: str) -> House:
    venue = make_venue(name=name, time_zone="Asia/Kolkata")
    resource = make_resource(venue, name=f"Room of {name}")
    schedule = make_schedule(resource, name=f"Every day of {name}", start_times=[time(17)])
    slot = make_slot(resource, capacity=5)
    booking = make_booking(slot, quantity=3, full_name=f"Guest of {name}")
    query = select(Notification).where(Notification.booking_id == booking.id)
    return House(venue, resource, schedule, slot, booking, session().scalars(query).one())


@pytest.fixture(autouse=True)
def rows(committed_db: Session) -> Session:
    """The admin has a session of its own, so the rows of these tests are committed."""
    return committed_db


@pytest.fixture
def ours() -> House:
    return make_house("Ours")


@pytest.fixture
def theirs() -> House:
    return make_house("Theirs")


@pytest.fixture
def owner(ours: House) -> User:
    return make_person(ours.venue)


@pytest.fixture
def operator() -> User:
    return make_person(is_operator=True)


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.fixture
def signed_in(visitor: Visitor, owner: User) -> Visitor:
    visitor.sign_in(owner)
    return visitor


@pytest.fixture
def statements() -> Callable[[], AbstractContextManager[list[str]]]:
    """Note what is asked of the database inside of a block."""

    @contextmanager
    def noted() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(connection: object, cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        event.listen(engine(), "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine(), "before_cursor_execute", note)

    return noted
