"""What was erased once does not come back with a backup."""

import json
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from booking.privacy.register import keep_register, read_register, replay_erasures
from models import Booking, Customer, Erasure, ErasureRequest, Status, User
from tests.engine.books import left, notices_of, row, violations
from tests.factories import make_booking, make_slot, make_user
from tests.privacy.stale import where_is
from tests.privacy.test_erasing import EMAIL, MARK, erase, make_theirs, post_all


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "erasures.jsonl"


def bring_back(db: Session, booking: Booking, **values: object) -> None:
    """Let a booking be as an older backup has it, in a database that knows of no erasure."""
    customer = Customer(venue_id=booking.venue_id, email=EMAIL, full_name=MARK)
    db.add(customer)
    db.flush()
    back = {"purged_at": None, "contact_email": EMAIL, "contact_name": MARK} | values
    db.execute(
        update(Booking).where(Booking.id == booking.id).values(customer_id=customer.id, **back)
    )
    for table in (Erasure, ErasureRequest):
        db.execute(text("UPDATE privacy_receipts SET request_id = NULL"))
        db.execute(delete(table))
    db.commit()


def test_an_entry_is_kept_outside_and_has_ids_and_hashes_only(db: Session, file: Path) -> None:
    booking = make_theirs()
    erase(db)

    assert keep_register(file) == 2
    assert keep_register(file) == 0

    entries = list(read_register(file))
    assert [entry.booking_ids for entry in entries] == [[booking.id], []]
    assert {len(entry.person) for entry in entries} == {32}
    assert MARK not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_restored_person_is_erased_again(db: Session, file: Path) -> None:
    booking = make_theirs()
    erase(db)
    keep_register(file)
    bring_back(db, booking)
    assert where_is(MARK, db) == {"bookings", "customers"}

    replayed = replay_erasures(file)

    db.expire_all()
    assert (replayed.entries, replayed.bookings) == (2, 1)
    assert where_is(MARK, db) == set()
    assert violations() == []


def test_a_second_replay_finds_nothing_to_do(db: Session, file: Path) -> None:
    booking = make_theirs()
    erase(db)
    keep_register(file)
    bring_back(db, booking)

    assert replay_erasures(file).entries == 2

    assert replay_erasures(file).entries == 0


def test_without_the_file_the_person_is_back(db: Session, file: Path) -> None:
    """The twin: what the register is for."""
    booking = make_theirs()
    erase(db)
    bring_back(db, booking)

    assert replay_erasures(file).entries == 0

    assert MARK in str(row(booking).contact_name)


def test_what_was_cancelled_before_is_cancelled_again_and_nobody_is_told(
    db: Session, file: Path
) -> None:
    """The backup is older than the cancellation."""
    slot = make_slot(capacity=5)
    booking = make_booking(slot, email=EMAIL, quantity=2)
    post_all(db)
    before = notices_of(booking)
    (entry_of_it,) = [
        {
            "id": "6a3c6b62-6a57-4f2e-9a6f-0f1f4b1b5a11",
            "at": "2026-11-20T10:00:00+00:00",
            "bookings": [str(booking.id)],
            "user": None,
            "person": "00" * 32,
        }
    ]
    file.parent.mkdir()
    file.write_text(json.dumps(entry_of_it) + "\n")

    replay_erasures(file)

    db.expire_all()
    assert (row(booking).status, left(slot)) == (Status.CANCELLED, 5)
    assert row(booking).contact_email is None
    assert notices_of(booking) == before
    assert violations() == []


def test_an_account_that_comes_back_goes_again(db: Session, file: Path) -> None:
    user = make_user(email=EMAIL)
    user_id = user.id
    booking = make_theirs(user_id=user_id)
    erase(db)
    keep_register(file)
    db.expunge(user)
    make_user(id=user_id, email=EMAIL)
    bring_back(db, booking, user_id=user_id)

    assert replay_erasures(file).accounts == 1

    assert db.scalar(select(func.count()).select_from(User).where(User.id == user_id)) == 0


def test_a_line_that_a_crash_has_cut_off_takes_nothing_with_it(db: Session, file: Path) -> None:
    make_theirs()
    erase(db)
    file.parent.mkdir()
    file.write_text('{"id": "6a3c6b62')

    keep_register(file)

    assert len(list(read_register(file))) == 2


def test_an_entry_that_was_written_twice_is_read_once(db: Session, file: Path) -> None:
    booking = make_theirs()
    erase(db)
    keep_register(file)
    file.write_text(file.read_text() * 2)
    bring_back(db, booking)

    assert replay_erasures(file).entries == 2
