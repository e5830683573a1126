"""How much one address gets: whoever fills in forms with another's address cannot flood it."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from booking.correspondence import Owed
from models import Notification
from settings import settings

PERIOD = timedelta(hours=24)
TOO_MANY = "too many messages to this address"


def cap_in(tx: Session, messages: Sequence[Owed], now: datetime) -> dict[int, str]:
    """Say by id which messages are too many for their address, and count the others.

    Links are counted apart, so that nobody is kept from signing in by bookings. What a venue hears
    at its own address is not counted: its owner has asked for it.
    """
    hashes = {
        each.id: _address_hash(each.recipient)
        for each in messages
        if each.recipient is not None and not each.is_for_venue
    }
    counted = _lock_and_read_counted(tx, hashes)
    fresh = [each for each in messages if each.id in hashes and each.id not in counted]
    sent = _count(tx, {hashes[each.id] for each in fresh}, now)
    reasons: dict[int, str] = {}
    passed = []
    for each in fresh:
        key = (hashes[each.id], each.link is not None)
        if sent[key] >= settings.mails_per_address:
            reasons[each.id] = TOO_MANY
            continue
        sent[key] += 1
        passed.append({"id": each.id, "address_hash": hashes[each.id]})
    if passed:
        tx.execute(update(Notification), passed)
    return reasons


def _lock_and_read_counted(tx: Session, hashes: dict[int, bytes]) -> set[int]:
    """Return which of them were counted at an earlier attempt.

    One at a time for one address, or couriers that count at once would pass the cap together.
    """
    if not hashes:
        return set()
    keys = sorted({int.from_bytes(found[:8], signed=True) for found in hashes.values()})
    key = func.unnest(cast(literal(keys, ARRAY(BigInteger)), ARRAY(BigInteger))).column_valued()
    tx.execute(select(func.pg_advisory_xact_lock(key)))
    return set(
        tx.scalars(
            select(Notification.id).where(
                Notification.id.in_(hashes), Notification.address_hash.is_not(None)
            )
        )
    )


def _count(tx: Session, hashes: set[bytes], now: datetime) -> Counter[tuple[bytes, bool]]:
    """Count what went to each address within the period, links apart."""
    is_link = Notification.link_id.is_not(None)
    rows = tx.execute(
        select(Notification.address_hash, is_link, func.count())
        .where(Notification.address_hash.in_(hashes), Notification.due_at > now - PERIOD)
        .group_by(Notification.address_hash, is_link)
    )
    return Counter({(found, linked): count for found, linked, count in rows if found})


def _address_hash(address: str) -> bytes:
    key = settings.secret_key.encode()
    return hmac.digest(key, b"mail:" + address.lower().encode(), hashlib.sha256)
