"""Erasure of one person: asked for by mailed link, carried out by a job, within a day.

What is still to come is never erased silently: the person chooses whether it is cancelled first or
kept until it is over. What is held by law waits for the end of the hold.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, func, not_, select, update
from sqlalchemy.orm import Session

from booking.actors import CUSTOMER
from booking.errors import NotCancellable, PrivacyRequestNotFound, VenueNotFound
from booking.jobs import Turn
from booking.lifecycle import cancel_booking
from booking.links import consume_link_in, create_link
from booking.privacy import inventory
from booking.privacy.holds import held_in, read_held
from booking.privacy.people import (
    Person,
    hash_of,
    is_coming,
    is_ready,
    works_for_a_venue,
)
from booking.privacy.purging import OF_CUSTOMER, OF_PERSON, PORTION, forget
from booking.privacy.receipts import DATABASE, note_erasure
from booking.slots import read_clock
from booking.transactions import reading, retried, transaction
from models import (
    Booking,
    Customer,
    Erasure,
    ErasureRequest,
    ErasureState,
    OneTimeLink,
    OnFuture,
    Purpose,
    Report,
    ReportKind,
    ReportState,
    Status,
    User,
    Venue,
)

logger = structlog.get_logger(__name__)

WITHIN = timedelta(hours=24)
LINK_GOOD_FOR = timedelta(hours=24)
PAGE = "/privacy"
_OF_LINKS = ("one_time_links.email", "one_time_links.language", "one_time_links.token_hash")

_NAMES_PEOPLE = (
    ReportKind.RUN_SHEET,
    ReportKind.MANIFEST,
    ReportKind.ARRIVALS,
    ReportKind.BOOKINGS,
)

# Removes what a store outside of the database keeps of an address; returns how many things.
Store = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class RequestView:
    """How a request stands; it tells nothing of its person."""

    id: UUID
    state: ErasureState
    waits_for: str | None
    created_at: datetime
    due_at: datetime
    done_at: datetime | None


def ask_for_privacy(*, email: str, venue: str | None, language: str | None = None) -> None:
    """Mail a link with which somebody can see, take along and erase what is kept of them.

    It goes to any address, known or not: whoever asks learns nothing. Raises VenueNotFound.
    """
    create_link(
        purpose=Purpose.PRIVACY,
        email=email,
        path=PAGE,
        venue_id=_venue_id(venue),
        language=language,
        good_for=LINK_GOOD_FOR,
    )


@retried
def request_erasure(*, token: str, on_future: OnFuture) -> RequestView:
    """Use a mailed link up and ask for the erasure of its person. Raises LinkGone."""
    with transaction() as tx:
        link = consume_link_in(tx, token=token, purpose=Purpose.PRIVACY)
        now = read_clock(tx)
        request = ErasureRequest(
            venue_id=link.venue_id,
            email=link.email,
            on_future=on_future,
            state=ErasureState.OPEN,
            created_at=now,
            due_at=now + WITHIN,
        )
        tx.add(request)
        tx.flush()
        return _view(request)


def read_request(*, request_id: UUID) -> RequestView:
    """Return how a request stands. Raises PrivacyRequestNotFound."""
    with reading() as tx:
        request = tx.get(ErasureRequest, request_id)
        if request is None:
            raise PrivacyRequestNotFound
        return _view(request)


def open_requests(*, venue_id: int, limit: int = 100) -> list[RequestView]:
    """Return what is asked of a venue and not done, the most urgent first."""
    with reading() as tx:
        rows = tx.scalars(
            select(ErasureRequest)
            .where(
                (ErasureRequest.venue_id == venue_id) | ErasureRequest.venue_id.is_(None),
                ErasureRequest.state != ErasureState.DONE,
            )
            .order_by(ErasureRequest.due_at)
            .limit(limit)
        )
        return [_view(row) for row in rows]


def erase_people(until: float, stores: Mapping[str, Store]) -> Turn:
    """Carry out what is asked for until `until`, a moment of time.monotonic()."""
    totals = {"requests": 0, "bookings": 0}
    with reading() as tx:
        ids = tx.scalars(
            select(ErasureRequest.id)
            .where(ErasureRequest.state != ErasureState.DONE)
            .order_by(ErasureRequest.due_at)
        ).all()
    for request_id in ids:
        if time.monotonic() >= until:
            return Turn(totals, is_through=False)
        try:
            totals["bookings"] += carry_out(request_id, stores)
        except Exception:
            # One that fails must not keep the others waiting; it is tried again, and overdue.
            logger.exception("erasure_failed", request_id=str(request_id))
            totals["failed"] = totals.get("failed", 0) + 1
        totals["requests"] += 1
    return Turn(totals)


def carry_out(request_id: UUID, stores: Mapping[str, Store]) -> int:
    """Erase what may go of one request, and end it when nothing is left; returns how many bookings.

    A second call finds what the first has left.
    """
    found = _read(request_id)
    if found is None:
        return 0
    person, on_future = found
    if on_future is OnFuture.CANCEL:
        _cancel_coming(person)
    erased = 0
    for venue_id in _venues_of(person):
        while count := _erase_portion(request_id, person, venue_id):
            erased += count
    if (waits_for := _waits_for(person)) is not None:
        _wait(request_id, waits_for)
        return erased
    removed = {name: remove(person.email) for name, remove in stores.items()}
    _finish(request_id, person, removed)
    return erased


def _read(request_id: UUID) -> tuple[Person, OnFuture] | None:
    with reading() as tx:
        request = tx.get(ErasureRequest, request_id)
        if request is None or request.email is None:
            return None
        person = Person(request.email, request.venue_id, request.created_at)
        return person, OnFuture(request.on_future)


def _cancel_coming(person: Person) -> None:
    """Cancel what is still to come; what the venue's cut-off forbids is kept until it is over."""
    with reading() as tx:
        held = read_held(tx)
        ids = tx.scalars(
            select(Booking.id).where(
                *person.bookings(),
                is_coming(),
                Booking.status != Status.CHECKED_IN,
                not_(held.keeps()),
            )
        ).all()
    for booking_id in ids:
        try:
            cancel_booking(booking_id=booking_id, by=CUSTOMER)
        except NotCancellable:
            continue


