"""The reference of `bench bookings`: the synchronous design that most teams would write.

One request is one transaction: know the customer, lock the slot, take the places, write the
booking as confirmed, commit, answer 201. Served by uvicorn, with uvloop and httptools.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID, uuid4

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, EmailStr, Field
from sqlalchemy import CheckConstraint, DateTime, ForeignKey, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

engine = create_async_engine(os.environ["REFERENCE_DATABASE_URL"], pool_size=16, max_overflow=0)
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables."""

    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


class Slot(Base):
    """What is booked."""

    __tablename__ = "slots"
    __table_args__ = (CheckConstraint("remaining >= 0"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime]
    capacity: Mapped[int]
    remaining: Mapped[int]


class Customer(Base):
    """Who books."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str | None]
    phone: Mapped[str | None]


class Booking(Base):
    """Places that are taken."""

    __tablename__ = "bookings"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    reference: Mapped[str] = mapped_column(unique=True)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("slots.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    quantity: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CustomerIn(BaseModel):
    """Who books."""

    model_config = ConfigDict(extra="forbid")

    email: EmailStr
    full_name: Annotated[str, Field(max_length=200)] | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None


class BookingIn(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    slot_ids: Annotated[list[UUID], Field(min_length=1, max_length=1)]
    quantity: Annotated[int, Field(ge=1, le=10)]
    customer: CustomerIn


class BookingOut(BaseModel):
    """What was booked."""

    id: UUID
    reference: str
    slot_id: UUID
    quantity: int
    status: str
    customer: CustomerIn


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Give the connections back at the end."""
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/api/v1/bookings", status_code=201)
async def create_booking(wanted: BookingIn) -> BookingOut:
    """Book, or say that it is full."""
    async with new_session.begin() as session:
        customer_id = await know_customer(session, wanted.customer)
        slot = await session.scalar(
            select(Slot).where(Slot.id == wanted.slot_ids[0]).with_for_update()
        )
        if slot is None:
            raise HTTPException(404, "There is no such slot.")
        if slot.remaining < wanted.quantity:
            raise HTTPException(409, "The slot is full.")
        slot.remaining -= wanted.quantity
        booking = Booking(
            reference="".join(secrets.choice(ALPHABET) for _ in range(7)),
            slot_id=slot.id,
            customer_id=customer_id,
            quantity=wanted.quantity,
            status="confirmed",
        )
        session.add(booking)
    return BookingOut(
        id=booking.id,
        reference=booking.reference,
        slot_id=booking.slot_id,
        quantity=booking.quantity,
        status=booking.status,
        customer=wanted.customer,
    )


async def know_customer(session: AsyncSession, given: CustomerIn) -> int:
    """Write the customer, or what is new of one who is known, and return their id."""
    values = insert(Customer).values(given.model_dump())
    upsert = values.on_conflict_do_update(
        index_elements=[Customer.email],
        set_={"full_name": values.excluded.full_name, "phone": values.excluded.phone},
    )
    return (await session.execute(upsert.returning(Customer.id))).scalar_one()
