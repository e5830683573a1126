"""Many bookings together: each once, however often the job is carried out."""

import threading
import time
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from booking import bulk
from booking.actors import Actor
from booking.bulk import Together, begin_bulk, carry_out, read_progress
from booking.correspondence import read_owed
from booking.errors import BookingNotFound, ReasonNotFound, SlotNotFound, TooManyAtOnce
from messages.letters import write_letter
from models import (
    Act,
    AuditEvent,
    Booking,
    BookingEvent,
    BulkItem,
    BulkJob,
    Deed,
    ItemState,
    Notice,
    Notification,
    Slot,
    Status,
)
from tests.factories import make_booking, make_owner, make_reason, make_resource, make_slot

STORM = "There is a storm, {name}. We are sorry."


def _together(slot: Slot, *bookings: Booking, **given: Any) -> Together:
    values: dict[str, Any] = {
        "id": uuid4(),
        "venue_id": slot.resource.venue_id,
        "deed": Deed.CANCEL,
        "booking_ids": [booking.id for booking in bookings],
        "by": make_owner(slot.resource.venue),
        "message": STORM,
    }
    return Together(**values | given)


def _begin(wanted: Together) -> Together:
    begin_bulk(wanted)
    return wanted


def _work() -> int:
    return carry_out(time.monotonic() + 10)


def _states(db: Any, wanted: Together) -> dict[Any, str]:
    rows = db.execute(
        select(BulkItem.booking_id, BulkItem.state).where(BulkItem.job_id == wanted.id)
    )
    return dict(rows.all())


def test_all_are_cancelled_with_reason_and_message(db):
    slot = make_slot(capacity=10)
    bookings = [make_booking(slot, quantity=2, full_name=f"Guest {n}") for n in range(3)]
    wanted = _begin(_together(slot, *bookings, reason_id=make_reason(slot.resource.venue).id))

    assert _work() == 3

    assert {booking.status for booking in bookings} == {"cancelled"}
    assert {booking.cancellation_reason_id for booking in bookings} == {wanted.reason_id}
    assert slot.remaining == 10
    assert read_progress(wanted.id).done == 3
    assert db.get_one(BulkJob, wanted.id).finished_at is not None
    actors = db.scalars(select(BookingEvent.actor).where(BookingEvent.kind == "cancelled")).all()
    assert set(actors) == {str(wanted.by)}
    told = db.scalars(select(Notification).where(Notification.kind == Notice.CANCELLED)).all()
    leads = {write_letter(read_owed(db, row.id)).lead for row in told}
    assert leads == {f"There is a storm, Guest {n}. We are sorry." for n in range(3)}
    assert db.scalars(select(AuditEvent.act)).all() == [Act.BULK_BEGUN]


def test_all_are_moved_as_far_as_there_is_room(db):
    resource = make_resource()
    slot, later = make_slot(resource, capacity=10), make_slot(resource, capacity=5)
    bookings = [make_booking(slot, quantity=2) for _ in range(3)]
    wanted = _begin(_together(slot, *bookings, deed=Deed.MOVE, to_slot_id=later.id))

    _work()

    assert (slot.remaining, later.remaining) == (8, 1)
    assert list(_states(db, wanted).values()).count(ItemState.REFUSED) == 1
    # In the order of arrival: the last one finds no room.
    assert _states(db, wanted)[bookings[2].id] == ItemState.REFUSED
    why = db.scalars(select(BulkItem.why).where(BulkItem.why.is_not(None))).one()
    assert "full" in why
    changed = db.scalars(select(Notification).where(Notification.kind == Notice.CHANGED)).all()
    assert len(changed) == 2
    assert all("storm" in write_letter(read_owed(db, row.id)).lead for row in changed)


