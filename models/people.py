"""People who sign in, their roles, and the venues they belong to."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text, func, text
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
    """A person who can sign in."""

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
    created_at: Mapped[CreatedAt]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="user")

    def __str__(self) -> str:
        return self.email


Index("uq_users_email", func.lower(User.email), unique=True)


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
