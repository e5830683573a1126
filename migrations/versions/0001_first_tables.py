"""First tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("process", sa.String(length=40), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("process", name="pk_heartbeats"),
    )

    op.create_table(
        "roles",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=True),
        sa.Column("permissions", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.UniqueConstraint("name", name="uq_roles_name"),
    )

    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=True),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.String(length=255), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("fs_uniquifier", name="uq_users_fs_uniquifier"),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)

    op.create_table(
        "venues",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("is_listed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("notice_minutes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cutoff_minutes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "cancel_cutoff_minutes", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("horizon_days", sa.Integer(), server_default=sa.text("366"), nullable=False),
        sa.Column("patience_seconds", sa.Integer(), server_default=sa.text("900"), nullable=False),
        sa.Column(
            "default_hold_minutes", sa.Integer(), server_default=sa.text("15"), nullable=False
        ),
        sa.Column("max_hold_minutes", sa.Integer(), server_default=sa.text("60"), nullable=False),
        sa.Column(
            "max_holds_per_person", sa.Integer(), server_default=sa.text("10"), nullable=False
        ),
        sa.Column(
            "max_holds_per_address", sa.Integer(), server_default=sa.text("50"), nullable=False
        ),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_venues_currency_is_iso")),
        sa.CheckConstraint(
            "kind IN ('restaurant', 'boats', 'hotel')", name=op.f("ck_venues_kind_is_known")
        ),
        sa.CheckConstraint(
            "slug ~ '^[A-Za-z0-9][A-Za-z0-9-]{0,62}$'", name=op.f("ck_venues_slug_is_a_word")
        ),
        sa.CheckConstraint(
            "default_hold_minutes BETWEEN 1 AND max_hold_minutes",
            name=op.f("ck_venues_hold_minutes_are_bounded"),
        ),
        sa.CheckConstraint("horizon_days > 0", name=op.f("ck_venues_horizon_is_positive")),
        sa.CheckConstraint(
            "max_holds_per_person > 0 AND max_holds_per_address > 0",
            name=op.f("ck_venues_hold_caps_are_positive"),
        ),
        sa.CheckConstraint(
            "notice_minutes >= 0 AND cutoff_minutes >= 0 AND cancel_cutoff_minutes >= 0",
            name=op.f("ck_venues_notice_is_not_negative"),
        ),
        sa.CheckConstraint(
            "patience_seconds BETWEEN 1 AND 86400", name=op.f("ck_venues_patience_is_bounded")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_venues"),
        sa.UniqueConstraint("slug", name="uq_venues_slug"),
    )

    op.create_table(
        "cancellation_reasons",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venues.id"], name="fk_cancellation_reasons_venue_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cancellation_reasons"),
        sa.UniqueConstraint(
            "venue_id",
            "reason",
            name="uq_cancellation_reasons_venue_id_reason",
            postgresql_nulls_not_distinct=True,
        ),
    )

    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("full_name", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_customers_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_index(
        "uq_customers_venue_id_email",
        "customers",
        ["venue_id", sa.literal_column("lower(email)")],
        unique=True,
    )

    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("post", sa.String(length=10), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("post IN ('owner', 'staff')", name=op.f("ck_memberships_post_is_known")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_memberships_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_memberships_venue_id"),
        sa.PrimaryKeyConstraint("user_id", "venue_id", name="pk_memberships"),
    )

    op.create_table(
        "resources",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("counted_in", sa.String(length=10), nullable=False),
        sa.Column("max_quantity", sa.Integer(), nullable=False),
        sa.Column("people_per_room", sa.Integer(), nullable=True),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_decision_no", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("decision_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "decisions_per_second", sa.Double(), server_default=sa.text("1000"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(counted_in = 'rooms') = (people_per_room IS NOT NULL) AND people_per_room > 0",
            name=op.f("ck_resources_rooms_say_how_many_they_hold"),
        ),
        sa.CheckConstraint(
            "counted_in IN ('parties', 'seats', 'rooms')",
            name=op.f("ck_resources_counted_in_is_known"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(attributes) = 'object'",
            name=op.f("ck_resources_attributes_are_an_object"),
        ),
        sa.CheckConstraint("max_quantity > 0", name=op.f("ck_resources_max_quantity_is_positive")),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_resources_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_resources"),
        sa.UniqueConstraint("venue_id", "name", name="uq_resources_venue_id_name"),
    )

    op.create_table(
        "user_roles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name="fk_user_roles_role_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_user_roles_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "role_id", name="pk_user_roles"),
    )

    op.create_table(
        "bookings",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("reference", sa.String(length=7), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("guests", sa.Integer(), nullable=True),
        sa.Column(
            "status", sa.String(length=12), server_default=sa.text("'pending'"), nullable=False
        ),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("remaining", sa.Integer(), nullable=True),
        sa.Column("contact_email", sa.String(length=320), nullable=True),
        sa.Column("contact_name", sa.String(length=200), nullable=True),
        sa.Column("contact_phone", sa.String(length=40), nullable=True),
        sa.Column("special_requests", sa.Text(), nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("hold_minutes", sa.Integer(), nullable=True),
        sa.Column("is_bound", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_waited_for", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("cancellation_reason_id", sa.Integer(), nullable=True),
        sa.Column("idempotency_scope", sa.String(length=80), nullable=True),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("body_hmac", sa.LargeBinary(), nullable=True),
        sa.Column("address_hash", sa.LargeBinary(), nullable=True),
        sa.Column("access_version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("decision_no", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("traceparent", sa.String(length=60), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("no_show_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'cancelled') = (cancelled_at IS NOT NULL)",
            name=op.f("ck_bookings_cancelled_has_its_time"),
        ),
        sa.CheckConstraint(
            "(status = 'completed') = (completed_at IS NOT NULL)",
            name=op.f("ck_bookings_completed_has_its_time"),
        ),
        sa.CheckConstraint(
            "(status = 'expired') = (expired_at IS NOT NULL)",
            name=op.f("ck_bookings_expired_has_its_time"),
        ),
        sa.CheckConstraint(
            "(status = 'no_show') = (no_show_at IS NOT NULL)",
            name=op.f("ck_bookings_no_show_has_its_time"),
        ),
        sa.CheckConstraint(
            "reference ~ '^[A-Z0-9]{7}$'", name=op.f("ck_bookings_reference_is_seven")
        ),
        sa.CheckConstraint(
            "status <> 'pending' OR decided_at IS NULL",
            name=op.f("ck_bookings_pending_is_undecided"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'held') OR expires_at IS NULL",
            name=op.f("ck_bookings_only_open_states_expire"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'held', 'confirmed', 'rejected', 'expired', 'cancelled', 'checked_in', 'completed', 'no_show')",
            name=op.f("ck_bookings_status_is_known"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('checked_in', 'completed') OR (checked_in_at IS NOT NULL)",
            name=op.f("ck_bookings_checked_in_has_its_time"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('confirmed', 'checked_in', 'completed', 'no_show') OR (confirmed_at IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("ck_bookings_confirmed_has_its_times"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('held') OR (expires_at IS NOT NULL AND held_at IS NOT NULL AND decided_at IS NOT NULL)",
            name=op.f("ck_bookings_held_has_its_times"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('pending') OR (expires_at IS NOT NULL)",
            name=op.f("ck_bookings_pending_has_its_deadline"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('rejected') OR (decided_at IS NOT NULL)",
            name=op.f("ck_bookings_rejected_was_decided"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('rejected', 'expired') OR reason IS NOT NULL",
            name=op.f("ck_bookings_refusal_has_its_reason"),
        ),
        sa.CheckConstraint(
            "(decision_no IS NULL) = (decided_at IS NULL)",
            name=op.f("ck_bookings_decision_is_numbered"),
        ),
        sa.CheckConstraint(
            "(idempotency_key IS NULL OR (idempotency_scope IS NOT NULL AND body_hmac IS NOT NULL))",
            name=op.f("ck_bookings_idempotency_key_is_scoped"),
        ),
        sa.CheckConstraint("guests > 0", name=op.f("ck_bookings_guests_are_positive")),
        sa.CheckConstraint("hold_minutes > 0", name=op.f("ck_bookings_hold_minutes_are_positive")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_bookings_quantity_is_positive")),
        sa.ForeignKeyConstraint(
            ["cancellation_reason_id"],
            ["cancellation_reasons.id"],
            name="fk_bookings_cancellation_reason_id",
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_bookings_customer_id"),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name="fk_bookings_resource_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_bookings_user_id"),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_bookings_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_bookings"),
        sa.UniqueConstraint("reference", name="uq_bookings_reference"),
        sa.UniqueConstraint("seq", name="uq_bookings_seq"),
    )
    op.create_index(
        "ix_bookings_address",
        "bookings",
        ["address_hash"],
        unique=False,
        postgresql_where="status = 'held'",
    )
    op.create_index("ix_bookings_customer_id", "bookings", ["customer_id"], unique=False)
    op.create_index(
        "ix_bookings_deadline",
        "bookings",
        ["expires_at"],
        unique=False,
        postgresql_where="status IN ('pending', 'held')",
    )
    op.create_index(
        "ix_bookings_held",
        "bookings",
        ["resource_id", "expires_at"],
        unique=False,
        postgresql_where="status = 'held'",
    )
    op.create_index(
        "ix_bookings_pending",
        "bookings",
        ["resource_id", "seq"],
        unique=False,
        postgresql_where="status = 'pending'",
    )
    op.create_index("ix_bookings_user_id", "bookings", ["user_id"], unique=False)
    op.create_index("ix_bookings_venue_id_seq", "bookings", ["venue_id", "seq"], unique=False)
    op.create_index(
        "uq_bookings_decision",
        "bookings",
        ["resource_id", "decision_no"],
        unique=True,
        postgresql_where="decision_no IS NOT NULL",
    )
    op.create_index(
        "uq_bookings_idempotency",
        "bookings",
        ["idempotency_scope", "idempotency_key"],
        unique=True,
        postgresql_where="idempotency_key IS NOT NULL",
    )

    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "weekdays",
            sa.ARRAY(sa.Integer()),
            server_default=sa.text("'{1,2,3,4,5,6,7}'"),
            nullable=False,
        ),
        sa.Column("start_times", sa.ARRAY(sa.Time()), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("checkout_time", sa.Time(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "exceptions", sa.ARRAY(sa.Date()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("max_quantity", sa.Integer(), nullable=True),
        sa.Column(
            "price", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("made_until", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(checkout_time IS NULL) = (duration_minutes IS NOT NULL) AND duration_minutes > 0 AND (checkout_time IS NULL OR cardinality(start_times) = 1)",
            name=op.f("ck_schedules_lasts_minutes_or_a_night"),
        ),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_schedules_capacity_is_not_negative")),
        sa.CheckConstraint(
            "cardinality(start_times) > 0", name=op.f("ck_schedules_start_times_are_given")
        ),
        sa.CheckConstraint("max_quantity > 0", name=op.f("ck_schedules_max_quantity_is_positive")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_schedules_price_is_not_negative")),
        sa.CheckConstraint(
            "valid_until >= valid_from", name=op.f("ck_schedules_season_is_in_order")
        ),
        sa.CheckConstraint(
            "weekdays <@ ARRAY[1,2,3,4,5,6,7] AND cardinality(weekdays) > 0",
            name=op.f("ck_schedules_weekdays_are_iso"),
        ),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name="fk_schedules_resource_id"),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
    )
    op.create_index("ix_schedules_resource_id", "schedules", ["resource_id"], unique=False)

    op.create_table(
        "booking_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('placed', 'held', 'confirmed', 'rejected', 'expired', 'cancelled', 'checked_in', 'completed', 'no_show', 'changed', 'extended')",
            name=op.f("ck_booking_events_kind_is_known"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'held', 'confirmed', 'rejected', 'expired', 'cancelled', 'checked_in', 'completed', 'no_show')",
            name=op.f("ck_booking_events_status_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name="fk_booking_events_booking_id"
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_booking_events_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_booking_events"),
    )
    op.create_index("ix_booking_events_booking_id", "booking_events", ["booking_id"], unique=False)
    op.create_index(
        "ix_booking_events_venue_id_id", "booking_events", ["venue_id", "id"], unique=False
    )

    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "state", sa.String(length=10), server_default=sa.text("'queued'"), nullable=False
        ),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)",
            name=op.f("ck_notifications_sent_has_its_time"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'dropped', 'dead')",
            name=op.f("ck_notifications_state_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name="fk_notifications_booking_id"
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_notifications_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sa.UniqueConstraint(
            "booking_id", "kind", "version", name="uq_notifications_booking_id_kind_version"
        ),
    )
    op.create_index(
        "ix_notifications_due",
        "notifications",
        ["due_at"],
        unique=False,
        postgresql_where="state = 'queued'",
    )

    op.create_table(
        "slots",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sold_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("local_on", sa.Date(), nullable=False),
        sa.Column("is_night", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("max_quantity", sa.Integer(), nullable=True),
        sa.Column(
            "price", sa.Numeric(precision=12, scale=2), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("is_open", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_slots_currency_is_iso")),
        sa.CheckConstraint(
            "jsonb_typeof(attributes) = 'object'", name=op.f("ck_slots_attributes_are_an_object")
        ),
        sa.CheckConstraint(
            "0 <= remaining AND remaining <= capacity", name=op.f("ck_slots_remaining_fits")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_slots_ends_after_start")),
        sa.CheckConstraint("max_quantity > 0", name=op.f("ck_slots_max_quantity_is_positive")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_slots_price_is_not_negative")),
        sa.CheckConstraint(
            "sold_until BETWEEN starts_at AND ends_at", name=op.f("ck_slots_sold_until_it_ends")
        ),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name="fk_slots_resource_id"),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name="fk_slots_schedule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_slots"),
        sa.UniqueConstraint("resource_id", "starts_at", name="uq_slots_resource_id_starts_at"),
    )
    op.create_index(
        "ix_slots_resource_id_local_on", "slots", ["resource_id", "local_on"], unique=False
    )
    op.create_index("ix_slots_schedule_id", "slots", ["schedule_id"], unique=False)
    op.create_index(
        "uq_slots_night",
        "slots",
        ["resource_id", "local_on"],
        unique=True,
        postgresql_where="is_night",
    )

    op.create_table(
        "booking_slots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "unit_price >= 0", name=op.f("ck_booking_slots_unit_price_is_not_negative")
        ),
        sa.CheckConstraint("units > 0", name=op.f("ck_booking_slots_units_are_positive")),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name="fk_booking_slots_booking_id"
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name="fk_booking_slots_slot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_booking_slots"),
    )
    op.create_index("ix_booking_slots_booking_id", "booking_slots", ["booking_id"], unique=False)
    op.create_index("ix_booking_slots_slot_id", "booking_slots", ["slot_id"], unique=False)


def downgrade() -> None:
    op.drop_table("booking_slots")
    op.drop_table("slots")
    op.drop_table("notifications")
    op.drop_table("booking_events")
    op.drop_table("schedules")
    op.drop_table("bookings")
    op.drop_table("user_roles")
    op.drop_table("resources")
    op.drop_table("memberships")
    op.drop_table("customers")
    op.drop_table("cancellation_reasons")
    op.drop_table("venues")
    op.drop_table("users")
    op.drop_table("roles")
    op.drop_table("heartbeats")
