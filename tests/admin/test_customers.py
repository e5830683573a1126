"""Customers: found by name, address or number; masked until asked for; two made one."""

import pytest
from sqlalchemy import select, text

from booking.actors import SYSTEM
from booking.customers import find_doubles, found_by, merge_customers
from booking.errors import CatalogueInvalid, CustomerNotFound
from models import AuditEvent, Booking, Customer
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_booking, make_slot


@pytest.fixture
def ada(ours, rows) -> Customer:
    booking = make_booking(
        make_slot(ours.resource),
        quantity=1,
        full_name="Ada O'Moreau",
        email="Ada_M@example.com",
        phone="+44 20 7946 0123",
    )
    return rows.get_one(Customer, booking.customer_id)


@pytest.fixture
def double(ours, rows) -> Customer:
    booking = make_booking(
        make_slot(ours.resource), quantity=1, full_name="ada o'moreau", email="ada@work.example"
    )
    return rows.get_one(Customer, booking.customer_id)


@pytest.mark.parametrize(
    "typed",
    [
        "ada",
        "MOR",
        "mor ada",
        "ada_m@",
        "ADA_M@EXAMPLE.com",
        "0123",
        "020 7946 0123",
        "+442079460123",
    ],
)
def test_a_customer_is_found_by(signed_in, ada, typed):
    assert "Ada O&#39;Moreau" in signed_in.get("/admin/customers/", q=typed).text


@pytest.mark.parametrize("typed", ["bob", "adaX@", "9999", "%", "_", "'", "ada & !", "a:*|b", "\\"])
def test_a_customer_is_not_found_by(signed_in, ada, typed):
    page = signed_in.get("/admin/customers/", q=typed)

    assert page.status_code == 200
    assert ("Ada O&#39;Moreau" in page.text) == (typed == "ada & !")


@pytest.mark.parametrize(
    ("typed", "index"),
    [
        ("moreau", "ix_customers_name"),
        ("ada@x", "ix_customers_email"),
        ("0123", "ix_customers_phone"),
    ],
)
def test_an_index_serves_each_search(ada, rows, owner_engine, typed, index):
    rows.execute(MANY, {"venue_id": ada.venue_id})
    rows.commit()
    with owner_engine.begin() as owner:
        owner.execute(text("ANALYZE customers"))
    query = select(Customer.id).where(Customer.venue_id == ada.venue_id, found_by(typed))
    said = str(query.compile(rows.get_bind(), compile_kwargs={"literal_binds": True}))

    plan = rows.connection().exec_driver_sql(f"EXPLAIN {said}").scalars()

    assert index in "\n".join(plan)


MANY = text(
    "INSERT INTO customers (venue_id, full_name, email, phone)"
    " SELECT :venue_id, 'Guest' || n || ' Of' || n, n || '@example.com', '+39 06 ' || n * 7919"
    " FROM generate_series(1, 5000) AS n"
)


def test_the_contact_is_masked_until_it_is_asked_for(signed_in, owner, ada, rows):
    pages = signed_in.get("/admin/customers/").text + _details(signed_in, ada)
    revealed = signed_in.post("/admin/customers/reveal/", id=ada.id).text
    after = _details(signed_in, ada)

    for hidden in (pages, after):
        assert "Ada_M@example.com" not in hidden
        assert "7946" not in hidden
        assert "A…@e…" in hidden
    assert "Ada_M@example.com" in revealed
    assert "7946" in revealed
    noted = rows.scalars(select(AuditEvent).filter_by(act="contact_revealed")).one()
    assert (noted.subject, noted.actor) == (f"customer:{ada.id}", f"staff:{owner.id}")


def test_a_page_that_is_only_looked_at_reveals_nothing(signed_in, ada, rows):
    assert signed_in.get("/admin/customers/reveal/", id=ada.id).status_code == 405
    assert rows.scalars(select(AuditEvent)).all() == []


def test_the_bookings_of_a_customer_are_listed(signed_in, ada, rows):
    booking = rows.scalars(select(Booking).filter_by(customer_id=ada.id)).one()

    assert booking.reference in _details(signed_in, ada)


def test_notes_are_kept_as_text(signed_in, ada, rows):
    signed_in.post(f"/admin/customers/details/?id={ada.id}", notes="Likes <b>windows</b>")

    rows.expire_all()
    assert ada.notes == "Likes <b>windows</b>"
    assert "<b>windows" not in _details(signed_in, ada)


@pytest.mark.parametrize("notes", ["x" * 4001, "a\x00b"])
def test_notes_that_cannot_be_kept_are_refused(signed_in, ada, rows, notes):
    answer = signed_in.post(f"/admin/customers/details/?id={ada.id}", notes=notes)

    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text


def test_doubles_are_made_one(signed_in, ada, double, rows):
    double.notes, double.phone = "By the door", None
    rows.commit()
    gone_id = double.id
    assert [other.id for other in find_doubles(ada.id)] == [gone_id]

    signed_in.post("/admin/customers/merge/", id=ada.id, other=gone_id)

    rows.expire_all()
    assert rows.get(Customer, gone_id) is None
    assert len(rows.scalars(select(Booking).filter_by(customer_id=ada.id)).all()) == 2
    assert (ada.email, ada.notes) == ("Ada_M@example.com", "By the door")
    noted = rows.scalars(select(AuditEvent).filter_by(act="customers_merged")).one()
    assert noted.details == {"merged": gone_id, "bookings": 1}


def test_what_the_kept_one_lacks_it_gets(ada, double, rows):
    address, ada.email = ada.email, None
    rows.commit()

    merge_customers(kept_id=ada.id, other_id=double.id, by=SYSTEM)

    rows.expire_all()
    assert (address, ada.email, ada.phone) == (address, "ada@work.example", "+44 20 7946 0123")


def test_customers_of_two_venues_stay_two(signed_in, ada, theirs, rows):
    answer = signed_in.post("/admin/customers/merge/", id=ada.id, other=theirs.booking.customer_id)

    assert answer.status_code == 404
    with pytest.raises(CustomerNotFound):
        merge_customers(kept_id=ada.id, other_id=theirs.booking.customer_id, by=SYSTEM)
    with pytest.raises(CatalogueInvalid):
        merge_customers(kept_id=ada.id, other_id=ada.id, by=SYSTEM)


def test_whom_a_venue_serves_is_not_the_operator_s_to_read(app, operator, ada):
    visitor = Visitor(app)
    visitor.sign_in(operator)
    visitor.post("/admin/at/", venue=ada.venue_id)

    assert visitor.get("/admin/customers/").status_code == 403
    assert visitor.get("/admin/customers/details/", id=ada.id).status_code == 403


def test_staff_look_customers_up(app, ours, ada):
    visitor = Visitor(app)
    visitor.sign_in(make_person(ours.venue, post="staff"))

    assert visitor.post("/admin/customers/reveal/", id=ada.id).status_code == 200


def _details(visitor: Visitor, customer: Customer) -> str:
    return visitor.get("/admin/customers/details/", id=customer.id).text
