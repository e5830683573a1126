"""The screens of messages: what was sent, what it says and to whom that is shown, and own words."""

import pytest
from sqlalchemy import select

from models import MessageText, Notification, Post, Venue
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_booking, make_slot

SCRIPT = "<script>alert('x')</script>"


def test_the_list_says_what_was_owed_and_what_became_of_it(signed_in, ours, rows):
    _set(rows, ours.message, state="refused", last_error="RCPT TO was answered with 550")

    page = signed_in.get("/admin/messages/").text
    details = signed_in.get("/admin/messages/details/", id=ours.message.id).text
    booking = signed_in.get("/admin/bookings/details/", id=ours.booking.id).text

    assert "Refused" in page
    assert ours.booking.reference in page
    for shown in (details, booking):
        assert "RCPT TO was answered with 550" in shown


def test_filters_narrow_the_messages(signed_in, ours, rows):
    assert ours.booking.reference in signed_in.get("/admin/messages/", state="queued").text
    assert "Nothing to show" in signed_in.get("/admin/messages/", state="sent").text
    assert "Nothing to show" in signed_in.get("/admin/messages/", kind="reminder").text
    assert signed_in.get("/admin/messages/", state="gone").status_code == 400


def test_a_refused_message_is_tried_again_by_an_owner(app, signed_in, ours, rows):
    staff = Visitor(app)
    staff.sign_in(make_person(ours.venue, post=Post.STAFF))
    _set(rows, ours.message, state="refused", attempts=7)

    refused = staff.post("/admin/messages/retry/", id=ours.message.id)
    answer = signed_in.post("/admin/messages/retry/", id=ours.message.id)

    rows.expire_all()
    assert (refused.status_code, answer.status_code) == (403, 302)
    assert (ours.message.state, ours.message.attempts) == ("queued", 0)


def test_the_body_is_shown_to_the_venue_s_own_people_alone(app, signed_in, ours, theirs):
    operator = Visitor(app)
    operator.sign_in(make_person(is_operator=True))

    own = signed_in.get("/admin/messages/body/", id=ours.message.id)
    foreign = signed_in.get("/admin/messages/body/", id=theirs.message.id)
    seen = operator.get("/admin/messages/details/", id=ours.message.id)
    read = operator.get("/admin/messages/body/", id=ours.message.id)

    assert "Guest of Ours" in own.text
    assert (foreign.status_code, read.status_code) == (404, 403)
    assert seen.status_code == 200
    assert "<iframe" not in seen.text


def test_a_body_gives_no_key_away_and_nothing_in_it_runs(signed_in, ours, rows):
    booking = make_booking(make_slot(ours.resource), quantity=1, full_name=SCRIPT)
    message = rows.scalars(select(Notification).where(Notification.booking_id == booking.id)).one()

    page = signed_in.get("/admin/messages/body/", id=message.id)

    assert SCRIPT not in page.text
    assert "?token=…" in page.text
    assert page.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert page.headers["Cache-Control"] == "no-store"


def test_each_message_can_be_looked_at_in_each_language(signed_in, ours):
    page = signed_in.get("/admin/correspondence/details/", id=ours.venue.id).text
    preview = signed_in.get(
        "/admin/correspondence/preview/", id=ours.venue.id, kind="reminder", language="fr"
    ).text

    assert "Rappel de votre réservation" in preview
    assert "Reminder" in page
    for bad in ({"kind": "x"}, {"language": "xx"}, {"kind": "sign_in"}):
        answer = signed_in.get("/admin/correspondence/preview/", id=ours.venue.id, **bad)
        assert answer.status_code == 404


def test_own_words_are_kept_shown_and_taken_back(signed_in, ours, rows):
    url = f"/admin/correspondence/wording/?id={ours.venue.id}&kind=confirmed&language=de"
    preview = f"/admin/correspondence/preview/?id={ours.venue.id}&kind=confirmed&language=de"

    signed_in.post(url, words=f"Bis bald, {{name}}! {SCRIPT}")
    kept = rows.execute(select(MessageText.language, MessageText.kind)).one()
    shown = signed_in.get(preview).text
    signed_in.post(url, words="")

    rows.expire_all()
    assert tuple(kept) == ("de", "confirmed")
    assert "Bis bald, Ada Moreau!" in shown
    assert SCRIPT not in shown
    assert rows.scalars(select(MessageText)).all() == []


@pytest.mark.parametrize("words", ["x" * 2001, "a\x00b", "a\x1b[0m"])
def test_words_that_cannot_be_kept_are_refused_beside_the_field(signed_in, ours, rows, words):
    url = f"/admin/correspondence/wording/?id={ours.venue.id}&kind=confirmed"

    answer = signed_in.post(url, words=words)

    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert rows.scalars(select(MessageText)).all() == []


def test_only_an_owner_words_and_only_what_goes_to_customers(app, signed_in, ours, rows):
    staff = Visitor(app)
    staff.sign_in(make_person(ours.venue, post=Post.STAFF))
    url = f"/admin/correspondence/wording/?id={ours.venue.id}&kind="

    assert staff.get(url + "confirmed").status_code == 200
    assert staff.post(url + "confirmed", words="x").status_code == 403
    assert signed_in.post(url + "venue_new", words="x").status_code == 404


def test_an_owner_says_how_the_venue_writes_and_hears(signed_in, ours, rows):
    url = f"/admin/correspondence/edit/?id={ours.venue.id}"

    answer = signed_in.post(url, **FORM)

    rows.expire_all()
    assert answer.status_code == 302
    venue = rows.get_one(Venue, ours.venue.id)
    assert (venue.language, venue.colour, venue.contact_email) == ("fr", "#aa3300", "a@example.com")
    assert (venue.told_of_bookings, venue.digest_hour, venue.reminder_hours) == ("daily", 6, None)


FORM = {
    "language": "fr",
    "colour": "#AA3300",
    "contact_email": " a@example.com ",
    "told_of_bookings": "daily",
    "digest_hour": "6",
    "fullness_percent": "90",
    "reminder_hours": "",
    "hold_warning_minutes": "5",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"contact_email": "a@example.com, b@example.com"},
        {"colour": "red;}"},
        {"language": "xx"},
        {"told_of_bookings": "x"},
        {"digest_hour": "24"},
        {"fullness_percent": "0"},
        {"reminder_hours": "100000"},
        {"hold_warning_minutes": ""},
    ],
    ids=str,
)
def test_what_a_venue_cannot_be_is_refused_beside_the_field(signed_in, ours, rows, wrong):
    answer = signed_in.post(f"/admin/correspondence/edit/?id={ours.venue.id}", **FORM | wrong)

    rows.expire_all()
    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert rows.get_one(Venue, ours.venue.id).language == "en"


def test_an_owner_finds_and_renews_the_calendar_link(app, signed_in, ours, rows):
    staff = Visitor(app)
    staff.sign_in(make_person(ours.venue, post=Post.STAFF))
    url = f"/admin/resources/details/?id={ours.resource.id}"

    before = signed_in.get(url).text
    signed_in.post("/admin/resources/action/", action="renew_feed", rowid=ours.resource.id)
    after = signed_in.get(url).text

    assert "/calendar/resources/" in before
    assert (
        before.split("/calendar/resources/")[1][:60] != after.split("/calendar/resources/")[1][:60]
    )
    assert "/calendar/resources/" not in staff.get(url).text


def _set(rows, message: Notification, **values):
    for name, value in values.items():
        setattr(message, name, value)
    rows.commit()
