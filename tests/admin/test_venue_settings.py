"""What owners set up: policies, closed days, API tokens, reasons."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from booking.api_tokens import authenticate_token
from booking.schedules import extend_schedule
from models import ApiToken, AuditEvent, CancellationReason, Closure, Slot, Venue
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_schedule, make_slot

SCRIPT = "<script>alert('x')</script>"
PAGES = ("settings", "closures", "people", "tokens", "reasons")


@pytest.fixture
def form(ours) -> dict[str, object]:
    return {
        "name": "Ours",
        "time_zone": ours.venue.time_zone,
        "currency": "GBP",
        "is_listed": "y",
        "notice_minutes": 30,
        "cutoff_minutes": 0,
        "cancel_cutoff_minutes": 60,
        "horizon_days": 90,
        "patience_seconds": 900,
        "default_hold_minutes": 15,
        "max_hold_minutes": 60,
        "max_holds_per_person": 10,
        "max_holds_per_address": 50,
        "embed_origins": "https://WWW.example.com/\nhttp://localhost:3000",
        "opening_hours": f"Monday to Friday {SCRIPT}",
    }


def test_policies_are_saved_and_noted(signed_in, owner, ours, rows, form):
    answer = _save(signed_in, ours, form)

    rows.expire_all()
    venue = rows.get_one(Venue, ours.venue.id)
    assert answer.status_code == 302
    assert (venue.notice_minutes, venue.horizon_days, venue.public_consumer_calls) == (
        30,
        90,
        False,
    )
    assert venue.embed_origins == ["https://www.example.com", "http://localhost:3000"]
    noted = rows.scalars(select(AuditEvent).filter_by(act="policy_changed")).one()
    assert (noted.subject, noted.actor) == (f"venue:{venue.id}", f"staff:{owner.id}")
    assert noted.details["notice_minutes"] == {"from": 0, "to": 30}
    assert "script" not in str(noted.details)


def test_saving_the_same_again_notes_nothing(signed_in, ours, rows, form):
    for _ in range(2):
        _save(signed_in, ours, form)

    assert len(rows.scalars(select(AuditEvent)).all()) == 1


def test_stored_words_stay_words(signed_in, ours, form):
    _save(signed_in, ours, form)

    for page in ("settings/?venue=", "venues/details/?id="):
        shown = signed_in.get(f"/admin/{page}{ours.venue.id}").text
        assert SCRIPT not in shown
        assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"notice_minutes": -1},
        {"notice_minutes": "x"},
        {"horizon_days": 0},
        {"max_holds_per_person": 10**9},
        {"default_hold_minutes": 61},
        {"time_zone": "Mars/Phobos"},
        {"currency": "ZZZ"},
        {"name": ""},
        {"name": "a\x00b"},
        {"opening_hours": "x" * 2001},
        {"embed_origins": "javascript:alert(1)"},
        {"embed_origins": "https://example.com/path"},
        {"embed_origins": "https://exa mple.com"},
        {"embed_origins": "*"},
        {"embed_origins": "\n".join(f"https://a{n}.example" for n in range(21))},
    ],
)
def test_what_cannot_be_is_refused_beside_the_field(signed_in, ours, rows, form, wrong):
    answer = _save(signed_in, ours, form | wrong)

    rows.expire_all()
    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert rows.get_one(Venue, ours.venue.id).notice_minutes == 0


def test_what_was_not_offered_is_not_applied(signed_in, ours, rows, form):
    more = {"slug": "x", "kind": "hotel", "id": 99, "code_prefix": "XX", "contact_email": "a@b.c"}

    _save(signed_in, ours, form | more)

    rows.expire_all()
    venue = rows.get_one(Venue, ours.venue.id)
    assert (venue.kind, venue.code_prefix, venue.contact_email) == ("restaurant", None, None)


@pytest.mark.parametrize("change", [{"time_zone": "Europe/Rome"}, {"currency": "EUR"}])
def test_zone_and_currency_stay_while_bookings_are_to_come(signed_in, ours, rows, form, change):
    answer = _save(signed_in, ours, form | change)

    rows.expire_all()
    assert "There are bookings to come" in answer.text
    assert (ours.venue.time_zone, ours.venue.currency) == ("Asia/Kolkata", "GBP")


def test_without_bookings_the_slots_follow_a_new_currency_and_zone(signed_in, ours, rows, form):
    signed_in.post("/admin/bookings/cancel/", id=ours.booking.id)
    schedule = make_schedule(ours.resource)
    rows.commit()
    extend_schedule(schedule_id=schedule.id, days=3)
    made = select(Slot).where(Slot.schedule_id == schedule.id, Slot.ends_at > datetime.now(UTC))
    _save(signed_in, ours, form | {"currency": "EUR"})

    by_hand = _save(signed_in, ours, form | {"currency": "EUR", "time_zone": "Europe/Rome"})
    rows.expire_all()
    ours.slot.starts_at -= timedelta(days=900)
    ours.slot.ends_at = ours.slot.sold_until = ours.slot.starts_at + timedelta(hours=1)
    rows.commit()
    _save(signed_in, ours, form | {"currency": "EUR", "time_zone": "Europe/Rome"})

    rows.expire_all()
    slots = rows.scalars(made).all()
    assert "made by hand" in by_hand.text
    assert {slot.currency for slot in slots} == {"EUR"}
    assert {slot.starts_at.astimezone(ZoneInfo("Europe/Rome")).hour for slot in slots} == {12}
    assert ours.venue.time_zone == "Europe/Rome"


def test_days_are_looked_at_closed_and_opened_again(signed_in, ours, rows):
    day = str(ours.slot.local_on)
    shut = make_slot(ours.resource, starts_at=ours.slot.starts_at + timedelta(minutes=5))
    shut.is_open = False
    rows.commit()
    url = f"/admin/closures/?venue={ours.venue.id}"
    days = {"first_on": day, "last_on": day, "reason": "Storm"}

    seen = signed_in.post(url, **days).text
    rows.expire_all()
    untouched = ours.slot.is_open
    signed_in.post(url, **days, close="1")
    rows.expire_all()
    closed = ours.slot.is_open
    page = signed_in.get(url).text
    closure = rows.scalars(select(Closure.id)).one()
    signed_in.post(f"/admin/closures/end/?venue={ours.venue.id}", id=closure)
    rows.expire_all()

    assert "<b>1</b> open slot will be closed" in seen
    assert "<b>1</b> booking stands" in seen
    assert "Storm" in page
    assert (untouched, closed, ours.slot.is_open, shut.is_open) == (True, False, True, False)
    assert ours.booking.status == "confirmed"
    acts = rows.scalars(select(AuditEvent.act).order_by(AuditEvent.id)).all()
    assert acts == ["closed", "closure_made", "opened", "closure_ended"]


def test_slots_made_later_for_closed_days_are_made_closed(signed_in, ours, rows):
    first = datetime.now(UTC).date()
    days = {"first_on": first, "last_on": first + timedelta(days=30)}
    signed_in.post(f"/admin/closures/?venue={ours.venue.id}", **days, close="1")
    schedule = make_schedule(ours.resource)
    rows.commit()

    extend_schedule(schedule_id=schedule.id, days=3)

    made = select(Slot.is_open).filter_by(schedule_id=schedule.id)
    assert set(rows.scalars(made)) == {False}
    closure = rows.scalars(select(Closure.id)).one()
    signed_in.post(f"/admin/closures/end/?venue={ours.venue.id}", id=closure)
    rows.expire_all()
    assert set(rows.scalars(made)) == {True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"last_on": "2026-01-01"},
        {"first_on": "x"},
        {"last_on": "9999-12-31"},
        {"reason": "x" * 201},
    ],
)
def test_days_that_cannot_be_closed_are_refused(signed_in, ours, rows, wrong):
    given = {"first_on": "2027-01-01", "last_on": "2027-01-02", "close": "1"} | wrong

    answer = signed_in.post(f"/admin/closures/?venue={ours.venue.id}", **given)

    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert rows.scalars(select(Closure)).all() == []


def test_a_token_is_shown_once_works_and_is_revoked(signed_in, ours, rows):
    url = f"/admin/tokens/?venue={ours.venue.id}"

    page = signed_in.post(url, name="Channel", scopes="bookings:read").text
    token = page.split('class="token"><code>')[1].split("<")[0]
    opened = authenticate_token(token)
    later = signed_in.get(url).text
    given = rows.scalars(select(ApiToken.id)).one()
    signed_in.post(f"/admin/tokens/revoke/?venue={ours.venue.id}", id=given)

    assert opened
    assert (opened.venue_id, opened.scopes) == (ours.venue.id, {"bookings:read"})
    assert token not in later
    assert authenticate_token(token) is None
    acts = rows.scalars(select(AuditEvent.act).order_by(AuditEvent.id)).all()
    assert acts == ["integration_added", "integration_ended"]


@pytest.mark.parametrize("wrong", [{"scopes": "everything"}, {"scopes": []}, {"name": ""}])
def test_a_token_for_nothing_known_is_refused(signed_in, ours, rows, wrong):
    given = {"name": "Channel", "scopes": "bookings:read"} | wrong

    answer = signed_in.post(f"/admin/tokens/?venue={ours.venue.id}", **given)

    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert rows.scalars(select(ApiToken)).all() == []


def test_reasons_are_added_and_removed_unless_they_were_given(signed_in, ours, rows):
    at = f"?venue={ours.venue.id}"
    for reason in ("Kitchen closed", "Kitchen closed", SCRIPT):
        page = signed_in.post(f"/admin/reasons/{at}", reason=reason, description="").text
    kept, gone = rows.scalars(
        select(CancellationReason.id).filter_by(venue_id=ours.venue.id).order_by("id")
    ).all()
    signed_in.post("/admin/bookings/cancel/", id=ours.booking.id, reason=kept)

    for reason_id in (kept, gone, 1):
        signed_in.post(f"/admin/reasons/remove/{at}", id=reason_id)

    assert SCRIPT not in page
    left = rows.scalars(select(CancellationReason.id).where(CancellationReason.id.in_([kept, 1])))
    assert set(left) == {kept, 1}
    assert rows.get(CancellationReason, gone) is None


def test_staff_leave_the_venue_s_settings_alone(app, ours):
    visitor = Visitor(app)
    visitor.sign_in(make_person(ours.venue, post="staff"))

    for page in PAGES:
        assert visitor.get(f"/admin/{page}/", venue=ours.venue.id).status_code == 403
        assert visitor.post(f"/admin/{page}/?venue={ours.venue.id}").status_code == 403


def _save(visitor: Visitor, house, form):
    return visitor.post(f"/admin/settings/?venue={house.venue.id}", **form)
