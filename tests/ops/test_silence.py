"""Who runs and does nothing is found by what is not heard of it."""

import pytest

from ops.silence import PATIENCE_SECONDS, START_SECONDS, Silence

WELL = {
    "database": "ok",
    "schema": "ok",
    "broker": "ok",
    "deciders": "ok",
    "sweeper": "ok",
    "storage": "ok",
}
DEAF = WELL | {"deciders": "degraded"}


class Clock:
    """A clock that goes on when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def silence(clock: Clock) -> Silence:
    return Silence(clock)


def test_who_is_heard_is_left_alone(silence: Silence, clock: Clock):
    for _ in range(100):
        clock.now += 2
        assert silence.too_long(WELL) == []


@pytest.mark.parametrize(
    ("name", "programs"), [("deciders", ["decide", "beat"]), ("sweeper", ["sweeper"])]
)
def test_who_stays_silent_is_named_once_and_has_time_to_start(
    silence: Silence, clock: Clock, name: str, programs: list[str]
):
    checks = WELL | {name: "degraded"}
    assert silence.too_long(checks) == []
    clock.now += PATIENCE_SECONDS

    assert silence.too_long(checks) == programs

    clock.now += START_SECONDS
    assert silence.too_long(checks) == []
    clock.now += PATIENCE_SECONDS
    assert silence.too_long(checks) == programs


@pytest.mark.parametrize(
    "nobody_can_be_heard",
    [None, DEAF | {"broker": "degraded"}, DEAF | {"database": "failed"}],
    ids=["no answer", "no broker", "no database"],
)
def test_nobody_is_blamed_for_what_they_need(
    silence: Silence, clock: Clock, nobody_can_be_heard: dict[str, str] | None
):
    assert silence.too_long(DEAF) == []
    clock.now += PATIENCE_SECONDS
    assert silence.too_long(nobody_can_be_heard) == []

    assert silence.too_long(DEAF) == []


def test_who_is_heard_again_begins_anew(silence: Silence, clock: Clock):
    silence.too_long(DEAF)
    clock.now += PATIENCE_SECONDS - 1
    silence.too_long(WELL)
    clock.now += 1

    assert silence.too_long(DEAF) == []
