"""Who comes in, and how little those learn who do not."""

import re
import time

import pytest
from flask import Flask
from passlib.totp import TOTP

from booking.people import ensure_owner
from models import Membership, User
from tests.admin.visiting import PASSWORD, Visitor, make_person, rules_of
from tests.factories import make_venue, session

LOGIN = "/admin/login"


def test_the_right_password_opens_the_first_page(visitor, owner):
    answer = visitor.sign_in(owner)

    assert answer.status_code == 302
    assert answer.location == "/admin/"
    assert "Ours" in visitor.get("/admin/").text


def test_an_unknown_address_reads_like_a_wrong_password(app, owner):
    wrong = Visitor(app).post(LOGIN, email=owner.email, password="wrong")
    unknown = Visitor(app).post(LOGIN, email="nobody@example.com", password="wrong")

    assert wrong.status_code == unknown.status_code == 200
    assert "do not belong together" in wrong.text
    assert _without_what_was_typed(wrong.text) == _without_what_was_typed(unknown.text)


def test_who_was_put_out_of_service_does_not_come_in(visitor, owner, rows):
    owner.active = False
    rows.commit()

    assert "do not belong together" in visitor.sign_in(owner).text


def test_sign_in_leads_back_to_where_it_was_asked_for(visitor, owner):
    asked = visitor.get("/admin/bookings/", status="confirmed")

    answer = visitor.post(asked.location, email=owner.email, password=PASSWORD)

    assert answer.location.endswith("/admin/bookings/?status=confirmed")


def test_sign_in_leads_to_no_other_site(visitor, owner):
    answer = visitor.post(
        f"{LOGIN}?next=https://evil.example/", email=owner.email, password=PASSWORD
    )

    assert "evil" not in (answer.location or "")


def test_the_cookie_is_closed_to_scripts_and_other_sites(visitor, owner):
    cookie = visitor.sign_in(owner).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_token_from_before_the_sign_in_is_void_after_it(visitor, owner, ours):
    before = visitor.token()
    visitor.sign_in(owner)

    answer = visitor.post("/admin/bookings/cancel/", token=before, id=ours.booking.id)

    assert answer.status_code == 400


def test_sign_out_takes_a_post(signed_in):
    assert signed_in.get("/admin/logout").status_code == 405
    assert signed_in.post("/admin/logout").status_code == 302
    assert signed_in.get("/admin/").status_code == 302


def test_a_copied_cookie_ends_with_the_sign_out(app, signed_in):
    thief = Visitor(app)
    cookie = signed_in.client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    thief.client.set_cookie(cookie.key, cookie.value)
    before = thief.get("/admin/").status_code

    signed_in.post("/admin/logout")

    assert (before, thief.get("/admin/").status_code) == (200, 302)


def test_a_link_to_the_second_factor_signs_nobody_out(signed_in):
    answer = signed_in.get("/admin/tf-validate")

    assert (answer.status_code, answer.location) == (302, "/admin/")
    assert signed_in.get("/admin/").status_code == 200


def test_a_changed_password_signs_out_everybody_else(app, signed_in, owner):
    elsewhere = Visitor(app)
    elsewhere.sign_in(owner)

    signed_in.post(
        "/admin/change",
        password=PASSWORD,
        new_password="another long password",
        new_password_confirm="another long password",
    )

    assert elsewhere.get("/admin/").status_code == 302
    assert signed_in.get("/admin/").status_code == 200


def test_a_short_password_is_refused(signed_in):
    answer = signed_in.post(
        "/admin/change", password=PASSWORD, new_password="short", new_password_confirm="short"
    )

    assert "12 characters" in answer.text


def test_a_second_factor_is_asked_for_once_it_is_on(app, signed_in, owner):
    page = signed_in.post("/admin/tf-setup", setup="authenticator")
    key = re.search(r"<code>([^<]+)</code>", page.text)
    target = re.search(r'action="(/admin/tf-setup/[^"]+)"', page.text)
    assert key
    assert target
    phone = TOTP(key[1].replace("-", ""))
    signed_in.post(target[1], code=phone.generate().token)
    later = Visitor(app)

    later.post(LOGIN, email=owner.email, password=PASSWORD)

    token = later.token("/admin/tf-validate")
    assert later.get("/admin/bookings/").status_code == 302
    refused = later.post("/admin/tf-validate", token=token, code="000000")
    assert "Invalid code" in refused.text
    assert later.get("/admin/bookings/").status_code == 302
    later.post("/admin/tf-validate", token=token, code=phone.generate().token)
    assert later.get("/admin/bookings/").status_code == 302  # that code was used for setting up
    later.post("/admin/tf-validate", token=token, code=phone.generate(time.time() + 30).token)
    assert later.get("/admin/bookings/").status_code == 200


@pytest.mark.parametrize("prefix", ["admin", "security"])
def test_strangers_are_sent_to_the_sign_in_everywhere(app: Flask, theirs, prefix):
    asked = rules_of(app, prefix)
    assert asked

    for endpoint, method, url in asked:
        answer = app.test_client().open(url, method=method, data={"id": str(theirs.booking.id)})

        if prefix == "admin":
            assert answer.status_code == 302, (endpoint, method)
        if answer.status_code == 302:
            assert answer.location.startswith(LOGIN), (endpoint, method, answer.location)
        else:
            open_to_all = endpoint == "security.login" and method == "GET"
            assert answer.status_code in ((200,) if open_to_all else (400, 404)), (endpoint, method)


def test_who_belongs_nowhere_sees_nothing(app, theirs):
    visitor = Visitor(app)
    visitor.sign_in(make_person())

    assert "no venue yet" in visitor.get("/admin/").text
    assert visitor.get("/admin/bookings/").status_code == 403


def test_the_first_owner_is_made_once_and_keeps_their_password(visitor):
    venue, second = make_venue(), make_venue()
    made = ensure_owner(email="First@example.com", password=PASSWORD, venue_ids=[venue.id])

    again = ensure_owner(
        email="first@example.com", password="another one", venue_ids=[venue.id, second.id]
    )

    assert again == made
    assert session().query(Membership).filter_by(user_id=made).count() == 2
    assert visitor.sign_in(session().get_one(User, made)).status_code == 302


def test_the_first_owner_gets_another_password_when_asked_for(visitor):
    made = ensure_owner(email="first@example.com", password="the first password")

    ensure_owner(email="first@example.com", password=PASSWORD, replace_password=True)

    assert visitor.sign_in(session().get_one(User, made)).status_code == 302


def _without_what_was_typed(page: str) -> str:
    return re.sub(r'value="[^"]*"', "", page)
