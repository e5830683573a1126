"""The people whom a venue knows: found, noted about, and made one where they are two."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, func, literal_column, select, update
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.audit import note_act
from booking.errors import CatalogueInvalid, CustomerNotFound
from booking.transactions import reading, retried, transaction
from booking.venue_settings import checked_words
from models import Act, Booking, Customer

LONGEST_NOTES = 4000
_MOST_DOUBLES = 10
_LEAST_DIGITS = 3
# As the indexes have them.
_WORDS: ColumnElement[Any] = literal_column(
    "to_tsvector('simple'::regconfig, coalesce(customers.full_name, ''))"
)
_PLAIN: ColumnElement[Any] = literal_column("'simple'::regconfig")
_DIGITS: ColumnElement[Any] = literal_column(
    "reverse(regexp_replace(customers.phone, '[^0-9]', '', 'g'))"
)


@dataclass(frozen=True, slots=True)
class KnownContact:
    """How somebody can be reached."""

    email: str | None
    phone: str | None


def found_by(text: str) -> ColumnElement[bool]:
    """Return the criterion for what somebody types in to find a customer.

    Something with an @ is the beginning of an address, digits are the end of a number, and
    anything else the beginnings of words of a name. An index serves each of them.
    """
    typed = text.strip()
    digits = re.sub(r"\D", "", typed).lstrip("0")
    if "@" in typed:
        return func.lower(Customer.email).like(_escaped(typed.lower()) + "%", escape="\\")
    if not re.search(r"[^\d\s()+./-]", typed) and len(digits) >= _LEAST_DIGITS:
        return _DIGITS.like(digits[::-1] + "%")
    words = re.findall(r"[^\W_]+", typed.lower())
    if not words:
        return false()
    return _WORDS.op("@@", is_comparison=True)(
        func.to_tsquery(_PLAIN, " & ".join(f"'{word}':*" for word in words[:10]))
    )


@retried
def reveal_contact(*, customer_id: int, by: Actor) -> KnownContact:
    """Return how a customer can be reached, and note who asked. Raises CustomerNotFound."""
    with transaction() as tx:
        customer = _read(tx, customer_id)
        subject = f"customer:{customer_id}"
        note_act(tx, Act.CONTACT_REVEALED, venue_id=customer.venue_id, subject=subject, by=by)
        return KnownContact(customer.email, customer.phone)


@retried
def set_notes(*, customer_id: int, notes: str) -> None:
    """Keep a venue's notes about a customer. Raises CustomerNotFound or CatalogueInvalid."""
    words = checked_words("notes", notes, LONGEST_NOTES)
    with transaction() as tx:
        _read(tx, customer_id).notes = words


def find_doubles(customer_id: int) -> list[Customer]:
    """Return customers of the same venue who have the same name or number: perhaps one person."""
    with reading() as tx:
        customer = _read(tx, customer_id)
        same: list[ColumnElement[bool]] = []
        if customer.full_name and customer.full_name.strip():
            same.append(
                and_(
                    found_by(" ".join(re.findall(r"[^\W\d_]+", customer.full_name)) or "-"),
                    func.lower(Customer.full_name) == customer.full_name.lower(),
                )
            )
        digits = re.sub(r"\D", "", customer.phone or "")
        if len(digits) >= _LEAST_DIGITS:
            same.append(_DIGITS.op("=", is_comparison=True)(digits[::-1]))
        found: dict[int, Customer] = {}
        for each in same:
            query = (
                select(Customer)
                .where(
                    Customer.venue_id == customer.venue_id,
                    Customer.id != customer_id,
                    ~Customer.is_nobody,
                    each,
                )
                .order_by(Customer.id)
                .limit(_MOST_DOUBLES)
            )
            found |= {row.id: row for row in tx.scalars(query)}
        return [found[key] for key in sorted(found)][:_MOST_DOUBLES]


@retried
def merge_customers(*, kept_id: int, other_id: int, by: Actor) -> int:
    """Make two customers of one venue one: bookings and notes move, the other row goes.

    What the kept one lacks of name, address and number it gets; what it has stays. Returns how
    many bookings moved. Raises CustomerNotFound, also for a customer of another venue, or
    CatalogueInvalid for one and the same.
    """
    if kept_id == other_id:
        raise CatalogueInvalid("other", "This is one and the same customer.")
    with transaction() as tx:
        both = _lock_both(tx, kept_id, other_id)
        kept, other = both[kept_id], both[other_id]
        if kept.venue_id != other.venue_id:
            raise CustomerNotFound
        moved: Any = tx.execute(
            update(Booking)
            .where(Booking.customer_id == other_id)
            .values(customer_id=kept_id)
            .execution_options(synchronize_session=False)
        )
        gained = {
            name: getattr(other, name)
            for name in ("email", "full_name", "phone")
            if not getattr(kept, name) and getattr(other, name)
        }
        notes = "\n".join(filter(None, (kept.notes, other.notes)))[:LONGEST_NOTES]
        tx.execute(delete(Customer).where(Customer.id == other_id))
        for name, value in (gained | {"notes": notes}).items():
            setattr(kept, name, value)
        tx.flush()
        note_act(
            tx,
            Act.CUSTOMERS_MERGED,
            venue_id=kept.venue_id,
            subject=f"customer:{kept_id}",
            by=by,
            merged=other_id,
            bookings=moved.rowcount,
        )
        return int(moved.rowcount)


def _lock_both(tx: Session, *ids: int) -> dict[int, Customer]:
    """Lock two customers, so that no booking is made for either of them meanwhile."""
    rows = tx.scalars(
        select(Customer)
        .where(Customer.id.in_(ids), ~Customer.is_nobody)
        .order_by(Customer.id)
        .with_for_update()
    ).all()
    if len(rows) < len(set(ids)):
        raise CustomerNotFound
    return {row.id: row for row in rows}


def _read(tx: Session, customer_id: int) -> Customer:
    customer = tx.get(Customer, customer_id)
    if customer is None or customer.is_nobody:
        raise CustomerNotFound
    return customer


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)
