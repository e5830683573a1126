"""Bookings that are cancelled or moved together: a job, and one item for each booking."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "bulk_jobs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("deed", sa.String(10), nullable=False),
        sa.Column("reason_id", sa.Integer(), nullable=True),
        sa.Column("to_slot_id", sa.Uuid(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("actor", sa.String(60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "deed IN ('cancel', 'move')", name=op.f("ck_bulk_jobs_deed_is_known")
        ),
        sa.CheckConstraint(
            "(deed = 'move') = (to_slot_id IS NOT NULL)",
            name=op.f("ck_bulk_jobs_a_move_leads_somewhere"),
        ),
        sa.CheckConstraint(
            "length(message) BETWEEN 1 AND 2000", name=op.f("ck_bulk_jobs_message_is_bounded")
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_bulk_jobs_venue_id"),
        sa.ForeignKeyConstraint(
            ["reason_id"], ["cancellation_reasons.id"], name="fk_bulk_jobs_reason_id"
        ),
        sa.ForeignKeyConstraint(["to_slot_id"], ["slots.id"], name="fk_bulk_jobs_to_slot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_jobs"),
    )
    op.create_index("ix_bulk_jobs_venue_id", "bulk_jobs", ["venue_id", "created_at"])
    op.create_index(
        "ix_bulk_jobs_open",
        "bulk_jobs",
        ["created_at"],
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "bulk_items",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(10), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("why", sa.String(300), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'done', 'refused')", name=op.f("ck_bulk_items_state_is_known")
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (why IS NOT NULL)",
            name=op.f("ck_bulk_items_refusal_has_its_words"),
        ),
        sa.CheckConstraint(
            "(state = 'done') = (revision IS NOT NULL)",
            name=op.f("ck_bulk_items_done_has_its_revision"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["bulk_jobs.id"], name="fk_bulk_items_job_id"),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name="fk_bulk_items_booking_id"),
        sa.PrimaryKeyConstraint("job_id", "booking_id", name="pk_bulk_items"),
    )
    op.create_index("ix_bulk_items_booking_id", "bulk_items", ["booking_id"])
    op.create_index(
        "ix_bulk_items_waiting",
        "bulk_items",
        ["job_id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    op.drop_table("bulk_items")
    op.drop_table("bulk_jobs")
