"""Lists as files: complete, bounded, harmless to a spreadsheet, and written down."""

import csv
import io
import zipfile
from typing import Any

from admin import exports
from models import AuditEvent, Post
from tests.admin.conftest import make_house
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_booking

EVIL = '=HYPERLINK("http://evil.example","x")'


def _rows(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_the_list_is_a_file_with_clocks_of_the_venue(signed_in, ours):
    rows = _rows(signed_in.get("/admin/bookings/export/csv/"))

    head, row = rows
    found = dict(zip(head, row, strict=True))
    assert found["Reference"] == ours.booking.reference
    assert found["Status"] == "Confirmed"
    assert found["Name"] == "Guest of Ours"
    assert found["From"].startswith(ours.slot.local_on.isoformat()[:7])


def test_a_cell_never_begins_a_formula(signed_in, ours):
    for text in (EVIL, "+1", "-1", "@SUM(A1)", "\t=1"):
        make_booking(ours.slot, quantity=1, full_name="x", special_requests=text)
        if ours.slot.remaining == 0:
            break

    rows = _rows(signed_in.get("/admin/bookings/export/csv/"))

    wishes = [row[rows[0].index("Wishes")] for row in rows[1:]]
    assert f"'{EVIL}" in wishes
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_a_sheet_holds_text_as_text(signed_in, ours):
    make_booking(ours.slot, quantity=1, full_name=EVIL)

    answer = signed_in.get("/admin/bookings/export/xlsx/")

    book = zipfile.ZipFile(io.BytesIO(answer.data))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "HYPERLINK" in sheet
    assert "hyperlink" not in sheet


def test_an_export_is_written_down_without_the_name_that_was_looked_for(
    signed_in, owner, ours, rows
):
    signed_in.get("/admin/bookings/export/csv/", name="Guest", status="confirmed")

    act = rows.query(AuditEvent).filter_by(act="exported").one()
    assert (act.venue_id, act.subject, act.actor) == (
        ours.venue.id,
        "list:bookings",
        f"staff:{owner.id}",
    )
    assert act.details == {
        "form": "csv",
        "chosen": {"name": "(a name)", "status": "confirmed"},
    }


def test_a_file_is_bounded_and_says_so(signed_in, ours, monkeypatch):
    make_booking(ours.slot, quantity=1)
    monkeypatch.setattr(exports, "MOST_ROWS", 1)
    monkeypatch.setattr(exports, "PORTION", 1)
    monkeypatch.setattr("admin.bookings.PORTION", 1)

    rows = _rows(signed_in.get("/admin/bookings/export/csv/"))

    assert len(rows) == 3
    assert "Only the first 1 rows" in rows[2][0]


def test_a_longer_file_is_read_in_portions(signed_in, ours, monkeypatch):
    made = {make_booking(ours.slot, quantity=1).reference for _ in range(2)}
    monkeypatch.setattr(exports, "PORTION", 1)
    monkeypatch.setattr("admin.bookings.PORTION", 1)

    rows = _rows(signed_in.get("/admin/bookings/export/csv/"))

    assert {row[0] for row in rows[1:]} == made | {ours.booking.reference}


def test_other_lists_are_files_as_they_read_on_the_screen(signed_in, ours, theirs):
    slots = _rows(signed_in.get("/admin/slots/export/csv/"))
    messages = _rows(signed_in.get("/admin/messages/export/csv/"))

    assert slots[1][2:] == ["5", "2", "Open"]
    assert "Kolkata" in slots[1][0]
    assert len(slots) == len(messages) == 2
    assert messages[1][:2] == ["Confirmed", "Waiting"]
    assert signed_in.get("/admin/venues/export/csv/").status_code == 404


def test_staff_and_operators_take_no_lists_away(app, ours, theirs):
    for person in (make_person(ours.venue, post=Post.STAFF), make_person(is_operator=True)):
        visitor = Visitor(app)
        visitor.sign_in(person)
        assert visitor.get("/admin/bookings/export/csv/").status_code == 403


def test_an_owner_of_one_venue_takes_nothing_of_another(app, ours, theirs):
    """Also not of one at which they only work."""
    person = make_person(ours.venue)
    second = make_house("Second")
    from models import Membership
    from tests.factories import session

    session().add(Membership(user_id=person.id, venue_id=second.venue.id, post=Post.STAFF))
    session().commit()
    visitor = Visitor(app)
    visitor.sign_in(person)

    text = visitor.get("/admin/bookings/export/csv/").text

    assert "Ours" in text
    assert "Theirs" not in text
    assert "Second" not in text
    assert visitor.get("/admin/bookings/export/csv/", venue=second.venue.id).status_code == 403
    assert visitor.get("/admin/bookings/export/csv/", venue=theirs.venue.id).status_code == 400
    assert visitor.get("/admin/bookings/export/pdf/").status_code == 404
