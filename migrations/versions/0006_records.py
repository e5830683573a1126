"""Records: acts of a venue's people, the chain of sealed events, runs of jobs.

And what PostgreSQL should know of destinations: how many departures go where, so that a search by
name reads those alone.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
NOTHING = sa.text("'{}'::jsonb")


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=True),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("actor", sa.String(60), nullable=False),
        sa.Column("reason", sa.String(300), nullable=True),
        sa.Column("details", postgresql.JSONB(), server_default=NOTHING, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_audit_events_venue_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_venue_id_id", "audit_events", ["venue_id", "id"])
    op.create_index("ix_audit_events_subject", "audit_events", ["subject", "id"])
    op.create_table(
        "event_seals",
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_event_seals_number_is_positive")),
        sa.CheckConstraint("length(digest) = 32", name=op.f("ck_event_seals_digest_is_sha256")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["booking_events.id"], name="fk_event_seals_event_id"
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name="fk_event_seals_venue_id"),
        sa.PrimaryKeyConstraint("venue_id", "number", name="pk_event_seals"),
        sa.UniqueConstraint("event_id", name="uq_event_seals_event_id"),
    )
    op.create_table(
        "job_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job", sa.String(40), nullable=False),
        sa.Column("period", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(10), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by", sa.String(60), nullable=True),
        sa.Column("error", sa.String(80), nullable=True),
        sa.Column("counts", postgresql.JSONB(), server_default=NOTHING, nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'waiting', 'done', 'failed')",
            name=op.f("ck_job_runs_state_is_known"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_job_runs_attempts_are_counted")),
        sa.CheckConstraint(
            "(state IN ('done', 'failed')) = (finished_at IS NOT NULL)",
            name=op.f("ck_job_runs_end_has_its_time"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_job_runs"),
        sa.UniqueConstraint("job", "period", name="uq_job_runs_job_period"),
    )
    op.execute(
        "CREATE STATISTICS slots_destination ON (lower(attributes ->> 'destination')) FROM slots"
    )


def downgrade() -> None:
    op.execute("DROP STATISTICS slots_destination")
    op.drop_table("job_runs")
    op.drop_table("event_seals")
    op.drop_table("audit_events")
