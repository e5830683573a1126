"""What is done to many bookings together: one job, and one item for each booking."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, CreatedAt, UuidKey
from models.bookings import Booking
from models.venues import CancellationReason, Slot, Venue, one_of


class Deed(StrEnum):
    """What is done to each booking of a job."""

    CANCEL = "cancel"
    MOVE = "move"


class ItemState(StrEnum):
    """How far one booking of a job is. `refused`: the engine said no, and `why` says its words."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class BulkJob(Base):
    """Bookings that a venue cancels or moves together, with a message to all of them.

    The id is made before the form is sent, so that sending it twice makes one job. `message` stands
    at the head of what each customer is told. `to_slot_id` is where a move leads.
    """

    __tablename__ = "bulk_jobs"
    __table_args__ = (
        CheckConstraint(one_of("deed", Deed), name="deed_is_known"),
        CheckConstraint(
            "(deed = 'move') = (to_slot_id IS NOT NULL)", name="a_move_leads_somewhere"
        ),
        CheckConstraint("length(message) BETWEEN 1 AND 2000", name="message_is_bounded"),
        Index("ix_bulk_jobs_venue_id", "venue_id", "created_at"),
        Index("ix_bulk_jobs_open", "created_at", postgresql_where="finished_at IS NULL"),
    )

    id: Mapped[UuidKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    deed: Mapped[str] = mapped_column(String(10))
    reason_id: Mapped[int | None] = mapped_column(ForeignKey("cancellation_reasons.id"))
    to_slot_id: Mapped[UUID | None] = mapped_column(ForeignKey("slots.id"))
    message: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]

    venue: Mapped[Venue] = relationship()
    reason: Mapped[CancellationReason | None] = relationship()
    to_slot: Mapped[Slot | None] = relationship()

    def __str__(self) -> str:
        return f"job {self.id}"


class BulkItem(Base):
    """One booking of a job. `revision` is the booking's own when it was done."""

    __tablename__ = "bulk_items"
    __table_args__ = (
        CheckConstraint(one_of("state", ItemState), name="state_is_known"),
        CheckConstraint("(state = 'refused') = (why IS NOT NULL)", name="refusal_has_its_words"),
        CheckConstraint("(state = 'done') = (revision IS NOT NULL)", name="done_has_its_revision"),
        Index("ix_bulk_items_waiting", "job_id", postgresql_where="state = 'waiting'"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("bulk_jobs.id"), primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(
        ForeignKey("bookings.id"), primary_key=True, index=True
    )
    state: Mapped[str] = mapped_column(String(10), server_default=text("'waiting'"))
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    why: Mapped[str | None] = mapped_column(String(300))
    revision: Mapped[int | None]

    job: Mapped[BulkJob] = relationship()
    booking: Mapped[Booking] = relationship()
