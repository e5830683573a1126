"""The arrival log, decided again: the same people win, and a forged winner shows."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from booking.actors import SYSTEM
from booking.arrival_log import read_log
from booking.audit import note_act
from booking.changes import Change, change_booking
from booking.decide import decide_pending
from booking.lifecycle import cancel_booking
from booking.replaying import Verdict, replay
from booking.slots import change_capacity, set_open
from booking.transactions import transaction
from models import Act, Booking, Resource
from tests.engine.books import place, place_and_decide, set_policy, set_slot
from tests.factories import make_nights, make_slot, session


def replayed(resource: Resource) -> Verdict:
    session().expire_all()
    return replay(read_log(session(), resource.id))


def test_a_rush_comes_out_the_same(db: Session) -> None:
    slot = make_slot(capacity=5)
    for quantity in (2, 2, 3, 1, 1):
        place(slot, quantity=quantity)
    decide_pending(slot.resource_id)

    verdict = replayed(slot.resource)

    assert (verdict.decided, verdict.not_asked, verdict.differences) == (5, 0, ())


def test_a_forged_winner_shows(db: Session) -> None:
    slot = make_slot(capacity=2)
    winner, loser = (place(slot, quantity=2) for _ in range(2))
    decide_pending(slot.resource_id)

    for booking, number in ((winner, 3), (loser, 1), (winner, 2)):
        db.execute(update(Booking).where(Booking.id == booking.id).values(decision_no=number))
    db.commit()

    seen = [(each.reference, each.was, each.again) for each in replayed(slot.resource).differences]
    assert seen == [
        (loser.reference, "rejected (full)", "confirmed"),
        (winner.reference, "confirmed", "rejected (full)"),
    ]


def test_stays_that_are_moved_cut_short_or_not_used_come_out_the_same(db: Session) -> None:
    nights = make_nights(nights=4, capacity=2)
    first = place_and_decide(*nights[:2], quantity=2)
    place_and_decide(*nights[1:3])
    move = Change(slot_ids=tuple(night.id for night in nights[2:]), quantity=1)
    change_booking(booking_id=first.id, change=move, by=SYSTEM)
    place_and_decide(*nights[:2], quantity=2)
    place_and_decide(nights[3])
    cancel_booking(booking_id=first.id, by=SYSTEM)
    place_and_decide(*nights[2:], quantity=2)

    verdict = replayed(nights[0].resource)

    assert (verdict.decided, verdict.differences) == (5, ())


def test_capacity_opening_and_policy_count_as_they_were(db: Session) -> None:
    slot = make_slot(capacity=1)
    place_and_decide(slot)
    place_and_decide(slot)
    change_capacity(slot_id=slot.id, capacity=3)
    place_and_decide(slot)
    set_open(slot_id=slot.id, is_open=False)
    place_and_decide(slot)
    set_open(slot_id=slot.id, is_open=True)
    place_and_decide(slot)
    change_policy(slot.resource, horizon_days=1)
    place_and_decide(slot)

    verdict = replayed(slot.resource)

    assert (verdict.decided, verdict.differences) == (6, ())


def test_without_what_was_noted_of_the_slot_it_comes_out_otherwise(db: Session) -> None:
    slot = make_slot(capacity=1)
    place_and_decide(slot)
    place_and_decide(slot)
    set_slot(slot, capacity=3, remaining=2)

    assert len(replayed(slot.resource).differences) == 1


def test_what_the_venue_as_a_whole_decides_is_taken_as_it_was(db: Session) -> None:
    slot = make_slot()
    set_policy(slot.resource, max_holds_per_person=1)
    for _ in range(2):
        place_and_decide(slot, email="ada@example.com", hold_minutes=15)

    verdict = replayed(slot.resource)

    assert (verdict.decided, verdict.not_asked, verdict.differences) == (1, 1, ())


def change_policy(resource: Resource, **values: int) -> None:
    """Change policies and note it, as whoever edits them does."""
    with transaction() as tx:
        now = {name: getattr(resource.venue, name) for name in values}
        note_act(
            tx,
            Act.POLICY_CHANGED,
            venue_id=resource.venue_id,
            subject=f"venue:{resource.venue_id}",
            by=SYSTEM,
            **{name: {"from": now[name], "to": value} for name, value in values.items()},
        )
    set_policy(resource, **values)
