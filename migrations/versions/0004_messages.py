"""Messages of all kinds: links that are good once, the venue's words and wishes, the breaker."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = (
    "received",
    "held",
    "hold_expires",
    "confirmed",
    "rejected",
    "expired",
    "changed",
    "cancelled",
    "reminder",
    "venue_new",
    "venue_changed",
    "venue_cancelled",
    "venue_digest",
    "slot_filling",
    "sign_in",
    "reset",
    "proof",
    "report_ready",
)
VENUE_CHECKS = {
    "ck_venues_colour_is_six_digits": "colour ~ '^#[0-9a-f]{6}$'",
    "ck_venues_told_is_known": "told_of_bookings IN ('at_once', 'daily', 'never')",
    "ck_venues_message_times_are_bounded": (
        "reminder_hours BETWEEN 1 AND 336 AND hold_warning_minutes BETWEEN 1 AND 1440"
        " AND digest_hour BETWEEN 0 AND 23 AND fullness_percent BETWEEN 1 AND 100"
    ),
}
NOTIFICATION_CHECKS = {
    "ck_notifications_is_about_one_thing": (
        "num_nonnulls(booking_id, slot_id, link_id, period_on) = 1"
    ),
    "ck_notifications_has_its_venue": "link_id IS NOT NULL OR venue_id IS NOT NULL",
}
STATE = "ck_notifications_state_is_known"
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    for column in _venue_columns():
        op.add_column("venues", column)
    for name, condition in VENUE_CHECKS.items():
        op.create_check_constraint(op.f(name), "venues", condition)
    op.add_column("bookings", sa.Column("language", sa.String(35), nullable=True))
    op.add_column(
        "resources",
        sa.Column("feed_version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
    )
    _make_links()
    _make_texts()
    op.create_table(
        "breakers",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shut_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(200), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_breakers_failures_are_counted")),
        sa.PrimaryKeyConstraint("name", name="pk_breakers"),
    )
    _widen_notifications()


def _make_links() -> None:
    op.create_table(
        "one_time_links",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("venue_id", sa.Integer(), nullable=True),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("language", sa.String(35), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "purpose IN ('sign_in', 'reset', 'proof', 'report_ready')",
            name=op.f("ck_one_time_links_purpose_is_known"),
        ),
        sa.CheckConstraint(
            "expires_at > created_at", name=op.f("ck_one_time_links_expires_after_it_is_made")
        ),
        sa.CheckConstraint("path LIKE '/%'", name=op.f("ck_one_time_links_path_is_of_this_site")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_one_time_links_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_one_time_links_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_links"),
        sa.UniqueConstraint("token_hash", name="uq_one_time_links_token_hash"),
    )
    op.create_index("ix_one_time_links_user_id", "one_time_links", ["user_id"])
    op.create_index("ix_one_time_links_expires_at", "one_time_links", ["expires_at"])


def _make_texts() -> None:
    op.create_table(
        "message_texts",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(_one_of("kind", KINDS), name=op.f("ck_message_texts_kind_is_known")),
        sa.CheckConstraint(
            "length(words) BETWEEN 1 AND 2000", name=op.f("ck_message_texts_words_are_bounded")
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_message_texts_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_message_texts"),
        sa.UniqueConstraint(
            "venue_id", "kind", "language", name="uq_message_texts_venue_id_kind_language"
        ),
    )


def _widen_notifications() -> None:
    for column in _notification_columns():
        op.add_column("notifications", column)
    op.create_foreign_key(
        "fk_notifications_slot_id", "notifications", "slots", ["slot_id"], ["id"],
        ondelete="CASCADE",
    )
    op.create_foreign_key(
        "fk_notifications_link_id", "notifications", "one_time_links", ["link_id"], ["id"],
        ondelete="CASCADE",
    )
    op.alter_column("notifications", "venue_id", nullable=True)
    op.alter_column("notifications", "booking_id", nullable=True)
    op.alter_column("notifications", "version", server_default=sa.text("1"))
    op.drop_constraint(STATE, "notifications")
    _check_state("queued", "sent", "dropped", "refused", "dead")
    op.create_check_constraint(
        op.f("ck_notifications_kind_is_known"), "notifications", _one_of("kind", KINDS)
    )
    for name, condition in NOTIFICATION_CHECKS.items():
        op.create_check_constraint(op.f(name), "notifications", condition)
    op.create_index("ix_notifications_venue_id_id", "notifications", ["venue_id", "id"])
    op.create_index(
        "ix_notifications_address",
        "notifications",
        ["address_hash", "due_at"],
        postgresql_where="address_hash IS NOT NULL",
    )
    for name, columns, column in (
        ("uq_notifications_slot", ["slot_id", "kind"], "slot_id"),
        ("uq_notifications_link", ["link_id"], "link_id"),
        ("uq_notifications_period", ["venue_id", "kind", "period_on"], "period_on"),
    ):
        op.create_index(
            name,
            "notifications",
            columns,
            unique=True,
            postgresql_where=f"{column} IS NOT NULL",
        )


def downgrade() -> None:
    # What the older tables cannot hold is no message of a booking, or one of a kind they have not.
    older = ("received", "held", "confirmed", "rejected", "expired", "changed", "cancelled")
    op.execute(f"DELETE FROM notifications WHERE NOT ({_one_of('kind', older)})")
    op.execute("UPDATE notifications SET state = 'dead' WHERE state = 'refused'")
    for name in ("period", "link", "slot"):
        op.drop_index(f"uq_notifications_{name}", "notifications")
    op.drop_index("ix_notifications_address", "notifications")
    op.drop_index("ix_notifications_venue_id_id", "notifications")
    for name in (*NOTIFICATION_CHECKS, "ck_notifications_kind_is_known", STATE):
        op.drop_constraint(name, "notifications")
    _check_state("queued", "sent", "dropped", "dead")
    op.alter_column("notifications", "version", server_default=None)
    op.alter_column("notifications", "booking_id", nullable=False)
    op.alter_column("notifications", "venue_id", nullable=False)
    op.drop_constraint("fk_notifications_link_id", "notifications")
    op.drop_constraint("fk_notifications_slot_id", "notifications")
    for column in _notification_columns():
        op.drop_column("notifications", column.name)
    op.drop_table("breakers")
    op.drop_table("message_texts")
    op.drop_table("one_time_links")
    op.drop_column("resources", "feed_version")
    op.drop_column("bookings", "language")
    for name in VENUE_CHECKS:
        op.drop_constraint(name, "venues")
    for column in _venue_columns():
        op.drop_column("venues", column.name)


def _venue_columns() -> list[sa.Column]:
    return [
        sa.Column("language", sa.String(10), server_default=sa.text("'en'"), nullable=False),
        sa.Column("colour", sa.CHAR(7), server_default=sa.text("'#14505c'"), nullable=False),
        sa.Column("contact_email", sa.String(320), nullable=True),
        sa.Column(
            "told_of_bookings", sa.String(10), server_default=sa.text("'at_once'"), nullable=False
        ),
        sa.Column("digest_hour", sa.SmallInteger(), server_default=sa.text("7"), nullable=False),
        sa.Column("fullness_percent", sa.SmallInteger(), nullable=True),
        sa.Column("reminder_hours", sa.Integer(), server_default=sa.text("24"), nullable=True),
        sa.Column("hold_warning_minutes", sa.Integer(), server_default=sa.text("5"), nullable=False),
    ]


def _notification_columns() -> list[sa.Column]:
    return [
        sa.Column("slot_id", sa.Uuid(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("period_on", sa.Date(), nullable=True),
        sa.Column("address_hash", sa.LargeBinary(), nullable=True),
    ]


def _check_state(*states: str) -> None:
    op.create_check_constraint(op.f(STATE), "notifications", _one_of("state", states))


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(map(repr, values))})"
