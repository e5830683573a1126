"""The bodies of the calls about a person's own data."""

from marshmallow import Schema, fields, validate

from models import ErasureState, OnFuture
from webapp.api.fields import Email, Instant, LanguageTag, Text, Word
from webapp.api.schemas import said

_LONGEST_TOKEN = 512


class PrivacyAsked(Schema):
    """Whose data, at one venue or at all of them."""

    email = Email(required=True)
    venue = Word(
        longest=63,
        load_default=None,
        allow_none=True,
        metadata=said("The venue's slug; without it all venues, and the account."),
    )
    language = LanguageTag(load_default=None, allow_none=True)


class PrivacyToken(Schema):
    """The token of the mailed link; it proves the address."""

    token = Text(longest=_LONGEST_TOKEN, required=True)


class ErasureAsked(PrivacyToken):
    """What becomes of bookings that are still to come."""

    on_future = fields.String(
        required=True,
        validate=validate.OneOf(list(OnFuture)),
        metadata=said("`cancel` them first, or `keep` them, and their data until they are over."),
    )


class ComingBody(Schema):
    """A booking that is still to come."""

    reference = fields.String()
    venue = fields.String(metadata=said("The venue's name."))
    over_at = Instant()


class PreviewBody(Schema):
    """What an erasure would do."""

    email = fields.String()
    venue = fields.String(allow_none=True)
    erasable = fields.Integer(metadata=said("Bookings that would lose their person now."))
    coming = fields.List(
        fields.Nested(ComingBody),
        metadata=said("Cancelled first, or kept until they are over: 200 are listed at most."),
    )
    held = fields.Integer(metadata=said("Bookings that the law keeps for the time being."))
    has_account = fields.Boolean()
    works_here = fields.Boolean(
        metadata=said("The account belongs to somebody of a venue, and stays for as long.")
    )


class ErasureBody(Schema):
    """How a request stands; it says nothing of its person."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf(list(ErasureState)))
    waits_for = fields.String(
        allow_none=True,
        validate=validate.OneOf(["future", "legal_hold", "message"]),
        metadata=said("What keeps the rest: its own time, a legal hold, a mail on its way."),
    )
    created_at = Instant()
    due_at = Instant()
    done_at = Instant(allow_none=True)
