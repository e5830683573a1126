"""Placing a hold: what can never be is refused, everything else is written and waits its turn."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import structlog
from psycopg import Error
from sqlalchemy import Row, and_, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from booking.actors import CUSTOMER, Actor
from booking.arrivals import insert_holds
from booking.doorbell import ring
from booking.errors import BookingError, HoldTooLong, IdempotencyKeyReused, SlotNotFound
from booking.expiry import expire_one_in
from booking.gathering import Gathering
from booking.offers import Offer, Offers, read_offers
from booking.pressure import expected_seconds, refuse_when_too_busy
from booking.tally import counting_refusals, note_status
from booking.transactions import (
    LinesMoved,
    is_nobodys_fault,
    passes_by_itself,
    retried,
    transaction,
)
from booking.views import BookingView, SlotTaken, read_booking_in
from models import Booking, Status
from settings import settings

logger = structlog.get_logger(__name__)

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
REFERENCE_LENGTH = 7
CODE_LENGTH = 6


@dataclass(frozen=True, slots=True)
class Contact:
    """How the customer of this booking is reached."""

    email: str | None = None
    full_name: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's key for one intention. `body` is the canonical request; only its HMAC is kept.

    `scope` is the account or API token; without either the venue's own scope is used.
    """

    key: str
    body: bytes
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What somebody wants to book.

    `details` are what a face's form asks beyond the contact. `hold_minutes` asks for a two-step
    booking. `decide_within` (seconds) is the deadline of a caller who waits for the outcome and
    hears it at once; without it the venue's patience counts. `is_bound` is False for the venue's
    own people. `address` is the caller's, kept as a keyed hash. `only_venue` is the one venue at
    which the caller may book.
    """

    slot_ids: tuple[UUID, ...]
    quantity: int
    customer: Contact
    guests: int | None = None
    special_requests: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    channel: str = "api"
    hold_minutes: int | None = None
    decide_within: float | None = None
    is_bound: bool = True
    by: Actor = CUSTOMER
    user_id: UUID | None = None
    address: str | None = None
    idempotency: Idempotency | None = None
    request_id: str | None = None
    traceparent: str | None = None
    only_venue: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A hold as it stands. `is_replay` when the idempotency key had been used for it before."""

    booking: BookingView
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class _New:
    """A hold that is to be written."""

    wanted: HoldRequest
    offer: Offer
    prices: list[Decimal]
    row: dict[str, Any]


def place_hold(wanted: HoldRequest) -> Placed:
    """Write a pending booking, commit it, and ring for its decision.

    Those that come at the same moment are written together. Raises SlotNotFound, an
    InvalidRequest, IdempotencyKeyReused or TooBusy, and writes nothing then.
    """
    with counting_refusals():
        try:
            placed = _gathering.run(wanted)
        except (DBAPIError, LinesMoved) as error:
            if not passes_by_itself(error):
                raise
            placed = _place_alone(wanted)
    if placed.booking.status is Status.PENDING:
        ring(placed.booking.resource_id)
    return placed


def place_hold_in(
    tx: Session, wanted: HoldRequest, *, unit_prices: dict[UUID, Decimal] | None = None
) -> Placed:
    """Write a pending booking inside the open transaction; `unit_prices` override the slots' own.

    Raises LinesMoved when another wrote the same key or customer at this moment: begin again.
    """
    (placed,) = _place_in(tx, [wanted], unit_prices or {})
    if isinstance(placed, BookingError | LinesMoved):
        raise placed
    return placed


def _place_together(wanted: Sequence[HoldRequest]) -> Sequence[Placed | Exception]:
    """Write holds in one transaction; LinesMoved for what has to be written by itself."""
    try:
        with transaction() as tx:
            return _place_in(tx, wanted, {})
    except Exception as error:
        if len(wanted) == 1 or (is_nobodys_fault(error) and not passes_by_itself(error)):
            raise
        # One of them made it fail: each finds out by itself, all at the same time.
        logger.warning("holds_written_singly", count=len(wanted), error=type(error).__name__)
        return [LinesMoved()] * len(wanted)


@retried
def _place_alone(wanted: HoldRequest) -> Placed:
    with transaction() as tx:
        return place_hold_in(tx, wanted)