def _venues_of(person: Person) -> Sequence[int]:
    with reading() as tx:
        found = tx.scalars(select(Booking.venue_id).where(*person.bookings()).distinct())
        return sorted(found)


@retried
def _erase_portion(request_id: UUID, person: Person, venue_id: int) -> int:
    """Erase the person's next bookings at one venue, and write down which."""
    with transaction() as tx:
        held = held_in(tx, venue_id)
        rows = tx.execute(
            select(Booking.id, Booking.customer_id)
            .where(
                *person.bookings(),
                Booking.venue_id == venue_id,
                *is_ready(spares=held.spares()),
            )
            .order_by(Booking.seq)
            .limit(PORTION)
            .with_for_update(key_share=True, of=Booking)
        ).all()
        if not rows:
            return 0
        counts = forget(tx, venue_id, rows) | {"reports": _end_reports(tx, venue_id)}
        _register(tx, person, booking_ids=[row.id for row in rows])
        fields = inventory.names_of(OF_PERSON)
        note_erasure(tx, request_id, person.venue_id, counts, fields, DATABASE)
        return len(rows)


def _end_reports(tx: Session, venue_id: int) -> int:
    """Let the time of a venue's reports that name people be over: their files are removed then."""
    done = tx.execute(
        update(Report)
        .where(
            Report.venue_id == venue_id,
            Report.kind.in_(_NAMES_PEOPLE),
            Report.state == ReportState.DONE,
            Report.expires_at > func.clock_timestamp(),
        )
        .values(expires_at=func.clock_timestamp())
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _waits_for(person: Person) -> str | None:
    """Say what keeps a booking from going: a hold by law, its own time, or an owed message."""
    with reading() as tx:
        left = select(Booking.id).where(*person.bookings()).limit(1)
        if tx.scalar(left.where(read_held(tx).keeps())) is not None:
            return "legal_hold"
        if tx.scalar(left.where(is_coming())) is not None:
            return "future"
        return "message" if tx.scalar(left) is not None else None


@retried
def _wait(request_id: UUID, waits_for: str) -> None:
    with transaction() as tx:
        tx.execute(
            update(ErasureRequest)
            .where(ErasureRequest.id == request_id, ErasureRequest.state != ErasureState.DONE)
            .values(state=ErasureState.WAITING, waits_for=waits_for)
        )


@retried
def _finish(request_id: UUID, person: Person, removed: Mapping[str, int]) -> None:
    """Remove what hangs on the address itself, and then the address from the request."""
    with transaction() as tx:
        request = tx.get(ErasureRequest, request_id, with_for_update=True)
        if request is None or request.email is None:
            return
        user_id = _remove_account(tx, person)
        counts = remove_address(tx, person) | {"accounts": int(user_id is not None)}
        _register(tx, person, user_id=user_id)
        fields = [*inventory.names_of(OF_CUSTOMER), *_OF_LINKS]
        if user_id is not None:
            fields += [each.name for each in inventory.PERSONAL if each.table == "users"]
        note_erasure(tx, request_id, person.venue_id, counts, fields, DATABASE)
        for store, count in removed.items():
            note_erasure(tx, request_id, person.venue_id, {store: count}, (), store)
        done_at = read_clock(tx)
        request.state, request.waits_for = ErasureState.DONE, None
        request.email, request.done_at = None, done_at


def remove_address(tx: Session, person: Person) -> dict[str, int]:
    """Empty a venue's rows about an address, and delete links that were mailed to it."""
    customers = tx.execute(
        update(Customer).where(*person.customers()).values(inventory.emptied(OF_CUSTOMER))
    )
    links = delete(OneTimeLink).where(func.lower(OneTimeLink.email) == person.email.lower())
    if person.venue_id is not None:
        links = links.where(OneTimeLink.venue_id == person.venue_id)
    return {
        "customers": customers.rowcount,  # type: ignore[attr-defined]
        "links": tx.execute(links).rowcount,  # type: ignore[attr-defined]
    }


def _remove_account(tx: Session, person: Person) -> UUID | None:
    """Delete the account of whoever asks everywhere; not of those who work for a venue."""
    if person.venue_id is not None or tx.scalar(select(works_for_a_venue(person))):
        return None
    is_used = select(Booking.id).where(Booking.user_id == User.id).exists()
    return tx.scalar(delete(User).where(User.id == person.account(), ~is_used).returning(User.id))


def _register(
    tx: Session, person: Person, *, booking_ids: Sequence[UUID] = (), user_id: UUID | None = None
) -> None:
    tx.add(Erasure(booking_ids=list(booking_ids), user_id=user_id, person=hash_of(person.email)))
    tx.flush()


def _venue_id(slug: str | None) -> int | None:
    if slug is None:
        return None
    with reading() as tx:
        venue_id = tx.scalar(select(Venue.id).where(Venue.slug == slug))
    if venue_id is None:
        raise VenueNotFound
    return venue_id


def _view(request: ErasureRequest) -> RequestView:
    return RequestView(
        id=request.id,
        state=ErasureState(request.state),
        waits_for=request.waits_for,
        created_at=request.created_at,
        due_at=request.due_at,
        done_at=request.done_at,
    )
