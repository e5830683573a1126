"""Messages that are owed to somebody, links that are good once, and the venue's own words."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, BigKey, CreatedAt, IntKey, UuidKey
from models.bookings import Booking
from models.venues import Slot, Venue, one_of


class Notice(StrEnum):
    """The kinds of message. Those that begin with `venue` or `slot` go to the venue itself."""

    RECEIVED = "received"
    HELD = "held"
    HOLD_EXPIRES = "hold_expires"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    REMINDER = "reminder"
    VENUE_NEW = "venue_new"
    VENUE_CHANGED = "venue_changed"
    VENUE_CANCELLED = "venue_cancelled"
    VENUE_DIGEST = "venue_digest"
    SLOT_FILLING = "slot_filling"
    SIGN_IN = "sign_in"
    RESET = "reset"
    PROOF = "proof"
    REPORT_READY = "report_ready"
    INVITATION = "invitation"
    PRIVACY = "privacy"


class NotificationState(StrEnum):
    """How far a notification has come. `refused`: the mail server wants none for that address."""

    QUEUED = "queued"
    SENT = "sent"
    DROPPED = "dropped"
    REFUSED = "refused"
    DEAD = "dead"


class Purpose(StrEnum):
    """What a one-time link opens; its message has the same name."""

    SIGN_IN = "sign_in"
    RESET = "reset"
    PROOF = "proof"
    REPORT = "report_ready"
    INVITATION = "invitation"
    PRIVACY = "privacy"


class OneTimeLink(Base):
    """A link that is good once and for a short time. Of its token only a hash is kept.

    It belongs to an address, and to the account with that address where there is one.
    """

    __tablename__ = "one_time_links"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint(one_of("purpose", Purpose), name="purpose_is_known"),
        CheckConstraint("expires_at > created_at", name="expires_after_it_is_made"),
        CheckConstraint("path LIKE '/%'", name="path_is_of_this_site"),
        Index("ix_one_time_links_expires_at", "expires_at"),
    )

    id: Mapped[UuidKey]
    purpose: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    email: Mapped[str] = mapped_column(String(320))
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    venue_id: Mapped[int | None] = mapped_column(ForeignKey("venues.id"))
    path: Mapped[str] = mapped_column(String(200))
    language: Mapped[str | None] = mapped_column(String(35))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Notification(Base):
    """A message owed to somebody, written in the transaction that it tells of.

    It is about a booking, a slot, a link or a venue's day (`period_on`), and there is one of its
    kind for each. `due_at` is when it may be taken next: a worker that claims it moves that ahead,
    so that it comes back by itself if the worker dies. `address_hash` counts, for the caps, what
    went to one address; the address itself is read where it belongs and not kept here.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("booking_id", "kind", "version"),
        CheckConstraint(one_of("kind", Notice), name="kind_is_known"),
        CheckConstraint(one_of("state", NotificationState), name="state_is_known"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_its_time"),
        CheckConstraint(
            "num_nonnulls(booking_id, slot_id, link_id, period_on) = 1", name="is_about_one_thing"
        ),
        CheckConstraint("link_id IS NOT NULL OR venue_id IS NOT NULL", name="has_its_venue"),
        Index("ix_notifications_due", "due_at", postgresql_where="state = 'queued'"),
        Index("ix_notifications_venue_id_id", "venue_id", "id"),
        Index(
            "ix_notifications_address",
            "address_hash",
            "due_at",
            postgresql_where="address_hash IS NOT NULL",
        ),
        Index(
            "ix_notifications_personal",
            "venue_id",
            "created_at",
            postgresql_where="address_hash IS NOT NULL OR last_error IS NOT NULL",
        ),
        Index(
            "uq_notifications_slot",
            "slot_id",
            "kind",
            unique=True,
            postgresql_where="slot_id IS NOT NULL",
        ),
        Index(
            "uq_notifications_link",
            "link_id",
            unique=True,
            postgresql_where="link_id IS NOT NULL",
        ),
        Index(
            "uq_notifications_period",
            "venue_id",
            "kind",
            "period_on",
            unique=True,
            postgresql_where="period_on IS NOT NULL",
        ),
    )

    id: Mapped[BigKey]
    venue_id: Mapped[int | None] = mapped_column(ForeignKey("venues.id"))
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("bookings.id"))
    slot_id: Mapped[UUID | None] = mapped_column(ForeignKey("slots.id", ondelete="CASCADE"))
    link_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("one_time_links.id", ondelete="CASCADE")
    )
    period_on: Mapped[date | None]
    kind: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    state: Mapped[str] = mapped_column(String(10), server_default=text("'queued'"))
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(String(200))
    address_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    due_at: Mapped[CreatedAt]
    created_at: Mapped[CreatedAt]
    sent_at: Mapped[datetime | None]

    venue: Mapped[Venue | None] = relationship()
    booking: Mapped[Booking | None] = relationship()
    slot: Mapped[Slot | None] = relationship()
    link: Mapped[OneTimeLink | None] = relationship()

    def __str__(self) -> str:
        return f"message {self.id}"


class MessageText(Base):
    """A venue's own words at the head of one kind of message, in one language."""

    __tablename__ = "message_texts"
    __table_args__ = (
        UniqueConstraint("venue_id", "kind", "language"),
        CheckConstraint(one_of("kind", Notice), name="kind_is_known"),
        CheckConstraint("length(words) BETWEEN 1 AND 2000", name="words_are_bounded"),
    )

    id: Mapped[IntKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    kind: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[CreatedAt]


class Breaker(Base):
    """Whether a way out of the house is open: after failures in a row it is shut for a while."""

    __tablename__ = "breakers"
    __table_args__ = (CheckConstraint("failures >= 0", name="failures_are_counted"),)

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    shut_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(200))
    changed_at: Mapped[CreatedAt]
