"""A person who proves their address sees what is kept, takes it along, and is forgotten."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from booking.actors import SYSTEM
from booking.errors import LinkGone, PrivacyRequestNotFound, VenueNotFound
from booking.links import token_of
from booking.privacy.erasing import (
    ask_for_privacy,
    carry_out,
    erase_people,
    open_requests,
    read_request,
    request_erasure,
)
from booking.privacy.holds import lift_legal_hold, set_legal_hold
from booking.privacy.overdue import count_overdue
from booking.privacy.people import export, preview
from booking.privacy.receipts import read_receipts
from models import (
    Booking,
    Customer,
    Erasure,
    ErasureRequest,
    ErasureState,
    Notification,
    NotificationState,
    OneTimeLink,
    OnFuture,
    Report,
    Status,
    User,
    Venue,
)
from tests.engine.books import left, notices_of, row, violations
from tests.factories import (
    make_booking,
    make_member,
    make_resource,
    make_slot,
    make_user,
    make_venue,
)
from tests.privacy.stale import make_over, where_is

MARK = "quetzal"
EMAIL = f"{MARK}@example.com"


def link_for(db: Session, venue: Venue | None = None, email: str = EMAIL) -> str:
    """Ask, and return the token that was mailed."""
    ask_for_privacy(email=email, venue=venue.slug if venue else None)
    db.expire_all()
    link = db.scalars(select(OneTimeLink).order_by(OneTimeLink.created_at.desc())).first()
    assert link is not None
    assert link.email == email
    return token_of(link.id)


def erase(db: Session, venue: Venue | None = None, on_future: OnFuture = OnFuture.KEEP):  # type: ignore[no-untyped-def]
    """Ask, prove and have it carried out; returns how the request stands."""
    request = request_erasure(token=link_for(db, venue), on_future=on_future)
    again(db)
    return read_request(request_id=request.id)


def again(db: Session) -> None:
    erase_people(time.monotonic() + 60, {})
    db.expire_all()


def post_all(db: Session) -> None:
    """Let all that is owed have gone out."""
    db.execute(
        update(Notification)
        .where(Notification.state == NotificationState.QUEUED)
        .values(state=NotificationState.DROPPED)
    )
    db.commit()


def make_theirs(venue: Venue | None = None, **given: object) -> Booking:
    person = {"email": EMAIL.title(), "full_name": f"Q. {MARK}", "special_requests": MARK}
    return make_over(venue, days=1, **person | given)


def test_a_person_is_gone_and_others_are_not(db: Session) -> None:
    venue = make_venue()
    theirs, other = make_theirs(venue), make_over(venue, days=1)

    request = erase(db)

    assert (request.state, request.waits_for) == (ErasureState.DONE, None)
    assert where_is(MARK, db) == set()
    assert (theirs.purged_at is None, other.purged_at) == (False, None)
    assert violations() == []


def test_the_preview_says_what_would_happen_and_changes_nothing(db: Session) -> None:
    venue = make_venue()
    make_theirs(venue)
    held = make_theirs(venue)
    hold(held)
    coming = make_booking(make_slot(make_resource(venue)), email=EMAIL)
    token = link_for(db, venue)

    seen = preview(token=token)
    assert seen == preview(token=token)

    assert (seen.email, seen.venue, seen.erasable, seen.held) == (EMAIL, venue.slug, 1, 1)
    assert [each.reference for each in seen.coming] == [coming.reference]
    assert (seen.has_account, seen.works_here) == (False, False)
    assert row(held).contact_email is not None


def test_what_is_coming_is_kept_until_it_is_over(db: Session) -> None:
    venue = make_venue()
    past = make_theirs(venue)
    coming = make_booking(make_slot(make_resource(venue)), email=EMAIL)
    post_all(db)

    request = erase(db, venue, OnFuture.KEEP)
    assert (request.state, request.waits_for) == (ErasureState.WAITING, "future")
    assert (row(past).purged_at is None, row(coming).status) == (False, Status.CONFIRMED)
    assert row(coming).contact_email == EMAIL

    let_it_be_over(db, coming)
    again(db)

    assert read_request(request_id=request.id).state is ErasureState.DONE
    assert where_is(MARK, db) == set()


def test_what_is_coming_is_cancelled_first_when_the_person_says_so(db: Session) -> None:
    slot = make_slot(capacity=4)
    coming = make_booking(slot, email=EMAIL, quantity=3)

    request = erase(db, on_future=OnFuture.CANCEL)

    # The mail about it still needs the address.
    assert (request.state, request.waits_for) == (ErasureState.WAITING, "message")
    assert (row(coming).status, left(slot)) == (Status.CANCELLED, 4)
    assert ("cancelled", 1) in notices_of(coming)
    post_all(db)
    again(db)
    assert read_request(request_id=request.id).state is ErasureState.DONE
    assert where_is(MARK, db) == set()
    assert violations() == []


def test_the_venue_s_cut_off_is_not_passed_by_an_erasure(db: Session) -> None:
    venue = make_venue(cancel_cutoff_minutes=60 * 24 * 60)
    coming = make_booking(make_slot(make_resource(venue)), email=EMAIL)
    post_all(db)

    request = erase(db, on_future=OnFuture.CANCEL)

    assert (request.waits_for, row(coming).status) == ("future", Status.CONFIRMED)


def test_a_legal_hold_goes_before_an_erasure(db: Session) -> None:
    held = make_theirs()
    hold_id = hold(held)

    request = erase(db)
    assert (request.state, request.waits_for) == (ErasureState.WAITING, "legal_hold")
    assert row(held).contact_email is not None
    assert count_overdue(db) == 0

    lift_legal_hold(hold_id=hold_id, venue_id=held.venue_id, by=SYSTEM)
    again(db)
    assert read_request(request_id=request.id).state is ErasureState.DONE


def hold(booking: Booking):  # type: ignore[no-untyped-def]
    return set_legal_hold(
        reference=booking.reference,
        venue_id=booking.venue_id,
        reason="a lawsuit",
        ends_at=datetime.now(UTC) + timedelta(days=30),
        covers_customer=False,
        by=SYSTEM,
    )


def let_it_be_over(db: Session, booking: Booking) -> None:
    db.execute(
        update(Booking)
        .where(Booking.id == booking.id)
        .values(over_at=func.now() - timedelta(minutes=1))
    )
    db.commit()


def test_a_request_at_one_venue_leaves_the_others_alone(db: Session) -> None:
    here, there = make_theirs(), make_theirs()

    erase(db, db.get_one(Venue, here.venue_id))

    assert (row(here).purged_at is None, row(there).contact_email) == (False, EMAIL.title())


def test_an_account_goes_with_all_that_hangs_on_it(db: Session) -> None:
    user_id = make_user(email=EMAIL, full_name=MARK).id
    booked_for_a_friend = make_over(days=1, user_id=user_id)

    request = erase(db)

    assert request.state is ErasureState.DONE
    assert db.scalar(select(User.id).where(User.id == user_id)) is None
    assert row(booked_for_a_friend).contact_email is None
    assert where_is(MARK, db) == set()


def test_the_account_of_somebody_who_works_for_a_venue_stays(db: Session) -> None:
    member = make_member()
    token = link_for(db, email=member.email)
    assert preview(token=token).works_here

    request = request_erasure(token=token, on_future=OnFuture.KEEP)
    again(db)

    assert read_request(request_id=request.id).state is ErasureState.DONE
    assert db.get(User, member.id) is not None


def test_what_is_booked_after_the_request_is_not_part_of_it(db: Session) -> None:
    request = request_erasure(token=link_for(db), on_future=OnFuture.KEEP)
    later = make_theirs()

    again(db)

    assert read_request(request_id=request.id).state is ErasureState.DONE
    assert row(later).contact_email == EMAIL.title()


def test_an_export_has_all_of_them_and_nothing_of_others(db: Session) -> None:
    venue = make_venue()
    theirs = make_theirs(venue, details={"note": "window"})
    make_over(venue, days=1, full_name="Somebody else")
    user = make_user(email=EMAIL, password="a-hash")

    found = export(token=link_for(db))

    assert [each["reference"] for each in found["bookings"]] == [theirs.reference]
    assert found["bookings"][0]["details"] == {"note": "window"}
    assert [each["id"] for each in found["account"]] == [user.id]
    assert {each["kind"] for each in found["events"]} == {"placed", "confirmed"}
    assert len(found["places"]) == len(found["customers"]) == 1
    assert "Somebody else" not in str(found)
    assert "a-hash" not in str(found)


def test_a_link_erases_once(db: Session) -> None:
    token = link_for(db)
    request_erasure(token=token, on_future=OnFuture.KEEP)

    for use in (
        lambda: request_erasure(token=token, on_future=OnFuture.KEEP),
        lambda: preview(token=token),
        lambda: export(token=token),
    ):
        with pytest.raises(LinkGone):
            use()


def test_nobody_learns_whether_an_address_is_known(db: Session) -> None:
    """There is a link and a mail, whoever asks for whomever."""
    for email in (EMAIL, "nobody@example.com"):
        ask_for_privacy(email=email, venue=None)

    assert db.scalar(select(func.count()).select_from(Notification)) == 2
    with pytest.raises(VenueNotFound):
        ask_for_privacy(email=EMAIL, venue="nowhere")


def test_a_request_that_is_done_tells_of_nobody(db: Session) -> None:
    venue = make_venue()
    make_theirs(venue)

    request = erase(db, venue)

    kept = db.get_one(ErasureRequest, request.id)
    assert (kept.email, kept.state) == (None, "done")
    (receipt,) = read_receipts(venue_id=venue.id)
    assert (receipt.kind, receipt.counts["bookings"]) == ("erasure", 1)
    assert "bookings.contact_email" in receipt.fields
    assert open_requests(venue_id=venue.id) == []
    with pytest.raises(PrivacyRequestNotFound):
        read_request(request_id=uuid4())


def test_it_is_done_once_however_often_it_is_carried_out(db: Session) -> None:
    make_theirs()
    request = erase(db)
    entries = db.scalar(select(func.count()).select_from(Erasure))

    assert carry_out(request.id, {}) == 0

    assert db.scalar(select(func.count()).select_from(Erasure)) == entries


def test_a_request_whose_day_is_over_is_overdue(db: Session) -> None:
    request_erasure(token=link_for(db), on_future=OnFuture.KEEP)
    db.execute(text("UPDATE erasure_requests SET due_at = now() - interval '1 second'"))
    db.commit()

    assert count_overdue(db) == 1


def test_other_stores_are_visited_before_the_address_is_forgotten(
    db: Session, tmp_path: Path
) -> None:
    make_theirs()
    visited: list[str] = []
    request = request_erasure(token=link_for(db), on_future=OnFuture.KEEP)

    def remove(email: str) -> int:
        visited.append(email)
        return 3

    carry_out(request.id, {"mail files": remove})

    assert visited == [EMAIL]
    stores = db.scalar(text("SELECT stores FROM privacy_receipts"))
    assert stores == ["database", "mail files"]
    assert db.scalar(text("SELECT counts ->> 'mail files' FROM privacy_receipts")) == "3"


def test_a_merged_customer_keeps_nothing_of_the_erased_address(db: Session) -> None:
    venue = make_venue()
    theirs = make_theirs(venue)
    other = make_over(venue, days=1)
    db.execute(update(Booking).values(customer_id=theirs.customer_id))
    db.commit()
    customer_id = theirs.customer_id

    erase(db)

    assert db.get_one(Customer, customer_id).email is None
    assert row(other).contact_email is not None


def test_the_time_of_reports_that_name_people_is_over(db: Session) -> None:
    venue = make_venue()
    make_theirs(venue)
    now = datetime.now(UTC)
    for kind in ("manifest", "revenue"):
        db.add(
            Report(
                venue_id=venue.id,
                asked_by="staff",
                kind=kind,
                format="pdf",
                first_on=now.date(),
                last_on=now.date(),
                state="done",
                finished_at=now,
                expires_at=now + timedelta(days=7),
                figures={},
            )
        )
    db.commit()

    erase(db)

    over = db.scalars(select(Report.kind).where(Report.expires_at <= func.clock_timestamp()))
    assert over.all() == ["manifest"]
