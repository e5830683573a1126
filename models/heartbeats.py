"""Signs of life of the processes that nobody calls."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Heartbeat(Base):
    """When a kind of process (`decider`, `sweeper`) was last seen at work."""

    __tablename__ = "heartbeats"

    process: Mapped[str] = mapped_column(String(40), primary_key=True)
    seen_at: Mapped[datetime]
