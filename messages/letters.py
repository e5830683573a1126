"""What each kind of message says, before it has a form: a letter of plain words.

Words of customers appear as values among the facts, never in the subject.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from booking.access import access_token
from booking.correspondence import Day, FillingSlot, Link, Owed, Sender, Subject
from booking.feeds import booking_feed_token
from messages.facts import Fact, booking_facts, one_line, title
from messages.languages import Voice, negotiate
from messages.own_words import filled_in
from models import Notice, Status
from settings import settings


@dataclass(frozen=True, slots=True)
class Action:
    """A link that is offered as a button."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in words: one subject, one heading, and below it what is to be known and done."""

    language: str
    subject: str
    heading: str
    lead: str
    facts: tuple[Fact, ...] = ()
    lists: tuple[tuple[str, tuple[str, ...]], ...] = ()
    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()
    closing: str = ""


def write_letter(owed: Owed, *, links_work: bool = True) -> Letter:
    """Write a message. The venue's own words stand in place of ours at its head, and what it says
    to many at once in place of both.

    Without `links_work` the letter is to be looked at by others than its reader: its links lead to
    the right pages, but their tokens are left out.
    """
    voice = Voice(negotiate(owed.languages))
    if owed.booking and owed.sender:
        letter = _of_booking(voice, owed.kind, owed.sender, owed.booking, links_work=links_work)
        own_words = owed.announcement or owed.words.get(voice.language)
        if own_words is not None:
            letter = replace(letter, lead=filled_in(own_words, owed.sender, owed.booking))
        return letter
    if owed.slot and owed.sender:
        return _of_slot(voice, owed.sender, owed.slot)
    if owed.day and owed.sender:
        return _of_day(voice, owed.sender, owed.day)
    if owed.link:
        return _of_link(voice, owed.kind, owed.sender, owed.link, links_work=links_work)
    raise ValueError(f"a message of kind {owed.kind} is about nothing")


Words = Callable[[Voice, Sender, Subject], tuple[str, str]]


