"""What each kind of value takes and refuses, and how a form may be sent."""

import io
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlencode

import pytest

from models import Slot
from tests.restaurant.asking import API, NAME, TOKEN, Asking, booking_form, search_form, wrong
from webapp.restaurant.values import (
    BadValue,
    read_boolean,
    read_date,
    read_integer,
    read_text,
    read_time,
)

DAY = date(2026, 11, 27)
SECONDS = int(datetime(2026, 11, 27, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-27", DAY),
        ("2026-11-27T00:00:00", DAY),
        ("2026-11-27T00:00", DAY),
        ("2026-11-27 00:00:00.000", DAY),
        ("2026-11-27T00:00:00Z", DAY),
        (str(SECONDS), DAY),
        (str(SECONDS * 1000), DAY),
        ("0", date(1970, 1, 1)),
        ("-86400", date(1969, 12, 31)),
        ("2028-02-29", date(2028, 2, 29)),
    ],
)
def test_a_date_is_read(text: str, value: date) -> None:
    assert read_date(text) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("27-11-2026", "date_from_datetime_parsing"),
        ("2026/11/27", "date_from_datetime_parsing"),
        ("27.11.2026", "date_from_datetime_parsing"),
        ("20261127x", "date_from_datetime_parsing"),
        ("2026-11-31", "date_from_datetime_parsing"),
        ("2027-02-29", "date_from_datetime_parsing"),
        ("2026-13-01", "date_from_datetime_parsing"),
        ("2026-1-1", "date_from_datetime_parsing"),
        ("0000-01-01", "date_from_datetime_parsing"),
        (" 2026-11-27", "date_from_datetime_parsing"),
        ("2026-11-27 ", "date_from_datetime_parsing"),
        ("2026-11-27\n", "date_from_datetime_parsing"),
        ("tomorrow", "date_from_datetime_parsing"),
        ("９", "date_from_datetime_parsing"),
        ("9" * 20, "date_from_datetime_parsing"),
        ("-" + "9" * 20, "date_from_datetime_parsing"),
        ("9" * 400, "date_from_datetime_parsing"),
        ("2026-11-27T25:00:00", "date_from_datetime_parsing"),
        ("2026-11-27T12:00:00", "date_from_datetime_inexact"),
        ("2026-11-27T00:00:01", "date_from_datetime_inexact"),
        (str(SECONDS + 1), "date_from_datetime_inexact"),
    ],
)
def test_what_is_no_date_is_refused(text: str, kind: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_date(text)

    assert refused.value.kind == kind


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("19:30", time(19, 30)),
        ("19:30:00", time(19, 30)),
        ("00:00", time()),
        ("23:59:59", time(23, 59, 59)),
        ("19:30:00.000", time(19, 30)),
        ("19:30:00.5", time(19, 30, 0, 500_000)),
        ("19:30:00Z", time(19, 30)),
        ("19:30:00+02:00", time(19, 30)),
    ],
)
def test_a_time_is_read(text: str, value: time) -> None:
    assert read_time(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("9:00:00", "9:00", "19", "1900", "7pm", "25:00:00", "24:00", "19:60:00", "19:00:60"),
        *("19:3", " 19:30", "19:30 ", "19.30", "19:30:00.", "half past", "1９:30"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_time(text)

    assert refused.value.kind == "time_parsing"


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2), ("03", 3), ("+3", 3), ("2.0", 2), ("1_0", 10), ("-1", -1), ("0", 0), ("1.000", 1)],
)
def test_an_integer_is_read(text: str, value: int) -> None:
    assert read_integer(text) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, "int_parsing") for text in ("two", "2.5", " 2", "2 ", "2,0", "0x2", "1e1", "٣")),
        *((text, "int_parsing") for text in ("_1", "1_", "1__0", "--1", "+", "NaN", "2.")),
        *((digits * "9", "int_parsing_size") for digits in (10, 23, 5000)),
        ("-" + 23 * "9", "int_parsing_size"),
    ],
)
def test_what_is_no_integer_or_absurd_is_refused(text: str, kind: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_integer(text)

    assert refused.value.kind == kind


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("true", "True", "TRUE", "1", "yes", "YES", "on", "t", "y", "Y"), True),
        (("false", "False", "0", "no", "off", "Off", "f", "n"), False),
    ],
)
def test_a_boolean_is_read(words: tuple[str, ...], value: bool) -> None:
    assert {read_boolean(word) for word in words} == {value}


