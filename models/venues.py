"""What can be booked: venues, their resources, the schedules and the slots."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CHAR,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, CreatedAt, Currency, IntKey, JsonObject, UuidKey

# How long after its start a slot may still be sold: a night to the end of its day, however long
# a change of the clock makes that.
LONGEST_ON_SALE_HOURS = 26


class Kind(StrEnum):
    """The trade of a venue."""

    RESTAURANT = "restaurant"
    BOATS = "boats"
    HOTEL = "hotel"


class CountedIn(StrEnum):
    """What one place of a resource is."""

    PARTIES = "parties"
    SEATS = "seats"
    ROOMS = "rooms"


class Told(StrEnum):
    """How a venue hears of its bookings."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    NEVER = "never"


def one_of(column: str, values: type[StrEnum]) -> str:
    """Return the CHECK that ties a text column to an enumeration."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


class Venue(Base):
    """A business that is booked: one tenant, with its policies.

    `public_consumer_calls` opens the restaurant API's customer calls to pages without a token.
    A venue with a `code_prefix` gives each booking a confirmation code that begins with it.
    Messages are written in its `language` where a booking has none, in its `colour`; it hears of
    its bookings at `contact_email`. Reminders go out `reminder_hours` before, or not at all.
    Pages of `embed_origins` may show the venue's booking form in a frame; `opening_hours` are words
    for customers.
    """

    __tablename__ = "venues"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("slug ~ '^[A-Za-z0-9][A-Za-z0-9-]{0,62}$'", name="slug_is_a_word"),
        CheckConstraint(one_of("kind", Kind), name="kind_is_known"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso"),
        CheckConstraint(
            "notice_minutes >= 0 AND cutoff_minutes >= 0 AND cancel_cutoff_minutes >= 0",
            name="notice_is_not_negative",
        ),
        CheckConstraint("horizon_days > 0", name="horizon_is_positive"),
        CheckConstraint("code_prefix ~ '^[A-Z]{2,5}$'", name="code_prefix_is_a_word"),
        CheckConstraint("patience_seconds BETWEEN 1 AND 86400", name="patience_is_bounded"),
        CheckConstraint(
            "default_hold_minutes BETWEEN 1 AND max_hold_minutes", name="hold_minutes_are_bounded"
        ),
        CheckConstraint(
            "max_holds_per_person > 0 AND max_holds_per_address > 0", name="hold_caps_are_positive"
        ),
        CheckConstraint("colour ~ '^#[0-9a-f]{6}$'", name="colour_is_six_digits"),
        CheckConstraint(one_of("told_of_bookings", Told), name="told_is_known"),
        CheckConstraint(
            "reminder_hours BETWEEN 1 AND 336 AND hold_warning_minutes BETWEEN 1 AND 1440"
            " AND digest_hour BETWEEN 0 AND 23 AND fullness_percent BETWEEN 1 AND 100",
            name="message_times_are_bounded",
        ),
        CheckConstraint("cardinality(embed_origins) <= 20", name="origins_are_few"),
        CheckConstraint("length(opening_hours) <= 2000", name="opening_hours_are_bounded"),
    )

    id: Mapped[IntKey]
    slug: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    time_zone: Mapped[str] = mapped_column(String(64))
    currency: Mapped[Currency]
    is_listed: Mapped[bool] = mapped_column(server_default=text("true"))
    notice_minutes: Mapped[int] = mapped_column(server_default=text("0"))
    cutoff_minutes: Mapped[int] = mapped_column(server_default=text("0"))
    cancel_cutoff_minutes: Mapped[int] = mapped_column(server_default=text("0"))
    horizon_days: Mapped[int] = mapped_column(server_default=text("366"))
    patience_seconds: Mapped[int] = mapped_column(server_default=text("900"))
    default_hold_minutes: Mapped[int] = mapped_column(server_default=text("15"))
    max_hold_minutes: Mapped[int] = mapped_column(server_default=text("60"))
    max_holds_per_person: Mapped[int] = mapped_column(server_default=text("10"))
    max_holds_per_address: Mapped[int] = mapped_column(server_default=text("50"))
    public_consumer_calls: Mapped[bool] = mapped_column(server_default=text("false"))
    code_prefix: Mapped[str | None] = mapped_column(String(5))
    language: Mapped[str] = mapped_column(String(10), server_default=text("'en'"))
    colour: Mapped[str] = mapped_column(CHAR(7), server_default=text("'#14505c'"))
    contact_email: Mapped[str | None] = mapped_column(String(320))
    told_of_bookings: Mapped[str] = mapped_column(String(10), server_default=text("'at_once'"))
    digest_hour: Mapped[int] = mapped_column(SmallInteger, server_default=text("7"))
    fullness_percent: Mapped[int | None] = mapped_column(SmallInteger)
    reminder_hours: Mapped[int | None] = mapped_column(server_default=text("24"))
    hold_warning_minutes: Mapped[int] = mapped_column(server_default=text("5"))
    embed_origins: Mapped[list[str]] = mapped_column(
        ARRAY(String(200)), server_default=text("'{}'")
    )
    opening_hours: Mapped[str] = mapped_column(Text, server_default=text("''"))
    attributes: Mapped[JsonObject]
    created_at: Mapped[CreatedAt]

    resources: Mapped[list["Resource"]] = relationship(
        back_populates="venue", order_by="Resource.position"
    )

    def __str__(self) -> str:
        return self.name


class Resource(Base):
    """What is booked at a venue: a dining room, a boat, a room type.

    `last_decision_no` is drawn from under the row's lock: it proves the order of decisions.
    `decision_attempts` counts the batches that were begun since one was last committed;
    `decisions_per_second` is a moving average of their speed. A higher `feed_version` makes the
    links of its calendar feed void.
    """

    __tablename__ = "resources"
    __table_args__ = (
        UniqueConstraint("venue_id", "name"),
        CheckConstraint(one_of("counted_in", CountedIn), name="counted_in_is_known"),
        CheckConstraint("max_quantity > 0", name="max_quantity_is_positive"),
        CheckConstraint(
            "(counted_in = 'rooms') = (people_per_room IS NOT NULL) AND people_per_room > 0",
            name="rooms_say_how_many_they_hold",
        ),
        CheckConstraint("jsonb_typeof(attributes) = 'object'", name="attributes_are_an_object"),
    )

    id: Mapped[UuidKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    name: Mapped[str] = mapped_column(String(200))
    counted_in: Mapped[str] = mapped_column(String(10))
    max_quantity: Mapped[int]
    people_per_room: Mapped[int | None]
    attributes: Mapped[JsonObject]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    retired_at: Mapped[datetime | None]
    last_decision_no: Mapped[int] = mapped_column(server_default=text("0"))
    decision_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    decisions_per_second: Mapped[float] = mapped_column(server_default=text("1000"))
    feed_version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    created_at: Mapped[CreatedAt]

    venue: Mapped[Venue] = relationship(back_populates="resources")

    def __str__(self) -> str:
        return self.name


class Schedule(Base):
    """The owner's pattern from which slots are made ahead, in the venue's zone.

    A nightly schedule has one start time (check-in) and runs to `checkout_time` of the next day;
    any other lasts `duration_minutes`. `exceptions` are dates on which nothing is made;
    `made_until` is the last day for which slots have been made.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint(
            "weekdays <@ ARRAY[1,2,3,4,5,6,7] AND cardinality(weekdays) > 0",
            name="weekdays_are_iso",
        ),
        CheckConstraint("cardinality(start_times) > 0", name="start_times_are_given"),
        CheckConstraint(
            "(checkout_time IS NULL) = (duration_minutes IS NOT NULL) AND duration_minutes > 0"
            " AND (checkout_time IS NULL OR cardinality(start_times) = 1)",
            name="lasts_minutes_or_a_night",
        ),
        CheckConstraint("valid_until >= valid_from", name="season_is_in_order"),
        CheckConstraint("capacity >= 0", name="capacity_is_not_negative"),
        CheckConstraint("price >= 0", name="price_is_not_negative"),
        CheckConstraint("max_quantity > 0", name="max_quantity_is_positive"),
    )

    id: Mapped[IntKey]
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resources.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    weekdays: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), server_default=text("'{1,2,3,4,5,6,7}'")
    )
    start_times: Mapped[list[time]] = mapped_column(ARRAY(Time))
    duration_minutes: Mapped[int | None]
    checkout_time: Mapped[time | None]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    exceptions: Mapped[list[date]] = mapped_column(ARRAY(Date), server_default=text("'{}'"))
    capacity: Mapped[int]
    max_quantity: Mapped[int | None]
    price: Mapped[Decimal] = mapped_column(server_default=text("0"))
    attributes: Mapped[JsonObject]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    made_until: Mapped[date | None]
    created_at: Mapped[CreatedAt]

    resource: Mapped[Resource] = relationship()


