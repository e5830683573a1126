"""The purge beside live booking and as a job: nobody is lost or waits, nothing is done twice."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.holds import place_hold, place_hold_in
from booking.jobs import read_jobs, run_due, run_job
from booking.privacy import purging
from booking.privacy.purging import purge_stale
from booking.transactions import transaction
from models import Booking, Customer, Venue
from ops import prepare
from tests.engine.books import violations, wanting
from tests.factories import make_resource, make_slot
from tests.privacy.stale import make_over, where_is
from tests.privacy.test_erasing import EMAIL, MARK, erase, make_theirs
from tests.privacy.test_register import bring_back
from tests.races.meeting import Racer, wait_until, waiting_for_locks
from workers import jobs, mail_files

PURGE, ERASE = (
    next(job for job in jobs.JOBS if job.name == name)
    for name in ("purge-personal", "erase-people")
)


def purge() -> None:
    assert purge_stale(time.monotonic() + 60).is_through


def customer_of(db: Session, email: str) -> Customer | None:
    db.expire_all()
    return db.scalars(select(Customer).where(Customer.email == email)).one_or_none()


def test_a_hold_that_is_being_written_keeps_its_customer(committed_db: Session) -> None:
    old = make_over(email=EMAIL)
    slot = make_slot(make_resource(committed_db.get_one(Venue, old.venue_id)))
    wanted = wanting(slot, email=EMAIL)
    committed_db.commit()

    with transaction() as tx:
        placed = place_hold_in(tx, wanted)
        purger = Racer(purge).start()
        wait_until(lambda: waiting_for_locks() > 0, "the purge waits for the customer")
    assert purger.finish() is None

    kept = customer_of(committed_db, EMAIL)
    assert kept is not None
    assert kept.id == placed.booking.customer_id
    assert committed_db.get_one(Booking, old.id).contact_email is None
    assert violations() == []


def test_a_hold_that_comes_upon_a_customer_who_goes_makes_a_new_one(
    committed_db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_over(email=EMAIL)
    gone = old.customer_id
    slot = make_slot(make_resource(committed_db.get_one(Venue, old.venue_id)))
    wanted = wanting(slot, email=EMAIL)
    committed_db.commit()

    racers: list[Racer[object]] = []
    note = purging.note_purge

    def noted(*args: object) -> None:
        """The customer is deleted and not committed yet: now somebody books for them."""
        if not racers:
            racers.append(Racer(lambda: place_hold(wanted)).start())
            wait_until(lambda: waiting_for_locks() > 0, "the hold waits for the purge")
        note(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(purging, "note_purge", noted)
    purge()
    placed = racers[0].finish()

    assert not isinstance(placed, BaseException), placed
    new = customer_of(committed_db, EMAIL)
    assert new is not None
    assert new.id != gone
    assert violations() == []


def test_a_booking_that_somebody_works_on_is_left_for_the_next_time(
    committed_db: Session,
) -> None:
    busy, other = make_over(), make_over()
    committed_db.commit()

    with transaction() as tx:
        tx.execute(select(Booking).where(Booking.id == busy.id).with_for_update())
        assert Racer(purge).start().finish() is None
        committed_db.expire_all()
        assert (busy.purged_at, other.purged_at is None) == (None, False)
    purge()

    committed_db.expire_all()
    assert busy.purged_at is not None


def test_the_nightly_job_runs_once_and_sees_to_the_files(
    db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = make_over()
    removed: list[timedelta] = []
    monkeypatch.setattr(mail_files, "remove_old", lambda age: removed.append(age) or 2)

    assert PURGE.name in run_due(jobs.JOBS)
    assert [run_job(PURGE) for _ in range(3)] == [1, 0, 0]

    db.expire_all()
    assert booking.purged_at is not None
    assert removed == [timedelta(days=90)]
    (view,) = read_jobs([PURGE])
    assert view.last is not None
    assert view.last.counts["bookings"] == 1
    assert view.last.counts["mail_files"] == 2


def test_the_erasing_job_keeps_the_register(
    db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_theirs()
    erase(db)
    monkeypatch.setattr(jobs, "_REGISTER", tmp_path / "erasures.jsonl")

    assert run_job(ERASE) == 1

    assert (tmp_path / "erasures.jsonl").read_text().count("\n") == 2


def test_mails_go_by_age_and_by_address(db: Session, tmp_path: Path) -> None:
    def write(name: str, to: str, said: str, days: int = 0) -> Path:
        file = tmp_path / f"{name}.eml"
        file.write_text(f"To: {to}\nContent-Type: text/plain; charset=utf-8\n\n{said}\n")
        at = time.time() - days * 86_400
        os.utime(file, (at, at))
        return file

    old = write("old", "a@example.com", "hello", days=91)
    theirs = write("theirs", EMAIL.title(), "hello")
    about = write("about", "venue@example.com", f"E-mail: {EMAIL}")
    other = write("other", "b@example.com", "hello")

    assert mail_files.remove_old(timedelta(days=90), tmp_path) == 1
    assert mail_files.remove_to(EMAIL, tmp_path) == 2

    assert [file.exists() for file in (old, theirs, about, other)] == [False, False, False, True]


def test_a_start_erases_again_what_a_restore_has_brought_back(
    db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    booking = make_theirs()
    erase(db)
    monkeypatch.setattr(jobs, "_REGISTER", tmp_path / "erasures.jsonl")
    run_job(ERASE)
    bring_back(db, booking)
    monkeypatch.setattr(prepare, "REGISTER", tmp_path / "erasures.jsonl")

    prepare.forget_again()

    assert "erased again: 1 bookings" in capsys.readouterr().out
    assert where_is(MARK, db) == set()
