"""Many bookings changed together by a real worker, which dies in the middle."""

import os
import signal
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.bulk import Together, begin_bulk, read_progress
from models import BookingEvent, BulkJob, Deed, Slot
from models.database import engine
from tests.engine.books import violations
from tests.factories import make_booking, make_owner, make_resource, make_slot
from tests.races.meeting import wait_until, waiting_for_locks
from tests.workers.processes import child_of, decide_worker

pytestmark = pytest.mark.xdist_group("worker")


@pytest.mark.real_doorbell
def test_a_worker_killed_in_the_middle_leaves_each_done_once(
    committed_db: Session, tmp_path: Path
) -> None:
    resource = make_resource()
    first, second = make_slot(resource, capacity=20), make_slot(resource, capacity=20)
    bookings = [make_booking(slot, quantity=1) for slot in (first, second) for _ in range(10)]
    wanted = Together(
        id=uuid4(),
        venue_id=resource.venue_id,
        deed=Deed.CANCEL,
        booking_ids=[booking.id for booking in bookings],
        by=make_owner(resource.venue),
    )
    committed_db.commit()

    with decide_worker(tmp_path / "log", queues="decide,default") as worker:
        child = child_of(worker)
        with engine().connect() as blocking:
            blocking.execute(
                select(Slot.id).where(Slot.id == second.id).with_for_update(key_share=True)
            )
            begin_bulk(wanted)
            wait_until(lambda: waiting_for_locks() > 0, "the worker is in the middle", 20)
            assert read_progress(wanted.id).done == 10
            os.kill(child, signal.SIGKILL)
            blocking.rollback()
        wait_until(lambda: _is_over(wanted), "the message comes again", 30)

    committed_db.expire_all()
    assert read_progress(wanted.id).done == 20
    assert (first.remaining, second.remaining) == (20, 20)
    kinds = committed_db.scalars(select(BookingEvent.kind)).all()
    assert kinds.count("cancelled") == 20
    assert violations() == []


def _is_over(wanted: Together) -> bool:
    with Session(engine()) as tx:
        return tx.get_one(BulkJob, wanted.id).finished_at is not None
