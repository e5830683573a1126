"""Whatever the document lets a client send, the answer is one that the document allows.

Schemathesis reads the document of a live server and calls it, with a worker behind it. Each run of
the suite tries a few examples; TEST_EXAMPLES=200 ./holdfast test tests/test_schemathesis.py tries
many more.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.openapi import from_url
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy.orm import Session

from booking.account_tokens import Audience, make_token
from booking.accounts import read_account
from booking.api_tokens import Scope, create_api_token
from models import CountedIn, Kind, Status, User
from tests.factories import (
    make_booking,
    make_member,
    make_nights,
    make_reason,
    make_resource,
    make_slot,
    make_user,
    make_venue,
)
from tests.restaurant.asking import TOKEN
from tests.workers.processes import Broker, decide_worker, web_server
from webapp.hotel.login import GOOD_FOR

GUEST = "guest@example.com"
EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "0"))
FEW = 10
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CONFIG: dict[str, Any] = {"generation": {"with-security-parameters": False}}
Operation = APIOperation[Any, Any, Any, Any]
RESTAURANT, ROOMS, NATIVE = "/api/ConsumerApi/", "/api/room-platform/", "/api/v1/"


class Stock:
    """What can be found and who asks for it: enough for a call to get past its first checks."""

    def __init__(self) -> None:
        table = make_slot(make_resource(counted_in=CountedIn.PARTIES), capacity=100)
        boats = make_venue(kind=Kind.BOATS, code_prefix="JKB")
        departure = make_slot(make_resource(boats), attributes={"destination": "Island Paradise"})
        nights = make_nights()
        make_reason(table.resource.venue)
        guest, manager = make_user(), make_member(nights[0].resource.venue)
        stay = make_booking(*nights, quantity=1, user_id=manager.id)
        booking, seats = make_booking(table), make_booking(departure, email=GUEST)
        # Its stream ends at once; that of another one would go on for a minute.
        over = make_booking(table, status=Status.CANCELLED)
        scopes = [Scope.BOOKINGS_READ, Scope.BOOKINGS_WRITE]
        slug = table.resource.venue.slug
        integration = create_api_token(venue=slug, name="Channel", scopes=scopes).token
        self._tokens = {
            f"{NATIVE}auth": _token_of(guest, Audience.NATIVE),
            NATIVE: integration,
            ROOMS: _token_of(manager, Audience.ROOM_PLATFORM),
            RESTAURANT: TOKEN,
        }
        self._booking, self._over = booking.reference, over.reference
        self._places = {
            "slug": slug,
            "name": slug,
            "room_id": str(nights[0].resource_id),
            "booking_id": str(stay.id),
            "boat_id": str(departure.resource_id),
            "departure_id": str(departure.id),
            "code": seats.confirmation_code,
        }
        self._fields = {
            "slot_ids": [str(table.id)],
            "departure_id": str(departure.id),
            "quantity": 1,
            "seats_requested": 1,
            "customer": {"email": GUEST},
            "email": GUEST,
            "confirmation_code": seats.confirmation_code,
            "check_in": str(nights[0].local_on),
            "check_out": str(nights[1].local_on),
            "checkIn": str(nights[0].local_on),
            "checkOut": str(nights[1].local_on),
            "guests": 1,
            "roomId": str(nights[0].resource_id),
            "VisitDate": str(table.local_on),
            "VisitTime": f"{table.starts_at:%H:%M}",
        }

    def fill(self, case: schemathesis.Case) -> None:
        """Let most of the calls ask for what is there."""
        for name, value in case.path_parameters.items():
            if _is_filled(value):
                case.path_parameters[name] = self._place(name, case.path, value)
        if isinstance(case.query, dict):
            case.query = case.query | self._filled(case.query)
        if isinstance(case.body, dict):
            case.body = case.body | self._filled(case.body)

    def headers_for(self, case: schemathesis.Case) -> dict[str, str]:
        """Return the headers of somebody who may call this; at times of one who may not."""
        path = case.path
        token = next((self._tokens[begin] for begin in self._tokens if path.startswith(begin)), "")
        match _number_of((case.path_parameters, case.query, case.body)) % 8:
            case 0:
                token = "hf_a-token-of-nobody"
            case 1:
                token = ""
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _filled(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a request that give way, with what there is."""
        known = given.keys() & self._fields.keys()
        return {name: self._fields[name] for name in sorted(known) if _is_filled(given[name])}

    def _place(self, name: str, path: str, value: Any) -> Any:
        if name == "reference":
            return self._over if path.endswith("/events") else self._booking
        return self._places.get(name, value)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, running."""
    made = Broker(tmp_path / "valkey")
    made.start()
    yield made
    made.die()


@pytest.fixture
def stock(committed_db: Session) -> Stock:
    """What is there when the server starts."""
    return Stock()


@pytest.fixture
def document(stock: Stock, broker: Broker, tmp_path: Path) -> Iterator[BaseSchema]:
    """The document of a live server, with a worker behind it."""
    given = {
        "REDIS_URL": broker.url,
        "HOLDFAST_CONSUMER_TOKENS": TOKEN,
        "HOLDFAST_RATE_LIMITS": "false",
        "HOLDFAST_WEB_WORKERS": "1",
    }
    config = SchemathesisConfig.from_dict(CONFIG)
    with (
        decide_worker(tmp_path / "worker.log", REDIS_URL=broker.url),
        web_server(tmp_path / "web.log", **given) as address,
    ):
        yield from_url(f"{address}/openapi.json", config=config)


@pytest.mark.timeout(120 + 60 * EXAMPLES)
def test_every_answer_is_one_that_the_document_allows(document: BaseSchema, stock: Stock) -> None:
    wrong = []
    for found in document.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            try:
                _call_often(operation, mode, stock)
            except Unsatisfiable:
                continue  # there is nothing that this call could be given wrongly
            except FailureGroup as failures:
                wrong.append(_told(operation, failures))

    assert not wrong, "\n\n".join(wrong)


def _call_often(operation: Operation, mode: GenerationMode, stock: Stock) -> None:
    """Call with what the document allows, or with what it does not."""

    @settings(
        max_examples=EXAMPLES or FEW,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case) -> None:
        stock.fill(case)
        case.call_and_validate(checks=CHECKS, headers=stock.headers_for(case), timeout=20)

    call()


def _told(operation: Operation, failures: FailureGroup) -> str:
    """Return what was wrong with the answers of one call."""
    said = [f"{failure.title}: {failure.message}" for failure in failures.exceptions]
    notes = getattr(failures, "__notes__", [])
    return "\n".join([operation.label, *said, *notes])


def _is_filled(value: Any) -> bool:
    """Three of four values give way."""
    return _number_of(value) % 4 > 0


def _number_of(value: Any) -> int:
    """Return a number that follows from a value, the same in each run."""
    return crc32(repr(value).encode("utf-8", "replace"))


def _token_of(user: User, audience: Audience) -> str:
    account = read_account(user.id)
    assert account is not None
    return make_token(account, audience, GOOD_FOR)
