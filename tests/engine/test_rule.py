"""The rule is pure: what it promises is shown for any hold, any slots and any clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from booking.rule import (
    Confirm,
    Expire,
    Hold,
    Policy,
    Reason,
    Refuse,
    SlotNow,
    Wanted,
    decide,
)
from tests.engine.books import EXAMPLES

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PLENTY = 1_000_000

settings.register_profile("rule", max_examples=EXAMPLES or 60, deadline=None)
with_examples = settings(settings.get_profile("rule"))


def minutes(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda count: timedelta(minutes=count))


@st.composite
def slots(draw: st.DrawFn) -> SlotNow:
    starts_at = NOW + draw(minutes(-180, 3000))
    return SlotNow(
        id=UUID(int=draw(st.integers(1, 2**64))),
        starts_at=starts_at,
        sold_until=starts_at + draw(minutes(0, 600)),
        remaining=draw(st.integers(0, 6)),
        is_open=draw(st.sampled_from([True, True, True, False])),
        max_quantity=draw(st.none() | st.integers(1, 8)),
    )


policies = st.builds(
    Policy,
    notice=minutes(0, 120),
    cutoff=minutes(0, 120),
    horizon=minutes(600, 4000),
    max_quantity=st.integers(1, 8),
    max_holds_per_person=st.integers(1, 3),
    max_holds_per_address=st.integers(1, 3),
    is_bound=st.booleans(),
)
holds = st.builds(
    Wanted,
    slots=st.lists(slots(), min_size=1, max_size=4).map(tuple),
    units=st.integers(1, 6),
    quantity=st.integers(1, 8),
    deadline=minutes(-2, 20).map(lambda delta: NOW + delta),
    hold_for=st.none() | minutes(1, 60),
    holds_of_person=st.integers(0, 4),
    holds_of_address=st.integers(0, 4),
)


@with_examples
@given(holds, policies)
def test_nothing_is_taken_that_a_slot_does_not_have(wanted: Wanted, policy: Policy) -> None:
    if isinstance(decide(wanted, policy, NOW), Confirm | Hold):
        assert all(slot.remaining >= wanted.units for slot in wanted.slots)


@with_examples
@given(holds, policies, st.integers(0, 3), st.sampled_from(["full", "closed"]))
def test_one_slot_that_cannot_stops_all_of_them(
    wanted: Wanted, policy: Policy, at: int, why: str
) -> None:
    spoilt = {"full": {"remaining": wanted.units - 1}, "closed": {"is_open": False}}[why]
    every = list(wanted.slots)
    every[at % len(every)] = replace(every[at % len(every)], **spoilt)

    outcome = decide(replace(wanted, slots=tuple(every)), policy, NOW)

    assert isinstance(outcome, Refuse | Expire)


@with_examples
@given(holds, policies, st.integers(0, 3), st.integers(0, 5))
def test_more_places_never_turn_a_yes_into_a_no(
    wanted: Wanted, policy: Policy, at: int, more: int
) -> None:
    every = list(wanted.slots)
    slot = every[at % len(every)]
    every[at % len(every)] = replace(slot, remaining=slot.remaining + more)
    before = decide(wanted, policy, NOW)

    after = decide(replace(wanted, slots=tuple(every)), policy, NOW)

    if isinstance(before, Confirm | Hold):
        assert after == before


@with_examples
@given(holds, policies)
def test_full_means_full_and_nothing_else(wanted: Wanted, policy: Policy) -> None:
    roomy = replace(wanted, slots=tuple(replace(slot, remaining=PLENTY) for slot in wanted.slots))
    outcome, with_room = decide(wanted, policy, NOW), decide(roomy, policy, NOW)

    if isinstance(outcome, Refuse) and outcome.reason is Reason.FULL:
        assert isinstance(with_room, Confirm | Hold)
        assert outcome.remaining == min(slot.remaining for slot in wanted.slots)
        assert outcome.slot_id in {
            slot.id for slot in wanted.slots if slot.remaining == outcome.remaining
        }
    else:
        assert with_room == outcome


@with_examples
@given(holds, policies)
def test_the_venue_s_own_people_are_stopped_by_places_and_closed_slots_only(
    wanted: Wanted, policy: Policy
) -> None:
    outcome = decide(wanted, replace(policy, is_bound=False), NOW)

    if isinstance(outcome, Refuse):
        assert outcome.reason in (Reason.FULL, Reason.CLOSED)
    fits = all(slot.is_open and slot.remaining >= wanted.units for slot in wanted.slots)
    assert isinstance(outcome, Confirm | Hold) == (fits and wanted.deadline > NOW)


@with_examples
@given(holds, policies)
def test_whoever_is_bound_gets_no_more_than_who_is_not(wanted: Wanted, policy: Policy) -> None:
    bound = decide(wanted, replace(policy, is_bound=True), NOW)
    unbound = decide(wanted, replace(policy, is_bound=False), NOW)

    if isinstance(bound, Confirm | Hold):
        assert unbound == bound


@with_examples
@given(holds, policies)
def test_after_the_deadline_nothing_is_decided_and_before_it_nothing_expires(
    wanted: Wanted, policy: Policy
) -> None:
    outcome = decide(wanted, policy, NOW)

    assert isinstance(outcome, Expire) == (wanted.deadline <= NOW)


@with_examples
@given(holds, policies)
def test_two_steps_are_taken_when_asked_for_and_counted_from_the_decision(
    wanted: Wanted, policy: Policy
) -> None:
    outcome = decide(wanted, policy, NOW)

    if isinstance(outcome, Hold):
        assert wanted.hold_for is not None
        assert outcome.until == NOW + wanted.hold_for
    if isinstance(outcome, Confirm):
        assert wanted.hold_for is None


@with_examples
@given(holds, policies)
def test_caps_bind_two_step_holds_only(wanted: Wanted, policy: Policy) -> None:
    hoards = (
        wanted.holds_of_person >= policy.max_holds_per_person
        or wanted.holds_of_address >= policy.max_holds_per_address
    )
    outcome = decide(wanted, policy, NOW)

    if isinstance(outcome, Refuse) and outcome.reason is Reason.TOO_MANY_HOLDS:
        assert policy.is_bound
        assert wanted.hold_for is not None
        assert hoards
    if isinstance(outcome, Hold) and policy.is_bound:
        assert not hoards


@with_examples
@given(st.lists(holds, max_size=12), policies, st.integers(0, 10))
def test_holds_one_after_the_other_never_take_more_than_there_is(
    queue: list[Wanted], policy: Policy, capacity: int
) -> None:
    slot = SlotNow(UUID(int=1), NOW + DAY, NOW + DAY, capacity, is_open=True)
    taken = 0
    for wanted in queue:
        left = replace(slot, remaining=capacity - taken)
        if isinstance(decide(replace(wanted, slots=(left,)), policy, NOW), Confirm | Hold):
            taken += wanted.units

        assert 0 <= taken <= capacity


@with_examples
@given(holds, policies, st.permutations(range(4)))
def test_whether_it_fits_does_not_hang_on_the_order_of_the_slots(
    wanted: Wanted, policy: Policy, order: list[int]
) -> None:
    assume(len(wanted.slots) > 1)
    turned = tuple(wanted.slots[at] for at in order if at < len(wanted.slots))

    outcome, again = (
        decide(replace(wanted, slots=slots), policy, NOW) for slots in (wanted.slots, turned)
    )

    assert type(outcome) is type(again)


FREE = Policy(
    notice=timedelta(),
    cutoff=timedelta(),
    horizon=366 * DAY,
    max_quantity=8,
    max_holds_per_person=2,
    max_holds_per_address=3,
)
TOMORROW = SlotNow(UUID(int=7), NOW + DAY, NOW + DAY, 4, is_open=True)
ONE = Wanted((TOMORROW,), units=1, quantity=1, deadline=NOW + MINUTE)


@pytest.mark.parametrize(
    ("policy", "slot", "wanted", "reason"),
    [
        ({"notice": DAY}, {}, {}, None),
        ({"notice": DAY + MINUTE}, {}, {}, Reason.NOTICE),
        ({"cutoff": DAY - MINUTE}, {}, {}, None),
        ({"cutoff": DAY}, {}, {}, Reason.CLOSED),
        ({"horizon": DAY}, {}, {}, None),
        ({"horizon": DAY - MINUTE}, {}, {}, Reason.HORIZON),
        ({"max_quantity": 1}, {}, {}, None),
        ({"max_quantity": 1}, {}, {"quantity": 2}, Reason.TOO_LARGE),
        ({}, {"max_quantity": 2}, {"quantity": 3}, Reason.TOO_LARGE),
        ({"max_quantity": 2}, {"max_quantity": 8}, {"quantity": 3}, Reason.TOO_LARGE),
        ({}, {"sold_until": NOW}, {}, Reason.CLOSED),
        ({}, {"sold_until": NOW + MINUTE, "starts_at": NOW - MINUTE}, {}, None),
        ({}, {}, {"hold_for": MINUTE, "holds_of_person": 1}, None),
        ({}, {}, {"hold_for": MINUTE, "holds_of_person": 2}, Reason.TOO_MANY_HOLDS),
        ({}, {}, {"hold_for": MINUTE, "holds_of_address": 2}, None),
        ({}, {}, {"hold_for": MINUTE, "holds_of_address": 3}, Reason.TOO_MANY_HOLDS),
        ({}, {}, {"holds_of_person": 9, "holds_of_address": 9}, None),
        ({}, {"remaining": 1}, {}, None),
        ({}, {"remaining": 1}, {"units": 2}, Reason.FULL),
        ({}, {"remaining": 0, "is_open": False}, {}, Reason.CLOSED),
        ({"notice": 2 * DAY}, {"remaining": 0, "is_open": False}, {}, Reason.CLOSED),
        ({"notice": 2 * DAY}, {"remaining": 0}, {"quantity": 9}, Reason.NOTICE),
        ({"horizon": MINUTE}, {"remaining": 0}, {"quantity": 9}, Reason.HORIZON),
        ({}, {"remaining": 0}, {"quantity": 9, "hold_for": MINUTE}, Reason.TOO_LARGE),
        (
            {},
            {"remaining": 0},
            {"hold_for": MINUTE, "holds_of_person": 2},
            Reason.TOO_MANY_HOLDS,
        ),
    ],
)
def test_each_limit_at_its_edge_and_the_order_of_the_reasons(
    policy: dict[str, object], slot: dict[str, object], wanted: dict[str, object], reason: str
) -> None:
    asked = replace(ONE, slots=(replace(TOMORROW, **slot),), **wanted)

    outcome = decide(asked, replace(FREE, **policy), NOW)

    assert (outcome.reason if isinstance(outcome, Refuse) else None) == reason
