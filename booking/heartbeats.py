"""Signs of life: a process that nobody calls says that it is at work."""

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from booking.transactions import transaction
from models import Heartbeat

DECIDER, SWEEPER = "decider", "sweeper"


def beat(process: str) -> None:
    """Note that a kind of process was seen at work just now."""
    now = func.clock_timestamp()
    with transaction() as tx:
        tx.execute(
            insert(Heartbeat)
            .values(process=process, seen_at=now)
            .on_conflict_do_update(index_elements=["process"], set_={"seen_at": now})
        )
