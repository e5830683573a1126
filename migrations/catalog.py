"""Compare two databases by what their catalogs say: columns, constraints, indexes, in full.

Alembic's own comparison does not see CHECK constraints. The other database is one that the models
themselves have made.
"""

from sqlalchemy import Connection, text

from models import Base

COLUMNS = """
    SELECT format('column %s.%s: %s%s%s%s', relname, attname, format_type(atttypid, atttypmod),
                  CASE WHEN attnotnull THEN ' not null' ELSE '' END,
                  CASE attidentity WHEN 'd' THEN ' identity' WHEN 'a' THEN ' identity always'
                                   ELSE '' END,
                  ' default ' || pg_get_expr(adbin, adrelid))
      FROM pg_attribute
      JOIN pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p')
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
       AND relname <> 'alembic_version'
"""
CONSTRAINTS = """
    SELECT format('constraint %s on %s: %s', conname, conrelid::regclass,
                  pg_get_constraintdef(oid))
      FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
       AND contype <> 'n'  -- NOT NULL is told with its column, whatever it was once named
       AND conrelid IS DISTINCT FROM to_regclass('alembic_version')
"""
INDEXES = """
    SELECT format('index %s', indexdef)
      FROM pg_indexes
     WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


def make_tables(connection: Connection) -> None:
    """Make the tables as the models say, without migrations, and commit."""
    Base.metadata.create_all(connection)
    connection.commit()


def differences(migrated: Connection, modelled: Connection) -> list[str]:
    """Return one line for each thing that only one of the two databases has."""
    ours, theirs = catalog(migrated), catalog(modelled)
    return [
        *(f"only in the migrations: {line}" for line in sorted(ours - theirs)),
        *(f"only in the models: {line}" for line in sorted(theirs - ours)),
    ]


def catalog(connection: Connection) -> set[str]:
    """Return every column, constraint and index of the schema, one line each."""
    return {
        line
        for query in (COLUMNS, CONSTRAINTS, INDEXES)
        for line in connection.execute(text(query)).scalars()
    }
