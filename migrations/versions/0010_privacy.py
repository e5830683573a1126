"""Privacy: policies, legal holds, erasures and receipts; when a booking is over and was purged.

`over_at` of older bookings is filled in by the purge itself, portion by portion.
"""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
A_KEY = sa.text("gen_random_uuid()")
NOTHING = sa.text("'{}'::jsonb")
NO = sa.text("false")
# What is an enumeration in the models, and gets a member more: table, column, constraint.
LISTS = (
    ("one_time_links", "purpose", "ck_one_time_links_purpose_is_known"),
    ("notifications", "kind", "ck_notifications_kind_is_known"),
    ("message_texts", "kind", "ck_message_texts_kind_is_known"),
)
MEMBER = "privacy"


def upgrade() -> None:
    for table, column, name in LISTS:
        _list(table, column, name, [*_members(name), MEMBER])
    _make_policies()
    _make_holds()
    _make_erasures()
    _make_receipts()
    _mark_bookings()
    op.create_index(
        "ix_notifications_personal",
        "notifications",
        ["venue_id", "created_at"],
        postgresql_where=sa.text("address_hash IS NOT NULL OR last_error IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_events_reason",
        "audit_events",
        ["venue_id", "at"],
        postgresql_where=sa.text("reason IS NOT NULL"),
    )
    op.execute("""
        CREATE FUNCTION reason_is_only_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.reason IS NOT NULL THEN
                RAISE EXCEPTION 'the reason of an act can only be emptied'
                    USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN NEW;
        END $$""")
    op.execute("""
        CREATE TRIGGER reason_is_only_emptied BEFORE UPDATE ON audit_events
        FOR EACH ROW EXECUTE FUNCTION reason_is_only_emptied()""")


def downgrade() -> None:
    op.execute("DROP TRIGGER reason_is_only_emptied ON audit_events")
    op.execute("DROP FUNCTION reason_is_only_emptied")
    op.drop_index("ix_audit_events_reason", "audit_events")
    op.drop_index("ix_notifications_personal", "notifications")
    for name in ("requests", "skeleton", "unpurged"):
        op.drop_index(f"ix_bookings_{name}", "bookings")
    # What checks these columns goes with them.
    op.drop_column("bookings", "purged_at")
    op.drop_column("bookings", "over_at")
    op.drop_column("customers", "is_nobody")
    for table in (
        "privacy_receipts",
        "erasures",
        "erasure_requests",
        "legal_holds",
        "privacy_policies",
    ):
        op.drop_table(table)
    op.execute(f"DELETE FROM notifications WHERE kind = '{MEMBER}'")
    op.execute(f"DELETE FROM one_time_links WHERE purpose = '{MEMBER}'")
    for table, column, name in LISTS:
        _list(table, column, name, [each for each in _members(name) if each != MEMBER])


def _members(name: str) -> list[str]:
    """Return the members of an enumeration as its constraint has them."""
    written = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": name},
    )
    return re.findall(r"'(\w+)'", str(written))


def _list(table: str, column: str, name: str, members: list[str]) -> None:
    op.drop_constraint(op.f(name), table)
    listed = ", ".join(f"'{member}'" for member in members)
    op.create_check_constraint(op.f(name), table, f"{column} IN ({listed})")


def _make_policies() -> None:
    op.create_table(
        "privacy_policies",
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contact_days", sa.Integer(), nullable=False),
        sa.Column("requests_days", sa.Integer(), nullable=False),
        sa.Column("messages_days", sa.Integer(), nullable=False),
        sa.Column("skeleton_days", sa.Integer(), nullable=True),
        sa.Column("audit_days", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "requests_days >= 1 AND messages_days >= 1 AND audit_days >= 1"
            " AND requests_days <= contact_days AND messages_days <= contact_days"
            " AND contact_days <= 36500 AND audit_days <= 36500",
            name=op.f("ck_privacy_policies_days_are_bounded"),
        ),
        sa.CheckConstraint(
            "skeleton_days BETWEEN contact_days AND 36500",
            name=op.f("ck_privacy_policies_skeleton_outlasts_contact"),
        ),
        sa.CheckConstraint(
            "version > 0", name=op.f("ck_privacy_policies_version_is_positive")
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_privacy_policies_venue_id"),
        sa.PrimaryKeyConstraint("venue_id", "version", name="pk_privacy_policies"),
    )


def _make_holds() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Uuid(), server_default=A_KEY, nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("covers_customer", sa.Boolean(), server_default=NO, nullable=False),
        sa.Column("reason", sa.String(300), nullable=True),
        sa.Column("set_by", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "ends_at > created_at", name=op.f("ck_legal_holds_ends_after_it_is_made")
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="fk_legal_holds_booking_id"),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_legal_holds_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_legal_holds"),
    )
    op.create_index("ix_legal_holds_booking_id", "legal_holds", ["booking_id"])
    op.create_index("ix_legal_holds_venue_id", "legal_holds", ["venue_id", "ends_at"])


