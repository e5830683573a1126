"""Signs of life: a process that nobody calls says that it is at work, or how far it has come."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from booking.transactions import transaction
from models import Heartbeat

DECIDER, SWEEPER = "decider", "sweeper"
BACKUP, BACKUP_CHECK, WAL_ARCHIVE = "backup", "backup-check", "wal-archive"


def beat(process: str, *, at: datetime | None = None) -> None:
    """Note that a kind of process was seen at work just now, or when its work was good last."""
    now = at or func.clock_timestamp()
    with transaction() as tx:
        tx.execute(
            insert(Heartbeat)
            .values(process=process, seen_at=now)
            .on_conflict_do_update(index_elements=["process"], set_={"seen_at": now})
        )
