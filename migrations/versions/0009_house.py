"""The owners' house: sessions and second factors, invitations, closures, customers' notes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
NONE = sa.text("'{}'")
A_KEY = sa.text("gen_random_uuid()")
EMPTY = sa.text("''")

NOTICES = (
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
PURPOSES = ("sign_in", "reset", "proof", "report_ready")
# What is an enumeration in the models: table, column, constraint, members so far.
LISTS = (
    ("one_time_links", "purpose", "ck_one_time_links_purpose_is_known", PURPOSES),
    ("notifications", "kind", "ck_notifications_kind_is_known", NOTICES),
    ("message_texts", "kind", "ck_message_texts_kind_is_known", NOTICES),
)


def upgrade() -> None:
    op.add_column("users", sa.Column("totp_last_counter", sa.BigInteger()))
    op.add_column("users", sa.Column("mf_recovery_codes", postgresql.ARRAY(sa.String(255))))
    _make_sessions()
    _make_invitations()
    _make_closures()
    op.add_column(
        "venues", sa.Column("opening_hours", sa.Text(), server_default=EMPTY, nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_venues_origins_are_few"), "venues", "cardinality(embed_origins) <= 20"
    )
    op.create_check_constraint(
        op.f("ck_venues_opening_hours_are_bounded"), "venues", "length(opening_hours) <= 2000"
    )
    _find_customers()
    op.create_index(
        "ix_bookings_reason",
        "bookings",
        ["cancellation_reason_id"],
        postgresql_where=sa.text("cancellation_reason_id IS NOT NULL"),
    )
    for table, column, name, members in LISTS:
        _list(table, column, name, (*members, "invitation"))


def downgrade() -> None:
    op.execute("DELETE FROM notifications WHERE kind = 'invitation'")
    op.execute("DELETE FROM one_time_links WHERE purpose = 'invitation'")
    for table, column, name, members in LISTS:
        _list(table, column, name, members)
    op.drop_index("ix_bookings_reason", "bookings")
    for index in ("phone", "email", "name", "venue_id_id"):
        op.drop_index(f"ix_customers_{index}", "customers")
    op.drop_column("customers", "notes")
    op.drop_column("venues", "opening_hours")
    op.drop_constraint(op.f("ck_venues_origins_are_few"), "venues")
    for table in ("closures", "invitations", "house_sessions"):
        op.drop_table(table)
    op.drop_column("users", "mf_recovery_codes")
    op.drop_column("users", "totp_last_counter")


def _make_sessions() -> None:
    op.create_table(
        "house_sessions",
        sa.Column("id", sa.Uuid(), server_default=A_KEY, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("browser", sa.String(80), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "expires_at > created_at", name=op.f("ck_house_sessions_expires_after_it_is_made")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_house_sessions_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_house_sessions"),
    )
    op.create_index("ix_house_sessions_user_id", "house_sessions", ["user_id"])


def _make_invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), server_default=A_KEY, nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("post", sa.String(10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("post IN ('owner', 'staff')", name=op.f("ck_invitations_post_is_known")),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_invitations_venue_id"),
        sa.ForeignKeyConstraint(
            ["link_id"],
            ["one_time_links.id"],
            name="fk_invitations_link_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("link_id", name="uq_invitations_link_id"),
    )
    op.create_index(
        "uq_invitations_venue_id_email",
        "invitations",
        ["venue_id", sa.text("lower(email)")],
        unique=True,
    )


def _make_closures() -> None:
    op.create_table(
        "closures",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(200), server_default=EMPTY, nullable=False),
        sa.Column("slot_ids", postgresql.ARRAY(sa.Uuid()), server_default=NONE, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "last_on BETWEEN first_on AND first_on + 366",
            name=op.f("ck_closures_days_are_in_order"),
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_closures_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_closures"),
    )
    op.create_index("ix_closures_venue_id", "closures", ["venue_id"])


def _find_customers() -> None:
    op.add_column(
        "customers", sa.Column("notes", sa.Text(), server_default=EMPTY, nullable=False)
    )
    op.create_index("ix_customers_venue_id_id", "customers", ["venue_id", "id"])
    op.create_index(
        "ix_customers_name",
        "customers",
        [sa.text("to_tsvector('simple'::regconfig, coalesce(full_name, ''))")],
        postgresql_using="gin",
    )
    op.create_index(
        "ix_customers_email",
        "customers",
        ["venue_id", sa.text("lower(email) text_pattern_ops")],
    )
    op.create_index(
        "ix_customers_phone",
        "customers",
        [
            "venue_id",
            sa.text("reverse(regexp_replace(phone, '[^0-9]', '', 'g')) text_pattern_ops"),
        ],
    )


def _list(table: str, column: str, name: str, members: tuple[str, ...]) -> None:
    """Let a column hold these words and no others."""
    listed = ", ".join(f"'{member}'" for member in members)
    op.drop_constraint(op.f(name), table)
    op.create_check_constraint(op.f(name), table, f"{column} IN ({listed})")
