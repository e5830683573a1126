"""Finding a booking: by who, how and when, and never by reading all there is."""

import pytest

from admin import finding
from models import Status
from tests.factories import make_booking, make_slot


@pytest.fixture
def rosa(ours):
    slot = make_slot(ours.resource, capacity=20)
    return make_booking(
        slot,
        quantity=1,
        full_name="Rosa Marín-50%",
        email="Rosa@Example.com",
        phone="+34911234567",
        channel="phone",
    )


@pytest.mark.parametrize(
    "query",
    [
        {"name": "rosa"},
        {"name": "marín"},
        {"name": "50%"},
        {"name": "rosa@example.COM"},
        {"name": "911234"},
        {"channel": "phone"},
        {"channel": "phone", "status": "confirmed"},
    ],
)
def test_it_is_found(signed_in, ours, rosa, query):
    page = signed_in.get("/admin/bookings/", **query).text

    assert rosa.reference in page
    assert ours.booking.reference not in page


def test_first_letters_of_a_reference_find_it(signed_in, ours, rosa):
    page = signed_in.get("/admin/bookings/", reference=rosa.reference[:4]).text

    assert rosa.reference in page
    assert "Nothing to show" in signed_in.get("/admin/bookings/", reference="0000").text


@pytest.mark.parametrize("query", [{"name": "%"}, {"name": "_"}, {"name": "nobody"}])
def test_what_is_not_there_is_not_found(signed_in, ours, query):
    assert "Nothing to show" in signed_in.get("/admin/bookings/", **query).text


def test_a_day_and_a_room_narrow_together(signed_in, ours, rosa):
    day = rosa.lines[0].slot.local_on

    page = signed_in.get("/admin/bookings/", day=day, resource=ours.resource.id, name="rosa").text

    assert rosa.reference in page


@pytest.mark.parametrize("query", [{"name": "\x00"}, {"channel": "a b"}, {"name": "x" * 201}])
def test_what_cannot_be_asked_is_refused(signed_in, query):
    assert signed_in.get("/admin/bookings/", **query).status_code == 400


def test_only_the_newest_are_looked_through_and_the_page_says_so(signed_in, ours, monkeypatch):
    old, new = (
        make_booking(make_slot(ours.resource), quantity=1, status=Status.CANCELLED)
        for _ in range(2)
    )
    monkeypatch.setattr(finding, "LOOKED_THROUGH", 1)

    page = signed_in.get("/admin/bookings/", status="cancelled").text
    by_day = signed_in.get(
        "/admin/bookings/", status="cancelled", day=old.lines[0].slot.local_on
    ).text

    assert new.reference in page
    assert old.reference not in page
    assert "are looked through" in page
    assert old.reference in by_day
    assert "are looked through" not in by_day
