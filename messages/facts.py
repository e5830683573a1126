"""The facts of a booking as its reader says them: when, where, for how many, at what price."""

from dataclasses import dataclass

from booking.correspondence import Sender, Subject
from messages.languages import Voice
from models import CountedIn

LONGEST_TITLE = 60


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what is to be known."""

    label: str
    value: str


def booking_facts(
    v: Voice, sender: Sender, booking: Subject, *, is_for_venue: bool
) -> tuple[Fact, ...]:
    """Return what is to be known of a booking; the venue also reads how to reach the customer."""
    facts = [*_times(v, sender, booking), Fact(v.t("What"), booking.resource_name)]
    facts.append(Fact(v.t("For"), quantity(v, booking)))
    if booking.full_name:
        facts.append(Fact(v.t("Name"), title(booking.full_name)))
    if is_for_venue:
        facts += [
            Fact(label, value)
            for label, value in ((v.t("E-mail"), booking.email), (v.t("Phone"), booking.phone))
            if value
        ]
    if booking.total:
        facts.append(Fact(v.t("Total"), v.money(booking.total, booking.currency)))
    # A form anybody can fill in with anybody's address must not send free text to it.
    if booking.special_requests and is_for_venue:
        facts.append(Fact(v.t("Wishes"), booking.special_requests))
    facts.append(Fact(v.t("Reference"), booking.reference))
    return tuple(facts)


def quantity(v: Voice, booking: Subject) -> str:
    """Write what a booking takes: `4 people`, `2 seats`, `1 room, 3 guests`."""
    count = booking.quantity
    match booking.counted_in:
        case CountedIn.PARTIES:
            said = v.n("%(count)s person", "%(count)s people", count)
        case CountedIn.SEATS:
            said = v.n("%(count)s seat", "%(count)s seats", count)
        case CountedIn.ROOMS:
            said = v.n("%(count)s room", "%(count)s rooms", count)
    if booking.guests is None:
        return said
    # Not inside an f-string: what collects the texts does not look in there.
    guests = v.n("%(count)s guest", "%(count)s guests", booking.guests)
    return f"{said}, {guests}"


def one_line(v: Voice, sender: Sender, booking: Subject) -> str:
    """Write a booking in one line, for a list."""
    parts = (
        v.moment(booking.starts_at, sender.time_zone),
        booking.resource_name,
        quantity(v, booking),
        title(booking.full_name or ""),
        booking.reference,
    )
    return " · ".join(part for part in parts if part)


def title(name: str) -> str:
    """Return a name as it may stand in a header: one short line without control characters."""
    plain = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(plain.split())[:LONGEST_TITLE]


def _times(v: Voice, sender: Sender, booking: Subject) -> list[Fact]:
    zone = sender.time_zone
    if booking.counted_in is CountedIn.ROOMS:
        return [
            Fact(v.t("Arrival"), v.moment(booking.starts_at, zone)),
            Fact(v.t("Departure"), v.moment(booking.ends_at, zone)),
        ]
    return [Fact(v.t("When"), v.moment(booking.starts_at, zone))]
