"""What is kept to be looked at later: acts of a venue's people, sealed events, runs of jobs."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigKey, CreatedAt, JsonObject
from models.venues import one_of


class Act(StrEnum):
    """What somebody of a venue, or an operator, did beside the bookings themselves."""

    CAPACITY_CHANGED = "capacity_changed"
    OPENED = "opened"
    CLOSED = "closed"
    POLICY_CHANGED = "policy_changed"
    PRICE_CHANGED = "price_changed"
    SLOT_ADDED = "slot_added"
    SLOT_EDITED = "slot_edited"
    SLOT_DELETED = "slot_deleted"
    RESOURCE_ADDED = "resource_added"
    RESOURCE_CHANGED = "resource_changed"
    RESOURCE_RETIRED = "resource_retired"
    RESOURCE_BROUGHT_BACK = "resource_brought_back"
    SCHEDULE_ADDED = "schedule_added"
    SCHEDULE_CHANGED = "schedule_changed"
    BULK_BEGUN = "bulk_begun"
    EXPORTED = "exported"
    CONTACT_REVEALED = "contact_revealed"
    CUSTOMERS_MERGED = "customers_merged"
    CLOSURE_MADE = "closure_made"
    CLOSURE_ENDED = "closure_ended"
    PERSON_INVITED = "person_invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    PERSON_JOINED = "person_joined"
    POST_CHANGED = "post_changed"
    PERSON_REMOVED = "person_removed"
    OPERATOR_MADE = "operator_made"
    VENUE_MADE = "venue_made"
    INTEGRATION_ADDED = "integration_added"
    INTEGRATION_ENDED = "integration_ended"
    REASON_ADDED = "reason_added"
    REASON_REMOVED = "reason_removed"
    PRIVACY_POLICY_SET = "privacy_policy_set"
    LEGAL_HOLD_SET = "legal_hold_set"
    LEGAL_HOLD_LIFTED = "legal_hold_lifted"
    REPORT_ASKED = "report_asked"
    REPORT_FETCHED = "report_fetched"
    REPORT_CANCELLED = "report_cancelled"
    REPORT_SCHEDULED = "report_scheduled"
    REPORT_SCHEDULE_ENDED = "report_schedule_ended"


class AuditEvent(Base):
    """One act that somebody may ask about later; appended and never changed.

    `subject` is a kind and an id (`slot:…`, `venue:3`). `details` say what was and what is, in
    numbers, words of this program and ids. `reason` is the venue's own, and all that may ever be
    emptied.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_venue_id_id", "venue_id", "id"),
        Index("ix_audit_events_subject", "subject", "id"),
        Index("ix_audit_events_reason", "venue_id", "at", postgresql_where="reason IS NOT NULL"),
    )

    id: Mapped[BigKey]
    venue_id: Mapped[int | None] = mapped_column(ForeignKey("venues.id"))
    act: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    actor: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str | None] = mapped_column(String(300))
    details: Mapped[JsonObject]
    at: Mapped[CreatedAt]


class EventSeal(Base):
    """The place of an event in its venue's chain: `digest` is over the one before and the event.

    Numbers rise by one within a venue, without a gap: whoever has read up to one has missed none.
    """

    __tablename__ = "event_seals"
    __table_args__ = (
        UniqueConstraint("event_id"),
        CheckConstraint("number > 0", name="number_is_positive"),
        CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
    )

    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("booking_events.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[CreatedAt]


class RunState(StrEnum):
    """How far the run of a job is; `waiting` means that it is to go on, or to be tried again."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class JobRun(Base):
    """One job in one period: whoever comes first runs it, and nobody runs it twice.

    `period` is the beginning of the period, or the moment at which somebody asked for a run. Who
    runs it holds a lease until `due_at`; after that the run is anybody's again. `counts` say what
    was done, in numbers.
    """

    __tablename__ = "job_runs"
    __table_args__ = (
        UniqueConstraint("job", "period"),
        CheckConstraint(one_of("state", RunState), name="state_is_known"),
        CheckConstraint("attempts >= 0", name="attempts_are_counted"),
        CheckConstraint(
            "(state IN ('done', 'failed')) = (finished_at IS NOT NULL)", name="end_has_its_time"
        ),
    )

    id: Mapped[BigKey]
    job: Mapped[str] = mapped_column(String(40))
    period: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), server_default=text("'waiting'"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    asked_by: Mapped[str | None] = mapped_column(String(60))
    error: Mapped[str | None] = mapped_column(String(80))
    counts: Mapped[JsonObject]
