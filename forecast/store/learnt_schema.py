"""The table of what the data made of each track's prior, read off its posterior."""

from sqlalchemy import Column, Index, Table

from forecast.store.columns import instant, metadata, row_id, text
from forecast.store.types import Json

learnt = Table(
    "learnt",
    metadata,
    row_id(),
    text("track"),
    text("definition"),
    text("unit"),
    text("model"),
    instant("as_of"),
    Column("beliefs", Json, nullable=False),
    instant("recorded_at"),
    Index("learnt_of_track", "track", "as_of"),
    Index("learnt_of_prior", "definition", "unit", "as_of"),
)
