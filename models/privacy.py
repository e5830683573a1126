"""How long what is personal is kept, who asked for it to go, and the proof that it went."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, CreatedAt, JsonObject, UuidKey
from models.bookings import Booking
from models.venues import Venue, one_of

LONGEST_KEPT_DAYS = 36_500


class PrivacyPolicy(Base):
    """For how many days a venue keeps what, counted from the end of what was booked.

    A change makes a new version; the highest one counts. `skeleton_days` may be None: for good.
    """

    __tablename__ = "privacy_policies"
    __table_args__ = (
        CheckConstraint("version > 0", name="version_is_positive"),
        CheckConstraint(
            "requests_days >= 1 AND messages_days >= 1 AND audit_days >= 1"
            " AND requests_days <= contact_days AND messages_days <= contact_days"
            f" AND contact_days <= {LONGEST_KEPT_DAYS} AND audit_days <= {LONGEST_KEPT_DAYS}",
            name="days_are_bounded",
        ),
        CheckConstraint(
            f"skeleton_days BETWEEN contact_days AND {LONGEST_KEPT_DAYS}",
            name="skeleton_outlasts_contact",
        ),
    )

    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_days: Mapped[int]
    requests_days: Mapped[int]
    messages_days: Mapped[int]
    skeleton_days: Mapped[int | None]
    audit_days: Mapped[int]
    set_by: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[CreatedAt]


class LegalHold(Base):
    """That a booking must not be purged or erased until a day, and why.

    With `covers_customer` all bookings of the same customer at the venue are kept as well.
    """

    __tablename__ = "legal_holds"
    __table_args__ = (
        CheckConstraint("ends_at > created_at", name="ends_after_it_is_made"),
        Index("ix_legal_holds_venue_id", "venue_id", "ends_at"),
    )

    id: Mapped[UuidKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), index=True)
    covers_customer: Mapped[bool] = mapped_column(server_default=text("false"))
    reason: Mapped[str | None] = mapped_column(String(300))
    set_by: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[CreatedAt]
    ends_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]

    venue: Mapped[Venue] = relationship()
    booking: Mapped[Booking] = relationship()


class ErasureState(StrEnum):
    """How far a request is; `waiting`: what could go is gone, the rest may not go yet."""

    OPEN = "open"
    WAITING = "waiting"
    DONE = "done"


class OnFuture(StrEnum):
    """What becomes of bookings that are still to come: cancelled first, or erased when over."""

    CANCEL = "cancel"
    KEEP = "keep"


class ErasureRequest(Base):
    """A person's proven wish to be forgotten, at one venue or, without one, everywhere.

    The address is kept for as long as the request is open, and no longer.
    """

    __tablename__ = "erasure_requests"
    __table_args__ = (
        CheckConstraint(one_of("state", ErasureState), name="state_is_known"),
        CheckConstraint(one_of("on_future", OnFuture), name="on_future_is_known"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_has_its_time"),
        CheckConstraint("(state = 'done') = (email IS NULL)", name="done_knows_no_address"),
        Index("ix_erasure_requests_open", "due_at", postgresql_where="state <> 'done'"),
        Index("ix_erasure_requests_venue_id", "venue_id"),
    )

    id: Mapped[UuidKey]
    venue_id: Mapped[int | None] = mapped_column(ForeignKey("venues.id"))
    email: Mapped[str | None] = mapped_column(String(320))
    on_future: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), server_default=text("'open'"))
    waits_for: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[CreatedAt]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    venue: Mapped[Venue | None] = relationship()


class Erasure(Base):
    """What an erasure took: ids and a keyed hash of the address, to be done again after a restore.

    It is kept outside the database as well; `kept_at` says since when.
    """

    __tablename__ = "erasures"
    __table_args__ = (Index("ix_erasures_unkept", "at", postgresql_where="kept_at IS NULL"),)

    id: Mapped[UuidKey]
    booking_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    user_id: Mapped[UUID | None]
    person: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[CreatedAt]
    kept_at: Mapped[datetime | None]


class ReceiptKind(StrEnum):
    """What a receipt is for."""

    PURGE = "purge"
    ERASURE = "erasure"
    REPLAY = "replay"


class PrivacyReceipt(Base):
    """What a run has removed: how many of what, from which fields and stores. Never a value."""

    __tablename__ = "privacy_receipts"
    __table_args__ = (
        CheckConstraint(one_of("kind", ReceiptKind), name="kind_is_known"),
        Index(
            "uq_privacy_receipts_run",
            "venue_id",
            "run_on",
            "policy_version",
            unique=True,
            postgresql_where="kind = 'purge'",
        ),
        UniqueConstraint("request_id"),
        Index("ix_privacy_receipts_venue_id", "venue_id", "started_at"),
    )

    id: Mapped[UuidKey]
    kind: Mapped[str] = mapped_column(String(10))
    venue_id: Mapped[int | None] = mapped_column(ForeignKey("venues.id"))
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey("erasure_requests.id"))
    policy_version: Mapped[int | None]
    run_on: Mapped[date]
    counts: Mapped[JsonObject]
    fields: Mapped[list[str]] = mapped_column(ARRAY(String(80)))
    stores: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    started_at: Mapped[CreatedAt]
    changed_at: Mapped[CreatedAt]

    venue: Mapped[Venue | None] = relationship()
