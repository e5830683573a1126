"""How a row's figures come about, and which goals count as missed."""

from ops.faults.figures import Decided, Fault, Goals, measure, misses, percentile, recoveries
from ops.faults.load import Attempt

KILL = Fault("kill", at=100.0, over_at=101.0)


def test_percentiles_are_values_that_occurred():
    values = [float(number) for number in range(1, 101)]

    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.5) is None


def test_recovery_ends_with_the_last_late_decision():
    decided = [Decided(99.5, 102.5), Decided(100.5, 104.0), Decided(105.0, 105.1)]

    assert recoveries([KILL], decided, []) == [3.0]


def test_recovery_ends_with_the_last_attempt_that_failed():
    attempts = [Attempt(100.2, 0.1, "reset"), Attempt(103.0, 0.5, "503")]
    attempts += [Attempt(104.0, 9.0, "accepted")]

    assert recoveries([KILL], [], attempts) == [2.5]


def test_what_the_next_fault_brings_is_not_held_against_the_one_before():
    second = Fault("kill", at=200.0, over_at=200.0)
    decided = [Decided(201.0, 206.0)]

    assert recoveries([KILL, second], decided, []) == [0.0, 6.0]


def test_a_fault_that_nobody_felt_needs_no_recovery():
    assert recoveries([KILL], [Decided(100.0, 100.4)], [Attempt(100.0, 0.1, "accepted")]) == [0.0]


def test_goals_that_were_missed_are_named():
    decided = [Decided(100.5, 107.0)]
    attempts = [Attempt(100.0, 0.1, "503"), Attempt(101.0, 0.1, "accepted")]
    figures = measure([KILL], decided, attempts)

    assert misses(Goals(), figures) == ["decided p99 6.50 s, goal 5 s"]
    assert misses(Goals(None, recovery=5.0), figures) == ["recovery 6.00 s, goal 5 s"]
    assert misses(Goals(None, accepted=1.0), figures) == ["accepted 50.0%, goal 100%"]
    assert misses(Goals(None), figures) == []
