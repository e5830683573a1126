"""What the pages hold to, asked without a browser: quick, and one thing each."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from limits import RateLimitItemPerMinute
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from booking.access import access_token
from booking.decide import decide_pending
from booking.dues import owe_what_is_due
from booking.links import token_of
from models import (
    Booking,
    CountedIn,
    Kind,
    Notice,
    Notification,
    OneTimeLink,
    Purpose,
    Slot,
    Status,
    User,
)
from tests.factories import (
    make_booking,
    make_nights,
    make_reason,
    make_resource,
    make_slot,
    make_user,
    make_venue,
    set_overdue,
)
from webapp import limits
from webapp.pages import live

HERE = {"Sec-Fetch-Site": "same-origin"}
ADA = {"full_name": "Ada Moreau", "email": "ada@example.com"}


@pytest.fixture
def slot(db: Session) -> Slot:
    venue = make_venue(slug="ferry", kind=Kind.BOATS)
    return make_slot(make_resource(venue, name="Heron"), capacity=3)


def url_of(slot: Slot, quantity: int = 2) -> str:
    return f"/venues/{slot.resource.venue.slug}/book?slots={slot.id}&quantity={quantity}"


def send(client: FlaskClient, url: str, **fields: str) -> TestResponse:
    return client.post(url, data=fields, headers=HERE)


def bookings(db: Session) -> list[Booking]:
    db.expire_all()
    return list(db.scalars(select(Booking)))


def key_of(page: TestResponse) -> str:
    found = re.search(r'name="key" value="(\w+)"', page.text)
    assert found, page.text
    return found[1]


# Where a form comes from


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_from_elsewhere_books_nothing(
    client: FlaskClient, db: Session, slot: Slot, headers: dict[str, str]
) -> None:
    form = ADA | {"step": "book", "key": uuid4().hex}

    answer = client.post(url_of(slot), data=form, headers=headers)

    assert (answer.status_code, bookings(db)) == (403, [])


@pytest.mark.parametrize("headers", [HERE, {"Origin": "http://localhost"}])
def test_a_form_from_here_books(
    client: FlaskClient, db: Session, slot: Slot, headers: dict[str, str]
) -> None:
    form = ADA | {"step": "book", "key": uuid4().hex}

    answer = client.post(url_of(slot), data=form, headers=headers)

    assert (answer.status_code, len(bookings(db))) == (303, 1)


def test_forms_are_counted_with_the_calls_of_the_api(
    client: FlaskClient, db: Session, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "API_CALLS", RateLimitItemPerMinute(3, namespace="few"))
    stranger = {"REMOTE_ADDR": "203.0.113.77"}

    def post() -> TestResponse:
        return client.post(url_of(slot), data=ADA, headers=HERE, environ_base=stranger)

    assert [post().status_code for _ in range(4)] == [200, 200, 200, 429]
    page = post()
    assert "A little slower, please" in page.text
    assert page.headers["Retry-After"]
    assert client.get(url_of(slot), environ_base=stranger).status_code == 200


# Booking


def test_a_form_that_is_sent_twice_books_once(client: FlaskClient, db: Session, slot: Slot) -> None:
    key = key_of(send(client, url_of(slot), step="review", **ADA))

    first = send(client, url_of(slot), step="book", key=key, **ADA)
    second = send(client, url_of(slot), step="book", key=key, **ADA)

    assert first.location == second.location
    assert len(bookings(db)) == 1


def test_each_review_has_a_key_of_its_own(client: FlaskClient, slot: Slot) -> None:
    pages = [send(client, url_of(slot), step="review", **ADA) for _ in range(2)]

    assert key_of(pages[0]) != key_of(pages[1])


def test_a_mistake_is_named_beside_its_field_and_nothing_is_lost(
    client: FlaskClient, db: Session, slot: Slot
) -> None:
    page = send(client, url_of(slot), step="review", full_name="Ada <b>", email="none", phone="x")

    assert page.status_code == 422
    assert 'value="Ada &lt;b&gt;"' in page.text
    assert 'id="email-wrong"' in page.text
    assert 'id="phone-wrong"' in page.text
    assert 'id="full_name-wrong"' not in page.text
    assert page.text.count("autofocus") == 1
    assert bookings(db) == []


def test_the_form_has_the_rules_of_the_api(client: FlaskClient, slot: Slot) -> None:
    page = client.get(url_of(slot)).text

    email = re.search(r'<input [^>]*id="email"[^>]*>', page)
    assert email
    for rule in ('type="email"', 'maxlength="320"', "required"):
        assert rule in email[0]
    phone = re.search(r'<input [^>]*id="phone"[^>]*>', page)
    assert phone
    assert 'maxlength="40"' in phone[0]
    assert "required" not in phone[0]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("?slots=x&quantity=1", 404),
        (f"?slots={UUID(int=7)}&quantity=1", 404),
        ("?slots={slot}&quantity=0", 404),
        ("?slots={slot},{slot}&quantity=1", 404),
        ("?slots={slot}&quantity=11", 422),
        ("?slots={slot}&quantity=1&guests=2", 422),
    ],
)
def test_what_can_never_be_booked_says_so(
    client: FlaskClient, slot: Slot, query: str, status: int
) -> None:
    answer = client.get("/venues/ferry/book" + query.format(slot=slot.id))

    assert answer.status_code == status
    assert "That cannot be booked" in answer.text


def test_a_slot_of_another_venue_is_not_offered(client: FlaskClient, slot: Slot) -> None:
    other = make_venue()

    answer = client.get(f"/venues/{other.slug}/book?slots={slot.id}&quantity=1")

    assert answer.status_code == 404


# Looking


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "query",
    [
        "day=yesterday&quantity=-1&time=25:61",
        "day=1999-01-01&day=2999-01-01&quantity=99999999999&destination=%00",
        "arrive=2026-02-31&leave=x&guests=0&rooms=%FF&month=2026-13",
        "arrive=9999-12-31&leave=0001-01-01",
    ],
)
def test_a_search_that_makes_no_sense_shows_what_is_likely(
    client: FlaskClient, db: Session, kind: Kind, query: str
) -> None:
    venue = make_venue(kind=kind)

    assert client.get(f"/venues/{venue.slug}?{query}").status_code == 200


def test_a_full_sitting_is_shown_and_cannot_be_chosen(client: FlaskClient, db: Session) -> None:
    room = make_resource(counted_in=CountedIn.PARTIES)
    full, free = make_slot(room, capacity=1), make_slot(room, capacity=1)
    make_booking(full)

    page = client.get(f"/venues/{room.venue.slug}?day={full.local_on}").text

    assert str(full.id) not in page
    if full.local_on == free.local_on:
        assert str(free.id) in page
    assert "full" in page


def test_another_day_is_named_when_this_one_is_full(client: FlaskClient, db: Session) -> None:
    room = make_resource(counted_in=CountedIn.PARTIES)
    full = make_slot(room, capacity=1)
    make_booking(full)
    later = make_slot(room, starts_at=full.starts_at + timedelta(days=2))

    page = client.get(f"/venues/{room.venue.slug}?day={full.local_on}").text

    assert "Other days with a table" in page
    assert f"day={later.local_on}" in page


def test_one_may_leave_on_a_full_day_and_not_stay_over_it(client: FlaskClient, db: Session) -> None:
    room = make_resource(make_venue(kind=Kind.HOTEL), counted_in=CountedIn.ROOMS)
    nights = make_nights(room, nights=4, capacity=1)
    make_booking(nights[2], quantity=1)
    arrive = nights[0].local_on

    page = client.get(f"/venues/{room.venue.slug}?arrive={arrive}&month={arrive:%Y-%m}").text
    after = client.get(
        f"/venues/{room.venue.slug}?arrive={arrive}&month={nights[2].local_on:%Y-%m}"
    ).text

    assert f"leave={nights[2].local_on}" in page + after
    assert f"leave={nights[3].local_on}" not in page + after


def test_a_stay_near_by_is_named_when_none_is_free(client: FlaskClient, db: Session) -> None:
    room = make_resource(make_venue(kind=Kind.HOTEL), counted_in=CountedIn.ROOMS)
    nights = make_nights(room, nights=4, capacity=1)
    make_booking(nights[0], quantity=1)
    arrive, leave = nights[0].local_on, nights[2].local_on

    page = client.get(f"/venues/{room.venue.slug}?arrive={arrive}&leave={leave}").text

    assert "No room is free" in page
    assert f"arrive={nights[1].local_on}&amp;leave={nights[3].local_on}" in page


def test_the_stream_tells_of_a_place_that_has_gone(
    client: FlaskClient, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0)
    url = f"/venues/ferry?day={slot.local_on}"
    seen = re.search(r"seen=(\w+)", client.get(url).text)
    assert seen
    events = client.get(f"/venues/ferry/live?day={slot.local_on}&seen={seen[1]}").response

    assert next(events) == f"retry: {live.RETRY_MS}\n\n".encode()  # type: ignore[call-overload]
    assert next(events) == b": still here\n\n"  # type: ignore[call-overload]
    make_booking(slot)
    assert live.EVENT.encode() in (next(events), next(events))  # type: ignore[call-overload]
    events.close()  # type: ignore[attr-defined]


def test_watchers_leave_places_for_those_who_wait(
    client: FlaskClient, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live._watchers, "acquire", lambda blocking: False)

    assert client.get("/venues/ferry/live").status_code == 503


# The outcome


def test_the_outcome_is_opened_by_its_link_its_cookie_and_nothing_else(
    client: FlaskClient, slot: Slot
) -> None:
    booking, other = make_booking(slot, quantity=1), make_booking(slot, quantity=1)
    url = f"/bookings/{booking.reference}/outcome"

    assert client.get(url).status_code == 404
    assert client.get(f"{url}?token={access_token(other)}").status_code == 404
    opened = client.get(f"{url}?token={access_token(booking)}")
    assert (opened.status_code, opened.location) == (303, url)
    assert f"Path=/bookings/{booking.reference}" in opened.headers["Set-Cookie"]
    assert "HttpOnly" in opened.headers["Set-Cookie"]
    page = client.get(url)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert client.get(f"/bookings/{other.reference}/outcome").status_code == 404


def test_a_refused_booking_offers_what_is_free(client: FlaskClient, slot: Slot) -> None:
    make_booking(slot, quantity=3)
    other = make_slot(slot.resource, starts_at=slot.starts_at + timedelta(minutes=30))
    url = send(client, url_of(slot), step="book", key=uuid4().hex, **ADA).location
    decide_pending(slot.resource_id)

    page = client.get(url)

    assert "Your request could not be accepted" in page.text
    assert f"slots={other.id}&amp;quantity=2" in page.text
    assert f"slots={slot.id}" not in page.text


def test_a_pending_booking_is_looked_at_again_without_javascript(
    client: FlaskClient, slot: Slot
) -> None:
    url = send(client, url_of(slot), step="book", key=uuid4().hex, **ADA).location

    waiting = client.get(url).text
    decide_pending(slot.resource_id)
    decided = client.get(url).text

    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert "Yours is the next one" in waiting
    assert "http-equiv" not in decided


def test_a_hold_whose_time_has_passed_cannot_be_confirmed(
    client: FlaskClient, slot: Slot, db: Session
) -> None:
    booking = make_booking(slot, status=Status.HELD)
    url = f"/bookings/{booking.reference}/outcome"
    client.get(f"{url}?token={access_token(booking)}")
    set_overdue(booking.id)

    answer = send(client, f"{url}/confirm")

    assert answer.status_code == 409
    assert "can no longer be confirmed" in answer.text


@pytest.mark.parametrize(
    ("step", "status"), [("confirm", Status.CONFIRMED), ("cancel", Status.CANCELLED)]
)
def test_a_hold_is_confirmed_or_given_back(
    client: FlaskClient, slot: Slot, db: Session, step: str, status: Status
) -> None:
    booking = make_booking(slot, status=Status.HELD)
    url = f"/bookings/{booking.reference}/outcome"
    client.get(f"{url}?token={access_token(booking)}")

    assert send(client, f"{url}/{step}").status_code == 303
    assert bookings(db)[0].status == status


# The way back


def test_a_reference_opens_with_its_address_only(client: FlaskClient, slot: Slot) -> None:
    booking = make_booking(slot, email="ada@example.com")

    wrong = send(client, "/bookings", reference=booking.reference, email="eve@example.com")
    unknown = send(client, "/bookings", reference="ZZZZZZZ", email="eve@example.com")
    right = send(client, "/bookings", reference=booking.reference.lower(), email="ADA@example.com")

    assert wrong.status_code == unknown.status_code == 404
    assert "We know no booking" in wrong.text
    assert right.location == f"/bookings/{booking.reference}/outcome"
    assert client.get(right.location).status_code == 200


def test_tries_at_a_reference_are_limited(
    client: FlaskClient, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = make_booking(slot, email="ada@example.com")
    for number in range(40):
        answer = client.post(
            "/bookings",
            data={"reference": booking.reference, "email": f"eve{number}@example.com"},
            headers=HERE,
            environ_base={"REMOTE_ADDR": f"203.0.113.{number}"},
        )
        if answer.status_code == 429:
            break

    assert answer.status_code == 429
    assert number <= 10


@pytest.mark.parametrize("way", ["email", "phone"])
def test_a_lost_link_is_mailed_to_who_is_known_and_says_nothing_to_others(
    client: FlaskClient, db: Session, slot: Slot, way: str
) -> None:
    make_booking(slot, quantity=1, email="ada@example.com", phone="+442079460958")
    known = {"email": "ADA@example.com", "phone": "+44 20 7946 0958"}[way]
    unknown = {"email": "eve@example.com", "phone": "+44 20 7946 0000"}[way]

    pages = [send(client, "/bookings/lost", **{way: given}) for given in (known, unknown)]
    for page in pages:
        page.close()

    assert pages[0].text == pages[1].text
    links = db.scalars(select(OneTimeLink)).all()
    assert [(link.email, link.purpose) for link in links] == [("ada@example.com", Purpose.SIGN_IN)]


def test_a_mailed_link_lists_the_bookings_of_its_address_however_often_it_is_opened(
    client: FlaskClient, db: Session, slot: Slot
) -> None:
    ours = make_booking(slot, quantity=1, email="ada@example.com")
    theirs = make_booking(slot, quantity=1)
    send(client, "/bookings/lost", email="ada@example.com").close()
    token = token_of(db.scalars(select(OneTimeLink.id)).one())

    for _ in range(2):
        page = client.get(f"/bookings/mine?token={token}")
        assert ours.reference in page.text
        assert theirs.reference not in page.text
    assert client.get("/bookings/mine?token=x").status_code == 410


def test_a_booking_is_cancelled_with_a_reason(client: FlaskClient, db: Session, slot: Slot) -> None:
    booking, ours = make_booking(slot), make_reason(slot.resource.venue, reason="Seasick")
    theirs = make_reason(make_venue(), reason="Other people's")
    token = access_token(booking)

    page = client.get(f"/bookings/{booking.reference}?token={token}").text
    assert ours.reason in page
    assert theirs.reason not in page
    assert "No Show" not in page
    url = f"/bookings/{booking.reference}/cancel"
    foreign = send(client, url, token=token, reason=str(theirs.id))
    assert (foreign.status_code, bookings(db)[0].status) == (409, Status.CONFIRMED)
    assert send(client, url, token=token, reason=str(ours.id)).status_code == 303

    [booking] = bookings(db)
    assert (booking.status, booking.cancellation_reason_id) == (Status.CANCELLED, ours.id)


# Accounts


def test_an_account_sees_its_bookings_and_is_no_session_of_the_house(
    client: FlaskClient, db: Session, slot: Slot
) -> None:
    person = {"email": "ada@example.com", "password": "four quiet badgers"}
    assert send(client, "/account/register", full_name="Ada", **person).status_code == 200
    assert send(client, "/account/sign-in", **person | {"password": "no"}).status_code == 401
    assert send(client, "/account/sign-in", **person).location == "/account"
    send(client, url_of(slot), step="book", key=uuid4().hex, **ADA)
    [booking] = bookings(db)

    assert booking.reference in client.get("/account").text
    assert 'value="ada@example.com"' in client.get(url_of(slot)).text
    client.delete_cookie("holdfast_booking", path=f"/bookings/{booking.reference}")
    assert client.get(f"/bookings/{booking.reference}/outcome").status_code == 200
    assert client.get("/admin/", follow_redirects=False).status_code in (302, 303)
    signed_out = send(client, "/account/sign-out")
    assert signed_out.headers["Clear-Site-Data"] == '"storage"'
    assert client.get("/account").location == "/account/sign-in"


def test_signing_out_ends_a_copied_cookie_too(client: FlaskClient, db: Session) -> None:
    person = {"email": "ada@example.com", "password": "four quiet badgers"}
    send(client, "/account/register", full_name="Ada", **person)
    send(client, "/account/sign-in", **person)
    copied = client.get_cookie("holdfast_account")
    assert copied
    send(client, "/account/sign-out")

    client.set_cookie("holdfast_account", copied.value)
    assert client.get("/account").status_code == 303


def test_an_account_chooses_its_language_and_declines_reminders(
    client: FlaskClient, db: Session
) -> None:
    person = {"email": "ada@example.com", "password": "four quiet badgers"}
    send(client, "/account/register", **person)
    send(client, "/account/sign-in", **person)

    send(client, "/account", language="de")
    assert '<html lang="de">' in client.get("/account").text
    [user] = db.scalars(select(User))
    assert (user.language, user.reminders_declined_at is None) == ("de", False)
    client.delete_cookie("holdfast_language")
    send(client, "/account/sign-out")
    send(client, "/account/sign-in", **person)
    assert '<html lang="de">' in client.get("/account").text

    send(client, "/account", language="de", reminders="on")
    db.expire_all()
    assert user.reminders_declined_at is None


@pytest.mark.parametrize(("declined", "owed"), [(True, 0), (False, 1)])
def test_who_has_declined_is_not_reminded(db: Session, declined: bool, owed: int) -> None:
    user = make_user(reminders_declined_at=datetime.now(UTC) if declined else None)
    slot = make_slot(starts_at=datetime.now(UTC) + timedelta(hours=5))
    booking = make_booking(slot, user_id=user.id)
    long_ago = datetime.now(UTC) - timedelta(days=3)
    db.execute(update(Booking).where(Booking.id == booking.id).values(confirmed_at=long_ago))
    db.commit()

    owe_what_is_due()

    query = select(func.count()).where(
        Notification.booking_id == booking.id, Notification.kind == Notice.REMINDER
    )
    assert db.scalar(query) == owed


def test_registering_tells_nobody_who_has_an_account(client: FlaskClient, db: Session) -> None:
    person = {"email": "ada@example.com", "password": "four quiet badgers"}

    pages = [send(client, "/account/register", **person) for _ in range(2)]

    assert pages[0].text == pages[1].text


@pytest.mark.parametrize(
    ("back", "to"),
    [
        ("/venues/ferry?day=2026-12-01", "/venues/ferry?day=2026-12-01"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example/", "/"),
        ("https://elsewhere.example/", "/"),
        ("", "/"),
    ],
)
def test_a_choice_of_language_leads_back_and_never_away(
    client: FlaskClient, back: str, to: str
) -> None:
    answer = send(client, "/language", language="de", back=back)

    assert answer.location == to
    assert client.get("/bookings").text.count('<html lang="de">') == 1


# In a frame


def test_only_named_origins_may_frame_a_form(client: FlaskClient, db: Session) -> None:
    venue = make_venue(kind=Kind.BOATS, embed_origins=["https://ferry.example"])

    framed = client.get(f"/embed/{venue.slug}")
    whole = client.get(f"/venues/{venue.slug}")
    others = client.get(f"/embed/{make_venue().slug}")

    assert "frame-ancestors https://ferry.example" in framed.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed.headers
    for page in (whole, others):
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Frame-Options"] == "DENY"


def test_a_booking_in_a_frame_needs_no_cookie(client: FlaskClient, db: Session, slot: Slot) -> None:
    slot.resource.venue.embed_origins = ["https://ferry.example"]
    db.commit()
    url = url_of(slot).replace("/venues/", "/embed/")

    answer = send(client, url, step="book", key=uuid4().hex, **ADA)

    assert "Set-Cookie" not in answer.headers
    assert client.get(answer.location).status_code == 200
    assert bookings(db)[0].channel == "embed"


# What went wrong


@pytest.mark.parametrize("path", ["/nothing", "/venues/nothing", "/bookings/ZZZZZZZ/outcome"])
def test_what_is_not_there_says_so_in_the_readers_language(
    client: FlaskClient, db: Session, path: str
) -> None:
    page = client.get(path, headers={"Accept-Language": "de"})

    assert page.status_code == 404
    assert "Hier ist nichts" in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


# What is sent


def test_the_first_page_is_small_and_its_files_are_kept(client: FlaskClient, db: Session) -> None:
    for _ in range(20):
        make_resource()
    page = client.get("/", headers={"Accept": "text/html"})
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    sizes = [len(page.data)]

    for file in files:
        answer = client.get(file, headers={"Accept-Encoding": "br, gzip"})
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        is_text = not file.split("?")[0].endswith("png") and len(answer.data) > 1024
        assert answer.headers.get("Content-Encoding") == ("br" if is_text else None), file
        sizes.append(len(answer.data))

    assert len(files) > 5
    assert sum(sizes) <= 100 * 1024


def test_the_manifest_names_icons_that_are_there(client: FlaskClient) -> None:
    manifest = client.get("/manifest.webmanifest").get_json(force=True)

    for icon in manifest["icons"]:
        assert client.get(icon["src"]).mimetype == icon["type"]