def _place_in(
    tx: Session, wanted: Sequence[HoldRequest], unit_prices: dict[UUID, Decimal]
) -> list[Placed | BookingError | LinesMoved]:
    """Write holds, and say of each what came of it; LinesMoved when it is to be tried again.

    The shared arrival locks of the resources are taken first and held to the commit: the arrival
    numbers are drawn under them, so a decider can tell up to where all numbers are visible.
    """
    offers = read_offers(tx, {slot_id for each in wanted for slot_id in each.slot_ids})
    found: list[Placed | BookingError | LinesMoved | _New] = []
    strangers: set[int] = set()
    for each in wanted:
        try:
            made = _look_at(tx, each, offers, unit_prices)
        except BookingError as error:
            found.append(error)
            continue
        if isinstance(made, _New):
            if each.customer.email is None and made.offer.venue_id in strangers:
                found.append(LinesMoved())
                continue
            if each.customer.email is None:
                strangers.add(made.offer.venue_id)
            offers.note_arrival(made.offer.resource_id)
        found.append(made)
    return _write(tx, found)


def _look_at(
    tx: Session, wanted: HoldRequest, offers: Offers, unit_prices: dict[UUID, Decimal]
) -> "Placed | _New":
    """Refuse what can never be; return what is to be written, or was before."""
    offer = offers.of(wanted.slot_ids)
    if wanted.only_venue not in (None, offer.venue_id):
        raise SlotNotFound
    scope = _scope(wanted, offer.venue_id)
    if (replayed := _replay(tx, wanted, scope)) is not None:
        return replayed
    offer.refuse_impossible(wanted.quantity, wanted.guests, is_bound=wanted.is_bound)
    if wanted.is_bound and (wanted.hold_minutes or 0) > offer.max_hold_minutes:
        raise HoldTooLong(offer.max_hold_minutes)
    refuse_when_too_busy(
        tx,
        offer.resource_id,
        ahead=offer.ahead,
        decisions_per_second=offer.decisions_per_second,
        patience_seconds=offer.patience_seconds,
    )
    prices = [unit_prices.get(slot.id, slot.price) for slot in offer.slots]
    return _New(wanted, offer, prices, _new_row(wanted, offer, scope, prices))


def _write(
    tx: Session, found: "Sequence[Placed | BookingError | LinesMoved | _New]"
) -> list[Placed | BookingError | LinesMoved]:
    new = [each for each in found if isinstance(each, _New)]
    try:
        written = insert_holds(tx, [each.row for each in new]) if new else {}
    except IntegrityError as error:
        if _names(error, "fk_booking_slots_slot_id"):
            # The owner has deleted a slot since it was read.
            raise SlotNotFound from None
        if _names(error, "fk_bookings_customer_id"):
            # The customer was made one with another, or had no booking left, since they were found.
            raise LinesMoved from None
        raise
    placed: list[Placed | BookingError | LinesMoved] = []
    for each in found:
        if not isinstance(each, _New):
            placed.append(each)
            continue
        row = written.get(str(each.row["id"]))
        if row is None:
            # The key, the customer or the reference was written by another just now. Begin again,
            # so that the half that was written goes: a customer without a booking.
            raise LinesMoved
        note_status(tx, Status.PENDING)
        placed.append(Placed(_view(each, row)))
    return placed


_gathering: Gathering[HoldRequest, Placed] = Gathering(_place_together, most=64, lanes=4)


def new_reference() -> str:
    """Return seven characters that nobody can guess and nobody confuses when reading aloud."""
    return "".join(secrets.choice(ALPHABET) for _ in range(REFERENCE_LENGTH))


def new_code(prefix: str) -> str:
    """Return a confirmation code: the venue's prefix and six characters as unguessable."""
    return f"{prefix}-" + "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def _names(error: IntegrityError, constraint: str) -> bool:
    """Whether it is this constraint that was violated."""
    return isinstance(error.orig, Error) and error.orig.diag.constraint_name == constraint


def _scope(wanted: HoldRequest, venue_id: int) -> str:
    own = wanted.idempotency.scope if wanted.idempotency else None
    return own or f"venue:{venue_id}"


