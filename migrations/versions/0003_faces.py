"""What the faces and the accounts need: details and codes of bookings, refresh and API tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.add_column(
        "venues",
        sa.Column(
            "public_consumer_calls", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column("venues", sa.Column("code_prefix", sa.String(5)))
    op.create_check_constraint(
        op.f("ck_venues_code_prefix_is_a_word"), "venues", "code_prefix ~ '^[A-Z]{2,5}$'"
    )
    op.add_column(
        "bookings",
        sa.Column(
            "details", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )
    op.add_column("bookings", sa.Column("confirmation_code", sa.String(12)))
    op.create_unique_constraint(
        op.f("uq_bookings_confirmation_code"), "bookings", ["confirmation_code"]
    )
    op.create_index("ix_bookings_phone", "bookings", ["contact_phone", "seq"])
    op.create_index(
        "ix_bookings_email", "bookings", [sa.literal_column("lower(contact_email)"), "seq"]
    )
    _create_refresh_tokens()
    _create_api_tokens()


def downgrade() -> None:
    op.drop_table("api_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index("ix_bookings_email", "bookings")
    op.drop_index("ix_bookings_phone", "bookings")
    op.drop_constraint(op.f("uq_bookings_confirmation_code"), "bookings")
    op.drop_column("bookings", "confirmation_code")
    op.drop_column("bookings", "details")
    op.drop_constraint(op.f("ck_venues_code_prefix_is_a_word"), "venues")
    op.drop_column("venues", "code_prefix")
    op.drop_column("venues", "public_consumer_calls")


def _create_refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_refresh_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_tokens_token_hash")),
    )
    op.create_index(op.f("ix_refresh_tokens_family"), "refresh_tokens", ["family"])
    op.create_index(op.f("ix_refresh_tokens_user_id"), "refresh_tokens", ["user_id"])


def _create_api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("venue_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(40)), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_api_tokens_scopes_are_given")),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_api_tokens_venue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_venue_id"), "api_tokens", ["venue_id"])
