"""What the role of the running processes may do with the schema: work in it, not change it."""

from sqlalchemy import Connection, text

APPENDED_ONLY = ("booking_events", "audit_events", "event_seals")
# A trigger sees to it that these can only be emptied, when their time has come.
EMPTIED_ONLY = {"audit_events": "reason"}
READ_ONLY = ("alembic_version",)


def grant_rights(connection: Connection, role: str) -> None:
    """Give the role its rights on every table there is, and no more. Commits nothing."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    whom = quote(role)
    for statement in (
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {whom}",
        f"GRANT USAGE ON SCHEMA public TO {whom}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {whom}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {whom}",
        *(f"REVOKE UPDATE, DELETE ON {quote(table)} FROM {whom}" for table in APPENDED_ONLY),
        *(
            f"GRANT UPDATE ({column}) ON {table} TO {whom}"
            for table, column in EMPTIED_ONLY.items()
        ),
        *(f"REVOKE INSERT, UPDATE, DELETE ON {quote(table)} FROM {whom}" for table in READ_ONLY),
    ):
        connection.execute(text(statement))
