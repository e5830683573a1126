"""Reports: what was asked for, how far it is, where its files lie; and what is to be made when."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigKey, CreatedAt, IntKey, JsonObject
from models.people import User
from models.venues import Resource, Venue, one_of


class ReportKind(StrEnum):
    """What a report tells."""

    OCCUPANCY = "occupancy"
    REVENUE = "revenue"
    SOURCES = "sources"
    CANCELLATIONS = "cancellations"
    REFUSALS = "refusals"
    SUCCESS = "success"
    MAIL = "mail"
    RUN_SHEET = "run_sheet"
    MANIFEST = "manifest"
    ARRIVALS = "arrivals"
    BOOKINGS = "bookings"


class FileFormat(StrEnum):
    """What its file is."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    PDF = "pdf"


class ReportState(StrEnum):
    """How far a report is. `removed`: it was done, and its files are gone after their time."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REMOVED = "removed"


class Every(StrEnum):
    """How often a report is made by itself."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class ReportSchedule(Base):
    """A report that is made again and again, at an hour of the venue's own clock.

    `next_at` is when the next one comes due. `user_id` is who is mailed a link to each.
    """

    __tablename__ = "report_schedules"
    __table_args__ = (
        CheckConstraint(one_of("every", Every), name="every_is_known"),
        CheckConstraint(one_of("format", FileFormat), name="format_is_known"),
        CheckConstraint("at_hour BETWEEN 0 AND 23", name="hour_is_of_a_day"),
        Index("ix_report_schedules_next_at", "next_at"),
        Index("ix_report_schedules_venue_id", "venue_id"),
    )

    id: Mapped[IntKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    resource_id: Mapped[UUID | None] = mapped_column(ForeignKey("resources.id"))
    kind: Mapped[str] = mapped_column(String(20))
    format: Mapped[str] = mapped_column(String(4))
    every: Mapped[str] = mapped_column(String(5))
    at_hour: Mapped[int] = mapped_column(SmallInteger)
    next_at: Mapped[datetime]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[CreatedAt]

    venue: Mapped[Venue] = relationship()
    resource: Mapped[Resource | None] = relationship()
    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return f"schedule {self.id}"


class Report(Base):
    """One report: the row is asked for, a worker makes its files.

    Who makes it holds a lease until `due_at`, under the number `run`: whoever comes back later than
    that finds another number and lets go. `failures` counts the attempts that came to nothing since
    it last got on. A long list is made in parts: `files` names those that are there, in order, and
    `after_seq` says where the next one begins; `to_seq` is the last booking there was when it was
    begun. `figures` are what a page shows of it, never a person. Files are removed at `expires_at`.
    """

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("schedule_id", "scheduled_for"),
        CheckConstraint(one_of("format", FileFormat), name="format_is_known"),
        CheckConstraint(one_of("state", ReportState), name="state_is_known"),
        CheckConstraint("last_on >= first_on", name="days_are_in_order"),
        CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled', 'removed')) = (finished_at IS NOT NULL)",
            name="end_has_its_time",
        ),
        CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="failure_has_its_kind"),
        CheckConstraint("state <> 'done' OR expires_at IS NOT NULL", name="done_has_its_deadline"),
        Index("ix_reports_venue_id", "venue_id", "id"),
        Index("ix_reports_open", "due_at", postgresql_where="state IN ('waiting', 'running')"),
        Index("ix_reports_expires_at", "expires_at", postgresql_where="state = 'done'"),
    )

    id: Mapped[BigKey]
    key: Mapped[UUID] = mapped_column(unique=True, server_default=text("gen_random_uuid()"))
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    resource_id: Mapped[UUID | None] = mapped_column(ForeignKey("resources.id"))
    schedule_id: Mapped[int | None] = mapped_column(
        ForeignKey("report_schedules.id", ondelete="SET NULL")
    )
    scheduled_for: Mapped[datetime | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    asked_by: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    format: Mapped[str] = mapped_column(String(4))
    first_on: Mapped[date]
    last_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(10), server_default=text("'waiting'"))
    run: Mapped[int] = mapped_column(server_default=text("0"))
    failures: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rows_total: Mapped[int | None] = mapped_column(BigInteger)
    after_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    to_seq: Mapped[int | None] = mapped_column(BigInteger)
    files: Mapped[list[str]] = mapped_column(ARRAY(String(100)), server_default=text("'{}'"))
    bytes: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    figures: Mapped[JsonObject]
    error: Mapped[str | None] = mapped_column(String(80))
    due_at: Mapped[CreatedAt]
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    venue: Mapped[Venue] = relationship()
    resource: Mapped[Resource | None] = relationship()

    def __str__(self) -> str:
        return f"report {self.id}"