def _make_erasures() -> None:
    op.create_table(
        "erasure_requests",
        sa.Column("id", sa.Uuid(), server_default=A_KEY, nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(320), nullable=True),
        sa.Column("on_future", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), server_default=sa.text("'open'"), nullable=False),
        sa.Column("waits_for", sa.String(20), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'waiting', 'done')",
            name=op.f("ck_erasure_requests_state_is_known"),
        ),
        sa.CheckConstraint(
            "on_future IN ('cancel', 'keep')",
            name=op.f("ck_erasure_requests_on_future_is_known"),
        ),
        sa.CheckConstraint(
            "(state = 'done') = (done_at IS NOT NULL)",
            name=op.f("ck_erasure_requests_done_has_its_time"),
        ),
        sa.CheckConstraint(
            "(state = 'done') = (email IS NULL)",
            name=op.f("ck_erasure_requests_done_knows_no_address"),
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_erasure_requests_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_erasure_requests"),
    )
    op.create_index(
        "ix_erasure_requests_open",
        "erasure_requests",
        ["due_at"],
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.create_index("ix_erasure_requests_venue_id", "erasure_requests", ["venue_id"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), server_default=A_KEY, nullable=False),
        sa.Column("booking_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index(
        "ix_erasures_unkept", "erasures", ["at"], postgresql_where=sa.text("kept_at IS NULL")
    )


def _make_receipts() -> None:
    op.create_table(
        "privacy_receipts",
        sa.Column("id", sa.Uuid(), server_default=A_KEY, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=True),
        sa.Column("run_on", sa.Date(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), server_default=NOTHING, nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.String(80)), nullable=False),
        sa.Column("stores", postgresql.ARRAY(sa.String(40)), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "kind IN ('purge', 'erasure', 'replay')",
            name=op.f("ck_privacy_receipts_kind_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["erasure_requests.id"], name="fk_privacy_receipts_request_id"
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_privacy_receipts_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_receipts"),
        sa.UniqueConstraint("request_id", name="uq_privacy_receipts_request_id"),
    )
    op.create_index(
        "uq_privacy_receipts_run",
        "privacy_receipts",
        ["venue_id", "run_on", "policy_version"],
        unique=True,
        postgresql_where=sa.text("kind = 'purge'"),
    )
    op.create_index(
        "ix_privacy_receipts_venue_id", "privacy_receipts", ["venue_id", "started_at"]
    )


def _mark_bookings() -> None:
    op.add_column("bookings", sa.Column("over_at", sa.DateTime(timezone=True)))
    op.add_column("bookings", sa.Column("purged_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_bookings_purged_knows_nobody"),
        "bookings",
        "purged_at IS NULL OR (num_nonnulls(contact_email, contact_name, contact_phone,"
        " special_requests, user_id, address_hash, idempotency_key) = 0"
        " AND details = '{}'::jsonb)",
    )
    for name, where in (
        ("unpurged", "purged_at IS NULL"),
        ("requests", "special_requests IS NOT NULL OR details <> '{}'::jsonb"),
        (
            "skeleton",
            "purged_at IS NOT NULL AND (confirmation_code IS NOT NULL OR language IS NOT NULL)",
        ),
    ):
        op.create_index(
            f"ix_bookings_{name}",
            "bookings",
            ["venue_id", "over_at"],
            postgresql_where=sa.text(where),
        )
    op.add_column("customers", sa.Column("is_nobody", sa.Boolean(), server_default=NO, nullable=False))
    op.create_check_constraint(
        op.f("ck_customers_nobody_is_nameless"),
        "customers",
        "NOT is_nobody OR num_nonnulls(email, full_name, phone) = 0",
    )
    op.create_index(
        "uq_customers_nobody",
        "customers",
        ["venue_id"],
        unique=True,
        postgresql_where=sa.text("is_nobody"),
    )
