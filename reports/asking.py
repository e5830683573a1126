"""Asking for a report, looking at it, cancelling it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from booking.actors import Actor
from booking.audit import note_act
from booking.doorbell import ring_for_reports
from booking.errors import ReportInvalid, ReportNotFound, ResourceNotFound, TooManyReports
from booking.slots import read_clock
from booking.transactions import after_commit, reading, retried, transaction
from models import Act, FileFormat, Report, ReportKind, ReportState, Resource, Venue
from reports.kinds import TYPES

LONGEST_DAYS = 3 * 366
MOST_WAITING = 20
OPEN = (ReportState.WAITING, ReportState.RUNNING)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report that somebody of a venue asks for: its first and its last day are included."""

    venue_id: int
    kind: ReportKind
    format: FileFormat
    first_on: date
    last_on: date
    by: Actor
    resource_id: UUID | None = None
    user_id: UUID | None = None


@retried
def ask_for_report(wanted: Wanted) -> UUID:
    """Write a report down and ring for it; return its key.

    Raises ReportInvalid, ResourceNotFound or TooManyReports.
    """
    with transaction() as tx:
        # Those who ask at the same moment are counted one after the other.
        venue = tx.get_one(Venue, wanted.venue_id, with_for_update={"key_share": True})
        require_possible(tx, venue, wanted.kind, wanted.resource_id)
        _require_days(wanted.first_on, wanted.last_on)
        _require_room(tx, venue.id)
        report = Report(
            venue_id=venue.id,
            resource_id=wanted.resource_id,
            user_id=wanted.user_id,
            asked_by=str(wanted.by),
            kind=wanted.kind,
            format=wanted.format,
            first_on=wanted.first_on,
            last_on=wanted.last_on,
        )
        tx.add(report)
        tx.flush()
        note_act(
            tx,
            Act.REPORT_ASKED,
            venue_id=venue.id,
            subject=f"report:{report.key}",
            by=wanted.by,
            kind=str(wanted.kind),
            format=str(wanted.format),
            first_on=wanted.first_on.isoformat(),
            last_on=wanted.last_on.isoformat(),
        )
        after_commit(tx, ring_for_reports)
        return report.key


@retried
def cancel_report(*, key: UUID, by: Actor) -> None:
    """Let a report be; who makes it lets go within moments. What is over stays as it is.

    Raises ReportNotFound.
    """
    with transaction() as tx:
        report = tx.scalar(select(Report).where(Report.key == key).with_for_update())
        if report is None:
            raise ReportNotFound
        if report.state not in OPEN:
            return
        report.state, report.finished_at = ReportState.CANCELLED, read_clock(tx)
        note_act(
            tx,
            Act.REPORT_CANCELLED,
            venue_id=report.venue_id,
            subject=f"report:{report.key}",
            by=by,
        )
        after_commit(tx, ring_for_reports)


def read_report(*, key: UUID, venue_id: int | None = None) -> Report:
    """Return a report, of one venue if it is named. Raises ReportNotFound."""
    with reading() as tx:
        query = select(Report).options(joinedload(Report.venue), joinedload(Report.resource))
        query = query.where(Report.key == key)
        if venue_id is not None:
            query = query.where(Report.venue_id == venue_id)
        report = tx.scalar(query)
    if report is None:
        raise ReportNotFound
    return report


def list_reports(
    *, venue_id: int, kinds: Sequence[ReportKind], before_id: int | None, limit: int
) -> list[Report]:
    """Return a venue's reports of these kinds, the newest first."""
    with reading() as tx:
        query = (
            select(Report)
            .options(joinedload(Report.venue), joinedload(Report.resource))
            .where(Report.venue_id == venue_id, Report.kind.in_(kinds))
            .order_by(Report.id.desc())
            .limit(limit)
        )
        if before_id is not None:
            query = query.where(Report.id < before_id)
        return list(tx.scalars(query))


@retried
def note_fetched(report: Report, by: Actor) -> None:
    """Write down that somebody has fetched a report's file."""
    with transaction() as tx:
        note_act(
            tx,
            Act.REPORT_FETCHED,
            venue_id=report.venue_id,
            subject=f"report:{report.key}",
            by=by,
        )


def require_possible(tx: Session, venue: Venue, kind: ReportKind, resource_id: UUID | None) -> None:
    """Refuse a report that the venue has no use for. Raises ReportInvalid or ResourceNotFound."""
    if not TYPES[kind].suits(venue.kind):
        raise ReportInvalid(
            "kind", f"This report is not made for a venue of the kind {venue.kind}."
        )
    if resource_id is None:
        return
    if kind is ReportKind.MAIL:
        raise ReportInvalid("resource_id", "Messages are of the whole venue.")
    query = select(Resource.id).where(Resource.id == resource_id, Resource.venue_id == venue.id)
    if tx.scalar(query) is None:
        raise ResourceNotFound


def _require_days(first_on: date, last_on: date) -> None:
    if last_on < first_on:
        raise ReportInvalid("last_on", "The last day may not be before the first one.")
    if (last_on - first_on).days >= LONGEST_DAYS:
        raise ReportInvalid("last_on", "A report is about three years at most.")
    if not 2000 <= first_on.year <= last_on.year <= 2200:
        raise ReportInvalid("first_on", "Give days between 2000 and 2200.")


def _require_room(tx: Session, venue_id: int) -> None:
    waiting = tx.scalar(
        select(func.count()).where(Report.venue_id == venue_id, Report.state.in_(OPEN))
    )
    if (waiting or 0) >= MOST_WAITING:
        raise TooManyReports
