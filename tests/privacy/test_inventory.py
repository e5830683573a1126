"""Nobody adds a column of text without saying whether it tells of a person."""

from sqlalchemy import LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB

from booking.privacy.inventory import IMPERSONAL, PERSONAL, FieldClass, shown
from models import Base

TEXTS = (String, JSONB, LargeBinary)
TABLES = Base.metadata.tables


def columns_of_text() -> set[tuple[str, str]]:
    return {
        (table.name, column.name)
        for table in TABLES.values()
        for column in table.columns
        if isinstance(getattr(column.type, "item_type", column.type), TEXTS)
    }


def test_every_column_of_text_is_classified_once() -> None:
    personal = [(each.table, each.column) for each in PERSONAL]
    impersonal = [(table, name) for table, names in IMPERSONAL.items() for name in names]

    classified = personal + impersonal

    assert set(classified) == columns_of_text()
    assert len(classified) == len(set(classified))


def test_what_is_emptied_can_be_empty() -> None:
    """A column that must hold something cannot be purged by emptying it."""
    for each in PERSONAL:
        if isinstance(each.goes, FieldClass) and each.emptied is None:
            assert TABLES[each.table].c[each.column].nullable, each.name


def test_no_secret_is_shown_in_an_export() -> None:
    names = {column.name for table in TABLES for column in shown(table)}

    assert {"contact_email", "full_name", "special_requests"} <= names
    assert not names & {"password", "tf_totp_secret", "token_hash", "body_hmac", "address_hash"}


def test_the_tables_themselves_refuse_a_person_in_a_purged_row() -> None:
    guards = [*TABLES["bookings"].constraints, *TABLES["customers"].constraints]
    names = {str(each.name) for each in guards}

    assert {"ck_bookings_purged_knows_nobody", "ck_customers_nobody_is_nameless"} <= names
