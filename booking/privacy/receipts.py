"""What a run has removed: numbers, names of fields and stores, never a value.

A portion and its numbers are committed together, so a receipt is right wherever a run was stopped.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, String, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from booking.privacy.policies import Policy
from booking.transactions import reading
from models import PrivacyReceipt, ReceiptKind

DATABASE = "database"
MAIL_FILES = "mail files"


def note_purge(
    tx: Session, policy: Policy, counts: Mapping[str, int], fields: Iterable[str], store: str
) -> None:
    """Add to the receipt of a venue's day."""
    _add(
        tx,
        {
            "kind": ReceiptKind.PURGE,
            "venue_id": policy.venue_id,
            "policy_version": policy.version,
        },
        counts,
        fields,
        store,
        index_elements=["venue_id", "run_on", "policy_version"],
        index_where=PrivacyReceipt.kind == literal(ReceiptKind.PURGE, literal_execute=True),
    )


def note_erasure(
    tx: Session,
    request_id: UUID,
    venue_id: int | None,
    counts: Mapping[str, int],
    fields: Iterable[str],
    store: str,
) -> None:
    """Add to the receipt of a person's request."""
    _add(
        tx,
        {"kind": ReceiptKind.ERASURE, "venue_id": venue_id, "request_id": request_id},
        counts,
        fields,
        store,
        index_elements=["request_id"],
    )


def note_replay(tx: Session, counts: Mapping[str, int], fields: Iterable[str]) -> None:
    """Write the receipt of what a restore had brought back and is gone again."""
    tx.add(
        PrivacyReceipt(
            kind=ReceiptKind.REPLAY,
            run_on=_today(),
            counts=dict(counts),
            fields=sorted(fields),
            stores=[DATABASE],
        )
    )


def read_receipts(*, venue_id: int, limit: int = 50) -> list[PrivacyReceipt]:
    """Return the newest receipts of a venue, and those of runs over the whole installation."""
    with reading() as tx:
        return list(
            tx.scalars(
                select(PrivacyReceipt)
                .where(or_(PrivacyReceipt.venue_id == venue_id, PrivacyReceipt.venue_id.is_(None)))
                .order_by(PrivacyReceipt.started_at.desc())
                .limit(limit)
            )
        )


def _add(
    tx: Session,
    key: Mapping[str, Any],
    counts: Mapping[str, int],
    fields: Iterable[str],
    store: str,
    **conflict: Any,
) -> None:
    names = sorted(fields)
    row = PrivacyReceipt
    new = insert(row).values(
        **key, run_on=_today(), counts=dict(counts), fields=names, stores=[store]
    )
    tx.execute(
        new.on_conflict_do_update(
            **conflict,
            set_={
                "counts": row.counts.op("||")(_sums(counts)),
                "fields": _union(row.fields, names),
                "stores": _union(row.stores, [store]),
                "changed_at": func.clock_timestamp(),
            },
        )
    )


def _sums(counts: Mapping[str, int]) -> ColumnElement[Any]:
    pairs: list[Any] = []
    for name, count in counts.items():
        known = cast(PrivacyReceipt.counts[name].astext, BigInteger)
        pairs += [cast(name, String), func.coalesce(known, 0) + count]
    return func.jsonb_build_object(*pairs)


def _union(known: Any, more: list[str]) -> Any:
    each = func.unnest(known.op("||")(cast(more, ARRAY(String)))).column_valued("each")
    return func.array(select(each).distinct().order_by(each).scalar_subquery())


def _today() -> Any:
    return func.current_date()
