"""What somebody has chosen, carried from page to page in the address and never kept here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, Schema, ValidationError

from booking.errors import InvalidRequest
from booking.offers import Offer, look_at_offer
from messages.facts import Fact
from messages.languages import Voice
from models import CountedIn, Venue
from webapp.api.fields import Id, QueryWhole, Text
from webapp.api.schemas import MOST_SLOTS

_LONGEST = 37 * MOST_SLOTS


class ChoiceInvalid(Exception):
    """The address names nothing that could be booked."""


class _Query(Schema):
    class Meta:
        unknown = EXCLUDE

    slots = Text(longest=_LONGEST, required=True)
    quantity = QueryWhole(required=True)
    guests = QueryWhole(load_default=None, most=10_000)


@dataclass(frozen=True, slots=True)
class Choice:
    """Slots of one resource and for how many; `refusal` says why it can never be booked."""

    offer: Offer
    quantity: int
    guests: int | None
    refusal: InvalidRequest | None

    @property
    def slot_ids(self) -> tuple[UUID, ...]:
        """The slots to book."""
        return tuple(slot.id for slot in self.offer.slots)

    @property
    def query(self) -> dict[str, Any]:
        """The choice as it stands in an address."""
        found: dict[str, Any] = {
            "slots": ",".join(map(str, self.slot_ids)),
            "quantity": self.quantity,
        }
        return found if self.guests is None else found | {"guests": self.guests}

    @property
    def total(self) -> Decimal:
        """What all of it costs."""
        units = self.offer.units_of(self.quantity)
        return sum((slot.price for slot in self.offer.slots), Decimal(0)) * units


def read_choice(venue: Venue, query: Mapping[str, str]) -> Choice:
    """Return what an address chooses at a venue. Raises ChoiceInvalid, or SlotNotFound."""
    try:
        wanted = _Query().load(dict(query))
        field = Id()
        slot_ids = [field.deserialize(each) for each in wanted["slots"].split(",")]
    except ValidationError:
        raise ChoiceInvalid from None
    try:
        offer = look_at_offer(slot_ids)
    except InvalidRequest:
        raise ChoiceInvalid from None
    if offer.venue_id != venue.id:
        raise ChoiceInvalid
    return Choice(offer, wanted["quantity"], wanted["guests"], _refusal(offer, wanted))


def facts_of(v: Voice, choice: Choice) -> list[Fact]:
    """Return what is to be known of a choice before it is booked."""
    offer, zone = choice.offer, choice.offer.time_zone
    first, last = offer.slots[0], offer.slots[-1]
    if offer.counted_in == CountedIn.ROOMS:
        facts = [
            Fact(v.t("Arrival"), v.moment(first.starts_at, zone)),
            Fact(v.t("Departure"), v.moment(last.ends_at, zone)),
        ]
    else:
        facts = [Fact(v.t("When"), v.moment(first.starts_at, zone))]
    facts.append(Fact(v.t("What"), offer.resource_name))
    facts.append(Fact(v.t("For"), _quantity(v, choice)))
    if choice.total:
        facts.append(Fact(v.t("Total"), v.money(choice.total, first.currency)))
    return facts


def query_of(choice: Choice) -> dict[str, Any]:
    """Return the search that leads to a choice, to choose something else near by."""
    offer = choice.offer
    first, last = offer.slots[0], offer.slots[-1]
    if offer.counted_in == CountedIn.ROOMS:
        return {
            "arrive": str(first.local_on),
            "leave": str(last.local_on + timedelta(days=1)),
            "rooms": choice.quantity,
            "guests": choice.guests or 1,
        }
    return {"day": str(first.local_on), "quantity": choice.quantity}


def _quantity(v: Voice, choice: Choice) -> str:
    match choice.offer.counted_in:
        case CountedIn.PARTIES:
            said = v.n("%(count)s person", "%(count)s people", choice.quantity)
        case CountedIn.SEATS:
            said = v.n("%(count)s seat", "%(count)s seats", choice.quantity)
        case _:
            said = v.n("%(count)s room", "%(count)s rooms", choice.quantity)
    if choice.guests is None:
        return said
    guests = v.n("%(count)s guest", "%(count)s guests", choice.guests)
    return f"{said}, {guests}"


def _refusal(offer: Offer, wanted: dict[str, int | None]) -> InvalidRequest | None:
    quantity = wanted["quantity"] or 1
    try:
        offer.refuse_impossible(quantity, wanted["guests"], is_bound=True)
    except InvalidRequest as refusal:
        return refusal
    return None
