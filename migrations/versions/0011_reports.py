"""Reports, and the schedules by which they are made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "report_schedules",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Uuid()),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("format", sa.String(4), nullable=False),
        sa.Column("every", sa.String(5), nullable=False),
        sa.Column("at_hour", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "every IN ('day', 'week', 'month')", name=op.f("ck_report_schedules_every_is_known")
        ),
        sa.CheckConstraint(
            "format IN ('csv', 'json', 'xlsx', 'pdf')",
            name=op.f("ck_report_schedules_format_is_known"),
        ),
        sa.CheckConstraint(
            "at_hour BETWEEN 0 AND 23", name=op.f("ck_report_schedules_hour_is_of_a_day")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_report_schedules_resource_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_report_schedules_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["venue_id"], ["venues.id"], name=op.f("fk_report_schedules_venue_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedules")),
    )
    op.create_index("ix_report_schedules_next_at", "report_schedules", ["next_at"])
    op.create_index(op.f("ix_report_schedules_user_id"), "report_schedules", ["user_id"])
    op.create_index("ix_report_schedules_venue_id", "report_schedules", ["venue_id"])
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("key", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Uuid()),
        sa.Column("schedule_id", sa.Integer()),
        sa.Column("scheduled_for", sa.DateTime(timezone=True)),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("asked_by", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("format", sa.String(4), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(10), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("run", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_total", sa.BigInteger()),
        sa.Column("after_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("to_seq", sa.BigInteger()),
        sa.Column(
            "files", sa.ARRAY(sa.String(100)), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "figures",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("error", sa.String(80)),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled', 'removed')) = (finished_at IS NOT NULL)",
            name=op.f("ck_reports_end_has_its_time"),
        ),
        sa.CheckConstraint(
            "format IN ('csv', 'json', 'xlsx', 'pdf')", name=op.f("ck_reports_format_is_known")
        ),
        sa.CheckConstraint(
            "state <> 'done' OR expires_at IS NOT NULL",
            name=op.f("ck_reports_done_has_its_deadline"),
        ),
        sa.CheckConstraint(
            "state <> 'failed' OR error IS NOT NULL", name=op.f("ck_reports_failure_has_its_kind")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'removed')",
            name=op.f("ck_reports_state_is_known"),
        ),
        sa.CheckConstraint("last_on >= first_on", name=op.f("ck_reports_days_are_in_order")),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_reports_resource_id")
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["report_schedules.id"],
            name=op.f("fk_reports_schedule_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reports_user_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_reports_venue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("key", name=op.f("uq_reports_key")),
        sa.UniqueConstraint(
            "schedule_id", "scheduled_for", name=op.f("uq_reports_schedule_id_scheduled_for")
        ),
    )
    op.create_index(
        "ix_reports_expires_at",
        "reports",
        ["expires_at"],
        postgresql_where=sa.text("state = 'done'"),
    )
    op.create_index(
        "ix_reports_open",
        "reports",
        ["due_at"],
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_index("ix_reports_venue_id", "reports", ["venue_id", "id"])


def downgrade() -> None:
    op.drop_table("reports")
    op.drop_table("report_schedules")
