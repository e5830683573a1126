"""The breaker before the mail server: after failures in a row nobody tries for a while.

It is a row, so all couriers of all processes share it, and it can be read like any other. What
counts is that the server could not be spoken to; that it does not want one message does not count.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import Interval, cast, func, literal, or_, update
from sqlalchemy.dialects.postgresql import insert

from booking.transactions import reading, retried, transaction
from models import Breaker

logger = structlog.get_logger(__name__)

SMTP = "smtp"
FAILURES_TO_SHUT = 5
_LONGEST_SHUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class BreakerState:
    """How the breaker stands: failures in a row, and until when it is shut."""

    failures: int = 0
    shut_until: datetime | None = None
    last_error: str | None = None

    @property
    def is_shut(self) -> bool:
        """Whether it was shut and nobody has come through since."""
        return self.shut_until is not None


def read_breaker() -> BreakerState:
    """Return how the breaker stands."""
    with reading() as tx:
        row = tx.get(Breaker, SMTP)
        return BreakerState(row.failures, row.shut_until, row.last_error) if row else BreakerState()


class Way(StrEnum):
    """Whether messages may be tried now."""

    OPEN = "open"
    DOUBTFUL = "doubtful"
    SHUT = "shut"


def read_way() -> Way:
    """Say whether messages may be tried; once its time is over, a single one may probe."""
    state = read_breaker()
    if state.shut_until is None:
        return Way.DOUBTFUL if state.failures else Way.OPEN
    return Way.DOUBTFUL if _may_probe() else Way.SHUT


@retried
def _may_probe() -> bool:
    """Take the turn to probe, if it is time to: of many who ask at once, one gets it."""
    now = func.clock_timestamp()
    with transaction() as tx:
        found = tx.execute(
            update(Breaker)
            .where(Breaker.name == SMTP, Breaker.shut_until <= now)
            .values(shut_until=now + _seconds(_LONGEST_SHUT_SECONDS))
        )
        return bool(found.rowcount)  # type: ignore[attr-defined]


@retried
def note_failure(error: str) -> None:
    """Count a failure; the fifth in a row shuts the breaker, for 2 s and later up to a minute."""
    now = func.clock_timestamp()
    with transaction() as tx:
        failures = tx.scalars(
            insert(Breaker)
            .values(name=SMTP, failures=1, last_error=error)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={"failures": Breaker.failures + 1, "last_error": error, "changed_at": now},
            )
            .returning(Breaker.failures)
        ).one()
        if failures >= FAILURES_TO_SHUT:
            pause = min(2 ** min(failures - FAILURES_TO_SHUT + 1, 10), _LONGEST_SHUT_SECONDS)
            tx.execute(
                update(Breaker).where(Breaker.name == SMTP).values(shut_until=now + _seconds(pause))
            )
    if failures == FAILURES_TO_SHUT:
        logger.error("mail_shut", failures=failures, error=error)


@retried
def note_success() -> None:
    """Note that the server was spoken to, whatever it said: the breaker is open to all."""
    with transaction() as tx:
        found = tx.execute(
            update(Breaker)
            .where(Breaker.name == SMTP, or_(Breaker.failures > 0, Breaker.shut_until.is_not(None)))
            .values(failures=0, shut_until=None, changed_at=func.clock_timestamp())
        )
    if found.rowcount:  # type: ignore[attr-defined]
        logger.info("mail_open")


def _seconds(count: float) -> object:
    return cast(literal(f"{count} seconds"), Interval)
