"""Who works at a venue: asked in by mail, given another post, removed."""

import pytest
from sqlalchemy import select

from booking.accounts import reset_password
from booking.actors import SYSTEM
from booking.errors import CatalogueInvalid
from booking.invitations import invite
from booking.links import token_of
from booking.people import make_operator
from booking.staff import change_post, remove_colleague
from models import AuditEvent, Invitation, Membership, Notification, Post, User, Venue
from tests.admin.visiting import PASSWORD, Visitor, make_person

NEW = "New.Person@example.com"


@pytest.fixture
def invited(signed_in, ours, rows) -> str:
    """The token of an invitation to our venue."""
    signed_in.post(f"/admin/people/?venue={ours.venue.id}", email=NEW, post="staff")
    return token_of(rows.scalars(select(Invitation.link_id)).one())


def test_an_invitation_is_mailed_and_listed(signed_in, ours, invited, rows):
    page = signed_in.get("/admin/people/", venue=ours.venue.id).text

    assert NEW in page
    assert rows.scalars(select(Notification.kind).filter_by(kind="invitation")).one()
    noted = rows.scalars(select(AuditEvent).filter_by(act="person_invited")).one()
    assert (noted.venue_id, noted.details) == (ours.venue.id, {"post": "staff"})


def test_who_follows_the_link_joins_once_and_signs_in(app, ours, invited, rows):
    guest = Visitor(app)
    page = guest.get("/admin/invitation/", token=invited).text

    answer = _join(guest, invited, full_name="Nora New", password=PASSWORD)
    again = guest.get("/admin/invitation/", token=invited)

    person = rows.scalars(select(User).filter_by(full_name="Nora New")).one()
    assert ("Ours" in page, answer.status_code, again.status_code) == (True, 302, 410)
    assert rows.get_one(Membership, (person.id, ours.venue.id)).post == "staff"
    assert rows.scalars(select(AuditEvent).filter_by(act="person_joined")).one()
    guest.sign_in(person)
    assert "Ours" in guest.get("/admin/").text


def test_a_weak_password_is_refused_and_the_link_stays_good(app, invited):
    guest = Visitor(app)

    refused = _join(guest, invited, full_name="N", password="short")

    assert refused.status_code == 200
    assert "invalid-feedback" in refused.text
    assert guest.get("/admin/invitation/", token=invited).status_code == 200


def test_who_has_an_account_keeps_its_password(app, signed_in, ours, rows):
    other = make_person()
    other.confirmed_at = other.created_at
    rows.commit()
    signed_in.post(f"/admin/people/?venue={ours.venue.id}", email=other.email, post="owner")
    token = token_of(rows.scalars(select(Invitation.link_id)).one())
    guest = Visitor(app)

    _join(guest, token)
    guest.sign_in(other)

    assert "Ours" in guest.get("/admin/").text


def test_an_account_that_was_never_proven_gets_a_new_password(app, signed_in, ours, rows):
    """Somebody may have registered the address before, and wait for it to be invited."""
    squatter = make_person()
    thief = Visitor(app)
    thief.sign_in(squatter)
    signed_in.post(f"/admin/people/?venue={ours.venue.id}", email=squatter.email, post="staff")
    token = token_of(rows.scalars(select(Invitation.link_id)).one())

    _join(Visitor(app), token, full_name="True One", password="the password of the true one")

    assert thief.get("/admin/").status_code == 302
    assert "do not belong together" in thief.sign_in(squatter).text


def test_an_invitation_is_taken_back(app, signed_in, ours, invited, rows):
    given = rows.scalars(select(Invitation.id)).one()

    signed_in.post(f"/admin/people/withdraw/?venue={ours.venue.id}", invitation=given)

    assert Visitor(app).get("/admin/invitation/", token=invited).status_code == 410


def test_a_second_invitation_takes_the_place_of_the_first(app, signed_in, ours, invited):
    signed_in.post(f"/admin/people/?venue={ours.venue.id}", email=NEW.lower(), post="owner")

    assert Visitor(app).get("/admin/invitation/", token=invited).status_code == 410


@pytest.mark.parametrize("email", ["", "nobody", "a@b@c", "x\n@example.com", "<script>"])
def test_what_is_no_address_is_refused_beside_the_field(signed_in, ours, rows, email):
    answer = signed_in.post(f"/admin/people/?venue={ours.venue.id}", email=email, post="staff")

    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert rows.scalars(select(Invitation)).all() == []


def test_posts_are_changed_and_people_removed(app, signed_in, ours, rows):
    colleague = make_person(ours.venue, post=Post.STAFF)
    theirs = Visitor(app)
    theirs.sign_in(colleague)
    url = f"/admin/people/post/?venue={ours.venue.id}"

    signed_in.post(url, user=colleague.id, post="owner")
    promoted = theirs.get("/admin/people/", venue=ours.venue.id).status_code
    signed_in.post(f"/admin/people/remove/?venue={ours.venue.id}", user=colleague.id)
    removed = theirs.get("/admin/bookings/").status_code

    assert (promoted, removed) == (200, 403)
    acts = rows.scalars(select(AuditEvent.act).order_by(AuditEvent.id)).all()
    assert acts == ["post_changed", "person_removed"]


