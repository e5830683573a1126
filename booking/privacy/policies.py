"""For how long a venue keeps what. A change makes a new version; receipts name theirs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from booking.actors import Actor
from booking.audit import note_act
from booking.errors import CatalogueInvalid, VenueNotFound
from booking.privacy.inventory import FieldClass
from booking.transactions import reading, retried, transaction
from models import Act, PrivacyPolicy, Venue
from models.privacy import LONGEST_KEPT_DAYS


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days a venue keeps each class of fields; None is for good.

    Days count from the end of what was booked, those of messages and audit from their writing.
    """

    contact_days: int = 365
    requests_days: int = 30
    messages_days: int = 90
    skeleton_days: int | None = 3650
    audit_days: int = 1095

    def days(self, which: FieldClass) -> int | None:
        """Return the days of one class."""
        days: int | None = getattr(self, f"{which}_days")
        return days

    def age(self, which: FieldClass) -> timedelta | None:
        """Return the same as a span of time."""
        days = self.days(which)
        return None if days is None else timedelta(days=days)


# Version 0 is what counts for a venue that has set nothing.
DEFAULT = Kept()
_NAMES = tuple(each.name for each in fields(Kept))


@dataclass(frozen=True, slots=True)
class Policy:
    """A venue's policy as it stands."""

    venue_id: int
    version: int
    kept: Kept


def read_policy(*, venue_id: int) -> Policy:
    """Return the policy of one venue. Raises VenueNotFound."""
    with reading() as tx:
        return read_policy_in(tx, venue_id)


def read_policy_in(tx: Session, venue_id: int) -> Policy:
    """Return it inside the open transaction."""
    if tx.scalar(select(Venue.id).where(Venue.id == venue_id)) is None:
        raise VenueNotFound
    row = tx.scalar(
        select(PrivacyPolicy)
        .where(PrivacyPolicy.venue_id == venue_id)
        .order_by(PrivacyPolicy.version.desc())
        .limit(1)
    )
    return Policy(venue_id, 0, DEFAULT) if row is None else _policy(row)


def read_policies() -> list[Policy]:
    """Return the policy of every venue."""
    newest = (
        select(PrivacyPolicy)
        .ext(distinct_on(PrivacyPolicy.venue_id))
        .order_by(PrivacyPolicy.venue_id, PrivacyPolicy.version.desc())
    )
    with reading() as tx:
        known = {row.venue_id: _policy(row) for row in tx.scalars(newest)}
        venue_ids = tx.scalars(select(Venue.id).order_by(Venue.id)).all()
    return [known.get(each) or Policy(each, 0, DEFAULT) for each in venue_ids]


@retried
def set_policy(*, venue_id: int, values: Mapping[str, int | None], by: Actor) -> Policy:
    """Change how long a venue keeps what, as a new version; equal values change nothing.

    Raises VenueNotFound, or CatalogueInvalid, which names the field.
    """
    with transaction() as tx:
        # Of two at the same time the second waits here, and makes the version after.
        tx.execute(select(Venue.id).where(Venue.id == venue_id).with_for_update(key_share=True))
        old = read_policy_in(tx, venue_id)
        kept = Kept(**asdict(old.kept) | dict(values))
        _check(kept)
        if kept == old.kept:
            return old
        new = Policy(venue_id, old.version + 1, kept)
        tx.add(
            PrivacyPolicy(
                venue_id=venue_id, version=new.version, set_by=str(by), **asdict(new.kept)
            )
        )
        note_act(
            tx,
            Act.PRIVACY_POLICY_SET,
            venue_id=venue_id,
            subject=f"venue:{venue_id}",
            by=by,
            version=new.version,
            changed=_differences(old.kept, kept),
        )
        return new


def shortest_messages_days() -> int:
    """Return the fewest days for which any venue keeps messages; without a venue the default."""
    return min((each.kept.messages_days for each in read_policies()), default=DEFAULT.messages_days)


def _check(kept: Kept) -> None:
    for name in _NAMES:
        days = getattr(kept, name)
        if days is None and name == "skeleton_days":
            continue
        if not isinstance(days, int) or not 1 <= days <= LONGEST_KEPT_DAYS:
            raise CatalogueInvalid(name, f"From 1 to {LONGEST_KEPT_DAYS} days.")
    for name in ("requests_days", "messages_days"):
        if getattr(kept, name) > kept.contact_days:
            raise CatalogueInvalid(name, "Not longer than the contact itself is kept.")
    if kept.skeleton_days is not None and kept.skeleton_days < kept.contact_days:
        raise CatalogueInvalid("skeleton_days", "Not shorter than the contact is kept.")


def _differences(old: Kept, new: Kept) -> dict[str, dict[str, int | None]]:
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in _NAMES}
    return {name: {"from": was, "to": is_} for name, (was, is_) in pairs.items() if was != is_}


def _policy(row: PrivacyPolicy) -> Policy:
    return Policy(row.venue_id, row.version, Kept(**{name: getattr(row, name) for name in _NAMES}))
