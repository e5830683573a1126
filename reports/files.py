"""The files of reports: fetched through a short-lived link, removed after their time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import delete, func, select, update

from booking.errors import LinkGone
from booking.transactions import reading, retried, transaction
from models import Report, ReportState
from settings import settings
from storage import files

GOOD_FOR = timedelta(minutes=5)
KEPT_ROWS = timedelta(days=90)
MOST_AT_ONCE = 50
FOLDER = "reports"
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}

_serializer = URLSafeTimedSerializer(settings.secret_key, salt="holdfast.report-file")


@dataclass(frozen=True, slots=True)
class Fetched:
    """Which report a link opens, and for whom it was made."""

    key: UUID
    actor: str


def file_path(key: UUID, actor: str) -> str:
    """Return an address for somebody who may have the file; it is good for five minutes."""
    return f"/reports/files/{_serializer.dumps([key.hex, actor])}"


def open_token(token: str) -> Fetched:
    """Return what a token opens. Raises LinkGone."""
    try:
        key, actor = _serializer.loads(token, max_age=int(GOOD_FOR.total_seconds()))
        return Fetched(UUID(key), str(actor))
    except (BadData, TypeError, ValueError):
        raise LinkGone from None


def file_name(report: Report) -> str:
    """Return what the file is called at home."""
    days = str(report.first_on)
    if report.last_on != report.first_on:
        days += f"-to-{report.last_on}"
    return f"{report.venue.slug}-{report.kind.replace('_', '-')}-{days}.{report.format}"


def read_file(report: Report) -> Iterator[bytes]:
    """Return a report's file, its parts one after the other. Raises StorageError."""
    for name in report.files:
        yield from files().get(name)


def remove_files(key: UUID) -> int:
    """Remove whatever lies in a report's folder; returns how many. Raises StorageError."""
    names = [each.name for each in files().files(f"{FOLDER}/{key}")]
    files().delete(names)
    return len(names)


def remove_expired() -> int:
    """Remove the files of reports whose time is over; returns how many reports."""
    with reading() as tx:
        over = list(
            tx.execute(
                select(Report.id, Report.key)
                .where(
                    Report.state == ReportState.DONE,
                    Report.expires_at <= func.clock_timestamp(),
                )
                .order_by(Report.expires_at)
                .limit(MOST_AT_ONCE)
            )
        )
    for report_id, key in over:
        # First the files: a row that says that they are gone is always true.
        remove_files(key)
        _note_removed(report_id)
    return len(over)


def remove_orphans() -> int:
    """Remove what lies there of reports that are not to have files; returns how many files."""
    found: dict[str, list[str]] = {}
    for each in files().files(FOLDER):
        found.setdefault(each.name.split("/")[1], []).append(each.name)
    keys = [UUID(key) for key in found]
    with reading() as tx:
        kept = {
            str(key)
            for key in tx.scalars(
                select(Report.key).where(
                    Report.key.in_(keys),
                    Report.state.in_([ReportState.WAITING, ReportState.RUNNING, ReportState.DONE]),
                )
            )
        }
    orphans = [name for key, names in found.items() if key not in kept for name in names]
    files().delete(orphans)
    return len(orphans)


@retried
def forget_old_reports() -> int:
    """Delete the rows of reports that were over three months ago; returns how many."""
    with transaction() as tx:
        done = tx.execute(
            delete(Report).where(
                Report.finished_at < func.now() - KEPT_ROWS, Report.state != ReportState.DONE
            )
        )
        return int(done.rowcount)  # type: ignore[attr-defined]


@retried
def _note_removed(report_id: int) -> None:
    with transaction() as tx:
        tx.execute(
            update(Report)
            .where(Report.id == report_id, Report.state == ReportState.DONE)
            .values(state=ReportState.REMOVED, files=[], figures={})
        )
