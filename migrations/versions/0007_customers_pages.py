"""What customers' pages keep: who may frame a venue's form; what an account wants to be told, and how."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "venues",
        sa.Column(
            "embed_origins",
            postgresql.ARRAY(sa.String(200)),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column("users", sa.Column("language", sa.String(35)))
    op.add_column("users", sa.Column("reminders_declined_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("users", "reminders_declined_at")
    op.drop_column("users", "language")
    op.drop_column("venues", "embed_origins")
