"""The pages: what they show, what they never show, and what no address can break."""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from models import Status
from tests.factories import make_booking, make_slot

SCRIPT = "<script>alert('x')</script>"


def test_times_are_those_of_the_venue_and_name_the_zone(signed_in, ours):
    slot = make_slot(ours.resource, starts_at=datetime(2030, 1, 31, 20, 0, tzinfo=UTC))

    page = signed_in.get("/admin/slots/details/", id=slot.id).text

    assert "Fri 1 Feb 2030, 01:30" in page
    assert "Kolkata" in page


def test_a_stored_script_stays_text(signed_in, ours):
    booking = make_booking(
        ours.slot, quantity=1, full_name=SCRIPT, special_requests=f"<img onerror=x>{SCRIPT}"
    )

    pages = [
        signed_in.get("/admin/bookings/").text,
        signed_in.get("/admin/bookings/details/", id=booking.id).text,
    ]

    for page in pages:
        assert SCRIPT not in page
        assert "<img onerror" not in page
        assert "&lt;script&gt;alert(" in page


def test_the_history_of_a_booking_is_told(signed_in, ours):
    page = signed_in.get("/admin/bookings/details/", id=ours.booking.id).text

    assert "Request received" in page
    assert "by the customer" in page
    assert "Confirmed" in page
    assert "3 seats" in page


def test_the_first_page_sums_up_the_day(signed_in, ours):
    # Noon in Kolkata, so that the slot is of the same day there whatever the hour of the test.
    noon = datetime.now(UTC).astimezone(ZoneInfo("Asia/Kolkata")).replace(hour=12, minute=0)
    today = make_slot(ours.resource, starts_at=noon, local_on=noon.date(), capacity=8)
    make_booking(today, quantity=3)
    make_booking(ours.slot, quantity=1, status=Status.PENDING)

    page = signed_in.get("/admin/").text

    assert "<b>3</b> taken" in page
    assert "<b>5</b> left" in page
    assert "1 waiting" in page
    assert f"/admin/slots/guests/?id={today.id}" in page


def test_filters_narrow_the_bookings(signed_in, ours):
    waiting = make_booking(ours.slot, quantity=1, status=Status.PENDING)

    by_status = signed_in.get("/admin/bookings/", status="pending").text
    by_reference = signed_in.get("/admin/bookings/", reference=waiting.reference.lower()).text
    by_day = signed_in.get("/admin/bookings/", day="2019-01-01").text

    for page in (by_status, by_reference):
        assert waiting.reference in page
        assert ours.booking.reference not in page
    assert "Nothing to show" in by_day
    day = ours.slot.local_on.isoformat()
    assert ours.booking.reference in signed_in.get("/admin/bookings/", day=day).text


def test_a_list_is_read_page_by_page(signed_in, ours):
    for hours in range(30):
        make_slot(ours.resource, starts_at=datetime.now(UTC) + timedelta(days=30, hours=hours))

    first = signed_in.get("/admin/slots/").text
    second = signed_in.get("/admin/slots/", page=1).text

    assert first.count('name="rowid"') == 25
    assert second.count('name="rowid"') == 6
    assert "Next" in first
    assert "Next" not in second


def test_a_longer_list_asks_no_more_questions(signed_in, ours, statements):
    with statements() as few:
        signed_in.get("/admin/bookings/")
    for _ in range(8):
        make_booking(make_slot(ours.resource), quantity=1)
    with statements() as many:
        signed_in.get("/admin/bookings/")

    assert len(many) == len(few)
    assert not [sql for sql in many if "count(" in sql.lower()]


SCREENS = ("venues", "resources", "schedules", "slots", "bookings")
BAD_PAGES = (
    {"page": "-1"},
    {"page": "x"},
    {"page": "99999999999999999999"},
    {"page": "1000"},
    {"page_size": "-5"},
    {"sort": "99999999999"},
    {"sort": "'"},
    {"desc": "x"},
)
BAD_FILTERS = (
    {"day": "yesterday"},
    {"day": "99999-01-01"},
    {"day": "2026-02-30"},
    {"resource": "x"},
    {"resource": "' OR 1=1--"},
    {"resource": "\x00"},
)
BAD_BOOKING_FILTERS = ({"status": "free"}, {"reference": "%"}, {"reference": "A" * 8})
BAD_IDS = ("", "1,2", "x", "-1", "0", "99999999999999999999", "\x00", "½", "' OR 1=1--", "%")


def test_a_bad_page_is_refused(signed_in):
    for screen, query in product(SCREENS, BAD_PAGES):
        answer = signed_in.get(f"/admin/{screen}/", **query)

        assert answer.status_code == 400, (screen, query)


def test_a_bad_filter_is_refused(signed_in):
    asked = [*product(("slots", "bookings"), BAD_FILTERS)]
    asked += product(("bookings",), BAD_BOOKING_FILTERS)

    for screen, query in asked:
        answer = signed_in.get(f"/admin/{screen}/", **query)

        assert answer.status_code == 400, (screen, query)


def test_a_bad_id_is_not_here(signed_in):
    for screen, view, given in product(SCREENS, ("details", "edit"), BAD_IDS):
        answer = signed_in.get(f"/admin/{screen}/{view}/", id=given)

        assert answer.status_code == 404, (screen, view, given)


def test_a_line_break_in_the_way_back_is_harmless(signed_in, ours):
    answer = signed_in.post(
        "/admin/slots/action/", action="open", rowid=ours.slot.id, back="venue=1\r\nX-Evil: 1"
    )

    assert answer.status_code == 302
    assert "X-Evil" not in answer.headers


def test_every_page_forbids_foreign_and_inline_scripts(signed_in, ours):
    answers = [
        signed_in.get(url)
        for url in (
            "/admin/",
            "/admin/slots/",
            f"/admin/slots/edit/?id={ours.slot.id}",
            f"/admin/bookings/details/?id={ours.booking.id}",
            "/admin/change",
            "/admin/venues/details/?id=0",
        )
    ]

    policies = [answer.headers["Content-Security-Policy"] for answer in answers]
    assert len(set(policies)) == len(policies)
    for answer, policy in zip(answers, policies, strict=True):
        assert "script-src 'self' 'nonce-" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        for forbidden in (" onclick=", " style=", "javascript:", "http://", "//cdn"):
            assert forbidden not in answer.text


def test_no_secret_of_a_person_is_shown(signed_in, owner, ours):
    pages = [
        signed_in.get(url).text
        for url in ("/admin/", "/admin/bookings/", f"/admin/bookings/details/?id={ours.booking.id}")
    ]

    for page in pages:
        assert "argon2" not in page
        assert owner.fs_uniquifier not in page.replace(owner.email, "")
