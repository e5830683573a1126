"""Making reports: claimed by a lease, written bit by bit, let go when they are cancelled.

Every mark of progress asks whether the report is still ours: who was away for longer than the
lease, or makes one that was cancelled meanwhile, finds that it is not, and leaves nothing behind. A
worker that dies leaves a lease that ends; a long list goes on behind the last part that was stored.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session, joinedload

from booking.links import LONGEST, create_link_in
from booking.slots import read_clock
from booking.transactions import reading, retried, transaction
from models import FileFormat, Purpose, Report, ReportKind, ReportState, User
from reports.asking import OPEN
from reports.files import remove_files
from reports.kinds import TYPES
from reports.tables import Asked, ReportType
from settings import settings
from storage import StorageError

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
PAUSE = timedelta(seconds=15)
MOST_FAILURES = 5
GAVE_UP = "gave_up"
TOO_LONG = "too_long"


class NotOurs(Exception):
    """The report was cancelled, or somebody else has taken it."""


class TooLong(Exception):
    """More rows than this format takes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A report that is ours to make, as it stood when we took it."""

    id: int
    run: int
    key: UUID
    type: ReportType
    format: FileFormat
    asked: Asked
    about: str
    after_seq: int
    to_seq: int | None
    parts: int

    @property
    def is_in_parts(self) -> bool:
        """Whether it is so long a list that it is stored bit by bit."""
        return self.type.kind is ReportKind.BOOKINGS and self.format in (
            FileFormat.CSV,
            FileFormat.JSON,
        )

    def name(self, number: int) -> str:
        """Return where one of its files lies; those of two attempts never meet."""
        return f"reports/{self.key}/{self.run:03}-{number:05}.{self.format}"


def is_due() -> bool:
    """Tell whether there is a report to be made; a cheap question."""
    with reading() as tx:
        return tx.scalar(select(Report.id).where(_is_claimable()).limit(1)) is not None


@retried
def claim_next() -> Claim | None:
    """Take the oldest report that nobody makes; one that failed too often is given up."""
    with transaction() as tx:
        report = tx.scalar(
            select(Report)
            .options(joinedload(Report.venue), joinedload(Report.resource))
            .where(_is_claimable())
            .order_by(Report.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=Report)
        )
        if report is None:
            return None
        now = read_clock(tx)
        if report.failures >= MOST_FAILURES:
            # Whoever made it died each time, and could not say why.
            report.state, report.finished_at = ReportState.FAILED, now
            report.error = report.error or GAVE_UP
            return None
        report.state, report.due_at = ReportState.RUNNING, now + LEASE
        report.started_at = report.started_at or now
        report.run += 1
        report.failures += 1
        return _claimed(report)


@retried
def note_progress(claim: Claim, *, rows_done: int | None = None, **values: object) -> None:
    """Write down how far it is, and keep the lease. Raises NotOurs."""
    with transaction() as tx:
        if rows_done is not None:
            values["rows_done"] = rows_done
        if not _update(tx, claim, due_at=func.clock_timestamp() + LEASE, failures=0, **values):
            raise NotOurs


@retried
def note_part(claim: Claim, *, name: str, size: int, rows: int, after_seq: int) -> None:
    """Write down a part that is stored. Raises NotOurs."""
    with transaction() as tx:
        is_ours = _update(
            tx,
            claim,
            files=func.array_append(Report.files, name),
            bytes=Report.bytes + size,
            rows_done=Report.rows_done + rows,
            after_seq=after_seq,
            due_at=func.clock_timestamp() + LEASE,
            failures=0,
        )
        if not is_ours:
            raise NotOurs


@retried
def go_on_later(claim: Claim) -> None:
    """Give a report back that is not through. Raises NotOurs."""
    with transaction() as tx:
        values = {"state": ReportState.WAITING, "due_at": func.clock_timestamp(), "failures": 0}
        if not _update(tx, claim, **values):
            raise NotOurs


@retried
def finish(claim: Claim, **values: object) -> None:
    """Say that it is done, and mail a link to whom it was made for by schedule. Raises NotOurs."""
    with transaction() as tx:
        now = read_clock(tx)
        is_ours = _update(
            tx,
            claim,
            state=ReportState.DONE,
            finished_at=now,
            expires_at=now + timedelta(days=settings.report_days),
            error=None,
            **values,
        )
        if not is_ours:
            raise NotOurs
        _owe_link(tx, tx.get_one(Report, claim.id))


@retried
def fail(claim: Claim, error: str, *, for_good: bool) -> None:
    """Note why it failed: it is tried again after a pause, or given up."""
    with transaction() as tx:
        report = tx.get_one(Report, claim.id, with_for_update=True)
        if report.run != claim.run or report.state != ReportState.RUNNING:
            return
        now = read_clock(tx)
        report.error, report.due_at = error, now + PAUSE
        if for_good or report.failures >= MOST_FAILURES:
            report.state, report.finished_at = ReportState.FAILED, now
        else:
            report.state = ReportState.WAITING
    logger.warning("report_failed", report_id=claim.id, error=error)


def let_go(claim: Claim) -> None:
    """Leave nothing of a report that was cancelled; of one that others make leave them theirs."""
    with reading() as tx:
        state = tx.scalar(select(Report.state).where(Report.id == claim.id))
    if state in (*OPEN, ReportState.DONE):
        return
    try:
        remove_files(claim.key)
    except StorageError as error:
        # The daily round finds them.
        logger.warning("report_files_left", report_id=claim.id, error=str(error))


def out_of_time(until: float) -> bool:
    """Tell whether a turn is over."""
    return time.monotonic() >= until


def _is_claimable() -> ColumnElement[bool]:
    return and_(Report.state.in_(OPEN), Report.due_at <= func.clock_timestamp())


def _claimed(report: Report) -> Claim:
    venue = report.venue
    days = f"{report.first_on} to {report.last_on}"
    return Claim(
        id=report.id,
        run=report.run,
        key=report.key,
        type=TYPES[ReportKind(report.kind)],
        format=FileFormat(report.format),
        asked=Asked(venue.id, venue.time_zone, report.first_on, report.last_on, report.resource_id),
        about=" · ".join([venue.name, *([report.resource.name] if report.resource else []), days]),
        after_seq=report.after_seq,
        to_seq=report.to_seq,
        parts=len(report.files),
    )


def _update(tx: Session, claim: Claim, **values: object) -> bool:
    """Change the report if it is still ours."""
    done = tx.execute(
        update(Report)
        .where(Report.id == claim.id, Report.run == claim.run, Report.state == ReportState.RUNNING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount) == 1  # type: ignore[attr-defined]


def _owe_link(tx: Session, report: Report) -> None:
    """Owe a mail with a link for a report that came by schedule."""
    if report.scheduled_for is None or report.user_id is None:
        return
    user = tx.get_one(User, report.user_id)
    create_link_in(
        tx,
        purpose=Purpose.REPORT,
        email=user.email,
        path=f"/reports/{report.key}",
        user_id=user.id,
        venue_id=report.venue_id,
        language=user.language,
        good_for=LONGEST,
    )
