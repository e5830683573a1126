"""Search: departures of all venues by time, and by where they go, whatever the history."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEAR = "ck_slots_sold_until_is_near"


def upgrade() -> None:
    op.create_index("ix_slots_starts_at", "slots", ["starts_at", "id"])
    op.create_index(
        "ix_slots_destination",
        "slots",
        [sa.text("lower(attributes ->> 'destination') text_pattern_ops"), "starts_at"],
        postgresql_where=sa.text("(attributes ->> 'destination') IS NOT NULL"),
    )
    op.create_check_constraint(
        op.f(NEAR), "slots", "sold_until - starts_at <= interval '26 hours'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f(NEAR), "slots")
    op.drop_index("ix_slots_destination", "slots")
    op.drop_index("ix_slots_starts_at", "slots")
