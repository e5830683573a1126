"""Many bookings at once: chosen on a page, done by a worker, watched."""

import re
import time
from typing import Any

from booking.bulk import carry_out
from models import BulkJob
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_booking, make_resource, make_slot


def _begin(visitor: Visitor, url: str, **fields: Any) -> Any:
    page = visitor.get(url).text
    job = re.search(r'name="id"[^>]* value="([^"]+)"', page)
    assert job, page
    return visitor.post(
        url, **{"id": job[1], "deed": "cancel", "reason": "", "to_slot": ""} | fields
    )


def test_the_chosen_ones_are_cancelled_by_the_worker(signed_in, owner, ours, rows):
    more = make_booking(ours.slot, quantity=1)
    chosen = signed_in.post(
        "/admin/bookings/action/", action="together", rowid=[ours.booking.id, more.id]
    )
    assert "together" in chosen.location

    begun = _begin(signed_in, chosen.location, message="A storm is coming.")
    waiting = signed_in.get(begun.location).text
    carry_out(time.monotonic() + 10)
    done = signed_in.get(begun.location).text
    progress = signed_in.get(begun.location.replace("details", "progress")).json

    rows.expire_all()
    assert "At work" in waiting
    assert "job.js" in waiting
    assert "Finished" in done
    assert owner.email in done
    assert progress == {"done": 2, "refused": 0, "total": 2, "is_over": True}
    assert (ours.booking.status, more.status, ours.slot.remaining) == ("cancelled",) * 2 + (5,)
    history = signed_in.get(f"/admin/bookings/details/?id={more.id}").text
    assert "Together with others: “A storm is coming.”" in history


def test_all_of_a_day_are_moved_and_what_did_not_fit_is_shown(signed_in, ours, rows):
    later = make_slot(ours.resource, capacity=3)
    left = make_booking(ours.slot, quantity=2)
    day = f"?resource={ours.resource.id}&day={ours.slot.local_on}"
    assert "Cancel or move all of this day" in signed_in.get(f"/admin/bookings/{day}").text

    begun = _begin(signed_in, f"/admin/bookings/together/{day}", deed="move", to_slot=str(later.id))
    carry_out(time.monotonic() + 10)

    page = signed_in.get(begun.location).text
    rows.expire_all()
    assert later.remaining == 0
    assert left.reference in page
    assert "Not done" in page


def test_a_move_needs_to_lead_somewhere(signed_in, ours, rows):
    url = f"/admin/bookings/together/?slot={ours.slot.id}"

    answer = _begin(signed_in, url, deed="move")

    assert "Choose where to." in answer.text
    assert rows.query(BulkJob).count() == 0


def test_a_form_sent_twice_begins_one_job(signed_in, ours, rows):
    url = f"/admin/bookings/together/?slot={ours.slot.id}"
    job = "5b1b2f0c-9d57-4f7e-8e29-5a6b36a45a13"

    for _ in range(2):
        assert _begin(signed_in, url, id=job).status_code == 302

    assert rows.query(BulkJob).count() == 1


def test_what_is_over_cannot_be_chosen(signed_in, ours):
    signed_in.post("/admin/bookings/cancel/", id=ours.booking.id)

    answer = signed_in.post("/admin/bookings/action/", action="together", rowid=ours.booking.id)

    assert "nothing can be done" in signed_in.get(answer.location).text


def test_what_is_not_theirs_is_not_there(signed_in, ours, theirs, rows):
    foreign_slot = make_slot(make_resource(theirs.venue))
    for query in (
        {"id": theirs.booking.id},
        {"slot": theirs.slot.id},
        {"resource": theirs.resource.id, "day": theirs.slot.local_on},
        {"id": "x"},
        {"slot": "\x00"},
        {"resource": ours.resource.id, "day": "tomorrow"},
        {},
    ):
        assert signed_in.get("/admin/bookings/together/", **query).status_code == 404, query

    url = f"/admin/bookings/together/?slot={ours.slot.id}"
    answer = _begin(signed_in, url, deed="move", to_slot=str(foreign_slot.id))

    assert answer.status_code == 404
    assert rows.query(BulkJob).count() == 0


def test_a_job_of_another_venue_is_not_there(app, signed_in, theirs, rows):
    url = f"/admin/bookings/together/?slot={theirs.slot.id}"
    visitor = Visitor(app)
    visitor.sign_in(make_person(theirs.venue))
    begun = _begin(visitor, url, message="Theirs")
    assert visitor.get(begun.location).status_code == 200

    assert signed_in.get(begun.location).status_code == 404
    assert signed_in.get(begun.location.replace("details", "progress")).status_code == 404
    assert "admin/together/details" not in signed_in.get("/admin/together/").text
