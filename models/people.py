"""People who sign in, their roles, and the venues they belong to."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, CreatedAt, IntKey, UuidKey
from models.venues import Venue, one_of


class Post(StrEnum):
    """What a person is at a venue."""

    OWNER = "owner"
    STAFF = "staff"


user_roles = Table(
    "user_roles",
    Base.metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Base):
    """A role over the whole installation (`operator`); what one is at a venue is a Membership."""

    __tablename__ = "roles"

    id: Mapped[IntKey]
    name: Mapped[str] = mapped_column(String(40), unique=True)
    description: Mapped[str | None] = mapped_column(String(200))
    permissions: Mapped[str | None] = mapped_column(Text)


class User(Base):
    """A person who can sign in.

    How their bookings stand they are always told; reminders may be declined.
    `totp_last_counter` is the time step of the last code that was taken: none is good twice.
    """

    __tablename__ = "users"

    id: Mapped[UuidKey]
    email: Mapped[str] = mapped_column(String(320))
    full_name: Mapped[str | None] = mapped_column(String(200))
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    confirmed_at: Mapped[datetime | None]
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    language: Mapped[str | None] = mapped_column(String(35))
    reminders_declined_at: Mapped[datetime | None]
    totp_last_counter: Mapped[int | None] = mapped_column(BigInteger)
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(ARRAY(String(255)))
    created_at: Mapped[CreatedAt]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="user")

    def __str__(self) -> str:
        return self.email


Index("uq_users_email", func.lower(User.email), unique=True)


class RefreshToken(Base):
    """A refresh token of the API's accounts, kept as a hash and good for one use.

    Those that were made from one another are a family: when a used one comes again, the whole
    family is revoked, for one of its two owners is a thief.
    """

    __tablename__ = "refresh_tokens"

    id: Mapped[UuidKey]
    family: Mapped[UUID] = mapped_column(index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class HouseSession(Base):
    """A sign-in to the owners' house; the cookie names it, and it ends when this row does."""

    __tablename__ = "house_sessions"
    __table_args__ = (CheckConstraint("expires_at > created_at", name="expires_after_it_is_made"),)

    id: Mapped[UuidKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    browser: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[CreatedAt]
    seen_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ApiToken(Base):
    """A venue's token for an integration, kept as a hash, with what it may do."""

    __tablename__ = "api_tokens"
    __table_args__ = (CheckConstraint("cardinality(scopes) > 0", name="scopes_are_given"),)

    id: Mapped[UuidKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    venue: Mapped[Venue] = relationship()


class Membership(Base):
    """That a person belongs to a venue, and as what."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint(one_of("post", Post), name="post_is_known"),)

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"), primary_key=True)
    post: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship(back_populates="memberships")
    venue: Mapped[Venue] = relationship()


class Invitation(Base):
    """That somebody is asked to a venue, until they follow the link or it runs out."""

    __tablename__ = "invitations"
    __table_args__ = (CheckConstraint(one_of("post", Post), name="post_is_known"),)

    id: Mapped[UuidKey]
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id"))
    link_id: Mapped[UUID] = mapped_column(
        ForeignKey("one_time_links.id", ondelete="CASCADE"), unique=True
    )
    email: Mapped[str] = mapped_column(String(320))
    post: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]

    venue: Mapped[Venue] = relationship()


Index(
    "uq_invitations_venue_id_email", Invitation.venue_id, func.lower(Invitation.email), unique=True
)
