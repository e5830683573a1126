"""The bodies of the calls about accounts."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_dump, validate

from booking.passwords import LONGEST, SHORTEST
from models import Post
from webapp.api.fields import Email, Instant, Text
from webapp.api.schemas import said

_LONGEST_TOKEN = 512


class Password(fields.String):
    """A password, taken as it is: nothing is trimmed, and every character counts."""

    def __init__(self, *, least: int = 0, **kwargs: Any) -> None:
        metadata = {"format": "password", "minLength": least, "maxLength": LONGEST}
        super().__init__(metadata=metadata | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, *args, **kwargs))
        if len(text) > LONGEST:
            raise ValidationError(f"At most {LONGEST} characters.")
        if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
            raise ValidationError("Contains characters that are not text.")
        return text


class RegisterRequest(Schema):
    """Who wants an account."""

    email = Email(required=True)
    password = Password(
        required=True, least=SHORTEST, metadata=said("None that would be guessed at once.")
    )
    full_name = Text(longest=200, load_default=None, allow_none=True)


class LoginRequest(Schema):
    """Who signs in."""

    email = Text(longest=320, required=True)
    password = Password(required=True)


class RefreshRequest(Schema):
    """The refresh token that is used up."""

    refresh_token = Text(longest=_LONGEST_TOKEN, required=True)


class LogoutRequest(Schema):
    """Which sign-in ends; without a refresh token that of the bearer."""

    refresh_token = Text(longest=_LONGEST_TOKEN, load_default=None, allow_none=True)


class ResetRequest(Schema):
    """Whose password is to be set anew."""

    email = Email(required=True)


class PostBody(Schema):
    """What somebody is at a venue."""

    venue = fields.String(metadata=said("The venue's slug."))
    post = fields.String(validate=validate.OneOf(list(Post)))


class AccountBody(Schema):
    """An account."""

    id = fields.UUID()
    email = fields.String()
    full_name = fields.String(allow_none=True)
    email_is_proven = fields.Boolean()
    posts = fields.List(fields.Nested(PostBody))
    created_at = Instant()

    @pre_dump
    def arrange(self, account: Any, **_: Any) -> dict[str, Any]:
        """Take what is shown out of the engine's view."""
        return {
            "id": account.id,
            "email": account.email,
            "full_name": account.full_name,
            "email_is_proven": account.is_confirmed,
            "posts": account.posts,
            "created_at": account.created_at,
        }


class RegisteredBody(Schema):
    """The same, whether or not there was an account with this address already."""

    email = fields.String()
    full_name = fields.String(allow_none=True)
    message = fields.String()


class TokensBody(Schema):
    """A sign-in: a token for the calls, and one to get the next pair with."""

    access_token = fields.String()
    token_type = fields.String()
    expires_in = fields.Integer(metadata=said("Seconds until the access token is too old."))
    refresh_token = fields.String(metadata=said("Good once; a second use ends the sign-in."))
    refresh_expires_in = fields.Integer()
    account = fields.Nested(AccountBody)


class MessageBody(Schema):
    """A sentence for people."""

    message = fields.String()
