"""What comes together is done together, each gets its own answer, and nobody is left behind."""

import threading
from collections.abc import Callable, Sequence

import pytest

from booking.gathering import Gathering
from tests.races.meeting import Racer, wait_until


class Work:
    """What the sets do: the first one waits until it may go on."""

    def __init__(self) -> None:
        self.sets: list[list[int]] = []
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, wanted: Sequence[int]) -> list[int | BaseException]:
        self.sets.append(list(wanted))
        if len(self.sets) == 1:
            self.has_begun.set()
            assert self.may_end.wait(10)
        return [ValueError(each) if each < 0 else 2 * each for each in wanted]


def begin(gathering: Gathering[int, int], work: Work, rest: Sequence[int]) -> list[Racer[int]]:
    """Let one begin and the rest come meanwhile."""
    racers = [Racer(lambda: gathering.run(1)).start()]
    assert work.has_begun.wait(10)
    for count, each in enumerate(rest, 1):
        racers.append(Racer(_run(gathering, each)).start())
        wait_until(lambda count=count: len(gathering._waiting) == count, "it waits")
    return racers


def _run(gathering: Gathering[int, int], wanted: int) -> Callable[[], int]:
    return lambda: gathering.run(wanted)


def test_who_comes_meanwhile_is_served_together() -> None:
    work = Work()
    racers = begin(Gathering(work, most=10, lanes=1), work, [2, 3, 4])

    work.may_end.set()

    assert [racer.finish() for racer in racers] == [2, 4, 6, 8]
    assert work.sets == [[1], [2, 3, 4]]


def test_a_set_has_an_end_and_the_next_one_goes_on() -> None:
    work = Work()
    racers = begin(Gathering(work, most=2, lanes=1), work, [2, 3, 4])

    work.may_end.set()

    assert [racer.finish() for racer in racers] == [2, 4, 6, 8]
    assert work.sets == [[1], [2, 3], [4]]


def test_an_error_is_raised_by_whom_it_concerns() -> None:
    work = Work()
    racers = begin(Gathering(work, most=10, lanes=1), work, [2, -3])

    work.may_end.set()

    outcomes = [racer.finish() for racer in racers]
    assert outcomes[:2] == [2, 4]
    assert isinstance(outcomes[2], ValueError)


def test_a_set_that_fails_as_a_whole_fails_for_each_and_not_for_the_next() -> None:
    def fail_once(wanted: Sequence[int]) -> list[int | BaseException]:
        if wanted[0] == 1:
            raise ZeroDivisionError
        return list(wanted)

    gathering: Gathering[int, int] = Gathering(fail_once, most=10, lanes=1)

    with pytest.raises(ZeroDivisionError):
        gathering.run(1)
    assert gathering.run(2) == 2


def test_a_set_that_hangs_does_not_stop_the_others() -> None:
    work = Work()
    gathering: Gathering[int, int] = Gathering(work, most=10, lanes=2, patience=0.01)
    first = Racer(lambda: gathering.run(1)).start()
    assert work.has_begun.wait(10)

    assert Racer(lambda: gathering.run(2)).start().finish() == 4

    work.may_end.set()
    assert first.finish() == 2
