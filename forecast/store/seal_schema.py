"""The table of seals, which is only ever added to."""

from sqlalchemy import Column, Integer, LargeBinary, Table

from forecast.store.columns import instant, metadata, text
from forecast.store.types import Json

seal = Table(
    "seal",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    text("kind"),
    instant("sealed_at"),
    text("previous"),
    Column("content", Json, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    text("hash"),
)