def _replay(tx: Session, wanted: HoldRequest, scope: str) -> Placed | None:
    """Return the booking that this key was used for, if it was. Raises IdempotencyKeyReused."""
    if wanted.idempotency is None:
        return None
    known = tx.execute(
        select(
            Booking.id,
            Booking.body_hmac,
            and_(
                Booking.status == Status.PENDING, Booking.expires_at <= func.clock_timestamp()
            ).label("is_overdue"),
        ).where(
            Booking.idempotency_scope == scope, Booking.idempotency_key == wanted.idempotency.key
        )
    ).first()
    if known is None:
        return None
    if known.is_overdue and expire_one_in(tx, known.id, by=wanted.by):
        return None
    if not hmac.compare_digest(known.body_hmac, _keyed_hash(wanted.idempotency.body)):
        raise IdempotencyKeyReused
    return Placed(read_booking_in(tx, Booking.id == known.id), is_replay=True)


def _new_row(
    wanted: HoldRequest, offer: Offer, scope: str, prices: list[Decimal]
) -> dict[str, Any]:
    key = wanted.idempotency
    units = offer.units_of(wanted.quantity)
    booking_id = uuid4()
    return {
        "id": booking_id,
        "reference": new_reference(),
        "venue_id": offer.venue_id,
        "resource_id": offer.resource_id,
        "user_id": wanted.user_id,
        "quantity": wanted.quantity,
        "guests": wanted.guests,
        "contact_email": wanted.customer.email,
        "contact_name": wanted.customer.full_name,
        "contact_phone": wanted.customer.phone,
        "special_requests": wanted.special_requests,
        "details": dict(wanted.details),
        "confirmation_code": new_code(offer.code_prefix) if offer.code_prefix else None,
        "language": wanted.language,
        "channel": wanted.channel,
        "hold_minutes": wanted.hold_minutes,
        "is_bound": wanted.is_bound,
        "is_waited_for": wanted.decide_within is not None,
        "total": sum(prices, Decimal(0)) * units,
        "currency": offer.slots[0].currency,
        "idempotency_scope": scope if key else None,
        "idempotency_key": key.key if key else None,
        "body_hmac": _keyed_hash(key.body) if key else None,
        "address_hash": _keyed_hash(wanted.address.encode()) if wanted.address else None,
        "request_id": wanted.request_id,
        "traceparent": wanted.traceparent,
        "over_at": max(slot.ends_at for slot in offer.slots),
        "patience": timedelta(seconds=wanted.decide_within or offer.patience_seconds),
        "actor": str(wanted.by),
        "lines": [
            {
                "booking_id": booking_id,
                "slot_id": slot.id,
                "units": units,
                "unit_price": price,
                "currency": slot.currency,
            }
            for slot, price in zip(offer.slots, prices, strict=True)
        ],
    }


def _view(new: _New, written: Row[Any]) -> BookingView:
    wanted, offer, row = new.wanted, new.offer, new.row
    return BookingView(
        id=row["id"],
        seq=written.seq,
        reference=row["reference"],
        venue_id=offer.venue_id,
        venue=offer.venue,
        venue_name=offer.venue_name,
        time_zone=offer.time_zone,
        resource_id=offer.resource_id,
        resource_name=offer.resource_name,
        slots=tuple(
            SlotTaken(slot.id, slot.starts_at, slot.ends_at, price)
            for slot, price in zip(offer.slots, new.prices, strict=True)
        ),
        quantity=wanted.quantity,
        guests=wanted.guests,
        customer_id=written.customer_id,
        email=wanted.customer.email,
        full_name=wanted.customer.full_name,
        phone=wanted.customer.phone,
        special_requests=wanted.special_requests,
        details=row["details"],
        confirmation_code=row["confirmation_code"],
        channel=wanted.channel,
        status=Status.PENDING,
        reason=None,
        remaining=None,
        position=offer.ahead,
        expected_seconds=expected_seconds(offer.ahead, offer.decisions_per_second),
        expires_at=written.expires_at,
        total=row["total"],
        currency=row["currency"],
        created_at=written.created_at,
        updated_at=written.updated_at,
        decided_at=None,
        cancelled_at=None,
        cancellation_reason_id=None,
        access_version=written.access_version,
        user_id=wanted.user_id,
        is_mail_refused=False,
    )


def _keyed_hash(value: bytes) -> bytes:
    return hmac.digest(settings.secret_key.encode(), value, hashlib.sha256)