class Slot(Base):
    """One window of a resource. `remaining` is written by booking/slots.py alone.

    `local_on` is the day in the venue's zone; a night belongs to the day of arrival. A sitting and
    a departure are sold until they start, a night until the end of its day: `sold_until`.
    """

    __tablename__ = "slots"
    __table_args__ = (
        UniqueConstraint("resource_id", "starts_at"),
        Index(
            "uq_slots_night", "resource_id", "local_on", unique=True, postgresql_where="is_night"
        ),
        Index("ix_slots_resource_id_local_on", "resource_id", "local_on"),
        Index("ix_slots_starts_at", "starts_at", "id"),
        Index(
            "ix_slots_destination",
            text("lower(attributes ->> 'destination') text_pattern_ops"),
            "starts_at",
            postgresql_where=text("(attributes ->> 'destination') IS NOT NULL"),
        ),
        CheckConstraint("0 <= remaining AND remaining <= capacity", name="remaining_fits"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("sold_until BETWEEN starts_at AND ends_at", name="sold_until_it_ends"),
        # A search by time need not look further back than this.
        CheckConstraint(
            f"sold_until - starts_at <= interval '{LONGEST_ON_SALE_HOURS} hours'",
            name="sold_until_is_near",
        ),
        CheckConstraint("price >= 0", name="price_is_not_negative"),
        CheckConstraint("max_quantity > 0", name="max_quantity_is_positive"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso"),
        CheckConstraint("jsonb_typeof(attributes) = 'object'", name="attributes_are_an_object"),
    )

    id: Mapped[UuidKey]
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resources.id"))
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedules.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    sold_until: Mapped[datetime]
    local_on: Mapped[date]
    is_night: Mapped[bool] = mapped_column(server_default=text("false"))
    capacity: Mapped[int]
    remaining: Mapped[int]
    max_quantity: Mapped[int | None]
    price: Mapped[Decimal] = mapped_column(server_default=text("0"))
    currency: Mapped[Currency]
    is_open: Mapped[bool] = mapped_column(server_default=text("true"))
    attributes: Mapped[JsonObject]
    created_at: Mapped[CreatedAt]

    resource: Mapped[Resource] = relationship()

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} UTC"


class Closure(Base):
    """Days on which a venue sells nothing; slots that are made for them later are made closed.

    `slot_ids` are those that it closed: opening again leaves alone what was closed before.
    """

    __tablename__ = "closures"
    __table_args__ = (
        CheckConstraint("last_on BETWEEN first_on AND first_on + 366", name="days_are_in_order"),
    )

    id: Mapped[IntKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"), index=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(200), server_default=text("''"))
    slot_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    created_at: Mapped[CreatedAt]


class CancellationReason(Base):
    """A reason that can be given with a cancellation; those without a venue serve all of them."""

    __tablename__ = "cancellation_reasons"
    __table_args__ = (UniqueConstraint("venue_id", "reason", postgresql_nulls_not_distinct=True),)

    id: Mapped[IntKey]
    venue_id: Mapped[int | None] = mapped_column(ForeignKey("venues.id"))
    reason: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, server_default=text("''"))

    def __str__(self) -> str:
        return self.reason