def _received(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return (
        v.t("We have received your request"),
        v.t("%(venue)s will answer soon. You need not do anything.", venue=sender.name),
    )


def _held(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return (
        v.t("Your places are held"),
        v.t("Please confirm them by %(deadline)s.", deadline=_deadline(v, sender, booking)),
    )


def _hold_expires(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return (
        v.t("Your hold ends soon"),
        v.t(
            "Confirm by %(deadline)s, or your places will be given to others.",
            deadline=_deadline(v, sender, booking),
        ),
    )


def _confirmed(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return v.t("Your booking is confirmed"), v.t("We look forward to seeing you.")


def _rejected(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return v.t("Your request could not be accepted"), refusal(v, booking.reason)


def _expired(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    if booking.reason == "not_confirmed":
        return (
            v.t("Your hold has ended"),
            v.t("It was not confirmed in time, and the places were given back."),
        )
    return v.t("Your request has ended"), refusal(v, booking.reason)


def _changed(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return v.t("Your booking has been changed"), v.t("This is how it stands now.")


def _cancelled(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return v.t("Your booking is cancelled"), v.t("You need not do anything more.")


def _reminder(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return (
        v.t("A reminder of your booking"),
        v.t("We look forward to seeing you. If you cannot come, please cancel."),
    )


def _venue_new(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return v.t("A new booking"), v.t("It is confirmed, and the customer has been told.")


def _venue_changed(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return v.t("A booking has been changed"), v.t("This is how it stands now.")


def _venue_cancelled(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    return v.t("A booking is cancelled"), v.t("Its places are free again.")


def heading_of(v: Voice, sender: Sender, booking: Subject) -> tuple[str, str]:
    """Say in a heading and a line how a booking stands, for a page that shows it."""
    kind = _SAID_OF.get(booking.status)
    return _WORDS[kind](v, sender, booking) if kind else (v.t("Your booking"), "")


_SAID_OF = {
    Status.PENDING: Notice.RECEIVED,
    Status.HELD: Notice.HELD,
    Status.CONFIRMED: Notice.CONFIRMED,
    Status.REJECTED: Notice.REJECTED,
    Status.EXPIRED: Notice.EXPIRED,
    Status.CANCELLED: Notice.CANCELLED,
}
_WORDS: dict[Notice, Words] = {
    Notice.RECEIVED: _received,
    Notice.HELD: _held,
    Notice.HOLD_EXPIRES: _hold_expires,
    Notice.CONFIRMED: _confirmed,
    Notice.REJECTED: _rejected,
    Notice.EXPIRED: _expired,
    Notice.CHANGED: _changed,
    Notice.CANCELLED: _cancelled,
    Notice.REMINDER: _reminder,
    Notice.VENUE_NEW: _venue_new,
    Notice.VENUE_CHANGED: _venue_changed,
    Notice.VENUE_CANCELLED: _venue_cancelled,
}


def refusal(v: Voice, reason: str | None) -> str:
    """Say why a request was refused, as one says it to the person who asked."""
    return {
        "full": v.t("There were not enough places left."),
        "closed": v.t("This time is no longer offered."),
        "notice": v.t("It was too short before the start."),
        "horizon": v.t("That is further ahead than can be booked."),
        "too_large": v.t("That is more than can be booked at once."),
        "too_many_holds": v.t("Too many places are held for you already."),
        "not_decided": v.t("It could not be decided in time. Please try again."),
    }.get(reason or "", v.t("Something went wrong on our side. Please try again."))


def _of_booking(
    v: Voice, kind: Notice, sender: Sender, booking: Subject, *, links_work: bool
) -> Letter:
    heading, lead = _WORDS[kind](v, sender, booking)
    is_for_venue = kind.startswith("venue_")
    subject = v.t(
        "%(heading)s – %(venue)s, %(reference)s",
        heading=heading,
        venue=title(sender.name),
        reference=booking.reference,
    )
    return Letter(
        language=v.language,
        subject=subject,
        heading=heading,
        lead=lead,
        facts=booking_facts(v, sender, booking, is_for_venue=is_for_venue),
        actions=() if is_for_venue else _customer_actions(v, kind, booking, links_work=links_work),
        notes=(v.t("Times are those of %(place)s.", place=v.place(sender.time_zone)),),
        closing="" if is_for_venue else _closing(v, sender),
    )


def _customer_actions(
    v: Voice, kind: Notice, booking: Subject, *, links_work: bool
) -> tuple[Action, ...]:
    if kind in (Notice.REJECTED, Notice.EXPIRED):
        return ()
    token = access_token(booking) if links_work else "…"
    page = f"{settings.base_url}/bookings/{booking.reference}?token={token}"
    if kind in (Notice.HELD, Notice.HOLD_EXPIRES):
        label = v.t("Confirm now")
    elif kind in (Notice.CANCELLED, Notice.RECEIVED):
        label = v.t("View the booking")
    else:
        label = v.t("View, change or cancel")
    actions = [Action(label, page)]
    if booking.status is Status.CONFIRMED:
        feed = booking_feed_token(booking) if links_work else "…"
        url = f"{settings.base_url}/calendar/bookings/{feed}.ics"
        actions.append(Action(v.t("Subscribe in your calendar"), url))
    return tuple(actions)


def _of_slot(v: Voice, sender: Sender, slot: FillingSlot) -> Letter:
    heading = v.t("A slot is nearly full")
    return Letter(
        language=v.language,
        subject=f"{heading} – {title(sender.name)}",
        heading=heading,
        lead=v.t(
            "%(taken)s of %(capacity)s places are taken.", taken=slot.taken, capacity=slot.capacity
        ),
        facts=(
            Fact(v.t("What"), slot.resource_name),
            Fact(v.t("When"), v.moment(slot.starts_at, sender.time_zone)),
        ),
        notes=(v.t("Times are those of %(place)s.", place=v.place(sender.time_zone)),),
    )


def _of_day(v: Voice, sender: Sender, day: Day) -> Letter:
    heading = v.t("Your bookings of %(day)s", day=v.day(day.on))
    sections = ((v.t("New"), day.new), (v.t("Cancelled"), day.cancelled))
    return Letter(
        language=v.language,
        subject=f"{heading} – {title(sender.name)}",
        heading=heading,
        lead=v.t(
            "New: %(new)s. Cancelled: %(cancelled)s.",
            new=len(day.new),
            cancelled=len(day.cancelled),
        ),
        lists=tuple(
            (name, tuple(one_line(v, sender, booking) for booking in bookings))
            for name, bookings in sections
            if bookings
        ),
        notes=(v.t("Times are those of %(place)s.", place=v.place(sender.time_zone)),),
    )


def _of_link(
    v: Voice, kind: Notice, sender: Sender | None, link: Link, *, links_work: bool
) -> Letter:
    heading, label = {
        Notice.SIGN_IN: (v.t("Your link to sign in"), v.t("Sign in")),
        Notice.RESET: (v.t("Set a new password"), v.t("Set a new password")),
        Notice.PROOF: (v.t("Please confirm your address"), v.t("This is my address")),
        Notice.REPORT_READY: (v.t("Your report is ready"), v.t("Fetch the report")),
        Notice.INVITATION: (v.t("You are invited to work here"), v.t("Look at the invitation")),
        Notice.PRIVACY: (v.t("Your data with us"), v.t("See, take along or erase it")),
    }[kind]
    zone = sender.time_zone if sender else "UTC"
    deadline = f"{v.moment(link.expires_at, zone)} ({v.place(zone) if sender else 'UTC'})"
    token = link.token if links_work else "…"
    return Letter(
        language=v.language,
        subject=f"{heading} – {title(sender.name if sender else 'Holdfast')}",
        heading=heading,
        lead=v.t("The link works once, until %(deadline)s.", deadline=deadline),
        actions=(Action(label, f"{settings.base_url}{link.path}?token={token}"),),
        notes=(v.t("If you did not ask for this, you can ignore it: nothing happens."),),
    )


def _deadline(v: Voice, sender: Sender, booking: Subject) -> str:
    return v.moment(booking.expires_at, sender.time_zone) if booking.expires_at else "–"


def _closing(v: Voice, sender: Sender) -> str:
    return v.t("The team of %(venue)s", venue=sender.name)
