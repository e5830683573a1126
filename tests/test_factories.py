"""The factories give working objects with no arguments."""

import pytest
from sqlalchemy.orm import Session

from booking.lifecycle import cancel_booking
from models import Status
from tests.factories import make_booking, make_nights, make_owner, make_slot


@pytest.mark.parametrize("status", list(Status))
def test_a_booking_of_any_status_needs_no_arguments(db: Session, status: Status) -> None:
    booking = make_booking(status=status)

    assert booking.status == status


def test_cancel_frees_the_places(db: Session) -> None:
    slot = make_slot(capacity=4)
    booking = make_booking(slot, quantity=3, status=Status.CONFIRMED)
    assert slot.remaining == 1

    cancel_booking(booking_id=booking.id, by=make_owner())

    assert slot.remaining == 4


def test_nights_make_a_stay(db: Session) -> None:
    booking = make_booking(*make_nights(), quantity=1)

    assert len(booking.lines) == 3


def test_committed_rows_work_as_well(committed_db: Session) -> None:
    assert make_booking().status == Status.CONFIRMED
