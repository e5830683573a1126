"""Run by Alembic: migrate over the connection that migrations/schema.py hands in."""

from alembic import context
from sqlalchemy import Connection, text

from models import Base

LOCK_TIMEOUT = "1s"
STATEMENT_TIMEOUT = "60s"


def migrate(connection: Connection) -> None:
    """Migrate, each revision in its own transaction.

    A statement that waits for a busy table makes everybody else wait behind it, so it gives up
    soon; migrations/schema.py tries again.
    """
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.execute(text("SET transaction_timeout = 0"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


migrate(context.config.attributes["connection"])