def test_what_the_engine_refuses_is_noted_and_the_others_go_on(db):
    slot = make_slot()
    gone, done, good = (
        make_booking(slot, quantity=1, status=status)
        for status in (Status.CANCELLED, Status.COMPLETED, Status.CONFIRMED)
    )
    wanted = _begin(_together(slot, gone, done, good))

    _work()

    assert _states(db, wanted) == {gone.id: "refused", done.id: "refused", good.id: "done"}
    # The message of the job does not go with what somebody else has cancelled.
    earlier = db.scalars(
        select(Notification).where(
            Notification.booking_id == gone.id, Notification.kind == Notice.CANCELLED
        )
    ).one()
    assert "storm" not in write_letter(read_owed(db, earlier.id)).lead


def test_a_second_call_and_a_second_worker_change_nothing(db):
    slot = make_slot()
    booking = make_booking(slot, quantity=2)
    wanted = _begin(_together(slot, booking))

    begin_bulk(wanted)
    _work()
    begin_bulk(wanted)
    bulk._change(wanted.id, booking.id)
    assert _work() == 0

    kinds = db.scalars(select(BookingEvent.kind).where(BookingEvent.booking_id == booking.id))
    assert list(kinds).count("cancelled") == 1
    assert len(db.scalars(select(BulkJob)).all()) == 1


def test_two_workers_at_once_do_each_once(committed_db):
    slot = make_slot(capacity=40)
    bookings = [make_booking(slot, quantity=1) for _ in range(20)]
    committed_db.commit()
    wanted = _begin(_together(slot, *bookings))

    threads = [threading.Thread(target=_work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    committed_db.expire_all()
    kinds = committed_db.scalars(select(BookingEvent.kind)).all()
    assert kinds.count("cancelled") == 20
    assert slot.remaining == 40
    assert read_progress(wanted.id).done == 20


def test_a_worker_that_stops_leaves_the_rest_to_be_found(db):
    slot = make_slot(capacity=10)
    bookings = [make_booking(slot, quantity=1) for _ in range(2)]
    wanted = _begin(_together(slot, *bookings))

    assert carry_out(time.monotonic() - 1) == 0
    assert read_progress(wanted.id).waiting == 2
    assert db.get_one(BulkJob, wanted.id).finished_at is None
    assert _work() == 2


def test_a_fault_of_ours_is_tried_three_times_and_stops_nobody(db, monkeypatch):
    slot = make_slot(capacity=10)
    bad, good = (make_booking(slot, quantity=1) for _ in range(2))
    wanted = _begin(_together(slot, bad, good))
    real, calls = bulk.cancel_booking_in, []

    def sometimes(tx: Any, *, booking_id: Any, **given: Any) -> bool:
        calls.append(booking_id)
        if booking_id == bad.id:
            raise ZeroDivisionError
        return real(tx, booking_id=booking_id, **given)

    monkeypatch.setattr(bulk, "cancel_booking_in", sometimes)
    _work()

    assert calls.count(bad.id) == 3
    assert _states(db, wanted) == {bad.id: "refused", good.id: "done"}


def test_what_is_not_the_venues_is_refused(db):
    slot, foreign = make_slot(), make_slot()
    booking, theirs = make_booking(slot), make_booking(foreign)
    reason = make_reason(foreign.resource.venue)

    for wanted, error in (
        (_together(slot, booking, theirs), BookingNotFound),
        (_together(slot), BookingNotFound),
        (_together(slot, booking, deed=Deed.MOVE, to_slot_id=foreign.id), SlotNotFound),
        (_together(slot, booking, reason_id=reason.id), ReasonNotFound),
    ):
        with pytest.raises(error):
            begin_bulk(wanted)

    assert db.scalars(select(BulkJob)).all() == []


def test_a_job_is_bounded(db, monkeypatch):
    slot = make_slot()
    monkeypatch.setattr(bulk, "MOST_ITEMS", 1)

    with pytest.raises(TooManyAtOnce, match="At most 1 "):
        begin_bulk(_together(slot, make_booking(slot), make_booking(slot), by=Actor("staff")))
