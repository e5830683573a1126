"""The session of the admin and of sign-in: Flask-SQLAlchemy's, on the one engine of the process."""

from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine

from models import Base
from models.database import engine


class _SharedEngine(SQLAlchemy):
    """Flask-SQLAlchemy without an engine of its own: a second pool would double the connections."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        return engine()


db = _SharedEngine(metadata=Base.metadata)


def give_back_connection() -> None:
    """End the session before a verb opens its own: nobody holds a connection and waits for another.

    What was read stays readable; it is only cut off from the database.
    """
    db.session.remove()