def test_the_last_owner_stays(signed_in, owner, ours, rows):
    at = f"?venue={ours.venue.id}"

    signed_in.post(f"/admin/people/post/{at}", user=owner.id, post="staff")
    answer = signed_in.post(f"/admin/people/remove/{at}", user=owner.id)

    assert rows.get_one(Membership, (owner.id, ours.venue.id)).post == "owner"
    assert "keeps an owner" in signed_in.get(answer.location).text


def test_two_last_owners_do_not_both_leave(ours, owner):
    second = make_person(ours.venue)

    remove_colleague(venue_id=ours.venue.id, user_id=owner.id, by=SYSTEM)

    with pytest.raises(CatalogueInvalid):
        change_post(venue_id=ours.venue.id, user_id=second.id, post=Post.STAFF, by=SYSTEM)


def test_who_works_there_already_is_not_invited(ours, owner):
    with pytest.raises(CatalogueInvalid, match="already"):
        invite(venue_id=ours.venue.id, email=owner.email.upper(), post=Post.STAFF, by=SYSTEM)


def test_a_forgotten_password_is_mailed_for_whoever_it_is(app, owner, rows):
    known, unknown = (
        Visitor(app).post("/admin/forgotten/", email=email)
        for email in (owner.email, "nobody@example.com")
    )

    assert (known.status_code, known.location) == (unknown.status_code, unknown.location)
    assert rows.scalars(select(Notification.kind)).all().count("reset") == 1


def test_an_operator_makes_a_venue_and_its_owner_comes_in(app, operator, rows):
    visitor = Visitor(app)
    visitor.sign_in(operator)

    answer = visitor.post("/admin/new-venue/", **VENUE)
    token = token_of(rows.scalars(select(Invitation.link_id)).one())
    guest = Visitor(app)
    _join(guest, token, full_name="First Owner", password=PASSWORD)
    guest.sign_in(rows.scalars(select(User).filter_by(full_name="First Owner")).one())

    assert answer.status_code == 302
    assert "Blue Bay" in guest.get("/admin/").text
    assert guest.get(answer.location).status_code == 200
    assert rows.scalars(select(Venue.slug).filter_by(slug="blue-bay")).one()


def test_an_operator_is_made_and_led_to_the_second_factor(app, rows):
    link = make_operator(email="root@example.com")
    again = make_operator(email="Root@example.com")
    assert link
    reset_password(token=link.split("token=")[1], password=PASSWORD)
    person = rows.scalars(select(User).filter_by(email="root@example.com")).one()
    visitor = Visitor(app)

    visitor.sign_in(person)

    assert again
    assert make_operator(email="root@example.com") is None
    assert visitor.get("/admin/venues/").location == "/admin/tf-setup"


VENUE = {
    "name": "Blue Bay",
    "slug": "blue-bay",
    "kind": "boats",
    "time_zone": "Europe/Athens",
    "currency": "EUR",
    "owner": "first@example.com",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "blue bay"},
        {"slug": "ours-taken"},
        {"kind": "casino"},
        {"time_zone": "Mars/Phobos"},
        {"currency": "XXQ"},
        {"owner": "nobody"},
        {"name": " "},
    ],
)
def test_what_makes_no_venue_is_refused_beside_the_field(app, ours, operator, rows, wrong):
    ours.venue.slug = "ours-taken"
    rows.commit()
    visitor = Visitor(app)
    visitor.sign_in(operator)

    answer = visitor.post("/admin/new-venue/", **VENUE | wrong)

    assert answer.status_code == 200
    assert "invalid-feedback" in answer.text
    assert rows.scalars(select(Venue.id)).all() == [ours.venue.id]


def test_the_switch_narrows_what_is_listed(app, ours, theirs):
    visitor = Visitor(app)
    visitor.sign_in(make_person(ours.venue, theirs.venue))

    visitor.post("/admin/at/", venue=ours.venue.id)
    narrowed = [visitor.get(f"/admin/{page}").text for page in ("", "bookings/", "slots/")]
    other = visitor.get("/admin/bookings/details/", id=theirs.booking.id).status_code
    visitor.post("/admin/at/", venue="")

    for page in narrowed:
        assert "Room of Theirs" not in page
    assert "selected>Ours" in narrowed[0]
    assert other == 200
    assert "Theirs" in visitor.get("/admin/bookings/").text


def test_the_switch_knows_no_other_venue(signed_in, theirs):
    for venue in (theirs.venue.id, "x", "99999999999999999999", "-1", "\x00"):
        assert signed_in.post("/admin/at/", venue=venue).status_code == 404


def _join(guest: Visitor, token: str, **fields: str):
    url = "/admin/invitation/"
    proof = guest.token(f"{url}?token={token}")
    return guest.client.post(url, data={"csrf_token": proof, "token": token} | fields)