@pytest.mark.parametrize("text", ["maybe", "2", " true", "ja", "10", "-1"])
def test_what_is_no_boolean_is_refused(text: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_boolean(text)

    assert refused.value.kind == "bool_parsing"


def test_text_is_kept_as_it_is() -> None:
    assert read_text("  Ünïcode 🦄\r\n ") == "  Ünïcode 🦄\r\n "
    with pytest.raises(BadValue):
        read_text("a\0b")


def test_what_is_missing_is_named_in_the_order_of_the_form(ask: Asking, lunch: Slot) -> None:
    assert wrong(ask("POST", "/BookingWithStripeToken", {})) == [
        ("missing", "body/VisitDate"),
        ("missing", "body/VisitTime"),
        ("missing", "body/PartySize"),
        ("missing", "body/ChannelCode"),
    ]
    assert wrong(ask("POST", "/AvailabilitySearch", {})) == [
        ("missing", "body/VisitDate"),
        ("missing", "body/PartySize"),
        ("missing", "body/ChannelCode"),
    ]
    assert wrong(ask("POST", "/Booking/ABCDEFG/Cancel", {})) == [
        ("missing", "body/micrositeName"),
        ("missing", "body/bookingReference"),
        ("missing", "body/cancellationReasonId"),
    ]


def test_an_entry_has_the_words_that_clients_know(ask: Asking, lunch: Slot, day: date) -> None:
    answer = ask("POST", "/AvailabilitySearch", search_form(day) | {"VisitDate": ""})

    assert answer.get_json() == {
        "detail": [
            {
                "type": "missing",
                "loc": ["body", "VisitDate"],
                "msg": "Field required",
                "input": None,
            }
        ]
    }


def test_all_bad_fields_are_named_at_once(ask: Asking, lunch: Slot) -> None:
    form = {
        "VisitDate": "soon",
        "VisitTime": "7pm",
        "PartySize": "two",
        "IsLeaveTimeConfirmed": "perhaps",
        "Customer[Email]": "x" * 321,
        "Customer[ReceiveEmailMarketing]": "perhaps",
        "Customer[Surname]": "a\0b",
    }

    answer = ask("POST", "/BookingWithStripeToken", form)

    assert wrong(answer) == [
        ("date_from_datetime_parsing", "body/VisitDate"),
        ("time_parsing", "body/VisitTime"),
        ("int_parsing", "body/PartySize"),
        ("missing", "body/ChannelCode"),
        ("bool_parsing", "body/IsLeaveTimeConfirmed"),
        ("string_type", "body/Customer[Surname]"),
        ("string_too_long", "body/Customer[Email]"),
        ("bool_parsing", "body/Customer[ReceiveEmailMarketing]"),
    ]
    assert answer.get_json()["detail"][0]["input"] == "soon"


@pytest.mark.parametrize("mimetype", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_both_kinds_of_forms_are_read(ask: Asking, lunch: Slot, day: date, mimetype: str) -> None:
    answer = ask("POST", "/AvailabilitySearch", search_form(day), content_type=mimetype)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {"json": search_form(DAY)},
        {"query_string": search_form(DAY)},
        {"data": "VisitDate=2026-11-27&PartySize=2&ChannelCode=ONLINE"},
        {"data": "VisitDate=2026-11-27", "content_type": "text/plain"},
        {"data": b"no boundary", "content_type": "multipart/form-data"},
        {"data": {"VisitDate": (io.BytesIO(b"2026-11-27"), "day.txt")}},
    ],
)
def test_what_is_no_form_has_no_fields(ask: Asking, lunch: Slot, given: dict[str, Any]) -> None:
    answer = ask.client.post(
        f"{API}/{NAME}/AvailabilitySearch", headers={"Authorization": f"Bearer {TOKEN}"}, **given
    )

    assert [kind for kind, _ in wrong(answer)] == ["missing"] * 3


def test_the_last_of_repeated_fields_counts_and_others_are_ignored(
    ask: Asking, lunch: Slot, day: date
) -> None:
    form = search_form(day) | {"PartySize": ["9", "4"], "partysize": "7", "Surprise": "yes"}

    answer = ask("POST", "/AvailabilitySearch", form)

    assert answer.get_json()["party_size"] == 4


@pytest.mark.usefixtures("decided_at_once")
def test_a_stripe_token_is_ignored(ask: Asking, lunch: Slot, day: date) -> None:
    form = booking_form(day) | {"StripeToken": "tok_visa"}

    assert ask("POST", "/BookingWithStripeToken", form).status_code == 200


def test_a_body_beyond_the_limit_is_refused_in_this_shape(
    ask: Asking, lunch: Slot, day: date
) -> None:
    answer = ask("POST", "/AvailabilitySearch", search_form(day) | {"More": "x" * 100_000})

    assert answer.status_code == 413
    assert set(answer.get_json()) == {"detail"}


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
def test_a_form_in_chunks_is_measured_and_never_cut(ask: Asking, day: date, kind: str) -> None:
    form = booking_form(day, "12:00", 2)
    if kind == "urlencoded":
        content_type, body = "application/x-www-form-urlencoded", urlencode(form)
        body += "&SpecialRequests=" + "a" * 100_000
    else:
        content_type = "multipart/form-data; boundary=B"
        parts = form | {"SpecialRequests": "a" * 100_000}
        body = "".join(
            f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts.items()
        )

    answer = ask(
        "POST",
        "/BookingWithStripeToken",
        input_stream=io.BytesIO(body.encode()),
        content_type=content_type,
        environ_base={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert answer.status_code == 413
    assert answer.get_json() == {"detail": "A body has 64 KB at most."}


def test_a_form_in_chunks_is_read(ask: Asking, lunch: Slot, day: date) -> None:
    answer = ask(
        "POST",
        "/AvailabilitySearch",
        input_stream=io.BytesIO(urlencode(search_form(day, 2)).encode()),
        content_type="application/x-www-form-urlencoded",
        environ_base={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )

    assert answer.status_code == 200
    assert answer.get_json()["party_size"] == 2
