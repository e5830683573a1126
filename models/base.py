"""The declarative base, the naming of constraints, and the column types that all tables share."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import CHAR, BigInteger, DateTime, Identity, Integer, MetaData, Numeric, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column


class Base(DeclarativeBase):
    """Base of every table; constraints are named, so that their violations can be told apart."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        Decimal: Numeric(12, 2),
        dict[str, Any]: JSONB,
    }


UuidKey = Annotated[
    UUID, mapped_column(Uuid, primary_key=True, server_default=text("gen_random_uuid()"))
]
IntKey = Annotated[int, mapped_column(Integer, Identity(), primary_key=True)]
BigKey = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Currency = Annotated[str, mapped_column(CHAR(3))]
CreatedAt = Annotated[
    datetime, mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))
]
JsonObject = Annotated[dict[str, Any], mapped_column(JSONB, server_default=text("'{}'::jsonb"))]
