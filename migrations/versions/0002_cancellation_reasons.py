"""The cancellation reasons that serve every venue; clients know them by these ids."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REASONS = (
    (1, "Customer Request", "Customer requested cancellation"),
    (2, "Restaurant Closure", "Restaurant temporarily closed"),
    (3, "Weather", "Cancelled due to weather conditions"),
    (4, "Emergency", "Emergency cancellation"),
    (5, "No Show", "Customer did not show up"),
)

reasons = sa.table(
    "cancellation_reasons",
    sa.column("id", sa.Integer),
    sa.column("reason", sa.String),
    sa.column("description", sa.Text),
)


def upgrade() -> None:
    rows = [dict(zip(("id", "reason", "description"), row, strict=True)) for row in REASONS]
    op.bulk_insert(reasons, rows)
    op.execute(f"ALTER TABLE cancellation_reasons ALTER COLUMN id RESTART WITH {len(rows) + 1}")


def downgrade() -> None:
    ids = [row[0] for row in REASONS]
    op.execute(sa.delete(reasons).where(reasons.c.id.in_(ids)))
    op.execute("ALTER TABLE cancellation_reasons ALTER COLUMN id RESTART WITH 1")
