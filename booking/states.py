"""Which status may follow which. The one table of moves; design section 2 draws it."""

from models import Status

MOVES: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.HELD, Status.CONFIRMED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED}
    ),
    Status.HELD: frozenset({Status.CONFIRMED, Status.EXPIRED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset({Status.CHECKED_IN, Status.NO_SHOW, Status.CANCELLED}),
    Status.CHECKED_IN: frozenset({Status.COMPLETED}),
    Status.REJECTED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.COMPLETED: frozenset(),
    Status.NO_SHOW: frozenset(),
}


def may_become(old: str, new: Status) -> bool:
    """Whether a booking of status `old` may become `new`."""
    return new in MOVES[Status(old)]
