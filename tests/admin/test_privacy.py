"""An owner sees and sets how long people's data is kept, and keeps what the law wants kept."""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from booking.privacy.policies import read_policy
from booking.privacy.purging import purge_stale
from models import LegalHold, OnFuture, Post
from tests.admin.visiting import Visitor, make_person
from tests.privacy.stale import make_over
from tests.privacy.test_erasing import link_for, request_erasure

PAGE = "/admin/privacy/details/"
DAYS = {
    "contact_days": "100",
    "requests_days": "10",
    "messages_days": "20",
    "skeleton_days": "",
    "audit_days": "500",
}


def test_the_policy_is_shown_and_changed(signed_in, ours):
    assert "365 days after the booking is over" in signed_in.get(PAGE, id=ours.venue.id).text

    answer = signed_in.post(f"/admin/privacy/edit/?id={ours.venue.id}", **DAYS)

    assert answer.status_code == 302
    policy = read_policy(venue_id=ours.venue.id)
    assert (policy.version, policy.kept.contact_days, policy.kept.skeleton_days) == (1, 100, None)
    page = signed_in.get(PAGE, id=ours.venue.id).text
    assert "100 days" in page
    assert "for good" in page


def test_what_makes_no_sense_is_said_beside_the_field(signed_in, ours):
    answer = signed_in.post(
        f"/admin/privacy/edit/?id={ours.venue.id}", **DAYS | {"requests_days": "200"}
    )

    assert "Not longer than the contact itself is kept." in answer.text
    assert read_policy(venue_id=ours.venue.id).version == 0


def test_a_hold_is_set_and_lifted(signed_in, ours, rows):
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    fields = {"reference": ours.booking.reference, "ends_on": day, "reason": "<b>a lawsuit</b>"}

    assert signed_in.post(f"{PAGE}?id={ours.venue.id}", **fields).status_code == 302

    page = signed_in.get(PAGE, id=ours.venue.id).text
    assert "&lt;b&gt;a lawsuit" in page
    hold = rows.scalars(select(LegalHold)).one()
    lifted = signed_in.post(f"/admin/privacy/lift/?id={ours.venue.id}", hold=str(hold.id))
    assert lifted.status_code == 302
    assert "Nothing is held" in signed_in.get(PAGE, id=ours.venue.id).text


def test_a_booking_of_another_venue_cannot_be_held(signed_in, ours, theirs, rows):
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()

    answer = signed_in.post(
        f"{PAGE}?id={ours.venue.id}",
        reference=theirs.booking.reference,
        ends_on=day,
        reason="curiosity",
    )

    assert answer.status_code == 404
    assert rows.scalar(select(LegalHold)) is None


def test_a_hold_of_another_venue_cannot_be_lifted(app, signed_in, ours, theirs, rows):
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    other = Visitor(app)
    other.sign_in(make_person(theirs.venue))
    fields = {"reference": theirs.booking.reference, "ends_on": day, "reason": "theirs"}
    other.post(f"{PAGE}?id={theirs.venue.id}", **fields)
    hold = rows.scalars(select(LegalHold)).one()

    answer = signed_in.post(f"/admin/privacy/lift/?id={ours.venue.id}", hold=str(hold.id))

    assert answer.status_code == 404
    rows.expire_all()
    assert hold.lifted_at is None


def test_staff_do_the_day_s_work_and_see_none_of_this(app, ours):
    visitor = Visitor(app)
    visitor.sign_in(make_person(ours.venue, post=Post.STAFF))

    assert visitor.get(PAGE, id=ours.venue.id).status_code == 403
    assert visitor.get("/admin/privacy/edit/", id=ours.venue.id).status_code == 403


def test_receipts_and_requests_tell_of_nobody(signed_in, ours, rows):
    make_over(ours.venue, email="quetzal@example.com", full_name="Quetzal")
    purge_stale(time.monotonic() + 30)
    make_over(ours.venue, days=1, email="heron@example.com")
    request_erasure(token=link_for(rows, ours.venue, "heron@example.com"), on_future=OnFuture.KEEP)

    page = signed_in.get(PAGE, id=ours.venue.id).text

    assert "purge by age, policy 0" in page
    assert "bookings.contact_email" in page
    assert "is being erased" in page
    assert "quetzal" not in page.lower()
    assert "heron" not in page
