"""The user and role as the sign-in library wants them; apart, so that workers load no web code.

They are mappings of their own onto the tables of User and Role, and no subclasses of them: a row
that a session has read as a User would otherwise hide the Account of the same key.
"""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from flask_security.core import RoleMixin, UserMixin
from sqlalchemy.orm import Mapped, relationship

from models.base import Base
from models.people import Role, User, user_roles


class AccountRole(Base, RoleMixin):
    """A row of `roles`, with the library's methods."""

    __table__ = Role.__table__


class Account(Base, UserMixin):
    """A row of `users`, with the library's methods."""

    __table__ = User.__table__

    if TYPE_CHECKING:
        id: UUID  # type: ignore[assignment]
        full_name: str | None
        created_at: datetime

    roles: Mapped[list[AccountRole]] = relationship(secondary=user_roles)  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.email
