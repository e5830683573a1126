"""Every column that can hold text, and whether it tells of a person: the one inventory.

The purge empties what stands here and the export shows it. A test compares it with the tables, so
that no new column of text goes unclassified.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, text

from models import Base


class FieldClass(StrEnum):
    """What kind of personal data a column holds; venues have a policy for each of these."""

    CONTACT = "contact"
    REQUESTS = "requests"
    MESSAGES = "messages"
    SKELETON = "skeleton"
    AUDIT = "audit"


class Lifetime(StrEnum):
    """When personal data goes that no venue's policy speaks of."""

    ACCOUNT = "with the account, when its owner asks"
    LINK = "a month after the link has run out, or with the erasure"
    REQUEST = "when the request is done"
    HOUSE = "with the venue: its own people and its own words"


@dataclass(frozen=True, slots=True)
class Personal:
    """A personal column. `emptied` is what it holds afterwards; rows of some tables go as a whole.

    Secrets and what only this program needs are not shown in an export.
    """

    table: str
    column: str
    goes: FieldClass | Lifetime
    emptied: Any = None
    is_shown: bool = True

    @property
    def name(self) -> str:
        """Return the name by which receipts and documents call it."""
        return f"{self.table}.{self.column}"


_C, _L = FieldClass, Lifetime

PERSONAL: tuple[Personal, ...] = (
    Personal("bookings", "contact_email", _C.CONTACT),
    Personal("bookings", "contact_name", _C.CONTACT),
    Personal("bookings", "contact_phone", _C.CONTACT),
    Personal("bookings", "address_hash", _C.CONTACT, is_shown=False),
    Personal("bookings", "idempotency_scope", _C.CONTACT, is_shown=False),
    Personal("bookings", "idempotency_key", _C.CONTACT),
    Personal("bookings", "body_hmac", _C.CONTACT, is_shown=False),
    Personal("bookings", "request_id", _C.CONTACT),
    Personal("bookings", "traceparent", _C.CONTACT),
    Personal("bookings", "special_requests", _C.REQUESTS),
    Personal("bookings", "details", _C.REQUESTS, emptied=text("'{}'::jsonb")),
    Personal("bookings", "confirmation_code", _C.SKELETON),
    Personal("bookings", "language", _C.SKELETON),
    # The row of a customer whom no booking names any more goes as a whole.
    Personal("customers", "email", _C.CONTACT),
    Personal("customers", "full_name", _C.CONTACT),
    Personal("customers", "phone", _C.CONTACT),
    Personal("customers", "notes", _C.CONTACT, emptied=text("''")),
    Personal("notifications", "address_hash", _C.MESSAGES, is_shown=False),
    Personal("notifications", "last_error", _C.MESSAGES),
    Personal("audit_events", "reason", _C.AUDIT),
    Personal("legal_holds", "reason", _C.AUDIT),
    Personal("bulk_jobs", "message", _C.AUDIT),
    Personal("one_time_links", "email", _L.LINK),
    Personal("invitations", "email", _L.LINK),
    Personal("one_time_links", "language", _L.LINK),
    Personal("one_time_links", "token_hash", _L.LINK, is_shown=False),
    Personal("erasure_requests", "email", _L.REQUEST),
    # What is left of the address is a hash under the installation's secret key.
    Personal("erasures", "person", _L.HOUSE, is_shown=False),
    Personal("users", "email", _L.ACCOUNT),
    Personal("users", "full_name", _L.ACCOUNT),
    Personal("users", "language", _L.ACCOUNT),
    Personal("users", "password", _L.ACCOUNT, is_shown=False),
    Personal("users", "fs_uniquifier", _L.ACCOUNT, is_shown=False),
    Personal("users", "tf_primary_method", _L.ACCOUNT, is_shown=False),
    Personal("users", "tf_totp_secret", _L.ACCOUNT, is_shown=False),
    Personal("users", "mf_recovery_codes", _L.ACCOUNT, is_shown=False),
    Personal("house_sessions", "browser", _L.ACCOUNT),
    Personal("refresh_tokens", "token_hash", _L.ACCOUNT, is_shown=False),
    Personal("venues", "contact_email", _L.HOUSE),
    Personal("message_texts", "words", _L.HOUSE),
    Personal("closures", "reason", _L.HOUSE),
)

# Columns of text that hold words of this program, or what a venue says of itself and its offer.
IMPERSONAL: Mapping[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "api_tokens": "name token_hash scopes",
        "audit_events": "act subject actor details",
        "booking_events": "kind status reason actor details",
        "booking_slots": "currency",
        "bookings": "reference status reason channel currency",
        "breakers": "name last_error",
        "bulk_items": "state why",
        "bulk_jobs": "deed actor",
        "cancellation_reasons": "reason description",
        "erasure_requests": "on_future state waits_for",
        "event_seals": "digest",
        "heartbeats": "process",
        "job_runs": "job state asked_by error counts",
        "invitations": "post",
        "legal_holds": "set_by",
        "memberships": "post",
        "message_texts": "kind language",
        "notifications": "kind state",
        "one_time_links": "purpose path",
        "privacy_policies": "set_by",
        "privacy_receipts": "kind counts fields stores",
        "report_schedules": "kind format every",
        "reports": "asked_by kind format state files figures error",
        "resources": "name counted_in attributes",
        "roles": "name description permissions",
        "schedules": "name attributes",
        "slots": "currency attributes",
        "venues": "slug name kind time_zone currency code_prefix language colour told_of_bookings"
        " embed_origins opening_hours attributes",
    }.items()
}


def columns_of(table: str, *classes: FieldClass) -> tuple[Personal, ...]:
    """Return what is personal of a table in these classes."""
    return tuple(each for each in PERSONAL if each.table == table and each.goes in classes)


def names_of(columns: Iterable[Personal]) -> list[str]:
    """Return the names of columns, for a receipt."""
    return sorted(each.name for each in columns)


def emptied(columns: Iterable[Personal]) -> dict[str, Any]:
    """Return what an UPDATE sets to empty columns."""
    return {each.column: each.emptied for each in columns}


def shown(table: str) -> list[Column[Any]]:
    """Return the personal columns of a table that its person may see."""
    found = Base.metadata.tables[table]
    return [found.c[each.column] for each in PERSONAL if each.table == table and each.is_shown]
