"""What is older than its venue's policy goes, all of it; nothing else does, and all adds up."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actors import SYSTEM
from booking.audit import note_act
from booking.changes import Change, change_booking
from booking.customers import merge_customers, reveal_contact, set_notes
from booking.errors import BookingNotFound, CatalogueInvalid, CustomerNotFound, NotChangeable
from booking.privacy import purging
from booking.privacy.holds import lift_legal_hold, read_holds, set_legal_hold
from booking.privacy.overdue import count_overdue
from booking.privacy.policies import DEFAULT, read_policy, set_policy
from booking.privacy.purging import purge_stale
from booking.privacy.receipts import read_receipts
from booking.transactions import transaction
from models import (
    Act,
    AuditEvent,
    Booking,
    Customer,
    Notification,
    NotificationState,
    Status,
    Venue,
)
from tests.engine.books import place, row, violations
from tests.factories import make_booking, make_resource, make_slot, make_user, make_venue, session
from tests.privacy.stale import make_over, move_back, move_slot_back, where_is

MARK = "quetzal"
PERSON = {"email": f"{MARK}@example.com", "full_name": f"Q. {MARK}", "phone": f"+44 {MARK}"}


def purge() -> dict[str, int]:
    turn = purge_stale(time.monotonic() + 60)
    assert turn.is_through
    session().expire_all()
    return dict(turn.counts)


def make_marked(venue: Venue | None = None, **given: object) -> Booking:
    return make_over(
        venue,
        **PERSON | {"special_requests": f"{MARK} nuts", "details": {"note": MARK}} | given,
    )


def test_a_stale_booking_keeps_its_places_and_price_and_loses_its_person(db: Session) -> None:
    booking = make_marked()
    before = (booking.quantity, booking.total, booking.confirmed_at, booking.decision_no)

    purge()

    assert where_is(MARK, db) == set()
    assert booking.purged_at is not None
    assert (booking.quantity, booking.total, booking.confirmed_at, booking.decision_no) == before
    assert db.get_one(Customer, booking.customer_id).is_nobody
    assert violations() == []


def test_the_twin_without_a_purge_has_the_person_in_three_tables(db: Session) -> None:
    make_marked()

    assert where_is(MARK, db) == {"bookings", "customers"}


def test_what_is_not_stale_stays(db: Session) -> None:
    booking = make_marked(days=DEFAULT.contact_days - 2)

    purge()

    assert (booking.contact_email, booking.purged_at) == (PERSON["email"], None)


def test_wishes_go_long_before_the_contact(db: Session) -> None:
    booking = make_marked(days=DEFAULT.requests_days + 1)

    purge()

    assert (booking.special_requests, booking.details) == (None, {})
    assert booking.contact_email == PERSON["email"]
    assert booking.purged_at is None


def test_a_customer_who_came_again_is_cut_off_from_what_is_purged(db: Session) -> None:
    venue = make_venue()
    old, new = make_marked(venue), make_marked(venue, days=1)
    assert old.customer_id == new.customer_id

    purge()

    assert old.customer_id != new.customer_id
    assert db.get_one(Customer, new.customer_id).email == PERSON["email"]


def test_all_who_are_gone_are_one_nobody(db: Session) -> None:
    venue = make_venue()
    bookings = [make_over(venue) for _ in range(3)]

    assert purge()["customers"] == 3

    assert len({booking.customer_id for booking in bookings}) == 1


def test_an_account_no_longer_leads_to_the_booking(db: Session) -> None:
    booking = make_over(user_id=make_user().id)

    purge()

    assert booking.user_id is None


@pytest.mark.parametrize("status", [s for s in Status if s not in (Status.PENDING, Status.HELD)])
def test_every_closed_status_is_purged_and_adds_up(db: Session, status: Status) -> None:
    booking = make_booking(status=status, **PERSON)
    move_back(booking, days=400)

    purge()

    assert where_is(MARK, db) == set()
    assert (row(booking).status, violations()) == (status, [])


@pytest.mark.parametrize("status", [Status.PENDING, Status.HELD])
def test_what_is_open_is_not_touched(db: Session, status: Status) -> None:
    booking = make_booking(status=status, **PERSON)
    move_back(booking, days=400)

    purge()

    assert row(booking).contact_email == PERSON["email"]


def test_a_message_that_is_owed_goes_out_first(db: Session) -> None:
    booking = make_marked()
    db.execute(update(Notification).values(state=NotificationState.QUEUED))
    db.commit()

    purge()

    assert booking.purged_at is None


def test_messages_forget_their_address_by_their_own_days(db: Session) -> None:
    booking = make_over(days=0)
    old = datetime.now(UTC) - timedelta(days=DEFAULT.messages_days + 1)
    db.execute(
        update(Notification)
        .where(Notification.booking_id == booking.id)
        .values(created_at=old, address_hash=b"hash", last_error=MARK)
    )
    db.commit()

    assert purge()["messages"] == 1

    told = select(func.count()).where(Notification.last_error.is_not(None))
    assert (db.scalar(told), booking.purged_at) == (0, None)


def test_reasons_of_acts_are_emptied_and_nothing_else_of_them(db: Session) -> None:
    venue = make_venue()
    with transaction() as tx:
        note_act(tx, Act.CLOSED, venue_id=venue.id, subject="slot:x", by=SYSTEM, reason=MARK)
    old = datetime.now(UTC) - timedelta(days=DEFAULT.audit_days + 1)
    db.execute(
        insert(AuditEvent).values(
            venue_id=venue.id,
            act="closed",
            subject="slot:y",
            actor="system",
            reason=MARK,
            at=old,
            details={"from": 1},
        )
    )
    db.commit()

    assert purge()["reasons"] == 1

    acts = db.scalars(select(AuditEvent).order_by(AuditEvent.at)).all()
    assert [(act.subject, act.reason) for act in acts] == [("slot:y", None), ("slot:x", MARK)]
    assert acts[0].details == {"from": 1}


def test_the_reason_of_an_act_cannot_be_rewritten(db: Session) -> None:
    with transaction() as tx:
        note_act(tx, Act.CLOSED, venue_id=None, subject="slot:x", by=SYSTEM, reason="rain")

    with pytest.raises(Exception, match="only be emptied"), db.begin_nested():
        db.execute(update(AuditEvent).values(reason="sun"))


def test_rows_of_an_older_version_are_dated_and_then_purged(db: Session) -> None:
    slot = make_slot()
    booking = make_marked(slot=slot)
    move_slot_back(slot, days=400)
    db.execute(update(Booking).values(over_at=None))
    db.commit()

    assert purge()["dated"] == 1

    assert booking.purged_at is not None
    assert row(booking).over_at == slot.ends_at


def test_a_venue_s_own_policy_counts_from_its_next_version_on(db: Session) -> None:
    strict, other = make_venue(), make_venue()
    bookings = [make_over(venue, days=20) for venue in (strict, other)]
    values = {"contact_days": 10, "requests_days": 10, "messages_days": 10}

    assert set_policy(venue_id=strict.id, values=values, by=SYSTEM).version == 1
    assert set_policy(venue_id=strict.id, values=values, by=SYSTEM).version == 1
    purge()

    assert [booking.purged_at is not None for booking in bookings] == [True, False]
    assert read_policy(venue_id=other.id).version == 0
    (noted,) = db.scalars(select(AuditEvent)).all()
    assert noted.details["changed"]["contact_days"] == {"from": 365, "to": 10}


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("contact_days", 0),
        ("contact_days", None),
        ("audit_days", 40_000),
        ("requests_days", 366),
        ("messages_days", 366),
        ("skeleton_days", 364),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(db: Session, name: str, days: int | None) -> None:
    with pytest.raises(CatalogueInvalid) as refused:
        set_policy(venue_id=make_venue().id, values={name: days}, by=SYSTEM)

    assert refused.value.field == name


def test_a_skeleton_is_kept_for_good_where_the_venue_says_so(db: Session) -> None:
    kept, emptied = make_venue(code_prefix="KEPT"), make_venue(code_prefix="GONE")
    set_policy(venue_id=kept.id, values={"skeleton_days": None}, by=SYSTEM)
    bookings = [make_over(venue, days=4000, language="de") for venue in (kept, emptied)]

    purge()

    assert [booking.confirmation_code is None for booking in bookings] == [False, True]
    assert [booking.language for booking in bookings] == ["de", None]
    assert all(booking.reference and booking.purged_at for booking in bookings)


def test_a_legal_hold_keeps_a_booking_until_it_is_lifted(db: Session) -> None:
    venue = make_venue()
    held, other = make_over(venue), make_over(venue)
    hold_id = hold(held)
    purge()
    assert (held.purged_at, other.purged_at is None) == (None, False)
    assert count_overdue(db) == 0

    lift_legal_hold(hold_id=hold_id, venue_id=venue.id, by=SYSTEM)
    assert (read_holds(venue_id=venue.id), count_overdue(db)) == ([], 1)
    purge()

    assert held.purged_at is not None


def test_a_legal_hold_may_cover_all_of_a_customer(db: Session) -> None:
    venue = make_venue()
    first, second = make_marked(venue), make_marked(venue)
    hold(first, covers_customer=True)

    purge()

    assert (first.purged_at, second.purged_at) == (None, None)


def test_a_legal_hold_ends_by_itself(db: Session) -> None:
    booking = make_over()
    hold(booking)
    db.execute(
        text(
            "UPDATE legal_holds SET created_at = now() - interval '2 days',"
            " ends_at = now() - interval '1 day'"
        )
    )
    db.commit()

    purge()

    assert booking.purged_at is not None


def test_nobody_can_be_held_who_is_gone(db: Session) -> None:
    booking = make_over()
    purge()

    with pytest.raises(BookingNotFound):
        hold(booking)


def hold(booking: Booking, *, covers_customer: bool = False):  # type: ignore[no-untyped-def]
    return set_legal_hold(
        reference=booking.reference,
        venue_id=booking.venue_id,
        reason="a lawsuit",
        ends_at=datetime.now(UTC) + timedelta(days=30),
        covers_customer=covers_customer,
        by=SYSTEM,
    )


def test_a_receipt_has_numbers_and_names_of_fields_and_no_value(db: Session) -> None:
    venue = make_venue()
    make_marked(venue)
    make_marked(venue, days=40)

    purge()

    (receipt,) = read_receipts(venue_id=venue.id)
    assert receipt.counts == {"bookings": 1, "requests": 1}
    assert "bookings.contact_email" in receipt.fields
    assert receipt.fields == sorted(set(receipt.fields))
    assert (receipt.stores, receipt.policy_version) == (["database"], 0)
    assert MARK not in f"{receipt.counts}{receipt.fields}"


def test_a_purge_that_is_stopped_anywhere_goes_on_and_counts_once(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "PORTION", 2)
    venue = make_venue()
    bookings = [make_over(venue) for _ in range(5)]

    turn = purge_stale(time.monotonic() - 1)
    assert (turn.is_through, turn.counts["bookings"]) == (False, 2)
    purge()
    assert purge() == {}

    (receipt,) = read_receipts(venue_id=venue.id)
    assert receipt.counts["bookings"] == 5
    db.expire_all()
    assert all(booking.purged_at for booking in bookings)


def test_overdue_rows_are_counted_and_then_there_are_none(db: Session) -> None:
    make_marked()
    make_over(days=DEFAULT.contact_days + 1)  # within the grace
    assert count_overdue(db) == 2  # its contact, its wishes

    purge()

    assert count_overdue(db) == 0


def test_what_is_purged_cannot_be_filled_again(db: Session) -> None:
    booking = make_over()
    purge()

    with pytest.raises(IntegrityError, match="purged_knows_nobody"), db.begin_nested():
        db.execute(update(Booking).values(contact_name="Ann"))
    with pytest.raises(NotChangeable):
        change_booking(booking_id=booking.id, change=Change(special_requests="a chair"), by=SYSTEM)


def test_a_change_moves_the_day_from_which_days_count(db: Session) -> None:
    resource = make_resource()
    soon, late = make_slot(resource), make_slot(resource)
    booking = make_booking(soon)
    assert booking.over_at == soon.ends_at

    change_booking(booking_id=booking.id, change=Change(slot_ids=(late.id,)), by=SYSTEM)

    assert row(booking).over_at == late.ends_at


def test_who_books_again_after_the_purge_is_a_new_customer(db: Session) -> None:
    venue = make_venue()
    gone = make_marked(venue)
    purge()

    again = place(make_slot(make_resource(venue)), email=PERSON["email"])

    assert again.customer_id != gone.customer_id
    assert db.get_one(Customer, again.customer_id).email == PERSON["email"]


def test_notes_about_a_customer_go_with_them(db: Session) -> None:
    venue = make_venue()
    old, new = make_marked(venue), make_over(venue)
    set_notes(customer_id=old.customer_id, notes=f"{MARK} likes the window")

    purge()

    assert where_is(MARK, db) == set()
    assert old.customer_id == new.customer_id


def test_nobody_is_no_customer_to_be_looked_at_or_merged(db: Session) -> None:
    venue = make_venue()
    gone = make_over(venue)
    purge()
    other = make_over(venue, days=1)

    for verb in (
        lambda: reveal_contact(customer_id=gone.customer_id, by=SYSTEM),
        lambda: merge_customers(kept_id=other.customer_id, other_id=gone.customer_id, by=SYSTEM),
        lambda: merge_customers(kept_id=gone.customer_id, other_id=other.customer_id, by=SYSTEM),
    ):
        with pytest.raises(CustomerNotFound):
            verb()
