"""Sessions are rows: listed, ended one by one. Codes are good once, and operators need them."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from admin import second_factor
from admin.sessions import browser_words
from booking.accounts import ask_for_reset, reset_password
from booking.house_sessions import IDLE_FOR, forget_old_house_sessions
from booking.links import token_of
from models import HouseSession, OneTimeLink, User
from tests.admin.visiting import PASSWORD, Visitor, code_of, make_person

LOGIN = "/admin/login"


@pytest.fixture
def elsewhere(app, signed_in, owner) -> Visitor:
    """The same person in a second browser."""
    second = Visitor(app)
    second.sign_in(owner)
    return second


def test_a_sign_out_ends_this_browser_and_no_other(signed_in, elsewhere):
    signed_in.post("/admin/logout")

    assert signed_in.get("/admin/").status_code == 302
    assert elsewhere.get("/admin/").status_code == 200


def test_sessions_are_listed_and_ended_one_by_one(signed_in, elsewhere):
    page = signed_in.get("/admin/sessions/").text
    (other,) = re.findall(r'name="id" value="([^"]+)"', page)

    answer = signed_in.post("/admin/sessions/end/", id=other)

    assert (page.count("This one"), answer.status_code) == (1, 302)
    assert elsewhere.get("/admin/").status_code == 302
    assert signed_in.get("/admin/").status_code == 200


def test_nobody_ends_the_session_of_another(app, signed_in, rows):
    other = make_person()
    Visitor(app).sign_in(other)
    theirs = rows.scalars(select(HouseSession.id).where(HouseSession.user_id == other.id)).one()

    for given in (theirs, "x", "", "00000000-0000-0000-0000-000000000000"):
        assert signed_in.post("/admin/sessions/end/", id=given).status_code == 404
    assert rows.get_one(HouseSession, theirs).ended_at is None


@pytest.mark.parametrize("column", ["seen_at", "expires_at"])
def test_a_session_that_rested_too_long_is_over(signed_in, rows, column):
    earlier = getattr(HouseSession, column) - IDLE_FOR * 5
    begun = HouseSession.created_at - IDLE_FOR * 10
    rows.execute(update(HouseSession).values({column: earlier, "created_at": begun}))
    rows.commit()

    assert signed_in.get("/admin/").status_code == 302


def test_sessions_of_long_ago_are_forgotten(signed_in, rows):
    long_ago = timedelta(days=90)
    rows.execute(
        update(HouseSession).values(
            created_at=HouseSession.created_at - long_ago,
            expires_at=HouseSession.expires_at - long_ago,
        )
    )
    rows.commit()

    assert forget_old_house_sessions() == 1


def test_a_password_set_by_mail_ends_every_session(signed_in, owner, rows):
    ask_for_reset(email=owner.email)
    token = token_of(rows.scalars(select(OneTimeLink.id)).one())

    reset_password(token=token, password="quite another password")

    assert signed_in.get("/admin/").status_code == 302


def test_a_code_is_taken_once(app, operator):
    code = code_of(operator)

    first, second = (_try(app, operator, code) for _ in range(2))

    assert (first.get("/admin/").status_code, second.get("/admin/").status_code) == (200, 302)


def test_without_the_noted_step_a_code_is_taken_twice(app, operator, monkeypatch):
    """The twin: what is asserted above is the doing of the noted step."""
    monkeypatch.setattr(second_factor, "take_code_in", lambda *_, **__: True)
    code = code_of(operator)

    first, second = (_try(app, operator, code) for _ in range(2))

    assert (first.get("/admin/").status_code, second.get("/admin/").status_code) == (200, 200)


def test_a_recovery_code_opens_once(app, operator, rows):
    inside = Visitor(app)
    inside.sign_in(operator)
    page = inside.post("/admin/mf-recovery-codes").text
    codes = re.findall(r"<li><code>([^<]+)</code>", page)

    first, second = (_try(app, operator, codes[0], "/admin/mf-recovery") for _ in range(2))

    rows.expire_all()
    assert len(codes) == 8
    assert not set(codes) & set(rows.get_one(User, operator.id).mf_recovery_codes)
    assert (first.get("/admin/").status_code, second.get("/admin/").status_code) == (200, 302)


def test_an_operator_without_a_second_factor_sees_nothing_else(app, operator, theirs, rows):
    operator.tf_primary_method = operator.tf_totp_secret = None
    rows.commit()
    visitor = Visitor(app)
    visitor.sign_in(operator)

    for url in ("/admin/", "/admin/bookings/", f"/admin/venues/details/?id={theirs.venue.id}"):
        answer = visitor.get(url)
        assert (answer.status_code, answer.location) == (302, "/admin/tf-setup")
    assert "nothing else is open to you" in visitor.get("/admin/tf-setup").text
    assert "Theirs" not in visitor.get("/api/v1/bookings").text


def test_a_browser_is_named_in_a_few_words():
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit/605 Version/19 Safari/604"

    assert browser_words(phone) == "Safari on iPhone"
    assert browser_words("Mozilla/5.0 (X11; Linux x86_64) Firefox/140") == "Firefox on Linux"
    assert browser_words("<script>") == "A browser"


def _try(app, person: User, code: str, url: str = "/admin/tf-validate") -> Visitor:
    """Sign in up to the second factor, and give this code there."""
    visitor = Visitor(app)
    visitor.post(LOGIN, email=person.email, password=PASSWORD)
    visitor.post(url, token=visitor.token("/admin/tf-validate"), code=code)
    return visitor
