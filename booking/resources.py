"""Resources as their owners set them up: added, changed, retired and brought back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.actors import SYSTEM, Actor
from booking.attributes import check_resource_attributes
from booking.audit import note_act
from booking.catalogue import add_resource_in, check_resource
from booking.errors import CatalogueInvalid, VenueNotFound
from booking.remembered import changed
from booking.slots import lock_resource, read_clock
from booking.transactions import retried, transaction
from models import Act, CountedIn, Resource, Venue

_NAME_TAKEN = "There is a resource of that name at this venue."


@dataclass(frozen=True, slots=True)
class ResourceTerms:
    """What can be said of a resource at any time; what it is counted in stays."""

    name: str
    max_quantity: int
    people_per_room: int | None
    attributes: Mapping[str, Any]


@retried
def add_resource(
    *, venue_id: int, counted_in: CountedIn, terms: ResourceTerms, by: Actor = SYSTEM
) -> Resource:
    """Add a resource behind the others of its venue. Raises VenueNotFound, CatalogueInvalid."""
    with transaction() as tx:
        # Under its lock two of one name do not meet at the constraint.
        venue = tx.scalar(select(Venue).where(Venue.id == venue_id).with_for_update(key_share=True))
        if venue is None:
            raise VenueNotFound
        _refuse_taken_name(tx, venue_id, terms.name)
        last = select(func.coalesce(func.max(Resource.position), -1))
        resource = add_resource_in(
            tx,
            venue,
            name=terms.name,
            counted_in=counted_in,
            max_quantity=terms.max_quantity,
            people_per_room=terms.people_per_room,
            attributes=dict(terms.attributes),
            position=tx.scalars(last.where(Resource.venue_id == venue_id)).one() + 1,
        )
        _note(tx, resource, Act.RESOURCE_ADDED, by)
        return resource


@retried
def change_resource(*, resource_id: UUID, terms: ResourceTerms, by: Actor = SYSTEM) -> Resource:
    """Change what is said of a resource. Raises ResourceNotFound, CatalogueInvalid.

    A new largest quantity binds what is decided from now on, so it is noted as a policy.
    """
    with transaction() as tx:
        resource = lock_resource(tx, resource_id)
        check_resource(resource.counted_in, terms.name, terms.max_quantity, terms.people_per_room)
        check_resource_attributes(resource.venue.kind, dict(terms.attributes))
        if terms.name != resource.name:
            _refuse_taken_name(tx, resource.venue_id, terms.name)
        before = resource.max_quantity
        if before != terms.max_quantity:
            change = {"from": before, "to": terms.max_quantity}
            _note(tx, resource, Act.POLICY_CHANGED, by, max_quantity=change)
        fields = _put(resource, terms)
        if fields:
            _note(tx, resource, Act.RESOURCE_CHANGED, by, fields=fields)
        changed(tx, [resource_id])
        tx.flush()
        return resource


@retried
def retire_resource(*, resource_id: UUID, by: Actor = SYSTEM) -> Resource:
    """Sell nothing more of a resource; its bookings stay. A second call changes nothing."""
    with transaction() as tx:
        resource = lock_resource(tx, resource_id)
        if resource.retired_at is None:
            resource.retired_at = read_clock(tx)
            _note(tx, resource, Act.RESOURCE_RETIRED, by)
            changed(tx, [resource_id])
        return resource


@retried
def bring_back_resource(*, resource_id: UUID, by: Actor = SYSTEM) -> Resource:
    """Sell a retired resource again. A second call changes nothing."""
    with transaction() as tx:
        resource = lock_resource(tx, resource_id)
        if resource.retired_at is not None:
            resource.retired_at = None
            _note(tx, resource, Act.RESOURCE_BROUGHT_BACK, by)
            changed(tx, [resource_id])
        return resource


def _put(resource: Resource, terms: ResourceTerms) -> list[str]:
    """Write the terms and return which of them are new."""
    new = {
        "name": terms.name,
        "max_quantity": terms.max_quantity,
        "people_per_room": terms.people_per_room,
        "attributes": dict(terms.attributes),
    }
    fields = [name for name, value in new.items() if getattr(resource, name) != value]
    for name in fields:
        setattr(resource, name, new[name])
    return fields


def _refuse_taken_name(tx: Session, venue_id: int, name: str) -> None:
    taken = select(Resource.id).where(Resource.venue_id == venue_id, Resource.name == name)
    if tx.scalar(taken) is not None:
        raise CatalogueInvalid("name", _NAME_TAKEN)


def _note(tx: Session, resource: Resource, act: Act, by: Actor, **details: Any) -> None:
    subject = f"resource:{resource.id}"
    note_act(tx, act, venue_id=resource.venue_id, subject=subject, by=by, **details)
